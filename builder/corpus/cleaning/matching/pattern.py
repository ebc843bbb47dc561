"""The automaton of one pattern over symbols, which are classes of code points."""

from collections.abc import Mapping, Sequence

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


def symbols_of(sets: Mapping[str, Letters]) -> tuple[Symbols, list[frozenset[str]]]:
    """Return the symbol of each code point, and the names of the sets that contain each symbol.

    Code points that are in the same sets share a symbol. If there are too many such
    classes, the last ones share RARE.
    """
    names = list(sets)
    memberships = np.packbits(np.array([*sets.values(), np.ones(BMP, bool)]), axis=0).T
    kinds = np.ascontiguousarray(memberships).view(np.dtype((np.void, memberships.shape[1]))).ravel()
    _, examples, symbols = np.unique(kinds, return_index=True, return_inverse=True)
    symbols = symbols + END + 1
    symbols[symbols > LAST] = RARE
    taken = [frozenset((*names, ANY)), frozenset((LINE_BEGIN,)), frozenset((LINE_END,))]
    taken += [frozenset((ANY, *(n for n in names if sets[n][code]))) for code in examples[: LAST - END].tolist()]
    return np.append(symbols, RARE).astype(np.uint8), taken


class Pattern:
    """The automaton of one pattern; its states are sets of positions, as bit masks."""

    def __init__(self, held: Positions, taken: Sequence[frozenset[str]]) -> None:
        self._held = held
        by_name: dict[str, Bits] = {}
        for position, name in enumerate(held.takes):
            by_name[name] = by_name.get(name, 0) | 1 << position
        self._takes = [union(bits for name, bits in by_name.items() if name in names) for names in taken]
        self._anywhere = held.first & ~self._takes[BEGIN]
        self.begin = held.first & self._takes[BEGIN]

    def following(self, positions: Bits, symbol: int) -> Bits:
        """Return the positions after a symbol, or only the position behind the pattern once it has matched."""
        found = (union(self._held.follow[position] for position in members(positions)) | self._anywhere) & self._takes[
            symbol
        ]
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
