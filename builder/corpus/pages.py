"""Web pages as records: HTML files, and the pages of WARC archives (extra `warc`)."""

import hashlib
import logging
from collections.abc import Iterator
from io import BufferedReader
from urllib.parse import urlsplit

from builder.corpus import html
from builder.corpus.encodings import decode
from builder.corpus.plain import not_in, said
from builder.corpus.rows import MAX_BYTES, Bad, File, Found, Row
from builder.corpus.streams import BrokenError, content, opened

TYPES = ("text/html", "application/xhtml+xml", "text/plain")


def page(file: File, declared: str | None) -> Iterator[Found]:
    """An HTML file is one record: the text that was extracted from it."""
    with opened(file) as stream:
        whole = content(stream)
    if whole is None:
        yield Bad("", "too long", f"more than {MAX_BYTES:,} bytes in one HTML file",
                  "save the page without what is embedded in it")  # fmt: skip
        return
    yield from _extracted(whole, "", declared)


def _extracted(whole: bytes, place: str, declared: str | None) -> Iterator[Found]:
    declared = declared or html.declared(whole)
    try:
        decoded = decode(whole, declared)
    except UnicodeDecodeError as error:
        bad = not_in(error, whole)
        yield bad if not place else Bad(place, bad.reason, bad.message, bad.fix)
        return
    yield from said(decoded, declared)
    try:
        found = html.extract(decoded.text)
    except ValueError as error:
        yield Bad(place, "HTML not read", str(error), "")
        return
    if found is None:
        yield Bad(place, "no text in HTML", "", "")
        return
    digest = hashlib.sha256(whole).hexdigest()
    yield Row(place, found.text, found.title, found.url, found.published_at, None, decoded.said, digest)


def archive(file: File, declared: str | None) -> Iterator[Found]:
    """The pages of a WARC file, each named by the byte where its record begins; what only frames them is passed by."""
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    logging.getLogger("warcio").setLevel(logging.CRITICAL)  # what it meets is told by the caller
    with opened(file) as stream:
        records = ArchiveIterator(_Short(stream))
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
                whole = body.read(MAX_BYTES + 1)
                if len(whole) <= MAX_BYTES and record.raw_stream.limit > 0:
                    raise EOFError("it ends in the middle of a page")
            except (ArchiveLoadFailed, EOFError, OSError, ValueError, BrokenError) as error:
                message = f"the archive cannot be read on: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
                yield Bad(f":{offset}", "broken archive", message, "fetch the archive again; what came before is read")
                return
            yield from _record(record, whole, f":{offset}", declared)


class _Short:
    """Reads no further than it must: what came before a fault is given, and not lost with it."""

    def __init__(self, stream: BufferedReader) -> None:
        self.read = stream.read1


def _record(record: object, whole: bytes, place: str, declared: str | None) -> Iterator[Found]:
    headers, http = record.rec_headers, record.http_headers  # type: ignore[attr-defined]
    url = (headers.get_header("WARC-Target-URI") or "").strip("<> ") or None
    status = http.get_statuscode() if http else "200"
    kind = (
        ((http.get_header("Content-Type") if http else headers.get_header("Content-Type")) or "")
        .partition(";")[0]
        .strip()
    )
    if status != "200":
        yield Bad(place, "not a page", f"answered with status {status}", "")
    elif kind.casefold() not in TYPES:
        yield Bad(place, "not a page", f"its type is {kind or 'not said'}", "")
    elif len(whole) > MAX_BYTES:
        yield Bad(place, "too long", f"more than {MAX_BYTES:,} bytes in one page", "look at the page")
    else:
        found = _extracted(whole, place, declared) if kind != "text/plain" else _plain(whole, place, declared)
        for one in found:
            yield _placed(one, url) if isinstance(one, Row) else one


def _plain(whole: bytes, place: str, declared: str | None) -> Iterator[Found]:
    try:
        decoded = decode(whole, declared)
    except UnicodeDecodeError as error:
        bad = not_in(error, whole)
        yield Bad(place, bad.reason, bad.message, bad.fix)
    else:
        yield Row(place, decoded.text, encoding=decoded.said)


def _placed(row: Row, url: str | None) -> Row:
    """A page of an archive is known by where it was fetched; its source is the site."""
    host = urlsplit(url).hostname if url else None
    return Row(row.place, row.text, row.title, url or row.url, row.published_at, host, row.encoding, row.html_sha)
