"""The outcome of the votes on stances and on questions about whole articles, as columns. No tie is broken at random."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.adjudication.dawid_skene import Model, estimate, most_likely
from builder.annotation.adjudication.decisions import NONE
from builder.annotation.adjudication.votes.answers import GivenAnswers, vote_answers, was_asked
from builder.annotation.adjudication.votes.open_questions import OpenQuestions
from builder.annotation.columns import Bools, Coded, Ints, items, listed, same_as_above
from builder.annotation.migration.asked import asked_people
from builder.io.lists import ranges

N = TypeVar("N", bound=np.generic)

SURE = 0.9
"""Least probability at which the model settles an answer. Below it the question is disputed."""

KINDS = {"stance": ("stances", "target"), "question": ("answers", "question")}
"""The column of judgements that holds each kind of answer, and the field of its items that names what was asked."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Questions of one kind: their names in the order of labels.yaml, and whether each article asks each of them.

    `offers` tells whether the pages of a version asked a question. Values that are not `published` do not win; None
    publishes all.
    """

    kind: Literal["stance", "question"]
    names: Sequence[str]
    of_article: Bools
    offers: Callable[[str, str], bool]
    published: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Poll:
    """The answers of judgements to questions of one kind, and which of them were asked; `first` as in spans.

    `value` has the names of the values in order. An annotator has one answer to a stance, the last.
    """

    asked: Asked
    article: Ints
    first: Ints
    given: GivenAnswers
    values: list[str]
    was_asked: Bools


@dataclass(frozen=True, slots=True, eq=False)
class AnswerOutcomes:
    """The outcome of each pair of an article and a question that was asked of it, by article, as asked.

    `counts`, `share` and `won` have a column for each value: the votes, the confidence, and whether it is gold.
    """

    poll: Poll
    article: Ints
    asked: Ints
    counts: Ints
    share: NDArray[np.float64]
    won: Bools
    unanimous: Bools
    modelled: Bools
    method: str

    @property
    def is_open(self) -> Bools:
        """Whether each pair is in dispute."""
        return np.asarray(~self.won.any(axis=1))


def read_poll(table: pa.Table, article: Ints, asked: Asked) -> Poll:
    """Return the answers of judgements to questions; `article` gives the article of each, in order."""
    column, field = KINDS[asked.kind]
    given = items(table, column)
    question, value = given.strings(field).among([*asked.names]), given.strings("value")
    kept = np.flatnonzero(question >= 0)
    kept = kept[asked.of_article[article[given.row[kept]], question[kept]]]
    row, question, code = given.row[kept], question[kept], value.codes[kept]
    order = np.lexsort((question, row)) if asked.kind == "stance" else np.lexsort((code, question, row))
    row, question, code = row[order], question[order], code[order]
    again = (row, question) if asked.kind == "stance" else (row, question, code)
    last = np.append(~same_as_above(*again)[1:], True)[: len(row)]
    answers = GivenAnswers(row[last], question[last], code[last])
    first = np.searchsorted(article, np.arange(len(asked.of_article) + 1))
    return Poll(asked, article, first, answers, value.names, was_asked(table, asked.offers, answers, asked.names))


def fit_model(poll: Poll, ids: Sequence[str], whose: Sequence[str], least: int) -> Model:
    """Fit the stance model to the answers on all articles with at least `least` annotators."""
    answers: dict[tuple[str, str], dict[str, str]] = {}
    given, home = poll.given, poll.article[poll.given.row]
    enough = np.diff(poll.first)[home] >= least
    columns = (column[enough].tolist() for column in (home, given.row, given.asked, given.value))
    for article, row, asked, value in zip(*columns, strict=True):
        answers.setdefault((ids[article], poll.asked.names[asked]), {})[whose[row]] = poll.values[value]
    return estimate(answers)


def vote_poll(poll: Poll, least: int, model: Model | None = None, ids: Sequence[str] = ()) -> AnswerOutcomes:
    """Return the outcome of each question that at least one annotator was asked.

    With fewer than `least` annotators it is in dispute. With a model, its answer replaces that of the majority.
    """
    given, asked = poll.given, poll.asked
    people = asked_people(poll.was_asked, poll.article, len(asked.of_article))
    article, question = np.nonzero(asked.of_article & (people > 0))
    votes = vote_answers(poll.article[given.row], given.row, given.asked, given.value, len(poll.values))
    place = np.full(people.shape, -1)
    place[votes.article, votes.asked] = np.arange(len(votes.article))
    counts, answered, won = (
        _with_none(of)[place[article, question]] for of in (votes.counts, votes.answered[:, None], votes.won)
    )
    unanimous = won.any(axis=1) & ((counts == 0) | (counts == answered)).all(axis=1)
    share = counts / np.maximum(answered, 1)
    outcomes = AnswerOutcomes(
        poll, article, question, counts, share, won, unanimous, np.zeros(len(article), bool), "majority"
    )
    enough = people[article, question] >= least
    return _published(_by_model(outcomes, model, ids) if model else outcomes, enough)


def _with_none(rows: NDArray[N]) -> NDArray[N]:
    """Return rows of votes, and one without any at the end."""
    found: NDArray[N] = np.concatenate([rows, np.zeros((1, rows.shape[1]), rows.dtype)])
    return found


def _by_model(voted: AnswerOutcomes, model: Model, ids: Sequence[str]) -> AnswerOutcomes:
    """Replace the outcomes of majority votes with the model's answers, leaving out those below SURE."""
    names, values = voted.poll.asked.names, {name: code for code, name in enumerate(voted.poll.values)}
    won, share = np.zeros_like(voted.won), np.zeros_like(voted.share)
    for pair, (article, asked) in enumerate(zip(voted.article.tolist(), voted.asked.tolist(), strict=True)):
        if best := most_likely(model.posterior.get((ids[article], names[asked]), {}), SURE):
            won[pair, values[best[0]]], share[pair, values[best[0]]] = True, best[1]
    same = (won == voted.won).all(axis=1)
    return replace(
        voted, won=won, share=share, unanimous=voted.unanimous & same, modelled=won.any(axis=1) & ~same,
        method="dawid-skene",
    )  # fmt: skip


