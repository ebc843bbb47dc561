"""Records as plain JSON values, and back."""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

R = TypeVar("R")


_ADAPTERS: dict[type, "TypeAdapter[Any]"] = {}


def _adapter(record: type[R]) -> "TypeAdapter[R]":
    from pydantic import TypeAdapter  # noqa: PLC0415 - heavy, and `khabar --help` needs none of it

    if record not in _ADAPTERS:
        _ADAPTERS[record] = TypeAdapter(record)
    return _ADAPTERS[record]


def to_plain(record: object) -> dict[str, Any]:
    """Return a record as plain JSON values, fields in order."""
    plain: dict[str, Any] = _adapter(type(record)).dump_python(record, mode="json")
    return plain


def from_plain(record: type[R], plain: object) -> R:
    """Make a record from plain values. Raises pydantic.ValidationError."""
    return _adapter(record).validate_python(plain)
