"""Records in JSON Lines as Arrow tables: what jsonl.read_lines accepts, without an object for each line.

Arrow parses a file whose form leaves no doubt. Any other file is read line by line, which also states every error.
"""

import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import MISSING, Field, dataclass, fields
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json
from numpy.typing import NDArray

from builder.io.atomic import atomic_write
from builder.io.hashing import versions_of
from builder.io.jsonl import MAX_LINE, note_lines, parse_lines
from builder.io.lists import counts, cuts
from builder.io.parquet import to_table, whole
from builder.io.plain import omitted_fields
from builder.records import Issue
from builder.records.arrow import arrow_schema, records_of

R = TypeVar("R")

BLOCK = 1 << 22
"""Bytes that Arrow parses at once, or those of the longest line if it has more."""

WRITTEN = 2000
"""Rows that are written at once."""

_OPEN, _CLOSE, _RETURN, _NEWLINE = b"{}\r\n"


@dataclass(frozen=True, slots=True)
class LineTable:
    """The records of a file as a table with the record type's Arrow schema, and the number of each row's line."""

    table: pa.Table
    numbers: NDArray[np.int64]

    def records(self, record: type[R], rows: NDArray[np.int64]) -> list[tuple[int, R]]:
        """Return some rows as records with the numbers of their lines."""
        return [*zip(self.numbers[rows].tolist(), records_of(self.table.take(rows), record), strict=True)]


def read_table_lines(path: Path, record: type[Any]) -> tuple[LineTable, list[Issue]]:
    """Read records as columns, and return an Issue for each error of an invalid line, as read_lines does.

    A missing file has no lines.
    """
    if not path.exists():
        return LineTable(arrow_schema(record).empty_table(), np.zeros(0, np.int64)), []
    versions, raw = versions_of([path]), path.read_bytes()
    found = _columns(raw, record)
    if found:
        note_lines(path, versions, raw)
        return found, []
    records, issues = parse_lines(path, io.BytesIO(raw), record)
    note_lines(path, versions, raw)
    table = to_table((one for _, one in records), record)
    return LineTable(table, np.array([number for number, _ in records], np.int64)), issues


def write_table_lines(path: Path, table: pa.Table, record: type[Any]) -> None:
    """Write the rows of a table with a record type's schema as write_jsonl writes those records, in batches."""
    with atomic_write(path) as out:
        for batch in table.to_batches(max_chunksize=WRITTEN):
            rows = plain_rows(pa.Table.from_batches([batch]), record)
            out.writelines((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in rows)


def plain_rows(table: pa.Table, record: type[Any]) -> list[dict[str, Any]]:
    """Return the rows of a table with a record type's schema as to_plain returns those records."""
    columns = [_plain_values(whole(column)) for column in table.columns]
    rows = [dict(zip(table.column_names, row, strict=True)) for row in zip(*columns, strict=True)]
    for name in omitted_fields(record):
        for row in rows:
            if not row[name]:
                del row[name]
    return rows


def _plain_values(column: pa.Array) -> list[Any]:
    """Return a column as plain values; lists of structs by their fields, for which Arrow makes an object each."""
    kind = column.type
    if pa.types.is_integer(kind) and not column.null_count:
        return list(column.to_numpy().tolist())
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type) or column.null_count:
        return list(column.to_pylist(maps_as_pydicts="strict"))
    items, ends = column.flatten(), cuts(counts(column)).tolist()
    if items.null_count:
        return list(column.to_pylist(maps_as_pydicts="strict"))
    names = [field.name for field in kind.value_type]
    values = [dict(zip(names, row, strict=True)) for row in zip(*map(_plain_values, items.flatten()), strict=True)]
    return [values[low:high] for low, high in pairwise(ends)]


