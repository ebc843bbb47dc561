"""The rule engine over lines: which lines are article, which are not, and by which rule.

Rules see folded lines, so that one pattern serves every spelling; what they extract is taken
from the line as it is published. Does not know raw text, offsets or files.

A paragraph is a long line, or a fairly long one that ends like a sentence. Paragraphs tell an
embedded article from a list of links, and where an article's head and tail are. A list between two
paragraphs of one article is its own and stays.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from builder.records import Issue
from builder.schema import Boilerplate, CutRule, LineRule, ListRule
from builder.text.profiles import profile

Fold = Callable[[str], str]
Rule = CutRule | LineRule | ListRule
Role = Literal["body", "headline", "drop"]

HEADLINE = "embedded-headline"
"""The rule id of the line that becomes the title of an embedded article."""

PARAGRAPH = re.compile(r"(?![•●○▪■◾◦‣▶►▸›*+\-–—]\s*).(?:.{119}|.{59,}[.…][»”\"')\]]*$)")
"""120 code points, or 60 that end with a full stop: headlines are shorter and have none."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one line; `part` is the article it belongs to, 0 the page's own.

    A body line with a rule stays in the text, and only its fields are extracted.
    """

    role: Role
    part: int
    rule: str = ""
    extracted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Page:
    """What each rule says of each line by itself, before the lines before it are known."""

    folded: Sequence[str]
    cuts: Sequence[CutRule | None]
    lines: Sequence[Sequence[LineRule]]
    items: Sequence[str]
    """The id of the list rule that matches, or nothing."""
    runs: Sequence[bool]
    """Whether enough neighbours match the same list rule."""
    paragraphs: Sequence[bool]
    tail: Sequence[bool]
    """Whether no paragraph follows before the next cut, or the end."""

    def ends_here(self, i: int) -> bool:
        cut = self.cuts[i] if i < len(self.cuts) else None
        return i >= len(self.cuts) or (cut is not None and cut.action != "drop_line")

    def embedded(self, i: int) -> bool:
        """Whether an article begins at this line: a headline, then a paragraph."""
        if self.ends_here(i) or self.paragraphs[i] or self.items[i]:
            return False
        if any(not rule.extract_only for rule in self.lines[i]):
            return False
        after = i + 1
        while not self.ends_here(after) and any(not rule.extract_only for rule in self.lines[after]):
            after += 1
        return not self.ends_here(after) and self.paragraphs[after]


@dataclass(slots=True)
class _Walk:
    """Where the walk down the page stands."""

    part: int = 0
    parts: int = 0
    kept: int = 0
    below_head: bool = False
    headline: int = -1
    ending: str = ""
    """The cut that dropped all the rest."""
    links: str = ""
    """The cut whose links are being dropped."""
    only_items: bool = False
    """The cut came too early to count, and takes list items only."""


def judge(lines: Sequence[str], rules: Boilerplate, source: str, fold: Fold) -> list[Verdict]:
    """One verdict for each line of a page: trimmed, none blank, in the page's order.

    `fold` must keep newlines. A cut counts once `min_before` code points of body stand above it.
    """
    if not lines:
        return []
    page = _page(fold("\n".join(lines)).split("\n"), rules, source)
    walk = _Walk()
    verdicts: list[Verdict] = []
    for i, line in enumerate(lines):
        verdict = _verdict(i, line, page, walk, fold)
        verdicts.append(verdict)
        if verdict.role == "body":
            walk.kept += len(line)
            walk.below_head |= page.paragraphs[i]
    return verdicts


def _page(folded: Sequence[str], rules: Boilerplate, source: str) -> _Page:
    own = rules.sources.get(source)
    off = own.off if own else ()
    cut_rules = [rule for rule in rules.cuts if rule.id not in off]
    line_rules = [rule for rule in (*(own.lines if own else ()), *rules.lines) if rule.id not in off]
    cuts = [next((rule for rule in cut_rules if matches(rule, line)), None) for line in folded]
    lists = [rule for rule in rules.lists if rule.id not in off]
    items = ["" if cut else _item(line, lists) for line, cut in zip(folded, cuts, strict=True)]
    paragraphs = [PARAGRAPH.match(line) is not None for line in folded]
    lines = [[rule for rule in line_rules if matches(rule, line)] for line in folded]
    return _Page(folded, cuts, lines, items, _runs(items, lists), paragraphs, _tail(cuts, paragraphs))


def matches(rule: Rule, folded: str) -> bool:
    """Whether a rule's pattern is in a folded, trimmed line that is not too long for it."""
    return len(folded) <= rule.max_length and re.search(rule.match, folded) is not None


