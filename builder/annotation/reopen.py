"""A published release turned back into a batch: its answers on the present texts, and as predictions.

Offsets are code points of an article's text, end exclusive. Pure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.adjudication.adjudicate import adjudicate
from builder.annotation.columns import Coded, Ints, coded, items, listed, same_as_above
from builder.annotation.questions import known_answers, targets_for
from builder.annotation.transfer import transfer_spans
from builder.io.parquet import whole
from builder.records import (
    GOLD,
    AnnotatorAssignment,
    Article,
    Dispute,
    Dropped,
    Prediction,
    PublishedAnnotation,
    Span,
)
from builder.records.arrow import arrow_schema, records_of
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True, eq=False)
class TransferredAnswers:
    """A release's answers on the present texts, sorted, with the number of spans read and the stale spans.

    `answers` has the Arrow schema of PublishedAnnotation.
    """

    answers: pa.Table
    taken: int
    set_aside: tuple[Dropped, ...]


def disputes_of(
    answers: pa.Table, articles: Mapping[str, Article], labels: Labels, rules: Adjudication
) -> tuple[Dispute, ...]:
    """Return the questions that the votes of a release left open, as `adjudicate` counts them without decisions.

    Answers on articles that are not in `articles` are left out.
    """
    known = pc.is_in(answers["article_id"], pa.array([*articles], pa.string()))
    table = answers.filter(pc.and_(known, pc.not_equal(answers["who"], GOLD)))
    named = table.rename_columns(["annotator" if name == "who" else name for name in table.column_names])
    versioned = named.append_column("schema", pa.repeat("", len(named)))  # releases do not say what was asked
    return tuple(records_of(adjudicate(versioned, (), articles, labels, rules).disputes, Dispute))


def transfer_answers(
    answers: pa.Table, articles: Mapping[str, Article], texts: Mapping[str, str]
) -> TransferredAnswers:
    """Transfer answers to the present texts of their articles. `texts` holds the published texts that differ.

    Uses transfer.py: a span whose words or edges changed is set aside.
    """
    order = np.lexsort((coded(answers["who"]).codes, coded(answers["article_id"]).codes))
    table = answers.take(pa.array(order))
    article, marks = coded(table["article_id"]), _marks(table)
    taken, aside = len(marks.row), list[Dropped]()
    moved = np.flatnonzero(np.array([name in texts for name in article.names], bool)[article.codes])
    if len(moved):
        marks, aside = _moved(table, marks, moved, articles, texts)
    hashes = pa.array([articles[name].text_sha for name in article.names], pa.string())
    columns = {name: table[name] for name in table.column_names} | {
        "text_sha": hashes.take(pa.array(article.codes)), "spans": marks.lists(len(table)), "stances": _sorted_stances(table),
    }  # fmt: skip
    return TransferredAnswers(pa.table(columns, schema=answers.schema), taken, tuple(aside))


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """The spans of answers by row, start, end and label."""

    row: Ints
    start: Ints
    end: Ints
    label: Coded

    def lists(self, rows: int) -> pa.ListArray:
        """Return the spans as a column, without ids."""
        kind = arrow_schema(PublishedAnnotation).field("spans").type.value_type
        names = pa.array(self.label.names, pa.string()).take(pa.array(self.label.codes))
        parts = [pa.array(self.start), pa.array(self.end), names, pa.repeat("", len(names))]
        return listed(self.row, rows, pa.StructArray.from_arrays(parts, fields=list(kind)))

    def spans(self, low: int, high: int) -> list[Span]:
        """Return some of the spans as records."""
        columns = (column[low:high].tolist() for column in (self.start, self.end, self.label.codes))
        return [Span(start, end, self.label.names[code]) for start, end, code in zip(*columns, strict=True)]


def _marks(table: pa.Table) -> _Marks:
    """Return the distinct spans of answers, in order."""
    drawn = items(table, "spans")
    start, end, label = drawn.numbers("start"), drawn.numbers("end"), drawn.strings("label")
    order = np.lexsort((label.codes, end, start, drawn.row))
    keys = [column[order] for column in (drawn.row, start, end, label.codes)]
    row, start, end, codes = (key[~same_as_above(*keys)] for key in keys)
    return _Marks(row, start, end, Coded(label.names, codes))


def _moved(
    table: pa.Table, marks: _Marks, rows: Ints, articles: Mapping[str, Article], texts: Mapping[str, str]
) -> tuple[_Marks, list[Dropped]]:
    """Return the spans with those of some rows moved to the present texts, and the spans of these that are stale."""
    aside: list[Dropped] = []
    carried: list[tuple[int, int, int, int]] = []
    place = {name: number for number, name in enumerate(marks.label.names)}
    cuts = (np.searchsorted(marks.row, edge).tolist() for edge in (rows, rows + 1))
    for row, low, high in zip(rows.tolist(), *cuts, strict=True):
        name, who = table["article_id"][row].as_py(), table["who"][row].as_py()
        found = transfer_spans(texts[name], articles[name].text, marks.spans(low, high))
        aside += [
            Dropped("reopen", f"{name} {who} {s.start}-{s.end} {s.label}", "its text changed") for s in found.stale
        ]
        carried += [(row, span.start, span.end, place[span.label]) for span in found.spans]
    others = ~np.isin(marks.row, rows)
    there = [column[others] for column in (marks.row, marks.start, marks.end, marks.label.codes)]
    added = np.array(carried, np.int64).reshape(-1, len(there)).T
    row, start, end, codes = (np.concatenate([old, new]) for old, new in zip(there, added, strict=True))
    order = np.lexsort((codes, end, start, row))
    return _Marks(row[order], start[order], end[order], Coded(marks.label.names, codes[order])), aside


def _sorted_stances(table: pa.Table) -> pa.ListArray:
    """Return the stances of answers, those of each in order."""
    given = items(table, "stances")
    order = np.lexsort((given.strings("value").codes, given.strings("target").codes, given.row))
    return listed(given.row, len(table), given.values.take(pa.array(order)))


def assigned(batch: str, answers: pa.Table, annotators: Collection[str]) -> list[AnnotatorAssignment]:
    """Assign each article to those of the annotators who judged it."""
    chosen = answers.filter(pc.is_in(answers["who"], pa.array(sorted(annotators), pa.string())))
    pairs = sorted({*zip(chosen["article_id"].to_pylist(), chosen["who"].to_pylist(), strict=True)})
    return [AnnotatorAssignment(batch, article, who, "overlap") for article, who in pairs]


def restore_batches(judgements: pa.Table, batches: Mapping[str, pa.Table], reopened: Collection[str]) -> pa.Table:
    """Relabel judgements of reopened batches with the original batch of their article; leave others as they are.

    `batches` holds the articles of each batch. A revised judgement is so published and measured together with the
    other judgements of its article.
    """
    restored, place = judgements["batch"], judgements.column_names.index("batch")
    again = pc.is_in(restored, pa.array(sorted(reopened), pa.string()))
    for batch in sorted(batches.keys() - {*reopened}, reverse=True):  # of several the first in the alphabet counts
        own = pc.is_in(judgements["article_id"], whole(batches[batch]["article_id"]))
        restored = pc.if_else(pc.and_(again, own), batch, restored)
    return judgements.set_column(place, judgements.schema.field(place), restored)


def predictions(
    answers: Sequence[PublishedAnnotation], articles: Mapping[str, Article], labels: Labels
) -> dict[tuple[str, str], Prediction]:
    """Turn answers into predictions by (article, author), named `a-0123456789 v1.2.0` or `gold v1.2.0`.

    Only answers on the article's present text are used, and of these only labels, targets and values that
    labels.yaml defines.
    """
    known = set(labels.entity_names)
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    made: dict[tuple[str, str], Prediction] = {}
    for answer in answers:
        article = articles.get(answer.article_id)
        if article is None or article.text_sha != answer.text_sha:
            continue
        asked = {target.id for target in targets_for(article, labels)}
        spans = tuple(s for s in answer.spans if s.label in known and 0 <= s.start < s.end <= len(article.text))
        stances = tuple(stance for stance in answer.stances if stance.target in asked and stance.value in values)
        name = f"{answer.who} v{answer.version}"
        made[answer.article_id, answer.who] = Prediction(
            name, spans, stances, judged=True, answers=known_answers(answer.answers, labels)
        )
    return made
