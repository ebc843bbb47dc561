"""The boilerplate rule engine: decide for each line of a page whether it is article text, and by which rule it is not.

Patterns match folded lines, so one pattern covers all spellings; extracted fields are taken from the normalized line.
A list between two paragraphs of an article belongs to the article and is kept.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from builder.corpus.cleaning.page import PageLines, begins_article, drops_lines, read_page, words
from builder.corpus.cleaning.rules import NO_CANDIDATES, CompiledRule, Rules, compile_rule, every_rule
from builder.records import Issue
from builder.schema.boilerplate import Boilerplate, CutRule, LineRule, ListRule
from builder.text.profiles import profile

Role = Literal["body", "headline", "drop"]

HEADLINE = "embedded-headline"
"""The rule id of the line that becomes the title of an embedded article."""


@dataclass(frozen=True, slots=True)
class LineDecision:
    """The decision on one line; `part` is the article it belongs to, 0 for the page's main article.

    A body line with a rule is kept, and the rule only extracts fields from it.
    """

    role: Role
    part: int
    rule: str = ""
    extracted: dict[str, str] = field(default_factory=dict)


PLAIN = LineDecision("body", 0)
"""The verdict on a line of the main article that no rule takes."""


@dataclass(slots=True)
class _LineState:
    """The state of the top-down pass over the lines of a page."""

    plain: LineDecision = PLAIN
    """The verdict on a line of the current part that no rule takes."""
    part: int = 0
    parts: int = 0
    kept: int = 0
    below_head: bool = False
    headline: int = -1
    ending: str = ""
    """The cut that drops all remaining lines."""
    links: str = ""
    """The cut whose links are being dropped."""
    only_items: bool = False
    """Whether the cut is above `min_before` characters of body, so that it drops list items only."""
    read: int = 0
    said: set[str] = field(default_factory=set)
    """The words of the body lines among the first `read` lines."""
    made: dict[tuple[int, str], LineDecision] = field(default_factory=dict)

    def dropped(self, part: int, rule: str) -> LineDecision:
        """Return the verdict that drops a line without fields; each part and rule shares one object."""
        return self.made.get((part, rule)) or self.made.setdefault((part, rule), LineDecision("drop", part, rule))


def classify_lines(lines: Sequence[str], folded: Sequence[str], rules: Rules, source: str) -> list[LineDecision]:
    """Return one verdict for each line of a page; the lines are trimmed, non-blank and in the page's order.

    `folded` has the same lines, folded by Profile.fold. A cut that drops to the end or splits the page applies only if
    there are at least `min_before` code points of body above it.

    >>> from builder.corpus.cleaning.rules import compile_rules
    >>> rules = compile_rules(Boilerplate(version=1))
    >>> classify_lines(["شارك"], ["شارك"], rules, "nasim")
    [LineDecision(role='body', part=0, rule='', extracted={})]
    """
    return classify_batch([lines], [folded], rules, [source])[0]


def classify_batch(
    pages: Sequence[Sequence[str]], folded: Sequence[Sequence[str]], rules: Rules, sources: Sequence[str]
) -> list[list[LineDecision]]:
    """Judge many pages at once; equivalent to `judge` of each page, and much faster."""
    candidates = rules.candidates(list(zip(sources, folded, strict=True)))
    return [
        _judge(lines, read_page(seen, found)) if found.count(NO_CANDIDATES) < len(found) else [PLAIN] * len(lines)
        for lines, seen, found in zip(pages, folded, candidates, strict=True)
    ]


def _judge(lines: Sequence[str], page: PageLines) -> list[LineDecision]:
    walk = _LineState()
    verdicts: list[LineDecision] = []
    for i, line in enumerate(lines):
        known = page.candidates[i] is NO_CANDIDATES and not walk.links and not walk.ending and i != walk.headline
        verdict = walk.plain if known and i not in page.cuts else _verdict(i, line, page, walk, verdicts)
        verdicts.append(verdict)
        if verdict.role == "body":
            walk.kept += len(line)
            walk.below_head = walk.below_head or page.paragraphs[i]
    return verdicts


def _verdict(i: int, line: str, page: PageLines, walk: _LineState, above: Sequence[LineDecision]) -> LineDecision:
    if i in page.cuts and not walk.ending:
        return _at_cut(i, page.cuts[i], page, walk, above)
    if i == walk.headline:
        return LineDecision("headline", walk.part, HEADLINE, {"title": line})
    item = page.items.get(i)
    in_links = bool(walk.links) and (item is not None if walk.only_items else not page.is_text(i))
    owner = 0 if walk.ending or in_links else walk.part
    ready = _line_rule(i, page, walk)
    if ready and not ready.rule.extract_only:
        read = _extracted(ready, line, page.folded[i]) if ready.reads else None
        return LineDecision("drop", owner, ready.rule.id, read) if read else walk.dropped(owner, ready.rule.id)
    listed = item is not None and i in page.runs and _is_no_part_of_text(i, item, page, walk)
    if listed or walk.ending or in_links:
        return walk.dropped(owner, item.id if item else walk.ending or walk.links)
    walk.links = ""
    if ready:
        return LineDecision("body", walk.part, ready.rule.id, _extracted(ready, line, page.folded[i]))
    return walk.plain


def _is_no_part_of_text(i: int, item: ListRule, page: PageLines, walk: _LineState) -> bool:
    return page.tail[i] or (item.position == "any" and not walk.below_head)


def _at_cut(i: int, cut: CutRule, page: PageLines, walk: _LineState, above: Sequence[LineDecision]) -> LineDecision:
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
        walk.plain = LineDecision("body", walk.part)
    return walk.dropped(0, cut.id)


def _line_rule(i: int, page: PageLines, walk: _LineState) -> CompiledRule[LineRule] | None:
    """Return the first line rule that matches a line at its position, or None."""
    line, below_head = page.folded[i], walk.below_head
    for ready in page.candidates[i].lines:
        in_place = ready.position == "any" or (page.tail[i] if ready.position == "tail" else not below_head)
        if in_place and ready.takes(line):
            return ready
    return None


def _extracted(ready: CompiledRule[LineRule], line: str, folded: str) -> dict[str, str]:
    """Return the text of the pattern's named groups in the normalized line."""
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
    """Return an issue for each example that its rule fails: lines to match, lines to leave, and lines that end a box."""
    issues: list[Issue] = []
    for rule in every_rule(rules):
        where, fix = f"schema/boilerplate.yaml: {rule.id}", "correct the pattern or the example"
        issues += [Issue("error", "example", fault, where=where, fix=fix) for fault in _faults(rule)]
    return issues


def _faults(rule: CutRule | LineRule | ListRule) -> list[str]:
    takes, examples = compile_rule(rule).takes, rule.examples
    faults = [f"does not match its example {line!r}" for line in examples.matches if not takes(_seen(line))]
    faults += [f"matches {line!r}, which is listed under `leaves`" for line in examples.leaves if takes(_seen(line))]
    if isinstance(rule, CutRule) and rule.until is not None:
        ends = re.compile(rule.until).search
        faults += [
            f"`until` does not match {line!r}, which is listed under `ends`"
            for line in examples.ends
            if not ends(_seen(line))
        ]
        faults += [
            f"`until` matches {line!r}, which is listed under `inside`" for line in examples.inside if ends(_seen(line))
        ]
        if len(examples.inside) >= rule.at_most:
            faults.append(
                f"`at_most` ({rule.at_most}) must exceed the number of lines under `inside` ({len(examples.inside)})"
            )
    return faults


def _seen(line: str) -> str:
    """Return a line as rules match it: normalized, folded and with single spaces."""
    standard = profile("standard@1")
    return " ".join(standard.fold(standard.apply(line).text).split())
