"""Gold and judgements as Arrow tables, one for each config and split.

Offsets are code points of `text`, end exclusive. Rows are sorted and hold neither clock times nor server ids, so that
the same annotations give the same rows. builder.release.tables.columns computes the columns.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Generic, TypeVar

import pyarrow as pa

from builder.records import Article, Dropped, KhabarError, StageCounts, count_by_reason, user_error
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.columns import (
    AnnotationRow,
    Columns,
    EntityRow,
    StanceRow,
    annotations,
    articles,
    entities,
    record_batch,
    stance,
)
from builder.release.tables.features import arrow_schema, features, label_names
from builder.release.tables.inputs import Lookup, TableInputs, edit_faults, faults, index_inputs, instant
from builder.release.tables.iob2 import NESTED, TokenTags
from builder.release.tables.mentions import InvalidSpan
from builder.release.tables.questions import QuestionRow, question_pairs, questions
from builder.release.tables.spill import TableSpill

R = TypeVar("R")

Tables = dict[str, dict[str, pa.Table]]

ROWS = 250
"""Rows whose columns are computed at once; their texts fit the processor's cache."""

ORDER = attrgetter("article_id", "annotator", "batch", "status", "spans", "stances", "remark", "answers")
"""Sort key of judgements; if all of these are equal, the quicker judgement comes first."""

TAGGED = ("spans in ner_tags", "spans in ner_tags_inner")
"""Units of the accounts of the two tag layers; the spans nested in the first are the input of the second."""

WITHHELD_AUTHOR = "not published (publish_authors is off)"


@dataclass(frozen=True, slots=True)
class BuiltTables:
    """Tables by config and split, with the accounts of the rows and spans that they leave out.

    `set_aside` includes the spans that neither tag layer holds. `cut_spans` and `cut_inner` count, for the outer and
    the inner layer, mentions that begin or end inside a token, which is tagged whole.
    """

    tables: Tables
    accounts: tuple[StageCounts, ...]
    set_aside: tuple[Dropped, ...]
    cut_spans: int
    cut_inner: int = 0


def build_tables(material: TableInputs, scratch: TableSpill | None = None) -> BuiltTables:
    """Build the tables of every config; each has all splits, even if empty.

    The tables are in memory, or in the scratch folder if there is one, with the same rows. Raises KhabarError (exit code 1)
    with every span that its article does not allow and every stance that the labels do not allow.
    """
    known, labels = index_inputs(material), material.labels
    losses, names = _Losses(), label_names(labels, asked=bool(material.asked))

    def tagged(rows: Sequence[EntityRow]) -> Columns:
        columns, tags = entities(rows, labels, known)
        losses.add(rows, tags)
        return columns

    # One config after the other, so that the rows of one are freed before those of the next are chosen.
    made: Tables = {}
    accounts: list[StageCounts] = []
    aside: list[Dropped] = []

    def make(config: str, part: _ConfigRows[R], columns: Callable[[Sequence[R]], Columns]) -> None:
        made[config] = _build_config(part, columns, arrow_schema(features(names)[config]), scratch, config)
        accounts.append(part.account)
        aside.extend(part.aside)

    try:
        make("entities", _entities(material, known), tagged)
        make("annotations", _annotations(material, known), lambda rows: annotations(rows, labels))
    except (InvalidSpan, OverflowError):  # an offset that overflows is outside any text
        raise KhabarError(*faults(material, known), exit_code=1) from None
    except ValueError:
        if unfit := list(edit_faults(known)):
            raise KhabarError(*unfit, exit_code=1) from None
        raise
    make("articles", _articles(known), lambda rows: articles(rows, known))
    if labels.stances is not None:
        make("stance", _stance(material, known), lambda rows: stance(rows, labels, known))
    if labels.questions:
        make("questions", _questions(material, known), lambda rows: questions(rows, labels, known))
    authors, dates = _authors(known), _dates(known)
    accounts += [*losses.accounts, authors.account, dates.account, *_relations(material)]
    aside += [*losses.aside, *authors.aside, *dates.aside]
    tables = {config: made[config] for config in features(names)}
    return BuiltTables(tables, tuple(accounts), tuple(aside), *losses.cut)


