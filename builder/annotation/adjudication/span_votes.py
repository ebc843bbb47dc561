"""The votes on spans, counted over columns.

A question is a pair of edges in an article. Where annotators gave it one label, its count settles it; only questions
with several labels are put to `vote`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from builder.annotation.adjudication.voting import Ballot, method_of, vote
from builder.annotation.columns import Bools, Coded, Ints, coded, items, same_as_above
from builder.annotation.migration.asked import asked_labels, asked_people, voters_of
from builder.annotation.migration.offered import Offers
from builder.records import Confidence, Dispute, Span, Vote
from builder.schema.dataset import Adjudication


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
    table: pa.Table, article: Ints, voters: Sequence[tuple[str, ...]], rules: Adjudication, offers: Offers
) -> list[SpanOutcome]:
    """Return the outcome of each article; `article` numbers those of the judgements, `voters` has its annotators.

    Those vote on a question who were asked for each label that anybody gave, or all where those are too few.
    """
    tally, votes, least = _tally(table, article), rules.votes, rules.min_annotators
    asked = asked_labels(table, tally.label.names, offers)
    question = np.cumsum(~same_as_above(tally.article, tally.start, tally.end)) - 1
    alone = np.bincount(question, minlength=len(question))[question] == 1
    first = np.searchsorted(article, np.arange(len(voters) + 1))
    people = asked_people(asked, article, len(voters))[tally.article, tally.label.codes]
    count, number = tally.count, np.where(people >= least, people, np.diff(first)[tally.article])
    need = number // 2 + 1 if votes is None else np.full(len(number), votes)
    won = alone & (count >= need)
    disputed = alone & ~won & (number - count < need)
    split = np.flatnonzero(disputed | ~alone)
    unanimous = np.ones(len(voters), bool)
    unanimous[tally.article[alone & (disputed | (count < number))]] = False
    disputes: list[list[Dispute]] = [[] for _ in voters]
    whose = table["annotator"].to_pylist()
    articles = table["article_id"].to_pylist()
    for rows in np.split(split, np.flatnonzero(np.diff(question[split])) + 1) if len(split) else []:
        place = int(tally.article[rows[0]])
        ballot = _ballot(tally, rows, whose, articles[tally.judge[tally.begins[rows[0]]]],
                         _voters(tally, rows, asked, slice(*first[place : place + 2]), least))  # fmt: skip
        outcome = vote(ballot, len(ballot.names), votes)
        sure, cast = {confidence.answer for confidence in outcome.won}, {one.answer: one.count for one in outcome.votes}
        named = [tally.label.names[code] for code in tally.label.codes[rows].tolist()]
        won[rows], count[rows] = [name in sure for name in named], [cast[name] for name in named]
        number[rows] = len(ballot.names)
        disputes[place] += [outcome.dispute] if outcome.dispute else []
        unanimous[place] &= outcome.unanimous
    shares = count / np.maximum(number, 1)
    return [*_outcomes(tally, count, shares, won, method_of(votes), disputes, unanimous)]


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


def _voters(tally: _Tally, rows: Ints, asked: Bools, judges: slice, least: int) -> list[int]:
    """Return who votes on a question, of an article's judgements."""
    gave: dict[int, set[int]] = {}
    for row in rows.tolist():
        for judge in tally.judge[tally.begins[row] : tally.begins[row + 1]].tolist():
            gave.setdefault(judge - judges.start, set()).add(int(tally.label.codes[row]))
    labels = tally.label.codes[rows].tolist()
    return [judges.start + place for place in voters_of(asked[judges], labels, gave, least)]


def _ballot(tally: _Tally, rows: Ints, whose: Sequence[str], article_id: str, voters: Sequence[int]) -> Ballot:
    """Return what the voters answered to one question."""
    answers: dict[str, set[str]] = {}
    for row in rows.tolist():
        for judge in tally.judge[tally.begins[row] : tally.begins[row + 1]].tolist():
            if judge in voters:
                answers.setdefault(whose[judge], set()).add(tally.label.names[tally.label.codes[row]])
    what = f"span:{tally.start[rows[0]]}:{tally.end[rows[0]]}"
    return Ballot(article_id, what, answers, tuple(whose[judge] for judge in voters))


def _outcomes(
    tally: _Tally,
    count: Ints,
    shares: NDArray[np.float64],
    won: Bools,
    method: str,
    disputes: Sequence[Sequence[Dispute]],
    unanimous: Bools,
) -> Iterator[SpanOutcome]:
    """Yield the outcome of each article; `count` and `shares` are the votes of each row, `won` is whether it wins."""
    places = zip(tally.start.tolist(), tally.end.tolist(), strict=True)
    whats = [f"span:{start}:{end}" for start, end in places]
    label = [tally.label.names[code] for code in tally.label.codes.tolist()]
    by_name = np.lexsort((tally.label.codes, coded(pa.array(whats, pa.string())).codes, tally.article))
    cuts = np.searchsorted(tally.article[by_name], np.arange(len(unanimous) + 1)).tolist()
    sure = by_name[won[by_name]]
    sure_cuts = np.searchsorted(tally.article[sure], np.arange(len(unanimous) + 1)).tolist()
    counts, share, start, end = count.tolist(), shares.tolist(), tally.start.tolist(), tally.end.tolist()
    votes = [Vote(whats[row], label[row], counts[row]) for row in by_name.tolist()]
    confidence = [Confidence(whats[row], label[row], method, share[row]) for row in sure.tolist()]
    best = sure[np.lexsort((tally.label.codes[sure], -tally.end[sure], tally.start[sure], tally.article[sure]))]
    ids = (np.arange(len(best)) - np.array(sure_cuts, np.int64)[tally.article[best]]).tolist()
    spans = [Span(start[row], end[row], label[row], f"s{own}") for row, own in zip(best.tolist(), ids, strict=True)]
    for place, (low, high) in enumerate(pairwise(cuts)):
        own = slice(sure_cuts[place], sure_cuts[place + 1])
        yield SpanOutcome(tuple(spans[own]), tuple(confidence[own]), tuple(votes[low:high]), tuple(disputes[place]),
                          bool(unanimous[place]))  # fmt: skip
