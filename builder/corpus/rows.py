"""One record of a file, whatever its format: what it says under khabar's names, or why it cannot be read. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from email.utils import parsedate_to_datetime

from builder.schema import Fields

MAX_BYTES = 50_000_000
"""Bytes of one record: a text file, a line, a row, a page; more is hostile or broken."""
OPTIONAL = ("title", "url", "published_at", "source")
WRITE = 'write {"text": "..."} with strings, title, url, published_at and source optional'


@dataclass(frozen=True, slots=True)
class File:
    """A file to read: where it is, as it was named, its name in records, its format, how it is packed, what tells it has changed."""

    uri: str
    named: str
    origin: str
    kind: str
    packing: str
    size: int
    stamp: str
    begin: int = 0
    """Of a part of a file: the byte where it begins, or the row group of Parquet; `end` is where it ends, exclusive."""
    end: int | None = None
    before: int = 0
    """Lines, or rows, of the file that stand before this part."""


@dataclass(frozen=True, slots=True)
class Row:
    """A record; `place` follows the file's origin in messages, such as `:3` for the third line."""

    place: str
    text: str
    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    source: str | None = None
    encoding: str = "utf-8"
    html_sha: str | None = None


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that cannot be read: the reason that it is counted under, what is wrong, and what to do.

    Where there is nothing to do (no fix), it is only counted: no warning is worth it.
    """

    place: str
    reason: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be said of a file that is read all the same."""

    code: str
    message: str
    fix: str


Found = Row | Bad | Note


def row_of(
    values: Mapping[str, object], fields: Fields, place: str, kind: str, *, encoding: str = "utf-8", fix: str = WRITE
) -> Row | Bad:
    """The record that a mapping holds where `fields` says; `kind` names what values are, as in `a JSON int`."""
    said: dict[str, str | None] = {}
    for name in ("text", *OPTIONAL):
        value = _plain(_at(values, getattr(fields, name)))
        if value is None:
            said[name] = None
        elif not isinstance(value, str):
            return Bad(place, "not a string", f"{name} is a {kind}{type(value).__name__}, not a string", fix)
        elif half := _half(value):
            return Bad(
                place, "half a surrogate pair", f"{name} holds half a surrogate pair at character {half - 1}", fix
            )
        elif len(value) > MAX_BYTES:
            return Bad(place, "too long", f"{name} has {len(value):,} characters; at most {MAX_BYTES:,}", fix)
        else:
            said[name] = value
    text = said.pop("text")
    if text is None:
        return Bad(place, "no text", "the line has no text" if kind == "JSON " else "the row has no text", fix)
    return Row(place, text, **said, encoding=encoding)


def _at(values: Mapping[str, object], path: str) -> object:
    """The value under a name, or under several with points between them."""
    if path in values:
        return values[path]
    found: object = values
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, (date, datetime)) else value


def _half(text: str) -> int:
    """The place of half a surrogate pair, counted from 1; 0 where there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start + 1
    return 0


def iso(moment: str | None) -> str | None:
    """A date of a mail or a feed (RFC 822) as ISO 8601; any other as it is.

    >>> iso("Tue, 03 Mar 2026 18:42:00 +0300"), iso("2026-03-03")
    ('2026-03-03T18:42:00+03:00', '2026-03-03')
    """
    try:
        return parsedate_to_datetime(moment or "").isoformat()
    except ValueError:
        return moment
