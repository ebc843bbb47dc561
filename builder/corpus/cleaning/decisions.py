"""The decision on one line of a page, and what it reads or cuts."""

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Literal

from builder.corpus.cleaning.matching.rules import CompiledRule
from builder.schema.boilerplate import LineRule
from builder.text.profiles import profile

Role = Literal["body", "headline", "drop"]

HEADLINE = "embedded-headline"
"""The rule id of the line that becomes the title of an embedded article."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a line that is not article: a range of the folded line, end exclusive, and why."""

    start: int
    end: int
    reason: str


@dataclass(frozen=True, slots=True)
class LineDecision:
    """The decision on one line; `part` is the article it belongs to, 0 for the page's main article.

    A body line with a rule is kept, and the rule only extracts fields from it.
    """

    role: Role
    part: int
    rule: str = ""
    extracted: dict[str, str] = field(default_factory=dict)
    cut: tuple[Part, ...] = ()
    """Parts of a body line that are not article text, at its begin and at its end."""


PLAIN = LineDecision("body", 0)
"""The verdict on a line of the main article that no rule takes."""


def extracted(ready: CompiledRule[LineRule], line: str, folded: str) -> dict[str, str]:
    """Return the text of the pattern's named groups in the normalized line."""
    found = ready.search(folded)
    if found is None:
        return {}
    spans = {name: found.span(name) for name, value in found.groupdict().items() if value}
    return {
        name: line[line_offset(line, folded, start) : line_offset(line, folded, end)].strip()
        for name, (start, end) in spans.items()
    }


def line_offset(line: str, folded: str, position: int) -> int:
    """Return the offset in a normalized line of an offset in the folded line."""
    if len(line) == len(folded):
        return position
    fold = profile("search@1").fold
    return bisect_right(range(len(line) + 1), position, key=lambda end: len(fold(line[:end]))) - 1
