"""Flat IOB2 tags of nested spans in two layers, and a ledger of what they cannot hold.

The outer layer holds the longest spans; the inner one those that lost to a longer one around them, by the same rule.
Offsets are code points, end exclusive. Does not find tokens: that is builder.text.tokens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from builder.records import Span
from builder.release.tables.mentions import Mentions
from builder.text.token_batch import Tokens

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


Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tagged:
    """Two tags for each token, as numbers; and what they lost.

    `nested` is how many spans the inner layer was given, `lost` are those that neither layer holds: the record, the
    span, the reason, and whether it was the inner layer that lost it; `cut` counts those held that begin or end inside
    a token, in each layer.
    """

    outer: Places
    inner: Places
    nested: int
    lost: Sequence[tuple[int, Span, str, bool]]
    cut: tuple[int, int]


@dataclass(slots=True)
class _Layer:
    kept: list[int] = field(default_factory=list)
    lost: list[tuple[int, str]] = field(default_factory=list)


def tag(found: Mentions, tokens: Tokens) -> Tagged:
    """Tag the tokens of these articles with their spans."""
    shifts = np.repeat(tokens.begins[:-1], found.counts)
    low, high = found.starts + shifts, found.ends + shifts
    first = np.searchsorted(tokens.ends, low, "right")
    after = np.searchsorted(tokens.starts, high, "left")
    outer, inner = _Layer(), _Layer()
    alone, groups = _groups(low, high, first, after, tokens)
    for group in groups:
        placed = {index: Placed(found.spans[index], int(first[index]), int(after[index])) for index in group}
        under = [index for index, reason in _settle(placed, outer) if reason == NESTED]
        if under:
            _settle({index: placed[index] for index in under}, inner)
    held = np.concatenate([alone, np.array(outer.kept, np.int64)]), np.array(inner.kept, np.int64)
    whole = [(tokens.starts[first[h]] == low[h]) & (tokens.ends[after[h] - 1] == high[h]) for h in held]
    owners = found.owners
    lost = [(index, reason, False) for index, reason in outer.lost if reason != NESTED]
    lost += [(index, reason, True) for index, reason in inner.lost]
    return Tagged(
        _tags(first[held[0]], after[held[0]], found.labels[held[0]], len(tokens.starts)),
        _tags(first[held[1]], after[held[1]], found.labels[held[1]], len(tokens.starts)),
        len(inner.kept) + len(inner.lost),
        [(int(owners[index]), found.spans[index], reason, deep) for index, reason, deep in sorted(lost)],
        (int((~whole[0]).sum()), int((~whole[1]).sum())),
    )


def _settle(placed: dict[int, Placed], layer: _Layer) -> list[tuple[int, str]]:
    """Settle one group of spans, each known by its place among all, and say which of them this layer lost."""
    numbers = {id(one): index for index, one in placed.items()}
    kept, lost = settle(placed.values())
    layer.kept += [numbers[id(one)] for one in kept]
    found = [(numbers[id(one)], reason) for one, reason in lost]
    layer.lost += found
    return found


def _groups(low: Places, high: Places, first: Places, after: Places, tokens: Tokens) -> tuple[Places, list[list[int]]]:
    """Spans that meet no other, and those that do, by groups; spans meet in a character or in a token."""
    if not len(low):
        return low, []
    there = first < after
    left, right = low.copy(), high.copy()
    left[there] = np.minimum(low[there], tokens.starts[first[there]])
    right[there] = np.maximum(high[there], tokens.ends[after[there] - 1])
    order = np.argsort(left, kind="stable")
    reach = np.maximum.accumulate(right[order])
    begins = np.append(True, left[order][1:] >= reach[:-1])
    heads = np.flatnonzero(begins)
    sizes = np.diff(np.append(heads, len(order)))
    single = (sizes == 1) & there[order[heads]]
    groups = [
        order[head : head + size].tolist()
        for head, size in zip(heads[~single].tolist(), sizes[~single].tolist(), strict=True)
    ]
    return order[heads[single]], groups


def _tags(first: Places, after: Places, labels: Places, count: int) -> Places:
    """0 for O, and for each label first its B, then its I: the order of features.tag_names."""
    tags = np.zeros(count, np.int64)
    sizes = after - first
    ends = np.cumsum(sizes)
    inside = np.arange(int(sizes.sum())) + np.repeat(first - ends + sizes, sizes)
    tags[inside] = np.repeat(2 * labels + 2, sizes)
    tags[first] = 2 * labels + 1
    return tags


def segment(found: Mentions, tokens: Tokens, texts: Sequence[str]) -> Tokens:
    """Tokens cut at the edges of spans that stand inside them: `iob2.segmented` of each text."""
    if not len(tokens.starts):
        return tokens
    shifts = np.repeat(tokens.begins[:-1], found.counts)
    edges = np.unique(np.concatenate([found.starts + shifts, found.ends + shifts]))
    at = np.searchsorted(tokens.starts, edges, "right") - 1
    inside = (at >= 0) & (edges > tokens.starts[at]) & (edges < tokens.ends[at])
    edges, at = edges[inside], at[inside]
    if not len(edges):
        return tokens
    ends_of_bytes = np.cumsum(tokens.sizes)
    owner = np.searchsorted(tokens.begins, edges, "right") - 1
    before = [
        len(texts[text][start - begin : edge - begin].encode())
        for text, start, edge, begin in zip(
            owner.tolist(), tokens.starts[at].tolist(), edges.tolist(), tokens.begins[owner].tolist(), strict=True
        )
    ]
    cut_bytes = ends_of_bytes[at] - tokens.sizes[at] + np.array(before, np.int64)
    return Tokens(
        np.insert(tokens.starts, at + 1, edges),
        np.insert(tokens.ends, at, edges),
        np.diff(np.insert(ends_of_bytes, at, cut_bytes), prepend=0),
        tokens.data,
        tokens.begins,
    )
