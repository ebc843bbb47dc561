"""Records of JSON values: what is common to JSON Lines, arrays and single objects."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from builder.corpus.readers.detection.tags import ANNOTATIONS, is_annotated
from builder.corpus.readers.encodings import Encoding
from builder.corpus.readers.naming import likely_text, line_to_write
from builder.corpus.readers.rows import BadRecord, File, Note, ReadItem, has_field, row_of, shown
from builder.corpus.readers.streams import BrokenError
from builder.corpus.readers.text import detection_warnings, file_encoding
from builder.schema.dataset import Fields

NO_FIELD = "no text field"

LOOK = 1_000
"""Records without the text's field after which the rest of a file is not read."""

DEEPEST, MOST_NAMES = 3, 100
"""Nested objects whose names are listed, and the most names of one object."""

LEAST_KEYED = 3
"""Objects with the same fields that are taken for records under keys of their own."""

MARKUP = re.compile(r"<(?:p|div|br|html|body|span|article|h[1-6])\b[^<>]{0,500}>", re.IGNORECASE)
"""A tag that shows that a value is HTML."""

FIX = "correct the element, or name other elements under `fields:` in schema/dataset.yaml"

SHOWN = 20
"""Names of fields that a message lists."""


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value, its place in the file, and the encoding from which it was decoded."""

    value: object
    place: str
    encoding: str


@dataclass(slots=True)
class _Tally:
    """Statistics of the records of a file that were read so far."""

    has_text: bool = False
    """Whether a record has the field of the text."""
    number: int = 0
    nameless: list[BadRecord] = field(default_factory=list)
    """The records before the first that has it."""
    is_annotated: bool = False
    is_broken: bool = False
    names: Counter[str] = field(default_factory=Counter)
    """The records that have a value in each field."""
    lengths: Counter[str] = field(default_factory=Counter)
    """The code points of all strings in each field."""
    markup: set[str] = field(default_factory=set)
    """The fields that hold HTML."""
    damaged: list[str] = field(default_factory=list)
    """The places of records in which bytes were replaced."""

    def look(self, values: Mapping[str, object]) -> None:
        """Count the fields of a record, and what they hold."""
        for name, value in _leaves(values, DEEPEST):
            self.names[name] += 1
            strings = [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
            self.lengths[name] += sum(map(len, strings))
            if any(MARKUP.search(item) for item in strings):
                self.markup.add(name)


def records_of(
    file: File, fields: Fields, declared: str | None, values: Callable[[Encoding], Iterator[Value | ReadItem]], kind: str = "JSON "
) -> Iterator[ReadItem]:  # fmt: skip
    """Yield the records of a file, or of a part of one, whose values are read in one encoding."""
    encoding = file_encoding(file, declared)
    if isinstance(encoding, BadRecord):
        yield encoding
        return
    is_first = not file.begin
    if is_first:
        yield from detection_warnings(encoding, declared)
    yield from records(values(encoding), fields, kind=kind, is_first=is_first)


def records(
    values: Iterable[Value | ReadItem], fields: Fields, *, is_first: bool = True, kind: str = "JSON "
) -> Iterator[ReadItem]:
    """Yield the records of JSON values or of values of another `kind`, or their faults.

    If no record has the field of the text, the file has one fault, which lists the fields that it has; a part that is
    not the first of its file says so without a warning.
    """
    tally = _Tally()
    broken: BrokenError | None = None
    try:
        for value in values:
            yield from _tallied(value, fields, tally, kind)
            if len(tally.nameless) == LOOK or tally.is_annotated:
                break
    except BrokenError as error:
        broken, tally.is_broken = error, True
    yield from _at_end(tally, fields, is_first=is_first)
    if broken:
        raise broken


def _tallied(value: Value | ReadItem, fields: Fields, tally: _Tally, kind: str) -> Iterator[ReadItem]:
    """Yield the record of a value, unless it lacks the field of the text as those before it do."""
    tally.number += 1
    if not isinstance(value, Value):
        yield value
        return
    if value.encoding.endswith("damaged"):
        tally.damaged.append(value.place)
    item = _record(value, fields, kind)
    if tally.number == 1 and isinstance(value.value, dict) and is_annotated(value.value):
        tally.is_annotated = True
        yield ANNOTATIONS
        return
    if isinstance(value.value, dict) and value.value and not tally.has_text:
        tally.has_text = has_field(value.value, fields.text)
        if not tally.has_text and isinstance(item, BadRecord):
            tally.nameless.append(item)
            tally.look(value.value)
            return
        yield from tally.nameless
        tally.nameless = []
    yield item


def _at_end(tally: _Tally, fields: Fields, *, is_first: bool) -> Iterator[ReadItem]:
    """Yield what is only known at the end of a file."""
    if tally.damaged:
        message = (f"{len(tally.damaged):,} records hold bytes that are not valid, the first of them at "
                   f"{tally.damaged[0][1:]}; each such place became a replacement character")  # fmt: skip
        yield Note("damaged", message, "fetch the file again if these letters matter")
    if tally.nameless:
        yield _no_field(tally, fields, is_first=is_first)
    if not tally.number and is_first and not tally.is_broken:
        yield BadRecord("", "no records", "the file holds no records", "")


def _record(value: Value, fields: Fields, kind: str) -> ReadItem:
    """Return the record of a value, or its fault."""
    if not isinstance(value.value, dict):
        return BadRecord(f"{value.place}:1" if value.place.count(":") == 1 else value.place, "not an object",
                         f"a JSON {type(value.value).__name__}, not an object",
                         'write {"text": "..."} for each article')  # fmt: skip
    fix = {} if kind == "JSON " else {"fix": FIX}
    return row_of(value.value, fields, value.place, kind, encoding=value.encoding, extra=True, **fix)


def _leaves(values: Mapping[str, object], depth: int) -> Iterator[tuple[str, object]]:
    """Yield the fields of an object that hold a value; those of nested objects are dotted paths.

    Of a list of objects, or of objects under keys of their own, the first stands for all, and the path has `[]`.
    """
    if _is_keyed(values):
        yield from ((f"[].{path}", value) for path, value in _leaves(next(iter(values.values())), depth))  # type: ignore[arg-type]
        return
    for name, value in list(values.items())[:MOST_NAMES]:
        is_list = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
        inner = value[0] if is_list and isinstance(value, list) else value
        if isinstance(inner, Mapping) and depth:
            mark = "" if _is_keyed(inner) else "[]." if is_list else "."
            yield from ((f"{name}{mark}{path}", leaf) for path, leaf in _leaves(inner, depth - 1))
        elif value is not None:
            yield name, value


def _is_keyed(values: Mapping[str, object]) -> bool:
    """Return whether an object holds records under keys of their own: several objects with the same fields."""
    fields = [value.keys() if isinstance(value, Mapping) else None for value in islice(values.values(), LEAST_KEYED)]
    return len(fields) == LEAST_KEYED and fields[0] is not None and len(fields[0]) > 0 and all(
        keys == fields[0] for keys in fields)  # fmt: skip


def _no_field(tally: _Tally, fields: Fields, *, is_first: bool) -> BadRecord:
    """Return the fault of a file in which no record has the field of the text."""
    names, number = tally.names, len(tally.nameless)
    listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in names.most_common(SHOWN))
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    records = "its one record; it has" if number == 1 else f"any of its first {number:,} records; they have"
    likely = likely_text(names, {name: tally.lengths[name] / names[name] for name in names})
    is_markup = any(name == likely or name.endswith(f"[].{likely}") for name in tally.markup)
    fix = line_to_write("html" if fields.html or is_markup else "text", likely)
    message = f"no field `{shown(fields.text)}` in {records} {listed}{more}"
    return BadRecord("", NO_FIELD, message, fix if is_first else "")
