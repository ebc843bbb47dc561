"""Raw offsets of spans in many texts, vectorised (same result as AlignedText.raw_span on each).

Offsets are code points, end exclusive.
"""

from typing import NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import counts, cuts, numbers
from builder.text.aligned import belongs_to_letter, unpack_edits
from builder.text.edits import Columns, raw_positions

Places = NDArray[np.int64]


def raw_spans(
    texts: pa.Array, raws: pa.Array, packed: pa.ListArray, spans: Places, starts: Places, ends: Places
) -> tuple[Places, Places]:
    """Return the raw starts and raw ends of the spans of many texts.

    `starts` and `ends` hold the spans of all texts in order, `spans` the number of spans of each text, and `packed`
    the edits of each text in the format of AlignedText.packed. Raises ValueError if a span is empty or out of bounds,
    or if edits do not fit their text and raw text.

    >>> starts, ends = raw_spans(pa.array(["قدما"]), pa.array(["قدماً"]), pa.array([[4, 1, 0]]), np.array([1]),
    ...                          np.array([3]), np.array([4]))
    >>> starts.tolist(), ends.tolist()
    ([3], [5])
    """
    sizes, raw_sizes = numbers(pc.utf8_length(texts)), numbers(pc.utf8_length(raws))
    if ((starts < 0) | (starts >= ends) | (ends > np.repeat(sizes, spans))).any():
        raise ValueError("a span is empty or outside its text")
    begins, raw_begins = cuts(sizes + 1)[:-1], cuts(raw_sizes + 1)[:-1]  # with one separator character after each
    edits = _edits(packed, sizes, raw_sizes, begins, raw_begins)
    if edits is None:
        _refuse(texts, raws, packed)
    shifts, raw_shifts = np.repeat(begins, spans), np.repeat(raw_begins, spans)
    first, last = starts + shifts, ends + shifts - 1
    raw_starts, raw_ends = raw_positions(edits, first)[0], raw_positions(edits, last)[1]
    _take_marks(edits, last, raw_ends, raws, raw_begins)
    return raw_starts - raw_shifts, raw_ends - raw_shifts


def _edits(
    packed: pa.ListArray, sizes: Places, raw_sizes: Places, begins: Places, raw_begins: Places
) -> Columns | None:
    """Unpack the edits of all texts, shifted to one concatenation; return None if those of a text are invalid."""
    lengths, flat = counts(packed), numbers(packed.flatten())
    if (lengths % 3).any() or (flat < 0).any():
        return None
    gaps, removed, put = flat.reshape(-1, 3).T
    text_cuts, raw_cuts, of_text = cuts(gaps + put), cuts(gaps + removed), cuts(lengths // 3)
    tails, raw_tails = sizes - np.diff(text_cuts[of_text]), raw_sizes - np.diff(raw_cuts[of_text])
    if (tails != raw_tails).any() or (tails < 0).any():
        return None
    end = text_cuts[1:] + np.repeat(begins - text_cuts[of_text[:-1]], lengths // 3)
    raw_end = raw_cuts[1:] + np.repeat(raw_begins - raw_cuts[of_text[:-1]], lengths // 3)
    columns: Columns = np.stack([raw_end - removed, raw_end, end - put, end])
    return columns


def _refuse(texts: pa.Array, raws: pa.Array, packed: pa.ListArray) -> NoReturn:
    """Raise the ValueError of the first text whose edits are invalid."""
    for text, raw, numbered in zip(texts.to_pylist(), raws.to_pylist(), packed.to_pylist(), strict=True):
        unpack_edits(text, raw, tuple(numbered))
    raise ValueError("edits do not fit their text")


def _take_marks(edits: Columns, last: Places, raw_ends: Columns, raws: pa.Array, raw_begins: Places) -> None:
    """Extend each raw span over the deleted marks and tatweel of its last letter, in place."""
    after = np.searchsorted(edits[2], last, "right")
    has_next = after < edits.shape[1]
    after = np.where(has_next, after, 0)
    if not edits.shape[1]:
        return
    followed = np.flatnonzero(has_next & (edits[0, after] == raw_ends)).tolist()
    pages = raws.to_pylist() if followed else []
    for at in followed:
        end, index = int(raw_ends[at]), int(after[at])
        owner = int(np.searchsorted(raw_begins, end - 1, "right")) - 1
        raw, begin = pages[owner], int(raw_begins[owner])
        while index < edits.shape[1] and edits[0, index] == end and edits[2, index] == edits[3, index]:
            while end < edits[1, index] and belongs_to_letter(raw[end - begin]):
                end += 1
            index += 1
        raw_ends[at] = end
