"""Reader for JSON Lines, in each encoding of builder.corpus.readers.encodings."""

import json
from collections.abc import Iterator
from functools import partial

from builder.corpus.readers.encodings import Encoding, decode_as
from builder.corpus.readers.objects.records import Value, records_of
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, ReadItem
from builder.corpus.readers.streams import lines, opened
from builder.corpus.readers.text import decoding_fault
from builder.schema.dataset import Fields

MEND = "correct the line, or delete it"


def json_lines(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the records of a JSON Lines file, or of a part of one; each line is decoded by itself."""
    return records_of(file, fields, declared, partial(_values, file))


def _values(file: File, encoding: Encoding) -> Iterator[Value | ReadItem]:
    """Yield the values of the lines of a file."""
    with opened(file) as stream:
        for number, begin, line in lines(stream, file, encoding):
            if line is None:
                yield BadRecord(f":{number}:1", "too long", f"a line longer than {MAX_BYTES:,} bytes",
                          "split the line; each line must be one article")  # fmt: skip
                continue
            mark = 0 if begin else len(_mark(line, encoding))
            try:
                decoded = decode_as(line[mark:], encoding)
            except UnicodeDecodeError as error:
                yield decoding_fault(error, line[mark:], number, begin + mark)
                continue
            yield from _value(decoded.text, number, decoded.said)


def _mark(line: bytes, encoding: Encoding) -> bytes:
    """Return the byte order mark with which a line begins."""
    mark = "\N{ZERO WIDTH NO-BREAK SPACE}".encode(encoding.codec, "ignore")
    return mark if mark and line.startswith(mark) else b""


def _value(line: str, number: int, encoding: str) -> Iterator[Value | BadRecord]:
    """Yield the value of one line, or its fault; a blank line has none."""
    if not line.strip():
        return
    try:
        yield Value(json.loads(line.rstrip("\r\n"), strict=False), f":{number}", encoding)
    except json.JSONDecodeError as error:
        yield BadRecord(f":{number}:{error.colno}", "not JSON", f"not JSON: {error.msg}", MEND)
    except (ValueError, RecursionError) as error:
        yield BadRecord(f":{number}:1", "not JSON", f"not JSON: {error}", MEND)
