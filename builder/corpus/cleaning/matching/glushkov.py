"""Glushkov (position) automaton of a pattern: its letters as positions, and which position may follow which.

Source: Glushkov, The abstract theory of automata, 1961. The automaton matches at least what the pattern matches: it
ignores lookaround, and does not count repetitions beyond `MANY`.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from re import _constants as op  # type: ignore[attr-defined] # no other parser reads what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
from numpy.typing import NDArray

MANY = 4
"""Maximum number of repetitions that are counted; a higher minimum counts as MANY, a higher maximum as unbounded."""

LIMIT = 2000
"""Maximum number of letters of a pattern with its repetitions written out."""

BMP = 0x10000
"""The number of code points of the Basic Multilingual Plane."""

BEGINS = (op.AT_BEGINNING, op.AT_BEGINNING_STRING)

ENDS = (op.AT_END, op.AT_END_STRING)

ANY, LINE_BEGIN, LINE_END = "any", "^", "$"
"""Names of the sets that do not come from a pattern: any code point, begin of line, end of line."""

Bits = int
"""A set of positions, as a bit mask."""

Letters = NDArray[np.bool_]
"""A set of code points of the Basic Multilingual Plane, as an array of BMP booleans."""


class UnreadableError(ValueError):
    """The error for a pattern that the automaton does not support."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pattern: whether it matches the empty string, and its possible first and last positions."""

    empty: bool
    first: Bits
    last: Bits


NOTHING = _Part(True, 0, 0)


@cache
def categories() -> dict[Any, Letters]:
    r"""Return the code points of `\w`, `\d`, `\s` and of their complements."""
    letters = [*map(chr, range(BMP))]
    word, digit, space = (
        np.fromiter(map(belongs, letters), bool, BMP) for belongs in (str.isalnum, str.isdecimal, str.isspace)
    )
    word[ord("_")] = True
    return {
        op.CATEGORY_WORD: word,
        op.CATEGORY_NOT_WORD: ~word,
        op.CATEGORY_DIGIT: digit,
        op.CATEGORY_NOT_DIGIT: ~digit,
        op.CATEGORY_SPACE: space,
        op.CATEGORY_NOT_SPACE: ~space,
    }


def _letters(items: Sequence[tuple[Any, Any]]) -> Letters:
    """Return the code points of a set in the parse tree of `re`; raise UnreadableError for an unsupported item."""
    found, negated = np.zeros(BMP, bool), False
    for kind, value in items:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            found[value : value + 1] = True
        elif kind is op.RANGE:
            found[value[0] : value[1] + 1] = True
        elif kind is op.CATEGORY:
            found |= categories()[value]
        else:
            raise UnreadableError(str(kind))
    return ~found if negated else found


