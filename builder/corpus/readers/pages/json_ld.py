"""Metadata of an article from the JSON-LD of its page. Malformed blocks are skipped; nothing is fetched."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.corpus.readers.pages.names import one_line

if TYPE_CHECKING:
    from lxml.html import HtmlElement

Node = Mapping[str, object]

MOST_BLOCKS, MOST_CHARACTERS, MOST_NODES, MOST_DEPTH, MOST_NAMES = 50, 2_000_000, 5_000, 30, 50
"""Limits of what is read of one page."""

NOT_THIS_PAGE = frozenset(
    ("itemListElement", "hasPart", "isPartOf", "relatedLink", "citation", "mentions", "about", "comment")
)
"""Properties whose articles are other articles."""

WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/|<!\[CDATA\[)|(?://\s*)?(?:-->|\]\]>)\s*$")


@dataclass(frozen=True, slots=True)
class Linked:
    """The article of a page, or an empty mapping, and all nodes by their `@id`."""

    article: Node
    nodes: Sequence[Node]
    by_id: Mapping[str, Node] = field(default_factory=dict)

    def names(self, key: str) -> list[str]:
        """Return the names under a property of the article: strings, and the `name` of nodes and references."""
        return [name for value in many(self.article.get(key))[:MOST_NAMES] if (name := self._name(value))]

    def _name(self, value: object) -> str:
        if isinstance(value, Mapping):
            known = self.by_id.get(str(value.get("@id", "")), {})
            value = next(iter(many(value.get("name") or known.get("name"))), "")
        return " ".join(value.split()) if isinstance(value, str) else ""

    def site(self) -> str | None:
        """Return the name of the publisher, else of the web site."""
        for name in self.names("publisher"):
            return name
        sites = (node for node in self.nodes if "WebSite" in types_of(node))
        return next((name for node in sites if (name := self._name(node))), None)

    def section(self) -> str | None:
        """Return the section of the article, else the last step of the breadcrumbs before the page."""
        if sections := self.names("articleSection"):
            return sections[0]
        for node in self.nodes:
            steps = many(node.get("itemListElement")) if "BreadcrumbList" in types_of(node) else []
            names = [self._name(step) or self._name(step.get("item")) for step in steps if isinstance(step, Mapping)]
            if len(names) > 2:  # the front page, the section, the page
                return names[-2] or None
        return None


def linked(tree: "HtmlElement", titles: Sequence[str]) -> Linked:
    """Return what the JSON-LD of a page says; of several articles, the one whose headline is among `titles`."""
    nodes = [node for block in _blocks(tree) for node in _nodes(block, 0)][:MOST_NODES]
    articles = [node for node in nodes if is_article(node)]
    named = [node for node in articles if isinstance(line := node.get("headline"), str) and one_line(line) in titles]
    by_id: dict[str, Node] = {}
    for node in nodes:
        if "name" in node and isinstance(identity := node.get("@id"), str):
            by_id.setdefault(identity, node)
    return Linked(next(iter(named or articles), {}), nodes, by_id)


def types_of(node: Node) -> list[str]:
    """Return the types of a node, without the address of their vocabulary."""
    return [kind.rpartition("/")[2] for kind in many(node.get("@type")) if isinstance(kind, str)]


def is_article(node: Node) -> bool:
    """Return whether a node describes an article.

    >>> is_article({"@type": ["ReportageNewsArticle"]}), is_article({"@type": "WebPage"})
    (True, False)
    """
    return any(kind.endswith(("Article", "BlogPosting")) or kind in ("Report", "Blog") for kind in types_of(node))


def many(value: object) -> list[object]:
    """Return a value as a list; None is an empty one."""
    return list(value) if isinstance(value, (list, tuple)) else [] if value is None else [value]


def _blocks(tree: "HtmlElement") -> Iterator[object]:
    """Yield the value of each block that is JSON."""
    for script in tree.xpath("//script[contains(translate(@type, 'LDJSON', 'ldjson'), 'ld+json')]")[:MOST_BLOCKS]:
        text = script.text or ""
        if len(text) <= MOST_CHARACTERS:
            try:
                yield json.loads(WRAPPING.sub("", text).strip().rstrip(";"), strict=False)
            except (ValueError, RecursionError):
                continue


def _nodes(value: object, depth: int) -> Iterator[Node]:
    """Yield the nodes of a value, outer ones first, without those of other articles."""
    if depth > MOST_DEPTH:
        return
    if isinstance(value, list):
        for item in value:
            yield from _nodes(item, depth + 1)
    elif isinstance(value, Mapping):
        yield value
        for key, item in value.items():
            if key not in NOT_THIS_PAGE and isinstance(item, (list, Mapping)):
                yield from _nodes(item, depth + 1)