def _item(line: str, lists: Sequence[ListRule]) -> str:
    return next((rule.id for rule in lists if matches(rule, line)), "")


def _runs(items: Sequence[str], lists: Sequence[ListRule]) -> list[bool]:
    least = {rule.id: rule.min_run for rule in lists}
    runs: list[bool] = []
    while len(runs) < len(items):
        start = end = len(runs)
        while end < len(items) and items[end] == items[start]:
            end += 1
        runs += [bool(items[start]) and end - start >= least[items[start]]] * (end - start)
    return runs


def _tail(cuts: Sequence[CutRule | None], paragraphs: Sequence[bool]) -> list[bool]:
    tail: list[bool] = []
    none_follows = True
    for cut, paragraph in zip(reversed(cuts), reversed(paragraphs), strict=True):
        tail.append(none_follows)
        none_follows = (none_follows and not paragraph) or (cut is not None and cut.action != "drop_line")
    return tail[::-1]


def _verdict(i: int, line: str, page: _Page, walk: _Walk, fold: Fold) -> Verdict:
    cut = page.cuts[i]
    if cut is not None and not walk.ending:
        return _at_cut(i, cut, page, walk)
    if i == walk.headline:
        return Verdict("headline", walk.part, HEADLINE, {"title": line})
    in_links = bool(walk.links) and (bool(page.items[i]) if walk.only_items else not page.paragraphs[i])
    owner = 0 if walk.ending or in_links else walk.part
    found = next((rule for rule in page.lines[i] if _in_place(rule, i, page, walk)), None)
    extracted = _extracted(found, line, page.folded[i], fold) if found else {}
    if found and not found.extract_only:
        return Verdict("drop", owner, found.id, extracted)
    if page.runs[i] and not (walk.below_head and not page.tail[i]):
        return Verdict("drop", owner, page.items[i])
    if walk.ending or in_links:
        return Verdict("drop", 0, page.items[i] or walk.ending or walk.links)
    walk.links = ""
    return Verdict("body", walk.part, found.id if found else "", extracted)


def _at_cut(i: int, cut: CutRule, page: _Page, walk: _Walk) -> Verdict:
    if cut.action == "drop_line":
        return Verdict("drop", walk.part, cut.id)
    walk.only_items = walk.kept < cut.min_before
    walk.links = cut.id
    if not walk.only_items and cut.action == "drop_to_end":
        walk.ending = cut.id
    elif not walk.only_items and page.embedded(i + 1):
        walk.links = ""
        walk.parts += 1
        walk.part, walk.headline, walk.below_head = walk.parts, i + 1, False
    return Verdict("drop", 0, cut.id)


def _in_place(rule: LineRule, i: int, page: _Page, walk: _Walk) -> bool:
    if rule.position == "head":
        return not walk.below_head
    return rule.position == "any" or page.tail[i]


def _extracted(rule: LineRule, line: str, folded: str, fold: Fold) -> dict[str, str]:
    """What the named groups stand on, in the line as it is published."""
    found = re.search(rule.match, folded)
    if found is None:
        return {}
    same = len(line) == len(folded)
    ends = range(len(line) + 1) if same else [len(fold(line[:end])) for end in range(len(line) + 1)]

    def place(position: int) -> int:
        return bisect_right(ends, position) - 1

    spans = {name: found.span(name) for name, value in found.groupdict().items() if value}
    return {name: line[place(start) : place(end)].strip() for name, (start, end) in spans.items()}


def check_examples(rules: Boilerplate) -> list[Issue]:
    """Every rule's examples that it fails: lines it must match, and lines it must leave alone."""
    table = profile("standard@1")
    every: list[Rule] = [*rules.cuts, *rules.lines, *rules.lists]
    every += [rule for own in rules.sources.values() for rule in own.lines]
    issues: list[Issue] = []
    for rule in every:
        for wanted, examples in ((True, rule.examples.matches), (False, rule.examples.leaves)):
            for example in examples:
                folded = " ".join(table.fold(table.apply(example).text).split())
                if matches(rule, folded) is not wanted:
                    message = (
                        f"does not match its example {example!r}"
                        if wanted
                        else f"takes {example!r}, which it must leave"
                    )
                    where = f"schema/boilerplate.yaml: {rule.id}"
                    issues.append(
                        Issue("error", "example", message, where=where, fix="mend the pattern or the example")
                    )
    return issues
