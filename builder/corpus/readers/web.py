"""Readers for web pages: HTML files, and the pages of WARC archives (extra `warc`)."""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from io import BufferedReader
from urllib.parse import urlsplit

from builder.corpus.readers import html
from builder.corpus.readers.encodings import decode
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, RawRecord, ReadItem, person_names
from builder.corpus.readers.streams import BrokenError, content, opened
from builder.corpus.readers.text import decoding_fault, encoding_warnings

TYPES = ("text/html", "application/xhtml+xml", "text/plain")


def page(file: File, declared: str | None) -> Iterator[ReadItem]:
    """Yield the text extracted from an HTML file, as one record."""
    with opened(file) as stream:
        markup = content(stream)
    if markup is None:
        yield BadRecord("", "too long", f"more than {MAX_BYTES:,} bytes in one HTML file",
                  "save the page without embedded content")  # fmt: skip
        return
    yield from _extracted(markup, "", declared)


def _extracted(markup: bytes, position: str, declared: str | None) -> Iterator[ReadItem]:
    """Yield the text extracted from the bytes of a page, or the reason why there is none."""
    declared = declared or html.declared(markup)
    try:
        decoded = decode(markup, declared)
    except UnicodeDecodeError as error:
        bad = decoding_fault(error, markup)
        yield bad if not position else BadRecord(position, bad.reason, bad.message, bad.fix)
        return
    yield from encoding_warnings(decoded, declared)
    try:
        extracted = html.extract(decoded.text)
    except ValueError as error:
        yield BadRecord(position, "HTML not read", str(error), "")
        return
    if extracted is None:
        yield BadRecord(position, "no text in HTML", "", "")
        return
    digest = hashlib.sha256(markup).hexdigest()
    yield RawRecord(position, extracted.text, extracted.title, extracted.url, extracted.published_at, None, decoded.said,
              digest, person_names(extracted.authors))  # fmt: skip


def archive(file: File, declared: str | None) -> Iterator[ReadItem]:
    """Yield the pages of a WARC file, each placed by the byte offset of its record; other record types are skipped."""
    from warcio import archiveiterator, exceptions  # noqa: PLC0415 - extra `warc`

    logging.getLogger("warcio").setLevel(logging.CRITICAL)  # the caller reports these faults
    with opened(file) as stream:
        records = archiveiterator.ArchiveIterator(_Short(stream))
        offset = 0
        while True:
            try:
                record = next(records, None)
                if record is None:
                    return
                offset = records.offset
                kind, body = record.rec_type, record.content_stream()
                if kind not in ("response", "resource"):
                    continue
                page_bytes = body.read(MAX_BYTES + 1)
                if len(page_bytes) <= MAX_BYTES and record.raw_stream.limit > 0:
                    raise EOFError("it ends in the middle of a page")
            except (exceptions.ArchiveLoadFailed, EOFError, OSError, ValueError, BrokenError) as error:
                message = f"the archive cannot be read on: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
                yield BadRecord(
                    f":{offset}",
                    "broken archive",
                    message,
                    "fetch the archive again; the pages before this one were read",
                )
                return
            yield from _record(record, page_bytes, f":{offset}", declared)


class _Short:
    """Stream for warcio that never reads ahead, so that a fault does not discard the records before it."""

    def __init__(self, stream: BufferedReader) -> None:
        self.read = stream.read1


def _record(record: object, page_bytes: bytes, position: str, declared: str | None) -> Iterator[ReadItem]:
    """Yield the page of one WARC record, or the reason why it is not a page."""
    headers, http = record.rec_headers, record.http_headers  # type: ignore[attr-defined]
    url = (headers.get_header("WARC-Target-URI") or "").strip("<> ") or None
    status = http.get_statuscode() if http else "200"
    kind = (
        ((http.get_header("Content-Type") if http else headers.get_header("Content-Type")) or "")
        .partition(";")[0]
        .strip()
    )
    if status != "200":
        yield BadRecord(position, "not a page", f"answered with status {status}", "")
    elif kind.casefold() not in TYPES:
        yield BadRecord(position, "not a page", f"its type is {kind or 'not said'}", "")
    elif len(page_bytes) > MAX_BYTES:
        yield BadRecord(
            position, "too long", f"more than {MAX_BYTES:,} bytes in one page", "check whether it is a news page"
        )
    else:
        is_plain = kind == "text/plain"
        results = _plain(page_bytes, position, declared) if is_plain else _extracted(page_bytes, position, declared)
        for result in results:
            yield _placed(result, url) if isinstance(result, RawRecord) else result


def _plain(text: bytes, position: str, declared: str | None) -> Iterator[ReadItem]:
    """Yield a plain-text page."""
    try:
        decoded = decode(text, declared)
    except UnicodeDecodeError as error:
        bad = decoding_fault(error, text)
        yield BadRecord(position, bad.reason, bad.message, bad.fix)
    else:
        yield RawRecord(position, decoded.text, encoding=decoded.said)


def _placed(row: RawRecord, url: str | None) -> RawRecord:
    """Return a page with the URL from which it was fetched, and that URL's host as its source."""
    host = urlsplit(url).hostname if url else None
    return replace(row, url=url or row.url, source=host)
