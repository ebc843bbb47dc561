"""Whether a published card says what its rows say: the same card is made again and compared line by line.

Pure. Prose may be mended by hand after a release, and is told apart from what a build wrote.
"""

import re
from collections.abc import Collection, Iterator
from difflib import SequenceMatcher
from itertools import zip_longest

from builder.io.yaml import parse_yaml
from builder.records import Issue, KhabarError, Severity
from builder.release.card.metadata import CardHead
from builder.release.card.render import HEAD, PROSE, SLOT

CARD = "README.md"

FIX = "restore the card, or build the next version: numbers are never mended by hand"

SHOWN = 80

LEFT = re.compile(r"\{\{\s*(?:prose:.*?|(?P<fact>[a-z_]+))\s*\}\}|\[More Information Needed\]", re.IGNORECASE)


def differences(card: str, expected: str, template: str) -> list[Issue]:
    r"""An error for each line that a build wrote and that says something else; a warning for other prose.

    Both cards are whole; `template` is what people wrote. Places are lines and columns of `card`.

    >>> [i.message for i in differences("# News\n\n9 rows\n", "# News\n\n8 rows\n", "# News\n\n{{rows}}\n")]
    ['the card says «9 rows», and its rows give «8 rows»']
    """
    prose = {line for line in PROSE.sub(r"\2", HEAD.sub("", template)).splitlines() if not SLOT.search(line)}
    said, wanted = card.splitlines(), expected.splitlines()
    issues: list[Issue] = []
    matcher = SequenceMatcher(None, said, wanted, autojunk=False)
    for kind, low, high, first, after in matcher.get_opcodes():
        if kind == "equal":
            continue
        for number, (mine, theirs) in enumerate(zip_longest(said[low:high], wanted[first:after]), low):
            issues += _difference(number, mine, theirs, prose)
    return issues


def _difference(number: int, mine: str | None, theirs: str | None, prose: set[str]) -> Iterator[Issue]:
    if theirs is None:
        if mine and mine.strip():
            yield _issue("warning", number, 1, f"this line is not of the build: «{_cut(mine)}»")
    elif theirs in prose or not theirs.strip():
        if mine is not None and theirs.strip():
            yield _issue("warning", number, 1, "this prose was changed after the build")
    elif mine is None:
        yield _issue("error", number, 1, f"a line of the build is missing: «{_cut(theirs)}»")
    else:
        column = next((i for i, (a, b) in enumerate(zip_longest(mine, theirs)) if a != b), 0)
        start = max(0, min(column - 20, len(mine) - SHOWN)) if len(mine) > SHOWN else 0
        message = f"the card says «{_cut(mine[start:])}», and its rows give «{_cut(theirs[start:])}»"
        yield _issue("error", number, column + 1, message)


def faults(card: str, facts: Collection[str]) -> list[Issue]:
    """What no published card may have: a head that the Hub does not take, a slot for prose or a fact that nobody filled."""
    issues: list[Issue] = []
    head = HEAD.match(card)
    try:
        parse_yaml("\n" + (head[1] if head else ""), CardHead, CARD)
    except KhabarError as refused:
        issues += refused.issues
    for number, line in enumerate(card.splitlines()):
        issues += [
            _issue("error", number, found.start() + 1, f"this slot is not filled: {found[0]}")
            for found in LEFT.finditer(line)
            if found["fact"] is None or found["fact"] in facts
        ]
    return issues


def _issue(severity: Severity, line: int, column: int, message: str) -> Issue:
    return Issue(severity, "card", message, where=f"{CARD}:{line + 1}:{column}", fix=FIX if severity == "error" else "")


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
