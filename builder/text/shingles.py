r"""Runs of words of many texts as numbers, to find texts that share them.

A word is what `\w+` finds; texts come folded. Numbers are hashes of 64 bits, the same on every machine.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Counts = NDArray[np.int64]

BATCH = 1 << 20
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


def words(texts: Sequence[str]) -> Words:
    """The words of these texts.

    >>> found = words(["خبر عاجل", "", "عاجل"])
    >>> found.counts.tolist(), bool(found.hashes[1] == found.hashes[2])
    ([2, 0, 1], True)
    """
    parts = [_words(texts[low:high]) for low, high in _batches(texts)]
    return Words(
        np.concatenate([part.hashes for part in parts]) if parts else np.empty(0, np.uint64),
        np.concatenate([part.counts for part in parts]) if parts else np.empty(0, np.int64),
    )


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


def _batches(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    low = held = 0
    for high, text in enumerate(texts):
        if held and held + len(text) > BATCH:
            yield low, high
            low, held = high, 0
        held += len(text) + 1
    if low < len(texts):
        yield low, len(texts)


def _words(texts: Sequence[str]) -> Words:
    """A word's hash is the sum of its letters times powers of one number, as differences of a running sum."""
    codes = np.frombuffer("\n".join([*texts, ""]).encode("utf-32-le", "surrogatepass"), np.uint32)
    edges = np.flatnonzero(np.diff(_letters()[codes].view(np.int8), prepend=np.int8(0), append=np.int8(0)))
    starts, ends = edges[::2], edges[1::2]
    powers, inverses = _powers(1 << max(len(codes), BATCH + 1).bit_length())
    sums = np.zeros(len(codes) + 1, np.uint64)
    np.cumsum(_stirred(codes.astype(np.uint64) + np.uint64(1)) * powers[: len(codes)], out=sums[1:])
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
    counts = np.diff(np.searchsorted(starts, begins))
    return Words(_stirred((sums[ends] - sums[starts]) * inverses[starts]), counts)


def _stirred(values: Hashes) -> Hashes:
    """The finaliser of MurmurHash3 (Appleby), without its last step: each bit hangs on all."""
    values = (values ^ (values >> np.uint64(33))) * _MIX
    return (values ^ (values >> np.uint64(33))) * _STIR


@cache
def _powers(count: int) -> tuple[Hashes, Hashes]:
    return np.full(count, _BASE).cumprod(), np.full(count, _INVERSE).cumprod()


@cache
def _letters() -> NDArray[np.bool_]:
    """Which code points stand in words."""
    found = np.zeros(0x110000, bool)
    for run in re.finditer(r"\w+", "".join(map(chr, range(0x110000)))):
        found[run.start() : run.end()] = True
    return found
