r"""Hashed word shingles of many texts, for finding texts that share them.

A word is a match of `\w+`. Texts must be folded (search@1). Hashes have 64 bits and are the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builder.text.joined import Texts, joined
from builder.text.mapping.tables import looked_up

Hashes = NDArray[np.uint64]

Counts = NDArray[np.int64]

BATCH = 1 << 17
"""Characters processed at once; fastest if they fit the processor's cache."""

WINDOW = 1 << 16
"""Words whose shingles are computed at once."""

_BASE = np.uint64(0x9E3779B97F4A7C15)

_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))

_MIX, _STIR = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


@dataclass(frozen=True, slots=True, eq=False)
class HashedWords:
    """Word hashes of many texts, concatenated, and the number of words of each text."""

    hashes: Hashes
    counts: Counts


def hash_texts(texts: Texts) -> tuple[HashedWords, Hashes]:
    """Return the words of the texts, and one hash over all characters of each text.

    >>> tokens, (first_text, second_text) = hash_texts(joined(["خبر عاجل", "خبر عاجل."]))
    >>> tokens.counts.tolist(), bool(first_text == second_text)
    ([2, 2], False)
    """
    parts = [_words(part) for part in texts.parts(BATCH)]
    return (
        HashedWords(
            np.concatenate([np.empty(0, np.uint64), *(part.hashes for part, _ in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.counts for part, _ in parts)]),
        ),
        np.concatenate([np.empty(0, np.uint64), *(text_hashes for _, text_hashes in parts)]),
    )


def hash_words(texts: Sequence[str]) -> HashedWords:
    """Return the hashed words of the texts.

    >>> tokens = hash_words(["خبر عاجل", "", "عاجل"])
    >>> tokens.counts.tolist(), bool(tokens.hashes[1] == tokens.hashes[2])
    ([2, 0, 1], True)
    """
    return hash_texts(joined(texts))[0]


def shingles(tokens: HashedWords, size: int) -> HashedWords:
    """Return the shingles of `size` consecutive words of each text.

    A text of fewer words gives one shingle, and a text without words gives none.

    >>> shingles(hash_words(["أعلن المجلس البلدي قراره", "أعلن المجلس", ""]), 3).counts.tolist()
    [2, 1, 0]
    """
    firsts = np.cumsum(tokens.counts) - tokens.counts
    ends = firsts + tokens.counts
    begin = np.ones(len(tokens.hashes), bool)
    for back in range(1, size):
        begin[(ends - back)[tokens.counts >= back]] = False
    runs = np.empty(len(tokens.hashes), np.uint64)
    padded = np.concatenate([tokens.hashes, np.zeros(size, np.uint64)])
    weights = _powers(BATCH)[0][:size]
    for low in range(0, len(runs), WINDOW):
        part = runs[low : low + WINDOW]
        np.multiply(padded[low : low + len(part)], weights[0], out=part)
        for offset in range(1, size):
            part += padded[low + offset : low + offset + len(part)] * weights[offset]
        part[:] = _finalize(part)
    for length in range(1, size):  # texts shorter than a shingle
        short = firsts[tokens.counts == length]
        begin[short] = True
        weighted = padded[short[:, None] + np.arange(length)] * weights[:length]
        runs[short] = _finalize(weighted.sum(axis=1, dtype=np.uint64))
    return HashedWords(runs[begin], np.maximum(tokens.counts - size + 1, np.minimum(tokens.counts, 1)))


def sequence_hashes(tokens: HashedWords) -> Hashes:
    """Return one hash over all words of each text, in order; 0 for a text without words.

    >>> forward, backward, empty = sequence_hashes(hash_words(["خبر عاجل", "عاجل خبر", ""])).tolist()
    >>> forward == backward, empty
    (False, 0)
    """
    ends = np.cumsum(tokens.counts)
    index = np.arange(len(tokens.hashes)) - np.repeat(ends - tokens.counts, tokens.counts)
    sums = np.zeros(len(tokens.hashes) + 1, np.uint64)
    np.cumsum(tokens.hashes * _powers(max(BATCH, int(tokens.counts.max(initial=0))))[0][index], out=sums[1:])
    return np.where(tokens.counts > 0, _finalize(sums[ends] - sums[ends - tokens.counts]), np.uint64(0))


