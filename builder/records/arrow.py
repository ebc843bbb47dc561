"""Arrow schemas of record types, and tables of records."""

import types
import typing
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa

R = TypeVar("R")


def _arrow_type(hint: Any) -> pa.DataType:
    plain: dict[Any, pa.DataType] = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
    }
    if hint in plain:
        return plain[hint]
    if is_dataclass(hint):
        return pa.struct(arrow_schema(typing.cast(type[Any], hint)))
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(args[0]))
    if origin is dict:
        return pa.map_(_arrow_type(args[0]), _arrow_type(args[1]))
    if origin in (types.UnionType, typing.Union):
        return _arrow_type(next(a for a in args if a is not type(None)))
    raise TypeError(f"no Arrow type for {hint!r}")


def arrow_schema(record: type[Any]) -> pa.Schema:
    """Return the Arrow schema of a record type, one field for each of its own, in order.

    >>> from builder.records import Stance
    >>> arrow_schema(Stance).names
    ['target', 'value']
    """
    hints = get_type_hints(record)
    return pa.schema(
        [
            pa.field(f.name, _arrow_type(hints[f.name]))
            for f in fields(record)
            if get_origin(hints[f.name]) is not ClassVar
        ]
    )


def records_of(table: pa.Table, record: type[R]) -> list[R]:
    """Return the rows of a table with the record type's schema as records, without checking their values.

    >>> from builder.records import Stance
    >>> records_of(pa.table({"target": ["dam"], "value": ["favor"]}), Stance)
    [Stance(target='dam', value='favor')]
    """
    hints, columns = get_type_hints(record), table.combine_chunks().columns
    parts = [column.chunk(0) if column.num_chunks else pa.array([], column.type) for column in columns]
    return [record(*row) for row in zip(*map(_values, parts, map(hints.get, table.column_names)), strict=True)]


def _values(column: pa.Array, hint: Any) -> list[Any]:
    """Return the values of a column as those of a record's field."""
    if not pa.types.is_list(column.type):
        return list(column.to_pylist(maps_as_pydicts="strict"))
    kind = hint if get_origin(hint) is tuple else next(part for part in get_args(hint) if part is not types.NoneType)
    item, values = get_args(kind)[0], column.values
    if is_dataclass(item):
        inner, made = get_type_hints(item), typing.cast(type[Any], item)
        children = [_values(values.field(place), inner[field.name]) for place, field in enumerate(values.type)]
        every = list(map(made, *children))
    else:
        every = values.to_pylist()
    offsets = column.offsets.to_pylist()
    rows = [tuple(every[begin:end]) for begin, end in pairwise(offsets)]
    return [row if valid else None for row, valid in zip(rows, column.is_valid().to_pylist(), strict=True)]
