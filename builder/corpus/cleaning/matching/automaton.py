"""A lazily built DFA that finds which of many patterns may match a line, for many lines at once.

Each pattern becomes an automaton over classes of code points. It accepts every line that the pattern matches, and a few
others; the caller confirms each candidate with `re`. All patterns run together as one automaton, whose states are made
when a line first needs them, as in RE2 (Cox, Regular Expression Matching in the Wild, 2010).
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.matching.glushkov import Bits, Letters, Positions, UnreadableError
from builder.corpus.cleaning.matching.literals import Literals, is_rare, required
from builder.corpus.cleaning.matching.pattern import Pattern, Symbols, symbols_by_set, symbols_of
from builder.text.mapping.tables import looked_up
from builder.text.mapping.units import Units

LONGEST = 260
"""Number of code points read of a line; a longer line may match every pattern that has not failed by then."""

FEW = 64
"""Number of lines; up to so many are read one by one, more of them in parallel, column by column."""

STATES = 32_000
"""Maximum number of states, which take about 25 MB; when there are more, the automaton discards them and starts again."""

TOGETHER = 8
"""Number of columns after which lines that nothing can match any more are left out."""

CLASSES = (40, 80, 120, 180, LONGEST)
"""Length classes, by the maximum length in code points; a pattern is searched in every class that its limit reaches."""

SHORTEST = (0, *(length + 1 for length in CLASSES))
"""Minimum length, in code points, of a line of each class."""

UNKNOWN = 0
"""The number of the state that is not made yet."""

FAILED = 0
"""The state of a single pattern that cannot match the line any more; it is false, others are true."""

NEUTRAL = "ظظظظ " * 6
"""A beginning of a line; a pattern that has not failed behind it is searched by its literals, if it requires any."""

Places = NDArray[np.intp]

R = TypeVar("R")


class _Made(dict[int, R]):
    """Values by number, made on first access."""

    def __init__(self, make: Callable[[int], R]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> R:
        self[number] = made = self._make(number)
        return made


def _counts(lengths: Places) -> list[int]:
    """Return how many lines reach each column; the lines are sorted, the longest first."""
    longer = np.searchsorted(-lengths, -np.arange(int(lengths.max(initial=0))), side="left")
    counts: list[int] = longer.tolist()
    return counts


class Automaton:
    """A prefilter of patterns: one automaton of all patterns, with the states that lines have needed so far."""

    def __init__(self, patterns: Sequence[str], limits: Sequence[int] = ()) -> None:
        """Compile the patterns; `limits` has for each the maximum length, in code points, of a line that it may match."""
        sets: dict[str, Letters] = {}
        held: dict[int, Positions] = {}
        for number, pattern in enumerate(patterns):
            try:
                held[number] = Positions(pattern, sets)
            except UnreadableError:
                continue
        self._symbols, taken = symbols_of(sets)
        self._width = len(taken)
        symbols = symbols_by_set(taken)
        made = {number: Pattern(positions, symbols) for number, positions in held.items()}
        unanchored = [number for number, pattern in made.items() if pattern.is_alive_after(self._read(NEUTRAL))]
        pieces = {number: required(patterns[number]) for number in unanchored}
        self._literals = Literals(
            {n: some for n, some in pieces.items() if all(map(is_rare, some))}, self._read, self._width
        )
        self._patterns = {number: made[number] for number in made if number not in self._literals.numbers}
        self._nears: dict[int, tuple[int, ...]] = {}
        self._always = set(range(len(patterns))) - held.keys()
        self._limits = limits or [sys.maxsize] * len(patterns)
        bits = [(1 << bit, self._limits[number]) for bit, number in enumerate(self._literals.numbers)]
        self._matter = np.array([sum(bit for bit, limit in bits if limit >= least) for least in SHORTEST], np.int64)
        """For each length class, a bit mask of the patterns searched by literals whose limit reaches the class."""
        self._of = [-1]
        """The pattern of each single-pattern state."""
        self._reach: list[Bits] = [0]
        """The positions that may follow each single-pattern state, whatever the symbol."""
        self._steps = [_Made(partial(self._step, symbol)) for symbol in range(self._width)]
        """For each symbol, the single-pattern state after each single-pattern state."""
        self._is_found = [False]
        self._singles: dict[tuple[int, Bits], int] = {}
        self._forget()

    def find(self, lines: Sequence[str]) -> list[tuple[int, ...]]:
        """Return the numbers of the patterns that may match, in ascending order, for each line; lines have no line end.

        >>> Automaton(["^a+b", "^c$", "[0-9]"]).find(["aab c", "c", "4 c", ""])
        [(0,), (1,), (2,), ()]
        """
        text = "".join([f"{line}\n" for line in lines])
        units = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        begins = np.fromiter(accumulate((len(line) + 1 for line in lines), initial=0), np.intp, len(lines) + 1)
        return self.find_joined(units, text, begins)

    def find_joined(self, units: Units, text: str, begins: NDArray[np.integer]) -> list[tuple[int, ...]]:
        """Return the same for joined lines, as code units and as text; each begins at one of `begins` (n + 1 values)."""
        whole: Places = np.diff(begins).astype(np.intp) - 1
        lengths = np.minimum(whole, LONGEST)
        classes, long = np.searchsorted(CLASSES, whole), np.flatnonzero(whole > LONGEST)
        symbols = self._seen(units)
        states, pieces = np.zeros(len(whole), np.intp), np.zeros(len(whole), np.int64)
        if len(whole) > FEW:
            order = np.argsort(-whole, kind="stable")
            starts: Places = begins[order].astype(np.intp)
            states[order] = self._side_by_side(symbols, starts, lengths[order], classes[order])
            starts, short = (
                starts[len(long) :],
                order[len(long) :],
            )  # a literal may be behind what is read of the others
            columns = [symbols.take(starts[:count] + i) for i, count in enumerate(_counts(lengths[short]))]
            pieces[short] = self._literals.side_by_side(columns, len(short))
        found = [*map(self._found.__getitem__, states.tolist())]
        for index in long.tolist():
            found[index] = self._left[states[index]]
        for index in np.flatnonzero(states == UNKNOWN).tolist():
            line = symbols[begins[index] : begins[index] + lengths[index]].tobytes()
            states[index] = state = self._alone(line, int(classes[index]))
            pieces[index] = pieces[index] or self._literals.alone(line)
            found[index] = (self._left if whole[index] > LONGEST else self._found)[state]
        pieces &= self._matter.take(classes)
        if long.size:
            pieces[long] = self._literals.in_text(text, begins, int(self._matter[-1]))[long]
        some = np.flatnonzero(pieces)
        for index, held in zip(some.tolist(), pieces[some].tolist(), strict=True):
            found[index] = tuple(sorted((*found[index], *self._near(held))))
        return found

    def _near(self, pieces: int) -> tuple[int, ...]:
        """Return the patterns of a bit mask of literals."""
        near = self._nears.get(pieces)
        if near is None:
            near = self._nears[pieces] = tuple([n for bit, n in enumerate(self._literals.numbers) if pieces >> bit & 1])
        return near

    def _read(self, text: str) -> bytes:
        """Return the symbols of a text."""
        return self._seen(np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)).tobytes()

    def _seen(self, units: Units) -> Symbols:
        """Return the symbol of each code unit."""
        return looked_up(self._symbols, units) if units.itemsize == 2 else self._symbols.take(units, mode="clip")

    def _side_by_side(self, symbols: Symbols, starts: Places, lengths: Places, classes: Places) -> Places:
        """Return the last state of each line, given its length class; UNKNOWN if there are too many states to go on.

        The lines are sorted, the longest first.
        """
        last: Places = np.array(self._starts).take(classes) * self._width
        rows: Places = np.arange(len(last))
        states, counts = last.copy(), _counts(lengths)
        column = 0
        while column < len(counts):
            if column % TOGETHER == 0:
                last[rows] = states
                alive = np.flatnonzero(states[: counts[column]] != self._dead * self._width)
                rows, states, starts, lengths = rows[alive], states[alive], starts[alive], lengths[alive]
                counts = _counts(lengths)
                if column >= len(counts):
                    break
            steps = states[: counts[column]] + symbols.take(starts[: counts[column]] + column)
            following = self._next.take(steps)
            if not following.all():
                self._make_missing(steps[following == UNKNOWN])
                following = self._next.take(steps)
            states[: counts[column]] = following
            column += 1
        last[rows] = states
        return last // self._width

    def _make_missing(self, steps: Places) -> None:
        """Make the states that follow some states, each given with a symbol, until there are more than STATES."""
        steps = np.unique(steps)
        following = [UNKNOWN] * len(steps)
        states, symbols = (part.tolist() for part in np.divmod(steps, self._width))
        for place, (state, symbol) in enumerate(zip(states, symbols, strict=True)):
            if state != UNKNOWN and len(self._states) <= STATES:
                following[place] = self._make(self._stepped(self._states[state], symbol))
        self._next.ravel()[steps] = np.array(following) * self._width

    def _alone(self, symbols: bytes, length: int) -> int:
        """Return the last state of one line of a length class, and make the missing states on the way.

        Discards all states first if there are more than STATES.
        """
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
        """Discard all states but the unknown one and the first state of each length class."""
        self._next: NDArray[np.int32] = np.zeros((256, self._width), np.int32)
        self._states: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._found = _Made(self._found_in)
        """The patterns that match a line which ends in a state."""
        self._left = _Made(self._left_in)
        """The patterns that have not failed in a state."""
        self._make((FAILED,))
        self._dead = self._make(())
        """The state of a line that no pattern can match any more."""
        self._next[self._dead] = self._dead * self._width
        self._starts = [self._make(self._begin(length)) for length in SHORTEST]
        """The first state of a line, for each length class."""

    def _begin(self, length: int) -> tuple[int, ...]:
        """Return the first state of a line of at least `length` code points, as single-pattern states."""
        patterns = self._patterns.items()
        begins = [(number, pattern.begin) for number, pattern in patterns if self._limits[number] >= length]
        return tuple([self._single(number, positions) for number, positions in begins])

    def _make(self, singles: tuple[int, ...]) -> int:
        """Return the number of the state that consists of the given single-pattern states; make it if it is new."""
        if singles in self._numbers:
            return self._numbers[singles]
        state = self._numbers[singles] = len(self._states)
        if state == len(self._next):
            self._next = np.concatenate([self._next, np.zeros_like(self._next)])
        self._states.append(singles)
        return state

    def _found_in(self, state: int) -> tuple[int, ...]:
        found = [self._of[single] for single in self._states[state] if self._is_found[single]]
        return tuple(sorted((*found, *self._always)))

    def _left_in(self, state: int) -> tuple[int, ...]:
        return tuple(sorted((*(self._of[single] for single in self._states[state]), *self._always)))

    def _stepped(self, singles: tuple[int, ...], symbol: int) -> tuple[int, ...]:
        """Return the single-pattern states after a symbol, without those that failed."""
        return tuple(filter(None, map(self._steps[symbol].__getitem__, singles)))

    def _step(self, symbol: int, single: int) -> int:
        """Compute the single-pattern state after a symbol."""
        number = self._of[single]
        return self._single(number, self._patterns[number].taken(self._reach[single], symbol))

    def _single(self, number: int, positions: Bits) -> int:
        """Return the number of the single-pattern state with the given positions; make it if it is new."""
        pattern = self._patterns[number]
        if pattern.has_failed(positions):
            return FAILED
        single = self._singles.setdefault((number, positions), len(self._of))
        if single == len(self._of):
            self._of.append(number)
            self._reach.append(pattern.reach(positions))
            self._is_found.append(pattern.is_found(positions))
        return single
