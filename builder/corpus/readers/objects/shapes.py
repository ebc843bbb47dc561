"""Reader for JSON that is not one object a line: arrays, single objects, objects one after another, wrapped arrays.

The file is decoded and parsed as a stream; memory holds one element and a block of text.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from builder.corpus.readers.detection.tags import is_annotated
from builder.corpus.readers.encodings import Encoding, decode_as
from builder.corpus.readers.objects.frames import frame_rows
from builder.corpus.readers.objects.records import Value, records_of
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, ReadItem, has_field, shown
from builder.corpus.readers.streams import CHUNK, BrokenError, decoded_blocks, opened
from builder.corpus.readers.text import recoding
from builder.schema.dataset import Fields

DECODER, LAX = json.JSONDecoder(), json.JSONDecoder(strict=False)
"""LAX accepts tabs and newlines in strings, which JSON forbids. An unclosed string would run on to the next quote, so it
is only used where DECODER fails."""

BLANKS = re.compile(r"[\s,\]]*")
"""What stands between elements; the end of an array is looked for at the end of the file."""

LEADING = re.compile("[\\s\N{ZERO WIDTH NO-BREAK SPACE}]*")

NEXT = re.compile(r"[}\]]\s*,?\s*(?=\{)|\n(?=\{)")
"""The end of an element before the next one; after a malformed element, reading continues there."""

NEAR = 16
"""Characters before the end of a block within which a fault may come from the end of the block."""

DEEPEST = 2
"""Objects inside the object of a file in which records are looked for."""

MEND = "correct the element, or delete it"


@dataclass(slots=True)
class _Cursor:
    """A position in a text that is read block by block."""

    blocks: Iterator[str]
    buffer: str = ""
    at: int = 0
    line: int = 1
    column: int = 1
    closed: bool = False
    """Whether the end of an array stands before this position."""
    broken: BrokenError | None = None
    is_at_end: bool = False
    """Whether all text has been read."""

    def more(self) -> bool:
        """Read more text, as long as what is not yet parsed; return whether there was any.

        Raises BrokenError once all text before a fault of the stream has been returned.
        """
        read = [self.buffer[self.at :]]
        wanted = max(CHUNK, len(read[0]))
        try:
            while wanted > 0 and not self.broken and (block := next(self.blocks, "")):
                read.append(block)
                wanted -= len(block)
        except BrokenError as error:
            self.broken = error
        if self.broken and len(read) == 1:
            raise self.broken
        self.buffer, self.at = "".join(read), 0
        self.is_at_end = len(read) == 1
        return not self.is_at_end

    def move(self, to: int) -> None:
        """Go on to a place in the buffer."""
        newlines = self.buffer.count("\n", self.at, to)
        self.line += newlines
        self.column = to - self.buffer.rfind("\n", self.at, to) if newlines else self.column + to - self.at
        self.at = to

    def place(self, further: int = 0) -> str:
        """Return the line and the column of a position, which is this one or a later one in the buffer."""
        newlines = self.buffer.count("\n", self.at, self.at + further)
        last = self.buffer.rfind("\n", self.at, self.at + further)
        return f":{self.line + newlines}:{self.at + further - last if newlines else self.column + further}"

    def skip(self, blanks: re.Pattern[str] = BLANKS) -> str:
        """Go on to the next element, and return its first character; empty at the end."""
        self.closed = False
        while True:
            found = blanks.match(self.buffer, self.at)
            end = found.end() if found else self.at
            self.closed |= "]" in self.buffer[self.at : end]
            self.move(end)
            if self.at < len(self.buffer) or not self.more():
                return self.buffer[self.at : self.at + 1]

    def resume(self, after: int) -> None:
        """Go on to the element after a malformed one, or to the end."""
        self.move(min(after, len(self.buffer)))
        while not (found := NEXT.search(self.buffer, self.at)):
            self.move(max(self.at, len(self.buffer) - 1_000))  # an end of an element with its blanks is shorter
            if not self.more():
                self.move(len(self.buffer))
                return
        self.move(found.end())


def json_file(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the records of a JSON file, each placed by its line and column."""
    return records_of(file, fields, declared, partial(_elements, file, fields))


def _elements(file: File, fields: Fields, encoding: Encoding) -> Iterator[Value | ReadItem]:
    """Yield the elements of a file."""
    with opened(file) as stream:
        yield from _values(_Cursor(decoded_blocks(stream, encoding)), encoding, fields)


