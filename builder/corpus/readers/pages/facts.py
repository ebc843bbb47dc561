"""Metadata of the article of an HTML page: title, address, date, source, author, section, rights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from lxml import etree

from builder.corpus.readers.pages.addresses import host_of, page_url
from builder.corpus.readers.pages.json_ld import Linked, linked, many
from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.names import ADDRESS, BYLINE, author_of, key, one_line, site_in, text_of, title_of
from builder.corpus.readers.pages.published import below, first_heading, published
from builder.records import Facts
from builder.schema.sources import SourceRules, Sources

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MOST_METAS, MOST_TAGS, MOST_HEADLINES, LONGEST = 1_000, 50, 10, 300
"""Limits of what is kept of a page: meta elements, tags, headlines, and code points of a value."""

MOST_WORDS = 6
"""Most words of a byline."""

MOST_LINES = 4
"""Lines of an element that names the author: the name, and what is said of it."""

LEAST_LABEL = 4
"""Letters of a host's label that counts as the name of its site."""

BYLINES = ("byline", "writer", "writeby", "reporter", "journalist", "post-meta-author", "author-name", "authorname")
"""Parts of the class or the id of an element that names the author, in small letters."""

NAMED = " or ".join(
    f"contains(translate(concat(@class, ' ', @id), 'ABEHIJLMNOPRSTUWY', 'abehijlmnoprstuwy'), '{name}')"
    for name in BYLINES
)

AUTHORS = (
    "//*[@itemprop='author']",
    "//*[contains(concat(' ', @rel, ' '), ' author ')][not(self::link)]",
    f"//*[{NAMED}][not(ancestor::aside or ancestor::footer or ancestor::nav)]",
)
"""Elements that name the author, the surest first."""

COMMENTED = etree.XPath(
    "boolean(ancestor-or-self::*[contains(@class, 'comment') or contains(@id, 'comment') or contains(@itemtype, 'Comment')"
    " or @itemprop='comment'])"
)
"""Whether an element is in the comments of readers."""

WRITTEN_BY = frozenset(
    map(
        key, ("Written by", "By", "Author", "كتب بواسطة", "كُتب بواسطة", "بواسطة", "كتبه", "الكاتب", "الكاتبة", "المؤلف")
    )
)
"""Labels of the author among the meta elements that Yoast and Rank Math write."""

Metas = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The metadata of a page's article; each field is None if the page lacks it. `source` is a host or a given name."""

    title: str | None
    url: str | None
    source: str | None
    published_at: str | None
    author: str | None
    facts: Facts


def rules_for(tree: "HtmlElement", fetched_url: str | None, sources: Sources) -> SourceRules | None:
    """Return the entry of schema/sources.yaml for the host of a page; None if there is none."""
    return sources.rules_of(host_of(page_url(tree, fetched_url)))


def page_facts(
    tree: "HtmlElement", *, fetched_url: str | None, fetched_at: str | None, rules: SourceRules | None
) -> PageFacts:
    """Return what a page says of its article.

    `fetched_url` and `fetched_at` say where and when it was fetched, as far as that is known. `rules` is the entry of its
    source in schema/sources.yaml.
    """
    metas = _metas(tree)
    headlines = _all(metas, "og:title", "twitter:title", "dc.title")[:MOST_HEADLINES]
    page = linked(tree, headlines)
    url = page_url(tree, fetched_url)
    host = host_of(url)
    sites = _sites(tree, metas, page, rules)
    date = published(tree, page, rules)
    return PageFacts(
        title=_title(tree, page, headlines, [*sites, *_label(host)]),
        url=url,
        source=(rules.name if rules else None) or host,
        published_at=date.text if date else None,
        author=_author(tree, metas, page, sites, host),
        facts=Facts(
            section=_first(*_all(metas, "article:section", "section", "category"), page.section()),
            tags=_tags(tree, metas, page),
            language=_language(tree, metas, page),
            site=sites[0] if sites else None,
            date_from=date.date_from if date else None,
            fetched_url=fetched_url,
            fetched_at=fetched_at,
            page_type=_page_type(tree, metas, page),
            robots=_first(", ".join(_all(metas, "robots", "googlebot"))),
            tdm=_first(*_all(metas, "tdm-reservation")),
            licence=_licence(tree, metas, page),
            is_free=_is_free(metas, page),
        ),
    )