def first_words(tokens: HashedWords, count: int) -> HashedWords:
    """Return the first words of each text, at most `count`.

    >>> first_words(hash_words(["أعلن المجلس قراره", "خبر", ""]), 2).counts.tolist()
    [2, 1, 0]
    """
    counts = np.minimum(tokens.counts, count)
    begins = np.cumsum(tokens.counts) - tokens.counts
    index = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return HashedWords(tokens.hashes[np.repeat(begins, counts) + index], counts)


def winnow(runs: HashedWords, window: int) -> HashedWords:
    """Select fingerprints by winnowing (Schleimer, Wilkerson and Aiken 2003): the minimum of every `window` shingles.

    Selected hashes are finalised again. Two texts that share `window` consecutive shingles always share a
    fingerprint. Of random shingles, 2 in `window` + 1 are selected. A text of fewer shingles has none.

    >>> winnow(HashedWords(np.array([5, 3, 4, 9, 8], np.uint64), np.array([4, 1])), 3).counts.tolist()
    [1, 0]
    """
    smallest = _smallest(runs.hashes, window)
    full = np.maximum(runs.counts - window + 1, 0)
    ends = np.cumsum(runs.counts)
    begins = np.zeros(len(smallest) + 1, bool)
    begins[ends - runs.counts] = True
    within_text = np.ones(len(smallest), bool)
    for back in range(1, window):  # exclude windows that reach into the next text
        within_text[(ends - back)[runs.counts >= back]] = False
    smallest, begins = smallest[within_text], begins[:-1][within_text]
    begins[1:] |= smallest[1:] != smallest[:-1]
    chosen = np.flatnonzero(begins)
    edges = np.concatenate([[0], np.cumsum(full)])
    return HashedWords(_finalize(smallest.take(chosen)), np.diff(np.searchsorted(chosen, edges)))


def _smallest(hashes: Hashes, window: int) -> Hashes:
    """Return the minimum of each hash and the `window` - 1 behind it; the last `window` - 1 have no such minimum."""
    smallest = hashes.copy()
    for low in range(0, len(hashes), WINDOW):
        part, width = hashes[low : low + WINDOW + window - 1], 1
        while width < window:
            step = min(width, window - width)
            part = np.minimum(part[:-step], part[step:])
            width += step
        smallest[low : low + len(part)] = part
    return smallest


def _words(texts: Texts) -> tuple[HashedWords, Hashes]:
    """Return the words of texts and the hash of each text.

    Both are polynomial hashes of the characters, computed as differences of a prefix sum.
    """
    codes = texts.units
    narrow = codes.itemsize == 2
    inside = looked_up(_letters(1 << 16 if narrow else 0x110000), codes)
    inside[-1:] = False  # the line end after the last text
    edges = np.flatnonzero(np.append(inside[:1], inside[1:] != inside[:-1]))
    starts, ends = edges[::2], edges[1::2]
    powers, inverses = _powers(1 << max(len(codes), BATCH + 1).bit_length())
    sums = np.zeros(len(codes) + 1, np.uint64)
    numbers = looked_up(_numbers(), codes) if narrow else _finalize(codes.astype(np.uint64) + np.uint64(1))
    np.multiply(numbers, powers[: len(codes)], out=numbers)
    np.cumsum(numbers, out=sums[1:])
    begins = texts.begins
    counts = np.diff(np.searchsorted(starts, begins))
    text_hashes = _finalize((sums[begins[1:] - 1] - sums[begins[:-1]]) * inverses[begins[:-1]])
    return HashedWords(_finalize((sums[ends] - sums[starts]) * inverses[starts]), counts), text_hashes


@cache
def _numbers() -> Hashes:
    """Return the hash value of each code point of the Basic Multilingual Plane."""
    return _finalize(np.arange(1, (1 << 16) + 1, dtype=np.uint64))


def _finalize(values: Hashes) -> Hashes:
    """Apply the MurmurHash3 finaliser (Appleby) without its last step, so that every output bit depends on all input."""
    values = (values ^ (values >> np.uint64(33))) * _MIX
    return (values ^ (values >> np.uint64(33))) * _STIR


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    """Return the first powers of the base of the polynomial hash, and of its inverse."""
    return np.full(count, _BASE).cumprod(), np.full(count, _INVERSE).cumprod()


@cache
def _letters(count: int) -> NDArray[np.bool_]:
    r"""Return, for each of the first `count` code points, whether `\w` matches it."""
    inside = np.fromiter(map(str.isalnum, map(chr, range(count))), bool, count)
    inside[ord("_")] = True
    return inside
