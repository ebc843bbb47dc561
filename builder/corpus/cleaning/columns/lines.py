"""The lines of texts that are not blank, trimmed and with single spaces, as ranges of code units."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builder.text.edits import Columns
from builder.text.joined import LINE_END, Numbers, Texts
from builder.text.mapping.tables import Table
from builder.text.mapping.units import Units

SPACE = 32

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """The lines of texts, of which each text has a run."""

    texts: Texts
    """The lines themselves, each as a text."""
    cuts: Columns
    """The first line of each text (n + 1 values)."""
    begins: Columns
    """Where each line begins among the units of the texts, before it was trimmed."""
    below: Columns
    """Where the next line begins there, which is behind the line end."""
    surplus: Numbers
    """The units of the texts that are in no line: blank lines, and whitespace at ends of lines and behind other."""

    def places(self, line: int) -> Numbers:
        """Return where each unit of a line stands among the units of the texts; the last is its line end."""
        begin, below = int(self.begins[line]), int(self.below[line])
        low, high = np.searchsorted(self.surplus, [begin, below])
        places: Numbers = np.delete(np.arange(begin, below), self.surplus[low:high] - begin)
        return places


def split(whole: str, cuts: Columns) -> Callable[[int], list[str]]:
    """Return a function that returns the lines of a page, given all lines and where those of each page begin.

    Lines may be blank.
    """
    begins = cuts.tolist()

    def of(number: int) -> list[str]:
        begin, end = begins[number], begins[number + 1]
        return whole[begin : end - 1].split("\n") if begin < end else []

    return of


def lines_of(texts: Texts, table: Table) -> Lines:
    """Find the lines of texts that were mapped through a table.

    Where the table leaves other whitespace than spaces, a line without surplus at its ends and without two spaces side
    by side keeps it; any other line has single spaces for it.
    """
    units = texts.units
    is_end = units == LINE_END
    is_space = units == SPACE
    ends = np.flatnonzero(is_end)
    begins = np.concatenate([[0], ends[:-1] + 1])
    is_odd = leaves_whitespace(table)
    if is_odd:
        is_space = _whitespace(units.itemsize)[units] & ~is_end
    surplus = _surplus_spaces(is_space, is_end)
    if is_odd and surplus.size:
        touched = _touched(units, surplus, begins, ends)
        surplus = surplus[touched[np.searchsorted(ends, surplus)]]
        units = np.where(is_space & touched[np.searchsorted(ends, np.arange(len(units)))], SPACE, units).astype(
            units.dtype
        )
    lengths = ends - begins
    if surplus.size:
        lengths -= np.bincount(np.searchsorted(ends, surplus), minlength=len(ends))
    held = lengths > 0
    if not held.all():
        surplus = np.union1d(surplus, ends[~held])
        begins, ends, lengths = begins[held], ends[held], lengths[held]
    if surplus.size:
        keep = np.ones(len(units), bool)
        keep[surplus] = False
        units = units[keep]
    starts = np.concatenate([[0], np.cumsum(lengths + 1)]).astype(np.int32)
    cuts = np.searchsorted(begins, texts.begins).astype(np.int32)
    return Lines(Texts(units, starts), cuts, begins.astype(np.int32), (ends + 1).astype(np.int32), surplus)


def _surplus_spaces(is_space: Mask, is_end: Mask) -> Numbers:
    """Return the spaces at the begin and at the end of lines, and those behind another."""
    white = is_space | is_end
    pairs = np.flatnonzero(white[1:] & white[:-1])
    behind = pairs[is_space[pairs + 1]] + 1
    if is_space[:1].any():
        behind = np.concatenate([[0], behind])
    trailing = pairs[is_space[pairs] & is_end[pairs + 1]]
    if not behind.size:
        return trailing
    first = np.concatenate([[True], np.diff(behind) > 1])
    run = np.searchsorted(behind, trailing[np.isin(trailing, behind)], "right") - 1
    before = behind[first][np.cumsum(first)[run] - 1] - 1
    before = before[before >= 0]
    surplus: Numbers = np.unique(np.concatenate([behind, trailing, before[is_space[before]]]))
    return surplus


def _touched(units: Units, surplus: Numbers, begins: Numbers, ends: Numbers) -> Mask:
    """Return whether each line has surplus at its ends, or two spaces side by side."""
    touched = np.zeros(len(ends), bool)
    line = np.searchsorted(ends, surplus)
    doubled = (units[surplus] == SPACE) & (units[np.maximum(surplus - 1, 0)] == SPACE)
    touched[line[(surplus == begins[line]) | (surplus == ends[line] - 1) | doubled]] = True
    return touched


@cache
def leaves_whitespace(table: Table) -> bool:
    """Return whether a table leaves whitespace other than spaces and line ends, as a profile of one's own may."""
    others = np.flatnonzero(_whitespace(4))
    others = others[(others != SPACE) & (others != LINE_END)]
    put = {chr(code) for code in others[np.isin(others, table.put)].tolist()}
    return bool(put) or any(c.isspace() and c not in " \n" for rare in table.rare.values() for c in rare.becomes)


@cache
def _whitespace(width: int) -> Mask:
    """Return whether each code point is whitespace; Unicode has none outside the Basic Multilingual Plane."""
    found = np.zeros(0x10000 if width == 2 else sys.maxunicode + 1, bool)
    found[:0x10000] = [*map(str.isspace, map(chr, range(0x10000)))]
    return found
