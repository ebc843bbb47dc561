"""Structure of a page's lines: paragraphs, list items, cuts, boxes and the headlines of embedded articles.

A paragraph is a long line, or a shorter one that ends like a sentence. Paragraphs distinguish an embedded article from
a list of links, and delimit the head and the tail of an article.
"""

import re
from collections.abc import Callable, Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from builder.corpus.cleaning.matching.rules import NO_CANDIDATES, Candidates
from builder.schema.boilerplate import CutRule, LineRule, ListRule

BULLETS = "•●○▪■◾◦‣▶►▸›◄◀←*+-–—"

CLOSERS = "»”\"')]"

STOPS = frozenset(".…")

SENTENCE, PARAGRAPH = 60, 119
"""Most code points of a line that is no paragraph even if it ends in a stop, and of one that ends in none."""

PROSE = 18
"""Minimum length, in code points, of a line ending with a colon that is prose leading to a list and not a list's title."""

LEAD = 2
"""Number of paragraphs at an article's beginning in which a word of its headline must recur."""

_NUMBER = re.compile(r"\d{1,3}\s*[.)–—-]\s*(?=\D)")

_SIGNS = re.compile(r"[\W_]+")

_WORD = re.compile(r"\b(?:[وفبك]?ال|لل|و(?=\w{4}))?([^\W\d_]{3,})")


def paragraphs(folded: Sequence[str]) -> list[bool]:
    """Return whether each folded line has at least 120 code points, or at least 61 and a full stop at its end.

    Headlines are shorter, and a line that begins with a bullet is no paragraph.

    >>> paragraphs(["ا" * 120, "ا" * 60 + ".»", "ا" * 60, "- " + "ا" * 120])
    [True, True, False, False]
    """
    return [
        len(line) > SENTENCE
        and line[0] not in BULLETS
        and (len(line) > PARAGRAPH or line[-1] in STOPS or line.rstrip(CLOSERS)[SENTENCE:][-1:] in STOPS)
        for line in folded
    ]


@dataclass(frozen=True)
class PageLines:
    """The folded lines of a page, with the candidate rules, cuts, list items and paragraphs."""

    folded: Sequence[str]
    candidates: Sequence[Candidates]
    cuts: Mapping[int, CutRule]
    """The cut that matches a line; each line of a box has the cut that drops the box."""
    items: Mapping[int, ListRule]
    """The list rule that matches a line; a line without bullet or number counts only if enough neighbours match too."""
    paragraphs: Sequence[bool]
    """Whether each line is a paragraph; lines inside a box are not."""
    listed: Container[int] | None = None
    """The lines that a list rule of supporting evidence may drop where no marker stands above; None for all."""

    def may_drop(self, i: int, item: ListRule) -> bool:
        """Return whether a list rule may drop its line without a marker above it."""
        return self.listed is None or item.evidence == "hard" or i in self.listed

    def line_rules(self, i: int) -> list[LineRule]:
        """Return the line rules that match a line, regardless of its position."""
        return [ready.rule for ready in self.candidates[i].whole]

    def is_text(self, i: int) -> bool:
        """Return whether a line below links is text: a paragraph, or a shorter line that ends like a sentence."""
        line = self.folded[i]
        return self.paragraphs[i] or (line.endswith((".", ".»", '."')) and line.count(" ") >= 3)

    def ends_at(self, i: int) -> bool:
        """Return whether the page, or an article on it, ends above this line."""
        return i >= len(self.folded) or (i in self.cuts and not drops_lines(self.cuts[i]))

    @cached_property
    def tail(self) -> Sequence[bool]:
        """Whether each line is below the last paragraph before the next cut or the end of the page."""
        tail: list[bool] = []
        for end in (*(i for i in self.cuts if self.ends_at(i)), len(self.folded)):
            last = max(len(tail), end - 1)
            while last > len(tail) and not self.paragraphs[last]:
                last -= 1
            tail += [False] * (last - len(tail)) + [True] * (end - last)
        return tail

    @cached_property
    def runs(self) -> AbstractSet[int]:
        """The lines of lists: runs of at least `min_run` items of one rule to which no prose leads."""
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
        """The lines of each link text: list items, and lines between a cut and the next paragraph."""
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
        """Return whether another line of the page is a link with the text of this line."""
        return bool(self._links.get(link_text(self.folded[i]), set()) - {i})


def drops_lines(cut: CutRule) -> bool:
    """Return whether the article continues below the lines that a cut drops."""
    return cut.action in ("drop_line", "drop_until")


