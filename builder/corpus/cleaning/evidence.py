"""Evidence that a line at the edge of an article text is not article: recurrence in its source, and the record's fields.

A line goes only from an edge inward, and the first line without evidence ends the way. The counts of the source say what
recurs (`counts.py`); the record says what its title and author are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from builder.corpus.cleaning.columns.keys import Kind, Side, key
from builder.corpus.cleaning.counts import FEWEST, Counts
from builder.corpus.cleaning.edges import LONG, Edges, ends, fields, is_lone, label, mask
from builder.corpus.cleaning.matching.rules import Candidates
from builder.corpus.cleaning.page import BULLETS
from builder.schema.boilerplate import LineRule, ListRule

ALONE, SHARE = 10, 0.002
"""A line recurs often enough to go by that alone beside ALONE paragraphs, or beside this share of the source's pages."""

RARER = 5
"""How many times as often a line must stand at an edge as inside texts."""

LABEL_SHARE, LABEL_RARER = 0.01, 10
"""Share of the source's pages that a label must be on, and how many times as rare it must be inside texts."""

FIELD_SHARE = 0.02
"""Share of the source's pages that show a field at an edge, from which on a line of fields goes."""

LONE_SHARE = 0.005
"""Share of the source's pages that have a line alone at an edge, from which on such a line goes."""

SUPPORTED_SHARE = 0.0005
"""Share of the source's pages on which a line must recur, at least FEWEST, that a supporting rule matches."""

HEADLINE_SHARE = 0.02
"""Share of the source's pages on which a line at the head must recur where the record names no title: headlines recur."""

FEW = 20
"""Fewest different pages of a source whose counts are evidence: among fewer, what three pages share is chance."""

MANY = 10
"""Fewest pages behind a share: less is chance."""

SENTENCE = frozenset(".!؟?:،…")
"""Ends of lines that read like a sentence, or lead to something."""

FIELD = 4
"""Fewest letters of a field that is evidence."""

NAME = 8
"""Fewest letters of an author's name that a line must hold or be part of."""

AROUND = 20
"""Most letters of a line beside the author's name, such as a place."""

_NAMED = frozenset(
    ["عبد", "سعد", "نصر", "فضل", "خير", "عطا", "جاد", "ضيف", "هبه", "فتح", "حزب", "رزق", "جار", "نور", "حسب", "خلف"]
)
"""Words behind which الله is part of a name."""

_FORMULA = re.compile(
    r"(?<!\w)[وف]?[بتوك]?(الله|لله|السلام عليكم|والسلام|رب العالمين|دمتم|اللقاء|نلتقي|تحياتي|القاري|اعلم|رواه|متفق عليه)\b"
)
"""Words of closing formulae, which recur and are article text."""

_FORMULAIC = (
    "لله",
    "السلام",
    "رب العالمين",
    "دمتم",
    "اللقاء",
    "نلتقي",
    "تحياتي",
    "القاري",
    "اعلم",
    "رواه",
    "متفق عليه",
)
"""What every formula holds one of; most lines hold none, and are not searched for formulae."""

_SIGNS = re.compile(r"[\W_]+")

RECURS, RECURRING_PART, RECURRING_FIELD, RECURRING_LABEL = (
    "recurs",
    "recurring-part",
    "recurring-field",
    "recurring-label",
)
"""Reasons: the line recurs in its source; most of its words do; its parts between dashes do; its words before a colon do."""

LONE, TITLE, AUTHOR = "lone-line", "record-title", "record-author"
"""Reasons: the source's pages often have a line alone there; the line is the record's title; it names its author."""


def letters(folded: str) -> str:
    """Return a line without spaces and signs, as titles and names are compared.

    >>> letters("طلال عبد الله – مرفا")
    'طلالعبداللهمرفا'
    """
    return _SIGNS.sub("", folded)


@lru_cache(maxsize=4096)
def is_formula(folded: str) -> bool:
    """Return whether a line holds words of a closing formula.

    >>> is_formula("والله الموفق"), is_formula("تابعونا")
    (True, False)
    """
    return any(map(folded.__contains__, _FORMULAIC)) and any(
        found[1] != "الله" or folded[: found.start()].rstrip().rpartition(" ")[2] not in _NAMED
        for found in _FORMULA.finditer(folded)
    )


