"""Raw offsets of spans in many texts, vectorised (same result as AlignedText.raw_span on each).

Offsets are code points, end exclusive.
"""

from collections.abc import Sequence
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from builder.text.aligned import belongs_to_letter, unpack_edits
from builder.text.edits import Columns, raw_positions

Places = NDArray[np.int64]


def raw_spans(
    texts: Sequence[str], raws: Sequence[str], packed: Sequence[Sequence[int]], counts: Sequence[int],
    starts: Places, ends: Places,
) -> tuple[Places, Places]:  # fmt: skip
    """Return the raw starts and raw ends of the spans of many texts.

    `starts` and `ends` hold the spans of all texts in order, `counts` the number of spans of each text, and `packed`
    the edits of each text in the format of AlignedText.packed. Raises ValueError if a span is empty or out of bounds,
    or if edits do not fit their text and raw text.

    >>> starts, ends = raw_spans(["قدما"], ["قدماً"], [(4, 1, 0)], [1], np.array([3]), np.array([4]))
    >>> starts.tolist(), ends.tolist()
    ([3], [5])
    """
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    if ((starts < 0) | (starts >= ends) | (ends > np.repeat(sizes, counts))).any():
        raise ValueError("a span is empty or outside its text")
    begins, raw_begins = _begins(texts), _begins(raws)
    edits = _edits(texts, raws, packed, begins, raw_begins)
    shifts, raw_shifts = np.repeat(begins, counts), np.repeat(raw_begins, counts)
    first, last = starts + shifts, ends + shifts - 1
    raw_starts, raw_ends = raw_positions(edits, first)[0], raw_positions(edits, last)[1]
    _take_marks(edits, last, raw_ends, raws, raw_begins)
    return raw_starts - raw_shifts, raw_ends - raw_shifts


def _begins(texts: Sequence[str]) -> Places:
    """Return the start of each text in the concatenation of all, with one separator character after each."""
    return np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int64, len(texts) + 1)[:-1]


def _edits(
    texts: Sequence[str], raws: Sequence[str], packed: Sequence[Sequence[int]], begins: Places, raw_begins: Places
) -> Columns:
    """Unpack the edits of all texts, shifted to one concatenation."""
    numbers = np.fromiter(map(len, packed), np.int64, len(packed))
    flat = np.fromiter(chain.from_iterable(packed), np.int64, int(numbers.sum()))
    if (numbers % 3).any() or (flat < 0).any():
        _refuse(texts, raws, packed)
    counts = numbers // 3
    gaps, raw_lengths, lengths = flat.reshape(-1, 3).T
    text_cuts, raw_cuts = np.cumsum(np.append(0, gaps + lengths)), np.cumsum(np.append(0, gaps + raw_lengths))
    cuts = np.cumsum(np.append(0, counts))
    tails = np.fromiter(map(len, texts), np.int64, len(texts)) - np.diff(text_cuts[cuts])
    raw_tails = np.fromiter(map(len, raws), np.int64, len(raws)) - np.diff(raw_cuts[cuts])
    if (tails != raw_tails).any() or (tails < 0).any():
        _refuse(texts, raws, packed)
    end = text_cuts[1:] + np.repeat(begins - text_cuts[cuts[:-1]], counts)
    raw_end = raw_cuts[1:] + np.repeat(raw_begins - raw_cuts[cuts[:-1]], counts)
    columns: Columns = np.stack([raw_end - raw_lengths, raw_end, end - lengths, end])
    return columns


def _refuse(texts: Sequence[str], raws: Sequence[str], packed: Sequence[Sequence[int]]) -> None:
    """Raise the ValueError of the first text whose edits are invalid."""
    for text, raw, numbers in zip(texts, raws, packed, strict=True):
        unpack_edits(text, raw, numbers)


def _take_marks(edits: Columns, last: Places, raw_ends: Columns, raws: Sequence[str], raw_begins: Places) -> None:
    """Extend each raw span over the deleted marks and tatweel of its last letter, in place."""
    after = np.searchsorted(edits[2], last, "right")
    has_next = after < edits.shape[1]
    after = np.where(has_next, after, 0)
    if not edits.shape[1]:
        return
    for at in np.flatnonzero(has_next & (edits[0, after] == raw_ends)).tolist():
        end, index = int(raw_ends[at]), int(after[at])
        owner = int(np.searchsorted(raw_begins, end - 1, "right")) - 1
        raw, begin = raws[owner], int(raw_begins[owner])
        while index < edits.shape[1] and edits[0, index] == end and edits[2, index] == edits[3, index]:
            while end < edits[1, index] and belongs_to_letter(raw[end - begin]):
                end += 1
            index += 1
        raw_ends[at] = end
