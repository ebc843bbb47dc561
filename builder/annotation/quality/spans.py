"""The canonical form of judgements' spans, as columns: whole words, each once, with known labels.

Offsets are code points of an article's text, end exclusive.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Bools, Coded, Ints, items, same_as_above
from builder.records import Article, Span
from builder.schema.labels import Labels
from builder.text.token_batch import canonical_edges

OUTSIDE, RETIRED_LABEL, UNKNOWN_LABEL = "out of bounds", "retired label", "unknown label"

EMPTY, TWICE = "nothing left", "same span twice"

SPAN_REASONS = ("", OUTSIDE, RETIRED_LABEL, UNKNOWN_LABEL, EMPTY, TWICE)

TOGETHER = 4_000_000
"""Code points of the texts that are tokenised at once."""


@dataclass(frozen=True, slots=True, eq=False)
class PlacedSpans:
    """The spans of judgements as drawn, sorted in each judgement, and their canonical edges.

    `row` is the judgement of each. `low` and `high` are the canonical edges, -1 where there are none.
    """

    row: Ints
    start: Ints
    end: Ints
    label: Coded
    ids: pa.Array
    low: Ints
    high: Ints
    reason: Ints
    """The place of the reason in SPAN_REASONS that a span does not count."""
    known: Bools
    """Whether labels.yaml has the label of each span, in use or retired."""

    def span(self, number: int) -> Span:
        """Return a span as drawn."""
        label = self.label.names[self.label.codes[number]]
        return Span(int(self.start[number]), int(self.end[number]), label, self.ids[number].as_py())

    @property
    def counting(self) -> Ints:
        """The numbers of the spans that count, sorted by judgement, canonical edges and label."""
        kept = np.flatnonzero(self.reason == 0)
        found: Ints = kept[_sorted(self.row[kept], self.low[kept], self.high[kept], self.label.codes[kept])]
        return found


def place_spans(table: pa.Table, place: Ints, articles: Sequence[Article], labels: Labels) -> PlacedSpans:
    """Return the spans of judgements on the present texts of articles; `place` is that of each judgement's article."""
    drawn = items(table, "spans")
    start, end, label, ids = (
        drawn.numbers("start"),
        drawn.numbers("end"),
        drawn.strings("label"),
        drawn.values.field("id"),
    )
    order: Ints = _sorted(drawn.row, start, end, label.codes)
    if same_as_above(*(column[order] for column in (drawn.row, start, end, label.codes))).any():
        order = np.asarray(np.lexsort((drawn.strings("id").codes, label.codes, end, start, drawn.row)))
    row, start, end = drawn.row[order], start[order], end[order]
    label, ids = Coded(label.names, label.codes[order]), ids.take(pa.array(order))
    sizes = np.array([len(article.text) for article in articles], np.int64)[place[row]]
    inside = np.flatnonzero((start >= 0) & (start < end) & (end <= sizes))
    low, high = np.full(len(row), -1), np.full(len(row), -1)
    for part in _parts(place[row[inside]], articles):
        rows = inside[part]
        used, text = np.unique(place[row[rows]], return_inverse=True)
        texts = [articles[number].text for number in used.tolist()]
        edges = canonical_edges(texts, text, start[rows], end[rows], whole_words=labels.clitics == "expand")
        low[rows], high[rows] = edges.starts, edges.ends
    retired = label.among(sorted(labels.retired_names)) >= 0
    known = retired | (label.among([*labels.entity_names]) >= 0)
    reason = np.full(len(row), SPAN_REASONS.index(OUTSIDE))
    reason[inside] = np.select(
        [retired[inside], ~known[inside], low[inside] < 0],
        [SPAN_REASONS.index(why) for why in (RETIRED_LABEL, UNKNOWN_LABEL, EMPTY)], 0,
    )  # fmt: skip
    reason[_repeated(row, low, high, label.codes, np.flatnonzero(reason == 0))] = SPAN_REASONS.index(TWICE)
    return PlacedSpans(row, start, end, label, ids, low, high, reason, known)


def _parts(place: Ints, articles: Sequence[Article]) -> Iterator[Ints]:
    """Yield the spans of some articles at a time, whose texts are tokenised together; `place` has that of each span."""
    used, text = np.unique(place, return_inverse=True)
    part = np.array([*accumulate(len(articles[number].text) for number in used.tolist())], np.int64) // TOGETHER
    of_span = part[text] if len(used) else np.zeros(0, np.int64)
    for number in np.unique(of_span).tolist():
        yield np.flatnonzero(of_span == number)


def _repeated(row: Ints, low: Ints, high: Ints, label: Ints, sound: Ints) -> Ints:
    """Return which of the sound spans have the judgement, canonical edges and label of an earlier one."""
    keys = [column[sound] for column in (row, low, high, label)]
    order = _sorted(*keys)
    return np.asarray(sound[order[same_as_above(*(key[order] for key in keys))]])


def _sorted(row: Ints, start: Ints, end: Ints, label: Ints) -> Ints:
    """Return the order by judgement, start, end and label; equal ones stay in their order."""
    keys = (row, start, end, label)
    lows = [int(key.min(initial=0)) for key in keys]
    sizes = [int(key.max(initial=0)) - low + 1 for key, low in zip(keys, lows, strict=True)]
    if np.prod(np.array(sizes, object)) >= 1 << 62:
        return np.asarray(np.lexsort(keys[::-1]))
    joined: Ints = np.zeros(len(row), np.int64)
    for key, low, size in zip(keys, lows, sizes, strict=True):
        joined = joined * size + (key - low)
    return np.asarray(np.argsort(joined, kind="stable"))
