"""Reader for RSS and Atom feeds; faults of the markup cost no entry, and declared entities are refused."""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from lxml import etree

from builder.corpus.readers.encodings import Decoded, Encoding
from builder.corpus.readers.feed.entries import Channel, channel_of, entries_of, tags_of, text_of, values_of
from builder.corpus.readers.feed.markup import Markup, declares_entities, decode_feed, parse_feed
from builder.corpus.readers.feed.plain import is_teaser
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, Note, RawRecord, ReadItem, row_of
from builder.corpus.readers.streams import CHUNK, BrokenError, opened
from builder.corpus.readers.text import decoding_fault, detection_warnings
from builder.schema.dataset import Fields

AGAIN = "fetch the feed again"


def feed(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield one record for each entry, counted from 1; those before the place where a feed is cut are whole.

    A field of HTML is one of other files; the text of an entry is read from its own elements then.
    """
    fields = fields.model_copy(update={"text": "text", "html": None}) if fields.html else fields
    with opened(file) as stream:
        content, broken = _content(stream)
    if len(content) > MAX_BYTES:
        yield BadRecord(
            "", "too long", f"more than {MAX_BYTES:,} bytes in one feed", "split it into several feed files"
        )
        return
    try:
        decoded = decode_feed(content, declared)
    except UnicodeDecodeError as error:
        yield decoding_fault(error, content)
        return
    if broken is not None and not decoded.text.strip():
        raise broken
    yield from detection_warnings(Encoding(decoded.encoding, decoded.known), declared)
    yield from _records(decoded, fields, is_cut=broken is not None)
    if broken is not None:
        raise broken


def _content(stream: BinaryIO) -> tuple[bytes, BrokenError | None]:
    """Return all of a stream, or a byte more than the size limit; and the fault at which it ends, if any."""
    parts: list[bytes] = []
    size = 0
    try:
        while size <= MAX_BYTES and (part := stream.read1(CHUNK)):  # type: ignore[attr-defined]
            parts.append(part)
            size += len(part)
    except BrokenError as error:
        return b"".join(parts), error
    return b"".join(parts), None


def _records(decoded: Decoded, fields: Fields, *, is_cut: bool) -> Iterator[ReadItem]:
    """Yield the records of a decoded feed, then a warning of what was repaired.

    `is_cut` tells that the stream broke off, which is reported by itself and stands for the entry that it cuts.
    """
    markup = parse_feed(decoded.text, decoded.said)
    if markup.root is None:
        line, column, message = markup.error or (1, 1, "it is empty")
        yield BadRecord(f":{line}:{max(column, 1)}", "not XML", f"not XML: {message.partition(':')[0]}", AGAIN)
        return
    if declares_entities(markup.root):
        yield BadRecord("", "entities in a feed", "the feed declares entities, which are not expanded",
                        "fetch it again from its publisher, or remove its DOCTYPE")  # fmt: skip
        return
    entries = entries_of(markup.root)
    if not entries:
        yield BadRecord("", "no entries", "the XML has no item and no entry: it is no feed", "pass RSS or Atom files")
        return
    if decoded.lost:
        markup.faults["bytes that are not UTF-8"] += decoded.lost
    channel = channel_of(markup.root)
    for number, entry in enumerate(entries, 1):
        if number < len(entries) or not markup.is_open:
            yield _record(entry, channel, fields, number, markup.encoding)
        elif not is_cut:
            yield BadRecord(f":{number}", "truncated", "the feed ends in the middle of this entry", AGAIN)
    yield from _warnings(markup, is_cut=is_cut or markup.is_open)


def _record(
    entry: etree._Element, channel: Channel, fields: Fields, number: int, encoding: str
) -> RawRecord | BadRecord:
    """Return the record of one entry; its source is the one it names, else the site of the feed."""
    values = values_of(entry, fields)
    found = text_of(values, fields)
    row = row_of(values | {fields.text: found.text}, fields, f":{number}", "feed ", encoding=encoding,
                 fix="the entry has no text to read")  # fmt: skip
    if isinstance(row, BadRecord):
        return row
    facts = replace(
        row.facts, tags=tags_of(entry), language=channel.language, site=channel.title, date_from="field" if row.published_at else None,
        is_teaser=is_teaser(row.text, is_summary=found.is_summary),
        extra=row.facts.extra | ({"wordpress tail": found.tail} if found.tail else {}),
    )  # fmt: skip
    return replace(row, source=row.source or channel.host or channel.title, facts=facts)


def _warnings(markup: Markup, *, is_cut: bool) -> Iterator[Note]:
    """Yield a warning of the faults of a feed that was read nevertheless."""
    faults = [f"{what} ({number:,})" for what, number in sorted(markup.faults.items())]
    if markup.error and not is_cut:
        line, column, message = markup.error
        faults.append(f"at line {line}, column {column}: {message.partition(':')[0]}")
    if faults:
        yield Note("feed", f"faulty XML, read nevertheless: {'; '.join(faults)}", "compare the entries with the site's")
