"""Rows of two tables, joined by key and compared column by column, without making Python values of them.

Knows Arrow and the names of ClassLabels; what a column means is diff.py's affair.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.release.tables.features import Json, Places, is_list_like, list_lengths, renumbered

Mask: TypeAlias = npt.NDArray[np.bool_]

BATCH = 8192
"""Rows that are compared at a time."""

RUNS = 512
"""Runs of rows that are gathered one by one; to take scattered rows, Arrow copies the whole column."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Places of the rows with equal keys on both sides, in the order of the first, and of all others."""

    old: Places
    new: Places
    removed: Places
    added: Places


def unique_keys(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    r"""One key for each row, of the values of these columns; rows that share one are numbered in their order.

    >>> unique_keys([pa.chunked_array([["a", "a", "b"]])]).to_pylist()
    ['a', 'a\x001', 'b']
    """
    texts = [pc.fill_null(column.cast(pa.string()), "") for column in columns]
    joined = pc.binary_join_element_wise(*texts, "\0") if len(texts) > 1 else texts[0]
    keys: pa.Array = pa.concat_arrays(joined.chunks) if joined.num_chunks else pa.array([], pa.string())
    if pc.count_distinct(keys).as_py() == len(keys):
        return keys
    seen: Counter[str] = Counter()
    numbered = []
    for key in keys.to_pylist():
        numbered.append(f"{key}\0{seen[key]}" if seen[key] else key)
        seen[key] += 1
    return pa.array(numbered, pa.string())


def join(old: pa.Array, new: pa.Array) -> Joined:
    """Join two sides by their keys, which are unique on each."""
    at = pc.index_in(old, value_set=new)
    found = np.asarray(pc.is_valid(at))
    places = np.asarray(pc.fill_null(at, 0)).astype(np.int64)
    gone = np.ones(len(new), dtype=bool)
    gone[places[found]] = False
    return Joined(
        np.flatnonzero(found).astype(np.int64), places[found],
        np.flatnonzero(~found).astype(np.int64), np.flatnonzero(gone).astype(np.int64),
    )  # fmt: skip


def differing(
    old: pa.ChunkedArray, new: pa.ChunkedArray, joined: Joined, features: tuple[Json, Json]
) -> dict[str, Mask]:
    """Which of the joined rows differ in a column; of a list of structs, in each of its fields, as `.field`.

    ClassLabels are compared by their names. The type of both columns is the same.
    """
    found: dict[str, Mask] = {leaf: np.zeros(len(joined.old), dtype=bool) for leaf in leaf_names(old.type)}
    renumber = features[0] != features[1]
    for start in range(0, len(joined.old), BATCH):
        one = taken(old, joined.old[start : start + BATCH])
        two = taken(new, joined.new[start : start + BATCH])
        if one.equals(two) and not renumber:
            continue
        first, second = whole(one), whole(two)
        if renumber:
            first = renumbered(first, *features)
        for (leaf, mine), (_, theirs) in zip(_leaves(first), _leaves(second), strict=True):
            found[leaf][start : start + BATCH] = unequal(mine, theirs)
    return found


def taken(column: pa.ChunkedArray, places: Places) -> pa.ChunkedArray:
    """Rows of a column; those that follow one another are not copied."""
    edges = np.flatnonzero(np.diff(places) != 1) + 1
    if len(edges) > RUNS:
        return column.take(pa.array(places))
    runs = np.split(places, edges) if len(places) else []
    chunks = [chunk for run in runs for chunk in column.slice(int(run[0]), len(run)).chunks]
    return pa.chunked_array(chunks, column.type)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def leaf_names(kind: pa.DataType) -> list[str]:
    """The parts of a column that are compared on their own: the fields of a list of structs, or the whole.

    >>> leaf_names(pa.list_(pa.struct([("start", pa.int32())])))
    ['.start']
    """
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type) and kind.value_type.num_fields:
        return [f".{field.name}" for field in kind.value_type]
    return [""]


def _leaves(array: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    names = leaf_names(array.type)
    if names == [""]:
        yield "", array
        return
    items = array.flatten()
    for name in names:
        yield name, is_list_like(array, pc.struct_field(items, name[1:]))


def unequal(old: pa.Array, new: pa.Array) -> Mask:
    """Which rows of two arrays of one type differ; null is null, and NaN is NaN.

    >>> unequal(pa.array([1, None, 3]), pa.array([1, None, 4])).tolist()
    [False, False, True]
    """
    if old.equals(new):
        return np.zeros(len(old), dtype=bool)
    nulls: Mask = np.asarray(old.is_null()) ^ np.asarray(new.is_null())
    if pa.types.is_struct(old.type):
        for place in range(old.type.num_fields):
            nulls |= unequal(pc.struct_field(old, [place]), pc.struct_field(new, [place]))
        return nulls
    if pa.types.is_list(old.type) or pa.types.is_large_list(old.type):
        return _unequal_lists(old, new)
    other: Mask = np.array(pc.fill_null(pc.not_equal(old, new), fill_value=False), dtype=bool)
    if pa.types.is_floating(old.type):
        other &= ~np.asarray(pc.fill_null(pc.and_(pc.is_nan(old), pc.is_nan(new)), fill_value=False))
    nulls |= other
    return nulls


def _unequal_lists(old: pa.Array, new: pa.Array) -> Mask:
    lengths = list_lengths(old)
    found: Mask = lengths != list_lengths(new)
    same = np.flatnonzero(~found & (lengths > 0))
    if len(same):
        items = unequal(old.take(pa.array(same)).flatten(), new.take(pa.array(same)).flatten())
        starts = np.concatenate([[0], np.cumsum(lengths[same])[:-1]])
        found[same] = np.logical_or.reduceat(items, starts)
    return found
