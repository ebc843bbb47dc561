"""What the lines of a page are, each by itself and by its neighbours: paragraphs, items, cuts, boxes.

A paragraph is a long line, or a fairly long one that ends like a sentence. Paragraphs tell an
embedded article from a list of links, and where an article's head and tail are. Does not say what
becomes of a line: that is builder.corpus.cleaning.boilerplate.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property

from builder.corpus.cleaning.rules import NONE, Candidates, R, Ready
from builder.schema.boilerplate import CutRule, LineRule, ListRule

BULLETS = "•●○▪■◾◦‣▶►▸›◄◀←*+-–—"

CLOSERS = "»”\"')]"

STOPS = frozenset(".…")

PROSE = 18
"""Code points; a line of at least as many that ends with a colon is no list's title, but leads to what follows."""

LEAD = 2
"""Paragraphs in which an article takes up the words of its headline."""

_NUMBER = re.compile(r"\d{1,3}\s*[.)–—-]\s*(?=\D)")

_SIGNS = re.compile(r"[\W_]+")

_WORD = re.compile(r"\b(?:[وفبك]?ال|لل|و(?=\w{4}))?([^\W\d_]{3,})")


def paragraphs(folded: Sequence[str]) -> list[bool]:
    """Which folded lines are 120 code points long, or 61 and end with a full stop: headlines are shorter.

    >>> paragraphs(["ا" * 120, "ا" * 60 + ".»", "ا" * 60, "- " + "ا" * 120])
    [True, True, False, False]
    """
    return [
        len(line) > 60
        and line[0] not in BULLETS
        and (len(line) > 119 or line[-1] in STOPS or line.rstrip(CLOSERS)[60:][-1:] in STOPS)
        for line in folded
    ]


@dataclass(frozen=True)
class Page:
    """The lines of a page as the rules of its source see them."""

    folded: Sequence[str]
    candidates: Sequence[Candidates]
    cuts: Mapping[int, CutRule]
    """The cut at a line; each line of a box has the cut that it goes by."""
    items: Mapping[int, ListRule]
    """The list rule of a line; without a bullet or a number, only where enough neighbours match it too."""
    paragraphs: Sequence[bool]
    """A paragraph in a box is none."""

    def line_rules(self, i: int) -> Iterator[LineRule]:
        """The line rules that take a line, wherever it stands."""
        return (one.rule for one in self.candidates[i].lines if one.takes(self.folded[i]))

    def is_text(self, i: int) -> bool:
        """Whether a line among links is text again: a paragraph, or a shorter line that ends like a sentence."""
        line = self.folded[i]
        return self.paragraphs[i] or (line.endswith((".", ".»", '."')) and line.count(" ") >= 3)

    def ends_at(self, i: int) -> bool:
        """Whether the page or a part of it ends above this line."""
        return i >= len(self.folded) or (i in self.cuts and not drops_lines(self.cuts[i]))

    @cached_property
    def tail(self) -> Sequence[bool]:
        """Whether no paragraph follows a line before the next cut, or the end."""
        tail: list[bool] = []
        for end in (*(i for i in self.cuts if self.ends_at(i)), len(self.folded)):
            last = max(len(tail), end - 1)
            while last > len(tail) and not self.paragraphs[last]:
                last -= 1
            tail += [False] * (last - len(tail)) + [True] * (end - last)
        return tail

    @cached_property
    def runs(self) -> AbstractSet[int]:
        """The lines that enough neighbours make a list, if no prose leads to it."""
        runs: set[int] = set()
        start = -1
        for i, rule in self.items.items():
            if i <= start:
                continue
            start = i
            while self.items.get(start + 1) is rule:
                start += 1
            above = self.folded[i - 1] if i and i - 1 not in self.cuts else ""
            if start - i + 1 >= rule.min_run and not leads(above):
                runs.update(range(i, start + 1))
        return runs

    @cached_property
    def _links(self) -> Mapping[str, AbstractSet[int]]:
        """The lines that link to a headline: items, and lines below the end of an article or a marker."""
        linked = set(self.items)
        for i, cut in self.cuts.items():
            below = i + 1
            while not drops_lines(cut) and not self.ends_at(below) and not self.paragraphs[below]:
                linked.add(below)
                below += 1
        links: dict[str, set[int]] = {}
        for i in linked - self.cuts.keys():
            links.setdefault(link_text(self.folded[i]), set()).add(i)
        return links

    def recurs(self, i: int) -> bool:
        """Whether another line of the page links to what a line says."""
        return bool(self._links.get(link_text(self.folded[i]), set()) - {i})


def drops_lines(cut: CutRule) -> bool:
    """Whether a cut takes out lines of an article that goes on below them."""
    return cut.action in ("drop_line", "drop_until")


