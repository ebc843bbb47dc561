"""The rows and columns of `questions`: the settled answers to questions on whole articles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from builder.records import Answer, Gold
from builder.release.tables.arrow import strings
from builder.release.tables.columns import Columns
from builder.release.tables.encoded import EncodedArticles
from builder.release.tables.inputs import Lookup, TableInputs
from builder.schema.labels import Labels

KEY = "question:"
"""What the name of a question begins with in votes, disputes and decisions."""


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """A row of `questions`: the gold answer of an article to one question, and how many annotators answered it."""

    gold: Gold
    question: str
    answered: int


@dataclass(frozen=True, slots=True)
class QuestionPair:
    """An article and a question that was settled or is disputed; `row` is None if it is not published, `why` says why."""

    article_id: str
    question: str
    row: QuestionRow | None
    why: str = ""


def question_pairs(material: TableInputs, known: Lookup) -> Iterator[QuestionPair]:
    """Yield each pair of article and question, sorted."""
    golds = {gold.article_id: gold for gold in material.golds}
    settled = {(gold.article_id, answer.question) for gold in material.golds for answer in gold.answers}
    disputed = {(d.article_id, d.what.removeprefix(KEY)) for d in material.disputes if d.what.startswith(KEY)}
    answered = _answered(material)
    for article_id, question in sorted(settled | disputed):
        gold = golds.get(article_id)
        why = known.exclusion_reason(article_id, gold.text_sha if gold else None)
        if why is None and (article_id, question) in disputed:
            why = "open dispute over its answer"
        if why or gold is None:
            yield QuestionPair(article_id, question, None, why or "no gold")
            continue
        row = QuestionRow(gold, question, answered.get((article_id, question), 0))
        yield QuestionPair(article_id, question, row)


def _answered(material: TableInputs) -> Mapping[tuple[str, str], int]:
    """Return how many annotators answered each question of each article."""
    counts: dict[tuple[str, str], int] = {}
    for judgement in material.judgements:
        for question in {answer.question for answer in judgement.answers}:
            key = judgement.article_id, question
            counts[key] = counts.get(key, 0) + 1
    return counts


def questions(rows: Sequence[QuestionRow], labels: Labels, encoded: EncodedArticles) -> Columns:
    """Compute the columns of `questions`.

    `soft_label` holds the share of the annotators who answered that gave each value, in the order of `values`: with
    several answers the shares need not add up to 1. It is null if nobody answered. `confidence` is that of the least
    certain answer.
    """
    asked = {question.id: question for question in labels.questions}
    values = [asked[row.question].value_names for row in rows]
    counts = [_votes(row, names) for row, names in zip(rows, values, strict=True)]
    soft = [
        [count / row.answered for count in given] if row.answered else None
        for row, given in zip(rows, counts, strict=True)
    ]
    article_ids = [row.gold.article_id for row in rows]
    return {
        "id": strings(f"{row.gold.article_id}:{row.question}" for row in rows),
        "article_id": strings(article_ids),
        "question": strings(row.question for row in rows),
        "question_name": strings(asked[row.question].ar for row in rows),
        "answers": pa.array(
            [_answers(row, names) for row, names in zip(rows, values, strict=True)], pa.list_(pa.string())
        ),
        "values": pa.array(values, pa.list_(pa.string())),
        "label_counts": pa.array(counts, pa.list_(pa.int32())),
        "soft_label": pa.array(soft, pa.list_(pa.float64())),
        "n_annotators": pa.array([row.answered for row in rows], pa.int32()),
        "adjudicated": pa.array([KEY + row.question in row.gold.decided for row in rows], pa.bool_()),
        "confidence": pa.array([_confidence(row) for row in rows], pa.float64()),
        **encoded.take(article_ids),
    }


def _answers(row: QuestionRow, values: Sequence[str]) -> list[str]:
    """Return the gold values of a question, in the order of labels.yaml."""
    return [value for value in values if Answer(row.question, value) in row.gold.answers]


def _votes(row: QuestionRow, values: Sequence[str]) -> list[int]:
    """Return how many annotators gave each value."""
    votes = {vote.answer: vote.count for vote in row.gold.votes if vote.what == KEY + row.question}
    return [votes.get(value, 0) for value in values]


def _confidence(row: QuestionRow) -> float | None:
    """Return the confidence of the least certain answer."""
    return min((sure.value for sure in row.gold.confidence if sure.what == KEY + row.question), default=None)
