"""The canonical form of judgements' answers to questions on whole articles, as columns: known values, as many as allowed."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Coded, Ints, items, same_as_above
from builder.annotation.quality.stances import SEVERAL, TWICE, UNKNOWN_VALUE
from builder.records import Answer
from builder.schema.labels import Labels

UNKNOWN_QUESTION = "unknown question"

ANSWER_REASONS = ("", UNKNOWN_QUESTION, UNKNOWN_VALUE, SEVERAL, TWICE)


@dataclass(frozen=True, slots=True, eq=False)
class GivenAnswers:
    """The answers of judgements to questions, sorted in each judgement; `row` is the judgement of each."""

    row: Ints
    question: Coded
    value: Coded
    reason: Ints
    """The place of the reason in ANSWER_REASONS that an answer does not count."""
    missing: Ints
    """The number of questions that each judgement leaves open."""

    def answer(self, number: int) -> Answer:
        """Return an answer as given."""
        return Answer(self.question.names[self.question.codes[number]], self.value.names[self.value.codes[number]])


def read_given_answers(table: pa.Table, labels: Labels) -> GivenAnswers:
    """Return the answers of judgements to questions; every article is asked all questions of labels.yaml."""
    given = items(table, "answers")
    question, value = given.strings("question"), given.strings("value")
    order = np.lexsort((value.codes, question.codes, given.row))
    row = given.row[order]
    question, value = (Coded(column.names, column.codes[order]) for column in (question, value))
    asked = question.among([one.id for one in labels.questions])
    fresh = ~same_as_above(row, question.codes, value.codes)
    first = ~same_as_above(row, question.codes)
    group = np.cumsum(first) - 1
    crowded = np.bincount(group[fresh], minlength=int(group.max(initial=-1)) + 1) > 1
    single = np.array([one.answers == "one" for one in labels.questions] + [False])  # the last one is unknown
    reason = np.select(
        [asked < 0, ~_known_values(asked, value, labels), crowded[group] & single[asked], ~fresh],
        [*range(1, len(ANSWER_REASONS))],
        0,
    )
    answered = np.bincount(row[first & (asked >= 0)], minlength=table.num_rows)
    return GivenAnswers(row, question, value, reason, len(labels.questions) - answered)


def _known_values(asked: Ints, value: Coded, labels: Labels) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether each answer is a value of its question; `asked` is the question's place in labels.yaml."""
    known = np.zeros(len(asked), bool)
    for number, question in enumerate(labels.questions):
        known |= (asked == number) & (value.among([*question.value_names]) >= 0)
    return known
