"""One pass of a table over joined texts, as code units, with or without edits."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from builder.text.contexts import Around
from builder.text.edits import NO_EDITS, Columns, Edits
from builder.text.mapping.tables import DELETED, RARE, Table, looked_up

Positions = NDArray[np.intp]

Units = NDArray[Any]
"""Texts as UTF-16 or UTF-32 code units, one per code point."""

Texts = Sequence[str] | Mapping[int, str]
"""Single texts, by number."""


@dataclass(frozen=True, slots=True, eq=False)
class EditsByText:
    """The edits of many texts, with the first edit (`cuts`) and first new unit (`begins`) of each (n + 1 values)."""

    columns: Columns
    cuts: Columns
    begins: Columns

    def of(self, number: int) -> Edits:
        """Return the edits of one text."""
        return Edits(self.columns[:, self.cuts[number] : self.cuts[number + 1]])


@dataclass(frozen=True, slots=True, eq=False)
class MappedUnits:
    """Joined texts after one pass of a table, their edits, and the numbers of those that need context rules."""

    units: Units
    edits: EditsByText
    asking: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class SubstitutedUnits:
    """Joined texts after one pass of a table without edits, where each begins, and the numbers of unfinished ones."""

    units: Units
    begins: Columns
    unfinished: list[int]


@dataclass(frozen=True, slots=True)
class _Rares:
    """Positions of rare characters, their replacements, whether those are unchanged, and positions needing context."""

    at: list[int]
    becomes: list[str]
    same: list[bool]
    asks: list[int]


def map_units(table: Table, units: Units, begins: Columns, texts: Texts) -> MappedUnits:
    """Map joined texts, each with a unit behind it that no table changes."""
    new = _looked_up(table, units)
    at = np.flatnonzero(new != units)
    if not at.size:
        return MappedUnits(units, EditsByText(NO_EDITS.columns, np.zeros_like(begins), begins), [])
    put = new.take(at)
    length = (put != DELETED).view(np.int8)
    rare = _rare(table, texts, begins, at[put == RARE])
    if rare.at:
        indices = np.searchsorted(at, rare.at)
        length[indices] = [len(becomes) for becomes in rare.becomes]
        new[rare.at] = [ord(becomes[0]) if becomes else DELETED for becomes in rare.becomes]
        same = [index for index, is_same in zip(indices.tolist(), rare.same, strict=True) if is_same]
        at, length = np.delete(at, same), np.delete(length, same)
    asking = np.unique(np.searchsorted(begins, rare.asks, "right") - 1).tolist()
    return MappedUnits(_written(new, rare), _edits(at, length, begins), asking)


def substitute_units(table: Table, units: Units, begins: Columns, texts: Texts) -> SubstitutedUnits:
    """Map joined texts without edits; those that need context rules, or become longer, are unfinished."""
    new = _looked_up(table, units)
    unfinished: list[int] = []
    at = np.flatnonzero(new == RARE)
    if at.size:
        rare = _rare(table, texts, begins, at)
        new[rare.at] = [ord(becomes) if len(becomes) == 1 else DELETED for becomes in rare.becomes]
        long = [position for position, becomes in zip(rare.at, rare.becomes, strict=True) if len(becomes) > 1]
        unfinished = np.unique(np.searchsorted(begins, rare.asks + long, "right") - 1).tolist()
    deleted = np.flatnonzero(new == DELETED)
    if deleted.size:
        new, begins = new[new != DELETED], begins - np.searchsorted(deleted, begins).astype(np.int32)
    return SubstitutedUnits(new, begins, unfinished)


def _looked_up(table: Table, units: Units) -> Units:
    """Look units up, also the rare ones that cannot stay because of the character before them, or that surely stay."""
    new: Units = looked_up(table.narrow if units.itemsize == 2 else table.put, units)
    at = np.flatnonzero(new == RARE)
    for code in np.unique(units[at]).tolist() if at.size else ():
        rare = table.rare[code]
        if rare.stays and rare.stays.behind and not rare.becomes:
            places = at[units[at] == code]
            cannot = ~_members(rare.stays.behind).take(units[places - 1]) | (places == 0)
            new[places[cannot]] = DELETED
            if rare.stays.surely:
                new[places[_surely_stay(table, units, places, rare.stays.surely)]] = code
    return new


@cache
def _members(characters: str) -> NDArray[np.bool_]:
    """Return for each code point whether it is among these characters; looking it up is faster than a sort."""
    among = np.zeros(sys.maxunicode + 1, bool)
    among[[*map(ord, characters)]] = True
    return among


def _surely_stay(table: Table, units: Units, places: Positions, around: Around) -> NDArray[np.bool_]:
    """Return whether units stay because of the three around them, which the table leaves as they are."""
    stay = places > 0
    for distance, characters in ((-2, around.second), (-1, around.first), (1, around.following)):
        kept = [code for code in map(ord, characters) if table.put[code] == code]
        stay &= np.isin(units.take(places + distance, mode="clip"), kept) | (places + distance < 0)
    return stay


def _rare(table: Table, texts: Texts, begins: Columns, at: Positions) -> _Rares:
    """Resolve rare characters one by one, each in its context."""
    rares = _Rares([], [], [], [])
    index = np.searchsorted(begins, at, "right") - 1
    for joined_position, text, position in zip(
        at.tolist(), map(texts.__getitem__, index), (at - begins[index]).tolist(), strict=True
    ):
        character = text[position]
        rare = table.rare[ord(character)]
        becomes = rare.becomes
        if character == "\r" and text[position + 1 : position + 2] == "\n":
            becomes = ""  # CRLF is one line end, not two
        stays = rare.stays is not None and rare.stays.test(text, position)
        becomes = character if stays else becomes
        if stays or rare.asks:
            rares.asks.append(joined_position)
        rares.at.append(joined_position)
        rares.becomes.append(becomes)
        rares.same.append(becomes == character)
    return rares


def _written(new: Units, rare: _Rares) -> Units:
    """Insert the rest of replacements longer than one character, and remove deleted units."""
    tails = [
        (position + 1, ord(c)) for position, becomes in zip(rare.at, rare.becomes, strict=True) for c in becomes[1:]
    ]
    if tails:
        new = np.insert(new, [position for position, _ in tails], [unit for _, unit in tails])
    kept = new != DELETED
    # Boolean indexing is faster on long runs, np.compress on short ones.
    return new[kept] if 8 * np.count_nonzero(kept) > 7 * len(new) else np.compress(kept, new)


def _edits(at: Positions, length: NDArray[np.int8], begins: Columns) -> EditsByText:
    """Return the edits of single characters at these positions, grouped by text."""
    shifts = np.zeros(len(at) + 1, np.int32)
    np.cumsum(length - np.int8(1), dtype=np.int32, out=shifts[1:])
    new_begins = begins + shifts.take(np.searchsorted(at, begins))
    positions: Columns = at.astype(np.int32)
    before: Columns = shifts[:-1]
    raw_length: Columns = np.ones(len(positions), np.int32)
    deleted = length == 0
    joins = deleted[1:] & deleted[:-1] & (positions[1:] - positions[:-1] == 1)
    if joins.any():  # merge adjacent deletions into one edit
        first = np.flatnonzero(np.append(True, ~joins))
        raw_length = np.diff(np.append(first, len(positions))).astype(np.int32)
        positions, before, length = positions.take(first), before.take(first), length.take(first)
    cuts = np.searchsorted(positions, begins)
    counts = np.diff(cuts)
    edits = np.empty((4, len(positions)), np.int32)
    np.subtract(positions, np.repeat(begins[:-1], counts), out=edits[0])
    np.add(edits[0], raw_length, out=edits[1])
    np.subtract(positions + before, np.repeat(new_begins[:-1], counts), out=edits[2])
    np.add(edits[2], length, out=edits[3])
    return EditsByText(edits, cuts.astype(np.int32), new_begins)
