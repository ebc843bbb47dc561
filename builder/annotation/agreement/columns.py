"""The marks of judgements as columns, and the joins over them that span agreement needs.

A judge is one judgement of an article; judges are numbered from 0 over all articles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.records import Judgement

Ints = NDArray[np.int64]

PAIRS = 2_000_000
"""Pairs of overlapping marks that are held in memory at once, or those of one article if it has more."""


@dataclass(frozen=True, slots=True)
class Marks:
    """Marks, each once for each judge, sorted by article, start, longest first, label and judge.

    `label` is the label's place in the schema; starts and ends are code points, end exclusive.
    """

    article: Ints
    judge: Ints
    start: Ints
    end: Ints
    label: Ints
    judges: Ints
    """The number of judges of each article."""
    asked: NDArray[np.bool_]
    """Whether each judge was asked for each label (judges x labels)."""
    people: Ints
    """The judges of each article who were asked for each label (articles x labels), or 0 for a single one."""


def marks_of(shared: Sequence[Sequence[Judgement]], names: Sequence[str], offers: Offers = EVERYTHING) -> Marks:
    """Return the marks of all judgements of each article as columns; `names` are the labels.

    Marks of a label that no other judge of the article was asked for are left out.
    """
    places = {name: place for place, name in enumerate(names)}
    every = [judgement for judged in shared for judgement in judged]
    judges = np.fromiter(map(len, shared), np.int64, len(shared))
    judge = np.repeat(np.arange(len(every)), [len(judgement.spans) for judgement in every])
    article = np.repeat(np.arange(len(shared)), judges)[judge]
    spans = [span for judgement in every for span in judgement.spans]
    start = np.array([span.start for span in spans], np.int64)
    end = np.array([span.end for span in spans], np.int64)
    label = np.array([places[span.label] for span in spans], np.int64)
    asked = _asked(every, names, offers)
    people = np.add.reduceat(asked, np.cumsum(judges) - judges, axis=0, dtype=np.int64) if len(shared) else np.zeros((0, len(names)), np.int64)  # fmt: skip
    people = np.where(people > 1, people, 0)
    order = np.lexsort((judge, label, -end, start, article))
    order = order[people[article[order], label[order]] > 0]
    article, judge, start, end, label = (column[order] for column in (article, judge, start, end, label))
    fresh = ~same_as_above(article, judge, start, end, label)
    return Marks(article[fresh], judge[fresh], start[fresh], end[fresh], label[fresh], judges, asked, people)


def _asked(every: Sequence[Judgement], names: Sequence[str], offers: Offers) -> NDArray[np.bool_]:
    """Return whether each judge was asked for each label. Who gave a label was asked for it."""
    asked = np.ones((len(every), len(names)), bool)
    places = {name: place for place, name in enumerate(names)}
    for number, judgement in enumerate(every if offers.labels else ()):
        lacking = offers.lacks(judgement.schema, names) - {span.label for span in judgement.spans}
        asked[number, [places[name] for name in lacking]] = False
    return asked


def same_as_above(*columns: Ints) -> NDArray[np.bool_]:
    """Return whether each row equals the one above it in all columns."""
    same = np.zeros(len(columns[0]), bool)
    if len(same):
        same[1:] = np.all([column[1:] == column[:-1] for column in columns], axis=0)
    return same


def overlapping(group: Ints, start: Ints, end: Ints) -> Iterator[tuple[Ints, Ints]]:
    """Yield the pairs of rows of one group that overlap, as rows of the first and of the second; whole groups at once.

    The rows are sorted by group and start, and none is empty: what begins inside another overlaps it.
    """
    rows, size = len(group), int(end.max(initial=0)) + 1
    below = np.searchsorted(group * size + start, group * size + end, "left")
    counts = below - np.arange(rows) - 1
    done = np.concatenate([[0], np.cumsum(counts)])
    borders = np.append(np.flatnonzero(~same_as_above(group)), rows)
    first = 0
    while first < rows:
        far = np.searchsorted(done[borders], done[first] + PAIRS, "right") - 1
        last = int(borders[max(far, np.searchsorted(borders, first, "right"))])
        of = np.repeat(np.arange(first, last), counts[first:last])
        yield of, np.arange(done[first], done[last]) - done[of] + of + 1
        first = last


def one_to_one(left: Ints, right: Ints) -> Ints:
    """Return the rows that a greedy matching chooses: none of whose sides is in an earlier chosen row.

    In each round, every row that is the first of both its sides is chosen; later rows of these sides are let go.
    """
    rows, chosen = np.arange(len(left)), [np.zeros(0, np.int64)]
    left, right = (np.unique(side, return_inverse=True)[1].reshape(-1) for side in (left, right))
    while len(rows):
        back = rows[::-1]
        firsts = []
        for side in (left, right):
            first = np.zeros(int(side.max()) + 1, np.int64)
            first[side[back]] = back  # of several, the last one written stays: the earliest row
            firsts.append(first[side[rows]] == rows)
        now = rows[firsts[0] & firsts[1]]
        chosen.append(now)
        taken = [np.zeros(int(side.max()) + 1, bool) for side in (left, right)]
        for side, is_taken in zip((left, right), taken, strict=True):
            is_taken[side[now]] = True
        rows = rows[~(taken[0][left[rows]] | taken[1][right[rows]])]
    return np.concatenate(chosen)