def _metas(tree: "HtmlElement") -> dict[str, list[str]]:
    """Return the contents of the meta elements by their lower-case names, in the order of the page."""
    found: dict[str, list[str]] = {}
    for meta in islice(tree.iter("meta"), MOST_METAS):
        content = one_line(meta.get("content"))
        for name in {meta.get("property"), meta.get("name"), meta.get("http-equiv")} - {None}:
            if content:
                found.setdefault(name.strip().casefold(), []).append(content)
    return found


def _all(metas: Metas, *names: str) -> list[str]:
    """Return the contents of the meta elements with these names, in the order of the names."""
    return [content for name in names for content in metas.get(name, ())]


def _first(*values: str | None) -> str | None:
    """Return the first value that is not empty, on one line and cut to LONGEST."""
    return next((text[:LONGEST] for value in values if (text := one_line(value))), None)


def _sites(tree: "HtmlElement", metas: Metas, page: Linked, rules: SourceRules | None) -> list[str]:
    """Return the names that the site gives itself, the surest first; addresses are none."""
    given = [*_all(metas, "og:site_name"), page.site(), *_all(metas, "application-name"), rules.name if rules else None,
             site_in(tree.findtext(".//title"), [*_headings(tree), *_all(metas, "og:title")[:MOST_HEADLINES]])]  # fmt: skip
    names = (text[:LONGEST] for value in given if (text := one_line(value)) and not ADDRESS.search(text))
    return list(dict.fromkeys(names))


def _label(host: str | None) -> list[str]:
    """Return the longest label of a host before its ending, by which titles name the site too."""
    label = max((host or "").split(".")[:-1], key=len, default="")
    return [label] if len(label) >= LEAST_LABEL else []


def _headings(tree: "HtmlElement") -> list[str]:
    """Return the texts of the first headings of the page."""
    return [text_of(element) for element in tree.xpath("//h1")[:20]]


def _title(tree: "HtmlElement", page: Linked, headlines: Sequence[str], sites: Sequence[str]) -> str | None:
    """Return the title of the page."""
    own = [value for value in many(page.article.get("headline")) if isinstance(value, str)]
    marked = [text_of(element) for element in tree.xpath("//*[@itemprop='headline']")[:2]]
    return title_of(_headings(tree), [*own, *headlines, *marked], tree.findtext(".//title"), sites)


def _author(tree: "HtmlElement", metas: Metas, page: Linked, sites: Sequence[str], host: str | None) -> str | None:
    """Return the persons who wrote the article, as the surest place names them."""
    named = [_all(metas, name) for name in ("author", "article:author", "parsely-author", "sailthru.author")]
    found = [[element for element in tree.xpath(path)[:5] if not COMMENTED(element)] for path in AUTHORS]
    marked = [[_named(element, sites, host) for element in elements] for elements in found]
    return author_of([page.names("author"), *named, _labelled(metas), *marked, _bylines(tree)], sites, host)


def _labelled(metas: Metas) -> list[str]:
    """Return the author that the labels of a preview name, as in `twitter:label1` and `twitter:data1`."""
    pairs = [(_all(metas, f"twitter:label{number}"), _all(metas, f"twitter:data{number}")) for number in (1, 2)]
    return [names[0] for labels, names in pairs if labels and names and key(labels[0]) in WRITTEN_BY]


def _named(element: "HtmlElement", sites: Sequence[str], host: str | None) -> str:
    """Return the name that an element holds: that of its `itemprop="name"`, else its content or its first line that is a person."""
    inner = element.find(".//*[@itemprop='name']")
    whole = element if inner is None else inner
    text = whole.get("content") or text_of(whole)
    if len(text) > LONGEST:
        return ""
    lines = [] if whole.get("content") else _apart(whole)
    if len(lines) > MOST_LINES:
        return one_line(" ".join(lines))
    labels = {line for line in lines if not BYLINE.sub("", f"{line} ").strip()}
    return next((line for line in lines if line not in labels and author_of([[line]], sites, host)), text)


