r"""Runs of words of many texts as numbers, to find texts that share them.

A word is what `\w+` finds; texts come folded. Numbers are hashes of 64 bits, the same on every machine.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

Counts = NDArray[np.int64]

BATCH = 1 << 17
"""Characters that are looked at together: what fits a processor's cache is fastest."""

WINDOW = 1 << 16
"""Words whose runs are made together."""

_BASE = np.uint64(0x9E3779B97F4A7C15)

_INVERSE = np.uint64(pow(0x9E3779B97F4A7C15, -1, 1 << 64))

_MIX, _STIR = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of many texts, one text after another: a hash of each, and how many each text has."""

    hashes: Hashes
    counts: Counts


def hashed(texts: Sequence[str]) -> tuple[Words, Hashes]:
    """The words of these texts, and one number for all the characters of each.

    >>> found, (one, other) = hashed(["خبر عاجل", "خبر عاجل."])
    >>> found.counts.tolist(), bool(one == other)
    ([2, 2], False)
    """
    parts = [_words(texts[low:high]) for low, high in _batches(texts)]
    return (
        Words(
            np.concatenate([np.empty(0, np.uint64), *(part.hashes for part, _ in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.counts for part, _ in parts)]),
        ),
        np.concatenate([np.empty(0, np.uint64), *(whole for _, whole in parts)]),
    )


def words(texts: Sequence[str]) -> Words:
    """The words of these texts.

    >>> found = words(["خبر عاجل", "", "عاجل"])
    >>> found.counts.tolist(), bool(found.hashes[1] == found.hashes[2])
    ([2, 0, 1], True)
    """
    return hashed(texts)[0]


def shingles(found: Words, size: int) -> Words:
    """Each run of `size` words of these texts; a text of fewer words is one run, and one without words is none.

    >>> shingles(words(["أعلن المجلس البلدي قراره", "أعلن المجلس", ""]), 3).counts.tolist()
    [2, 1, 0]
    """
    firsts = np.cumsum(found.counts) - found.counts
    ends = firsts + found.counts
    begin = np.ones(len(found.hashes), bool)
    for back in range(1, size):
        begin[(ends - back)[found.counts >= back]] = False
    runs = np.empty(len(found.hashes), np.uint64)
    padded = np.concatenate([found.hashes, np.zeros(size, np.uint64)])
    weights = _powers(BATCH)[0][:size]
    for low in range(0, len(runs), WINDOW):
        part = runs[low : low + WINDOW]
        np.multiply(padded[low : low + len(part)], weights[0], out=part)
        for offset in range(1, size):
            part += padded[low + offset : low + offset + len(part)] * weights[offset]
        part[:] = _stirred(part)
    for few in range(1, size):
        alone = firsts[found.counts == few]
        begin[alone] = True
        first = padded[alone[:, None] + np.arange(few)] * weights[:few]
        runs[alone] = _stirred(first.sum(axis=1, dtype=np.uint64))
    return Words(runs[begin], np.maximum(found.counts - size + 1, np.minimum(found.counts, 1)))


def whole(found: Words) -> Hashes:
    """One number for all words of each text, in their order; 0 for a text without words.

    >>> one, other, none = whole(words(["خبر عاجل", "عاجل خبر", ""])).tolist()
    >>> one == other, none
    (False, 0)
    """
    ends = np.cumsum(found.counts)
    place = np.arange(len(found.hashes)) - np.repeat(ends - found.counts, found.counts)
    sums = np.zeros(len(found.hashes) + 1, np.uint64)
    np.cumsum(found.hashes * _powers(max(BATCH, int(found.counts.max(initial=0))))[0][place], out=sums[1:])
    return np.where(found.counts > 0, _stirred(sums[ends] - sums[ends - found.counts]), np.uint64(0))


def first(found: Words, count: int) -> Words:
    """The first words of each text, at most so many.

    >>> first(words(["أعلن المجلس قراره", "خبر", ""]), 2).counts.tolist()
    [2, 1, 0]
    """
    counts = np.minimum(found.counts, count)
    begins = np.cumsum(found.counts) - found.counts
    place = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return Words(found.hashes[np.repeat(begins, counts) + place], counts)


def winnow(runs: Words, window: int) -> Words:
    """The smallest of each `window` runs that follow one another (Schleimer, Wilkerson and Aiken 2003), stirred anew.

    Two texts that share an unbroken stretch of so many runs share one of these, always; of random runs 2 in
    `window` + 1 are chosen. A text of fewer runs has none.

    >>> winnow(Words(np.array([5, 3, 4, 9, 8], np.uint64), np.array([4, 1])), 3).counts.tolist()
    [1, 0]
    """
    smallest, width = runs.hashes.copy(), 1
    while width < window:
        step = min(width, window - width)
        np.minimum(smallest[:-step], smallest[step:], out=smallest[:-step])
        width += step
    full = np.maximum(runs.counts - window + 1, 0)
    ends = np.cumsum(runs.counts)
    begins = np.zeros(len(smallest) + 1, bool)
    begins[ends - runs.counts] = True
    whole_windows = np.ones(len(smallest), bool)
    for back in range(1, window):  # those that would reach into the next text
        whole_windows[(ends - back)[runs.counts >= back]] = False
    smallest, begins = smallest[whole_windows], begins[:-1][whole_windows]
    begins[1:] |= smallest[1:] != smallest[:-1]
    chosen = np.flatnonzero(begins)
    edges = np.concatenate([[0], np.cumsum(full)])
    return Words(_stirred(smallest.take(chosen)), np.diff(np.searchsorted(chosen, edges)))


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    low = held = 0
    for high, text in enumerate(texts):
        if held and held + len(text) > BATCH:
            yield low, high
            low, held = high, 0
        held += len(text) + 1
    if low < len(texts):
        yield low, len(texts)


def _words(texts: Sequence[str]) -> tuple[Words, Hashes]:
    """A word's hash, and a text's, is the sum of its characters times powers of one number, as differences of a running sum."""
    codes = _codes("\n".join([*texts, ""]))
    narrow, places = codes.itemsize == 2, codes.astype(np.intp)
    inside = _letters(1 << 16 if narrow else 0x110000).take(places)
    inside[-1:] = False  # the line end that closes the last text
    edges = np.flatnonzero(np.append(inside[:1], inside[1:] != inside[:-1]))
    starts, ends = edges[::2], edges[1::2]
    powers, inverses = _powers(1 << max(len(codes), BATCH + 1).bit_length())
    sums = np.zeros(len(codes) + 1, np.uint64)
    numbers = _numbers().take(places) if narrow else _stirred(codes.astype(np.uint64) + np.uint64(1))
    np.multiply(numbers, powers[: len(codes)], out=numbers)
    np.cumsum(numbers, out=sums[1:])
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
    counts = np.diff(np.searchsorted(starts, begins))
    texts_of = _stirred((sums[begins[1:] - 1] - sums[begins[:-1]]) * inverses[begins[:-1]])
    return Words(_stirred((sums[ends] - sums[starts]) * inverses[starts]), counts), texts_of


def _codes(text: str) -> NDArray[np.uint16] | NDArray[np.uint32]:
    """The code points of a text, in as few bytes as they take."""
    narrow = text.encode("utf-16-le", "surrogatepass")
    if len(narrow) == 2 * len(text):
        return np.frombuffer(narrow, np.uint16)
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


@cache
def _numbers() -> Hashes:
    """What each code point of the Basic Multilingual Plane counts in a hash."""
    return _stirred(np.arange(1, (1 << 16) + 1, dtype=np.uint64))


def _stirred(values: Hashes) -> Hashes:
    """The finaliser of MurmurHash3 (Appleby), without its last step: each bit hangs on all."""
    values = (values ^ (values >> np.uint64(33))) * _MIX
    return (values ^ (values >> np.uint64(33))) * _STIR


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    return np.full(count, _BASE).cumprod(), np.full(count, _INVERSE).cumprod()


@cache
def _letters(count: int) -> NDArray[np.bool_]:
    r"""Which of so many code points stand in words: what `\w` matches."""
    inside = np.fromiter(map(str.isalnum, map(chr, range(count))), bool, count)
    inside[ord("_")] = True
    return inside
