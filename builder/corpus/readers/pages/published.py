"""When a page was published: what its metadata say, else a date beside its title. Links are never looked at."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from builder.corpus.readers.dates.parse import read_date
from builder.corpus.readers.pages.json_ld import Linked, many
from builder.corpus.readers.pages.names import one_line, text_of
from builder.schema.sources import SourceRules

if TYPE_CHECKING:
    from lxml.html import HtmlElement

META = (
    "article:published_time", "og:article:published_time", "article:published", "og:published_time", "datepublished", "pubdate",
    "publishdate", "publish-date", "publish_date", "publication_date", "parsely-pub-date", "sailthru.date", "dc.date.issued",
    "dcterms.created", "dc.date", "dcterms.date", "cxenseparse:recs:publishtime", "article.published", "date",
)  # fmt: skip
"""The names of meta elements with the date of publication, the surest first."""

LONGEST, MOST_TEXTS = 120, 60
"""Most code points of a text with a date, and most texts after the title that are looked at."""

ASIDE = (
    "a",
    "aside",
    "nav",
    "footer",
    "script",
    "style",
    "noscript",
    "template",
    "select",
    "option",
    "button",
    "form",
    "head",
)
"""Elements whose dates are not the page's."""

NOT_PUBLISHED = re.compile(r"تحديث|تعديل|حدثت|عدلت|updated|modified|©|حقوق|copyright", re.IGNORECASE)

LEAST_PARAGRAPH = 150
"""Code points of a paragraph with which an article has begun."""

YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")

MARKED = " or ".join(f"contains(@{name}, '{part}')" for name in ("class", "id") for part in ("date", "time", "publish"))
"""Whether the class or the id of an element says that it is a date."""

RDFA = " or ".join(f"contains(@property, '{name}')" for name in ("datePublished", "dc:date", "dc:created", "dcterms:created",
                                                                  "dcterms:date", "dcterms:issued"))  # fmt: skip

DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")

HALVES = re.compile(r"(صباحا|مساء|[صم])\b")


@dataclass(frozen=True, slots=True)
class Published:
    """A date in ISO 8601 with the place where it stood, as in Facts.date_from."""

    text: str
    date_from: str


def published(tree: "HtmlElement", page: Linked, rules: SourceRules | None) -> Published | None:
    """Return when a page was published, with time and zone as far as the page says them; None if it says nothing.

    The surest place tells the day. Where it has no time or no zone, another place with the same day may give it. A date that
    is stated and cannot be read is returned as it stands, so that the caller can name it.
    """
    stated = [
        Published(one_line(written)[:LONGEST], place) for place, written in _stated(tree, page) if written.strip()
    ]
    found = [Published(text, date.date_from) for date in stated if (text := _iso(date.text, rules))]
    if not found:
        beside = (_iso(text, rules) for text in _beside_title(tree) if not NOT_PUBLISHED.search(text))
        return next((Published(text, "arabic words") for text in beside if text), next(iter(stated), None))
    same_day = [date for date in found if date.text[:10] == found[0].text[:10]]
    return max(same_day, key=lambda date: (len(date.text) > 10, _has_zone(date.text)))


def _stated(tree: "HtmlElement", page: Linked) -> Iterator[tuple[str, str]]:
    """Yield the dates of the metadata with their places, the surest first."""
    for value in (*many(page.article.get("datePublished")), *many(page.article.get("dateCreated"))):
        if isinstance(value, (str, int)):
            yield "json-ld", str(value)
    metas = [(str(meta.get("property") or meta.get("name") or "").casefold(), str(meta.get("content") or "")) for meta in
             islice(tree.iter("meta"), 1_000)]  # fmt: skip
    for name in META[:4]:
        yield from (("article:published_time", value) for known, value in metas if known == name)
    for element in tree.xpath("//*[@itemprop='datePublished']")[:5]:
        yield "itemprop", str(element.get("content") or element.get("datetime") or text_of(element))[:LONGEST]
    for element in tree.xpath(f"//*[not(self::meta)][{RDFA}]")[:5]:
        yield "rdfa", str(element.get("content") or text_of(element))[:LONGEST]
    for name in META[4:]:
        yield from ((name, value) for known, value in metas if known == name)
    for element in tree.xpath(
        "//time[@datetime][@pubdate or ancestor::header or ancestor::article or contains(@class, 'publish')]"
    )[:1]:
        yield "time", str(element.get("datetime"))


