"""The spans of many records as numpy columns.

Offsets are code points, end exclusive.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.lists import counts, distinct, edges, owners
from builder.records import Span
from builder.release.tables.arrow import TextBytes, as_array, places_in

Places = NDArray[np.int64]


class InvalidSpan(Exception):
    """A span is outside its text or has an unknown label; builder.release.tables.faults names the spans."""


@dataclass(frozen=True, slots=True, eq=False)
class ColumnSpans(Sequence[Span]):
    """Spans that are made from columns one by one, where they are asked for."""

    starts: Places
    ends: Places
    labels: Places
    names: Sequence[str]

    def __len__(self) -> int:
        """Return the number of spans."""
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Span: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Span]: ...
    def __getitem__(self, index: int | slice) -> Span | Sequence[Span]:
        """Return one span, or a list of spans."""
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return Span(int(self.starts[index]), int(self.ends[index]), self.names[self.labels[index]])


@dataclass(frozen=True, slots=True, eq=False)
class Mentions:
    """The spans of many records, sorted within each record, as columns of offsets and label numbers.

    `counts` holds the number of spans of each record. An unknown label has the number -1.
    """

    counts: Places
    spans: Sequence[Span]
    starts: Places
    ends: Places
    labels: Places

    @property
    def owners(self) -> Places:
        """Return the index of the record of each span."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def misplaced(self, sizes: Places) -> NDArray[np.bool_]:
        """Return which spans are empty, outside their record's text, or have an unknown label.

        `sizes` holds the length of each record's text in code points.
        """
        size = np.repeat(sizes, self.counts)
        bad: NDArray[np.bool_] = (self.starts < 0) | (self.starts >= self.ends) | (self.ends > size) | (self.labels < 0)
        return bad

    def inside(self, sizes: Places) -> "Mentions":
        """Return self if every span is inside its record's text; raises InvalidSpan otherwise."""
        if self.misplaced(sizes).any():
            raise InvalidSpan
        return self

    def columns(self, texts: TextBytes, text: Places) -> dict[str, pa.Array]:
        """Return the fields of each span that every config has; `text` is the place of each record's text."""
        return {
            "start": as_array(self.starts.astype(np.int32)),
            "end": as_array(self.ends.astype(np.int32)),
            "label": as_array(self.labels),
            "text": texts.words(np.repeat(text, self.counts), self.starts, self.ends),
        }


def mentions(records: pa.Array, names: Sequence[str]) -> Mentions:
    """Return a column of lists of spans as sorted columns.

    >>> found = mentions(pa.array([[{"start": 4, "end": 8, "label": "ORG", "id": ""},
    ...                             {"start": 0, "end": 2, "label": "GPE", "id": ""}], []]), ["GPE", "ORG"])
    >>> found.counts.tolist(), found.starts.tolist(), found.labels.tolist()
    ([2, 0], [0, 4], [0, 1])
    """
    (starts, ends), label = edges(records), pc.struct_field(records.flatten(), "label")
    labels = places_in(label, pa.array(names, pa.string()))
    owner = owners(records)
    same = owner[1:] == owner[:-1]
    before = (starts[:-1] < starts[1:]) | ((starts[:-1] == starts[1:]) & (ends[:-1] < ends[1:]))
    if (same & ~before).any():
        order = np.lexsort((distinct(label).codes, ends, starts, owner))
        starts, ends, labels = starts[order], ends[order], labels[order]
    return Mentions(counts(records), ColumnSpans(starts, ends, labels, names), starts, ends, labels)


def confidences(spans: Mentions, records: pa.Array, names: Sequence[str]) -> pa.Array:
    """Return the confidence of each gold span, null if unknown; `records` is the column of confidences of the golds.

    Of two confidences of one span the last counts.
    """
    items = records.flatten()
    mine = np.flatnonzero(pc.starts_with(items.field("what"), "span:"))
    sure, owner = items.take(pa.array(mine)), owners(records)[mine]
    places = pc.split_pattern(sure.field("what"), ":").flatten()
    starts, ends = (np.asarray(places[at::3].cast(pa.int64())) for at in (1, 2))
    labels = places_in(sure.field("answer"), pa.array(names, pa.string()))
    found = _last_equal((spans.owners, spans.starts, spans.ends, spans.labels), (owner, starts, ends, labels))
    return sure.field("value").take(pa.array(found, mask=found < 0))


def _last_equal(wanted: Sequence[Places], among: Sequence[Places]) -> Places:
    """Return for each row of some columns the last row of others that equals it, -1 if none does."""
    size = len(wanted[0])
    keys = np.zeros(size + len(among[0]), np.int64)
    for column in map(np.concatenate, zip(wanted, among, strict=True)):
        _, ranks = np.unique(column, return_inverse=True)
        _, keys = np.unique(keys * (len(ranks) + 1) + ranks, return_inverse=True)
    rows = np.full(int(keys.max(initial=-1)) + 1, -1)
    rows[keys[size:]] = np.arange(len(among[0]))
    return rows[keys[:size]]
