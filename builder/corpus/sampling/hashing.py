"""Seeded 64-bit hashes of a string column, used for reproducible sampling; not cryptographic.

They are computed on Arrow's bytes with numpy, so that ten million ids need no Python objects.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

BLOCK = 1 << 16
"""Strings hashed at a time."""

_BASE = np.uint64(0x9E3779B97F4A7C15)

_MIX, _STIR = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)


def hash_strings(strings: pa.Array | pa.ChunkedArray, seed: int) -> Hashes:
    """Return a 64-bit hash of each string, which depends only on its bytes and the seed; null hashes as empty.

    It is a polynomial hash of the mixed bytes, finalized with the seed (MurmurHash3 finalizer).

    >>> first, second, again = hash_strings(pa.array(["خبر", "نبأ", "خبر"]), 13).tolist()
    >>> first == again != second
    True
    """
    seed_hash = _finalize(np.array([seed % (1 << 64)], np.uint64) + _BASE)
    parts = [_finalize(_sums(data, offsets) ^ seed_hash) for data, offsets in _blocks(strings)]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)


def combine_hashes(first: Hashes, second: Hashes) -> Hashes:
    """Combine pairs of hashes into one hash each; the order within a pair matters."""
    return _finalize(_finalize(first) + second)


def _blocks(strings: pa.Array | pa.ChunkedArray) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int64]]]:
    """Yield the bytes of BLOCK strings at a time, and their offsets there, one more than there are strings."""
    for chunk in strings.chunks if isinstance(strings, pa.ChunkedArray) else [strings]:
        for low in range(0, len(chunk), BLOCK):
            block = chunk.slice(low, BLOCK).cast(pa.large_binary()).fill_null(b"")
            _, offset_buffer, data_buffer = block.buffers()
            offsets = np.frombuffer(offset_buffer, np.int64)[block.offset : block.offset + len(block) + 1]
            data = np.frombuffer(data_buffer, np.uint8) if data_buffer is not None else np.empty(0, np.uint8)
            yield data[offsets[0] : offsets[-1]], offsets - offsets[0]


def _sums(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> Hashes:
    """Return the polynomial hash of each string, modulo 2^64."""
    sizes = np.diff(offsets)
    positions = np.arange(len(data)) - np.repeat(offsets[:-1], sizes)
    powers = np.full(int(sizes.max(initial=0)) + 1, _BASE).cumprod()
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(_LETTERS[data] * powers[positions], out=sums[1:])
    return sums[offsets[1:]] - sums[offsets[:-1]]


def _finalize(values: Hashes) -> Hashes:
    """Apply the finalizer of MurmurHash3 (Appleby), in which each output bit depends on every input bit."""
    values = (values ^ (values >> np.uint64(33))) * _MIX
    values = (values ^ (values >> np.uint64(33))) * _STIR
    return values ^ (values >> np.uint64(33))


_LETTERS = _finalize(np.arange(1, 257, dtype=np.uint64))