def _values(cursor: _Cursor, encoding: Encoding, fields: Fields) -> Iterator[Value | ReadItem]:
    """Yield the elements of an array, or the objects that stand one after another."""
    is_array = cursor.skip(LEADING) == "["
    if is_array:
        cursor.move(cursor.at + 1)
    number, fault = 0, False
    while first := cursor.skip():
        if first == "[" and is_array and cursor.closed:  # another array, as Scrapy appends it to a file
            cursor.move(cursor.at + 1)
            continue
        number += 1
        place = cursor.place()
        value, end = _element(cursor, place)
        fault = isinstance(value, BadRecord)
        if isinstance(value, BadRecord):
            yield value
            cursor.resume(end)
            continue
        source = cursor.buffer[cursor.at : end]
        cursor.move(end)
        found = _mended(source, value, place, encoding)
        is_only = number == 1 and not is_array and not cursor.skip()
        yield from _unwrapped(found, fields) if is_only and isinstance(found, Value) else [found]
    if is_array and not cursor.closed and not fault:
        yield BadRecord(cursor.place(), "truncated", "the file ends in the middle of its array",
                        "fetch the file again; the records before the fault were read")  # fmt: skip


def _element(cursor: _Cursor, place: str) -> tuple[object, int]:
    """Return the next element and its end in the buffer; or its fault, and the place of that."""
    while True:
        try:
            value, end = _decoded(cursor)
        except json.JSONDecodeError as error:
            if error.msg.startswith("Unterminated") or error.pos >= len(cursor.buffer) - NEAR:
                if len(cursor.buffer) - cursor.at > MAX_BYTES:
                    message = f"an element of more than {MAX_BYTES:,} characters"
                    return BadRecord(
                        place, "too long", message, "write each article as an element of its own"
                    ), error.pos
                if not cursor.is_at_end:
                    cursor.more()
                    continue
            where = cursor.place(error.pos - cursor.at)
            return BadRecord(where, "not JSON", f"not JSON: {error.msg}", MEND), error.pos
        except (ValueError, RecursionError) as error:
            return BadRecord(place, "not JSON", f"not JSON: {error}", MEND), cursor.at
        if end < len(cursor.buffer) or isinstance(value, (dict, list, str)) or not cursor.more():
            return value, end


def _decoded(cursor: _Cursor) -> tuple[object, int]:
    """Return the value at a position and its end; raise JSONDecodeError, of DECODER unless LAX needs more text."""
    try:
        return DECODER.raw_decode(cursor.buffer, cursor.at)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid control character"):
            raise
        try:
            return LAX.raw_decode(cursor.buffer, cursor.at)
        except json.JSONDecodeError as lax:
            needs_more = lax.msg.startswith("Unterminated") or lax.pos >= len(cursor.buffer) - NEAR
            raise (lax if needs_more and not cursor.is_at_end else error) from None


def _mended(source: str, value: object, place: str, encoding: Encoding) -> Value | BadRecord:
    """Return the value of an element; a few bytes of it that are not UTF-8 are replaced."""
    if encoding.name != "utf-8" or source.isascii():
        return Value(value, place, encoding.said)
    try:
        source.encode()
    except UnicodeEncodeError:  # the decoder escaped such bytes
        content = source.encode("utf-8", "surrogateescape")
        try:
            decoded = decode_as(content, encoding)
        except UnicodeDecodeError as error:
            return BadRecord(place, "not UTF-8", f"not UTF-8 at byte {error.start} of the element", recoding(content))
        return Value(json.loads(decoded.text, strict=False), place, decoded.said)
    return Value(value, place, encoding.said)


def _unwrapped(found: Value, fields: Fields) -> Iterator[Value]:
    """Yield the records inside the only object of a file, or the object itself if it is a record."""
    if isinstance(found.value, dict) and (rows := frame_rows(found.value)):
        yield from (Value(row, f"{found.place}#{shown(key)}", found.encoding) for key, row in rows)
        return
    if isinstance(found.value, dict) and not has_field(found.value, fields.text) and not is_annotated(found.value):
        inner = _inner(found.value, fields.text, DEEPEST)
        if inner:
            path, values = inner
            yield from (Value(value, f"{found.place}#{shown(path)}{key}", found.encoding) for key, value in values)
            return
    yield found


def _inner(values: dict[str, object], text: str, depth: int) -> tuple[str, list[tuple[str, object]]] | None:
    """Return the path of the objects with a text inside an object, and these under their numbers or keys."""
    numbered = [(f"{name}/", _numbered(value)) for name, value in values.items() if isinstance(value, list)]
    for path, items in [("", [*values.items()]), *numbered]:
        objects = [item for _, item in items if isinstance(item, dict)]
        if objects and len(objects) == len(items) and any(has_field(item, text) for item in objects):
            return path, [(shown(key), item) for key, item in items]
    for name, value in values.items() if depth else ():
        if isinstance(value, dict) and (deeper := _inner(value, text, depth - 1)):
            return f"{name}/{deeper[0]}", deeper[1]
    return None


def _numbered(items: list[object]) -> list[tuple[str, object]]:
    """Return items with their numbers, from 1."""
    return [(str(number), item) for number, item in enumerate(items, 1)]
