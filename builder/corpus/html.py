"""The text of a news page in HTML, through trafilatura (extra `html`). Nothing is fetched and no script runs."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_ELEMENTS = 100_000
MAX_ATTRIBUTES = 1_000
"""Of one page, and of one element; extraction takes seconds at the first, and time squared in the second."""

HEAD_BYTES = 4096
DECLARATION = re.compile(
    rb"""<(?:\?xml\b[^>]{0,200}?\bencoding|meta\b[^>]{0,200}?\bcharset)\s*=\s*["']?\s*([\w-]+)""", re.IGNORECASE
)
WINDOWS_1256 = (b"windows-1256", b"cp1256", b"cp-1256", b"x-cp1256")
# The page's own word for its date, never a guess from its text, and not cut at today.
DATES = {"extensive_search": False, "original_date": True, "max_date": "9999-12-31"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a page says, and what it says of itself; `published_at` is an ISO date."""

    text: str
    title: str | None
    url: str | None
    published_at: str | None


def declared(content: bytes) -> str | None:
    """What the head of a page says of its encoding, where it makes a difference: windows-1256 or nothing.

    UTF-8 and UTF-16 are known by their bytes, and other names are mostly defaults of a server.

    >>> declared(b'<meta charset="windows-1256">')
    'windows-1256'
    >>> declared(b'<meta charset="iso-8859-1">') is None
    True
    """
    found = DECLARATION.search(content[:HEAD_BYTES])
    return "windows-1256" if found and found[1].lower() in WINDOWS_1256 else None


class _Limits:
    """Counts while lxml reads, before it builds a tree: the same reading of quotes, comments and scripts."""

    def __init__(self) -> None:
        self.elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements in one page")
        if len(attributes) > MAX_ATTRIBUTES:
            raise ValueError(f"more than {MAX_ATTRIBUTES:,} attributes in one element")

    def close(self) -> None:
        """Nothing is built."""


def extract(html: str) -> Page | None:
    """Text of a page, one line for each paragraph, heading and list item; None where there is none.

    Raises ImportError where the extra `html` is not installed, ValueError where a page goes past a limit
    or the libraries fail on it.
    """
    import trafilatura  # the extra need not be there, and it takes half a second
    from lxml import etree

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it did not find is told by the caller
    etree.fromstring(html.encode(), etree.HTMLParser(target=_Limits(), encoding="utf-8", no_network=True))
    whole = html if "<html" in html[:HEAD_BYTES].lower() else f"<html><body>{html}</body></html>"
    try:
        found = trafilatura.bare_extraction(
            whole, favor_recall=True, include_comments=False, with_metadata=True, date_extraction_params=DATES
        )
    except Exception as error:
        raise ValueError(f"trafilatura fails on it with {type(error).__name__}") from error
    if found is None or not found.text:
        return None
    return Page(found.text, found.title or None, found.url or None, found.date or None)
