"""Flat IOB2 tags of nested spans, and a ledger of what they cannot hold.

Offsets are code points, end exclusive. Does not find tokens: that is builder.text.tokens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from builder.records import Span


@dataclass(frozen=True, slots=True)
class Projection:
    """IOB2 tags; the spans that they do not hold, with the reason; those with an edge inside a token.

    Reasons: nested (inside a longer one), crossing, same token as another, no token.
    """

    tags: tuple[str, ...]
    lost: tuple[tuple[Span, str], ...]
    cut: tuple[Span, ...]


def iob2(spans: Collection[Span], tokens: Sequence[tuple[int, int]]) -> Projection:
    """Tag tokens with the longest spans; a token that a span overlaps is tagged whole.

    >>> iob2([Span(0, 10, "ORG"), Span(6, 10, "GPE")], [(0, 5), (6, 10)])
    Projection(tags=('B-ORG', 'I-ORG'), lost=((Span(start=6, end=10, label='GPE', id=''), 'nested'),), cut=())
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    tags = ["O"] * len(tokens)
    kept: list[Span] = []
    lost: list[tuple[Span, str]] = []
    cut: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, s)):
        first, after = bisect_right(ends, span.start), bisect_left(starts, span.end)
        if first >= after:
            lost.append((span, "no token"))
        elif any(tag != "O" for tag in tags[first:after]):
            lost.append((span, _why_lost(span, kept)))
        else:
            kept.append(span)
            tags[first:after] = [f"B-{span.label}", *[f"I-{span.label}"] * (after - first - 1)]
            if (starts[first], ends[after - 1]) != (span.start, span.end):
                cut.append(span)
    return Projection(tuple(tags), tuple(sorted(lost)), tuple(sorted(cut)))


def _why_lost(span: Span, kept: Sequence[Span]) -> str:
    over = [other for other in kept if other.start < span.end and span.start < other.end]
    if not over:
        return "same token as another"
    return "nested" if any(o.start <= span.start and span.end <= o.end for o in over) else "crossing"