def _apart(element: "HtmlElement") -> list[str]:
    """Return the lines of an element; where it is one line, its parts that stand without a space between them."""
    lines = lines_of(element)
    if len(lines) > 1:
        return lines
    parts = [""]
    for piece in element.itertext():
        if parts[-1] and piece and not parts[-1][-1].isspace() and not piece[0].isspace():
            parts.append("")
        parts[-1] += piece
    return [line for part in parts if (line := one_line(part))]


def _bylines(tree: "HtmlElement") -> list[str]:
    """Return the first short text between the title and the article that begins as a byline does, such as `كتبت سلمى الندى`."""
    heading = first_heading(tree)
    for element in below(heading) if heading is not None else ():
        text = text_of(element)
        if 2 <= len(text.split()) <= MOST_WORDS and BYLINE.match(text):
            return [text]
    return []


def _tags(tree: "HtmlElement", metas: Metas, page: Linked) -> tuple[str, ...]:
    """Return the tags of the article from the first place that has any."""
    keywords = [str(value) for value in many(page.article.get("keywords")) if isinstance(value, str)]
    places = (_all(metas, "article:tag"), keywords, _all(metas, "news_keywords"), _all(metas, "keywords"),
              [text_of(element) for element in tree.xpath("//a[contains(concat(' ', @rel, ' '), ' tag ')]")[:MOST_TAGS]])  # fmt: skip
    for values in places:
        split = (part for value in values for part in one_line(value).replace("،", ",").replace(";", ",").split(","))
        tags = dict.fromkeys(tag.strip(" #")[:LONGEST] for tag in split)
        if found := [tag for tag in tags if tag]:
            return tuple(found[:MOST_TAGS])
    return ()


def _language(tree: "HtmlElement", metas: Metas, page: Linked) -> str | None:
    """Return the declared language, as `ar` or `ar-SA`."""
    root = tree if tree.tag == "html" else next(iter(tree.xpath("//html")), tree)
    declared = (root.get("lang"), root.get("xml:lang"), *page.names("inLanguage"),
                *_all(metas, "og:locale", "content-language", "language"))  # fmt: skip
    for value in declared:
        code, _, region = one_line(value).replace("_", "-").partition(",")[0].partition("-")
        if 2 <= len(code) <= 3 and code.isascii() and code.isalpha():
            region = region.partition("-")[0]
            return f"{code.lower()}-{region.upper()}" if len(region) == 2 and region.isalpha() else code.lower()
    return None


def _page_type(tree: "HtmlElement", metas: Metas, page: Linked) -> str | None:
    """Return the `og:type`; `article` where JSON-LD or the only typed element of the page describes an article."""
    marked = tree.xpath("//*[contains(@itemtype, 'Article') or contains(@itemtype, 'BlogPosting')]")[:2]
    return "article" if page.article or len(marked) == 1 else _first(*_all(metas, "og:type"))


def _licence(tree: "HtmlElement", metas: Metas, page: Linked) -> str | None:
    """Return the licence that the page links to or names."""
    links = tree.xpath("//*[self::a or self::link][contains(concat(' ', @rel, ' '), ' license ')]/@href")[:5]
    stated = [value for value in many(page.article.get("license")) if isinstance(value, str)]
    return _first(*map(str, links), *stated, *_all(metas, "dcterms.license", "dc.rights.license", "license"))


def _is_free(metas: Metas, page: Linked) -> bool | None:
    """Return whether the article is accessible for free, as JSON-LD or `article:content_tier` say."""
    said = [page.article.get("isAccessibleForFree"), *(
        part.get("isAccessibleForFree") for part in many(page.article.get("hasPart")) if isinstance(part, Mapping)
    )]  # fmt: skip
    values = [str(value).casefold().rpartition("/")[2] for value in said if value is not None]
    tiers = [tier.casefold() for tier in _all(metas, "article:content_tier")]
    if "false" in values or "locked" in tiers or "metered" in tiers:
        return False
    return True if "true" in values or "free" in tiers else None
