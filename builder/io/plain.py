"""Records as plain JSON values, and back."""

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import pyarrow as pa
    from pydantic import TypeAdapter

R = TypeVar("R")


_ADAPTERS: dict[type, "TypeAdapter[Any]"] = {}

_OMITTED: dict[type, tuple[str, ...]] = {}


def _adapter(record: type[R]) -> "TypeAdapter[R]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and `khabar --help` needs none of it

    if record not in _ADAPTERS:
        _ADAPTERS[record] = TypeAdapter(record)
    return _ADAPTERS[record]


def to_plain(record: object) -> dict[str, Any]:
    """Return a record as plain JSON values, fields in order, without empty fields that are marked `omit_empty`."""
    plain: dict[str, Any] = _adapter(type(record)).dump_python(record, mode="json")
    for name in omitted_fields(type(record)):
        if not plain[name]:
            del plain[name]
    return plain


def plain_rows(table: "pa.Table", record: type) -> list[dict[str, Any]]:
    """Return the rows of a table with a record type's schema as to_plain returns those records."""
    rows: list[dict[str, Any]] = table.to_pylist(maps_as_pydicts="strict")
    for name in omitted_fields(record):
        for row in rows:
            if not row[name]:
                del row[name]
    return rows


def omitted_fields(record: type) -> tuple[str, ...]:
    """Return the names of a record's fields that are left out when they are empty."""
    if record not in _OMITTED:
        known = fields(record) if is_dataclass(record) else ()
        _OMITTED[record] = tuple(field.name for field in known if field.metadata.get("omit_empty"))
    return _OMITTED[record]


def from_plain(record: type[R], plain: object) -> R:
    """Make a record from plain values. Raises pydantic.ValidationError."""
    return _adapter(record).validate_python(plain)
