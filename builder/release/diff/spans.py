"""One-to-one pairing of the spans of an article in two releases: kept, relabelled, moved, removed or added.

Offsets are code points, end exclusive.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

SpanKind = Literal["kept", "relabelled", "moved", "removed", "added"]


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A labelled span in code points, end exclusive, with its text if texts are published."""

    start: int
    end: int
    label: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class AlignedMention:
    """A mention and its offsets in what both releases share: the text or, if that changed, the raw page."""

    start: int
    end: int
    mention: Mention


@dataclass(frozen=True, slots=True)
class Pair:
    """A mention of the old release and its counterpart in the new one; a removed or added mention has none."""

    kind: SpanKind
    old: Mention | None
    new: Mention | None


def pair_spans(old: Sequence[AlignedMention], new: Sequence[AlignedMention]) -> list[Pair]:
    """Pair the spans of two releases one to one, with every span in exactly one pair.

    Spans with the same offsets and label are kept, and spans with the same offsets alone are relabelled. Of the others,
    overlapping spans of one label are moved, paired by the largest overlap first. The result is symmetric in both
    releases.

    >>> before = [AlignedMention(0, 4, Mention(0, 4, "ORG")), AlignedMention(9, 12, Mention(9, 12, "GPE"))]
    >>> after = [AlignedMention(0, 6, Mention(0, 6, "ORG")), AlignedMention(9, 12, Mention(9, 12, "FAC"))]
    >>> [pair.kind for pair in pair_spans(before, after)]
    ['moved', 'relabelled']
    """
    left, right = sorted(old, key=_order), sorted(new, key=_order)
    pairs: list[Pair] = []
    for kind, key in (("kept", _exactly), ("relabelled", _place)):
        by_key: dict[tuple[object, ...], list[AlignedMention]] = defaultdict(list)
        for span in right:
            by_key[key(span)].append(span)
        unpaired = []
        for span in left:
            if by_key[key(span)]:
                partner = by_key[key(span)].pop(0)
                pairs.append(Pair("kept" if kind == "kept" else "relabelled", span.mention, partner.mention))
            else:
                unpaired.append(span)
        left, right = unpaired, sorted((span for rest in by_key.values() for span in rest), key=_order)
    pairs += _moved(left, right)
    return sorted(pairs, key=_place_of_pair)


def _moved(left: Sequence[AlignedMention], right: Sequence[AlignedMention]) -> list[Pair]:
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


def _exactly(span: AlignedMention) -> tuple[object, ...]:
    return span.start, span.end, span.mention.label


def _place(span: AlignedMention) -> tuple[object, ...]:
    return span.start, span.end


def _order(span: AlignedMention) -> tuple[object, ...]:
    return span.start, span.end, span.mention


def _place_of_pair(pair: Pair) -> tuple[tuple[Mention, ...], str]:
    return tuple(sorted(mention for mention in (pair.old, pair.new) if mention)), pair.kind
