"""Addresses of pages: the canonical one, its host, and what is left of it without tracking."""

import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from builder.schema.sources import Sources

if TYPE_CHECKING:
    from lxml.html import HtmlElement

LONGEST = 2_000
"""Most code points of an address."""

CANONICAL = "//link[contains(concat(' ', translate(@rel, 'CANOIL', 'canoil'), ' '), ' canonical ')]/@href"

MOST_DECLARED = 5
"""Addresses of each kind that are looked at."""

TRACKING = re.compile(
    r"utm_\w*|at_\w+|mtm_\w+|pk_\w+|_ga|_gl|fbclid|gclid|gclsrc|dclid|msclkid|yclid|twclid|ttclid|igshid|igsh|mc_[ce]id|"
    r"ns_\w+|xtor|ocid|cmpid|ncid|spm|s_cid|__twitter_impression|__s|oly_enc_id|vero_id|wickedid|_hsenc|_hsmi",
    re.IGNORECASE,
)  # fmt: skip
"""Parameters that say how a reader came to a page, and not which page it is."""

ARCHIVED = re.compile(r"https?://web\.archive\.org/web/\d{4,14}(?:[a-z]{2}_)?/(?=https?:)", re.IGNORECASE)
"""What the Wayback Machine puts before the addresses of the pages that it replays."""

ROOT = re.compile(
    r"/?(?:[a-z]{2}(?:-[a-z]{2})?|arabic)?/?(?:(?:index|home|default|main)(?:\.\w{2,5})?)?/?", re.IGNORECASE
)
"""The path of a front page, also of one in a language."""

MOBILE = ("www", "m", "amp", "mobile", "wap")

HEAD, COMMENT = 4096, re.compile(r"<!--(.{0,3000}?)-->", re.DOTALL)
"""Characters of a page among which its copier leaves a comment."""

SAVED = re.compile(r"saved from url=\(\d{1,5}\)(\S+)|SingleFile\s+url:\s*(\S+)|Mirrored from\s+(\S+)\s+by HTTrack")
"""What browsers, SingleFile and HTTrack write into a page that they save."""


def page_url(tree: "HtmlElement", fetched_url: str | None) -> str | None:
    """Return the address of a page: the canonical one, else `og:url`, else the one that was fetched.

    An address that is the front page, or stands on another host than the page, is refused. Tracking parameters are removed.
    """
    fetched = plain_address(fetched_url)
    places = (CANONICAL, "//meta[@property='og:url' or @name='og:url']/@content")
    declared = [str(address).strip() for place in places for address in tree.xpath(place)[:MOST_DECLARED]]
    for address in declared:
        whole = plain_address(urljoin(fetched or "", address) if _joins(address) else None)
        if whole and not is_front_address(whole) and (fetched is None or same_site(whole, fetched)):
            return whole
    return fetched


def saved_from(markup: str) -> str | None:
    """Return the address that a browser or a copier wrote into a page when it saved it; None if there is none.

    >>> saved_from("<!-- saved from url=(0026)https://nasim.example/n/7 --><html>")
    'https://nasim.example/n/7'
    """
    for comment in COMMENT.finditer(markup[:HEAD]):
        if match := SAVED.search(comment[1]):
            return plain_address(match[1] or match[2] or f"http://{match[3]}")
    return None


def plain_address(address: str | None) -> str | None:
    """Return an address of the web without tracking parameters and fragment; None if it is no such address.

    >>> plain_address("https://nasim.example/n?id=5&utm_source=x&fbclid=2#top")
    'https://nasim.example/n?id=5'
    >>> plain_address("https://web.archive.org/web/20150307010203/http://nasim.example/n")
    'http://nasim.example/n'
    >>> plain_address("javascript:void(0)") is None
    True
    """
    whole = ARCHIVED.sub("", (address or "").strip())
    parts = _split(whole)
    if parts is None or len(whole) > LONGEST or any(ord(c) < 33 for c in whole):
        return None
    kept = [pair for pair in parts.query.split("&") if not TRACKING.fullmatch(pair.partition("=")[0])]
    fragment = parts.fragment if parts.fragment.startswith("!") else ""
    host = parts.netloc.rpartition("@")[2].lower()
    if not host.isprintable():
        return None
    return _shown(urlunsplit((parts.scheme.lower(), host, parts.path or "/", "&".join(kept), fragment)))


def _shown(address: str) -> str:
    """Return an address with its characters that are invisible or control a terminal escaped, as a browser sends them."""
    return "".join(letter if letter.isprintable() else quote(letter, errors="replace") for letter in address)


def host_of(address: str | None) -> str | None:
    """Return the host of an address without `www.`, `m.` and `amp.`; None if it has none.

    >>> host_of("https://www.nasim.example:8080/n"), host_of("http://amp.m.nasim.example/n"), host_of("n.html")
    ('nasim.example', 'nasim.example', None)
    """
    parts = _split(address or "")
    if parts is None:
        return None
    labels = (parts.hostname or "").rstrip(".").split(".")
    while len(labels) > 2 and labels[0] in MOBILE:
        labels = labels[1:]
    return ".".join(labels)


def source_of(url: str | None, sources: Sources) -> str | None:
    """Return the source of a page: the name of its host in schema/sources.yaml, else the host; None if it has no address."""
    host = host_of(url)
    rules = sources.rules_of(host)
    return (rules.name if rules else None) or host


def is_front_address(address: str) -> bool:
    """Return whether an address is that of a front page.

    >>> [is_front_address(f"https://nasim.example{path}") for path in ("", "/ar/", "/index.php", "/?p=7", "/news")]
    [True, True, True, False, False]
    """
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return bool(parts.netloc) and not parts.query and ROOT.fullmatch(parts.path) is not None


def same_site(one: str, other: str) -> bool:
    """Return whether two addresses are on the same host, or the host of one is below the other's.

    >>> same_site("https://nasim.example/a", "http://sport.nasim.example/b"), same_site("http://a.example", "http://b.example")
    (True, False)
    """
    first, second = host_of(one), host_of(other)
    if first is None or second is None:
        return False
    return first == second or first.endswith(f".{second}") or second.endswith(f".{first}")


def _split(address: str) -> SplitResult | None:
    """Return the parts of an address of the web; None if it is malformed or none."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
        _ = parts.port  # raises if it is no number
    except ValueError:
        return None
    return parts if parts.scheme.lower() in ("http", "https") and host and "." in host.strip(".") else None


def _joins(address: str) -> bool:
    """Return whether an address can be resolved."""
    try:
        urlsplit(address)
    except ValueError:
        return False
    return bool(address) and len(address) <= LONGEST
