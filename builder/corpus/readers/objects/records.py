"""Records of JSON values: what is common to JSON Lines, arrays and single objects."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from builder.corpus.readers.detection.tags import ANNOTATIONS, is_annotated
from builder.corpus.readers.rows import BadRecord, Note, ReadItem, has_field, row_of, shown
from builder.corpus.readers.streams import BrokenError
from builder.schema.dataset import Fields

NO_FIELD = "no text field"

LOOK = 1_000
"""Records without the text's field after which the rest of a file is not read."""

DEEPEST, MOST_NAMES = 3, 100
"""Nested objects whose names are listed, and the most names of one object."""

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
    """What is known so far of the records of a file."""

    has_text: bool = False
    """Whether a record has the field of the text."""
    number: int = 0
    nameless: list[BadRecord] = field(default_factory=list)
    """The records before the first that has it."""
    is_annotated: bool = False
    is_broken: bool = False
    names: Counter[str] = field(default_factory=Counter)
    damaged: list[str] = field(default_factory=list)
    """The places of records in which bytes were replaced."""


def records(values: Iterable[Value | ReadItem], fields: Fields, *, is_first: bool = True) -> Iterator[ReadItem]:
    """Yield the records of JSON values, or their faults.

    If no record has the field of the text, the file has one fault, which lists the fields that it has; a part that is
    not the first of its file says so without a warning.
    """
    tally = _Tally()
    broken: BrokenError | None = None
    try:
        for value in values:
            yield from _tallied(value, fields, tally)
            if len(tally.nameless) == LOOK or tally.is_annotated:
                break
    except BrokenError as error:
        broken, tally.is_broken = error, True
    yield from _at_end(tally, fields, is_first=is_first)
    if broken:
        raise broken


def _tallied(value: Value | ReadItem, fields: Fields, tally: _Tally) -> Iterator[ReadItem]:
    """Yield the record of a value, unless it lacks the field of the text as those before it do."""
    tally.number += 1
    if not isinstance(value, Value):
        yield value
        return
    if value.encoding.endswith("damaged"):
        tally.damaged.append(value.place)
    item = _record(value, fields)
    if tally.number == 1 and isinstance(value.value, dict) and is_annotated(value.value):
        tally.is_annotated = True
        yield ANNOTATIONS
        return
    if isinstance(value.value, dict) and value.value and not tally.has_text:
        tally.has_text = has_field(value.value, fields.text)
        if not tally.has_text and isinstance(item, BadRecord):
            tally.nameless.append(item)
            tally.names.update(_names(value.value, DEEPEST))
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


def _record(value: Value, fields: Fields) -> ReadItem:
    """Return the record of a value, or its fault."""
    if not isinstance(value.value, dict):
        return BadRecord(f"{value.place}:1" if value.place.count(":") == 1 else value.place, "not an object",
                         f"a JSON {type(value.value).__name__}, not an object",
                         'write {"text": "..."} for each article')  # fmt: skip
    return row_of(value.value, fields, value.place, "JSON ", encoding=value.encoding, extra=True)


def _names(values: Mapping[str, object], depth: int) -> Iterator[str]:
    """Yield the names of an object's fields that hold a value; those of nested objects are dotted paths."""
    for name, value in list(values.items())[:MOST_NAMES]:
        is_list = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
        inner = value[0] if is_list and isinstance(value, list) else value
        if isinstance(inner, Mapping) and depth:
            yield from (f"{name}{'[]' if is_list else ''}.{path}" for path in _names(inner, depth - 1))
        elif value is not None:
            yield name


def _no_field(tally: _Tally, fields: Fields, *, is_first: bool) -> BadRecord:
    """Return the fault of a file in which no record has the field of the text."""
    names, number = tally.names, len(tally.nameless)
    listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in names.most_common(SHOWN))
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    records = "its one record; it has" if number == 1 else f"any of its first {number:,} records; they have"
    likely = _likely(names)
    fix = f"write `text: {likely or 'NAME'}` under `fields:` in schema/dataset.yaml"
    fix += "" if likely else ", with the name of the field that holds the text"
    message = f"no field `{shown(fields.text)}` in {records} {listed}{more}"
    return BadRecord("", NO_FIELD, message, fix if is_first else "")


def _likely(names: Iterable[str]) -> str | None:
    """Return the path of the field that most likely holds the text, inside the objects of a list; None if none does."""
    paths = [name.rpartition("[].")[2] for name in names]
    for usual in USUAL_TEXTS:
        for path in paths:
            if usual in (path, path.rpartition(".")[2]):
                return path
    return None


USUAL_TEXTS = (
    "text", "content", "body", "maintext", "article", "articleBody", "article_text", "article_body", "Text", "Content",
    "Body", "Article", "full_text", "fulltext", "cleaned_text", "content_text", "story", "news", "main_text", "raw_text",
    "النص", "نص", "المحتوى", "الخبر", "rendered", "description",
)  # fmt: skip
"""Names under which articles are often found, the likeliest first."""
