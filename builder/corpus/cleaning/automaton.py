"""Which of many patterns can be in a line, for many lines at once.

Each pattern becomes an automaton over classes of letters. It finds every line that the pattern is
in, and a few more; `re` is then asked about the few that are left, and says what is true. A line
goes through all of them at once: together they are in one state, which is made when a line first
needs it, as RE2 makes its states (Cox, Regular Expression Matching in the Wild, 2010).
Does not know rules.
"""

import sys
from array import array
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.glushkov import (
    ANY,
    BMP,
    LINE_BEGIN,
    LINE_END,
    Bits,
    Letters,
    Positions,
    UnreadableError,
    members,
    union,
)
from builder.corpus.cleaning.literals import Literals, required

LONGEST = 260
"""Code points that are read of a line; a longer one may have any pattern that has not failed by then."""

FEW = 64
"""Lines; fewer are read one by one, more of them side by side."""

STATES = 24_000
"""Beyond so many states the automaton forgets them and begins anew."""

CLASSES = (40, 80, 120, 180, LONGEST)
"""Code points; a line is looked at for the patterns that matter in the longest line of its class of length."""

SHORTEST = (0, *(length + 1 for length in CLASSES))
"""Code points of the shortest line of each class."""

UNKNOWN = 0
"""The state of a line whose next state is not made yet."""

FAILED, UNMADE = 0, -1
"""States of one pattern: it is not in the line any more; not known yet."""

RARE, BEGIN, END, LAST = 0, 1, 2, 255
"""Symbols: of code points beyond the first plane, which may be any; of a line's begin and end; the last there may be."""

LEAST = 3
"""Letters of a piece that not every line has; a sign that few lines have needs no more."""

COMMON = " .,،؛:؟!-–—/|()«»\"'"

NEUTRAL = "ظظظظ " * 6
"""A pattern that may still be in a line that begins so is looked for by its pieces, if it needs any."""

Symbols = NDArray[np.uint8]

Places = NDArray[np.intp]


def _symbols(sets: Mapping[str, Letters]) -> tuple[Symbols, list[frozenset[str]]]:
    """The symbol of each code point, and the names of the sets that take each symbol.

    Code points that no set tells apart have one symbol; where there are too many, the last share one that any set takes.
    """
    names = list(sets)
    told = np.packbits(np.array([*sets.values(), np.ones(BMP, bool)]), axis=0).T
    kinds = np.ascontiguousarray(told).view(np.dtype((np.void, told.shape[1]))).ravel()
    _, examples, symbols = np.unique(kinds, return_index=True, return_inverse=True)
    symbols = symbols + END + 1
    symbols[symbols > LAST] = RARE
    taken = [frozenset((*names, ANY)), frozenset((LINE_BEGIN,)), frozenset((LINE_END,))]
    taken += [frozenset((ANY, *(n for n in names if sets[n][one]))) for one in examples[: LAST - END].tolist()]
    return np.append(symbols, RARE).astype(np.uint8), taken


def _is_rare(piece: str) -> bool:
    return len(piece) >= LEAST or (len(piece) > 0 and not any(letter.isalnum() or letter in COMMON for letter in piece))


def _columns(symbols: Symbols, starts: Places, lengths: Places) -> list[Symbols]:
    """The first symbols of all lines, then the second ones; the lines stand in order, the longest first."""
    longer = np.searchsorted(-lengths, -np.arange(int(lengths.max(initial=0))), side="left")
    return [symbols.take(starts[:count] + column) for column, count in enumerate(longer.tolist())]


