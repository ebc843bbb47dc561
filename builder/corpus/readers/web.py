"""Reader for HTML files, and the reading of one page that an archive or a file holds."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from builder.corpus.readers.pages.decoding import MOST_LOST, DecodedPage, decode_page, share_lost
from builder.corpus.readers.pages.extract import PageError, extract
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, Note, RawRecord, ReadItem
from builder.corpus.readers.streams import content, opened
from builder.corpus.readers.text import decoding_fault, encoding_warnings
from builder.schema.sources import NO_SOURCES, Sources

LOST = f"more than {MOST_LOST:.0%} of its text is lost"


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as it came: its bytes, its place in the file, and what is known of how it was fetched."""

    body: bytes
    place: str = ""
    url: str | None = None
    fetched_at: str | None = None
    charset: str | None = None


def page(file: File, declared: str | None, sources: Sources = NO_SOURCES) -> Iterator[ReadItem]:
    """Yield the text extracted from an HTML file, as one record."""
    with opened(file) as stream:
        markup = content(stream)
    if markup is None:
        yield BadRecord("", "too long", f"more than {MAX_BYTES:,} bytes in one HTML file",
                  "save the page without embedded content")  # fmt: skip
        return
    yield from extracted_page(Answer(markup), declared, sources)


def extracted_page(answer: Answer, declared: str | None, sources: Sources) -> Iterator[ReadItem]:
    """Yield the text extracted from a page, or the reason why there is none."""
    read = decode_page(answer.body, declared, answer.charset)
    try:
        found = extract(read.decoded.text, fetched_url=answer.url, fetched_at=answer.fetched_at, sources=sources)
    except PageError as error:
        yield BadRecord(answer.place, error.reason, str(error), "")
        return
    except ImportError:  # only the pages of an archive come here without the extra
        yield Note("unreadable", "its pages need the html extra", "pip install 'khabar[html]'")
        yield BadRecord(answer.place, "html extra missing", "", "")
        return
    if read.fault and share_lost(found.text) > MOST_LOST:
        yield damaged(read.fault, answer)
        return
    yield from decoding_notes(read)
    digest = hashlib.sha256(answer.body).hexdigest()
    yield RawRecord(answer.place, found.text, found.title, found.url, found.published_at, found.source,
                    read.decoded.said, digest, found.author, found.facts)  # fmt: skip


def decoding_notes(read: DecodedPage) -> Iterator[Note]:
    """Yield the warnings about the encoding of a page."""
    if read.fault is None:
        yield from encoding_warnings(read.decoded, read.declared)
        return
    name = read.decoded.encoding.upper()
    yield Note(
        "encoding",
        f"some bytes are not {name}; they were read as the replacement character",
        "fetch the page again if its text has gaps",
    )


def damaged(fault: UnicodeDecodeError, answer: Answer) -> BadRecord:
    """Return the fault of a page whose text has too many bad bytes."""
    bad = decoding_fault(fault, answer.body)
    place = answer.place or bad.place
    return BadRecord(place, bad.reason, f"{bad.reason} at byte {fault.start} of the page, and {LOST}", bad.fix)
