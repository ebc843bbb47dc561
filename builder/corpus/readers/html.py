"""Text extraction from HTML news pages with trafilatura (extra `html`); it fetches nothing and runs no script."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_ELEMENTS = 100_000

MAX_ATTRIBUTES = 1_000
"""Limits per page and per element. Extraction takes seconds at the first, and quadratic time in the second."""

HEAD_BYTES = 4096

DECLARATION = re.compile(
    rb"""<(?:\?xml\b[^>]{0,200}?\bencoding|meta\b[^>]{0,200}?\bcharset)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE
)

WINDOWS_1256 = (b"windows-1256", b"cp1256", b"cp-1256", b"x-cp1256")

# Take the date from the page's metadata, never guess it from the text, and allow dates in the future.
DATES = {"extensive_search": False, "original_date": True, "max_date": "9999-12-31"}


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """The text and the metadata of a page; `published_at` is an ISO date, and `authors` are names."""

    text: str
    title: str | None
    url: str | None
    published_at: str | None
    authors: tuple[str, ...] = ()


def declared(content: bytes) -> str | None:
    """Return the encoding that the head of a page declares if it is windows-1256, else None.

    UTF-8 and UTF-16 are recognised by their bytes, and other declarations are mostly server defaults.

    >>> declared(b'<meta charset="windows-1256">')
    'windows-1256'
    >>> declared(b'<meta charset="iso-8859-1">') is None
    True
    """
    match = DECLARATION.search(content[:HEAD_BYTES])
    return "windows-1256" if match and match[1].lower() in WINDOWS_1256 else None


class _Limits:
    """Parser target that enforces the limits before a tree is built, with lxml's own parsing of the markup."""

    def __init__(self) -> None:
        self.elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements in one page")
        if len(attributes) > MAX_ATTRIBUTES:
            raise ValueError(f"more than {MAX_ATTRIBUTES:,} attributes in one element")

    def close(self) -> None:
        """Return nothing, since no tree is built."""


def extract(html: str) -> HtmlPage | None:
    """Extract the text of a page, one line for each paragraph, heading and list item; return None if it has none.

    Raises ImportError if the extra `html` is not installed, and ValueError if the page exceeds a limit or
    the libraries fail on it.
    """
    import trafilatura  # noqa: PLC0415 - optional, and its import takes half a second
    from lxml import etree  # noqa: PLC0415 - extra `html`

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # the caller reports pages without text
    etree.fromstring(html.encode(), etree.HTMLParser(target=_Limits(), encoding="utf-8", no_network=True))
    markup = html if "<html" in html[:HEAD_BYTES].lower() else f"<html><body>{html}</body></html>"
    try:
        extracted = trafilatura.bare_extraction(
            markup, favor_recall=True, include_comments=False, with_metadata=True, date_extraction_params=DATES
        )
    except Exception as error:
        raise ValueError(f"trafilatura fails on it with {type(error).__name__}") from error
    if extracted is None or not extracted.text:
        return None
    authors = tuple(extracted.author.split("; ")) if extracted.author else ()
    return HtmlPage(extracted.text, extracted.title or None, extracted.url or None, extracted.date or None, authors)
