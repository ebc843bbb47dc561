"""The canonical form of collected judgements, from which agreement and votes are computed.

Everything that is dropped is accounted for. Collected files are never changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Coded, Ints, listed, structs
from builder.annotation.quality.answers import ANSWER_REASONS, GivenAnswers, read_given_answers
from builder.annotation.quality.rules import place
from builder.annotation.quality.spans import SPAN_REASONS, PlacedSpans, place_spans
from builder.annotation.quality.stances import STANCE_REASONS, GivenStances, read_stances
from builder.annotation.quality.standing import REASONS, Standing, names_of, tell_apart
from builder.annotation.questions import targets_by_article
from builder.records import Article, Dropped, StageCounts, count_by_reason
from builder.records.annotation import Answer, Span, Stance
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The answers of judgements on the present texts of articles, each with the reason it does not count."""

    table: pa.Table
    place: Ints
    """The place of each judgement's article."""
    spans: PlacedSpans
    stances: GivenStances
    chosen: GivenAnswers
    """The answers to questions on whole articles."""
    asked: Mapping[str, tuple[str, ...]]
    """The targets that each of these articles asks about."""


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """Judgements in order, each with the reason it does not count, and the answers of those that do."""

    articles: Sequence[Article]
    labels: Labels
    standing: Standing
    answers: Answers


@dataclass(frozen=True, slots=True, eq=False)
class Canonical:
    """The judgements that count, by article and annotator, with canonical answers; accounts and what was dropped."""

    table: pa.Table
    accounts: tuple[StageCounts, ...]
    dropped: tuple[Dropped, ...]


def read_form(table: pa.Table, articles: Sequence[Article], labels: Labels) -> Form:
    """Return the form of judgements: which of them count, and which of their answers."""
    standing = tell_apart(table, articles)
    rows = standing.rows("")
    return Form(
        articles, labels, standing, read_answers(standing.table.take(rows), standing.place[rows], articles, labels)
    )


def read_answers(table: pa.Table, place: Ints, articles: Sequence[Article], labels: Labels) -> Answers:
    """Return the answers of judgements, all on present texts; `place` is that of each judgement's article."""
    found = targets_by_article((articles[number] for number in np.unique(place).tolist()), labels)
    asked = {name: tuple(target.id for target in targets) for name, targets in found.items()}
    spans = place_spans(table, place, articles, labels)
    stances = read_stances(table, place, articles, labels, asked)
    return Answers(table, place, spans, stances, read_given_answers(table, labels), asked)


def canonicalise(form: Form) -> Canonical:
    """Return the judgements that count, sorted by article and annotator, with accounts and dropped items.

    Of each annotator the latest submitted judgement on an article's present text counts, by (updated_at,
    annotation_id). Its spans are trimmed, expanded to whole words, deduplicated and sorted. Only answers that
    labels.yaml defines are kept. The accounts cover the judgements, and the spans, stances and answers of those kept.
    """
    standing, answers = form.standing, form.answers
    lost = np.flatnonzero(standing.reason)
    whys = (REASONS[code] for code in standing.reason[lost].tolist())
    ledger = [Dropped("check", name, why) for name, why in zip(names_of(standing.table, lost), whys, strict=True)]
    spans = _dropped_spans(answers)
    stances = _dropped_answers(answers, "stance", answers.stances, answers.stances.target, STANCE_REASONS)
    chosen = _dropped_answers(answers, "question", answers.chosen, answers.chosen.question, ANSWER_REASONS)
    drawn, given, ticked = len(answers.spans.row), len(answers.stances.row), len(answers.chosen.row)
    accounts = (
        count_by_reason("check", "judgements", standing.table.num_rows, answers.table.num_rows, ledger),
        count_by_reason("check", "spans", drawn, drawn - len(spans), spans),
        count_by_reason("check", "stances", given, given - len(stances), stances),
    )
    asked = form.labels.questions or ticked
    more = [count_by_reason("check", "answers", ticked, ticked - len(chosen), chosen)] if asked else []
    return Canonical(canonical_table(answers), (*accounts, *more), (*ledger, *spans, *stances, *chosen))


def canonical_table(answers: Answers) -> pa.Table:
    """Return the judgements with the answers that count, in canonical form and sorted."""
    table, spans, stances, chosen = answers.table, answers.spans, answers.stances, answers.chosen
    kept, said, ticked = spans.counting, np.flatnonzero(stances.reason == 0), np.flatnonzero(chosen.reason == 0)
    columns = {
        "spans": (spans.row[kept], [spans.low[kept], spans.high[kept], spans.label.taken(kept), spans.ids.take(kept)], Span),
        "stances": (stances.row[said], [stances.target.taken(said), stances.value.taken(said)], Stance),
        "answers": (chosen.row[ticked], [chosen.question.taken(ticked), chosen.value.taken(ticked)], Answer),
    }  # fmt: skip
    for name, (row, parts, record) in columns.items():
        number = table.column_names.index(name)
        column = listed(row, table.num_rows, structs(record, *parts))
        table = table.set_column(number, table.schema.field(name), column)
    return table


def answer_keys(answers: Answers) -> list[bytes]:
    """Return for each judgement what is equal where the answers that count are, without ids and order."""
    spans, stances, rows = answers.spans, answers.stances, answers.table.num_rows
    chosen = answers.chosen
    kept, said, ticked = spans.counting, np.flatnonzero(stances.reason == 0), np.flatnonzero(chosen.reason == 0)
    parts = [
        (spans.row[kept], np.stack([spans.low[kept], spans.high[kept], spans.label.codes[kept]], 1)),
        (stances.row[said], np.stack([stances.target.codes[said], stances.value.codes[said], said * 0 - 1], 1)),
        (chosen.row[ticked], np.stack([chosen.question.codes[ticked], chosen.value.codes[ticked], ticked * 0 - 2], 1)),
    ]
    cuts = [np.searchsorted(row, np.arange(rows + 1)).tolist() for row, _ in parts]
    return [
        b"".join(values[cut[row] : cut[row + 1]].tobytes() for (_, values), cut in zip(parts, cuts, strict=True))
        for row in range(rows)
    ]


def _dropped_spans(answers: Answers) -> list[Dropped]:
    spans = answers.spans
    lost = np.flatnonzero(spans.reason)
    names = _names(answers.table, spans.row[lost])
    return [
        Dropped("check", f"{place(span)} {span.label} in {names[row]}", SPAN_REASONS[why])
        for span, row, why in zip(
            map(spans.span, lost.tolist()), spans.row[lost].tolist(), spans.reason[lost].tolist(), strict=True
        )
    ]


def _dropped_answers(
    answers: Answers, kind: str, given: GivenStances | GivenAnswers, asked: Coded, reasons: Sequence[str]
) -> list[Dropped]:
    """Return the answers of a kind that do not count, each with its value; `asked` has the names of the questions."""
    lost = np.flatnonzero(given.reason)
    names = _names(answers.table, given.row[lost])
    columns = (given.row[lost].tolist(), given.reason[lost].tolist(), asked.taken(lost).to_pylist(),
               given.value.taken(lost).to_pylist())  # fmt: skip
    return [
        Dropped("check", f"{kind} {name} in {names[row]}", reasons[why], value)
        for row, why, name, value in zip(*columns, strict=True)
    ]


def _names(table: pa.Table, rows: Ints) -> dict[int, str]:
    used = np.unique(rows)
    return dict(zip(used.tolist(), names_of(table, used), strict=True))
