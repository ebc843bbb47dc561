"""Trees of HTML pages, within limits, and without what no reader sees."""

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from lxml import etree, html

MAX_ELEMENTS = 100_000

MAX_ATTRIBUTES = 1_000
"""Limits per page and per element. Extraction takes seconds at the first, and quadratic time in the second."""

HEAD = 4096
"""Characters among which a page has its `<html`; markup without one is a fragment."""

HIDDEN_STYLE = re.compile(r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)

NEVER_SHOWN = etree.XPath("//script | //style | //noscript | //template")

HIDDEN = etree.XPath(
    "//*[@hidden] | //dialog[not(@open)] | //*[translate(normalize-space(@aria-hidden), 'TRUE', 'true') = 'true']"
)

STREAMED = re.compile(r"S:[0-9a-f]+")
"""The `id` of a part of a page that React streams: it is hidden until a script puts it into its place."""

MOST_HEADINGS = 20
"""Headings that are looked at."""

STYLED = etree.XPath("//*[@style]")

NEWLINE = re.compile(r"\r\n?|\n")


class _Limits:
    """Parser target that enforces the limits before a tree is built, with lxml's own parsing of the markup."""

    def __init__(self) -> None:
        self.elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise ValueError(f"more than {MAX_ELEMENTS:,} elements in one page")
        if len(attributes) > MAX_ATTRIBUTES:
            raise ValueError(f"more than {MAX_ATTRIBUTES:,} attributes in one element")

    def close(self) -> None:
        """Return nothing, since no tree is built."""


def parse(markup: str) -> html.HtmlElement | None:
    """Parse a page or a fragment, whatever the length of its texts; return None if it has no element.

    Raises ValueError if the page exceeds a limit, and ImportError if the extra `html` is not installed.
    """
    from trafilatura.utils import repair_faulty_html  # noqa: PLC0415 - extra `html`

    content = markup.encode("utf-8", "replace")
    etree.fromstring(content, etree.HTMLParser(target=_Limits(), encoding="utf-8", no_network=True, huge_tree=True))
    whole = markup if "<html" in markup[:HEAD].lower() else f"<html><body>{markup}</body></html>"
    repaired = repair_faulty_html(whole, whole[:50].lower())
    parser = html.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, collect_ids=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(repaired.encode("utf-8", "replace"), parser)
    except etree.ParserError:
        return None


def prune(tree: html.HtmlElement, unwanted: Sequence[str] = ()) -> None:
    """Empty the elements that a browser never shows, and those that the XPaths `unwanted` find.

    What is hidden only until the page's scripts have run stays: the whole page, the element that holds its heading and most
    of its text, and the parts that React streams.
    """
    for element in (*NEVER_SHOWN(tree), *(element for path in unwanted for element in selected(tree, path))):
        _empty(element)
    styled = [element for element in STYLED(tree) if HIDDEN_STYLE.search(element.get("style"))]
    hidden = [*HIDDEN(tree), *styled]
    revealed = _revealed(tree, {*hidden})
    for element in hidden:
        if element not in revealed and not STREAMED.fullmatch(element.get("id", "")):
            _empty(element)
    _break_lines(tree)


def selected(tree: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    """Return the elements that an XPath of schema/sources.yaml selects.

    Raises ValueError if it fails: functions and prefixes are looked up where the path first meets an element they apply to.
    """
    try:
        found = tree.xpath(path)
    except etree.XPathError as error:
        raise ValueError(f"the XPath {path!r} of schema/sources.yaml fails: {str(error).lower()}") from error
    return [element for element in found if isinstance(element, html.HtmlElement)] if isinstance(found, list) else []


def _empty(element: html.HtmlElement) -> None:
    """Empty an element and keep what follows it; the page as a whole stays."""
    if isinstance(element, html.HtmlElement) and element.tag not in ("html", "body"):
        element.clear(keep_tail=True)
        element.tag = "span"


def _revealed(tree: html.HtmlElement, hidden: set[html.HtmlElement]) -> set[html.HtmlElement]:
    """Return the hidden elements around the first heading that is inside one, if the outermost holds most of the page's text."""
    for heading in islice(tree.iter("h1"), MOST_HEADINGS):
        around = [element for element in heading.iterancestors() if element in hidden and element.tag != "body"]
        if around:
            most = sum(map(len, around[-1].itertext())) * 2 > sum(map(len, tree.itertext()))
            return {*around} if most else set()
    return set()


def _break_lines(tree: html.HtmlElement) -> None:
    """Replace the newlines of preformatted text by `br`, since extraction keeps only those."""
    for element in tree.iter("pre"):
        if len(element) == 0 and NEWLINE.search(element.text or ""):
            first, *others = NEWLINE.split(element.text.strip("\r\n"))
            element.text = first
            for line in others:
                etree.SubElement(element, "br").tail = line
