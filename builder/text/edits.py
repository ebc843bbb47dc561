"""Edits as columns: where a text differs from its raw text, composed and packed in numpy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.records import Edit

Columns = NDArray[np.int32]
"""Edits as an array of four rows (raw_start, raw_end, start, end), one column per edit."""


@dataclass(frozen=True, slots=True, eq=False)
class Edits:
    """A sequence of sorted, disjoint Edits, stored as a 4 x n integer array."""

    columns: Columns

    @staticmethod
    def of(edits: Iterable[Edit]) -> "Edits":
        """Build Edits from Edit records, which must be sorted and disjoint.

        >>> list(Edits.of([Edit(4, 5, 4, 4)]))
        [Edit(raw_start=4, raw_end=5, start=4, end=4)]
        """
        rows = [(edit.raw_start, edit.raw_end, edit.start, edit.end) for edit in edits]
        return Edits(np.array(rows, np.int32).reshape(-1, 4).T)

    def __len__(self) -> int:
        return self.columns.shape[1]

    def __iter__(self) -> Iterator[Edit]:
        return (Edit(*column) for column in self.columns.T.tolist())

    def __getitem__(self, index: int) -> Edit:
        return Edit(*self.columns[:, index].tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Edits) and np.array_equal(self.columns, other.columns)

    def __hash__(self) -> int:
        return hash(self.columns.tobytes())

    def __repr__(self) -> str:
        return f"Edits({list(self)})"


NO_EDITS = Edits.of([])


def pack(columns: Columns) -> NDArray[np.int32]:
    """Return edits in the format of AlignedText.packed, as one flat array."""
    raw_start, raw_end, start, end = columns
    gaps = raw_start - np.concatenate([np.zeros(1, np.int32), raw_end[:-1]])[: len(raw_start)]
    return np.stack([gaps, raw_end - raw_start, end - start]).T.ravel()


def cut_points(columns: Columns, positions: Columns) -> bool:
    """Return whether any of the positions lies inside an edit."""
    return bool(cut_by(columns, positions).any())


def cut_by(columns: Columns, positions: Columns) -> NDArray[np.bool_]:
    """Return whether each of the positions lies inside an edit."""
    if not columns.shape[1]:
        return np.zeros(len(positions), bool)
    index = np.searchsorted(columns[2], positions, "left") - 1
    inside: NDArray[np.bool_] = (index >= 0) & (positions < columns[3].take(index, mode="clip"))
    return inside


def compose(old: Columns, low: Columns, high: Columns, lengths: Columns) -> Columns:
    """Compose old edits with replacements of text[low:high] by strings of these lengths, as edits of the raw text.

    An old edit strictly inside a change, or of the characters it replaces, is absorbed by it.
    """
    if not low.size:
        return old
    shifts = np.concatenate([np.zeros(1, np.int32), np.cumsum(lengths - (high - low), dtype=np.int32)])
    start = low + shifts[:-1]
    new = np.stack([raw_positions(old, low)[0], raw_positions(old, high - 1)[1], start, start + lengths])
    before = np.searchsorted(low, old[3], "left") - 1
    kept = old[:, (before < 0) | (old[2] >= high[before])]
    shift = shifts[np.searchsorted(high, kept[2], "right")]
    edits = np.concatenate([np.stack([kept[0], kept[1], kept[2] + shift, kept[3] + shift]), new], axis=1)
    return join_columns(edits[:, np.argsort(edits[0])])


def raw_positions(old: Columns, positions: Columns) -> tuple[Columns, Columns]:
    """Return the raw start and raw end of each given character of the text."""
    if old.shape[1] == 0:
        return positions, positions + 1
    index = np.searchsorted(old[2], positions, "right") - 1
    raw_start, raw_end, _, end = old[:, index]
    past = positions - end
    first = index < 0
    raw = np.where(first, positions, past + raw_end)
    inside = ~first & (past < 0)
    return np.where(inside, raw_start, raw), np.where(inside, raw_end, raw + 1)


def join_columns(edits: Columns) -> Columns:
    """Merge adjacent deletions into one edit."""
    deletes = edits[2] == edits[3]
    apart = ~(deletes[1:] & deletes[:-1] & (edits[0, 1:] == edits[1, :-1]))
    if apart.all():
        return edits
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    return np.stack([edits[0, first], edits[1, last], edits[2, first], edits[3, first]])
