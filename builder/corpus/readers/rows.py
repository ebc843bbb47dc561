"""Records as the readers yield them: a row under khabar's field names, or the reason why it is unreadable."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import islice

from builder.corpus.readers.dates.parse import as_written
from builder.corpus.readers.encodings import Encoding, decode
from builder.corpus.readers.naming import line_inside
from builder.records import NO_FACTS, Facts
from builder.schema.dataset import Fields

MAX_BYTES = 50_000_000
"""Bytes of one record (a text file, a line, a row, a page); a longer one is hostile or broken."""

OPTIONAL = ("title", "url", "published_at", "source")

AUTHORS = ("author", "authors", "byline", "creator", "writer", "الكاتب", "كاتب")
"""The names under which an author is read, in this order, unless `fields` maps `author` to another."""

LONGEST_AUTHOR = 300
"""Most code points of an author; the rest of a longer one is cut off."""

LONGEST_EXTRA, LONGEST_NAME, MOST_EXTRA = 20_000, 100, 100
"""Most code points of a value that has no field, and of its name; and most such values of a record."""

RECORDS = {"JSON ": "line", "XML ": "element"}
"""What a record is called in messages, by the kind of its values; a row where no other name is listed."""

WRITE = 'write {"text": "..."} with strings; title, url, published_at and source are optional'


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a zip archive, as the archive's directory describes it."""

    name: str
    offset: int
    """First byte of its local header."""
    method: int
    packed: int
    size: int
    crc: int


@dataclass(frozen=True, slots=True)
class File:
    """An input file, or a part of one.

    `uri` locates it, `named` is its name on the command line, and `origin` its name in records. `kind` is its format
    and `packing` its compression. `stamp` changes when the content does.
    """

    uri: str
    named: str
    origin: str
    kind: str
    packing: str
    size: int
    stamp: str
    begin: int = 0
    """First byte of a part, or first row group of a Parquet file; `end` is exclusive."""
    end: int | None = None
    before: int = 0
    """Lines or rows of the file before this part."""
    encoding: Encoding | None = None
    """The encoding of a part, which was determined once for the whole file."""
    member: Member | None = None
    """The file inside the zip archive at `uri`."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """A record; `place` is appended to the file's origin in messages, such as `:3` for the third line."""

    place: str
    text: str
    title: str | None = None
    url: str | None = None
    published_at: str | None = None
    source: str | None = None
    encoding: str = "utf-8"
    html_sha: str | None = None
    author: str | None = None
    facts: Facts = NO_FACTS


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that cannot be read: the reason under which it is counted, the fault, and the fix.

    A record without a fix is counted and causes no warning.
    """

    place: str
    reason: str
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Note:
    """A warning about a file that is read nevertheless."""

    code: str
    message: str
    fix: str


ReadItem = RawRecord | BadRecord | Note


def row_of(
    values: Mapping[str, object],
    fields: Fields,
    position: str,
    kind: str,
    *,
    encoding: str = "utf-8",
    fix: str = WRITE,
    extra: bool = False,
) -> RawRecord | BadRecord:
    """Return the record of a mapping, read from the names in `fields`, or its fault.

    `kind` describes the values in messages, as in `a JSON int`. With `extra`, the other values are kept in the facts.
    """
    texts: dict[str, str | None] = {}
    for name in ("text", *OPTIONAL):
        value = _at(values, getattr(fields, name))
        if name == "text" and isinstance(value, bytes):
            try:
                decoded = decode(value)
            except UnicodeDecodeError as error:
                message = f"the text is not {error.encoding.upper()} at byte {error.start}"
                return BadRecord(position, f"not {error.encoding.upper()}", message, fix)
            value, encoding = decoded.text, decoded.said
        value = as_written(value) if name == "published_at" else _plain(value, name)
        if value is None:
            texts[name] = None
        elif not isinstance(value, str):
            said = f"{kind}{'object' if isinstance(value, Mapping) else type(value).__name__}"
            line = line_inside("html" if name == "text" and fields.html else name, getattr(fields, name), value)
            return BadRecord(position, "not a string", f"{name} is a {said}, not a string", line or fix)
        elif half := _half(value):
            return BadRecord(
                position, "half a surrogate pair", f"{name} holds half a surrogate pair at character {half - 1}", fix
            )
        elif len(value) > MAX_BYTES:
            return BadRecord(position, "too long", f"{name} has {len(value):,} characters; at most {MAX_BYTES:,}", fix)
        else:
            texts[name] = value
    text = texts.pop("text")
    if text is None:
        return BadRecord(position, "no text", f"the {RECORDS.get(kind, 'row')} has no text", fix)
    found = (person_names(_at(values, name)) for name in author_fields(fields))
    author = next((name for name in found if name), None)
    title, url, published_at, source = (texts[name] for name in OPTIONAL)
    facts = Facts(extra=extra_fields(values, fields)) if extra else NO_FACTS
    return RawRecord(position, text, title, url, published_at, source, encoding, author=author, facts=facts)


def extra_fields(values: Mapping[str, object], fields: Fields) -> dict[str, str]:
    """Return the values that are read as no field, each as text or as JSON.

    A value of more than LONGEST_EXTRA code points is replaced by its length, and names after the first MOST_EXTRA are
    counted under an ellipsis.

    >>> extra_fields({"text": "خبر", "id": 7, "meta": {"by": "سلمى", "page": 3}, "tags": ["اقتصاد"]}, Fields(author="meta.by"))
    {'id': '7', 'meta': '{"page": 3}', 'tags': '["اقتصاد"]'}
    """
    used = _used(fields)
    others = {name: rest for name, value in values.items() if (rest := _unused(name, value, used)) is not None}
    extra = {shown(name)[:LONGEST_NAME]: _as_text(value) for name, value in islice(others.items(), MOST_EXTRA)}
    return extra | ({"…": str(len(others) - MOST_EXTRA)} if len(others) > MOST_EXTRA else {})


@cache
def _used(fields: Fields) -> frozenset[str]:
    """Return the names of all values that are read as fields."""
    return frozenset((*(getattr(fields, name) for name in ("text", *OPTIONAL)), *author_fields(fields)))


def _unused(path: str, value: object, used: frozenset[str]) -> object:
    """Return a value without what is read as a field; None if nothing is left."""
    if path in used:
        return None
    if not isinstance(value, Mapping) or not any(name.startswith(f"{path}.") for name in used):
        return value
    rest = {name: left for name, inner in value.items() if (left := _unused(f"{path}.{name}", inner, used)) is not None}
    return rest or None


def _as_text(value: object) -> str:
    """Return a value as text, or as JSON if it is none; a long one as its length."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(text) > LONGEST_EXTRA:
        return f"(left out: {len(text):,} characters)"
    return text if not _half(text) else text.encode("utf-8", "replace").decode()


