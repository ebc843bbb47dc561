"""Reader for WARC and WET archives (extra `warc`), whose HTML pages need the extra `html`."""

import importlib
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from io import BufferedReader, StringIO
from typing import Any

from builder.corpus.readers.pages.addresses import source_of
from builder.corpus.readers.pages.decoding import MOST_LOST, decode_page, share_lost
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, Note, RawRecord, ReadItem
from builder.corpus.readers.streams import BrokenError, opened
from builder.corpus.readers.web import Answer, damaged, decoding_notes, extracted_page
from builder.records import Facts
from builder.schema.sources import NO_SOURCES, Sources

HTML, PLAIN = ("text/html", "application/xhtml+xml"), ("text/plain",)

UNPACKED = ("", "identity", "gzip", "x-gzip", "deflate", "br")
"""Content encodings that warcio unpacks; `br` needs a package."""

MARKUP = (b"<!doctype html", b"<html", b"<head", b"<body", b"<article", b"<div", b"<p")
"""Beginnings of tags by which an answer without a type is known as a page."""

LOOKED_AT = 2048

CHECK = "check how the archive was written; its other pages were read"

LONGEST = 100
"""Characters of a header or of a library's error that a message shows."""


@dataclass(slots=True)
class _Notes:
    """Warnings about the pages of an archive, each counted and shown once, with its first place."""

    counts: Counter[Note] = field(default_factory=Counter)
    first: dict[Note, str] = field(default_factory=dict)

    def add(self, note: Note, place: str) -> None:
        """Count a warning."""
        self.counts[note] += 1
        self.first.setdefault(note, place)

    def summed(self) -> Iterator[Note]:
        """Yield each warning with the number of its pages."""
        for note, count in self.counts.items():
            message = f"{note.message}; {count:,} page{'s'[: count > 1]}, first at {self.first[note]}"
            yield replace(note, message=message)


def archive(file: File, declared: str | None, sources: Sources = NO_SOURCES) -> Iterator[ReadItem]:
    """Yield the pages of a WARC or WET file, each placed by the byte offset of its record.

    Other record types are skipped. Warnings are summed at the end of the file.
    """
    notes = _Notes()
    for item, place in _archived(file, declared, sources):
        if isinstance(item, Note):
            notes.add(item, place)
        else:
            yield item
    yield from notes.summed()


def _archived(file: File, declared: str | None, sources: Sources) -> Iterator[tuple[ReadItem, str]]:
    """Yield what each record of an archive gives, with the record's place; a fault ends the archive."""
    from warcio import archiveiterator, bufferedreaders, exceptions, statusandheaders  # noqa: PLC0415 - extra `warc`

    bufferedreaders.BufferedReader.DECOMPRESSORS["br"] = _Brotli
    logging.getLogger("warcio").setLevel(logging.CRITICAL)  # the caller reports these faults
    with opened(file) as stream:
        records = archiveiterator.ArchiveIterator(_Short(stream), no_record_parse=True)
        parser = statusandheaders.StatusAndHeadersParser([], verify=False)
        offset = faults = 0
        while True:
            try:
                with redirect_stderr(StringIO()):  # warcio prints there what is reported below
                    record = next(records, None)
                if record is None:
                    return
                offset = records.offset
                body = _body(record, parser)
            except (exceptions.ArchiveLoadFailed, EOFError, OSError, ValueError, BrokenError) as error:
                cause = _shown((str(error).splitlines() or [type(error).__name__])[0])
                yield BadRecord(f":{offset}", "broken archive", f"the archive cannot be read on: {cause}",
                                "fetch the archive again; the pages before this one were read"), f":{offset}"  # fmt: skip
                return
            if records.err_count > faults:
                faults = records.err_count
                yield Note("archive", "the record before it is longer or shorter than it says", CHECK), f":{offset}"
            if body is not None:
                for item in _record(record, body, f":{offset}", declared, sources):
                    yield item, f":{offset}"


class _Brotli:
    """Decompressor for warcio of what is packed as `br`: warcio sets and calls what brotli 1.2 no longer has."""

    unused_data = b""

    def __init__(self) -> None:
        self.unpacker = importlib.import_module("brotli").Decompressor()

    def decompress(self, data: bytes) -> bytes:
        """Return what the next bytes unpack to, cut off above the size limit of a page."""
        try:
            unpacked = self.unpacker.process(data, MAX_BYTES + 1)
        except TypeError:  # brotli before 1.2 knows no limit
            return bytes(self.unpacker.process(data))
        while (
            data and len(unpacked) <= MAX_BYTES and (more := self.unpacker.process(b"", MAX_BYTES + 1 - len(unpacked)))
        ):
            unpacked += more
        return bytes(unpacked)


