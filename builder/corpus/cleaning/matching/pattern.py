"""The automaton of one pattern over symbols, which are classes of code points."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.matching.glushkov import (
    ANY,
    BMP,
    LINE_BEGIN,
    LINE_END,
    Bits,
    Letters,
    Positions,
    members,
    union,
)

RARE, BEGIN, END, LAST = 0, 1, 2, 255
"""Symbols: code points above U+FFFF, which every set may contain; begin of a line; end of a line; the highest symbol."""

Symbols = NDArray[np.uint8]


def _begins(sets: Iterable[Letters]) -> NDArray[np.intp]:
    """Return where stretches of code points begin that are in the same sets."""
    is_begin = np.zeros(BMP, bool)
    is_begin[0] = True
    for letters in sets:
        is_begin[1:] |= letters[1:] != letters[:-1]
    return np.flatnonzero(is_begin)


def symbols_by_set(taken: Sequence[frozenset[str]]) -> dict[str, list[int]]:
    """Return the symbols in each set, given the names of the sets that contain each symbol."""
    symbols: dict[str, list[int]] = {}
    for symbol, names in enumerate(taken):
        for name in names:
            symbols.setdefault(name, []).append(symbol)
    return symbols


def symbols_of(sets: Mapping[str, Letters]) -> tuple[Symbols, list[frozenset[str]]]:
    """Return the symbol of each code point, and the names of the sets that contain each symbol.

    Code points that are in the same sets share a symbol. If there are too many such
    classes, the last ones share RARE.
    """
    names = list(sets)
    begins = _begins(sets.values())
    memberships = np.packbits(np.array([*(letters[begins] for letters in sets.values()), begins >= 0]), axis=0).T
    kinds = np.ascontiguousarray(memberships).view(np.dtype((np.void, memberships.shape[1]))).ravel()
    _, examples, symbols = np.unique(kinds, return_index=True, return_inverse=True)
    examples, symbols = begins[examples], np.repeat(symbols, np.diff(np.append(begins, BMP)))
    symbols = symbols + END + 1
    symbols[symbols > LAST] = RARE
    taken = [frozenset((*names, ANY)), frozenset((LINE_BEGIN,)), frozenset((LINE_END,))]
    taken += [frozenset((ANY, *(n for n in names if sets[n][code]))) for code in examples[: LAST - END].tolist()]
    return np.append(symbols, RARE).astype(np.uint8), taken


class Pattern:
    """The automaton of one pattern; its states are sets of positions, as bit masks."""

    def __init__(self, held: Positions, symbols: Mapping[str, Sequence[int]]) -> None:
        """Make the automaton of positions; `symbols` are those in each set."""
        self._held = held
        by_name: dict[str, Bits] = {}
        for position, name in enumerate(held.takes):
            by_name[name] = by_name.get(name, 0) | 1 << position
        self._takes: list[Bits] = [0] * (max(map(max, symbols.values())) + 1)
        """The positions that take each symbol."""
        for name, bits in by_name.items():
            for symbol in symbols.get(name, ()):
                self._takes[symbol] |= bits
        self._anywhere = held.first & ~self._takes[BEGIN]
        self.begin = held.first & self._takes[BEGIN]

    def following(self, positions: Bits, symbol: int) -> Bits:
        """Return the positions after a symbol, or only the position behind the pattern once it has matched."""
        return self.taken(self.reach(positions), symbol)

    def reach(self, positions: Bits) -> Bits:
        """Return the positions that may follow some positions, whatever the symbol."""
        return union(self._held.follow[position] for position in members(positions)) | self._anywhere

    def taken(self, reach: Bits, symbol: int) -> Bits:
        """Return those of the positions `reach` that take a symbol, or only the one behind the pattern if it is one of them."""
        found = reach & self._takes[symbol]
        return self._held.rest if found & self._held.rest else found

    def is_alive_after(self, symbols: bytes) -> bool:
        """Return whether the pattern may match a line that begins with the symbols."""
        positions = self.begin
        for symbol in symbols:
            positions = self.following(positions, symbol)
        return not self.has_failed(positions)

    def has_failed(self, positions: Bits) -> bool:
        """Return whether the pattern can no longer match the line."""
        return not positions and not self._anywhere

    def is_found(self, positions: Bits) -> bool:
        """Return whether the pattern matches a line that ends here."""
        return bool((positions | self.following(positions, END)) & self._held.last)