def shown(name: str) -> str:
    r"""Return a name of the input as it may be printed on a terminal.

    >>> print(shown("caf\udce9"), shown("a\x1b[31m"))
    caf\xe9 a\x1b[31m
    """
    return name if name.isprintable() else "".join(map(_shown_letter, name))


def _shown_letter(letter: str) -> str:
    """Return a printable letter, or the escape of another or of a byte that is not UTF-8."""
    if letter.isprintable():
        return letter
    return f"\\x{ord(letter) - 0xDC00:02x}" if "\udc80" <= letter <= "\udcff" else ascii(letter)[1:-1]


def has_field(values: Mapping[str, object], path: str) -> bool:
    """Return whether an object has a field, under a name or a dotted path of names."""
    if path in values:
        return True
    first, _, rest = path.partition(".")
    inner = values.get(first)
    return bool(rest) and isinstance(inner, Mapping) and has_field(inner, rest)


@cache
def author_fields(fields: Fields) -> tuple[str, ...]:
    """Return the names under which an author is read: the mapped one, else AUTHORS without those of other fields.

    >>> author_fields(Fields(author="meta.by")), author_fields(Fields(source="creator"))[:4]
    (('meta.by',), ('author', 'authors', 'byline', 'writer'))
    """
    if fields.author != AUTHORS[0]:
        return (fields.author,)
    others = {getattr(fields, name) for name in ("text", *OPTIONAL)}
    return tuple(name for name in AUTHORS if name not in others)


def person_names(value: object) -> str | None:
    """Return the names in a string, an object with a `name`, or a list of both; None if there are none.

    An author never makes a record unreadable, so any other value has no name.

    >>> person_names([{"name": " سلمى  الندى "}, "نديم الشعفار"]), person_names("—"), person_names(7)
    ('سلمى الندى، نديم الشعفار', None, None)
    """
    if value is None:
        return None
    names = [_name(item) for item in (value if isinstance(value, (list, tuple)) else [value])]
    joined = "، ".join(dict.fromkeys(name for name in names if any(map(str.isalnum, name))))
    return joined[:LONGEST_AUTHOR].strip() or None


def _name(value: object) -> str:
    """Return a name on one line; empty if the value has none, or holds half a surrogate pair."""
    name = value.get("name") if isinstance(value, Mapping) else value
    return " ".join(name.split()) if isinstance(name, str) and not _half(name) else ""


def _at(values: Mapping[str, object], path: str) -> object:
    """Return the value under a name, or under a dotted path of names; None if it is absent."""
    if path in values:
        return values[path]
    value: object = values
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _plain(value: object, name: str) -> object:
    r"""Return the value of a field as a string where it is written otherwise; any other value is unchanged.

    NaN is how pandas and Python write a missing value. The paragraphs of a text may be a list, and a source may be an
    object that has a name, as APIs of news have it.

    >>> _plain(float("nan"), "title"), _plain({"id": None, "name": "نسيم"}, "source"), _plain(["أ", "ب"], "text")
    (None, 'نسيم', 'أ\nب')
    """
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if name == "text" and isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if name == "source" and isinstance(value, Mapping) and isinstance(value.get("name", ""), (str, type(None))):
        return value.get("name", value)
    return value


def _half(text: str) -> int:
    """Return the position of the first lone surrogate, counted from 1; 0 if there is none."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start + 1
    return 0
