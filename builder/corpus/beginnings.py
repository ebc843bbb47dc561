"""How a line must begin so that a pattern can match it: what lets most rules pass a line by unread.

Told from the pattern's own parse, and always too many beginnings rather than too few: whatever is
not understood may begin in any way. Does not match anything.
"""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any

LENGTH = 4
"""Code points of a beginning, at most."""

Begun = tuple[str, bool]
"""What a line begins with, and whether the next item of the pattern adds to it."""

_SIGN = re.compile(r"[\W\d_]")
_LETTER = re.compile(r"[^\W\d_]")
_SIGNS = frozenset({"CATEGORY_NOT_WORD", "CATEGORY_DIGIT", "CATEGORY_SPACE"})
_NO_WIDTH = frozenset({"AT", "ASSERT", "ASSERT_NOT"})
_REPEATS = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})
_ANCHORS = frozenset({"AT_BEGINNING", "AT_BEGINNING_STRING"})
_parser = import_module("re._parser")


def beginnings(pattern: str, *, signs: bool) -> frozenset[str] | None:
    r"""With what a line that a pattern matches begins, in up to four code points; None is anything.

    Signs are what is neither letter nor mark of a word: punctuation, spaces, digits. With `signs`,
    of lines that begin with some, without these; else of lines that begin with a letter.

    >>> sorted(beginnings(r"^\W*(?:see|read) also$", signs=False))
    ['read', 'see ']
    >>> beginnings(r"also", signs=False) is None
    True
    """
    tree = _parser.parse(pattern)
    if tree.state.flags != re.UNICODE or not _anchored(tree):
        return None
    begun = {text for text, _ in _all(tree, {("", True)}, signs=signs)}
    return None if "" in begun else frozenset(begun)


def without_signs(line: str) -> str:
    """What follows a line's first signs, up to four code points.

    >>> without_signs("• 3. also")
    'also'
    """
    letter = _LETTER.search(line)
    return line[letter.start() : letter.start() + LENGTH] if letter else ""


def shortest(pattern: str) -> int:
    """How many code points a line has at least that a pattern matches.

    >>> shortest(r"^a.{40,}$")
    41
    """
    return int(_parser.parse(pattern).getwidth()[0])


def anchored(pattern: str) -> bool:
    """Whether a pattern can match at the beginning of a line only.

    >>> anchored("^a|^b"), anchored("^a|b")
    (True, False)
    """
    return _anchored(_parser.parse(pattern))


def _anchored(items: Iterable[Any]) -> bool:
    for op, value in items:
        match str(op):
            case "AT":
                return str(value) in _ANCHORS
            case "BRANCH":
                return all(_anchored(branch) for branch in value[1])
            case "SUBPATTERN":
                return _anchored(value[3])
            case _:
                return False
    return False


def _all(items: Iterable[Any], begun: set[Begun], *, signs: bool) -> set[Begun]:
    """What lines begin with once they went through some items, one after the other."""
    for op, value in items:
        begun = {
            after
            for text, grows in begun
            for after in (_one(str(op), value, text, signs=signs) if grows and len(text) < LENGTH else [(text, False)])
        }
    return begun


def _one(op: str, value: Any, text: str, *, signs: bool) -> Iterator[Begun]:
    """What a line that begins with `text` may begin with after one item."""
    if op == "LITERAL":
        yield from _literal(chr(value), text, signs=signs)
    elif op == "IN":
        for kind, member in value:
            yield from _member(str(kind), member, text, signs=signs)
    elif op == "BRANCH":
        for branch in value[1]:
            yield from _all(branch, {(text, True)}, signs=signs)
    elif op == "SUBPATTERN" and not value[1] and not value[2]:
        yield from _all(value[3], {(text, True)}, signs=signs)
    elif op in _REPEATS:
        least, most, items = value
        yield from _repeated(least, most, items, text, signs=signs)
    else:
        yield text, op in _NO_WIDTH


def _literal(character: str, text: str, *, signs: bool) -> Iterator[Begun]:
    if text or not _SIGN.match(character):
        yield text + character, True
    elif signs:
        yield text, True


def _member(kind: str, member: Any, text: str, *, signs: bool) -> Iterator[Begun]:
    if kind == "LITERAL":
        yield from _literal(chr(member), text, signs=signs)
    elif kind == "CATEGORY" and str(member) in _SIGNS and not text:
        if signs:
            yield text, True
    elif kind == "CATEGORY" and str(member) == "CATEGORY_SPACE":
        yield text + " ", True
    else:
        yield text, False


def _repeated(least: int, most: int, items: Iterable[Any], text: str, *, signs: bool) -> Iterator[Begun]:
    begun = {(text, True)}
    for times in range(min(most, least + LENGTH) + 1):
        if times >= least:
            yield from begun
        after = _all(items, begun, signs=signs)
        if after == begun:
            yield from begun
            return
        begun = after
