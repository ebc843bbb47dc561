"""Literals that a pattern requires, and a multi-string search for them in many lines at once.

They serve patterns that may match anywhere in a line, because a literal is found without the state that such a pattern
would need. Literals are extracted as in RE2's prefilter (Cox, Regular Expression Matching with a Trigram Index, 2012)
and searched with an Aho-Corasick automaton (Aho and Corasick, Efficient string matching, 1975).
"""

import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from re import _constants as op  # type: ignore[attr-defined] # no other parser reads what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 300
"""Maximum number of alternative literals at one place of a pattern; longer combinations are split there."""

LONG = 6
"""Length in code points beyond which a longer literal is not preferred."""

MOST_NUMBERS = 63
"""Maximum number of patterns in one search: the bits of a signed 64-bit integer without the sign."""

LEAST = 3
"""Minimum length of a literal that is rare; a literal with no letter, digit or COMMON sign is rare at any length."""

COMMON = " .,،؛:؟!-–—/|()«»\"'"
"""Signs that occur in many lines."""

Pieces = frozenset[str]

EMPTY: Pieces = frozenset([""])


@dataclass(frozen=True, slots=True)
class _Requirement:
    """Literals of a part of a pattern: `exact` has all texts it can match, `needed` those of which one must occur."""

    exact: Pieces | None = None
    needed: Pieces = EMPTY


def required(pattern: str) -> Pieces:
    """Return literals of which every matching line contains at least one; the empty string if nothing is required.

    >>> sorted(required("^.{0,60}(?:محرر|كاتب)ه?$")), sorted(required("[0-9]+"))
    (['كاتب', 'محرر'], [''])
    """
    tree = parser.parse(pattern)
    said = _sequence(list(tree)) if not tree.state.flags & ~re.UNICODE else _Requirement()
    best = _better(said.needed, said.exact or EMPTY)
    return frozenset(piece for piece in best if not any(other != piece and other in piece for other in best))


def _better(one: Pieces, other: Pieces) -> Pieces:
    """Return the set that fewer lines match: the one with longer literals, then rarer ones, then fewer."""
    return max(one, other, key=lambda pieces: (min(*map(len, pieces), LONG), all(map(is_rare, pieces)), -len(pieces)))


def is_rare(piece: str) -> bool:
    """Return whether a literal is long or unusual enough that few lines contain it."""
    return len(piece) >= LEAST or (len(piece) > 0 and not any(letter.isalnum() or letter in COMMON for letter in piece))


def _sequence(tree: Sequence[tuple[Any, Any]]) -> _Requirement:
    """Return the requirement of a concatenation."""
    run, best, whole = EMPTY, EMPTY, True
    for kind, value in tree:
        said = _part(kind, value)
        if said.exact is not None and len(run) * len(said.exact) <= MOST:
            run = frozenset(before + after for before, after in product(run, said.exact))
            continue
        best = _better(_better(best, run), said.needed)
        run, whole = said.exact or EMPTY, False
    return _Requirement(run if whole else None, _better(best, run))


def _part(kind: Any, value: Any) -> _Requirement:
    """Return the requirement of one node of the parse tree."""
    if kind is op.LITERAL:
        return _Requirement(frozenset([chr(value)]))
    if kind is op.IN and all(item is op.LITERAL for item, _ in value):
        return _Requirement(frozenset(chr(letter) for _, letter in value))
    if kind is op.BRANCH:
        parts = [_sequence(list(branch)) for branch in value[1]]
        needed = frozenset().union(*(part.needed if part.exact is None else part.exact for part in parts))
        exact = (
            None if any(part.exact is None for part in parts) else frozenset().union(*(p.exact or () for p in parts))
        )
        return _Requirement(exact, EMPTY if "" in needed else needed)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return _repeated(*value)
    if (kind is op.SUBPATTERN and not value[1]) or kind is op.ATOMIC_GROUP:
        return _sequence(list(value[3] if kind is op.SUBPATTERN else value))
    return _Requirement(EMPTY) if kind in (op.AT, op.ASSERT, op.ASSERT_NOT) else _Requirement()


