"""The judgement of a batch of pages: columns tell which of them may lose anything, and only these are read line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from builder.corpus.cleaning.boilerplate import decide
from builder.corpus.cleaning.columns.lines import Lines, Mask, split
from builder.corpus.cleaning.columns.shapes import Shapes, any_line, shapes_of
from builder.corpus.cleaning.counts import Counts
from builder.corpus.cleaning.decisions import PLAIN, LineDecision
from builder.corpus.cleaning.edges import LABEL, LONG
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.rules import NO_CANDIDATES, Candidates, Rules
from builder.corpus.cleaning.parts import without_parts
from builder.text.edits import Columns
from builder.text.joined import Numbers, Texts, folded_texts, joined
from builder.text.profiles import Profile


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What is known of each page beside its text."""

    ids: Sequence[str]
    sources: Sequence[str]
    titles: Sequence[str | None]
    authors: Sequence[str | None]
    origins: Sequence[str]
    counts: Sequence[Counts]
    """The counts that judge each page."""

    def of(self, rows: Numbers) -> "PageFacts":
        """Return the facts of some pages."""
        wanted = rows.tolist()
        columns = (self.ids, self.sources, self.titles, self.authors, self.origins, self.counts)
        return PageFacts(*([column[row] for row in wanted] for column in columns))


@dataclass(frozen=True, slots=True)
class Judged:
    """The decisions on the lines of the pages that lose something, and the keys of the counts that were found."""

    decisions: Mapping[int, Sequence[LineDecision]]
    evidence: Mapping[int, frozenset[int]]


def judge(pages: PageFacts, lines: Lines, folded: Texts, profile: Profile, rules: Rules) -> Judged:
    """Decide on the lines of pages, given these and the same lines folded."""
    cuts = lines.cuts.tolist()
    text = folded.decoded(0, len(folded.units))
    matches = matching(folded, text, cuts, pages.sources, rules)
    shapes = shapes_of(folded)
    asked = _asked(pages, lines, shapes, matches)
    known = _evidence(pages, np.flatnonzero(asked.lines | asked.parts).tolist(), profile)
    decisions: dict[int, Sequence[LineDecision]] = {}
    plain = split(lines.texts.decoded(0, len(lines.texts.units)), lines.texts.begins[lines.cuts])
    seen = split(text, folded.begins[lines.cuts])
    for page, evidence in known.items():
        first, last = cuts[page], cuts[page + 1]
        candidates = matches.of(first, last)
        mine = plain(page), seen(page)
        if asked.lines[page]:
            made = decide(*mine, candidates, evidence, shapes.told[first:last].tolist())
        else:
            made = without_parts(*mine, candidates, [PLAIN] * (last - first), evidence)
        if any(one is not PLAIN for one in made):
            decisions[page] = made
    return Judged(decisions, {page: frozenset(one.used) for page, one in known.items() if one.used})


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """The rules that match lines, by number."""

    kinds: Sequence[Candidates]
    codes: Numbers
    """The number of each line's rules in `kinds`; 0 is for lines that no rule matches."""

    def of(self, first: int, last: int) -> list[Candidates]:
        """Return the rules of some lines."""
        return [self.kinds[code] for code in self.codes[first:last].tolist()]


def matching(lines: Texts, text: str, cuts: Sequence[int], sources: Sequence[str], rules: Rules) -> Matches:
    """Return the rules that match lines, which are also given as `text`; each distinct line of a source is judged once.

    Page `i` has the lines from `cuts[i]` on.
    """
    begins = lines.begins.tolist()
    found = rules.shipped.automaton.find_joined(lines.units, text, lines.begins)
    for name, own in rules.own.items():
        mine = [
            line for page, source in enumerate(sources) if source == name for line in range(cuts[page], cuts[page + 1])
        ]
        here = own.find([text[begins[line] : begins[line + 1] - 1] for line in mine])
        for line, numbers in zip(mine, here, strict=True):
            found[line] = (*(len(rules.shipped.rules) + number for number in numbers), *found[line])
    some = [line for line, numbers in enumerate(found) if numbers]
    owner = np.searchsorted(cuts, some, "right") - 1
    named = [source if source in rules.own else "" for source in sources]
    judged: dict[str, dict[str, int]] = {name: {} for name in rules.tables}
    kinds = [NO_CANDIDATES]
    numbered = {id(NO_CANDIDATES): 0}  # by identity, since rules are slow to compare
    codes = np.zeros(len(lines), np.intp)
    made: list[int] = []
    for line, page in zip(some, owner.tolist(), strict=True):
        name, folded = named[page], text[begins[line] : begins[line + 1] - 1]
        code = judged[name].get(folded)
        if code is None:
            rules_of_line = rules.tables[name].matching(found[line], folded)
            code = judged[name][folded] = numbered.setdefault(id(rules_of_line), len(kinds))
            if code == len(kinds):
                kinds.append(rules_of_line)
        made.append(code)
    codes[some] = made
    return Matches(kinds, codes)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """The pages whose lines are judged, and those of which only parts of the first and the last line can go."""

    lines: Mask
    parts: Mask


def _asked(pages: PageFacts, lines: Lines, shapes: Shapes, matches: Matches) -> _Asked:
    """Return the pages on which a rule may act alone, or evidence may speak against the first or the last line.

    Batches of khabar 0.1 ask for no evidence: each rule that matches may act on their pages.
    """
    matched = matches.codes > 0
    acting = np.array([found.act_alone for found in matches.kinds])[matches.codes]
    has_lines = np.diff(lines.cuts) > 0
    first, last = lines.cuts[:-1][has_lines], lines.cuts[1:][has_lines] - 1
    asks = np.fromiter((counts.is_asked for counts in pages.counts), bool, len(pages.counts))
    named = np.fromiter(map(bool, pages.authors), bool, len(pages.authors))[has_lines]
    whole = any_line(lines.cuts, acting) | (any_line(lines.cuts, matched) & ~asks)
    parts = np.zeros(len(whole), bool)
    whole[has_lines] |= asks[has_lines] & _at_edges(shapes, first, last)
    parts[has_lines] = asks[has_lines] & (_at_begin(shapes, first, named) | shapes.is_open[last])
    return _Asked(whole, parts)


def _at_edges(shapes: Shapes, first: Columns, last: Columns) -> Mask:
    """Return whether a page's first or last line is no paragraph, or the last may have a label before a title."""
    labelled = shapes.is_labelled[last] & (shapes.lengths[last] <= 2 * LONG)
    return ~shapes.prose[first] | ~shapes.prose[last] | labelled


def _at_begin(shapes: Shapes, first: Columns, named: Mask) -> Mask:
    """Return whether a page's first line may begin with the author or a signature."""
    colon = shapes.colon[first]
    return (colon <= LABEL) & (named | (shapes.separator[first] < colon))


def _evidence(pages: PageFacts, asked: Sequence[int], profile: Profile) -> dict[int, Evidence]:
    """Return what is known of each page beside its text, with the record's title and author folded."""
    said = [*{text for texts in (pages.titles, pages.authors) for page in asked if (text := texts[page])}]
    texts = folded_texts(profile, joined(said))
    folded = {text: " ".join(texts.text(number).split()) for number, text in enumerate(said)}
    return {
        page: Evidence(
            pages.counts[page], pages.sources[page], folded.get(pages.titles[page] or "", ""),
            folded.get(pages.authors[page] or "", ""), pages.counts[page].is_asked,
        )
        for page in asked
    }  # fmt: skip