def _iso(written: str, rules: SourceRules | None) -> str | None:
    """Return a date in ISO 8601, read in the source's format and put into its zone where it names none; else None."""
    text = one_line(written)[:LONGEST]
    moment = _formatted(text, rules.date_format) if rules and rules.date_format else None
    if moment is None:
        read = read_date(re.sub(r"(?<=\d)\s+(?=[+-]\d\d:?\d\d$)", "", text))
        if read.fault or not text:
            return None
        moment = re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", read.text)
    if rules and rules.zone and len(moment) > 10 and not _has_zone(moment):
        return datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(rules.zone)).isoformat()
    return moment


def _formatted(text: str, layout: str) -> str | None:
    """Return the date that a text holds in a format, in ISO 8601; None if it holds none."""
    plain = HALVES.sub(lambda half: "AM" if half[1].startswith("ص") else "PM", text.translate(DIGITS))
    tokens = plain.split()
    width = len(layout.split())
    for begin in range(max(len(tokens) - width, 0) + 1):
        part = " ".join(tokens[begin : begin + width]).strip("،,|()")
        try:
            moment = datetime.strptime(part, layout)  # noqa: DTZ007 - the zone is added where it is known
        except ValueError:
            continue
        return moment.isoformat() if {"%H", "%I"} & {*re.findall("%.", layout)} else moment.date().isoformat()
    return None


def _has_zone(moment: str) -> bool:
    """Return whether a moment in ISO 8601 names its zone."""
    return moment.endswith("Z") or re.search(r"[+-]\d\d:?\d\d(?::\d\d)?$", moment[10:]) is not None


def _beside_title(tree: "HtmlElement") -> Iterator[str]:
    """Yield short texts that may be the date of the page: near its first heading, or marked as a date."""
    heading = first_heading(tree)
    if heading is not None:
        yield from _dated(below(heading))
        for element in (heading, heading.getparent()):
            yield from _dated(element.xpath("preceding-sibling::*[position() <= 4]"))
    marked = heading.xpath(f"following::*[{MARKED}]") if heading is not None else tree.xpath(f"//*[{MARKED}]")
    yield from _dated(marked[:MOST_TEXTS])


def first_heading(tree: "HtmlElement") -> "HtmlElement | None":
    """Return the first `h1` of a page that has a text; None if there is none."""
    return next((heading for heading in islice(tree.iter("h1"), 20) if text_of(heading)), None)


def below(heading: "HtmlElement") -> Iterator["HtmlElement"]:
    """Yield the elements between a heading and the first paragraph of the article."""
    for element in heading.xpath(f"following::*[position() <= {MOST_TEXTS}]"):
        if element.tag == "p" and len(element.text_content()) > LEAST_PARAGRAPH:
            return
        yield element


def _dated(elements: Iterable["HtmlElement"]) -> Iterator[str]:
    """Yield the short texts of elements that have a year, without sentences, links and what is beside the article."""
    for element in elements:
        if not isinstance(element.tag, str) or _is_aside(element):
            continue
        text = one_line(" ".join(islice(element.itertext(), 20)))
        if len(text) <= LONGEST and YEAR.search(text) and not text.endswith((".", "\N{HORIZONTAL ELLIPSIS}")):
            yield text


def _is_aside(element: "HtmlElement") -> bool:
    """Return whether an element is a link or beside the article; the footer of an article belongs to it."""
    names = [str(ancestor.tag) for ancestor in (element, *element.iterancestors())]
    return any(name in ASIDE and not (name == "footer" and "article" in names[at:]) for at, name in enumerate(names))
