"""The votes on stances and on questions about whole articles, counted over columns.

The value that more than half of those who answered gave wins. Where a question takes several answers, each value is
voted on alone, and the question is disputed if any of its values is tied or if none wins.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Bools, Ints, coded, items
from builder.annotation.migration.asked import asked_people


@dataclass(frozen=True, slots=True, eq=False)
class AnswerVotes:
    """The votes on each pair of an article and something asked of it: a stance target, or a question on the whole.

    `counts` has the votes for each value, `answered` the annotators who answered, and `won` the values that more than
    half of them gave; it is empty where any value has exactly half of them.
    """

    article: Ints
    asked: Ints
    counts: Ints
    answered: Ints
    won: Bools


def vote_answers(article: Ints, judge: Ints, asked: Ints, value: Ints, values: int) -> AnswerVotes:
    """Count the answers to each pair of article and question; the columns are those of single answers."""
    given = _distinct(article, asked, value, judge)
    pair, pair_of = _numbered(given[:, :2])
    counts = np.bincount(pair_of * values + given[:, 2], minlength=len(pair) * values).reshape(len(pair), values)
    answered = np.bincount(_distinct(pair_of, given[:, 3])[:, 0], minlength=len(pair))
    tied = (counts * 2 == answered[:, None]).any(axis=1)
    won: Bools = (counts * 2 > answered[:, None]) & ~tied[:, None]
    return AnswerVotes(pair[:, 0], pair[:, 1], counts, answered, won)


@dataclass(frozen=True, slots=True, eq=False)
class GivenAnswers:
    """The answers of judgements: the judgement of each, what it answers, and its value, by their numbers."""

    row: Ints
    asked: Ints
    value: Ints


def given_answers(table: pa.Table, column: str, asked: Sequence[str], values: Sequence[Sequence[str]]) -> GivenAnswers:
    """Return the answers in `stances` or `answers`; `values` has those of each of the questions `asked`."""
    given = items(table, column)
    question = given.strings("target" if column == "stances" else "question").among([*asked])
    answer = given.strings("value")
    every = [answer.among([*names]) for names in values]
    chosen = np.stack(every, axis=1)[np.arange(len(question)), question] if every else question
    return GivenAnswers(given.row, question, chosen)


def was_asked(table: pa.Table, asks: Callable[[str, str], bool], given: GivenAnswers, asked: Sequence[str]) -> Bools:
    """Return whether each judgement was asked each question (judgements x questions). Who answered was asked.

    `asks` tells whether the pages of a version asked a question.
    """
    versions = coded(table["schema"])
    offered = np.array([[asks(version, question) for question in asked] for version in versions.names], bool)
    found: Bools = offered.reshape(len(versions.names), len(asked))[versions.codes]
    found[given.row, given.asked] = True
    return found


def people_asked(
    table: pa.Table, article: Ints, articles: int, asks: Callable[[str, str], bool], given: GivenAnswers,
    asked: Sequence[str],
) -> Ints:  # fmt: skip
    """Return how many annotators of each article were asked each question (articles x questions)."""
    return asked_people(was_asked(table, asks, given, asked), article, articles)


def _distinct(*columns: Ints) -> Ints:
    """Return the distinct rows of columns, in order."""
    table = np.stack(columns, axis=1)[np.lexsort(columns[::-1])]
    return _numbered(table)[0]


def _numbered(table: Ints) -> tuple[Ints, Ints]:
    """Return the distinct rows of a sorted table, and the number of each row among them."""
    fresh = np.ones(len(table), bool)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    return table[fresh], np.cumsum(fresh) - 1
