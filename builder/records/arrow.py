"""Arrow schemas of record types."""

import types
import typing
from dataclasses import fields, is_dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

import pyarrow as pa


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
