"""The lines of CoNLL files, made from the columns of a batch of articles.

Tokens and mentions of all articles stand on one line of code points, each article after the one before it. Ranges of
tokens are `first` to `after` (exclusive).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import Ints, counts, cuts, edges, joined_bytes, numbers, owners, ranges
from builder.records import Dropped
from builder.release.tables.iob2 import CROSSING, TOKENLESS
from builder.text.tokens import sentences

SAME = "same tokens and type as another"

FOLDER = "conll"
"""Folder of the files in a release: `conll/<split>.txt`."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The lines of a batch, with an empty one after each sentence, and what they say of its spans.

    `lost` are the spans that the columns cannot hold; `cut` counts those kept that begin or end inside a token.
    """

    data: bytes
    spans: int
    lost: Sequence[Dropped]
    cut: int


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens:
    """The tokens of a batch; `begins` is the first token of each article, and their number."""

    starts: Ints
    ends: Ints
    begins: Ints


@dataclass(frozen=True, slots=True, eq=False)
class _Spans:
    """The spans of a batch, in the order in which the columns take them: those of an article by length, then by place.

    `label` is the place of a name in the order of the alphabet.
    """

    owner: Ints
    start: Ints
    end: Ints
    label: Ints
    first: Ints
    after: Ints


def token_lines(batch: pa.RecordBatch, labels: Sequence[str]) -> Lines:
    """Return the lines of a batch of `entities`.

    Of two mentions of one type that cross, only the longer is kept; of those that cover the same tokens, only the first.
    A sentence does not end inside a mention.
    """
    texts, names = batch["text"], sorted(labels)
    places = edges(batch["token_spans"]), edges(batch["spans"])
    most = max(int(column.max(initial=0)) for column in (*places[0], *places[1], numbers(pc.utf8_length(texts))))
    shifts = np.arange(len(texts)) * (most + 1)
    shift = shifts[owners(batch["token_spans"])]
    tokens = _Tokens(places[0][0] + shift, places[0][1] + shift, cuts(counts(batch["token_spans"])))
    spans = _placed(batch["spans"], np.array([names.index(name) for name in labels], np.int64), tokens, shifts)
    reasons = _reasons(spans, len(tokens.starts))
    kept = np.flatnonzero(reasons == _KEPT)
    first, after = spans.first[kept], spans.after[kept]
    cut = (tokens.starts[first] != spans.start[kept]) | (tokens.ends[after - 1] != spans.end[kept])
    begins = [
        shift + start
        for text, shift in zip(texts.to_pylist(), shifts.tolist(), strict=True)
        for start, _ in sentences(text)
    ]
    data = _joined(batch["tokens"].flatten(), tokens, spans, kept, names, np.array(begins, np.int64))
    return Lines(data, len(reasons), [*_lost(batch["id"], spans, reasons, names, shifts)], int(cut.sum()))


def _placed(lists: pa.Array, rank: Ints, tokens: _Tokens, shifts: Ints) -> _Spans:
    """Return the spans of articles with the tokens that they overlap; `rank` is the place of each label's name."""
    start, end = edges(lists)
    owner, label = owners(lists), rank[numbers(pc.struct_field(lists.flatten(), "label"))]
    order = np.lexsort((label, end, start, start - end, owner))
    owner, start, end, label = owner[order], start[order], end[order], label[order]
    start, end = start + shifts[owner], end + shifts[owner]
    first, after = np.searchsorted(tokens.ends, start, "right"), np.searchsorted(tokens.starts, end, "left")
    return _Spans(owner, start, end, label, first, after)


REASONS = ("", TOKENLESS, SAME, CROSSING)

_KEPT, _TOKENLESS, _SAME, _CROSSING = range(4)


def _reasons(spans: _Spans, tokens: int) -> Ints:
    """Return why each span is lost, as a place in REASONS, or _KEPT."""
    reasons = np.where(spans.first < spans.after, _KEPT, _TOKENLESS)
    for group in _touching(spans, np.flatnonzero(reasons == _KEPT), tokens):
        reasons[group] = _of_group(spans.first[group].tolist(), spans.after[group].tolist())
    return reasons


