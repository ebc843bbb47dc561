"""Answers to questions on whole articles that labels.yaml no longer has: one error for each question and value."""

from collections import Counter
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from builder.annotation.columns import items
from builder.annotation.migration.offered import Answers
from builder.annotation.migration.plan import LABELS
from builder.records import Answer, Issue
from builder.schema.labels import Labels


def count_answers(tables: Iterable[pa.Table], others: Iterable[Answers]) -> Counter[Answer]:
    """Count the answers of judgements, and of annotations that name no version of labels.yaml."""
    counts: Counter[Answer] = Counter()
    for table in tables:
        given = items(table, "answers")
        question, value = given.strings("question"), given.strings("value")
        found, times = np.unique(np.stack([question.codes, value.codes], 1), axis=0, return_counts=True)
        for (asked, said), number in zip(found.tolist(), times.tolist(), strict=True):
            counts[Answer(question.names[asked], value.names[said])] += number
    for one in others:
        counts.update(one.answers)
    return counts


def lost_answers(counts: Counter[Answer], labels: Labels) -> Counter[Answer]:
    """Return the counted answers whose question or value labels.yaml has not."""
    known = {Answer(question.id, value) for question in labels.questions for value in question.value_names}
    return Counter({answer: number for answer, number in counts.items() if answer not in known})


def lost_answer_faults(lost: Counter[Answer], labels: Labels) -> Iterator[Issue]:
    """Yield an error for each question, and each value of one, that annotations have and labels.yaml has not."""
    asked = {question.id for question in labels.questions}
    gone: Counter[str] = Counter()
    for answer, number in sorted(lost.items()):
        if answer.question in asked:
            yield _issue(
                number,
                f"{answer.value} to the question {answer.question}",
                f"the value {answer.value}",
                answer.question,
            )
        else:
            gone[answer.question] += number
    for question, number in sorted(gone.items()):
        yield _issue(number, f"to the question {question}", f"the question {question} with its values", "")


def _issue(number: int, what: str, back: str, name: str) -> Issue:
    """Return an error of labels.yaml about the entry of this name, whose line the caller fills in."""
    message = f"{number:,} answer{' is' if number == 1 else 's are'} {what}, which labels.yaml no longer has"
    return Issue(
        "error", "labels", message, f"{LABELS}#{name}", f"put {back} back: questions and values keep their names"
    )
