"""Matching of two annotators' spans: exact, partial and by type."""

from collections.abc import Iterable
from dataclasses import dataclass

from builder.records import Mark

SPAN_F1 = "span F1, strict, pairwise"

SPAN_F1_EXACT = "span F1, exact, pairwise"

SPAN_F1_PARTIAL = "span F1, partial, pairwise"

SPAN_F1_TYPE = "span F1, type, pairwise"

MODES = (SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE)
"""Matching modes, named as in SemEval-2013 task 9 and nervaluate.

Strict: same edges and label. Exact: same edges. Partial: overlapping edges, which count one half unless they are
equal. Type: overlapping edges and the same label.
"""


@dataclass(frozen=True, slots=True, order=True)
class _Near:
    """Two marks that overlap, and the sort key of preference, which is the same from both sides."""

    preference: tuple[int, ...]
    left: Mark
    right: Mark

    @property
    def has_same_edges(self) -> bool:
        """Whether the two marks differ in their label only."""
        return self.left[:2] == self.right[:2]

    @property
    def has_same_label(self) -> bool:
        """Whether the two marks have one label."""
        return self.left[2] == self.right[2]


def matches(first: Iterable[Mark], second: Iterable[Mark]) -> tuple[list[tuple[Mark, Mark]], ...]:
    """Match two annotators' marks in each mode (exact, partial, type), each mark at most once in a mode.

    Equal marks are matched first, then marks with the same edges, then marks that overlap most. Among marks that
    overlap equally those with the same label are preferred, then the earlier ones. Strict matches are the equal
    marks. Swapping the annotators swaps the pairs.

    >>> exact, partial, kind = matches([(0, 4, "PERS"), (5, 9, "GPE")], [(0, 4, "ORG"), (5, 12, "GPE")])
    >>> len(exact), len(partial), len(kind)
    (1, 2, 1)
    """
    left, right = set(first), set(second)
    same = [(mark, mark) for mark in sorted(left & right)]
    left, right = left - right, right - left
    near = sorted(_overlaps(left, right))
    exact = _greedy(pair for pair in near if pair.has_same_edges)
    overlap = _greedy(near)
    kind = _greedy(pair for pair in near if pair.has_same_label)
    return same + exact, same + overlap, same + kind


def _overlaps(left: Iterable[Mark], right: Iterable[Mark]) -> Iterable[_Near]:
    """Yield the pairs of marks that overlap."""
    for a in left:
        for b in right:
            common = min(a[1], b[1]) - max(a[0], b[0])
            if common > 0:
                edges = *sorted((a[0], b[0])), *sorted((a[1], b[1]))
                yield _Near((a[:2] != b[:2], -common, a[2] != b[2], *edges), a, b)


def _greedy(pairs: Iterable[_Near]) -> list[tuple[Mark, Mark]]:
    """Return the pairs neither of whose marks is in an earlier chosen pair."""
    left: set[Mark] = set()
    right: set[Mark] = set()
    chosen: list[tuple[Mark, Mark]] = []
    for pair in pairs:
        if pair.left not in left and pair.right not in right:
            left.add(pair.left)
            right.add(pair.right)
            chosen.append((pair.left, pair.right))
    return chosen
