"""The spans of many records as columns of numbers.

Offsets are code points, end exclusive. Does not tag tokens: that is builder.release.tables.iob2.
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


class Misplaced(Exception):
    """A span cannot be where it is said to be, or has an unknown label; which ones, builder.release.tables.inputs says."""


@dataclass(frozen=True, slots=True, eq=False)
class Mentions:
    """The spans of many records, sorted in each: how many each has, and of all their places and label numbers.

    A label that is not one of the schema has the number -1.
    """

    counts: Places
    spans: Sequence[Span]
    starts: Places
    ends: Places
    labels: Places

    @property
    def owners(self) -> Places:
        """Which record each span is of."""
        return np.repeat(np.arange(len(self.counts)), self.counts)

    def misplaced(self, sizes: Sequence[int]) -> NDArray[np.bool_]:
        """Which spans are empty, out of the text of so many code points of their record, or of an unknown label."""
        size = np.repeat(np.asarray(sizes, np.int64), self.counts)
        bad: NDArray[np.bool_] = (self.starts < 0) | (self.starts >= self.ends) | (self.ends > size) | (self.labels < 0)
        return bad

    def inside(self, texts: Sequence[str]) -> "Mentions":
        """These, where each of them can be in the text of its record; raises Misplaced where one cannot."""
        if self.misplaced(list(map(len, texts))).any():
            raise Misplaced
        return self

    def words(self, texts: Sequence[str]) -> pa.Array:
        """The characters of each span in the text of its record."""
        own = chain.from_iterable(map(repeat, texts, self.counts.tolist()))
        return strings(
            [text[start:end] for text, start, end in zip(own, self.starts.tolist(), self.ends.tolist(), strict=True)]
        )

    def columns(self, texts: Sequence[str]) -> dict[str, pa.Array | NDArray[np.int32] | Places]:
        """The fields of each span that every config has."""
        return {
            "start": self.starts.astype(np.int32),
            "end": self.ends.astype(np.int32),
            "label": self.labels,
            "text": self.words(texts),
        }


def mentions(records: Sequence[Sequence[Span]], labels: Sequence[str]) -> Mentions:
    """The spans of many records as columns.

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
    found = np.fromiter((numbers.get(name, -1) for name in map(LABEL, spans)), np.int64, len(spans))
    return Mentions(counts, spans, starts, ends, found)


def _places(spans: Sequence[Span]) -> tuple[Places, Places]:
    return (
        np.fromiter(map(START, spans), np.int64, len(spans)),
        np.fromiter(map(END, spans), np.int64, len(spans)),
    )


def raw_places(
    found: Mentions, articles: Sequence[Article], documents: Mapping[str, Document]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Where the spans of these articles stand in the raw pages."""
    starts, ends = raw_spans(
        [article.text for article in articles],
        [documents[article.document_id].raw for article in articles],
        [article.edits for article in articles],
        found.counts.tolist(), found.starts, found.ends,
    )  # fmt: skip
    return starts.astype(np.int32), ends.astype(np.int32)


def confidences(found: Mentions, golds: Sequence[Gold]) -> pa.Array:
    """How sure each span of the gold is, or null where that is not known."""
    values: list[float | None] = []
    cuts = np.append(0, np.cumsum(found.counts)).tolist()
    for gold, (low, high) in zip(golds, pairwise(cuts), strict=True):
        if not gold.confidence:
            values += [None] * (high - low)
            continue
        sure = {(one.what, one.answer): one.value for one in gold.confidence}
        values += [sure.get((f"span:{s.start}:{s.end}", s.label)) for s in found.spans[low:high]]
    return pa.array(values, pa.float64())
