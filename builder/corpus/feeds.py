"""The entries of RSS and Atom feeds; what is HTML in them becomes text. Entities that expand are refused."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from builder.corpus.rows import MAX_BYTES, Bad, File, Found, iso, row_of
from builder.corpus.streams import content, opened
from builder.schema import Fields

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

USUAL: Mapping[str, tuple[str, ...]] = {
    "text": ("encoded", "content", "description", "summary"),
    "title": ("title",),
    "url": ("link",),
    "published_at": ("pubDate", "published", "date", "updated"),
    "source": ("source",),
}
"""The elements that are looked at for each field, the fullest first, by their names without a namespace."""
BLOCKS = frozenset((
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "tr", "ul",
))  # fmt: skip
SILENT = frozenset(("script", "style", "template"))


def feed(file: File, fields: Fields) -> Iterator[Found]:
    """One record for each entry, counted from 1."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    with opened(file) as stream:
        whole = content(stream)
    if whole is None:
        yield Bad("", "too long", f"more than {MAX_BYTES:,} bytes in one feed", "one feed is one page of entries")
        return
    try:
        root = fromstring(whole)
    except DefusedXmlException as error:
        yield Bad("", "entities in a feed", f"the feed declares entities, which are not expanded: {type(error).__name__}",
                  "fetch it again from its publisher, or take its DOCTYPE out")  # fmt: skip
        return
    except (ParseError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (1, 0))
        yield Bad(
            f":{line}:{column + 1}", "not XML", f"not XML: {str(error).partition(':')[0]}", "fetch the feed again"
        )
        return
    entries = [element for element in root.iter() if _name(element) in ("item", "entry")]
    if not entries:
        yield Bad("", "no entries", "the XML has no item and no entry: it is no feed", "name RSS or Atom files")
    for number, entry in enumerate(entries, 1):
        yield row_of(_values(entry, fields), fields, f":{number}", "feed ", fix="the entry has nothing to read")


def _values(entry: "Element", fields: Fields) -> dict[str, object]:
    said: dict[str, str] = {}
    for element in entry:
        name, value = _name(element), _said(element)
        if value and (name not in said or element.get("rel") == "alternate"):
            said[name] = value
    found: dict[str, object] = dict(said)
    for key, names in USUAL.items():
        if getattr(fields, key) == key:
            found[key] = next((said[name] for name in names if name in said), None)
    if isinstance(text := found.get(fields.text), str):
        found[fields.text] = plain(text)
    found[fields.published_at] = iso(date if isinstance(date := found.get(fields.published_at), str) else None)
    return found


def _name(element: "Element") -> str:
    return str(element.tag).rpartition("}")[2]


def _said(element: "Element") -> str:
    """What an element says: its text, with its elements where it is XHTML, or where its link leads."""
    if len(element) and element.get("type") == "xhtml":
        from xml.etree.ElementTree import tostring

        return tostring(element, "unicode")
    return "".join(element.itertext()).strip() or element.get("href") or ""


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.silent += tag in SILENT
        if tag.rpartition(":")[2] in BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in SILENT and self.silent > 0
        if tag.rpartition(":")[2] in BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.parts.append(re.sub(r"\s+", " ", data))


def plain(text: str) -> str:
    r"""The text of a piece of HTML, a line for each block; text that has no tags and no references is as it is.

    >>> plain("<p>افتتح <b>الوزير</b></p><p>المعرض &amp; غادر</p>")
    'افتتح الوزير\nالمعرض & غادر'
    """
    if "<" not in text and "&" not in text:
        return text
    parser = _Text()
    parser.feed(text)
    parser.close()
    lines = (line.strip() for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)
