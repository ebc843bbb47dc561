"""Arrow arrays built from whole columns: lists from lengths, structs from fields, strings as numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import Ints, cuts, joined_bytes, ranges

Numbers = NDArray[Any]

Bools = NDArray[np.bool_]

Columns = Mapping[str, pa.Array]
"""The columns of some rows of a config."""


def strings(values: Iterable[str | None]) -> pa.Array:
    """Return short strings as a column."""
    return pa.array(list(values), pa.string())


def pieces(sizes: Numbers, data: bytes) -> pa.Array:
    """Return a string column from concatenated UTF-8 `data` and the size of each string in bytes."""
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(_offsets(sizes)), pa.py_buffer(data))


def struct(columns: Mapping[str, pa.Array | Numbers]) -> pa.Array:
    """Return a struct column whose fields are these columns of equal length."""
    return pa.StructArray.from_arrays([as_array(column) for column in columns.values()], names=list(columns))


def lists(counts: Numbers | Sequence[int], values: pa.Array | Numbers) -> pa.Array:
    """Return a list column that splits `values` into lists of the given lengths.

    >>> lists([2, 0], np.array([7, 8])).to_pylist()
    [[7, 8], []]
    """
    return pa.ListArray.from_arrays(pa.array(_offsets(np.asarray(counts, np.int64))), as_array(values))


def as_array(values: pa.Array | Numbers) -> pa.Array:
    """Return numbers as an Arrow array, without a copy."""
    return values if isinstance(values, pa.Array) else pa.array(values)


def _offsets(sizes: Numbers) -> NDArray[np.int32]:
    """Return the Arrow offsets of consecutive values of these sizes, starting with 0."""
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return offsets


def places_in(column: pa.Array | pa.ChunkedArray, names: pa.Array) -> Ints:
    """Return the place of each string in a column of different strings, -1 where it is not in it.

    >>> places_in(pa.array(["b", "x"]), pa.array(["a", "b"])).tolist()
    [1, -1]
    """
    found = pc.fill_null(pc.index_in(column, names), -1)
    return np.asarray(found.to_numpy() if isinstance(found, pa.ChunkedArray) else found).astype(np.int64)


def none_at(values: pa.Array, places: Ints) -> pa.Array:
    """Return the values at some places, with null where a place is -1."""
    return values.take(pa.array(places, mask=places < 0))


@dataclass(frozen=True, slots=True, eq=False)
class TextBytes:
    """The UTF-8 bytes of many texts: `at` is the byte of each code point, `begins` the first code point of each text."""

    data: NDArray[np.uint8]
    at: Ints
    begins: Ints

    @staticmethod
    def of(texts: pa.Array, sizes: Ints) -> "TextBytes":
        """Return the bytes of a column of texts; `sizes` are their lengths in code points."""
        data = np.frombuffer(joined_bytes(texts), np.uint8)
        return TextBytes(data, np.append(np.flatnonzero((data & 0xC0) != 0x80), len(data)), cuts(sizes))

    def words(self, text: Ints, starts: Ints, ends: Ints) -> pa.Array:
        """Return the code points from start to end (exclusive) of a text, for each of many places."""
        low, high = self.at[self.begins[text] + starts], self.at[self.begins[text] + ends]
        return pieces(high - low, self.data[ranges(low, high - low)].tobytes())


def shares(values: pa.ListArray, totals: Ints) -> pa.ListArray:
    """Return lists of shares, null where the total is 0."""
    empty = pa.array(totals == 0)
    lengths = np.where(totals == 0, 0, np.diff(np.asarray(values.offsets)))
    offsets = pa.array(_offsets(lengths))
    kept = values.filter(pc.invert(empty)).flatten()
    return pa.ListArray.from_arrays(offsets, kept, mask=empty)