@dataclass(slots=True)
class Evidence:
    """Facts about a page beside its text. Title and author are folded, and empty if the page has none."""

    counts: Counts
    source: str
    title: str = ""
    author: str = ""
    is_asked: bool = True
    """Whether evidence is asked for at all; khabar 0.1 took every page for a dump."""
    used: set[int] = field(default_factory=set)
    """The keys that were looked up and found: the page's text rests on them."""
    _pages: int = -1

    def pages(self) -> int:
        """Return the number of different pages of the source, or 0 where there are too FEW to count on."""
        if self._pages < 0:
            known = self._look_up("page", "")
            self._pages = known if known >= FEW else 0
        return self._pages

    def count(self, kind: Kind, text: str = "") -> int:
        """Return beside how many paragraphs of the source a thing stands; 0 below FEWEST."""
        return self._look_up(kind, text) if self.pages() else 0

    def _look_up(self, kind: Kind, text: str) -> int:
        wanted = key(self.source, kind, text)
        found = self.counts.of(wanted)
        if found:
            self.used.add(wanted)
        return found

    def share(self, share: float, fewest: int = MANY) -> float:
        """Return the number of pages that a share of the source's pages is, at least `fewest`."""
        return max(fewest, share * self.pages())

    def alone(self) -> float:
        """Return the count from which on a line that recurs needs no other evidence."""
        return min(ALONE, self.share(SHARE, FEWEST))

    def against(self, folded: Sequence[str], page: Edges, found: Candidates, i: int, side: Side) -> str:
        """Return why the line at an edge is not article text, or nothing."""
        line = folded[i]
        if not line:
            return ""  # of characters that folding removes
        ruled = self._of_rules(found, side)
        if isinstance(ruled, LineRule) and ruled.evidence == "hard":
            return ruled.id
        is_title_behind_label = side == "tail" and 0 < i == len(folded) - 1 and len(line) <= 2 * LONG
        if page.prose[i] and not is_title_behind_label:
            return ""
        if self._is_labelled(folded, i, side):
            return RECURRING_LABEL
        of_record = "" if page.prose[i] else self._of_record(folded, page, i, side)
        if of_record or page.prose[i] or is_formula(line):
            return of_record
        supporting = ruled.id if ruled else ""
        return self._of_line(folded, page, i, side, supporting) or self._of_parts(folded, page, i, side)

    def _of_rules(self, found: Candidates, side: Side) -> LineRule | ListRule | None:
        """Return the first hard rule that matches the line at its position, or else the first supporting one."""
        first: LineRule | ListRule | None = None
        for ready in found.whole:
            if not ready.rule.extract_only and ready.position in (side, "any"):
                if ready.rule.evidence == "hard":
                    return ready.rule
                first = first or ready.rule
        return first or next((ready.rule for ready in found.lists), None)

    def _is_labelled(self, folded: Sequence[str], i: int, side: Side) -> bool:
        """Return whether the words before the line's colon recur, and the line inward is not labelled in the same way.

        Two different labels that both recur are fields of a form, as of a recipe, and article text.
        """
        name = label(folded[i])
        if not name or not self._labels(name):
            return False
        inward = label("".join(folded[i + 1 : i + 2] if side == "head" else folded[max(0, i - 1) : i]))
        return not inward or inward == name or not self._labels(inward)

    def _of_record(self, folded: Sequence[str], page: Edges, i: int, side: Side) -> str:
        whole = letters(folded[i])
        if side == "head" and whole in self._titles() and any(page.prose[i + 1 : i + 3]):
            return TITLE  # above paragraphs: a poem is named after its first verse
        name = letters(self.author)
        if len(name) >= NAME and (
            (name in whole and len(whole) - len(name) <= AROUND) or (len(whole) >= NAME and whole in name)
        ):
            return AUTHOR
        return ""

    def _titles(self) -> set[str]:
        """Return the record's title, also without the site's name behind a dash or a bar, as letters."""
        shorter = [self.title.rpartition(mark)[0] for mark in (" - ", " – ", " | ", "|")]
        found = {letters(title) for title in (self.title, *shorter)}
        return {title for title in found if len(title) >= NAME or title == letters(self.title) != ""}

    def _least(self, side: Side, usual: float) -> float:
        """Return the count from which on a line at an edge recurs: the usual one, unless it may be an unknown headline."""
        return self.share(HEADLINE_SHARE) if side == "head" and not self.title else usual

    def _of_line(self, folded: Sequence[str], page: Edges, i: int, side: Side, supporting: str) -> str:
        """Return a reason if the line as a whole recurs."""
        line, masked = folded[i], mask(folded[i])
        times = self.count(side, masked) if i in (page.head if side == "head" else page.tail) else 0
        if times < RARER * self.count("inside", masked):
            return ""
        is_sentence = line[-1] in SENTENCE and "address" not in masked
        if not is_sentence and times >= self._least(side, self.alone()) and not _is_heading(folded, i, side, times):
            return RECURS
        return supporting if times and times >= self._least(side, self.share(SUPPORTED_SHARE, FEWEST)) else ""

    def _of_parts(self, folded: Sequence[str], page: Edges, i: int, side: Side) -> str:
        """Return a reason if parts of the line recur, or if its source often has a line alone there."""
        line, masked = folded[i], mask(folded[i])
        if self.count("inside", masked) or line.lstrip("([")[:1].isdigit():
            return ""
        known = [part for part in fields(line) if len(letters(part)) >= FIELD and not part[0].isdigit()]
        if line[-1] not in SENTENCE - {":"} and any(
            self.count("field", part) >= self.share(FIELD_SHARE, FEWEST) for part in known
        ):
            return RECURRING_FIELD
        if line[-1] in SENTENCE:
            return ""
        if any(self.count("part", part) >= self._least(side, self.alone()) for part in ends(masked)):
            return RECURRING_PART
        return LONE if self._is_lone(folded, page, i) else ""

    def _labels(self, name: str) -> bool:
        times = self.count("label", name)
        return times >= self.share(LABEL_SHARE) and times >= LABEL_RARER * self.count("inside label", name)

    def _is_lone(self, folded: Sequence[str], page: Edges, i: int) -> bool:
        """Return whether the page has a line alone where its source's pages often have one.

        At the head that can be the headline, or a heading: only a page whose record has another title, and which has no
        other line that is no paragraph, has neither there.
        """
        if not is_lone(folded, page, i):
            return False
        if i == 0:
            has_headings = not all(page.prose[1:])
            return bool(self.title) and not has_headings and self.count("lone head") >= self.share(LONE_SHARE)
        return self.count("lone tail") >= self.share(LONE_SHARE)


def _is_heading(folded: Sequence[str], i: int, side: Side, times: int) -> bool:
    """Return whether a line that recurs can be a heading: one or two words that recur seldom, or a marked line at the head.

    So can a line with whose words the next one begins.
    """
    line = folded[i]
    if not letters(line):
        return False
    if line.count(" ") < 2 and times < ALONE:
        return True
    if side == "tail":
        return False
    following = letters("".join(folded[i + 1 : i + 2]))
    return line[0] in f"{BULLETS}#" or following.startswith(letters(line))
