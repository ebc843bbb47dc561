"""Matches between marks that are not equal, in the modes that allow them.

Overlapping marks form clusters, and no match leaves its cluster. Judges with the same marks in a cluster have the same
matches there. So each two different sets of marks are matched once, and count for all judges who made them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats
from builder.annotation.agreement.columns import Marks, one_to_one
from builder.annotation.agreement.matching import SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE
from builder.annotation.columns import Ints, overlapping, same_as_above


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Marks that match in a mode: the cell of each in (articles x labels), and its worth."""

    mode: str
    cell: Ints
    worth: Floats


def inexact_matches(marks: Marks, kind: Ints, names: Sequence[str]) -> Iterator[Matched]:
    """Yield the matches of marks that are not equal, of every two judges of an article.

    `kind` numbers the different marks. See matching.matches for the order of preference.
    """
    sets = _mark_sets(marks, kind)
    marks, kind, kinds, count = sets.marks, sets.kind, len(kind), len(sets.made)
    ranks = np.argsort(np.argsort(np.array(names, object)))
    held = np.sort(marks.judge * (kinds + 1) + kind)
    for one, other in overlapping(marks.article, marks.start, marks.end):
        apart = (marks.judge[one] != marks.judge[other]) & (kind[one] != kind[other])
        apart &= marks.asked[marks.judge[one], marks.label[other]] & marks.asked[marks.judge[other], marks.label[one]]
        a, b = one[apart], other[apart]
        free = ~(_is_held(held, marks.judge[b], kind[a], kinds) | _is_held(held, marks.judge[a], kind[b], kinds))
        a, b = a[free], b[free]
        a, b = np.where(marks.judge[a] < marks.judge[b], (a, b), (b, a))
        order = _preference(marks, ranks, a, b)
        a, b = a[order], b[order]
        left, right = (x * count + y for x, y in ((a, marks.judge[b]), (b, marks.judge[a])))
        pairs = sets.made[marks.judge[a]] * sets.made[marks.judge[b]]
        same_edges = (marks.start[a] == marks.start[b]) & (marks.end[a] == marks.end[b])
        same_label = marks.label[a] == marks.label[b]
        for mode, may in ((SPAN_F1_EXACT, same_edges), (SPAN_F1_PARTIAL, None), (SPAN_F1_TYPE, same_label)):
            rows = np.arange(len(a)) if may is None else np.flatnonzero(may)
            rows = rows[one_to_one(left[rows], right[rows])]
            both = np.concatenate([a[rows], b[rows]])
            worth = pairs[rows] * (np.where(same_edges[rows], 1.0, 0.5) if mode == SPAN_F1_PARTIAL else 1.0)
            yield Matched(mode, marks.article[both] * len(names) + marks.label[both], np.tile(worth, 2))


def _is_held(held: Ints, judge: Ints, kind: Ints, kinds: int) -> NDArray[np.bool_]:
    """Return whether each judge has marked the same; `held` are the sorted keys of all judges' marks."""
    wanted = judge * (kinds + 1) + kind
    places = np.minimum(np.searchsorted(held, wanted), max(len(held) - 1, 0))
    return held[places] == wanted if len(held) else np.zeros(len(wanted), bool)


def _preference(marks: Marks, ranks: NDArray[np.intp], a: Ints, b: Ints) -> NDArray[np.intp]:
    """Return the order in which pairs of marks are matched, which does not depend on which annotator is the first."""
    size = int(marks.end.max(initial=0)) + 1
    alone = (marks.start * size + marks.end) * len(ranks) + ranks[marks.label]
    last_start, first_end = np.maximum(marks.start[a], marks.start[b]), np.minimum(marks.end[a], marks.end[b])
    differ = (marks.start[a] != marks.start[b]) | (marks.end[a] != marks.end[b])
    likeness = ((differ * size + last_start - first_end) << 1) + (marks.label[a] != marks.label[b])
    starts = np.minimum(marks.start[a], marks.start[b]) * size + last_start
    ends = first_end * size + np.maximum(marks.end[a], marks.end[b])
    order: NDArray[np.intp] = np.lexsort((alone[b], alone[a], ends, starts, likeness))
    return order


@dataclass(frozen=True, slots=True, eq=False)
class _MarkSets:
    """The different sets of marks in clusters: marks whose judges are sets, and how many judges made each set."""

    marks: Marks
    kind: Ints
    made: Ints


def _mark_sets(marks: Marks, kind: Ints) -> _MarkSets:
    """Return the different sets of marks that judges made in clusters; judges who were asked for other labels differ."""
    cluster = _clusters(marks)
    order = np.argsort(marks.judge * (len(kind) + 1) + cluster, kind="stable")
    fresh = ~same_as_above(marks.judge[order], cluster[order])
    first, group = np.flatnonzero(fresh), np.cumsum(fresh) - 1
    code = _codes(kind[order], first)
    judge = marks.judge[order][first]
    if not marks.asked.all():
        code = code * len(marks.asked) + np.unique(marks.asked, axis=0, return_inverse=True)[1].reshape(-1)[judge]
    _, one, number, made = np.unique(code, return_index=True, return_inverse=True, return_counts=True)
    is_one = np.zeros(len(first), bool)
    is_one[one] = True
    place = np.flatnonzero(is_one[group])
    place = place[np.argsort(order[place])]
    row, sets = order[place], number.reshape(-1)[group[place]]
    article, start, end, label = (column[row] for column in (marks.article, marks.start, marks.end, marks.label))
    of = Marks(article, sets, start, end, label, marks.judges, marks.asked[judge[one]], marks.people)
    return _MarkSets(of, kind[row], made)


def _clusters(marks: Marks) -> Ints:
    """Return the number of each mark's cluster: marks that overlap, or are joined by marks that do."""
    size = int(marks.end.max(initial=0)) + 1
    reach = np.maximum.accumulate(marks.article * size + marks.end)
    fresh = np.ones(len(reach), bool)
    fresh[1:] = (marks.article * size + marks.start)[1:] >= reach[:-1]
    return np.cumsum(fresh) - 1


def _codes(kind: Ints, first: Ints) -> Ints:
    """Return a number for each list of kinds, equal for equal lists; `first` is the place of each list's first."""
    size = np.diff(np.append(first, len(kind)))
    code, known, longer, depth = kind[first], len(kind), np.flatnonzero(size > 1), 1
    while len(longer):
        kinds, inverse = np.unique(code[longer] * len(kind) + kind[first[longer] + depth], return_inverse=True)
        code[longer] = known + inverse.reshape(-1)
        known += len(kinds)
        depth += 1
        longer = longer[size[longer] > depth]
    return code
