"""Which of many patterns can be in a line, for many lines at once.

The patterns become one automaton over classes of letters. It finds every line that a pattern is in,
and a few more; `re` is then asked about the few that are left, and says what is true. Its states
are made as lines need them, as RE2 makes them (Cox, Regular Expression Matching in the Wild, 2010).
Does not know rules.
"""

from array import array
from collections.abc import Sequence
from hashlib import blake2b
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from builder.corpus.positions import ANY, BMP, LINE_BEGIN, LINE_END, Bits, Positions, UnreadableError, members, union

LONGEST = 260
"""Code points that are read of a line; a longer one may have any pattern that has not failed by then."""
FEW = 64
"""Lines; fewer are read one by one, more of them side by side."""
STATES = 50_000
"""Beyond so many states the automaton forgets them and begins anew."""
RECENT = 2_000
"""States of which is kept what may follow them: that is large, and soon told again."""
UNKNOWN = 0
"""The state of a line whose next state is not made yet."""
RARE, BEGIN, END, LAST = 0, 1, 2, 255
"""Symbols: of code points beyond the first plane, which may be any; of a line's begin and end; the last there may be."""


def _symbols(held: Positions) -> tuple[NDArray[np.uint8], list[Bits]]:
    """The symbol of each code point, and which positions take each symbol.

    Code points that no set tells apart have one symbol; where there are too many, the last share one that any set takes.
    """
    names = list(held.sets)
    told = np.packbits(np.array([held.sets[name] for name in names], bool).reshape(len(names), BMP), axis=0).T
    told = np.ascontiguousarray(told) if names else np.zeros((BMP, 1), np.uint8)
    kinds = told.view(np.dtype((np.void, told.shape[1]))).ravel()
    _, examples, symbols = np.unique(kinds, return_index=True, return_inverse=True)
    symbols = symbols + END + 1
    symbols[symbols > LAST] = RARE
    examples = examples[: LAST - END]
    sets = dict.fromkeys((*names, ANY, LINE_BEGIN, LINE_END), 0)
    for position, name in enumerate(held.takes):
        sets[name] |= 1 << position
    any_set = union(sets[name] for name in sets if name not in (LINE_BEGIN, LINE_END))
    takes = [any_set, sets[LINE_BEGIN], sets[LINE_END]]
    takes += [sets[ANY] | union(sets[name] for name in names if held.sets[name][one]) for one in examples.tolist()]
    return np.append(symbols, RARE).astype(np.uint8), takes


class Automaton:
    """Some patterns, and the states that lines have led to so far."""

    def __init__(self, patterns: Sequence[str], limits: Sequence[int] = ()) -> None:
        """`limits`: for each pattern, the code points of the longest line that matters."""
        held, always = Positions(), []
        for index, pattern in enumerate(patterns):
            try:
                held.add(index, pattern)
            except UnreadableError:
                always.append(index)
        self._for_long = {index for index in range(len(patterns)) if not limits or limits[index] > LONGEST}
        self._always = frozenset(always)
        self._held = held
        self._symbols, self._takes = _symbols(held)
        self._forget()

    def find(self, lines: Sequence[str]) -> list[tuple[int, ...]]:
        """For each line the patterns that may be in it, in their order; no line holds a line end.

        >>> Automaton(["^a+b", "c$", "[0-9]"]).find(["aab c", "caab", "4 c", ""])
        [(0, 1), (), (1, 2), ()]
        """
        lengths = np.fromiter(map(len, lines), np.intp, len(lines))
        long = set(np.flatnonzero(lengths > LONGEST).tolist())
        if long:
            lines = [line[:LONGEST] for line in lines]
            lengths = np.minimum(lengths, LONGEST)
        codes = np.frombuffer("\n".join(lines).encode("utf-32-le", "surrogatepass"), np.uint32)
        symbols = self._symbols.take(codes, mode="clip")
        starts = np.cumsum(lengths + 1) - lengths - 1
        states = self._side_by_side(symbols, starts, lengths) if len(lines) > FEW else np.zeros(len(lines), np.intp)
        found = [*map(self._found.__getitem__, states.tolist())]
        for index in long:
            found[index] = self._left(int(states[index]))
        for index in np.flatnonzero(states == UNKNOWN).tolist():
            start, end = int(starts[index]), int(starts[index] + lengths[index])
            state = self._alone(symbols[start:end].tobytes())
            found[index] = self._left(state) if index in long else self._found[state]
        return found

    def _left(self, state: int) -> tuple[int, ...]:
        """The patterns that may be in a long line whose beginning led to a state."""
        if state not in self._lefts:
            held = self._held
            begun = chain(self._positions[state], members(held.first & ~self._takes[BEGIN]))
            left = {held.owners[one] for one in begun}
            self._lefts[state] = tuple(sorted((left | self._always) & self._for_long))
        return self._lefts[state]

    def _side_by_side(
        self, symbols: NDArray[np.uint8], starts: NDArray[np.intp], lengths: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """The last state of each line, or UNKNOWN where a state on its way is not made yet."""
        order = np.argsort(-lengths, kind="stable")
        left = np.searchsorted(-lengths[order], -np.arange(int(lengths.max(initial=0))), side="left")
        places = starts[order]
        width = len(self._takes)
        steps = self._next.ravel()
        states = np.full(len(lengths), self._start * width, np.intp)
        for column, count in enumerate(left.tolist()):
            at = symbols.take(places[:count] + column)
            states[:count] = steps.take(states[:count] + at)
        last = np.empty_like(states)
        last[order] = states // width
        return last

    def _alone(self, symbols: bytes) -> int:
        """The last state of one line; makes the states on its way, having forgotten all where there are too many."""
        if len(self._numbers) > STATES:
            self._forget()
        width = len(self._takes)
        state = self._start
        steps = self._next.ravel().data
        for symbol in symbols:
            following = steps[state * width + symbol] // width
            if following == UNKNOWN:
                following = self._make(self._following(state) & self._takes[symbol])
                self._next[state, symbol] = following * width
                steps = self._next.ravel().data
            state = following
        return state

    def _forget(self) -> None:
        """Begin with two states: the unknown one and the begin of a line."""
        self._next: NDArray[np.int32] = np.zeros((256, len(self._takes)), np.int32)
        self._numbers = {b"": UNKNOWN}
        self._positions = [array("I")]
        self._after: dict[int, Bits] = {}
        self._found: list[tuple[int, ...]] = [()]
        self._lefts: dict[int, tuple[int, ...]] = {}
        self._start = self._make(self._held.first & self._takes[BEGIN])

    def _make(self, positions: Bits) -> int:
        """The number of a state; a new one for positions in which no line has been."""
        name = blake2b(positions.to_bytes(len(self._held.takes) // 8 + 1, "little"), digest_size=16).digest()
        if name in self._numbers:
            return self._numbers[name]
        state = self._numbers[name] = len(self._numbers)
        if state == len(self._next):
            self._next = np.concatenate([self._next, np.zeros_like(self._next)])
        self._positions.append(array("I", members(positions)))
        held = self._held
        last = (positions | self._following(state) & self._takes[END]) & held.last
        self._found.append(tuple(sorted({held.owners[one] for one in members(last)} | self._always)))
        return state

    def _following(self, state: int) -> Bits:
        """The positions that may follow those of a state; those of the states last asked about are kept."""
        if state not in self._after:
            if len(self._after) == RECENT:
                self._after.clear()
            self._after[state] = union(self._held.follow[one] for one in self._positions[state]) | self._held.first
        return self._after[state]