class _Pattern:
    """The automaton of one pattern: sets of its positions, told from one another by their numbers."""

    def __init__(self, held: Positions, taken: Sequence[frozenset[str]]) -> None:
        self._held = held
        by_name: dict[str, Bits] = {}
        for position, name in enumerate(held.takes):
            by_name[name] = by_name.get(name, 0) | 1 << position
        self._takes = [union(bits for name, bits in by_name.items() if name in names) for names in taken]
        self._anywhere = held.first & ~self._takes[BEGIN]
        self.begin = held.first & self._takes[BEGIN]

    def following(self, positions: Bits, symbol: int) -> Bits:
        """The positions after a symbol; what stands behind the pattern when it was found."""
        found = (union(self._held.follow[one] for one in members(positions)) | self._anywhere) & self._takes[symbol]
        return self._held.rest if found & self._held.rest else found

    def is_alive_after(self, symbols: bytes) -> bool:
        """Whether the pattern may still be in a line that begins so."""
        positions = self.begin
        for symbol in symbols:
            positions = self.following(positions, symbol)
        return not self.has_failed(positions)

    def has_failed(self, positions: Bits) -> bool:
        """Whether the pattern cannot be in the line any more."""
        return not positions and not self._anywhere

    def is_found(self, positions: Bits) -> bool:
        """Whether the pattern is in a line that ends here."""
        return bool((positions | self.following(positions, END)) & self._held.last)