def link_text(folded: str) -> str:
    """Return a link's text without bullet, number and punctuation.

    >>> link_text("3. «نسيم»: كم يبلغ طول الجسر؟")
    'نسيم كم يبلغ طول الجسر'
    """
    if folded.replace(" ", "").isalpha():
        return " ".join(folded.split())
    return _SIGNS.sub(" ", _NUMBER.sub("", folded, count=1) if _NUMBER.match(folded) else folded).strip()


@lru_cache(maxsize=512)
def words(folded: str) -> frozenset[str]:
    """Return the words of three letters or more, without the definite article and the prefixes attached to it.

    >>> sorted(words("وتابع للصحفيين: من القطار"))
    ['تابع', 'صحفيين', 'قطار']
    """
    return frozenset(_WORD.findall(folded))


def read_page(
    folded: Sequence[str], candidates: Sequence[Candidates], told: Sequence[bool], listed: Container[int] | None = None
) -> PageLines:
    """Find the cuts, list items and paragraphs of a page, given its folded, trimmed lines and their candidate rules.

    `told` is what `paragraphs` returns of the lines.
    """
    prose = [*told]
    cuts: dict[int, CutRule] = {}
    items: dict[int, ListRule] = {}
    for i, rules in enumerate(candidates):
        if rules is NO_CANDIDATES or i in cuts:
            continue
        if rules.cuts:
            cut = rules.cuts[0].rule
            for inside in range(i, _box_end(folded, i, cut)):
                cuts[inside] = cut
                prose[inside] = prose[inside] and inside == i
        elif rules.lists:
            items[i] = rules.lists[0].rule
    for i in items.keys() - cuts.keys():
        if i and leads(folded[i - 1]) and i - 1 not in cuts:
            prose[i - 1] = True  # a line that leads to a list is text
    page = PageLines(folded, candidates, cuts, items, prose, listed)
    alone = {i for i in items if folded[i][0] not in BULLETS and not folded[i][0].isdigit()} - page.runs
    return replace(page, items={i: rule for i, rule in items.items() if i not in alone}) if alone else page


def leads(folded: str) -> bool:
    """Return whether a line is prose that leads to the list below it, and not the list's title."""
    return len(folded) >= PROSE and folded.endswith(":")


def _box_end(folded: Sequence[str], i: int, cut: CutRule) -> int:
    """Return the end (exclusive) of the lines that a cut at line `i` drops by itself."""
    if cut.until is not None:
        for below in range(i + 1, min(i + 1 + cut.at_most, len(folded))):
            if re.search(cut.until, folded[below]):
                return below
    return i + 1


def begins_article(page: PageLines, i: int, unsaid: Callable[[AbstractSet[str]], AbstractSet[str]]) -> bool:
    """Return whether the line `i` below a marker is the headline of an embedded article.

    `unsaid` returns those of some words that are not in the page's text above the marker. A headline is no paragraph, no
    link and no line that a rule drops, and text follows it. Such a line is a headline

    - if the page links to it elsewhere, and not to the text that follows, which may then be of any length;
    - else, if a paragraph follows, and a source or agency line ends the text above the marker, or a byline, date or
      dateline is below the headline;
    - else, if a paragraph follows that repeats a word that is new in the headline.

    A line with at least three new words, none of which is repeated, is a single link, and the page's own article
    continues. A line with fewer new words is taken as a headline, so that the text is kept, as another part.
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
    return headed or closed or _taken_up(page, i, text, unsaid)


def _taken_up(
    page: PageLines, headline: int, text: int, unsaid: Callable[[AbstractSet[str]], AbstractSet[str]]
) -> bool:
    """Return whether the text repeats a word that is new in the headline, or the headline has under three new words."""
    new = unsaid(words(page.folded[headline]))
    read = 0
    while not page.ends_at(text) and read < LEAD and new:
        if text not in page.cuts:
            if not new.isdisjoint(words(page.folded[text])):
                return True
            read += page.paragraphs[text]
        text += 1
    return len(new) < 3


def _rules_that_drop(page: PageLines, i: int) -> list[LineRule]:
    return [rule for rule in page.line_rules(i) if not rule.extract_only]


def _rules_below_a_headline(page: PageLines, i: int) -> list[LineRule]:
    return [rule for rule in _rules_that_drop(page, i) if rule.position != "tail"]


def _reads(rule: LineRule) -> bool:
    return "(?P<" in rule.match
