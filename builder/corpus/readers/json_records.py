"""Records of JSON values: what is common to JSON Lines, arrays and single objects."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from builder.corpus.readers.rows import BadRecord, Note, ReadItem, has_field, row_of, shown
from builder.corpus.readers.tags import ANNOTATIONS, is_annotated
from builder.schema.dataset import Fields

NO_FIELD = "no text field"

LOOK = 1_000
"""Records without the text's field after which the rest of a file is not read."""

SHOWN = 20
"""Names of fields that a message lists."""


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value, its place in the file, and the encoding from which it was decoded."""

    value: object
    place: str
    encoding: str


def records(values: Iterable[Value | ReadItem], fields: Fields, *, is_first: bool = True) -> Iterator[ReadItem]:
    """Yield the records of JSON values, or their faults.

    If no record has the field of the text, the file has one fault, which lists the fields that it has; a part that is
    not the first of its file says so without a warning.
    """
    nameless: list[BadRecord] = []
    seen: Counter[str] = Counter()
    known = False
    damaged: list[str] = []
    for value in values:
        if isinstance(value, Value) and value.encoding.endswith("damaged"):
            damaged.append(value.place)
        item = _record(value, fields, known=known) if isinstance(value, Value) else value
        if item is ANNOTATIONS:
            yield item
            return
        if not known and isinstance(value, Value) and isinstance(value.value, dict) and value.value:
            known = has_field(value.value, fields.text)
            if not known and isinstance(item, BadRecord):
                nameless.append(item)
                seen.update(_names(value.value))
                if len(nameless) == LOOK:
                    break
                continue
            yield from nameless
            nameless = []
        yield item
    if damaged:
        yield Note("damaged", f"{len(damaged):,} records hold bytes that are not valid, the first of them at {damaged[0][1:]}; "
                   "each such place became a replacement character", "fetch the file again if these letters matter")  # fmt: skip
    if nameless:
        yield _no_field(seen, len(nameless), fields, is_first=is_first)


def _record(value: Value, fields: Fields, *, known: bool) -> ReadItem:
    """Return the record of a value, or its fault."""
    if not isinstance(value.value, dict):
        return BadRecord(f"{value.place}:1" if value.place.count(":") == 1 else value.place, "not an object",
                         f"a JSON {type(value.value).__name__}, not an object",
                         'write {"text": "..."} for each article')  # fmt: skip
    if not known and is_annotated(value.value):
        return ANNOTATIONS
    return row_of(value.value, fields, value.place, "JSON ", encoding=value.encoding, extra=True)


def _names(values: Mapping[str, object]) -> Iterator[str]:
    """Yield the names of an object's fields that hold a value; a nested object has dotted ones."""
    for name, value in list(values.items())[:100]:
        if isinstance(value, Mapping):
            yield from (f"{name}.{inner}" for inner in list(value)[:20])
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from (f"{name}[].{inner}" for inner in list(value[0])[:20])
        elif value is not None:
            yield name


def _no_field(seen: Counter[str], number: int, fields: Fields, *, is_first: bool) -> BadRecord:
    """Return the fault of a file in which no record has the field of the text."""
    listed = ", ".join(f"{shown(name)} ({count:,})" for name, count in seen.most_common(SHOWN))
    more = f" and {len(seen) - SHOWN:,} more" if len(seen) > SHOWN else ""
    records = "its one record; it has" if number == 1 else f"any of its first {number:,} records; they have"
    found = {name.rpartition("[].")[2] for name in seen}
    likely = next((name for name in USUAL_TEXTS if name in found), "NAME")
    message = f"no field `{shown(fields.text)}` in {records} {listed}{more}"
    fix = f"write `text: {likely}` under `fields:` in schema/dataset.yaml" + (
        "" if likely in found else ", with the name of the field that holds the text"
    )
    return BadRecord("", NO_FIELD, message, fix if is_first else "")


USUAL_TEXTS = (
    "text", "content", "body", "maintext", "article", "articleBody", "article_text", "article_body", "Text", "Content",
    "Body", "Article", "full_text", "fulltext", "cleaned_text", "content_text", "story", "news", "main_text", "raw_text",
    "النص", "نص", "المحتوى", "الخبر", "content.rendered", "article.body", "article.text", "data.text", "description",
)  # fmt: skip
"""Names under which articles are often found, the likeliest first."""
