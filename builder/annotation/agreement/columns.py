"""The judgements that agreement compares as columns, their marks, and the matching of marks.

A judge is one judgement of an article; judges are numbered from 0 over all articles.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Bools, Coded, Ints, coded, items, same_as_above
from builder.annotation.migration.asked import asked_labels, asked_people
from builder.annotation.migration.offered import EVERYTHING, Offers


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """The judgements of articles that two or more people judged, by article and annotator: the judges."""

    table: pa.Table
    article: Ints
    """The number of each judgement's article, from 0."""
    first: Ints
    """The first judgement of each article, and the number of all."""
    people: Coded

    @property
    def sizes(self) -> Ints:
        """The number of judgements of each article."""
        return np.diff(self.first)

    @property
    def names(self) -> list[str]:
        """The id of each article."""
        return list(self.table["article_id"].take(self.first[:-1]).to_pylist())

    def only(self, rows: Bools) -> "Shared":
        """Return some of the judgements, of articles that still have two or more."""
        return shared_of(self.table.filter(rows))


def shared_of(table: pa.Table) -> Shared:
    """Return the judgements of articles that two or more people judged."""
    articles, people = coded(table["article_id"]).codes, coded(table["annotator"])
    order = np.lexsort((people.codes, articles))
    order = order[np.bincount(articles)[articles[order]] > 1]
    fresh = ~same_as_above(articles[order])
    first = np.append(np.flatnonzero(fresh), len(order))
    chosen = table.take(order)
    return Shared(chosen, np.cumsum(fresh) - 1, first, coded(chosen["annotator"]))


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
    asked: Bools
    """Whether each judge was asked for each label (judges x labels)."""
    people: Ints
    """The judges of each article who were asked for each label (articles x labels), or 0 for a single one."""


def marks_of(shared: Shared, names: Sequence[str], offers: Offers = EVERYTHING) -> Marks:
    """Return the marks of all judgements of each article as columns; `names` are the labels.

    Marks of a label that no other judge of the article was asked for are left out.
    """
    drawn = items(shared.table, "spans")
    judge, article = drawn.row, shared.article[drawn.row]
    start, end, label = drawn.numbers("start"), drawn.numbers("end"), drawn.strings("label").among([*names])
    asked = asked_labels(shared.table, names, offers)
    people = asked_people(asked, shared.article, len(shared.sizes))
    people = np.where(people > 1, people, 0)
    order = np.lexsort((judge, label, -end, start, article))
    order = order[people[article[order], label[order]] > 0]
    article, judge, start, end, label = (column[order] for column in (article, judge, start, end, label))
    fresh = ~same_as_above(article, judge, start, end, label)
    return Marks(article[fresh], judge[fresh], start[fresh], end[fresh], label[fresh], shared.sizes, asked, people)


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
