"""Projection of nested spans onto flat IOB2 tags in two layers, and a ledger of the spans that the tags cannot hold.

The outer layer holds the longest spans. The inner layer holds, by the same rule, the spans nested in them. Offsets are
code points, end exclusive.
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
    """IOB2 tags, the spans that they do not hold with the reason, and the spans with an edge inside a token.

    Reasons: nested (inside a longer one), crossing, same token as another, no token.
    """

    tags: tuple[str, ...]
    lost: tuple[tuple[Span, str], ...]
    cut: tuple[Span, ...]


class TokenSpan(NamedTuple):
    """A span with its token range, `first` to `after` (exclusive): the tokens that it overlaps."""

    span: Span
    first: int
    after: int


def iob2(spans: Collection[Span], tokens: Sequence[tuple[int, int]]) -> Projection:
    """Tag tokens with the longest spans; a token that a span overlaps is tagged whole.

    >>> iob2([Span(0, 10, "ORG"), Span(6, 10, "GPE")], [(0, 5), (6, 10)])
    Projection(tags=('B-ORG', 'I-ORG'), lost=((Span(start=6, end=10, label='GPE', id=''), 'nested'),), cut=())
    """
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    placed = [TokenSpan(span, bisect_right(ends, span.start), bisect_left(starts, span.end)) for span in spans]
    kept, lost = resolve_overlaps(placed)
    tags = ["O"] * len(tokens)
    for span, first, after in kept:
        tags[first:after] = [f"B-{span.label}", *[f"I-{span.label}"] * (after - first - 1)]
    cut = sorted(span for span, first, after in kept if (starts[first], ends[after - 1]) != (span.start, span.end))
    return Projection(tuple(tags), tuple(sorted((loser.span, reason) for loser, reason in lost)), tuple(cut))


def layers(spans: Collection[Span], tokens: Sequence[tuple[int, int]]) -> tuple[Projection, Projection]:
    """Compute the outer layer from all spans, and the inner layer from those that the outer one lost as nested.

    >>> outer, inner = layers([Span(0, 10, "ORG"), Span(6, 10, "GPE")], [(0, 5), (6, 10)])
    >>> inner.tags
    ('O', 'B-GPE')
    """
    outer = iob2(spans, tokens)
    return outer, iob2([span for span, reason in outer.lost if reason == NESTED], tokens)


def bilou(tags: Sequence[str]) -> tuple[str, ...]:
    """Convert IOB2 tags to BILOU: the last token of a mention gets L, a single token U.

    >>> bilou(["B-ORG", "I-ORG", "O", "B-GPE"])
    ('B-ORG', 'L-ORG', 'O', 'U-GPE')
    """
    converted = []
    for tag, following in zip(tags, [*tags[1:], "O"], strict=True):
        edge, label = tag[:1], tag[1:]
        last = following != f"I{label}"
        converted.append(tag if tag == "O" or not last else f"{'U' if edge == 'B' else 'L'}{label}")
    return tuple(converted)


def resolve_overlaps(placed: Iterable[TokenSpan]) -> tuple[list[TokenSpan], list[tuple[TokenSpan, str]]]:
    """Choose the spans that one layer keeps, the longest first; return them and the others with the reason."""
    kept: list[TokenSpan] = []
    lost: list[tuple[TokenSpan, str]] = []
    for candidate in sorted(placed, key=lambda p: (p.span.start - p.span.end, p.span)):
        if candidate.first >= candidate.after:
            lost.append((candidate, TOKENLESS))
        elif any(other.first < candidate.after and candidate.first < other.after for other in kept):
            lost.append((candidate, _why_lost(candidate.span, kept)))
        else:
            kept.append(candidate)
    return kept, lost


def _why_lost(span: Span, kept: Sequence[TokenSpan]) -> str:
    """Return why a span that shares a token with a kept span is lost."""
    overlapping = [other for other, _, _ in kept if other.start < span.end and span.start < other.end]
    if not overlapping:
        return SHARED
    return NESTED if any(o.start <= span.start and span.end <= o.end for o in overlapping) else CROSSING


def split_at_spans(tokens: Sequence[tuple[int, int]], spans: Iterable[Span]) -> list[tuple[int, int]]:
    """Split tokens where a span begins or ends inside one, so that a clitic outside a mention becomes its own token.

    There is no morphological analysis: a clitic stays with its word unless a mention begins or ends beside it, so the
    tokens of a text depend on its gold spans. Pieces are the characters of the text as written; nothing is restored.

    >>> split_at_spans([(0, 8)], [Span(1, 8, "GPE")])
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
class TokenTags:
    """The outer and the inner tag of each token, as numbers, and the spans that the tags cannot hold.

    `nested` counts the spans that were passed to the inner layer. `lost` lists the spans that neither layer holds: the
    record, the span, the reason, and whether the inner layer lost it. `cut` counts the held spans that begin or end
    inside a token, in each layer.
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


def tag(spans: Mentions, tokens: Tokens) -> TokenTags:
    """Tag the tokens of these articles with their spans."""
    shifts = np.repeat(tokens.begins[:-1], spans.counts)
    low, high = spans.starts + shifts, spans.ends + shifts
    first = np.searchsorted(tokens.ends, low, "right")
    after = np.searchsorted(tokens.starts, high, "left")
    outer, inner = _Layer(), _Layer()
    groups = _groups(low, high, first, after, tokens)
    for group in groups.others:
        placed = {index: TokenSpan(spans.spans[index], int(first[index]), int(after[index])) for index in group}
        nested = [index for index, reason in _settle(placed, outer) if reason == NESTED]
        if nested:
            _settle({index: placed[index] for index in nested}, inner)
    held = (
        np.concatenate([groups.alone, groups.holders, np.array(outer.kept, np.int64)]),
        np.concatenate([groups.held, np.array(inner.kept, np.int64)]),
    )
    whole = [(tokens.starts[first[h]] == low[h]) & (tokens.ends[after[h] - 1] == high[h]) for h in held]
    owners = spans.owners
    lost = [(index, reason, False) for index, reason in outer.lost if reason != NESTED]
    lost += [(index, reason, True) for index, reason in inner.lost]
    return TokenTags(
        _tags(first[held[0]], after[held[0]], spans.labels[held[0]], len(tokens.starts)),
        _tags(first[held[1]], after[held[1]], spans.labels[held[1]], len(tokens.starts)),
        len(held[1]) + len(inner.lost),
        [(int(owners[index]), spans.spans[index], reason, deep) for index, reason, deep in sorted(lost)],
        (int((~whole[0]).sum()), int((~whole[1]).sum())),
    )


def _settle(placed: dict[int, TokenSpan], layer: _Layer) -> list[tuple[int, str]]:
    """Resolve one group of spans, keyed by their index, in a layer; return the spans it lost, with the reason."""
    numbers = {id(candidate): index for index, candidate in placed.items()}
    kept, lost = resolve_overlaps(placed.values())
    layer.kept += [numbers[id(winner)] for winner in kept]
    losers = [(numbers[id(loser)], reason) for loser, reason in lost]
    layer.lost += losers
    return losers


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Spans that touch no other, pairs of a span and one nested in it, and other groups of spans that touch.

    Every span but those of `others` has a token.
    """

    alone: Places
    holders: Places
    held: Places
    others: Sequence[Sequence[int]]


