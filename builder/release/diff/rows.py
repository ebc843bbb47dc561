"""Join and column-wise comparison of the rows of two Arrow tables, without creating Python values.

ClassLabels are compared by name.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.parquet import whole
from builder.release.tables.features import Json, RowIndices, convert_labels, is_list_like, list_lengths

Mask: TypeAlias = npt.NDArray[np.bool_]

BATCH = 8192
"""Rows compared at a time."""

RUNS = 512
"""Most runs of consecutive rows that are sliced; beyond it, `take` is used, for which Arrow copies the whole column."""


@dataclass(frozen=True, slots=True)
class Joined:
    """Row indices after a join: `old` and `new` of rows with equal keys, in the order of `old`, and of all other rows."""

    old: RowIndices
    new: RowIndices
    removed: RowIndices
    added: RowIndices


def unique_keys(columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    r"""Build one key per row from the values of these columns; repeated keys get a number, in row order.

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
    """Join the rows of two tables by their keys, which are unique in each."""
    matches = pc.index_in(old, value_set=new)
    matched = np.asarray(pc.is_valid(matches))
    indices = np.asarray(pc.fill_null(matches, 0)).astype(np.int64)
    added = np.ones(len(new), dtype=bool)
    added[indices[matched]] = False
    return Joined(
        np.flatnonzero(matched).astype(np.int64), indices[matched],
        np.flatnonzero(~matched).astype(np.int64), np.flatnonzero(added).astype(np.int64),
    )  # fmt: skip


def differing(
    old: pa.ChunkedArray, new: pa.ChunkedArray, joined: Joined, features: tuple[Json, Json]
) -> dict[str, Mask]:
    """Mark the joined rows that differ in a column; for a list of structs, in each of its fields, under `.field`.

    ClassLabels are compared by name. Both columns have the same type, and `features` are the old and the new feature.
    """
    masks: dict[str, Mask] = {leaf: np.zeros(len(joined.old), dtype=bool) for leaf in leaf_names(old.type)}
    renumber = features[0] != features[1]
    for start in range(0, len(joined.old), BATCH):
        old_rows = taken(old, joined.old[start : start + BATCH])
        new_rows = taken(new, joined.new[start : start + BATCH])
        if old_rows.equals(new_rows) and not renumber:
            continue
        old_array, new_array = whole(old_rows), whole(new_rows)
        if renumber:
            old_array = convert_labels(old_array, *features)
        for (leaf, old_leaf), (_, new_leaf) in zip(_leaves(old_array), _leaves(new_array), strict=True):
            masks[leaf][start : start + BATCH] = unequal(old_leaf, new_leaf)
    return masks


def taken(column: pa.ChunkedArray, rows: RowIndices) -> pa.ChunkedArray:
    """Take rows of a column by index, without copying consecutive rows."""
    edges = np.flatnonzero(np.diff(rows) != 1) + 1
    if len(edges) > RUNS:
        return column.take(pa.array(rows))
    runs = np.split(rows, edges) if len(rows) else []
    chunks = [chunk for run in runs for chunk in column.slice(int(run[0]), len(run)).chunks]
    return pa.chunked_array(chunks, column.type)


def leaf_names(kind: pa.DataType) -> list[str]:
    """List the parts of a column that are compared separately: the fields of a list of structs, else `""`, the whole.

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
    """Mark the rows in which two arrays of one type differ; null equals null, and NaN equals NaN.

    >>> unequal(pa.array([1, None, 3]), pa.array([1, None, 4])).tolist()
    [False, False, True]
    """
    if old.equals(new):
        return np.zeros(len(old), dtype=bool)
    differs: Mask = np.asarray(old.is_null()) ^ np.asarray(new.is_null())
    if pa.types.is_struct(old.type):
        for index in range(old.type.num_fields):
            differs |= unequal(pc.struct_field(old, [index]), pc.struct_field(new, [index]))
        return differs
    if pa.types.is_list(old.type) or pa.types.is_large_list(old.type):
        return _unequal_lists(old, new)
    values: Mask = np.array(pc.fill_null(pc.not_equal(old, new), fill_value=False), dtype=bool)
    if pa.types.is_floating(old.type):
        values &= ~np.asarray(pc.fill_null(pc.and_(pc.is_nan(old), pc.is_nan(new)), fill_value=False))
    differs |= values
    return differs


def _unequal_lists(old: pa.Array, new: pa.Array) -> Mask:
    lengths = list_lengths(old)
    differs: Mask = lengths != list_lengths(new)
    same_length = np.flatnonzero(~differs & (lengths > 0))
    if len(same_length):
        items = unequal(old.take(pa.array(same_length)).flatten(), new.take(pa.array(same_length)).flatten())
        starts = np.concatenate([[0], np.cumsum(lengths[same_length])[:-1]])
        differs[same_length] = np.logical_or.reduceat(items, starts)
    return differs