class Positions:
    """The Glushkov automaton of one pattern.

    `sets` collects the letter sets of many patterns by name. The constructor raises UnreadableError if the pattern is
    not supported.
    """

    def __init__(self, pattern: str, sets: dict[str, Letters]) -> None:
        self._sets = sets
        self.takes: list[str] = []
        """The name of the letter set of each position; `^` and `$` are the begin and the end of a line."""
        self.follow: list[Bits] = []
        """The positions that may follow each position."""
        tree = parser.parse(pattern)
        if tree.state.flags & ~re.UNICODE:
            raise UnreadableError("flags")
        whole = self._sequence(list(tree), opens=True, closes=True)
        if whole.empty:
            raise UnreadableError("empty")
        self.first = whole.first
        """The possible first positions of the pattern."""
        self.rest = 1 << self._position(ANY)
        """The position of any text behind the match."""
        self.last = whole.last | self.rest
        """The possible last positions of the pattern."""
        for position in members(self.last):
            self.follow[position] |= self.rest

    def _position(self, letters: str) -> int:
        self.takes.append(letters)
        self.follow.append(0)
        return len(self.takes) - 1

    def _letter(self, letters: str) -> _Part:
        if len(self.takes) >= LIMIT:
            raise UnreadableError("too many positions")
        bit = 1 << self._position(letters)
        return _Part(False, bit, bit)

    def _set(self, items: Sequence[tuple[Any, Any]]) -> _Part:
        return self._named(str(items), items)

    def _named(self, name: str, items: Sequence[tuple[Any, Any]]) -> _Part:
        if name not in self._sets:
            self._sets[name] = _letters(items)
        return self._letter(name)

    def _joined(self, one: _Part, other: _Part) -> _Part:
        for position in members(one.last):
            self.follow[position] |= other.first
        if one is NOTHING:
            return other
        return _Part(
            one.empty and other.empty,
            one.first | (other.first if one.empty else 0),
            other.last | (one.last if other.empty else 0),
        )

    def _sequence(self, tree: Sequence[tuple[Any, Any]], *, opens: bool, closes: bool) -> _Part:
        """Add a concatenation.

        `opens` and `closes` say whether it begins and ends the pattern; `^` and `$` are ignored elsewhere.
        """
        whole = NOTHING
        for index, (kind, value) in enumerate(tree):
            last = closes and index == len(tree) - 1
            whole = self._joined(whole, self._part(kind, value, opens=opens and index == 0, closes=last))
        return whole

    def _part(self, kind: Any, value: Any, *, opens: bool, closes: bool) -> _Part:
        if kind is op.LITERAL:
            return self._named(str(value), [(kind, value)])
        letters, tree = _items(kind, value), _group(kind, value)
        if tree is not None:
            return self._sequence(tree, opens=opens, closes=closes)
        if kind is op.BRANCH:
            parts = [self._sequence(list(branch), opens=opens, closes=closes) for branch in value[1]]
            first, last = union(part.first for part in parts), union(part.last for part in parts)
            return _Part(any(part.empty for part in parts), first, last)
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            return self._repeated(value)
        if letters or kind is op.ANY:
            return self._set(letters) if letters else self._letter(ANY)
        if kind not in (op.AT, op.ASSERT, op.ASSERT_NOT):
            raise UnreadableError(str(kind))
        edge = LINE_BEGIN if opens and value in BEGINS else LINE_END if closes and value in ENDS else None
        return self._letter(edge) if edge else NOTHING

    def _repeated(self, value: Any) -> _Part:
        least, most, tree = value

        def once() -> _Part:
            return self._sequence(list(tree), opens=False, closes=False)

        whole = NOTHING
        for _ in range(min(least, MANY) - 1):
            whole = self._joined(whole, once())
        if most is op.MAXREPEAT or most > MANY:
            more = once()
            self._joined(more, more)
            return self._joined(whole, _Part(more.empty or least == 0, more.first, more.last))
        if least:
            whole = self._joined(whole, once())
        rest = NOTHING
        for _ in range(most - least):
            one = once()
            rest = self._joined(one, rest)
            rest = _Part(True, rest.first, rest.last)
        return self._joined(whole, rest)


def _items(kind: Any, value: Any) -> list[tuple[Any, Any]]:
    """Return the letter set of a node of the parse tree that is no literal; an empty list if it is no letter."""
    if kind is op.NOT_LITERAL:
        return [(op.NEGATE, None), (op.LITERAL, value)]
    return list(value) if kind is op.IN else []


def _group(kind: Any, value: Any) -> list[tuple[Any, Any]] | None:
    if kind is op.ATOMIC_GROUP:
        return list(value)
    return list(value[3]) if kind is op.SUBPATTERN and not value[1] else None


def union(sets: Iterable[Bits]) -> Bits:
    """Return the union of sets of positions."""
    whole = 0
    for positions in sets:
        whole |= positions
    return whole


def members(positions: Bits) -> Iterator[int]:
    """Yield the positions of a set, lowest first."""
    while positions:
        least = positions & -positions
        yield least.bit_length() - 1
        positions ^= least