def _groups(low: Places, high: Places, first: Places, after: Places, tokens: Tokens) -> _Groups:
    """Group the spans that touch, which are those that share a character or a token."""
    if not len(low):
        return _Groups(low, low, low, [])
    has_token = first < after
    left, right = low.copy(), high.copy()
    left[has_token] = np.minimum(low[has_token], tokens.starts[first[has_token]])
    right[has_token] = np.maximum(high[has_token], tokens.ends[after[has_token] - 1])
    order = np.argsort(left, kind="stable")
    reach = np.maximum.accumulate(right[order])
    begins = np.append(True, left[order][1:] >= reach[:-1])
    heads = np.flatnonzero(begins)
    sizes = np.diff(np.append(heads, len(order)))
    single = (sizes == 1) & has_token[order[heads]]
    pairs = order[heads[sizes == 2]], order[heads[sizes == 2] + 1]
    is_longer = high[pairs[0]] - low[pairs[0]] > high[pairs[1]] - low[pairs[1]]
    outer, inner = np.where(is_longer, *pairs), np.where(is_longer, *reversed(pairs))
    is_nested = has_token[outer] & has_token[inner] & (low[outer] <= low[inner]) & (high[inner] <= high[outer])
    is_nested &= (low[outer] < low[inner]) | (high[inner] < high[outer])
    settled = single.copy()
    settled[sizes == 2] = is_nested
    others = [
        order[head : head + size].tolist()
        for head, size in zip(heads[~settled].tolist(), sizes[~settled].tolist(), strict=True)
    ]
    return _Groups(order[heads[single]], outer[is_nested], inner[is_nested], others)


def _tags(first: Places, after: Places, labels: Places, count: int) -> Places:
    """Return the tag number of each token: 0 for O, then B and I of each label, in the order of features.tag_names."""
    tags = np.zeros(count, np.int64)
    sizes = after - first
    ends = np.cumsum(sizes)
    inside = np.arange(int(sizes.sum())) + np.repeat(first - ends + sizes, sizes)
    tags[inside] = np.repeat(2 * labels + 2, sizes)
    tags[first] = 2 * labels + 1
    return tags


def segment(spans: Mentions, tokens: Tokens, texts: Sequence[str]) -> Tokens:
    """Split tokens at the edges of spans inside them, as `iob2.segmented` does for one text."""
    if not len(tokens.starts):
        return tokens
    shifts = np.repeat(tokens.begins[:-1], spans.counts)
    edges = np.unique(np.concatenate([spans.starts + shifts, spans.ends + shifts]))
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
