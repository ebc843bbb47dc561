"""Readers for text files and JSON Lines, in each encoding of builder.corpus.readers.encodings."""

import json
from collections.abc import Iterator

from builder.corpus.readers.encodings import Decoded, decode
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, Note, RawRecord, ReadItem, row_of
from builder.corpus.readers.streams import content, lines, opened
from builder.schema.dataset import Fields

RECODE = "save it as UTF-8, such as with `iconv -f WINDOWS-1256 -t UTF-8`"

BOM = b"\xef\xbb\xbf"

MEND = "correct the line, or delete it"


def text(file: File, declared: str | None) -> Iterator[ReadItem]:
    """Yield the content of a text file, as one record."""
    with opened(file) as stream:
        raw = content(stream)
    if raw is None:
        yield BadRecord("", "too long", f"more than {MAX_BYTES:,} bytes in one text file",
                  "split the file; each file must be one article")  # fmt: skip
        return
    try:
        decoded = decode(raw, declared)
    except UnicodeDecodeError as error:
        yield decoding_fault(error, raw)
        return
    yield from encoding_warnings(decoded, declared)
    yield RawRecord("", decoded.text, encoding=decoded.said)


def encoding_warnings(decoded: Decoded, declared: str | None) -> Iterator[Note]:
    """Yield a warning if an encoding was only detected."""
    if decoded.known == "detected":
        why = f"its bytes are, though {declared} was declared" if declared else "detected"
        other = "save it again as UTF-8" if declared else "name its encoding with --encoding, or save it as UTF-8"
        yield Note("encoding", f"read as {decoded.encoding}: {why}", f"if its letters look wrong, {other}")


def decoding_fault(error: UnicodeDecodeError, bytes_: bytes, line: int = 1, offset: int = 0) -> BadRecord:
    """Return the fault of a byte that cannot be decoded, with its line and column.

    `bytes_` start at line `line` (from 1) and byte `offset` of the file.
    """
    *above, current = bytes_[: error.start].decode(error.encoding).split("\n")
    fix = RECODE if error.encoding == "utf-8" else "the file is truncated or damaged; fetch it again"
    encoding = error.encoding.upper()
    return BadRecord(f":{line + len(above)}:{len(current) + 1}", f"not {encoding}",
               f"not {encoding} at byte {offset + error.start} of the file", fix)  # fmt: skip


def json_lines(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the records of a JSON Lines file.

    The encoding of a small file is detected from its whole content. A packed or large file is read line by line as
    UTF-8, or in the declared encoding.
    """
    decoded = None
    if not file.packing and file.size <= MAX_BYTES:
        with opened(file) as stream:
            raw = stream.read()
        try:
            decoded = decode(raw, declared)
        except UnicodeDecodeError as error:
            if error.encoding != "utf-8":
                yield decoding_fault(error, raw)
                return
        else:
            yield from encoding_warnings(decoded, declared)
    if decoded and decoded.encoding != "utf-8":
        for number, line in enumerate(decoded.text.split("\n"), 1):
            yield from _record(line, number, fields, decoded.said)
        return
    yield from _streamed(file, fields, declared if file.packing or file.size > MAX_BYTES else None)


def _streamed(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the records of a file, decoded line by line."""
    encoding = "cp1256" if declared == "windows-1256" else "utf-8"
    label = "windows-1256, declared" if encoding == "cp1256" else "utf-8"
    with opened(file) as stream:
        for number, begin, line in lines(stream, file):
            if line is None:
                yield BadRecord(f":{number}:1", "too long", f"a line longer than {MAX_BYTES:,} bytes",
                          "split the line; each line must be one article")  # fmt: skip
                continue
            try:
                decoded = line.removeprefix(b"" if begin else BOM).decode(encoding)
            except UnicodeDecodeError as error:
                yield decoding_fault(error, line, number, begin)
            else:
                yield from _record(decoded, number, fields, label)


def _record(line: str, number: int, fields: Fields, encoding: str) -> Iterator[ReadItem]:
    """Yield the record of one line, or its fault; a blank line has none."""
    if not line.strip():
        return
    try:
        values = json.loads(line.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        yield BadRecord(f":{number}:{error.colno}", "not JSON", f"not JSON: {error.msg}", MEND)
        return
    except (ValueError, RecursionError) as error:
        yield BadRecord(f":{number}:1", "not JSON", f"not JSON: {error}", MEND)
        return
    if not isinstance(values, dict):
        yield BadRecord(f":{number}:1", "not an object", f"a JSON {type(values).__name__}, not an object",
                  'write {"text": "..."} on each line')  # fmt: skip
        return
    yield row_of(values, fields, f":{number}", "JSON ", encoding=encoding)
