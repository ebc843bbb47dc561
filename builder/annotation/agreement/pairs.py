"""Which annotators judged the same articles: the rows of counts of each pair, and of each annotator against all others.

Counts of pairs are kept for the articles that a pair has in common only: of 800 annotators hardly any two meet.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from builder.annotation.agreement.bootstrap import Floats
from builder.annotation.agreement.columns import Shared
from builder.annotation.columns import Ints
from builder.records import StageCounts

MOST = 1_000
"""Pairs of annotators; of more, those that have no article in common are left out."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """The rows of one or more pairs of annotators among the rows of all pairs, and their articles."""

    who: str
    """`a-1 a-2` for a pair, `a-1` for one annotator against the others."""
    articles: Ints
    """The articles at which they met, ascending."""
    rows: Ints
    place: Ints
    """For each row, its place in `articles`."""

    def added(self, counts: Floats) -> Floats:
        """Return the counts (rows of all pairs x columns) added up for each article (articles x columns)."""
        if len(self.rows) == len(self.articles):
            return counts[self.rows]
        total = np.zeros((len(self.articles), *counts.shape[1:]))
        np.add.at(total, self.place, counts[self.rows])
        return total


@dataclass(frozen=True, slots=True)
class PairRows:
    """One row for each pair of annotators of each article, the pairs of an article in the order of its judgements."""

    names: Sequence[str]
    article: Ints
    left: Ints
    """The number of the first annotator in `names`; `right` has that of the second."""
    right: Ints
    first: Ints
    """The place of the first judgement in its article; `second` has that of the other."""
    second: Ints
    begins: Ints
    """For each judgement, the first row of its pairs with later ones of its article."""

    @property
    def number(self) -> int:
        """The number of pairs of annotators, whether they met or not."""
        return len(self.names) * (len(self.names) - 1) // 2

    def account(self) -> StageCounts:
        """Return how many pairs of annotators are measured, and why others are left out."""
        met = len(np.unique(self.left * len(self.names) + self.right))
        unmet = self.number - met if self.number > MOST else 0
        left_out = {"no article in common": unmet} if unmet else {}
        return StageCounts("agree", "pairs of annotators", self.number, self.number - unmet, left_out)

    def pairs(self) -> Iterator[Meeting]:
        """Yield each pair of annotators; of more than MOST, those who met."""
        every = len(self.names)
        order = np.lexsort((self.article, self.right, self.left))
        keys = (self.left * every + self.right)[order]
        met, begins = np.unique(keys, return_index=True)
        ends = np.append(begins, len(keys))[1:]
        found = {int(key): order[begin:end] for key, begin, end in zip(met, begins, ends, strict=True)}
        nothing = np.zeros(0, np.int64)
        wanted = (
            (left * every + right for left, right in combinations(range(every), 2))
            if self.number <= MOST
            else iter(found)
        )
        for key in wanted:
            left, right = divmod(key, every)
            rows = found.get(key, nothing)
            yield Meeting(f"{self.names[left]} {self.names[right]}", self.article[rows], rows, np.arange(len(rows)))

    def against_others(self) -> Iterator[Meeting]:
        """Yield each of three or more annotators against all others: the rows of all pairs with her."""
        for number, name in enumerate(self.names if len(self.names) > 2 else []):
            rows = np.flatnonzero((self.left == number) | (self.right == number))
            articles, place = np.unique(self.article[rows], return_inverse=True)
            yield Meeting(name, articles, rows, place.reshape(-1))


def pair_rows(shared: Shared) -> PairRows:
    """Return the pairs of the annotators of each article."""
    row = np.arange(len(shared.article))
    after = shared.first[1:][shared.article] - row - 1
    one = np.repeat(row, after)
    begins = np.cumsum(after) - after
    other = np.arange(len(one)) - begins[one] + one + 1
    start = shared.first[:-1][shared.article[one]]
    people = shared.people
    return PairRows(
        people.names, shared.article[one], people.codes[one], people.codes[other], one - start, other - start, begins
    )