class _Short:
    """Stream for warcio that never reads ahead, so that a fault does not discard the records before it."""

    def __init__(self, stream: BufferedReader) -> None:
        self.read = stream.read1


def _body(record: Any, parser: Any) -> bytes | None:
    """Return the body of a WARC record, cut off above the size limit; None if it is of a type that has no page.

    The headers of HTTP are read here with warcio's `parser`, since warcio takes a file that ends in them for complete. Raises EOFError
    if the file ends before the record does.
    """
    kind, headers, stream = record.rec_type, record.rec_headers, record.raw_stream
    if headers.get_header("Content-Length") is None:
        raise EOFError("it ends in the headers of a record")
    if kind not in ("response", "resource", "conversion"):
        return None
    url = (headers.get_header("WARC-Target-URI") or "").strip("<> ").lower()
    if kind == "response" and stream.limit and url.startswith(("http:", "https:")):
        record.http_headers = parser.parse(stream)
    body: bytes = record.content_stream().read(MAX_BYTES + 1)
    if len(body) <= MAX_BYTES and stream.limit > 0:
        raise EOFError("it ends in the middle of a page")
    return body


def _record(record: Any, body: bytes, place: str, declared: str | None, sources: Sources) -> Iterator[ReadItem]:
    """Yield the page of one WARC record, or the reason why it is not a page."""
    headers, http = record.rec_headers, record.http_headers
    named = (http or headers).get_header("Content-Type") or ""
    kind, _, parameters = named.partition(";")
    kind = kind.strip().casefold() or _looks_like(body)
    packed = ((http.get_header("Content-Encoding") if http else "") or "").strip().casefold()
    url = (headers.get_header("WARC-Target-URI") or "").strip("<> ") or None
    answer = Answer(body, place, url, headers.get_header("WARC-Date"), _charset(parameters))
    if http and http.get_statuscode() != "200":
        yield BadRecord(place, "not a page", f"answered with status {_shown(http.get_statuscode())}", "")
    elif kind not in (*HTML, *PLAIN):
        yield BadRecord(place, "not a page", f"its type is {_shown(kind) or 'not said'}", "")
    elif len(body) > MAX_BYTES:
        yield BadRecord(
            place, "too long", f"more than {MAX_BYTES:,} bytes in one page", "check whether it is a news page"
        )
    elif not _unpacked(packed):
        yield BadRecord(
            place,
            "not unpacked",
            f"its content encoding is {_shown(packed)}",
            "pip install brotli" if packed == "br" else "",
        )
    else:
        if cut := headers.get_header("WARC-Truncated"):
            yield Note(
                "truncated",
                f"the crawler cut it short (WARC-Truncated: {_shown(cut)})",
                "fetch it again with a higher limit",
            )
        yield from extracted_page(answer, declared, sources) if kind in HTML else _plain(answer, declared, sources)


def _looks_like(body: bytes) -> str:
    """Return the type of an answer that has none: HTML if it begins like a page."""
    beginning = body[:LOOKED_AT].replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    return HTML[0] if beginning.startswith(b"<") and any(tag in beginning for tag in MARKUP) else ""


def _charset(parameters: str) -> str | None:
    """Return the charset among the parameters of a content type.

    >>> _charset(' boundary=x; Charset="cp1256"'), _charset("")
    ('cp1256', None)
    """
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().casefold() == "charset":
            return value.strip(" \"'") or None
    return None


def _shown(text: str) -> str:
    """Return what an archive says for a message, short and without what a terminal would obey."""
    return "".join(letter if letter.isprintable() else "\N{MIDDLE DOT}" for letter in text[:LONGEST])


def _unpacked(packed: str) -> bool:
    """Return whether warcio unpacks a content encoding."""
    return packed in UNPACKED and (packed != "br" or find_spec("brotli") is not None)


def _plain(answer: Answer, declared: str | None, sources: Sources) -> Iterator[ReadItem]:
    """Yield a plain-text page, or the text that the crawler made of a page."""
    read = decode_page(answer.body, declared, answer.charset)
    if read.fault and share_lost(read.decoded.text) > MOST_LOST:
        yield damaged(read.fault, answer)
        return
    yield from decoding_notes(read)
    facts = Facts(fetched_url=answer.url, fetched_at=answer.fetched_at)
    yield RawRecord(answer.place, read.decoded.text, url=answer.url, source=source_of(answer.url, sources), encoding=read.decoded.said,
                    facts=facts)  # fmt: skip
