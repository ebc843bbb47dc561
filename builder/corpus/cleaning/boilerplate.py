"""The rule engine over lines: which lines are article, which are not, and by which rule.

Rules see folded lines, so that one pattern serves every spelling; what they extract is taken
from the line as it is published. Does not know raw text, offsets or files.

A list between two paragraphs of one article is its own and stays.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from builder.corpus.cleaning.page import Page, begins_article, drops_lines, read_page, words
from builder.corpus.cleaning.rules import NONE, Ready, Rules, every_rule, make_ready
from builder.records import Issue
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule
from builder.text.profiles import profile

Role = Literal["body", "headline", "drop"]

HEADLINE = "embedded-headline"
"""The rule id of the line that becomes the title of an embedded article."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one line; `part` is the article it belongs to, 0 the page's own.

    A body line with a rule stays in the text, and only its fields are extracted.
    """

    role: Role
    part: int
    rule: str = ""
    extracted: dict[str, str] = field(default_factory=dict)


PLAIN = Verdict("body", 0)
"""A line of the page's own article that no rule takes."""


@dataclass(slots=True)
class _Walk:
    """Where the walk down the page stands."""

    plain: Verdict = PLAIN
    """What a line of the part is that no rule takes."""
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
    read: int = 0
    said: set[str] = field(default_factory=set)
    """The words of the text of the first `read` lines."""
    made: dict[tuple[int, str], Verdict] = field(default_factory=dict)

    def dropped(self, part: int, rule: str) -> Verdict:
        """A line that goes and says nothing; one object for all of a part and rule."""
        return self.made.get((part, rule)) or self.made.setdefault((part, rule), Verdict("drop", part, rule))


def judge(lines: Sequence[str], folded: Sequence[str], rules: Rules, source: str) -> list[Verdict]:
    """One verdict for each line of a page: trimmed, none blank, in the page's order.

    `folded` are the same lines as Profile.fold gives them. A cut that drops to the end or splits
    counts once `min_before` code points of body stand above it.

    >>> from builder.corpus.cleaning.rules import compile_rules
    >>> rules = compile_rules(Boilerplate(version=1))
    >>> judge(["شارك"], ["شارك"], rules, "nasim")
    [Verdict(role='body', part=0, rule='', extracted={})]
    """
    return judge_batch([lines], [folded], rules, [source])[0]


def judge_batch(
    pages: Sequence[Sequence[str]], folded: Sequence[Sequence[str]], rules: Rules, sources: Sequence[str]
) -> list[list[Verdict]]:
    """Judge many pages at once: the same as `judge` of each, and much faster."""
    candidates = rules.candidates(list(zip(sources, folded, strict=True)))
    return [
        _judge(lines, read_page(seen, found)) if found.count(NONE) < len(found) else [PLAIN] * len(lines)
        for lines, seen, found in zip(pages, folded, candidates, strict=True)
    ]


def _judge(lines: Sequence[str], page: Page) -> list[Verdict]:
    walk = _Walk()
    verdicts: list[Verdict] = []
    for i, line in enumerate(lines):
        known = page.candidates[i] is NONE and not walk.links and not walk.ending and i != walk.headline
        verdict = walk.plain if known and i not in page.cuts else _verdict(i, line, page, walk, verdicts)
        verdicts.append(verdict)
        if verdict.role == "body":
            walk.kept += len(line)
            walk.below_head = walk.below_head or page.paragraphs[i]
    return verdicts


def _verdict(i: int, line: str, page: Page, walk: _Walk, above: Sequence[Verdict]) -> Verdict:
    if i in page.cuts and not walk.ending:
        return _at_cut(i, page.cuts[i], page, walk, above)
    if i == walk.headline:
        return Verdict("headline", walk.part, HEADLINE, {"title": line})
    item = page.items.get(i)
    in_links = bool(walk.links) and (item is not None if walk.only_items else not page.is_text(i))
    owner = 0 if walk.ending or in_links else walk.part
    ready = _line_rule(i, page, walk)
    if ready and not ready.rule.extract_only:
        read = _extracted(ready, line, page.folded[i]) if ready.reads else None
        return Verdict("drop", owner, ready.rule.id, read) if read else walk.dropped(owner, ready.rule.id)
    listed = item is not None and i in page.runs and _is_no_part_of_text(i, item, page, walk)
    if listed or walk.ending or in_links:
        return walk.dropped(owner, item.id if item else walk.ending or walk.links)
    walk.links = ""
    if ready:
        return Verdict("body", walk.part, ready.rule.id, _extracted(ready, line, page.folded[i]))
    return walk.plain


