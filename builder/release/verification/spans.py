"""Spans, tokens and strings of many rows as numpy columns, read from Arrow.

Offsets are code points, end exclusive.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import counts, cuts, edges, joined_bytes, numbers, owners, ranges
from builder.release.tables.mentions import ColumnSpans, Mentions
from builder.text.token_batch import Tokens

Places = NDArray[np.int64]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CodePoints:
    """The code points of many strings, one after the other; string i has those from `begins[i]` to `begins[i + 1]`."""

    units: NDArray[np.uint32]
    begins: Places


def code_points(strings: pa.Array) -> CodePoints:
    """Return the code points of a column of strings; raises ValueError if they are not UTF-8."""
    filled = pc.fill_null(strings, "")
    units = np.frombuffer(joined_bytes(filled).decode().encode("utf-32-le"), np.uint32)
    return CodePoints(units, cuts(numbers(pc.utf8_length(filled))))


def differing_words(text: CodePoints, low: Places, high: Places, words: pa.Array) -> Flags:
    """Return which words are not the code points from `low` to `high` (exclusive) of the joined text."""
    said = code_points(words)
    sizes = np.diff(said.begins)
    wrong: Flags = (sizes != high - low) | (low < 0) | (high > len(text.units)) | (low >= high)
    right = np.flatnonzero(~wrong)
    there, here = ranges(low[right], sizes[right]), ranges(said.begins[:-1][right], sizes[right])
    unlike = np.repeat(right, sizes[right])[text.units[there] != said.units[here]]
    wrong[unlike] = True
    wrong |= np.asarray(pc.is_null(words))
    return wrong


def mentions_of(spans: pa.Array, names: Sequence[str]) -> Mentions:
    """Return a column of spans as Mentions, whose spans are made only where they are asked for."""
    starts, ends = edges(spans)
    labels = numbers(pc.struct_field(spans.flatten(), "label"))
    return Mentions(counts(spans), ColumnSpans(starts, ends, labels, names), starts, ends, labels)


def published_tokens(places: pa.Array, sizes: Places) -> Tokens:
    """Return a column of token offsets as the tokens of joined texts; `sizes` holds the length of each text."""
    begins = cuts(sizes + 1)
    starts, ends = edges(places)
    shifts = begins[:-1][owners(places)]
    return Tokens(starts + shifts, ends + shifts, np.zeros(len(starts), np.int64), b"", begins)


def unordered(places: pa.Array, sizes: Places) -> Flags:
    """Return the rows whose offsets are empty, outside of their text, overlap, or are not in order."""
    starts, ends = edges(places)
    owner = owners(places)
    wrong: Flags = (starts < 0) | (starts >= ends) | (ends > sizes[owner])
    wrong[1:] |= (owner[1:] == owner[:-1]) & (starts[1:] < ends[:-1])
    return _of_rows(owner, wrong, len(places))


def differing_lists(said: pa.Array, wanted_counts: Places, *columns: tuple[Places, Places]) -> Flags:
    """Return the rows whose lists are not the wanted ones.

    `said` gives the length of each list; each of the columns is the values of all lists, as said and as wanted.
    """
    lengths = counts(said)
    same: Flags = lengths == wanted_counts
    of_said, of_wanted = np.repeat(same, lengths), np.repeat(same, wanted_counts)
    owner = np.repeat(np.arange(len(said)), lengths)[of_said]
    wrong: Flags = ~same
    for left, right in columns:
        wrong |= _of_rows(owner, left[of_said] != right[of_wanted], len(said))
    return wrong


def _of_rows(owner: Places, wrong: Flags, size: int) -> Flags:
    """Return which rows own a wrong value."""
    found: Flags = np.bincount(owner[wrong], minlength=size) > 0
    return found


def rows_of(lists: pa.Array, wrong: Flags) -> Flags:
    """Return which rows of a list column own a wrong value."""
    return _of_rows(owners(lists), wrong, len(lists))
