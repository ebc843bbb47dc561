"""Arrow columns of numbers, of strings and of lists as numpy columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.parquet import whole

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


@dataclass(frozen=True, slots=True, eq=False)
class Distinct:
    """The different strings of a column in order, and the place of each row's string among them."""

    names: pa.Array
    codes: Ints


def distinct(column: pa.Array | pa.ChunkedArray) -> Distinct:
    """Return a column of strings without nulls as numbers, in the order of the strings.

    >>> distinct(pa.array(["b", "a", "b"])).codes.tolist()
    [1, 0, 1]
    """
    found = (whole(column) if isinstance(column, pa.ChunkedArray) else column).dictionary_encode()
    order = pc.sort_indices(found.dictionary).to_numpy()
    ranks = np.zeros(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    return Distinct(found.dictionary.take(pa.array(order)), ranks[found.indices.to_numpy()])


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


def retyped(lists: pa.Array, of: pa.ListType, names: Mapping[str, tuple[str, ...]]) -> pa.Array:
    """Return a column of lists of structs as another; a field that it lacks is empty.

    `names` gives those of the fields that hold numbers of names. Raises ArrowIndexError for a number of none.
    """
    given = lists.flatten()
    parts = []
    for field in of.value_type:
        if given.type.get_field_index(field.name) < 0:
            parts.append(empty(field.type, len(given)))
            continue
        part = pc.struct_field(given, field.name)
        known = pa.array(names[field.name], pa.string()) if field.name in names else None
        parts.append(part.cast(field.type) if known is None else known.take(part))
    values = pa.StructArray.from_arrays(parts, fields=list(of.value_type))
    return pa.ListArray.from_arrays(pa.array(cuts(counts(lists)), pa.int32()), values)


def empty(of: pa.DataType, rows: int) -> pa.Array:
    """Return a column of empty strings, zeros or empty lists."""
    if pa.types.is_list(of):
        return pa.ListArray.from_arrays(pa.array(np.zeros(rows + 1), pa.int32()), pa.array([], of.value_type))
    return pa.repeat(pa.scalar("" if pa.types.is_string(of) else 0, of), rows)