def _is_no_part_of_text(i: int, item: ListRule, page: Page, walk: _Walk) -> bool:
    return page.tail[i] or (item.position == "any" and not walk.below_head)


def _at_cut(i: int, cut: CutRule, page: Page, walk: _Walk, above: Sequence[Verdict]) -> Verdict:
    if drops_lines(cut):
        return walk.dropped(walk.part, cut.id)
    walk.only_items = walk.kept < cut.min_before
    walk.links = cut.id
    if walk.only_items:
        return walk.dropped(0, cut.id)
    if cut.action == "drop_to_end":
        walk.ending = cut.id
        return walk.dropped(0, cut.id)

    def said() -> set[str]:
        for line in range(walk.read, i):
            if above[line].role == "body":
                walk.said |= words(page.folded[line])
        walk.read = i
        return walk.said

    if begins_article(page, i + 1, said):
        walk.links = ""
        walk.parts += 1
        walk.part, walk.headline, walk.below_head = walk.parts, i + 1, False
        walk.plain = Verdict("body", walk.part)
    return walk.dropped(0, cut.id)


def _line_rule(i: int, page: Page, walk: _Walk) -> Ready[LineRule] | None:
    """The first line rule that takes a line where it stands."""
    line, below_head = page.folded[i], walk.below_head
    for one in page.candidates[i].lines:
        in_place = one.position == "any" or (page.tail[i] if one.position == "tail" else not below_head)
        if in_place and one.takes(line):
            return one
    return None


def _extracted(ready: Ready[LineRule], line: str, folded: str) -> dict[str, str]:
    """What the named groups stand on, in the line as it is published."""
    found = ready.search(folded)
    if found is None:
        return {}
    spans = {name: found.span(name) for name, value in found.groupdict().items() if value}
    fold = profile("search@1").fold

    def place(position: int) -> int:
        if len(line) == len(folded):
            return position
        return bisect_right(range(len(line) + 1), position, key=lambda end: len(fold(line[:end]))) - 1

    return {name: line[place(start) : place(end)].strip() for name, (start, end) in spans.items()}


def check_examples(rules: Boilerplate) -> list[Issue]:
    """Every rule's examples that it fails: lines it must match, lines it must leave, boxes it must close."""
    issues: list[Issue] = []
    for rule in every_rule(rules):
        where, fix = f"schema/boilerplate.yaml: {rule.id}", "mend the pattern or the example"
        issues += [Issue("error", "example", fault, where=where, fix=fix) for fault in _faults(rule)]
    return issues


def _faults(rule: CutRule | LineRule | ListRule) -> list[str]:
    takes, examples = make_ready(rule).takes, rule.examples
    faults = [f"does not match its example {line!r}" for line in examples.matches if not takes(_seen(line))]
    faults += [f"takes {line!r}, which it must leave" for line in examples.leaves if takes(_seen(line))]
    if isinstance(rule, CutRule) and rule.until is not None:
        ends = re.compile(rule.until).search
        faults += [
            f"`until` does not match {line!r}, at which it must end" for line in examples.ends if not ends(_seen(line))
        ]
        faults += [f"`until` ends at {line!r}, which is inside" for line in examples.inside if ends(_seen(line))]
        if len(examples.inside) >= rule.at_most:
            faults.append(f"at_most {rule.at_most} does not reach below its {len(examples.inside)} lines inside")
    return faults


def _seen(line: str) -> str:
    """A line as rules see it."""
    standard = profile("standard@1")
    return " ".join(standard.fold(standard.apply(line).text).split())
