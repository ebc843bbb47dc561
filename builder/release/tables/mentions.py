"""The spans of many records as numpy columns.

Offsets are code points, end exclusive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, repeat
from operator import attrgetter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.records import Article, Document, Gold, Span
from builder.release.tables.arrow import strings
from builder.text.raw_spans import raw_spans

START, END, LABEL = attrgetter("start"), attrgetter("end"), attrgetter("label")

Places = NDArray[np.int64]


class InvalidSpan(Exception):
    """A span is outside its text or has an unknown label; builder.release.tables.inputs names the spans."""


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

    def misplaced(self, sizes: Sequence[int]) -> NDArray[np.bool_]:
        """Return which spans are empty, outside their record's text, or have an unknown label.

        `sizes` holds the length of each record's text in code points.
        """
        size = np.repeat(np.asarray(sizes, np.int64), self.counts)
        bad: NDArray[np.bool_] = (self.starts < 0) | (self.starts >= self.ends) | (self.ends > size) | (self.labels < 0)
        return bad

    def inside(self, texts: Sequence[str]) -> "Mentions":
        """Return self if every span is inside its record's text; raises Misplaced otherwise."""
        if self.misplaced(list(map(len, texts))).any():
            raise InvalidSpan
        return self

    def words(self, texts: Sequence[str]) -> pa.Array:
        """Return the characters of each span in its record's text."""
        text_of_span = chain.from_iterable(map(repeat, texts, self.counts.tolist()))
        return strings(
            [
                text[start:end]
                for text, start, end in zip(text_of_span, self.starts.tolist(), self.ends.tolist(), strict=True)
            ]
        )

    def columns(self, texts: Sequence[str]) -> dict[str, pa.Array | NDArray[np.int32] | Places]:
        """Return the fields of each span that every config has."""
        return {
            "start": self.starts.astype(np.int32),
            "end": self.ends.astype(np.int32),
            "label": self.labels,
            "text": self.words(texts),
        }


def mentions(records: Sequence[Sequence[Span]], labels: Sequence[str]) -> Mentions:
    """Convert the spans of many records to columns.

    >>> found = mentions([[Span(4, 8, "ORG"), Span(0, 2, "GPE")], []], ["GPE", "ORG"])
    >>> found.counts.tolist(), found.starts.tolist(), found.labels.tolist()
    ([2, 0], [0, 4], [0, 1])
    """
    numbers = {name: number for number, name in enumerate(labels)}
    counts = np.fromiter(map(len, records), np.int64, len(records))
    spans = list(chain.from_iterable(records))
    starts, ends = _places(spans)
    same = np.repeat(np.arange(len(records)), counts)
    before = (starts[:-1] < starts[1:]) | ((starts[:-1] == starts[1:]) & (ends[:-1] < ends[1:]))
    unsorted = np.unique(same[1:][~before & (same[:-1] == same[1:])]).tolist()
    if unsorted:
        cuts = np.append(0, np.cumsum(counts)).tolist()
        for record in unsorted:
            spans[cuts[record] : cuts[record + 1]] = sorted(spans[cuts[record] : cuts[record + 1]])
        starts, ends = _places(spans)
    label_numbers = np.fromiter(map(numbers.get, map(LABEL, spans), repeat(-1)), np.int64, len(spans))
    return Mentions(counts, spans, starts, ends, label_numbers)


def _places(spans: Sequence[Span]) -> tuple[Places, Places]:
    """Return the starts and the ends of spans."""
    return (
        np.fromiter(map(START, spans), np.int64, len(spans)),
        np.fromiter(map(END, spans), np.int64, len(spans)),
    )


def raw_offsets(
    spans: Mentions, articles: Sequence[Article], documents: Mapping[str, Document]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the start and end of each span in the raw page, in code points."""
    starts, ends = raw_spans(
        [article.text for article in articles],
        [documents[article.document_id].raw for article in articles],
        [article.edits for article in articles],
        spans.counts.tolist(), spans.starts, spans.ends,
    )  # fmt: skip
    return starts.astype(np.int32), ends.astype(np.int32)


def confidences(spans: Mentions, golds: Sequence[Gold]) -> pa.Array:
    """Return the confidence of each gold span, or null if unknown."""
    values: list[float | None] = []
    cuts = np.append(0, np.cumsum(spans.counts)).tolist()
    for gold, (low, high) in zip(golds, pairwise(cuts), strict=True):
        if not gold.confidence:
            values += [None] * (high - low)
            continue
        known = {(sure.what, sure.answer): sure.value for sure in gold.confidence}
        values += [known.get((f"span:{s.start}:{s.end}", s.label)) for s in spans.spans[low:high]]
    return pa.array(values, pa.float64())
