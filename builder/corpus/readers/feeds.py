"""Reader for RSS and Atom feeds; it converts HTML to text and rejects entity declarations."""

import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError, tostring

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, ReadItem, author_fields, row_of
from builder.corpus.readers.streams import content, opened
from builder.schema.dataset import Fields

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


USUAL: Mapping[str, tuple[str, ...]] = {
    "text": ("encoded", "content", "description", "summary"),
    "title": ("title",),
    "url": ("link",),
    "published_at": ("pubDate", "published", "date", "updated"),
    "source": ("source",),
}
"""The elements read for each field, the fullest first, by their names without a namespace."""

PERSONS = ("creator", "author")
"""The elements of authors, the first that an entry has; the `author` of RSS is an e-mail address, `dc:creator` a name."""

BLOCKS = frozenset((
    "address", "article", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2", "h3", "h4",
    "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "td", "tr", "ul",
))  # fmt: skip

SILENT = frozenset(("script", "style", "template"))


def feed(file: File, fields: Fields) -> Iterator[ReadItem]:
    """Yield one record for each entry, counted from 1."""
    with opened(file) as stream:
        markup = content(stream)
    if markup is None:
        yield BadRecord(
            "", "too long", f"more than {MAX_BYTES:,} bytes in one feed", "split it into several feed files"
        )
        return
    try:
        root = fromstring(markup)
    except DefusedXmlException as error:
        yield BadRecord("", "entities in a feed", f"the feed declares entities, which are not expanded: {type(error).__name__}",
                  "fetch it again from its publisher, or remove its DOCTYPE")  # fmt: skip
        return
    except (ParseError, ValueError, LookupError) as error:
        line, column = getattr(error, "position", (1, 0))
        yield BadRecord(
            f":{line}:{column + 1}", "not XML", f"not XML: {str(error).partition(':')[0]}", "fetch the feed again"
        )
        return
    entries = [element for element in root.iter() if _name(element) in ("item", "entry")]
    if not entries:
        yield BadRecord("", "no entries", "the XML has no item and no entry: it is no feed", "pass RSS or Atom files")
    for number, entry in enumerate(entries, 1):
        yield row_of(_values(entry, fields), fields, f":{number}", "feed ", fix="the entry has no text to read")


def _values(entry: "Element", fields: Fields) -> dict[str, object]:
    """Return the values of an entry by element name, and by field name where the field has its default name."""
    elements: dict[str, str] = {}
    for element in entry:
        name, value = _name(element), _element_value(element)
        if value and (name not in elements or element.get("rel") == "alternate"):
            elements[name] = value
    values: dict[str, object] = dict(elements)
    for key, names in USUAL.items():
        if getattr(fields, key) == key:
            values[key] = next((elements[name] for name in names if name in elements), None)
    if "author" in author_fields(fields):
        values["author"] = _authors(entry)
    if isinstance(text := values.get(fields.text), str):
        values[fields.text] = plain(text)
    return values


def _authors(entry: "Element") -> list[str]:
    """Return the authors of an entry; an Atom author has its name in an element of its own."""
    for name in PERSONS:
        persons = [element for element in entry if _name(element) == name]
        named = [next((part for part in person if _name(part) == "name"), person) for person in persons]
        if values := [value for person in named if (value := _element_value(person))]:
            return values
    return []


def _name(element: "Element") -> str:
    """Return the name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def _element_value(element: "Element") -> str:
    """Return the value of an element: its markup if it is XHTML, else its text, else the target of its link."""
    if len(element) and element.get("type") == "xhtml":
        return tostring(element, "unicode")
    return "".join(element.itertext()).strip() or element.get("href") or ""


class _Text(HTMLParser):
    """Collector of the visible text of HTML, with a newline at each block."""

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
    r"""Convert an HTML fragment to text, one line for each block; text without tags and references is unchanged.

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