def _columns(raw: bytes, record: type[Any]) -> LineTable | None:
    """Return the rows of a file in which every line that is not blank is surely one valid record, else None."""
    numbers, longest = _plain_lines(raw)
    nulls = Counter(
        {name: raw.count(b'"%b": null' % name) + raw.count(b'"%b":null' % name) for name in _nullable(record)}
    )
    if numbers is None or longest > MAX_LINE or b"\0" in raw or raw.count(b"null") != nulls.total():
        return None
    schema = arrow_schema(record)
    if not len(numbers):
        return LineTable(schema.empty_table(), numbers)
    try:
        raw.decode()
        table = pyarrow.json.read_json(
            pa.BufferReader(raw),
            pyarrow.json.ReadOptions(use_threads=False, block_size=max(BLOCK, longest + 2)),
            pyarrow.json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="error"),
        )
    except (UnicodeDecodeError, pa.ArrowException):
        return None
    filled = _filled([whole(column) for column in table.select(schema.names)], record, nulls)
    if filled is None or table.num_rows != len(numbers):
        return None
    return LineTable(pa.Table.from_arrays(filled, schema=schema), numbers)


def _plain_lines(raw: bytes) -> tuple[NDArray[np.int64] | None, int]:
    """Return the numbers of the lines that are not blank, and the size of the longest; None unless all are in braces.

    Where every line begins with a brace and ends with one, no object goes on in the next line. So as many objects as
    lines are one object for each line.
    """
    bytes_ = np.frombuffer(raw, np.uint8)
    ends = np.append(np.flatnonzero(bytes_ == _NEWLINE), len(raw)).astype(np.int64)
    begins = np.append(0, ends[:-1] + 1)
    longest = int((ends - begins).max()) + 1
    if b"\r" in raw:
        ends = ends - ((ends > begins) & (bytes_[np.maximum(ends - 1, 0)] == _RETURN))
    filled = np.flatnonzero(ends > begins)
    if not (np.all(bytes_[begins[filled]] == _OPEN) and np.all(bytes_[ends[filled] - 1] == _CLOSE)):
        return None, longest
    return filled + 1, longest


def _nullable(record: type[Any]) -> set[bytes]:
    """Return the names of the record's own fields that may be null."""
    hints = get_type_hints(record)
    return {name.encode() for name, hint in hints.items() if NoneType in get_args(hint)}


def _filled(columns: Sequence[pa.Array], record: type[Any], nulls: Counter[bytes]) -> list[pa.Array] | None:
    """Return the columns of a record with the defaults of absent fields, or None where a record would be refused.

    `nulls` counts the nulls that the file has for each field that may be null.
    """
    hints, done = get_type_hints(record), []
    for column, field in zip(columns, fields(record), strict=True):
        made = _filled_column(column, field, hints[field.name], nulls)
        if made is None:
            return None
        done.append(made)
    return done


def _filled_column(column: pa.Array, field: "Field[Any]", hint: Any, nulls: Counter[bytes]) -> pa.Array | None:
    options = get_args(hint)
    if column.null_count and NoneType in options:
        if field.default is MISSING and column.null_count != nulls[field.name.encode()]:
            return None
    elif column.null_count:
        if field.default is MISSING:
            return None
        column = _with_default(column, field.default)
    kind = next((part for part in options if part is not NoneType), hint) if NoneType in options else hint
    if get_origin(kind) is Literal and not {*column.unique().to_pylist()} <= {*get_args(kind)}:
        return None
    return _filled_list(column, get_args(kind)[0], nulls) if pa.types.is_list(column.type) else column


def _with_default(column: pa.Array, default: Any) -> pa.Array:
    """Return a column with a default in place of nulls; that of a list is empty."""
    if pa.types.is_list(column.type):
        return pa.ListArray.from_arrays(column.offsets, column.values)
    return pc.fill_null(column, default)


def _filled_list(column: pa.Array, item: Any, nulls: Counter[bytes]) -> pa.Array | None:
    """Return a column of lists with the defaults of their items, or None where a record would be refused."""
    values = column.values
    if values.null_count:
        return None
    if pa.types.is_struct(values.type):
        children = _filled([values.field(number) for number in range(values.type.num_fields)], item, nulls)
        if children is None:
            return None
        values = pa.StructArray.from_arrays(children, fields=[*values.type])
    mask = column.is_null() if column.null_count else None
    return pa.ListArray.from_arrays(column.offsets, values, type=column.type, mask=mask)
