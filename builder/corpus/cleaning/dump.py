"""Dumps: pages that hold more than their article, and which rules act on their lines."""

from collections.abc import Sequence
from itertools import groupby

from builder.corpus.cleaning.evidence import is_formula
from builder.corpus.cleaning.matching.rules import NO_CANDIDATES, Candidates

ABOVE, BELOW = 8, 3
"""Most lines above the first paragraph of a dump's article, and below its last, among which supporting rules act."""


def is_dump(candidates: Sequence[Candidates]) -> bool:
    """Return whether lines of two `furniture` rules stand on a page."""
    found: set[str] = set()
    for rules in candidates:
        if rules.furniture:
            found.update(rules.furniture)
            if len(found) > 1:
                return True
    return False


def core(folded: Sequence[str], kept: Sequence[bool], prose: Sequence[bool]) -> range:
    """Return the lines of a dump that hold its article: of the runs of lines that hard rules keep, those with paragraphs.

    Where no line is a paragraph, the article is the longest run: a poem, a table, or text that was broken to a width.
    """
    runs = [[i for i, _ in run] for keep, run in groupby(enumerate(kept), key=lambda pair: pair[1]) if keep]
    told = [run for run in runs if any(prose[i] for i in run)]
    if not told:
        told = [max(runs, key=lambda run: sum(len(folded[i]) for i in run))] if runs else [[]]
    return range(told[0][0], told[-1][-1] + 1) if told[0] else range(0)


def supported(
    folded: Sequence[str], candidates: Sequence[Candidates], inside: range, prose: Sequence[bool]
) -> set[int]:
    """Return the lines of a dump on which supporting rules may act, of those that any rule matches.

    Those are all lines around its article, and some in it: the lines above its first paragraph and below its last, if
    they are few (more are a list of the article), and a line alone between paragraphs. A formula is never among them,
    nor is any line of an article without paragraph.
    """
    told = [i for i in inside if prose[i]]
    found = [*range(inside.start), *range(inside.stop, len(folded))]
    if told:
        above, below = range(inside.start, told[0]), range(told[-1] + 1, inside.stop)
        found += [i for part, most in ((above, ABOVE), (below, BELOW)) if len(part) <= most for i in part]
        found += [i for i in range(told[0] + 1, told[-1]) if prose[i - 1] and prose[i + 1]]
    return {i for i in found if candidates[i] is not NO_CANDIDATES and not is_formula(folded[i])}
