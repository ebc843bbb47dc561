"""Text and facts of HTML pages; nothing is fetched and no script is run.

The text comes from trafilatura's default mode. Two losses of that mode are restored: a standfirst outside
the article's element, and the article of a page that scripts build.
"""

import logging
from dataclasses import dataclass, replace

from lxml import etree, html

from builder.corpus.readers.pages.addresses import saved_from
from builder.corpus.readers.pages.facts import PageFacts, page_facts, rules_for
from builder.corpus.readers.pages.front import is_front_page
from builder.corpus.readers.pages.lead import restored
from builder.corpus.readers.pages.lines import lines_of
from builder.corpus.readers.pages.scripted import built_by_scripts, scripted_lines
from builder.corpus.readers.pages.tree import parse, prune, selected
from builder.records import Facts
from builder.schema.sources import NO_SOURCES, SourceRules, Sources

VERSION = 1
"""Version of the steps around trafilatura; raise it when the text of any page changes."""

MOST_COMPARED = 8_000
"""Blocks of a page above which trafilatura compares no other extractor: jusText takes quadratic time in them."""

BLOCKS = etree.XPath("count(//*[self::p or self::div or self::li or self::td or self::section or self::article or self::blockquote "
                     "or self::dd or self::dt or self::th or self::br or self::h1 or self::h2 or self::h3 or self::h4 or self::h5 or self::h6])")  # fmt: skip

NO_TEXT, FRONT_PAGE, NOT_READ = "no text in HTML", "front page", "HTML not read"

DESCRIPTION = etree.XPath("//meta[@property='og:description']/@content | //meta[@name='description']/@content")


@dataclass(frozen=True, slots=True)
class Page:
    """The text of a page, one line for each block, and what the page says of it."""

    text: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    published_at: str | None = None
    author: str | None = None
    facts: Facts = Facts()  # noqa: RUF009 - frozen


class PageError(ValueError):
    """A page without an article; `reason` is the reason under which it is counted."""

    def __init__(self, reason: str, message: str = "") -> None:
        super().__init__(message)
        self.reason = reason


def extract(
    markup: str, *, fetched_url: str | None = None, fetched_at: str | None = None, sources: Sources = NO_SOURCES
) -> Page:
    """Extract the article of a page, and what the page says of it.

    Raises PageError if the page exceeds a limit, is a front page, has no text, or the libraries fail on it, and
    ImportError if the extra `html` is not installed.
    """
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # the caller reports pages without text
    try:
        return _page(markup, fetched_url, fetched_at, sources)
    except (PageError, ImportError):
        raise
    except ValueError as error:
        raise PageError(NOT_READ, str(error)) from error
    except Exception as error:
        raise PageError(NOT_READ, f"trafilatura fails on it with {type(error).__name__}") from error


def _page(markup: str, fetched_url: str | None, fetched_at: str | None, sources: Sources) -> Page:
    """Extract a page, and raise any error of the libraries."""
    tree = parse(markup)
    if tree is None:
        raise PageError(NO_TEXT)
    fetched_url = fetched_url or saved_from(markup)
    if is_front_page(tree, fetched_url):
        raise PageError(FRONT_PAGE, "its address is the front page of a site")
    rules = rules_for(tree, fetched_url, sources)
    found = page_facts(tree, fetched_url=fetched_url, fetched_at=fetched_at, rules=rules)
    descriptions, scripted = DESCRIPTION(tree), scripted_lines(tree)
    prune(tree, rules.strip if rules else ())
    lines, extractor = _article(tree, scripted, found, rules)
    if not lines:
        raise PageError(NO_TEXT)
    for description in dict.fromkeys(descriptions):
        lines = restored(lines, tree, description, found.title)
    facts = replace(found.facts, extractor=extractor)
    return Page("\n".join(lines), found.title, found.url, found.source, found.published_at, found.author, facts)


def _article(
    tree: html.HtmlElement, scripted: list[str], found: PageFacts, rules: SourceRules | None
) -> tuple[list[str], str]:
    """Return the lines of the article, and what extracted them."""
    options = f", without {' | '.join(rules.strip)}" if rules and rules.strip else ""
    for path in rules.body if rules else ():
        if chosen := [line for element in selected(tree, path) for line in lines_of(element)]:
            return chosen, f"khabar {VERSION}, body {path}{options}"
    fast = BLOCKS(tree) > MOST_COMPARED
    lines, version = _extracted(tree, fast)
    if scripted and found.facts.is_free is not False and built_by_scripts(scripted, lines, lines_of(tree, ("head",))):
        return scripted, f"khabar {VERSION}, articleBody"
    return lines, f"trafilatura {version}, {'fast' if fast else 'default'} mode, khabar {VERSION}{options}"


def _extracted(tree: html.HtmlElement, fast: bool) -> tuple[list[str], str]:
    """Return the lines that trafilatura extracts from a tree, and its version; the tree stays as it is."""
    import trafilatura  # noqa: PLC0415 - extra `html`, and its import takes half a second

    extracted = trafilatura.bare_extraction(tree, include_comments=False, with_metadata=False, fast=fast)
    lines = [] if extracted is None or extracted.body is None else lines_of(extracted.body)
    return lines, trafilatura.__version__
