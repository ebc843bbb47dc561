"""A number for each string of a column, from a seed: what chance goes by, the same on every machine.

Over Arrow's bytes in numpy, so that ten million ids become no Python objects. Not for secrets.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Chances = NDArray[np.uint64]

BLOCK = 1 << 16
"""Strings that are looked at together."""
_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX, _STIR = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


def chances(strings: pa.Array | pa.ChunkedArray, seed: int) -> Chances:
    """A number of 64 bits for each string, that hangs on its bytes and the seed only; a null is as an empty string.

    The sum of its bytes, stirred, times powers of one odd number (a polynomial hash), stirred with the seed.

    >>> one, two, again = chances(pa.array(["خبر", "نبأ", "خبر"]), 13).tolist()
    >>> one == again != two
    True
    """
    own = _stirred(np.array([seed % (1 << 64)], np.uint64) + _BASE)
    parts = [_stirred(_sums(strings, offsets) ^ own) for strings, offsets in _blocks(strings)]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def mixed(one: Chances, other: Chances) -> Chances:
    """One number of two, that hangs on which is first."""
    return _stirred(_stirred(one) + other)


def _blocks(strings: pa.Array | pa.ChunkedArray) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """The bytes of some strings, and where each begins in them; one more than there are strings."""
    for chunk in strings.chunks if isinstance(strings, pa.ChunkedArray) else [strings]:
        for low in range(0, len(chunk), BLOCK):
            block = chunk.slice(low, BLOCK).cast(pa.large_binary()).fill_null(b"")
            _, places, data = block.buffers()
            offsets = np.frombuffer(places, np.int64)[block.offset : block.offset + len(block) + 1]
            held = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
            yield held[offsets[0] : offsets[-1]], offsets - offsets[0]


def _sums(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Chances:
    sizes = np.diff(offsets)
    places = np.arange(len(data)) - np.repeat(offsets[:-1], sizes)
    powers = np.full(int(sizes.max(initial=0)) + 1, _BASE).cumprod()
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(_LETTERS[data] * powers[places], out=sums[1:])
    return sums[offsets[1:]] - sums[offsets[:-1]]


def _stirred(values: Chances) -> Chances:
    """The finaliser of MurmurHash3 (Appleby): each bit hangs on all."""
    values = (values ^ (values >> np.uint64(33))) * _MIX
    values = (values ^ (values >> np.uint64(33))) * _STIR
    return values ^ (values >> np.uint64(33))


_LETTERS = _stirred(np.arange(1, 257, dtype=np.uint64))
