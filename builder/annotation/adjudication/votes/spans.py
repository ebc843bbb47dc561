"""The votes on spans, counted over columns.

A question is a pair of edges in an article. Where annotators gave it one label, its count settles it; only questions
with several labels are put to `vote`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.adjudication.decisions import NONE
from builder.annotation.adjudication.votes.ballots import Ballot, vote
from builder.annotation.adjudication.votes.open_questions import OpenQuestions, together
from builder.annotation.columns import Bools, Coded, Ints, items, numbered, same_as_above
from builder.annotation.migration.asked import asked_labels, asked_people, voters_of
from builder.annotation.migration.offered import Offers
from builder.io.lists import ranges
from builder.schema.dataset import Adjudication


@dataclass(frozen=True, slots=True, eq=False)
class WonSpans:
    """The spans that won their vote, each with the share of annotators who gave it; `label` is a place among names."""

    article: Ints
    start: Ints
    end: Ints
    label: Ints
    share: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SpanVotes:
    """The labelled edges of articles, sorted by article, start, end and label, with their votes.

    `share` is the part of the voters who gave the label, `won` whether it is gold, and `is_open` whether the edges are
    in dispute. `settled` and `unanimous` have a value for each article. `disputes` has the open questions in order.
    """

    article: Ints
    start: Ints
    end: Ints
    label: Coded
    count: Ints
    share: NDArray[np.float64]
    won: Bools
    is_open: Bools
    settled: Bools
    unanimous: Bools
    disputes: OpenQuestions

    def winners(self, names: Sequence[str]) -> WonSpans:
        """Return the spans that won; `names` has the labels."""
        won, label = self.won, self.label.among([*names])
        return WonSpans(self.article[won], self.start[won], self.end[won], label[won], self.share[won])


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """How many of an article's annotators gave edges a label, by article, start, end and label.

    `judge` has the judgement of each mark, sorted so; `begins` is the first mark of each row, and of none after the
    last. `question` numbers the edges.
    """

    article: Ints
    start: Ints
    end: Ints
    label: Coded
    judge: Ints
    begins: Ints
    question: Ints

    @property
    def count(self) -> Ints:
        """The number of annotators of each row."""
        return np.diff(self.begins)

    def whats(self, rows: Ints) -> pa.Array:
        """Return the edges of rows as the subjects of votes."""
        return passages(self.start[rows], self.end[rows])


@dataclass(frozen=True, slots=True, eq=False)
class _Electorate:
    """Who votes: `first` is the first judgement of each article, and of none after the last.

    `asked` tells whether each judgement was asked for each label. Where fewer than `least` were, all vote.
    """

    first: Ints
    asked: Bools
    least: int


def passages(start: Ints, end: Ints) -> pa.Array:
    """Return places as the subjects of votes.

    >>> passages(np.array([3]), np.array([9])).to_pylist()
    ['span:3:9']
    """
    return pc.binary_join_element_wise(numbered("span:", start), numbered("", end), ":")


def vote_spans(table: pa.Table, article: Ints, articles: int, rules: Adjudication, offers: Offers) -> SpanVotes:
    """Vote on the spans of judgements; `article` gives the article of each, in order, and `articles` their number.

    Those vote on a question who were asked for each label that anybody gave, or all where those are too few.
    """
    tally = _tally(table, article)
    asked = asked_labels(table, tally.label.names, offers)
    first = np.searchsorted(article, np.arange(articles + 1))
    electorate = _Electorate(first, asked, rules.min_annotators)
    alone = np.bincount(tally.question, minlength=len(tally.question))[tally.question] == 1
    people = asked_people(asked, article, articles)[tally.article, tally.label.codes]
    everybody = people < rules.min_annotators
    count, number = tally.count, np.where(everybody, np.diff(first)[tally.article], people)
    need = number // 2 + 1 if rules.votes is None else np.full(len(number), rules.votes)
    won = alone & (count >= need)
    is_open = alone & ~won & (number - count < need)
    lone, parts = np.flatnonzero(is_open), [_alone(tally, np.flatnonzero(is_open), everybody, electorate)]
    for rows in _split(tally, alone):
        voters = _voters(tally, rows, electorate)
        ballot = _ballot(tally, rows, voters)
        outcome = vote(ballot, rules.votes)
        named = [tally.label.names[code] for code in tally.label.codes[rows].tolist()]
        won[rows], count[rows] = [name in outcome.won for name in named], [outcome.counts[name] for name in named]
        number[rows], is_open[rows] = len(voters), outcome.is_open
        parts += [_disputed(tally, rows[:1], voters, ballot)] if outcome.is_open else []
    crowded = np.flatnonzero(is_open & ~alone & ~same_as_above(tally.question))
    disputes = together(parts).taken(np.argsort(np.concatenate([lone, crowded]), kind="stable"))
    settled, unanimous = np.ones(articles, bool), np.ones(articles, bool)
    settled[tally.article[is_open]] = False
    unanimous[tally.article[is_open | (count < number)]] = False
    shares = count / np.maximum(number, 1)
    return SpanVotes(tally.article, tally.start, tally.end, tally.label, count, shares, won, is_open, settled, unanimous,
                     disputes)  # fmt: skip


def _tally(table: pa.Table, article: Ints) -> _Tally:
    drawn = items(table, "spans")
    start, end, label = drawn.numbers("start"), drawn.numbers("end"), drawn.strings("label")
    order = np.lexsort((drawn.row, label.codes, end, start, article[drawn.row]))
    keys = [column[order] for column in (article[drawn.row], start, end, label.codes)]
    first = ~same_as_above(*keys)
    of, start, end, codes = (key[first] for key in keys)
    begins = np.append(np.flatnonzero(first), len(order))
    question = np.cumsum(~same_as_above(of, start, end)) - 1
    return _Tally(of, start, end, Coded(label.names, codes), drawn.row[order], begins, question)


def _split(tally: _Tally, alone: Bools) -> list[Ints]:
    """Return the rows of each question with several labels."""
    rows = np.flatnonzero(~alone)
    return np.split(rows, np.flatnonzero(np.diff(tally.question[rows])) + 1) if len(rows) else []


def _alone(tally: _Tally, rows: Ints, everybody: Bools, electorate: _Electorate) -> OpenQuestions:
    """Return open questions with one label; of each, whether all vote is in `everybody`."""
    place, codes, begins = tally.article[rows], tally.label.codes[rows], tally.begins[rows]
    people = np.diff(electorate.first)[place]
    judge, of = ranges(electorate.first[place], people), np.repeat(np.arange(len(rows)), people)
    votes = everybody[rows][of] | electorate.asked[judge, codes[of]]
    judge, of = judge[votes], of[votes]
    marks, size = tally.count[rows], len(electorate.asked)
    gave = np.isin(
        of * size + judge, np.repeat(np.arange(len(rows)), marks) * size + tally.judge[ranges(begins, marks)]
    )
    answer = pa.array([*tally.label.names, NONE], pa.string()).take(
        pa.array(np.where(gave, codes[of], len(tally.label.names)))
    )
    return OpenQuestions(place, tally.whats(rows), np.bincount(of, minlength=len(rows)), judge, answer)


def _voters(tally: _Tally, rows: Ints, electorate: _Electorate) -> list[int]:
    """Return who votes on a question with several labels, of an article's judgements."""
    place = tally.article[rows[0]]
    judges = slice(*electorate.first[place : place + 2].tolist())
    gave: dict[int, set[int]] = {}
    for row in rows.tolist():
        for judge in tally.judge[tally.begins[row] : tally.begins[row + 1]].tolist():
            gave.setdefault(judge - judges.start, set()).add(int(tally.label.codes[row]))
    labels = tally.label.codes[rows].tolist()
    voters = voters_of(electorate.asked[judges], labels, gave, electorate.least)
    return [judges.start + voter for voter in voters]


def _ballot(tally: _Tally, rows: Ints, voters: Sequence[int]) -> Ballot:
    """Return what the voters answered to a question with several labels."""
    answers: dict[int, set[str]] = {}
    for row in rows.tolist():
        for judge in tally.judge[tally.begins[row] : tally.begins[row + 1]].tolist():
            if judge in voters:
                answers.setdefault(judge, set()).add(tally.label.names[tally.label.codes[row]])
    return Ballot(answers, len(voters))


def _disputed(tally: _Tally, row: Ints, voters: Sequence[int], ballot: Ballot) -> OpenQuestions:
    """Return an open question with several labels, of which `row` is the first."""
    answers = ["+".join(sorted(ballot.answers.get(voter, ()))) or NONE for voter in voters]
    sizes = np.array([len(voters)], np.int64)
    return OpenQuestions(tally.article[row], tally.whats(row), sizes, np.array(voters, np.int64),
                         pa.array(answers, pa.string()))  # fmt: skip
