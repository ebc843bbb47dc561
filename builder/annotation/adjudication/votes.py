"""Votes over columns: the gold that judgements alone give, for many articles at once.

It is what adjudicate.py settles without any decision and without a model; the tests hold the two equal. Offsets are
code points, end exclusive.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.annotation.adjudication.span_votes import span_outcomes
from builder.annotation.columns import Bools, Ints, coded, items
from builder.annotation.migration.asked import asked_people
from builder.annotation.migration.offered import Offers
from builder.records import Passage
from builder.schema.dataset import Adjudication


@dataclass(frozen=True, slots=True, eq=False)
class SpanVotes:
    """The spans that won their vote, each with the share of annotators who gave it, in the order of articles and places.

    `settled` tells of each article whether no question of its spans is open.
    """

    article: Ints
    start: Ints
    end: Ints
    label: Ints
    share: NDArray[np.float64]
    settled: Bools


def vote_spans(
    table: pa.Table, article: Ints, articles: int, names: Sequence[str], rules: Adjudication, offers: Offers
) -> SpanVotes:
    """Vote on the spans of judgements.

    `article` gives the article of each judgement, in order, of which an annotator has one for each article; `articles`
    is the number of articles, and `names` has the labels.
    """
    whose = table["annotator"].to_pylist()
    cuts = np.searchsorted(article, np.arange(articles + 1)).tolist()
    voters = [tuple(whose[begin:end]) for begin, end in pairwise(cuts)]
    outcomes = span_outcomes(table, article, voters, rules, offers)
    number = {name: place for place, name in enumerate(names)}
    sure = [{(one.what, one.answer): one.value for one in outcome.won} for outcome in outcomes]
    spans = [(place, span) for place, outcome in enumerate(outcomes) for span in outcome.spans]
    share = [sure[place][Passage(span.start, span.end).what, span.label] for place, span in spans]
    columns = (
        [place for place, _ in spans], [span.start for _, span in spans], [span.end for _, span in spans],
        [number[span.label] for _, span in spans],
    )  # fmt: skip
    home, start, end, label = (np.array(column, np.int64) for column in columns)
    settled = np.array([not outcome.disputes for outcome in outcomes], bool)
    return SpanVotes(home, start, end, label, np.array(share, np.float64), settled)


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


def people_asked(
    table: pa.Table, article: Ints, articles: int, asks: Callable[[str, str], bool], given: GivenAnswers,
    asked: Sequence[str],
) -> Ints:  # fmt: skip
    """Return how many annotators of each article were asked each question (articles x questions).

    `asks` tells whether the pages of a version asked a question. Who answered was asked.
    """
    versions = coded(table["schema"])
    offered = np.array([[asks(version, question) for question in asked] for version in versions.names], bool)
    was_asked: Bools = offered.reshape(len(versions.names), len(asked))[versions.codes]
    was_asked[given.row, given.asked] = True
    return asked_people(was_asked, article, articles)


def _distinct(*columns: Ints) -> Ints:
    """Return the distinct rows of columns, in order."""
    table = np.stack(columns, axis=1)[np.lexsort(columns[::-1])]
    return _numbered(table)[0]


def _numbered(table: Ints) -> tuple[Ints, Ints]:
    """Return the distinct rows of a sorted table, and the number of each row among them."""
    fresh = np.ones(len(table), bool)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    return table[fresh], np.cumsum(fresh) - 1
