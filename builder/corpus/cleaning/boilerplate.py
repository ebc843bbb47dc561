"""Decide for each line of a page whether it is article text, and on which evidence it is not.

A page is a dump where lines of two `furniture` rules show that it is more than the article: every rule acts there, at its
position, and a list between two paragraphs is kept. Any other page is article text: hard rules act, and beside them lines
go from its two edges inward on evidence (`evidence.py`); the rest is not touched. Patterns match folded lines, so that one
pattern covers all spellings; extracted fields are taken from the normalized line.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

from builder.corpus.cleaning.counts import no_counts
from builder.corpus.cleaning.decisions import HEADLINE, PLAIN, LineDecision, extracted
from builder.corpus.cleaning.dump import core, is_dump, supported
from builder.corpus.cleaning.edges import Edges, edges
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.rules import NO_CANDIDATES, Candidates, CompiledRule, Rules
from builder.corpus.cleaning.page import BULLETS, PageLines, begins_article, drops_lines, paragraphs, read_page, words
from builder.corpus.cleaning.parts import without_parts
from builder.schema.boilerplate import CutRule, LineRule, ListRule

FEW_MARKERS = 4
"""Markers of a page for which all text above is searched for single words; for more, its words are gathered, each once."""


@dataclass(slots=True)
class _LineState:
    """The state of the top-down pass over the lines of a page."""

    is_careful: bool = False
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
    markers: int = 0
    """The number of markers below which an article was looked for."""
    read: int = 0
    said: set[str] = field(default_factory=set)
    """The words of the body lines among the first `read` lines."""
    made: dict[tuple[int, str], LineDecision] = field(default_factory=dict)

    def dropped(self, part: int, rule: str) -> LineDecision:
        """Return the verdict that drops a line without fields; each part and rule shares one object."""
        return self.made.get((part, rule)) or self.made.setdefault((part, rule), LineDecision("drop", part, rule))


def classify_lines(
    lines: Sequence[str], folded: Sequence[str], rules: Rules, source: str, evidence: Evidence | None = None
) -> list[LineDecision]:
    """Return one decision for each line of a page; the lines are trimmed, non-blank and in the page's order.

    `folded` has the same lines, folded by Profile.fold. A cut that drops to the end or splits the page applies only if
    there are at least `min_before` code points of body above it. Without `evidence`, only the page itself counts.

    >>> from builder.corpus.cleaning.matching.rules import compile_rules
    >>> from builder.schema.boilerplate import Boilerplate
    >>> rules = compile_rules(Boilerplate(version=1))
    >>> classify_lines(["شارك"], ["شارك"], rules, "nasim")
    [LineDecision(role='body', part=0, rule='', extracted={}, cut=())]
    """
    return classify_batch([lines], [folded], rules, [evidence or Evidence(no_counts(), source)])[0]


def classify_batch(
    pages: Sequence[Sequence[str]], folded: Sequence[Sequence[str]], rules: Rules, evidence: Sequence[Evidence]
) -> list[list[LineDecision]]:
    """Decide on many pages at once; equivalent to `classify_lines` of each page, and much faster."""
    candidates = rules.candidates([(known.source, seen) for known, seen in zip(evidence, folded, strict=True)])
    return [
        decide(lines, seen, found, known, paragraphs(seen))
        for lines, seen, found, known in zip(pages, folded, candidates, evidence, strict=True)
    ]


def decide(
    lines: Sequence[str],
    folded: Sequence[str],
    candidates: Sequence[Candidates],
    evidence: Evidence,
    told: Sequence[bool],
) -> list[LineDecision]:
    """Return one decision for each line of a page, given the rules that it matches and what is known of the page.

    `told` is what `paragraphs` returns of the folded lines.
    """
    if not lines:
        return []
    if not evidence.is_asked:
        return _judge(lines, read_page(folded, candidates, told))
    hard = [found if found.hard is None else found.hard for found in candidates]
    decisions = _in_a_dump(lines, folded, candidates, hard, told) if is_dump(candidates) else []
    if not any(decision.role == "body" for decision in decisions):
        decisions = _by_hard_rules(lines, folded, hard, told)
    decisions = _from_the_edges(lines, folded, candidates, decisions, evidence, edges(folded, told))
    return without_parts(lines, folded, candidates, decisions, evidence)


def _by_hard_rules(
    lines: Sequence[str], folded: Sequence[str], hard: Sequence[Candidates], told: Sequence[bool]
) -> list[LineDecision]:
    if hard.count(NO_CANDIDATES) == len(hard):
        return [PLAIN] * len(lines)
    return _judge(lines, read_page(folded, hard, told, ()), is_careful=True)


def _in_a_dump(
    lines: Sequence[str], folded: Sequence[str], candidates: Sequence[Candidates], hard: Sequence[Candidates],
    prose: Sequence[bool],
) -> list[LineDecision]:  # fmt: skip
    """Decide on the lines of a dump: every rule applies around its article, only hard rules inside it."""
    if any(prose):
        kept = [not found.takes_line for found in hard]
    else:
        kept = [decision.role == "body" for decision in _by_hard_rules(lines, folded, hard, prose)]
    inside = core(folded, kept, prose)
    open_to = supported(folded, candidates, inside, prose)
    acting = [candidates[i] if i in open_to else hard[i] for i in range(len(lines))]
    return _judge(lines, read_page(folded, acting, prose, open_to - {*inside}), is_careful=True)


def _read_by(reason: str, candidates: Candidates, line: str, folded: str) -> dict[str, str]:
    """Return the fields that a rule reads from a line that goes for this reason."""
    ready = next((ready for ready in candidates.lines if ready.rule.id == reason and ready.reads), None)
    return extracted(ready, line, folded) if ready else {}


def _from_the_edges(
    lines: Sequence[str],
    folded: Sequence[str],
    candidates: Sequence[Candidates],
    decisions: Sequence[LineDecision],
    evidence: Evidence,
    page: Edges,
) -> list[LineDecision]:
    """Drop lines with evidence from both edges inward, up to the first line without; never all that is left."""
    made = [*decisions]
    inward: tuple[tuple[Literal["head", "tail"], range], ...] = (
        ("head", range(len(folded))), ("tail", range(len(folded) - 1, -1, -1))
    )  # fmt: skip
    for side, order in inward:
        for i in order:
            if made[i].role == "body":
                reason = evidence.against(folded, page, candidates[i], i, side)
                if not reason:
                    break
                read = _read_by(reason, candidates[i], lines[i], folded[i])
                made[i] = LineDecision("drop", made[i].part, reason, read)
    return made if any(decision.role == "body" for decision in made) else [*decisions]


def _judge(lines: Sequence[str], page: PageLines, *, is_careful: bool = False) -> list[LineDecision]:
    """Decide on the lines from the top down; a careful walk keeps a line between links and a paragraph, a heading."""
    walk = _LineState(is_careful=is_careful)
    verdicts: list[LineDecision] = []
    cuts, told = page.cuts, page.paragraphs
    for i, (line, found) in enumerate(zip(lines, page.candidates, strict=True)):
        if found is NO_CANDIDATES and not walk.links and not walk.ending and i != walk.headline and i not in cuts:
            verdict = walk.plain
        else:
            verdict = _verdict(i, line, page, walk, verdicts)
        verdicts.append(verdict)
        if verdict.role == "body":
            walk.kept += len(line)
            walk.below_head = walk.below_head or told[i]
    return verdicts


def _verdict(i: int, line: str, page: PageLines, walk: _LineState, above: Sequence[LineDecision]) -> LineDecision:
    if i in page.cuts and not walk.ending:
        return _at_cut(i, page.cuts[i], page, walk, above)
    if i == walk.headline:
        return LineDecision("headline", walk.part, HEADLINE, {"title": line})
    item = page.items.get(i)
    in_links = bool(walk.links) and (item is not None if walk.only_items else not page.is_text(i))
    in_links = in_links and not (walk.is_careful and item is None and _is_heading(i, page))
    owner = 0 if walk.ending or in_links else walk.part
    ready = _line_rule(i, page, walk)
    if ready and not ready.rule.extract_only:
        read = extracted(ready, line, page.folded[i]) if ready.reads else None
        return LineDecision("drop", owner, ready.rule.id, read) if read else walk.dropped(owner, ready.rule.id)
    listed = item is not None and i in page.runs and page.may_drop(i, item) and _is_no_part_of_text(i, item, page, walk)
    if listed or walk.ending or in_links:
        return walk.dropped(owner, item.id if item else walk.ending or walk.links)
    walk.links = ""
    if ready:
        return LineDecision("body", walk.part, ready.rule.id, extracted(ready, line, page.folded[i]))
    return walk.plain


def _is_heading(i: int, page: PageLines) -> bool:
    """Return whether a line stands between links and a paragraph, and is itself no link of the page."""
    stands = i > 0 and i - 1 not in page.cuts and not page.ends_at(i + 1) and page.paragraphs[i + 1]
    return stands and not page.recurs(i)


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

    def unsaid(wanted: AbstractSet[str]) -> AbstractSet[str]:
        walk.markers += 1
        if walk.markers <= FEW_MARKERS:
            told = [line for line, one in zip(page.folded, above, strict=False) if one.role == "body"]
            return {word for word in wanted if not any(word in line and word in words(line) for line in told)}
        for line in range(walk.read, i):
            if above[line].role == "body":
                walk.said |= words(page.folded[line])
        walk.read = i
        return wanted - walk.said

    if begins_article(page, i + 1, unsaid):
        walk.links = ""
        walk.parts += 1
        walk.part, walk.headline, walk.below_head = walk.parts, i + 1, False
        walk.plain = LineDecision("body", walk.part)
    return walk.dropped(0, cut.id)


def _is_marked_text(i: int, page: PageLines) -> bool:
    """Return whether a line is a heading in Markdown, or an item among items with the same bullet: the article's own."""
    three = page.folded[i - 1 : i + 2] if i else []
    among_items = len(three) == 3 and three[1][:1] in BULLETS and len({line[:1] for line in three}) == 1
    return among_items or page.folded[i].startswith(("# ", "## ", "### "))


def _line_rule(i: int, page: PageLines, walk: _LineState) -> CompiledRule[LineRule] | None:
    """Return the first line rule that matches a line at its position, or None; those for a part of a line come later."""
    below_head = walk.below_head
    if walk.is_careful and not walk.links and not walk.ending and _is_marked_text(i, page):
        return None
    for ready in page.candidates[i].whole:
        if ready.position == "any" or (page.tail[i] if ready.position == "tail" else not below_head):
            return ready
    return None