def non_empty(tables: Tables) -> Tables:
    """Return the tables that have rows, because no version of `datasets` can load an empty split.

    Raises KhabarError (exit code 1) if there are neither entities nor stances nor answers to questions.
    """
    filled = {c: {s: table for s, table in splits.items() if table.num_rows} for c, splits in tables.items()}
    if not any(filled.get(config) for config in ("entities", "stance", "questions")):
        raise user_error(
            "nothing-settled",
            "no article has settled spans, stances or answers, so there is nothing to release",
            fix="run `khabar adjudicate`; `khabar status` shows what is open",
            exit_code=1,
        )
    return {config: splits for config, splits in filled.items() if splits}


@dataclass(slots=True)
class _ConfigRows(Generic[R]):
    """The rows of a config by split, in order, and the records that it leaves out."""

    unit: str
    taken: int
    rows: dict[str, list[R]] = field(default_factory=lambda: {split: [] for split in SPLIT_NAMES})
    aside: list[Dropped] = field(default_factory=list)

    def put_aside(self, what: str, reason: str, detail: str = "") -> None:
        self.aside.append(Dropped("build", what, reason, detail))

    @property
    def account(self) -> StageCounts:
        return count_by_reason("build", self.unit, self.taken, self.taken - len(self.aside), self.aside)


@dataclass(slots=True)
class _Losses:
    """Counts of the spans that the tags of all articles hold and lose."""

    spans: int = 0
    nested: int = 0
    lost: Counter[tuple[bool, str]] = field(default_factory=Counter)
    aside: list[Dropped] = field(default_factory=list)
    cut: tuple[int, int] = (0, 0)

    def add(self, rows: Sequence[EntityRow], tags: TokenTags) -> None:
        self.spans += sum(len(row.gold.spans) for row in rows)
        self.nested += tags.nested
        self.cut = (self.cut[0] + tags.cut[0], self.cut[1] + tags.cut[1])
        for number, span, reason, deep in tags.lost:
            self.lost[deep, reason] += 1
            what = f"{rows[number].article.id} {span.start}-{span.end} {span.label}"
            self.aside.append(Dropped("build", what, f"{reason}, in a span" if deep else reason))

    @property
    def accounts(self) -> tuple[StageCounts, StageCounts]:
        """Return the accounts of the outer and the inner layer."""
        outer = {reason: count for (deep, reason), count in self.lost.items() if not deep}
        outer |= {NESTED: self.nested} if self.nested else {}
        inner = {f"{reason}, in a span": count for (deep, reason), count in self.lost.items() if deep}
        taken = (self.spans, self.nested)
        outer_account, inner_account = (
            StageCounts("build", unit, n, n - sum(lost.values()), dict(sorted(lost.items())))
            for unit, n, lost in zip(TAGGED, taken, (outer, inner), strict=True)
        )
        return outer_account, inner_account


def _build_config(
    part: _ConfigRows[R],
    columns: Callable[[Sequence[R]], Columns],
    schema: pa.Schema,
    scratch: TableSpill | None,
    config: str,
) -> dict[str, pa.Table]:
    """Build the table of each split of a config, ROWS rows at a time."""

    def parts(rows: Sequence[R]) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(rows), ROWS):
            yield record_batch(columns(rows[start : start + ROWS]), schema)

    if scratch is None:
        return {split: pa.Table.from_batches(parts(rows), schema) for split, rows in part.rows.items()}
    return {split: scratch.table(f"{config}-{split}", schema, parts(rows)) for split, rows in part.rows.items()}


def _relations(material: TableInputs) -> Iterator[StageCounts]:
    """Yield the account of the relations between spans, which no config holds, if annotators drew any."""
    drawn = sum(len(judgement.relations) for judgement in material.judgements)
    if drawn:
        yield StageCounts("build", "relations", drawn, 0, {"relations are not published": drawn})


def _authors(known: Lookup) -> _ConfigRows[str]:
    """Account for the authors of the published articles, all of which are withheld unless they may be published."""
    part: _ConfigRows[str] = _ConfigRows("authors", 0)
    for article_id, article in sorted(known.articles.items()):
        if known.exclusion_reason(article_id) is None and known.author(article):
            part.taken += 1
            if not known.publish_authors:
                part.put_aside(f"author of {article_id}", WITHHELD_AUTHOR)
    return part


