"""Arrow arrays built from whole columns: lists from lengths, structs from fields."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Numbers = NDArray[Any]


def strings(values: Iterable[str | None]) -> pa.Array:
    """Return short strings as a column. For long strings use `texts`."""
    return pa.array(list(values), pa.string())


def texts(values: Iterable[str]) -> pa.Array:
    """Return long strings as a column.

    Each string is encoded here, because pyarrow's own conversion caches a UTF-8 copy inside every Python string.
    """
    return pa.array([value.encode() for value in values], pa.string())


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
