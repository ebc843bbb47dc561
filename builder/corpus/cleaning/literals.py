"""Pieces of text without which a pattern cannot match, and where they are in many lines at once.

For patterns that may begin anywhere: such a piece is found without keeping in mind what stood before
it. The pieces are as of RE2's prefilter (Cox, Regular Expression Matching with a Trigram Index, 2012),
looked for as by Aho and Corasick (Efficient string matching, 1975). Does not know rules.
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from re import _constants as op  # type: ignore[attr-defined] # no other parser reads what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST = 300
"""Pieces of one place in a pattern; where there would be more, they are cut there."""

LONG = 6
"""Code points; a longer piece is no better."""

MOST_NUMBERS = 63
"""Bits of a machine word but for the sign."""

Pieces = frozenset[str]

EMPTY: Pieces = frozenset([""])


@dataclass(frozen=True, slots=True)
class _Said:
    """What a part of a pattern says of the text: all that it may be, or pieces of which one must be there."""

    exact: Pieces | None = None
    needed: Pieces = EMPTY


def required(pattern: str) -> Pieces:
    """Pieces of which one is in every line that a pattern is in; the empty one where nothing is required.

    >>> sorted(required("^.{0,60}(?:محرر|كاتب)ه?$")), sorted(required("[0-9]+"))
    (['كاتب', 'محرر'], [''])
    """
    tree = parser.parse(pattern)
    said = _sequence(list(tree)) if not tree.state.flags & ~re.UNICODE else _Said()
    best = _better(said.needed, said.exact or EMPTY)
    return frozenset(one for one in best if not any(other != one and other in one for other in best))


def _better(one: Pieces, other: Pieces) -> Pieces:
    """The pieces that fewer lines hold: long ones, then few of them."""
    return max(one, other, key=lambda pieces: (min(*map(len, pieces), LONG), -len(pieces)))


def _sequence(tree: Sequence[tuple[Any, Any]]) -> _Said:
    run, best, whole = EMPTY, EMPTY, True
    for kind, value in tree:
        said = _part(kind, value)
        if said.exact is not None and len(run) * len(said.exact) <= MOST:
            run = frozenset(before + after for before, after in product(run, said.exact))
            continue
        best = _better(_better(best, run), said.needed)
        run, whole = said.exact or EMPTY, False
    return _Said(run if whole else None, _better(best, run))


def _part(kind: Any, value: Any) -> _Said:
    if kind is op.LITERAL:
        return _Said(frozenset([chr(value)]))
    if kind is op.IN and all(one is op.LITERAL for one, _ in value):
        return _Said(frozenset(chr(letter) for _, letter in value))
    if kind is op.BRANCH:
        parts = [_sequence(list(one)) for one in value[1]]
        needed = frozenset().union(*(one.needed if one.exact is None else one.exact for one in parts))
        exact = None if any(one.exact is None for one in parts) else frozenset().union(*(p.exact or () for p in parts))
        return _Said(exact, EMPTY if "" in needed else needed)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return _repeated(*value)
    if (kind is op.SUBPATTERN and not value[1]) or kind is op.ATOMIC_GROUP:
        return _sequence(list(value[3] if kind is op.SUBPATTERN else value))
    return _Said(EMPTY) if kind in (op.AT, op.ASSERT, op.ASSERT_NOT) else _Said()


def _repeated(least: int, most: Any, tree: Any) -> _Said:
    said = _sequence(list(tree))
    if (least, most) == (0, 1) and said.exact is not None:
        return _Said(said.exact | EMPTY)
    if not least:
        return _Said()
    return _Said(None, said.needed if said.exact is None else said.exact)


class Literals:
    """Pieces of text, each with the numbers of those that look for it: at most `MOST_NUMBERS` of them."""

    def __init__(self, wanted: Mapping[int, Iterable[bytes]], width: int) -> None:
        """`wanted`: for each number its pieces, as symbols; there are so many symbols."""
        self.numbers = tuple(sorted(wanted)[:MOST_NUMBERS])
        children: list[dict[int, int]] = [{}]
        ends = [0]
        for bit, number in enumerate(self.numbers):
            for piece in wanted[number]:
                node = 0
                for symbol in piece:
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
        """From node * width + symbol to the next node * width."""
        self._ends = np.repeat(np.array(ends, np.int64), width)
        """For each node * width, which numbers have a piece that ends there, one bit for each."""

    def side_by_side(self, columns: Sequence[NDArray[np.uint8]], lines: int) -> NDArray[np.int64]:
        """Which numbers have a piece in each line, one bit for each; the lines stand in order, the longest first."""
        nodes = np.zeros(lines, np.intp)
        found = np.zeros(lines, np.int64)
        for column in columns if self.numbers else ():
            count = len(column)
            nodes[:count] = self._steps.take(nodes[:count] + column)
            found[:count] |= self._ends.take(nodes[:count])
        return found

    def alone(self, symbols: bytes) -> int:
        """The same for one line."""
        found, node, steps, ends = 0, 0, self._steps.data, self._ends.data
        for symbol in symbols:
            node = steps[node + symbol]
            found |= ends[node]
        return found