def _repeated(least: int, most: Any, tree: Any) -> _Requirement:
    """Return the requirement of a repetition."""
    said = _sequence(list(tree))
    if (least, most) == (0, 1) and said.exact is not None:
        return _Requirement(said.exact | EMPTY)
    if not least:
        return _Requirement()
    return _Requirement(None, said.needed if said.exact is None else said.exact)


class Literals:
    """An Aho-Corasick automaton for the literals of at most `MOST_NUMBERS` patterns."""

    def __init__(self, wanted: Mapping[int, Pieces], read: Callable[[str], bytes], width: int) -> None:
        """Build the automaton; `wanted` has the literals of each pattern, `read` gives their symbols of `width` kinds."""
        self.numbers = tuple(sorted(wanted)[:MOST_NUMBERS])
        self._anywhere = [_Search(wanted[number]) for number in self.numbers]
        children: list[dict[int, int]] = [{}]
        ends = [0]
        for bit, number in enumerate(self.numbers):
            for piece in wanted[number]:
                node = 0
                for symbol in read(piece):
                    node = children[node].setdefault(symbol, len(children))
                    if node == len(children):
                        children.append({})
                        ends.append(0)
                ends[node] |= 1 << bit
        steps = np.zeros((len(children), width), np.intp)
        behind = [0] * len(children)
        waiting = deque([0])
        while waiting:
            node = waiting.popleft()
            ends[node] |= ends[behind[node]]
            steps[node] = steps[behind[node]]
            for symbol, child in children[node].items():
                behind[child] = int(steps[node, symbol]) if node else 0
                steps[node, symbol] = child
                waiting.append(child)
        self._steps: NDArray[np.intp] = (steps * width).ravel()
        """The next node * width, for each node * width + symbol."""
        self._ends = np.repeat(np.array(ends, np.int64), width)
        """For each node * width, a bit mask of the patterns with a literal that ends at the node."""

    def side_by_side(self, columns: Sequence[NDArray[np.uint8]], lines: int) -> NDArray[np.int64]:
        """Return for each line a bit mask of the patterns with a literal in it; the lines are sorted, longest first."""
        nodes = np.zeros(lines, np.intp)
        found = np.zeros(lines, np.int64)
        for column in columns if self.numbers else ():
            count = len(column)
            nodes[:count] = self._steps.take(nodes[:count] + column)
            found[:count] |= self._ends.take(nodes[:count])
        return found

    def alone(self, symbols: bytes) -> int:
        """Return the bit mask of one line."""
        found, node, steps, ends = 0, 0, self._steps.data, self._ends.data
        for symbol in symbols:
            node = steps[node + symbol]
            found |= ends[node]
        return found

    def in_text(self, text: str, begins: NDArray[np.integer], wanted: int) -> NDArray[np.int64]:
        """Return for each of some joined lines the bit mask of the patterns, of those `wanted`, with a literal in it."""
        found = np.zeros(len(begins) - 1, np.int64)
        for bit, search in enumerate(self._anywhere):
            if wanted >> bit & 1:
                found[np.searchsorted(begins, [*search.places(text)], "right") - 1] |= 1 << bit
        return found


class _Search:
    """A search for any of several literals, which looks for what all of them begin with."""

    def __init__(self, pieces: Pieces) -> None:
        first, last = min(pieces), max(pieces)
        same = [one == other for one, other in zip(first, last, strict=False)]
        self._begin = first[: [*same, False].index(False)]
        self._match = re.compile("|".join(map(re.escape, sorted(pieces)))).match

    def places(self, text: str) -> Iterator[int]:
        """Yield where literals begin in a text."""
        at = text.find(self._begin)
        while 0 <= at < len(text):
            if self._match(text, at):
                yield at
            at = text.find(self._begin, at + 1)
