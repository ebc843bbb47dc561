"""What the judgement of folded lines looks at first, for all lines of a batch: lengths, ends, colons and separators."""

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.lines import SPACE, Lines, Mask
from builder.corpus.cleaning.edges import END_MARKS, LABEL, LONG
from builder.corpus.cleaning.page import BULLETS, STOPS
from builder.text.joined import Numbers, Texts

COLON, SEPARATOR, END, STOP, BULLET = 1, 2, 4, 8, 16
"""Kinds of signs, as bits."""

NOWHERE = sys.maxsize
"""The place of a sign in a line that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """The shapes of folded lines."""

    lengths: Numbers
    prose: Mask
    """Whether each line is surely a paragraph: no other is, but for some of 61 to 100 code points in quotes or brackets."""
    is_open: Mask
    """Whether each line ends in no mark."""
    is_labelled: Mask
    """Whether a line may have a label before its first colon."""
    colon: Numbers
    """Where the first colon of each line stands, or NOWHERE."""
    separator: Numbers
    """Where its first separator of fields stands, or NOWHERE."""


def shapes_of(lines: Texts) -> Shapes:
    """Return the shapes of lines; a line may be blank."""
    units, begins = lines.units, lines.begins[:-1]
    lengths = np.diff(lines.begins) - 1
    kinds = _kinds(units.itemsize)
    seen = kinds.take(units)
    first, last = seen.take(begins), np.where(lengths > 0, seen.take(lines.begins[1:] - 2, mode="clip"), 0)
    at = np.flatnonzero(seen & (COLON | SEPARATOR))
    line = np.searchsorted(lines.begins, at, "right") - 1
    is_colon = (seen[at] & COLON) > 0
    colon = _first(at[is_colon], line[is_colon], begins)
    spaced = units.take(np.where(colon < NOWHERE, begins + colon + 1, 0)) == SPACE
    stopped = (lengths > 60) & ((first & BULLET) == 0) & ((last & STOP) > 0)
    return Shapes(lengths, (lengths > LONG) | stopped, (last & END) == 0, (colon > 0) & (colon <= LABEL) & spaced,
                  colon, _first(at[~is_colon], line[~is_colon], begins))  # fmt: skip


def _first(at: Numbers, line: Numbers, begins: NDArray[np.int32]) -> Numbers:
    """Return the first of the places in each line, counted from the line's begin."""
    found = np.full(len(begins), NOWHERE)
    lines, firsts = np.unique(line, return_index=True)
    found[lines] = at[firsts] - begins[lines]
    return found


@cache
def _kinds(width: int) -> NDArray[np.uint8]:
    """Return the kinds of each code point."""
    kinds = np.zeros(0x10000 if width == 2 else sys.maxunicode + 1, np.uint8)
    for bit, signs in ((COLON, ":"), (SEPARATOR, "–—|/\\-"), (END, END_MARKS), (STOP, STOPS), (BULLET, BULLETS)):
        kinds[[*map(ord, signs)]] |= bit
    return kinds


def shows_more(lines: Lines, shapes: Shapes) -> Mask:
    """Return whether a text may show anything at its edges but itself, by its folded lines."""
    odd = (shapes.lengths <= LONG) | shapes.is_labelled | shapes.is_open
    odd |= shapes.separator < np.minimum(shapes.colon, LONG + 1)
    return any_line(lines.cuts, odd)


def any_line(cuts: NDArray[np.int32], mask: Mask) -> Mask:
    """Return whether any line of each text is in a mask."""
    found = np.zeros(len(cuts) - 1, bool)
    found[np.searchsorted(cuts, np.flatnonzero(mask), "right") - 1] = True
    return found
