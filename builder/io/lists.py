"""Arrow columns of numbers and of lists as numpy columns."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def numbers(column: pa.Array) -> Ints:
    """Return whole numbers as a numpy column, with 0 for null."""
    values: Ints = np.asarray(pc.fill_null(column, 0)).astype(np.int64)
    return values


def counts(lists: pa.Array) -> Ints:
    """Return the length of each list."""
    return numbers(pc.list_value_length(lists))


def owners(lists: pa.Array) -> Ints:
    """Return the row of each value of a list column."""
    return np.repeat(np.arange(len(lists)), counts(lists))


def edges(lists: pa.Array) -> tuple[Ints, Ints]:
    """Return the starts and the ends of a column of lists of offsets."""
    items = lists.flatten()
    return numbers(pc.struct_field(items, "start")), numbers(pc.struct_field(items, "end"))


def cuts(sizes: Ints) -> Ints:
    """Return the place of the first value of each list among all, and their number."""
    places: Ints = np.append(0, np.cumsum(sizes)).astype(np.int64)
    return places


def ranges(starts: Ints, lengths: Ints) -> Ints:
    """Concatenate the ranges with these starts and lengths.

    >>> ranges(np.array([5, 2]), np.array([2, 3])).tolist()
    [5, 6, 2, 3, 4]
    """
    places: Ints = np.arange(lengths.sum(), dtype=np.int64)
    places += np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return places


def joined_bytes(strings: pa.Array) -> bytes:
    """Return the UTF-8 bytes of all strings."""
    _, places, data = strings.buffers()
    if data is None or not len(strings):
        return b""
    offsets = np.frombuffer(places, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return bytes(memoryview(data)[offsets[0] : offsets[-1]])
