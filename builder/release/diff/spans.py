"""The spans of one article in two releases, paired: the same, relabelled, with moved edges, gone or new.

Pure. Offsets are code points, end exclusive.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SpanKind = Literal["kept", "relabelled", "moved", "removed", "added"]


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A labelled stretch of a text: code points, end exclusive, with its characters where they are published."""

    start: int
    end: int
    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Placed:
    """A mention, and where it stands in what both releases share: their text or, where that changed, the raw page."""

    start: int
    end: int
    mention: Mention


@dataclass(frozen=True, slots=True)
class Pair:
    """What became of a mention."""

    kind: SpanKind
    old: Mention | None
    new: Mention | None


def pair_spans(old: Sequence[Placed], new: Sequence[Placed]) -> list[Pair]:
    """Pair the spans of two releases one to one; every span of either is in exactly one pair.

    The same place and label are kept, the same place alone is relabelled; of those left, spans of one label that
    overlap have moved edges, the widest overlap first. The other way round, the same pairs are found.

    >>> before = [Placed(0, 4, Mention(0, 4, "ORG")), Placed(9, 12, Mention(9, 12, "GPE"))]
    >>> after = [Placed(0, 6, Mention(0, 6, "ORG")), Placed(9, 12, Mention(9, 12, "FAC"))]
    >>> [pair.kind for pair in pair_spans(before, after)]
    ['moved', 'relabelled']
    """
    left, right = sorted(old, key=_order), sorted(new, key=_order)
    pairs: list[Pair] = []
    for kind, key in (("kept", _exactly), ("relabelled", _place)):
        shelf: dict[tuple[object, ...], list[Placed]] = defaultdict(list)
        for one in right:
            shelf[key(one)].append(one)
        alone = []
        for one in left:
            if shelf[key(one)]:
                pairs.append(
                    Pair("kept" if kind == "kept" else "relabelled", one.mention, shelf[key(one)].pop(0).mention)
                )
            else:
                alone.append(one)
        left, right = alone, sorted((one for rest in shelf.values() for one in rest), key=_order)
    pairs += _moved(left, right)
    return sorted(pairs, key=_place_of_pair)


def _moved(left: Sequence[Placed], right: Sequence[Placed]) -> list[Pair]:
    starts = [b.start for b in right]
    overlaps = [
        (max(a.start, b.start) - min(a.end, b.end), *sorted((a.start, b.start)), *sorted((a.end, b.end)), i, j)
        for i, a in enumerate(left)
        for j, b in enumerate(right[: bisect_left(starts, a.end)])
        if a.mention.label == b.mention.label and a.start < b.end
    ]
    pairs: list[Pair] = []
    free_left, free_right = set(range(len(left))), set(range(len(right)))
    for *_, i, j in sorted(overlaps):
        if i in free_left and j in free_right:
            free_left.remove(i)
            free_right.remove(j)
            pairs.append(Pair("moved", left[i].mention, right[j].mention))
    pairs += [Pair("removed", left[i].mention, None) for i in free_left]
    return pairs + [Pair("added", None, right[j].mention) for j in free_right]


def _exactly(one: Placed) -> tuple[object, ...]:
    return one.start, one.end, one.mention.label


def _place(one: Placed) -> tuple[object, ...]:
    return one.start, one.end


def _order(one: Placed) -> tuple[int, int, Mention]:
    return one.start, one.end, one.mention


def _place_of_pair(pair: Pair) -> tuple[tuple[Mention, ...], str]:
    return tuple(sorted(one for one in (pair.old, pair.new) if one)), pair.kind
