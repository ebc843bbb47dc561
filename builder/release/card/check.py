"""Comparison of a published card with its data: the card is rendered again and compared line by line.

Lines that a build wrote and prose, which may be edited after a release, are told apart by the template.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from builder.io.yaml import parse_yaml
from builder.records import Issue, KhabarError, Severity
from builder.release.card.metadata import CardHead
from builder.release.card.render import HEAD, PROSE, SLOT

CARD = "README.md"

FIX = "restore the card, or build a new version; do not edit its numbers by hand"

SHOWN = 80

TABLES = ("|", "#", "<")
"""Beginnings of lines that are no prose: rows of tables, headings and HTML."""

LEFT = re.compile(r"\{\{\s*(?:prose:.*?|(?P<fact>[a-z_]+))\s*\}\}|\[More Information Needed\]", re.IGNORECASE)


def differences(card: str, expected: str, template: str) -> list[Issue]:
    r"""Return an error for each changed line that a build wrote, and a warning for each other changed line.

    Both cards are complete; `template` separates prose from facts. Issues name lines and columns of `card`.

    >>> [i.message for i in differences("# News\n\n9 rows\n", "# News\n\n8 rows\n", "# News\n\n{{rows}}\n")]
    ['the card says «9 rows», and its rows give «8 rows»']
    """
    prose = {line for line in PROSE.sub(r"\2", HEAD.sub("", template)).splitlines() if not SLOT.search(line)}
    written = {line for _, part in PROSE.findall(template) for line in part.splitlines() if line.strip()} & prose
    actual, wanted = card.splitlines(), expected.splitlines()
    issues: list[Issue] = []
    matcher = SequenceMatcher(None, actual, wanted, autojunk=False)
    for kind, low, high, first, after in matcher.get_opcodes():
        if kind == "equal":
            continue
        in_prose = bool(written & {*_last(wanted[:first]), *_last(wanted[after:][::-1])})
        for number, (line, built) in enumerate(zip_longest(actual[low:high], wanted[first:after]), low):
            issues += _difference(number, line, built, prose, in_prose=in_prose)
    return issues


def _last(lines: Sequence[str]) -> list[str]:
    """Return the last line that is not empty, in a list, or an empty list."""
    return [line for line in lines if line.strip()][-1:]


def _difference(
    number: int, line: str | None, built: str | None, prose: set[str], *, in_prose: bool
) -> Iterator[Issue]:
    """Yield the issue of one line of the card, if there is one.

    `line` is None if the card lacks a line, `built` is None if the rebuilt card lacks it. A line may be added to prose
    that people wrote, unless it is a row of a table or a heading.
    """
    if built is None:
        if line and line.strip():
            kind: Severity = "warning" if in_prose and not line.lstrip().startswith(TABLES) else "error"
            yield _issue(kind, number, 1, f"this line does not come from the build: «{_cut(line)}»")
    elif built in prose or not built.strip():
        if line is not None and built.strip():
            yield _issue("warning", number, 1, "this prose was changed after the build")
    elif line is None:
        yield _issue("error", number, 1, f"a line that the build wrote is missing: «{_cut(built)}»")
    else:
        column = next((i for i, (a, b) in enumerate(zip_longest(line, built)) if a != b), 0)
        start = max(0, min(column - 20, len(line) - SHOWN)) if len(line) > SHOWN else 0
        message = f"the card says «{_cut(line[start:])}», and its rows give «{_cut(built[start:])}»"
        yield _issue("error", number, column + 1, message)


def faults(card: str, facts: Collection[str]) -> list[Issue]:
    """Return an error for each fault that no published card may have: a head the Hub rejects, or an unfilled slot."""
    issues: list[Issue] = []
    head = HEAD.match(card)
    try:
        parse_yaml("\n" + (head[1] if head else ""), CardHead, CARD)
    except KhabarError as refused:
        issues += refused.issues
    for number, line in enumerate(card.splitlines()):
        issues += [
            _issue("error", number, slot.start() + 1, f"this slot is not filled: {slot[0]}")
            for slot in LEFT.finditer(line)
            if slot["fact"] is None or slot["fact"] in facts
        ]
    return issues


def _issue(severity: Severity, line: int, column: int, message: str) -> Issue:
    return Issue(severity, "card", message, where=f"{CARD}:{line + 1}:{column}", fix=FIX if severity == "error" else "")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