def _touching(spans: _Spans, rows: Ints, tokens: int) -> Iterator[Ints]:
    """Yield the groups of several spans of one type that share tokens with another of the group, each in order."""
    if not len(rows):
        return
    low, high = (spans.label[rows] * (tokens + 1) + edge[rows] for edge in (spans.first, spans.after))
    order = np.argsort(low, kind="stable")
    heads = np.flatnonzero(np.append(True, low[order][1:] >= np.maximum.accumulate(high[order])[:-1]))
    sizes = np.diff(np.append(heads, len(order)))
    for head, size in zip(heads[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        yield np.sort(rows[order[head : head + size]])


def _of_group(first: Sequence[int], after: Sequence[int]) -> list[int]:
    """Return why each of a few mentions of one type is lost, which are in the order in which they are taken."""
    kept: list[tuple[int, int]] = []
    reasons = []
    for low, high in zip(first, after, strict=True):
        if (low, high) in kept:
            reasons.append(_SAME)
        elif any(low < start < high < end or start < low < end < high for start, end in kept):
            reasons.append(_CROSSING)
        else:
            kept.append((low, high))
            reasons.append(_KEPT)
    return reasons


def _lost(ids: pa.Array, spans: _Spans, reasons: Ints, names: Sequence[str], shifts: Ints) -> Iterator[Dropped]:
    """Yield the lost spans with the reason."""
    for row in np.flatnonzero(reasons != _KEPT).tolist():
        owner = spans.owner[row]
        start, end = (int(edge[row] - shifts[owner]) for edge in (spans.start, spans.end))
        where = f"article {ids[owner].as_py()} in {FOLDER}/ {start}-{end} {names[spans.label[row]]}"
        yield Dropped("build", where, REASONS[reasons[row]])


def _joined(
    words: pa.Array, tokens: _Tokens, spans: _Spans, kept: Ints, names: Sequence[str], sentence_starts: Ints
) -> bytes:
    """Return the lines of all tokens."""
    order = np.lexsort((_turns(spans, len(names))[kept], -spans.after[kept], spans.first[kept]))
    rows = kept[order]
    sizes = spans.after[rows] - spans.first[rows]
    at = ranges(spans.first[rows], sizes)
    inside = at != np.repeat(spans.first[rows], sizes)
    is_begin = np.zeros(len(words) + 1, bool)
    is_begin[np.searchsorted(tokens.starts, sentence_starts, "left")] = True
    is_begin[at[inside]] = False
    is_begin[tokens.begins] = True
    tags = pa.array([f"{edge}-{name}" for name in names for edge in "BI"], pa.string())
    by_token = np.argsort(at, kind="stable")
    given = tags.take(pa.array((2 * np.repeat(spans.label[rows], sizes) + inside)[by_token]))
    depth = np.bincount(at, minlength=len(words))
    tagged = np.flatnonzero(depth)
    lists = pa.ListArray.from_arrays(pa.array(cuts(depth[tagged]), pa.int32()), given)
    every = pa.concat_arrays([pa.array(["O"], pa.string()), pc.binary_join(lists, " ")])
    number = np.zeros(len(words), np.int64)
    number[tagged] = np.arange(len(tagged)) + 1
    number += len(every) * is_begin[1:]
    spaced = pc.binary_join_element_wise("", every, " ")
    tails = pa.concat_arrays([pc.binary_join_element_wise(spaced, end, "") for end in ("\n", "\n\n")])
    return joined_bytes(pc.binary_join_element_wise(words, tails.take(pa.array(number)), ""))


def _turns(spans: _Spans, labels: int) -> Ints:
    """Return when the type of each span first had its turn in its article: mentions of the same tokens follow it."""
    _, turn, of = np.unique(spans.owner * labels + spans.label, return_index=True, return_inverse=True)
    turns: Ints = turn[of]
    return turns
