"""The votes on spans, counted over columns.

A question is a pair of edges in an article. Where annotators gave it one label, its count settles it; only questions
with several labels are put to `vote`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from builder.annotation.adjudication.voting import Ballot, method_of, needed, vote
from builder.annotation.columns import Bools, Coded, Ints, coded, items, same_as_above
from builder.records import Confidence, Dispute, Span, Vote


@dataclass(frozen=True, slots=True)
class SpanOutcome:
    """The outcome of the votes on an article's spans; the spans that won are sorted and numbered."""

    spans: tuple[Span, ...] = ()
    won: tuple[Confidence, ...] = ()
    votes: tuple[Vote, ...] = ()
    disputes: tuple[Dispute, ...] = ()
    unanimous: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """How many of an article's annotators gave edges a label, by article, start, end and label.

    `marks` sorts the marks so; `begins` is the first mark of each row, and of none after the last.
    """

    article: Ints
    start: Ints
    end: Ints
    label: Coded
    judge: Ints
    begins: Ints

    @property
    def count(self) -> Ints:
        """The number of annotators of each row."""
        return np.diff(self.begins)


def span_outcomes(
    table: pa.Table, article: Ints, voters: Sequence[tuple[str, ...]], votes: int | None
) -> list[SpanOutcome]:
    """Return the outcome of each article; `article` numbers those of the judgements, `voters` has its annotators."""
    tally = _tally(table, article)
    question = np.cumsum(~same_as_above(tally.article, tally.start, tally.end)) - 1
    alone = np.bincount(question, minlength=len(question))[question] == 1
    number = np.array([len(names) for names in voters], np.int64)
    need = np.array([needed(len(names), votes) for names in voters], np.int64)
    won = alone & (tally.count >= need[tally.article])
    disputed = alone & ~won & (number[tally.article] - tally.count < need[tally.article])
    split = np.flatnonzero(disputed | ~alone)
    unanimous = np.ones(len(voters), bool)
    unanimous[tally.article[alone & (disputed | (tally.count < number[tally.article]))]] = False
    disputes: list[list[Dispute]] = [[] for _ in voters]
    whose = table["annotator"].to_pylist()
    articles = table["article_id"].to_pylist()
    for rows in np.split(split, np.flatnonzero(np.diff(question[split])) + 1) if len(split) else []:
        place = int(tally.article[rows[0]])
        ballot = _ballot(tally, rows, whose, articles[tally.judge[tally.begins[rows[0]]]], voters[place])
        outcome = vote(ballot, len(voters[place]), votes)
        sure = {confidence.answer for confidence in outcome.won}
        won[rows] = [tally.label.names[code] in sure for code in tally.label.codes[rows].tolist()]
        disputes[place] += [outcome.dispute] if outcome.dispute else []
        unanimous[place] &= outcome.unanimous
    return [*_outcomes(tally, won, number, method_of(votes), disputes, unanimous)]


def _tally(table: pa.Table, article: Ints) -> _Tally:
    drawn = items(table, "spans")
    start, end, label = drawn.numbers("start"), drawn.numbers("end"), drawn.strings("label")
    order = np.lexsort((drawn.row, label.codes, end, start, article[drawn.row]))
    keys = [column[order] for column in (article[drawn.row], start, end, label.codes)]
    first = ~same_as_above(*keys)
    of, start, end, codes = (key[first] for key in keys)
    return _Tally(
        of, start, end, Coded(label.names, codes), drawn.row[order], np.append(np.flatnonzero(first), len(order))
    )


def _ballot(tally: _Tally, rows: Ints, whose: Sequence[str], article_id: str, names: tuple[str, ...]) -> Ballot:
    """Return what annotators answered to one question."""
    answers: dict[str, set[str]] = {}
    for row in rows.tolist():
        for judge in tally.judge[tally.begins[row] : tally.begins[row + 1]].tolist():
            answers.setdefault(whose[judge], set()).add(tally.label.names[tally.label.codes[row]])
    return Ballot(article_id, f"span:{tally.start[rows[0]]}:{tally.end[rows[0]]}", answers, names)


def _outcomes(
    tally: _Tally, won: Bools, number: Ints, method: str, disputes: Sequence[Sequence[Dispute]], unanimous: Bools
) -> Iterator[SpanOutcome]:
    """Yield the outcome of each article."""
    places = zip(tally.start.tolist(), tally.end.tolist(), strict=True)
    whats = [f"span:{start}:{end}" for start, end in places]
    label = [tally.label.names[code] for code in tally.label.codes.tolist()]
    by_name = np.lexsort((tally.label.codes, coded(pa.array(whats, pa.string())).codes, tally.article))
    cuts = np.searchsorted(tally.article[by_name], np.arange(len(number) + 1)).tolist()
    shares = (tally.count / np.maximum(number[tally.article], 1)).tolist()
    sure = by_name[won[by_name]]
    sure_cuts = np.searchsorted(tally.article[sure], np.arange(len(number) + 1)).tolist()
    counts, start, end = tally.count.tolist(), tally.start.tolist(), tally.end.tolist()
    votes = [Vote(whats[row], label[row], counts[row]) for row in by_name.tolist()]
    confidence = [Confidence(whats[row], label[row], method, shares[row]) for row in sure.tolist()]
    best = sure[np.lexsort((tally.label.codes[sure], -tally.end[sure], tally.start[sure], tally.article[sure]))]
    ids = (np.arange(len(best)) - np.array(sure_cuts, np.int64)[tally.article[best]]).tolist()
    spans = [Span(start[row], end[row], label[row], f"s{own}") for row, own in zip(best.tolist(), ids, strict=True)]
    for place, (low, high) in enumerate(pairwise(cuts)):
        own = slice(sure_cuts[place], sure_cuts[place + 1])
        yield SpanOutcome(tuple(spans[own]), tuple(confidence[own]), tuple(votes[low:high]), tuple(disputes[place]),
                          bool(unanimous[place]))  # fmt: skip
