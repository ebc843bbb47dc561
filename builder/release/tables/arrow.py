"""Arrow arrays made of whole columns: lists by their lengths, structs by their fields.

Does not know any config: that is builder.release.tables.features.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

Numbers = NDArray[Any]


def strings(values: Iterable[str | None]) -> pa.Array:
    """Short strings as a column; of long ones the bytes must come from `texts`."""
    return pa.array(list(values), pa.string())


def texts(values: Iterable[str]) -> pa.Array:
    """Long strings as a column.

    Encoded here: pyarrow's own way leaves a second copy of each text, in UTF-8, inside its Python string.
    """
    return pa.array([value.encode() for value in values], pa.string())


def pieces(sizes: Numbers, data: bytes) -> pa.Array:
    """Strings that stand one after the other in UTF-8, by their sizes in bytes."""
    return pa.StringArray.from_buffers(len(sizes), pa.py_buffer(_offsets(sizes)), pa.py_buffer(data))


def struct(columns: Mapping[str, pa.Array | Numbers]) -> pa.Array:
    """Structs of columns of one length."""
    return pa.StructArray.from_arrays([as_array(column) for column in columns.values()], names=list(columns))


def lists(counts: Numbers | Sequence[int], values: pa.Array | Numbers) -> pa.Array:
    """Lists of so many values each.

    >>> lists([2, 0], np.array([7, 8])).to_pylist()
    [[7, 8], []]
    """
    return pa.ListArray.from_arrays(pa.array(_offsets(np.asarray(counts, np.int64))), as_array(values))


def as_array(values: pa.Array | Numbers) -> pa.Array:
    """Numbers as Arrow has them, without a copy."""
    return values if isinstance(values, pa.Array) else pa.array(values)


def _offsets(sizes: Numbers) -> NDArray[np.int32]:
    offsets = np.zeros(len(sizes) + 1, np.int32)
    np.cumsum(sizes, out=offsets[1:])
    return offsets