def _dates(known: Lookup) -> _ConfigRows[str]:
    """Check the dates of the published documents."""
    used = {article.document_id for article in known.articles.values() if known.exclusion_reason(article.id) is None}
    part: _ConfigRows[str] = _ConfigRows("dates", 0)
    for document in (known.documents[document_id] for document_id in sorted(used)):
        if document.published_at:
            part.taken += 1
            if instant(document.published_at) is None:
                part.put_aside(f"document {document.id}", "not an ISO 8601 date", document.published_at)
    return part


def _entities(material: TableInputs, known: Lookup) -> _ConfigRows[EntityRow]:
    """Choose the rows of `entities`."""
    golds = {gold.article_id: gold for gold in material.golds}
    disputed = {d.article_id for d in material.disputes if d.what.startswith("span:")}
    ids = sorted({*known.articles, *golds})
    part: _ConfigRows[EntityRow] = _ConfigRows("articles in entities", len(ids))
    for article_id in ids:
        gold = golds.get(article_id)
        why = known.exclusion_reason(article_id, gold.text_sha if gold else None)
        why = why or ("open dispute over its spans" if article_id in disputed else None)
        why = why or ("nobody looked for its mentions" if article_id in material.unmarked else None)
        if why or gold is None:
            part.put_aside(f"article {article_id} in entities", why or "no gold")
            continue
        part.rows[known.splits[article_id]].append(EntityRow(known.articles[article_id], gold))
    return part


def _stance(material: TableInputs, known: Lookup) -> _ConfigRows[StanceRow]:
    """Choose the rows of `stance`."""
    golds = {gold.article_id: gold for gold in material.golds}
    answers = {(g.article_id, s.target): s.value for g in material.golds for s in g.stances}
    disputed = {(d.article_id, d.what[len("stance:") :]) for d in material.disputes if d.what.startswith("stance:")}
    pairs = sorted({*answers, *disputed})
    part: _ConfigRows[StanceRow] = _ConfigRows("pairs of article and target in stance", len(pairs))
    published = set(material.labels.published_values)
    for article_id, target in pairs:
        gold = golds.get(article_id)
        why = known.exclusion_reason(article_id, gold.text_sha if gold else None)
        if why is None and (article_id, target) in disputed:
            why = "open dispute over its stance"
        elif why is None and answers[article_id, target] not in published:
            why = "its answer is not one that is published"
        if why or gold is None:
            part.put_aside(f"article {article_id} on {target}", why or "no gold")
            continue
        row = StanceRow(known.articles[article_id], gold, target, answers[article_id, target])
        part.rows[known.splits[article_id]].append(row)
    return part


def _questions(material: TableInputs, known: Lookup) -> _ConfigRows[QuestionRow]:
    """Choose the rows of `questions`."""
    pairs = [*question_pairs(material, known)]
    part: _ConfigRows[QuestionRow] = _ConfigRows("pairs of article and question in questions", len(pairs))
    for pair in pairs:
        if pair.row is None:
            part.put_aside(f"article {pair.article_id} on {pair.question}", pair.why)
        else:
            part.rows[known.splits[pair.article_id]].append(pair.row)
    return part


def _annotations(material: TableInputs, known: Lookup) -> _ConfigRows[AnnotationRow]:
    """Choose the rows of `annotations`."""
    part: _ConfigRows[AnnotationRow] = _ConfigRows("judgements in annotations", len(material.judgements))
    for judgement in sorted(material.judgements, key=lambda judgement: (ORDER(judgement), judgement.seconds or 0)):
        article_id = judgement.article_id
        why = known.exclusion_reason(article_id, judgement.text_sha)
        if why:
            part.put_aside(f"judgement of {judgement.annotator} on {article_id}", why)
            continue
        part.rows[known.splits[article_id]].append(AnnotationRow(known.articles[article_id], judgement))
    return part


def _articles(known: Lookup) -> _ConfigRows[Article]:
    """Choose the rows of `articles`."""
    part: _ConfigRows[Article] = _ConfigRows("articles in articles", len(known.articles))
    for article_id, article in sorted(known.articles.items()):
        why = known.exclusion_reason(article_id)
        if why:
            part.put_aside(f"article {article_id} in articles", why)
            continue
        part.rows[known.splits[article_id]].append(article)
    return part
