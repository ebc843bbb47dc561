"""What a page says of its article, as trafilatura reads it."""

import logging
from copy import copy
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from lxml import html

from builder.corpus.readers.rows import person_names
from builder.records import NO_FACTS, Facts

# Take the date from the page's metadata, never guess it from the text, and allow dates in the future.
DATES = {"extensive_search": False, "original_date": True, "max_date": "9999-12-31"}


class PageRules(Protocol):
    """What the project says of the pages of a source."""

    @property
    def body(self) -> tuple[str, ...]:
        """XPaths of the elements that hold the article; the first that selects any counts."""

    @property
    def strip(self) -> tuple[str, ...]:
        """XPaths of what is not article."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What a page says of its article."""

    title: str | None = None
    url: str | None = None
    source: str | None = None
    published_at: str | None = None
    author: str | None = None
    facts: Facts = NO_FACTS


def page_facts(
    tree: html.HtmlElement, *, fetched_url: str | None, fetched_at: str | None, rules: PageRules | None
) -> PageFacts:
    """Return what a page says of its article; the address that was fetched overrides the page's own."""
    import trafilatura  # noqa: PLC0415 - extra `html`

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # the caller reports pages without text
    del rules  # trafilatura has none of its own
    found = trafilatura.extract_metadata(copy(tree), date_config=DATES)
    host = urlsplit(fetched_url).hostname if fetched_url else None
    author = person_names(found.author.split("; ")) if found.author else None
    said = Facts(fetched_url=fetched_url, fetched_at=fetched_at)
    return PageFacts(found.title or None, fetched_url or found.url or None, host, found.date or None, author, said)