class Automaton:
    """Some patterns, and the states that lines have led to so far."""

    def __init__(self, patterns: Sequence[str], limits: Sequence[int] = ()) -> None:
        """`limits`: for each pattern, the code points of the longest line that matters."""
        sets: dict[str, Letters] = {}
        held: dict[int, Positions] = {}
        for number, pattern in enumerate(patterns):
            try:
                held[number] = Positions(pattern, sets)
            except UnreadableError:
                continue
        self._symbols, taken = _symbols(sets)
        self._width = len(taken)
        made = {number: _Pattern(positions, taken) for number, positions in held.items()}
        wandering = [number for number, one in made.items() if one.is_alive_after(self._read(NEUTRAL))]
        pieces = {number: required(patterns[number]) for number in wandering}
        self._literals = Literals(
            {n: [self._read(one) for one in some] for n, some in pieces.items() if all(map(_is_rare, some))},
            self._width,
        )
        self._patterns = {number: one for number, one in made.items() if number not in self._literals.numbers}
        self._nears: dict[int, tuple[int, ...]] = {}
        self._always = set(range(len(patterns))) - held.keys()
        self._limits = limits or [sys.maxsize] * len(patterns)
        bits = [(1 << bit, self._limits[number]) for bit, number in enumerate(self._literals.numbers)]
        self._matter = np.array([sum(bit for bit, limit in bits if limit >= least) for least in SHORTEST], np.int64)
        """For each class of length, the patterns looked for by pieces that matter in some line of it, one bit for each."""
        self._of = [-1]
        """For each state of one pattern, the pattern."""
        self._positions: list[Bits] = [0]
        self._steps = [array("i", [FAILED]) * self._width]
        self._is_found = [False]
        self._singles: dict[tuple[int, Bits], int] = {}
        self._forget()

    def find(self, lines: Sequence[str]) -> list[tuple[int, ...]]:
        """For each line the patterns that may be in it, in their order; no line holds a line end.

        >>> Automaton(["^a+b", "^c$", "[0-9]"]).find(["aab c", "c", "4 c", ""])
        [(0,), (1,), (2,), ()]
        """
        whole = np.fromiter(map(len, lines), np.intp, len(lines))
        lengths = np.minimum(whole, LONGEST)
        long = set(np.flatnonzero(whole > LONGEST).tolist())
        symbols = self._read("\n".join([line[:LONGEST] for line in lines] if long else lines))
        ends = np.cumsum(lengths + 1) - 1
        classes = np.searchsorted(CLASSES, whole)
        states, pieces = np.zeros(len(lines), np.intp), np.zeros(len(lines), np.int64)
        if len(lines) > FEW:
            order = np.argsort(-lengths, kind="stable")
            columns = _columns(np.frombuffer(symbols, np.uint8), (ends - lengths)[order], lengths[order])
            states[order] = self._side_by_side(columns, np.array(self._starts).take(classes[order]))
            pieces[order] = self._literals.side_by_side(columns, len(lines))
        found = [*map(self._found.__getitem__, states.tolist())]
        for index in long:
            found[index] = self._left[states[index]]
        for index in np.flatnonzero(states == UNKNOWN).tolist():
            line = symbols[ends[index] - lengths[index] : ends[index]]
            states[index] = state = self._alone(line, int(classes[index]))
            pieces[index] = pieces[index] or self._literals.alone(line)
            found[index] = self._left[state] if index in long else self._found[state]
        pieces[whole > LONGEST] = -1
        pieces &= self._matter.take(classes)
        some = np.flatnonzero(pieces)
        for index, held in zip(some.tolist(), pieces[some].tolist(), strict=True):
            found[index] = tuple(sorted((*found[index], *self._near(held))))
        return found

    def _near(self, pieces: int) -> tuple[int, ...]:
        """The patterns that a line has pieces of."""
        near = self._nears.get(pieces)
        if near is None:
            near = self._nears[pieces] = tuple([n for bit, n in enumerate(self._literals.numbers) if pieces >> bit & 1])
        return near

    def _read(self, text: str) -> bytes:
        """The symbols of a text."""
        codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        return self._symbols.take(codes, mode="clip").tobytes()

    def _side_by_side(self, columns: Sequence[Symbols], states: Places) -> Places:
        """The last state of each line from its first, or UNKNOWN where one on its way is not made yet."""
        steps = self._next.ravel()
        states = states * self._width
        for column in columns:
            states[: len(column)] = steps.take(states[: len(column)] + column)
        return states // self._width

    def _alone(self, symbols: bytes, length: int) -> int:
        """The last state of one line of a class of length; makes the states on its way, having forgotten all where there are too many."""
        if len(self._states) > STATES:
            self._forget()
        state, width = self._starts[length], self._width
        steps = self._next.ravel().data
        for symbol in symbols:
            following = steps[state * width + symbol] // width
            if following == UNKNOWN:
                following = self._make(self._stepped(self._states[state], symbol))
                self._next[state, symbol] = following * width
                steps = self._next.ravel().data
            state = following
        return state

    def _forget(self) -> None:
        """Begin with two states of all patterns: the unknown one and the begin of a line."""
        self._next: NDArray[np.int32] = np.zeros((256, self._width), np.int32)
        self._states: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._found: list[tuple[int, ...]] = []
        self._left: list[tuple[int, ...]] = []
        self._make((FAILED,))
        self._starts = [self._make(self._begin(length)) for length in SHORTEST]
        """For each class of length, the state at the begin of a line."""

    def _begin(self, length: int) -> tuple[int, ...]:
        """The begin of a line of so many code points or more."""
        begins = [(number, one.begin) for number, one in self._patterns.items() if self._limits[number] >= length]
        return tuple([self._single(number, positions) for number, positions in begins])

    def _make(self, singles: tuple[int, ...]) -> int:
        """The number of a state of all patterns, of the states of those that have not failed."""
        if singles in self._numbers:
            return self._numbers[singles]
        state = self._numbers[singles] = len(self._states)
        if state == len(self._next):
            self._next = np.concatenate([self._next, np.zeros_like(self._next)])
        self._states.append(singles)
        found = [self._of[one] for one in singles if self._is_found[one]]
        self._found.append(tuple(sorted((*found, *self._always))))
        self._left.append(tuple(sorted((*(self._of[one] for one in singles), *self._always))))
        return state

    def _stepped(self, singles: tuple[int, ...], symbol: int) -> tuple[int, ...]:
        steps = self._steps
        stepped = [steps[one][symbol] for one in singles]
        if UNMADE in stepped:
            stepped = [self._step(one, symbol) for one in singles]
        return tuple([one for one in stepped if one != FAILED])

    def _step(self, single: int, symbol: int) -> int:
        """The state of one pattern after a symbol."""
        following = self._steps[single][symbol]
        if following == UNMADE:
            number = self._of[single]
            positions = self._patterns[number].following(self._positions[single], symbol)
            following = self._steps[single][symbol] = self._single(number, positions)
        return following

    def _single(self, number: int, positions: Bits) -> int:
        """The number of a state of one pattern."""
        pattern = self._patterns[number]
        if pattern.has_failed(positions):
            return FAILED
        single = self._singles.setdefault((number, positions), len(self._of))
        if single == len(self._of):
            self._of.append(number)
            self._positions.append(positions)
            self._steps.append(array("i", [UNMADE]) * self._width)
            self._is_found.append(pattern.is_found(positions))
        return single
