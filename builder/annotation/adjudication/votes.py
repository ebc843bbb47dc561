"""Votes over columns: the gold that judgements alone give, for many articles at once.

It is what adjudicate.py settles without any decision and without a model; the tests hold the two equal. Offsets are
code points, end exclusive.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.schema.dataset import Adjudication

Numbers = NDArray[np.int64]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SpanColumns:
    """The spans of many judgements: the judgement of each, its edges, and the number of its label."""

    judgement: Numbers
    start: Numbers
    end: Numbers
    label: Numbers


@dataclass(frozen=True, slots=True, eq=False)
class SpanVotes:
    """The spans that won their vote, each with the share of annotators who gave it, in the order of articles and places.

    `settled` tells of each article whether no question of its spans is open.
    """

    article: Numbers
    start: Numbers
    end: Numbers
    label: Numbers
    share: NDArray[np.float64]
    settled: Flags


def vote_spans(article: Numbers, spans: SpanColumns, articles: int, rules: Adjudication) -> SpanVotes:
    """Count the votes for each label of each pair of edges.

    `article` gives the article of each judgement, of which an annotator has one for each article; `articles` is the
    number of articles.
    """
    voters = np.bincount(article, minlength=articles)
    need = np.full(articles, rules.votes) if rules.votes else voters // 2 + 1
    given = _distinct(article[spans.judgement], spans.start, spans.end, spans.label, spans.judgement)
    answer, answer_of = _numbered(given[:, :4])
    edge, edge_of = _numbered(answer[:, :3])
    count = np.bincount(answer_of, minlength=len(answer))
    home = answer[:, 0]
    ahead = count >= need[home]
    # Of answers with more than half of the votes, any two have an annotator in common.
    rival = _rivals(answer_of, edge_of, given[:, 4], ahead) if rules.votes else np.zeros(len(ahead), bool)
    won = ahead & ~rival
    # A label that as many annotators did not give is outvoted; one that neither side wins is open.
    open_answer = rival | (~ahead & (voters[home] - count < need[home]))
    is_open = np.bincount(edge_of[open_answer], minlength=len(edge)) > 0
    marked = _distinct(edge_of[answer_of], given[:, 4])[:, 0]
    silent = voters[edge[:, 0]] - np.bincount(marked, minlength=len(edge))
    nameless = np.bincount(edge_of[won], minlength=len(edge)) == 0
    is_open |= nameless & (silent < need[edge[:, 0]])
    settled = np.bincount(edge[is_open, 0], minlength=articles) == 0
    kept = answer[won]
    return SpanVotes(kept[:, 0], kept[:, 1], kept[:, 2], kept[:, 3], count[won] / voters[kept[:, 0]], settled)


def _rivals(answer_of: Numbers, edge_of: Numbers, judgement: Numbers, ahead: Flags) -> Flags:
    """Return which answers are ahead beside another of the same edges that no annotator gave together with it."""
    rival = np.zeros(len(ahead), bool)
    for edge in np.flatnonzero(np.bincount(edge_of[ahead], minlength=1) > 1).tolist():
        low, high = np.searchsorted(edge_of, [edge, edge + 1])
        answers = low + np.flatnonzero(ahead[low:high])
        by = [judgement[slice(*np.searchsorted(answer_of, [answer, answer + 1]))] for answer in answers]
        apart = [[not np.isin(one, other).any() for other in by] for one in by]
        rival[answers] = np.any(apart, axis=1)
    return rival


@dataclass(frozen=True, slots=True, eq=False)
class StanceVotes:
    """The votes on each pair of article and target that has answers: the votes for each value, and the value that won.

    `winner` is -1 where no value has more than half of the answers.
    """

    article: Numbers
    target: Numbers
    counts: Numbers
    winner: Numbers


def vote_stances(article: Numbers, target: Numbers, value: Numbers, values: int) -> StanceVotes:
    """Count the answers of each pair of article and target; each answer is of one annotator."""
    given = _sorted(article, target, value)
    pair, pair_of = _numbered(given[:, :2])
    counts = np.bincount(pair_of * values + given[:, 2], minlength=len(pair) * values).reshape(len(pair), values)
    total = counts.sum(axis=1)
    best = counts.argmax(axis=1)
    enough = counts[np.arange(len(pair)), best] >= total // 2 + 1
    return StanceVotes(pair[:, 0], pair[:, 1], counts, np.where(enough, best, -1))


def _sorted(*columns: Numbers) -> Numbers:
    """Return columns as a table whose rows are in the order of the first column, then of the next ones."""
    table: Numbers = np.stack(columns, axis=1)[np.lexsort(columns[::-1])]
    return table


def _distinct(*columns: Numbers) -> Numbers:
    """Return the distinct rows of columns, in order."""
    return _numbered(_sorted(*columns))[0]


def _numbered(table: Numbers) -> tuple[Numbers, Numbers]:
    """Return the distinct rows of a sorted table, and the number of each row among them."""
    fresh = np.ones(len(table), bool)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1)
    return table[fresh], np.cumsum(fresh) - 1
