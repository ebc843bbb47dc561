"""Tables that map single characters, compiled for lookups of whole texts at once."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.text.contexts import Stays, unsettled

T = TypeVar("T", bound=np.generic)

SEPARATOR = " "
"""Separator between joined texts. No rule looks past it, and no table may change it."""


SHORT = 8_000
"""Number of units below which numpy looks them up faster."""

DELETED, RARE = 0xFFFF, 0xFFFE
"""Noncharacters used as markers of deleted and rare characters. Every table deletes them from input."""


@dataclass(frozen=True, slots=True)
class Rare:
    """A character that is not mapped one to one.

    It maps to none or several characters, its mapping depends on its context (`stays`), or its text must be
    checked afterwards (`asks`).
    """

    becomes: str
    asks: bool
    stays: Stays | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A mapping of each code point to another, to itself, to GONE (deleted) or to RARE (resolved one by one)."""

    put: NDArray[np.uint32]
    narrow: NDArray[np.uint16]
    """The part of `put` for the Basic Multilingual Plane."""
    rare: Mapping[int, Rare]


def compile_table(changes: Mapping[str, str], stays: Mapping[str, Stays]) -> Table:
    """Compile a table from character replacements and from predicates for characters that stay in some contexts.

    Raises ValueError if the space, which separates joined texts, would change.
    """
    if SEPARATOR in changes:
        raise ValueError("a table may not change the space")
    put = np.arange(sys.maxunicode + 1, dtype=np.uint32)
    rare = {ord(character): Rare(character, asks=True) for character in unsettled()}
    for character, becomes in {**changes, chr(DELETED): ""}.items():
        asks = any(ord(c) in rare or c in stays for c in becomes)
        put[ord(character)] = ord(becomes) if len(becomes) == 1 else DELETED
        if asks or character in stays or len(becomes) > 1 or character in ("\r", chr(DELETED)):
            rare[ord(character)] = Rare(becomes, asks, stays.get(character))
        else:
            rare.pop(ord(character), None)
    put[list(rare)] = RARE
    return Table(put, put[: DELETED + 1].astype(np.uint16), rare)


def looked_up(values: NDArray[T], units: NDArray[np.unsignedinteger]) -> NDArray[T]:
    """Return the value of each code unit, from a table with one for each; equivalent to `values.take(units)`.

    >>> looked_up(np.array([False, True]), np.array([1, 0, 1], np.uint16)).tolist()
    [True, False, True]

    Arrow takes by indices of any width; numpy first makes indices of 64 bits of them, which takes longer than the lookup.
    A call of Arrow takes longer to begin.
    """
    if len(units) < SHORT:
        return values.take(units)
    plain = values.view(f"u{values.itemsize}")  # as Arrow packs booleans into bits
    taken = pc.take(pa.array(plain), pa.array(units))
    return np.frombuffer(taken.buffers()[1], values.dtype, len(taken))
