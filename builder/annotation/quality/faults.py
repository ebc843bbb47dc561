"""The faults of judgements' answers, found over columns; an object is made only where a fault is stated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from builder.annotation.columns import Ints, overlapping, same_as_above
from builder.annotation.quality.answers import ANSWER_REASONS
from builder.annotation.quality.canonical import Answers
from builder.annotation.quality.rules import (
    Fault,
    crossing_fault,
    edges_fault,
    labels_fault,
    question_faults,
    span_faults,
    stance_faults,
)
from builder.annotation.quality.spans import SPAN_REASONS, PlacedSpans
from builder.annotation.quality.stances import STANCE_REASONS
from builder.records import Article
from builder.schema.labels import Labels

Found = tuple[int, Fault]
"""A judgement's row and one of its faults."""


def answer_faults(answers: Answers, articles: Sequence[Article], labels: Labels) -> Iterator[Found]:
    """Yield the faults of each judgement's answers: of spans, crossings, labels, edges, stances, then questions."""
    texts = [articles[number].text for number in answers.place.tolist()]
    spans, canonical = answers.spans, _canonical(answers.spans)
    yield from chain(
        _span_faults(spans, texts, labels),
        _crossings(canonical),
        _two_labels(canonical, texts, spans.label.names),
        _moved_edges(spans, labels),
        _stance_faults(answers, articles, labels),
        _question_faults(answers, labels),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _CanonicalSpans:
    """The spans that count: the row of the judgement of each, its edges, and the number of its label."""

    row: Ints
    low: Ints
    high: Ints
    label: Ints


def _canonical(spans: PlacedSpans) -> _CanonicalSpans:
    """Return the spans that count, by judgement and start, longest first."""
    kept = spans.counting
    row, low, high, label = spans.row[kept], spans.low[kept], spans.high[kept], spans.label.codes[kept]
    order = np.lexsort((label, -high, low, row))
    return _CanonicalSpans(row[order], low[order], high[order], label[order])


def _span_faults(spans: PlacedSpans, texts: Sequence[str], labels: Labels) -> Iterator[Found]:
    for number in np.flatnonzero((spans.reason > 0) | ~spans.known).tolist():
        row, why = int(spans.row[number]), SPAN_REASONS[spans.reason[number]]
        for fault in span_faults(spans.span(number), why, texts[row], labels):
            yield row, fault


def _crossings(canonical: _CanonicalSpans) -> Iterator[Found]:
    """Yield a warning for each span that begins inside another and ends after it: of several, the first that ends."""
    row, low, high = canonical.row, canonical.low, canonical.high
    pairs = [(one, other) for one, other in overlapping(row, low, high) if len(one)]
    if not pairs:
        return
    one, other = (np.concatenate(side) for side in zip(*pairs, strict=True))
    order = np.lexsort((low[one], high[one], other))
    one, other = one[order], other[order]
    first = ~same_as_above(other) & (high[one] < high[other])
    columns = (row[other[first]], low[other[first]], high[other[first]], low[one[first]], high[one[first]])
    for of, start, end, outer, border in zip(*(column.tolist() for column in columns), strict=True):
        yield of, crossing_fault((start, end), (outer, border))


def _two_labels(canonical: _CanonicalSpans, texts: Sequence[str], names: Sequence[str]) -> Iterator[Found]:
    """Yield a warning for each pair of edges that has several labels in a judgement."""
    label = canonical.label
    order = np.lexsort((label, canonical.high, canonical.low, canonical.row))
    keys = [column[order] for column in (canonical.row, canonical.low, canonical.high)]
    same = same_as_above(*keys)
    begins = np.flatnonzero(~same)
    ends = np.append(begins, len(same))[1:]
    for begin, end in zip(begins[ends - begins > 1].tolist(), ends[ends - begins > 1].tolist(), strict=True):
        of, start, stop = (int(key[begin]) for key in keys)
        found = [names[code] for code in label[order[begin:end]].tolist()]
        yield of, labels_fault((start, stop), texts[of][start:stop], found)


def _moved_edges(spans: PlacedSpans, labels: Labels) -> Iterator[Found]:
    """Yield a warning for each judgement with spans whose edges move."""
    moved = np.flatnonzero((spans.low >= 0) & ((spans.low != spans.start) | (spans.high != spans.end)))
    rows, begins, counts = np.unique(spans.row[moved], return_index=True, return_counts=True)
    drawn = np.bincount(spans.row)
    for row, begin, count in zip(rows.tolist(), begins.tolist(), counts.tolist(), strict=True):
        first = [(int(spans.start[number]), int(spans.end[number])) for number in moved[begin : begin + min(count, 5)]]
        yield row, edges_fault(first, count, int(drawn[row]), whole_words=labels.clitics == "expand")


def _stance_faults(answers: Answers, articles: Sequence[Article], labels: Labels) -> Iterator[Found]:
    stances = answers.stances
    faulty = np.union1d(np.flatnonzero(stances.missing), stances.row[stances.reason > 0])
    begins, ends = (np.searchsorted(stances.row, faulty, side) for side in ("left", "right"))
    for row, begin, end in zip(faulty.tolist(), begins.tolist(), ends.tolist(), strict=True):
        answered = [(stances.stance(number), STANCE_REASONS[stances.reason[number]]) for number in range(begin, end)]
        asked = answers.asked[articles[answers.place[row]].id]
        for fault in stance_faults(answered, asked, labels):
            yield row, fault


def _question_faults(answers: Answers, labels: Labels) -> Iterator[Found]:
    chosen = answers.chosen
    faulty = np.union1d(np.flatnonzero(chosen.missing), chosen.row[chosen.reason > 0])
    begins, ends = (np.searchsorted(chosen.row, faulty, side) for side in ("left", "right"))
    for row, begin, end in zip(faulty.tolist(), begins.tolist(), ends.tolist(), strict=True):
        answered = [(chosen.answer(number), ANSWER_REASONS[chosen.reason[number]]) for number in range(begin, end)]
        for fault in question_faults(answered, labels):
            yield row, fault
