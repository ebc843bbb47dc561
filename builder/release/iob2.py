"""Flat IOB2 tags of nested spans in two layers, and a ledger of what they cannot hold.

The outer layer holds the longest spans; the inner one those that lost to a longer one around them, by the same rule.
Offsets are code points, end exclusive. Does not find tokens: that is builder.text.tokens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from builder.records import Span

NESTED, CROSSING, SHARED, TOKENLESS = "nested", "crossing", "same token as another", "no token"


@dataclass(frozen=True, slots=True)
class Projection:
    """IOB2 tags; the spans that they do not hold, with the reason; those with an edge inside a token.

    Reasons: nested (inside a longer one), crossing, same token as another, no token.
    """

    tags: tuple[str, ...]
    lost: tuple[tuple[Span, str], ...]
    cut: tuple[Span, ...]


class Placed(NamedTuple):
    """A span, the first token that it overlaps, and the one after the last."""

    span: Span
    first: int
    after: int


def iob2(spans: Collection[Span], tokens: Sequence[tuple[int, int]]) -> Projection:
    """Tag tokens with the longest spans; a token that a span overlaps is tagged whole.

    >>> iob2([Span(0, 10, "ORG"), Span(6, 10, "GPE")], [(0, 5), (6, 10)])
    Projection(tags=('B-ORG', 'I-ORG'), lost=((Span(start=6, end=10, label='GPE', id=''), 'nested'),), cut=())
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    placed = [Placed(span, bisect_right(ends, span.start), bisect_left(starts, span.end)) for span in spans]
    kept, lost = settle(placed)
    tags = ["O"] * len(tokens)
    for span, first, after in kept:
        tags[first:after] = [f"B-{span.label}", *[f"I-{span.label}"] * (after - first - 1)]
    cut = sorted(span for span, first, after in kept if (starts[first], ends[after - 1]) != (span.start, span.end))
    return Projection(tuple(tags), tuple(sorted((one.span, reason) for one, reason in lost)), tuple(cut))


def layers(spans: Collection[Span], tokens: Sequence[tuple[int, int]]) -> tuple[Projection, Projection]:
    """The outer layer of all spans, and the inner layer of those that the outer one lost as nested.

    >>> outer, inner = layers([Span(0, 10, "ORG"), Span(6, 10, "GPE")], [(0, 5), (6, 10)])
    >>> inner.tags
    ('O', 'B-GPE')
    """
    outer = iob2(spans, tokens)
    return outer, iob2([span for span, reason in outer.lost if reason == NESTED], tokens)


def bilou(tags: Sequence[str]) -> tuple[str, ...]:
    """IOB2 tags in BILOU: the last token of a mention is L, and the only one U.

    >>> bilou(["B-ORG", "I-ORG", "O", "B-GPE"])
    ('B-ORG', 'L-ORG', 'O', 'U-GPE')
    """
    found = []
    for tag, following in zip(tags, [*tags[1:], "O"], strict=True):
        edge, label = tag[:1], tag[1:]
        last = following != f"I{label}"
        found.append(tag if tag == "O" or not last else f"{'U' if edge == 'B' else 'L'}{label}")
    return tuple(found)


def settle(placed: Iterable[Placed]) -> tuple[list[Placed], list[tuple[Placed, str]]]:
    """Which spans one layer keeps, the longest first, and which it loses, with the reason."""
    kept: list[Placed] = []
    lost: list[tuple[Placed, str]] = []
    for one in sorted(placed, key=lambda p: (p.span.start - p.span.end, p.span)):
        if one.first >= one.after:
            lost.append((one, TOKENLESS))
        elif any(other.first < one.after and one.first < other.after for other in kept):
            lost.append((one, _why_lost(one.span, kept)))
        else:
            kept.append(one)
    return kept, lost


def _why_lost(span: Span, kept: Sequence[Placed]) -> str:
    over = [other for other, _, _ in kept if other.start < span.end and span.start < other.end]
    if not over:
        return SHARED
    return NESTED if any(o.start <= span.start and span.end <= o.end for o in over) else CROSSING


def segmented(tokens: Sequence[tuple[int, int]], spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Tokens cut where a span begins or ends inside one, so that a clitic outside a mention stands alone.

    No analysis of words: the same clitic stays with its word wherever no mention begins or ends beside it, so that
    the tokens of a text hang on its gold. Pieces are characters of the text as it stands; nothing is restored.

    >>> segmented([(0, 8)], [Span(1, 8, "GPE")])
    [(0, 1), (1, 8)]
    """
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    pieces: list[tuple[int, int]] = []
    for start, end in tokens:
        inside = edges[bisect_right(edges, start) : bisect_left(edges, end)]
        pieces += zip((start, *inside), (*inside, end), strict=True)
    return pieces
