"""Columns as JSON text: what json.dumps writes of each value, without an object for each of them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.atomic import atomic_write
from builder.io.parquet import whole
from builder.io.plain import omitted_fields

EMPTY = pa.array(['""', "0", "[]", "{}", "false", "null"])
"""The text of values that a field marked `omit_empty` leaves out."""


PART = 4_096
"""Rows of a table that are written at once."""


def write_table_lines(path: Path, table: pa.Table, record: type) -> None:
    """Write the rows of a table with a record type's schema as write_jsonl writes those records, a part at a time."""
    with atomic_write(path) as out:
        for begin in range(0, table.num_rows, PART):
            out.write(json_lines(table.slice(begin, PART), omitted_fields(record)))


def json_lines(table: pa.Table, omitted: tuple[str, ...]) -> bytes:
    r"""Return the rows of a table as JSON Lines; the fields in `omitted`, of which the first is none, only if not empty.

    >>> json_lines(pa.table({"id": ["a", "b"], "spans": [[1], []]}), ("spans",))
    b'{"id": "a", "spans": [1]}\n{"id": "b"}\n'
    """
    if not table.num_rows:
        return b""
    names, columns = table.column_names, [whole(column) for column in table.columns]
    rows = _objects(names, [_text(column) for column in columns], omitted)
    every = pa.ListArray.from_arrays(pa.array([0, len(rows)], pa.int32()), rows)
    return bytes(pc.binary_join(every, "\n")[0].as_buffer()) + b"\n"


def _text(column: pa.Array) -> pa.Array:
    """Return each value of a column as JSON."""
    kind = column.type
    if pa.types.is_map(kind):
        entries = pc.binary_join_element_wise(
            _text(_part(column.keys, column)), _text(_part(column.items, column)), ": "
        )
        text = _lists(column, np.diff(column.offsets.to_numpy()), entries, "{", "}")
    elif pa.types.is_list(kind):
        sizes = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
        text = _lists(column, sizes, _text(column.flatten()), "[", "]")
    elif pa.types.is_struct(kind):
        text = _objects([field.name for field in kind], [_text(part) for part in column.flatten()], ())
    elif pa.types.is_integer(kind):
        text = column.cast(pa.string())
    else:
        text = _distinct(column)
    return pc.fill_null(text, "null")


def _part(values: pa.Array, column: pa.MapArray) -> pa.Array:
    """Return the keys or items of the rows of a map, which may be a slice of another."""
    begin, end = column.offsets[0].as_py(), column.offsets[-1].as_py()
    return values[begin:end]


def _distinct(column: pa.Array) -> pa.Array:
    """Return the JSON of values, made once for each different one."""
    found = column.dictionary_encode()
    texts = [json.dumps(value, ensure_ascii=False) for value in found.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(found.indices)


def _lists(column: pa.Array, sizes: NDArray[np.int32], values: pa.Array, begin: str, end: str) -> pa.Array:
    """Return lists of values in brackets; `sizes` counts those of each row."""
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    lists = pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)
    text = pc.binary_join_element_wise(begin, pc.binary_join(lists, ", "), end, "")
    return pc.if_else(column.is_valid(), text, None) if column.null_count else text


def _objects(names: list[str], texts: list[pa.Array], omitted: tuple[str, ...]) -> pa.Array:
    """Return objects of fields, given the texts of their values."""
    parts: list[pa.Array | str] = []
    for place, (name, text) in enumerate(zip(names, texts, strict=True)):
        field = f"{', ' if place else ''}{json.dumps(name)}: "
        if name in omitted:
            parts.append(pc.if_else(pc.is_in(text, EMPTY), "", pc.binary_join_element_wise(field, text, "")))
        else:
            parts += [field, text]
    return pc.binary_join_element_wise("{", *parts, "}", "")