def _published(outcomes: AnswerOutcomes, enough: Bools) -> AnswerOutcomes:
    """Leave a question open that too few were asked, or where a value won that is not published."""
    published = outcomes.poll.asked.published
    hidden = np.array([published is not None and name not in published for name in outcomes.poll.values], bool)
    settled = enough & ~(outcomes.won & hidden).any(axis=1) & outcomes.won.any(axis=1)
    return replace(
        outcomes,
        won=outcomes.won & settled[:, None],
        unanimous=outcomes.unanimous & settled,
        modelled=outcomes.modelled & settled,
    )


def open_answers(outcomes: AnswerOutcomes) -> OpenQuestions:
    """Return the questions that votes did not settle, with what each annotator who was asked answered."""
    poll, rows = outcomes.poll, np.flatnonzero(outcomes.is_open)
    article, asked = outcomes.article[rows], outcomes.asked[rows]
    people = np.diff(poll.first)[article]
    judge, of = ranges(poll.first[article], people), np.repeat(np.arange(len(rows)), people)
    kept = poll.was_asked[judge, asked[of]]
    judge, of = judge[kept], of[kept]
    names = pa.array([f"{poll.asked.kind}:{name}" for name in poll.asked.names], pa.string())
    return OpenQuestions(article, names.take(pa.array(asked)), np.bincount(of, minlength=len(rows)), judge,
                         _answers(poll, judge, asked[of]))  # fmt: skip


def _answers(poll: Poll, judge: Ints, asked: Ints) -> pa.Array:
    """Return what judgements answered to questions; several values are joined."""
    given, width = poll.given, len(poll.asked.names)
    key = given.row * width + given.asked
    first = ~same_as_above(key)
    group = np.cumsum(first) - 1
    values = Coded(poll.values, given.value).taken(np.arange(len(key)))
    said = pc.binary_join(listed(group, int(first.sum()), values), "+")
    keys, wanted = key[first], judge * width + asked
    place = np.searchsorted(keys, wanted)
    there = np.append(keys, -1)[place] == wanted
    return pc.fill_null(said.take(pa.array(place, mask=~there)), NONE)
