"""Records of tables whose text is the HTML of a page (`fields: {html: ...}`)."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from builder.corpus.readers.feed.plain import one_line
from builder.corpus.readers.pages.extract import PageError, extract
from builder.corpus.readers.rows import BadRecord, RawRecord, ReadItem
from builder.schema.sources import NO_SOURCES, Sources


def extracted(records: Iterator[ReadItem], sources: Sources = NO_SOURCES) -> Iterator[ReadItem]:
    """Yield records whose text is markup as the pages that they are, and other items unchanged."""
    for record in records:
        is_page = isinstance(record, RawRecord) and record.text.strip()
        yield page_row(record, sources) if isinstance(record, RawRecord) and is_page else record


def page_row(row: RawRecord, sources: Sources = NO_SOURCES) -> RawRecord | BadRecord:
    """Return the record of a page whose markup is the text of a row, or the reason why it has no text.

    The row's URL is the one that was fetched. Its title, date, source and author take the place of those that the page names.
    """
    try:
        page = extract(row.text, fetched_url=row.url, fetched_at=row.facts.fetched_at, sources=sources)
    except PageError as error:
        return BadRecord(row.place, error.reason, str(error), "")
    facts = replace(page.facts, extra=row.facts.extra)
    return replace(
        row,
        text=page.text,
        title=(one_line(row.title) if row.title else None) or page.title,
        url=page.url or row.url,
        published_at=row.published_at or page.published_at,
        source=row.source or page.source,
        author=row.author or page.author,
        html_sha=hashlib.sha256(row.text.encode()).hexdigest(),
        facts=replace(facts, date_from="field") if row.published_at else facts,
    )
