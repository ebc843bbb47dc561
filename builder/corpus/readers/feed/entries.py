"""The values of a feed's entries and of its channel, by namespace."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml import etree

from builder.corpus.readers.feed.plain import one_line, plain, split_tail
from builder.corpus.readers.rows import author_fields
from builder.schema.dataset import Fields

PREFIXES: Mapping[str, str] = {
    "http://www.w3.org/2005/Atom": "",
    "http://purl.org/atom/ns#": "",
    "http://purl.org/rss/1.0/": "",
    "http://my.netscape.com/rdf/simple/0.9/": "",
    "http://backend.userland.com/rss2": "",
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dcterms:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://www.itunes.com/dtds/podcast-1.0.dtd": "itunes:",
    "http://rssnamespace.org/feedburner/ext/1.0": "feedburner:",
}
"""The usual prefix of each namespace; the elements of RSS and Atom have none."""

FULL = ("content:encoded", "content")
"""The elements of a whole text, before those of summaries."""

USUAL: Mapping[str, tuple[str, ...]] = {
    "text": (*FULL, "description", "summary"),
    "title": ("title", "dc:title"),
    "published_at": (
        "pubDate", "published", "dc:date", "dcterms:created", "dcterms:issued", "issued", "date", "updated",
        "dcterms:modified",
    ),
}  # fmt: skip
"""The elements read for each field, the fullest first."""

PERSONS = ("dc:creator", "author")
"""The elements of authors, the first that an entry has; the `author` of RSS is an e-mail address, `dc:creator` a name."""

ENTRIES = ("item", "entry")

LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

HOST = re.compile(r"^(?:www|m|amp)\.")


def name_of(element: etree._Element) -> str:
    """Return the name of an element with the usual prefix of its namespace; that of another namespace is kept."""
    if not isinstance(element.tag, str):
        return ""
    namespace, _, local = element.tag.rpartition("}")
    return f"{PREFIXES.get(namespace[1:], element.prefix + ':' if element.prefix else '')}{local}"


def entries_of(root: etree._Element) -> list[etree._Element]:
    """Return the entries of a feed, in order."""
    return [element for element in root.iter(etree.Element) if name_of(element) in ENTRIES]


@dataclass(frozen=True, slots=True)
class Channel:
    """The metadata of a feed: the host of its site, its name and its language; each is empty if the feed lacks it."""

    host: str | None
    title: str | None
    language: str | None


def channel_of(root: etree._Element) -> Channel:
    """Return the metadata of a feed."""
    channel = next((element for element in root.iter(etree.Element) if name_of(element) == "channel"), root)
    link, said = _link(channel), _elements(channel)
    language = said.get("language") or said.get("dc:language") or channel.get(LANGUAGE) or ""
    return Channel(host_of(link) if link else None, one_line(said.get("title", "")) or None, language.strip() or None)


def tags_of(entry: etree._Element) -> tuple[str, ...]:
    """Return the categories of an entry, without repeats."""
    categories = [child for child in entry.iterchildren(etree.Element) if name_of(child) in ("category", "dc:subject")]
    values = [_value(category) or category.get("label") or category.get("term") or "" for category in categories]
    return tuple(dict.fromkeys(tag for value in values if (tag := one_line(value))))


def host_of(address: str) -> str | None:
    """Return the host of an address without what only tells its edition; None if it has none.

    >>> host_of("https://www.nasim.example/rss"), host_of("نسيم")
    ('nasim.example', None)
    """
    try:
        host = urlsplit(address).hostname
    except ValueError:
        return None
    return HOST.sub("", host) or None if host else None


def values_of(entry: etree._Element, fields: Fields) -> dict[str, object]:
    """Return the values of an entry by element name, and by field name where the field has its default name.

    An element of another namespace also has its name without a prefix, unless the entry has one of that name.
    """
    elements = _elements(entry)
    values: dict[str, object] = {name.rpartition(":")[2]: value for name, value in reversed(elements.items())}
    values |= elements
    for key, names in USUAL.items():
        if getattr(fields, key) == key:
            values[key] = next((elements[name] for name in names if name in elements), None)
    if fields.url == "url":
        values["url"] = elements.get("feedburner:origLink") or _link(entry) or _permalink(entry)
    if fields.source == "source":
        values["source"] = next((_source(child) for child in entry if name_of(child) == "source"), None)
    if "author" in author_fields(fields):
        values["author"] = _authors(entry)
    if isinstance(title := values.get(fields.title), str):
        values[fields.title] = one_line(title) or None
    return values


@dataclass(frozen=True, slots=True)
class EntryText:
    """The plain text of an entry, the line of WordPress below it, and whether it stood where summaries do."""

    text: str | None
    tail: str = ""
    is_summary: bool = False


def text_of(values: Mapping[str, object], fields: Fields) -> EntryText:
    """Return the plain text of an entry."""
    markup = values.get(fields.text)
    if not isinstance(markup, str):
        return EntryText(None)
    text, tail = split_tail(plain(markup))
    return EntryText(text, tail, fields.text == "text" and not any(values.get(name) for name in FULL))


def _elements(entry: etree._Element) -> dict[str, str]:
    """Return the value of the first element of each name that has one."""
    elements: dict[str, str] = {}
    for child in entry.iterchildren(etree.Element):
        name = name_of(child)
        if name not in elements and (value := _value(child)):
            elements[name] = value
    return elements


def _value(element: etree._Element) -> str:
    """Return the value of an element: its markup if it is XHTML, else its text, else the target of its link."""
    if len(element) and (element.get("type") == "xhtml" or _holds_markup(element)):
        return str(etree.tostring(element, encoding="unicode", with_tail=False))
    return "".join(_texts(element)).strip() or element.get("href") or ""


def _texts(element: etree._Element) -> Iterator[str]:
    """Yield the texts of an element and of the elements in it, with entities as they are written."""
    for part in element.iter():
        if part.tag is etree.Entity or isinstance(part.tag, str):
            yield part.text or ""
        if part is not element:
            yield part.tail or ""


def _holds_markup(element: etree._Element) -> bool:
    """Return whether HTML that should be escaped stands in an element as elements."""
    return name_of(element) in USUAL["text"] and any(True for _ in element.iterchildren(etree.Element))


def _link(element: etree._Element) -> str | None:
    """Return the address of an entry or a channel: the link of RSS, else the alternate of Atom."""
    links = [child for child in element.iterchildren(etree.Element) if name_of(child) == "link"]
    texts = ("".join(_texts(link)).strip() for link in links)
    alternates = (link.get("href", "").strip() for link in links if link.get("rel", "alternate") == "alternate")
    return next((address for address in (*texts, *alternates) if address), None)


def _permalink(entry: etree._Element) -> str | None:
    """Return the id of an entry if it is its address."""
    for child in entry.iterchildren(etree.Element):
        value = "".join(_texts(child)).strip()
        is_link = name_of(child) == "id" or (name_of(child) == "guid" and child.get("isPermaLink", "true") == "true")
        if is_link and value.startswith(("http://", "https://")):
            return value
    return None


def _source(element: etree._Element) -> str | None:
    """Return the name of the source of an entry; that of Atom has its title in an element of its own."""
    title = next((child for child in element if name_of(child) == "title"), element)
    return one_line(_value(title)) or None


def _authors(entry: etree._Element) -> list[str]:
    """Return the authors of an entry; an Atom author has its name in an element of its own."""
    for name in PERSONS:
        persons = [element for element in entry.iterchildren(etree.Element) if name_of(element) == name]
        named = [next((part for part in person if name_of(part) == "name"), person) for person in persons]
        if values := [one_line(value) for person in named if (value := _value(person))]:
            return values
    return []
