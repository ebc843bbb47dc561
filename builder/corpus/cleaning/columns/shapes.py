"""What the judgement of folded lines looks at first, for all lines of a batch: lengths, ends, colons and separators."""

import sys
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from builder.corpus.cleaning.columns.lines import SPACE, Mask
from builder.corpus.cleaning.edges import END_MARKS, LABEL, LONG
from builder.corpus.cleaning.page import BULLETS, CLOSERS, PARAGRAPH, SENTENCE, STOPS, paragraphs
from builder.io.lists import ranges
from builder.text.joined import Numbers, Texts

SEPARATOR, END, STOP, BULLET, CLOSER = 1, 2, 4, 8, 16
"""Kinds of signs, as bits."""

COLON = ord(":")

NOWHERE = sys.maxsize
"""The place of a sign in a line that has none."""


@dataclass(frozen=True, slots=True, eq=False)
class Shapes:
    """The shapes of folded lines."""

    lengths: Numbers
    told: Mask
    """Whether each line is a paragraph, as `page.paragraphs` has it."""
    prose: Mask
    """Whether it is one as `edges.edges` has it, which takes each long line for one."""
    is_open: Mask
    """Whether each line ends in no mark."""
    is_labelled: Mask
    """Whether a line may have a label before its first colon."""
    colon: Numbers
    """Where the first colon of each line stands, or NOWHERE."""
    separator: Numbers
    """Where the first separator of fields stands above a colon that may end a label, or NOWHERE."""


def shapes_of(lines: Texts) -> Shapes:
    """Return the shapes of lines; a line may be blank."""
    units, begins = lines.units, lines.begins[:-1]
    lengths = np.diff(lines.begins) - 1
    kinds = _kinds(units.itemsize)
    first = kinds.take(units.take(begins))
    last = np.where(lengths > 0, kinds.take(units.take(lines.begins[1:] - 2, mode="clip")), 0)
    at = np.flatnonzero(units == COLON)
    colon = _first(at, np.searchsorted(lines.begins, at, "right") - 1, begins)
    spaced = units.take(np.where(colon < NOWHERE, begins + colon + 1, 0)) == SPACE
    is_text = (lengths > SENTENCE) & ((first & BULLET) == 0)
    told = is_text & ((lengths > PARAGRAPH) | ((last & STOP) > 0))
    for number in np.flatnonzero(is_text & ~told & ((last & CLOSER) > 0)).tolist():
        (told[number],) = paragraphs([lines.text(number)])
    return Shapes(lengths, told, told | (lengths > LONG), (last & END) == 0, (colon > 0) & (colon <= LABEL) & spaced,
                  colon, _separators(lines, colon, kinds))  # fmt: skip


def _separators(lines: Texts, colon: Numbers, kinds: NDArray[np.uint8]) -> Numbers:
    """Return where the first separator of fields stands in what may be a label."""
    line = np.flatnonzero(colon <= LABEL)
    begins, lengths = lines.begins[line], colon[line]
    owner = np.repeat(np.arange(len(line)), lengths)
    offset = ranges(np.zeros_like(lengths), lengths)
    is_separator = (kinds.take(lines.units.take(begins[owner] + offset)) & SEPARATOR) > 0
    found = np.full(len(colon), NOWHERE)
    owner, fresh = np.unique(owner[is_separator], return_index=True)
    found[line[owner]] = offset[is_separator][fresh]
    return found


def _first(at: Numbers, line: Numbers, begins: NDArray[np.int32]) -> Numbers:
    """Return the first of the places in each line, counted from the line's begin."""
    found = np.full(len(begins), NOWHERE)
    fresh = np.ones(len(line), bool)
    fresh[1:] = line[1:] != line[:-1]
    lines = line[fresh]
    found[lines] = at[fresh] - begins[lines]
    return found


@cache
def _kinds(width: int) -> NDArray[np.uint8]:
    """Return the kinds of each code point."""
    kinds = np.zeros(0x10000 if width == 2 else sys.maxunicode + 1, np.uint8)
    for bit, signs in (
        (SEPARATOR, "–—|/\\-"),
        (END, END_MARKS),
        (STOP, STOPS),
        (BULLET, BULLETS),
        (CLOSER, CLOSERS),
    ):
        kinds[[*map(ord, signs)]] |= bit
    return kinds


def any_line(cuts: NDArray[np.int32], mask: Mask) -> Mask:
    """Return whether any line of each text is in a mask."""
    found = np.zeros(len(cuts) - 1, bool)
    found[np.searchsorted(cuts, np.flatnonzero(mask), "right") - 1] = True
    return found