def link_text(folded: str) -> str:
    """A link without its bullet or number and without punctuation.

    >>> link_text("3. «نسيم»: كم يبلغ طول الجسر؟")
    'نسيم كم يبلغ طول الجسر'
    """
    return _SIGNS.sub(" ", _NUMBER.sub("", folded, count=1) if _NUMBER.match(folded) else folded).strip()


def words(folded: str) -> set[str]:
    """The words of three letters or more, without the article and what is written onto it.

    >>> sorted(words("وتابع للصحفيين: من القطار"))
    ['تابع', 'صحفيين', 'قطار']
    """
    return set(_WORD.findall(folded))


def read_page(folded: Sequence[str], candidates: Sequence[Candidates]) -> Page:
    """What each folded, trimmed line of a page is by the rules that may match it."""
    prose = paragraphs(folded)
    cuts: dict[int, CutRule] = {}
    items: dict[int, ListRule] = {}
    for i, one in enumerate(candidates):
        if one is NONE or i in cuts:
            continue
        if one.cuts and (cut := _first(one.cuts, folded[i])):
            for inside in range(i, _box_end(folded, i, cut)):
                cuts[inside] = cut
                prose[inside] = prose[inside] and inside == i
        elif one.lists and (item := _first(one.lists, folded[i])):
            items[i] = item
    for i in items.keys() - cuts.keys():
        if i and leads(folded[i - 1]) and i - 1 not in cuts:
            prose[i - 1] = True  # what leads to a list is text
    page = Page(folded, candidates, cuts, items, prose)
    alone = {i for i in items if folded[i][0] not in BULLETS and not folded[i][0].isdigit()} - page.runs
    return replace(page, items={i: rule for i, rule in items.items() if i not in alone}) if alone else page


def leads(folded: str) -> bool:
    """Whether a line leads to the list below it as prose does, not as a title does."""
    return len(folded) >= PROSE and folded.endswith(":")


def _first(rules: Sequence[Ready[R]], folded: str) -> R | None:
    for one in rules:
        if one.takes(folded):
            return one.rule
    return None


def _box_end(folded: Sequence[str], i: int, cut: CutRule) -> int:
    """Where the lines that a cut itself takes end."""
    if cut.until is not None:
        for below in range(i + 1, min(i + 1 + cut.at_most, len(folded))):
            if re.search(cut.until, folded[below]):
                return below
    return i + 1


def begins_article(page: Page, i: int, above: Callable[[], Collection[str]]) -> bool:
    """Whether a line below a marker is the headline of an embedded article, `above` gives the words of the page's text so far.

    It is no paragraph, no link and no line of a rule, and text follows it. It is one
    - if the page links to it elsewhere, and not to what follows it: the text may then be of any length;
    - else, if a paragraph follows, when a source or an agency closed the text above the marker, or a
      byline, a date or a dateline stands below the headline;
    - else when what follows takes up words that are new in the headline.
    When a headline of at least three new words is not taken up, it is one link, and the page's own
    text goes on. When nothing tells, it is an embedded article: its text is kept, as another part.
    """
    if page.ends_at(i) or i in page.cuts or i in page.items or page.paragraphs[i]:
        return False
    if any(rule.position == "any" for rule in _rules_that_drop(page, i)):
        return False
    text, headed = i + 1, False
    while not page.ends_at(text) and (text in page.cuts or (rules := _rules_below_a_headline(page, text))):
        headed |= text not in page.cuts and any(map(_reads, rules))
        text += 1
    if page.ends_at(text) or text in page.items:
        return False
    if page.recurs(i) and not page.recurs(text):
        return True
    if not page.paragraphs[text]:
        return False
    headed |= any(rule.extract_only for rule in page.line_rules(text))
    closed = any(_reads(rule) or rule.position == "tail" for rule in _rules_that_drop(page, i - 2)) if i > 1 else False
    return headed or closed or _taken_up(page, i, text, above())


def _taken_up(page: Page, headline: int, text: int, above: Collection[str]) -> bool:
    new = words(page.folded[headline]).difference(above)
    read = 0
    while not page.ends_at(text) and read < LEAD and new:
        if text not in page.cuts:
            if not new.isdisjoint(words(page.folded[text])):
                return True
            read += page.paragraphs[text]
        text += 1
    return len(new) < 3


def _rules_that_drop(page: Page, i: int) -> list[LineRule]:
    return [rule for rule in page.line_rules(i) if not rule.extract_only]


def _rules_below_a_headline(page: Page, i: int) -> list[LineRule]:
    return [rule for rule in _rules_that_drop(page, i) if rule.position != "tail"]


def _reads(rule: LineRule) -> bool:
    return "(?P<" in rule.match
