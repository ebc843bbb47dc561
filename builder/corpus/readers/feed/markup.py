"""The tree of a feed whose markup has faults: wrong encodings, HTML entities, bare ampersands, forbidden characters.

No entity is expanded and nothing is fetched.
"""

import re
from collections import Counter
from dataclasses import dataclass
from html.entities import html5

from lxml import etree

from builder.corpus.readers.encodings import NAMES, Decoded, decode

DECLARATION = re.compile(rb"""<\?xml\b[^>]{0,200}?\bencoding\s*=\s*["']\s*([\w.:-]{1,40})""", re.IGNORECASE)

HEAD_BYTES = 1024
"""Bytes in which the encoding may be declared."""

ALIASES = {"cp1256": "windows-1256", "x-cp1256": "windows-1256", "utf8": "utf-8"}

OTHERS = re.compile(r"iso-?8859-\d{1,2}|latin-?1|us-ascii|windows-125\d|mac-?arabic|cp720")
"""The encodings, beside NAMES, in which a feed is read if it declares them."""

CDATA = re.compile(r"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)

FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|&#(?:0*(?:[0-8]|1[124-9]|2\\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]));"
)
"""A character that XML forbids, or a reference to one."""

REFERENCE = re.compile(r"&(?:(#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z_][\w.-]{0,40});)?")

OWN = frozenset(("amp", "lt", "gt", "quot", "apos"))
"""The entities of XML itself; all others that a feed uses are those of HTML."""

ENTRY_TAG = re.compile(r"<(/?)(?:[\w.-]+:)?(?:item|entry)(?=[\s/>])")


@dataclass(frozen=True, slots=True)
class Markup:
    """A parsed feed; `faults` counts what was repaired, and `is_open` tells whether its end cuts the last entry."""

    root: etree._Element | None
    encoding: str
    faults: Counter[str]
    is_open: bool
    error: tuple[int, int, str] | None
    """The first fault of the XML that the parser met: its line, its column and its message."""


def decode_feed(content: bytes, declared: str | None) -> Decoded:
    """Decode a feed. The bytes decide before the XML declaration, which is often wrong.

    Raises UnicodeDecodeError if no encoding fits.
    """
    said = DECLARATION.search(content[:HEAD_BYTES])
    name = said[1].decode("ascii").lower() if said else ""
    name = ALIASES.get(name, name)
    try:
        return decode(content, declared or (name if name in NAMES and not name.startswith("utf") else None))
    except UnicodeDecodeError:
        if declared and name in NAMES and name != declared:
            return decode(content, None if name.startswith("utf") else name)
        if name not in NAMES and (text := _decoded_as(content, name)) is not None:
            return Decoded(text, name, "declared")
        raise


def _decoded_as(content: bytes, name: str) -> str | None:
    """Decode bytes in the other encoding that the XML declares; None if it is none of OTHERS or does not fit."""
    try:
        return content.decode(name) if OTHERS.fullmatch(name) else None
    except (LookupError, UnicodeDecodeError):
        return None


def parse_feed(text: str, encoding: str) -> Markup:
    """Parse a feed, and recover from faults of its markup."""
    faults: Counter[str] = Counter()
    parts = CDATA.split(text.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n"))
    tags = [tag for part in parts[::2] for tag in ENTRY_TAG.findall(part)]
    parts[::2] = [_repaired(part, faults) for part in parts[::2]]
    parts[1::2] = [_without_forbidden(part, faults) for part in parts[1::2]]
    repaired = "".join(parts)
    parser = etree.XMLParser(
        encoding="utf-8", recover=True, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    root = etree.fromstring(repaired.encode(), parser) if repaired else None
    errors = [error for error in parser.error_log if error.level >= etree.ErrorLevels.ERROR]
    first = (errors[0].line, errors[0].column, errors[0].message) if errors else None
    return Markup(root, encoding, faults, bool(tags) and not tags[-1], first)


def declares_entities(root: etree._Element) -> bool:
    """Return whether a feed declares entities of its own."""
    declared = root.getroottree().docinfo.internalDTD
    return declared is not None and any(True for _ in declared.iterentities())


def _without_forbidden(text: str, faults: Counter[str]) -> str:
    """Replace the characters that XML forbids by spaces, and count them."""
    repaired, number = FORBIDDEN.subn(" ", text)
    if number:
        faults["characters that XML forbids"] += number
    return repaired


def _repaired(text: str, faults: Counter[str]) -> str:
    """Replace HTML entities by their characters and bare ampersands by references, and count the latter."""

    def reference(found: re.Match[str]) -> str:
        name = found[1]
        if name and (name.startswith("#") or name in OWN):
            return found[0]
        if name and (character := html5.get(f"{name};")):
            faults["entities of HTML"] += 1
            return character
        faults["bare ampersands"] += 1
        return f"&amp;{found[0][1:]}"

    return REFERENCE.sub(reference, _without_forbidden(text, faults)) if "<!ENTITY" not in text else text
