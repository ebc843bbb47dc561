"""Recompute the rows of `stance` and `questions` from the published annotations."""

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.annotation.adjudication.votes.answers import AnswerVotes, given_answers, people_asked, vote_answers
from builder.annotation.columns import Ints
from builder.annotation.migration.offered import Offers
from builder.io.lists import numbers
from builder.io.parquet import whole
from builder.release.card.inputs import CardInputs
from builder.release.tables.features import all_values
from builder.release.verification.content import Content
from builder.release.verification.result import Mismatch
from builder.release.verification.spans import differing_lists

N = TypeVar("N", bound=np.generic)

VOTED = "what the votes of `annotations` give"

ROUNDING = 1e-12
"""Largest difference between a confidence and the share of votes that it is."""


def stance_rows(
    content: Content, basis: CardInputs, split: str, judged: pa.Table, article: Ints, offers: Offers
) -> Iterator[Mismatch]:
    """Yield what differs in `stance`: the pairs that have a row, their votes, their answer and its confidence."""
    table, ids = content.tables["stance"][split], whole(content.tables["articles"][split]["id"])
    targets, values, published = basis.labels.target_ids, all_values(basis.labels), basis.labels.published_values
    given = given_answers(judged, "stances", targets, [values] * len(targets))
    votes = vote_answers(article[given.row], given.row, given.asked, given.value, len(values))
    people = people_asked(
        judged, article, len(ids), lambda version, target: target not in offers.unasked(version), given, targets
    )
    pairs = _pairs(table, "target", ids, targets, votes)
    tally = _of_pairs(votes.counts, pairs)
    said = np.asarray(whole(table["label_counts"]).flatten()).reshape(-1, len(values))
    yield Mismatch("stance", split, "label_counts", VOTED, np.flatnonzero((said != tally).any(axis=1)))
    if basis.dataset.adjudication.stance != "majority":
        return
    number = np.array([published.index(value) if value in published else -1 for value in values])
    enough = people[votes.article, votes.asked] >= basis.dataset.adjudication.min_annotators
    won = np.where(votes.won.any(axis=1) & enough, number[votes.won.argmax(axis=1)], -1)
    decided = np.asarray(whole(table["adjudicated"])).astype(bool)
    answer = np.where(pairs >= 0, won[pairs] if len(won) else -1, -1)
    wrong = ~decided & (numbers(whole(table["stance"])) != answer)
    yield Mismatch("stance", split, "stance", VOTED, np.flatnonzero(wrong))
    share = tally.max(axis=1, initial=0) / np.maximum(tally.sum(axis=1), 1)
    off = _unsure(table, np.where(decided, 1.0, share)) & ~wrong
    yield Mismatch("stance", split, "confidence", VOTED, np.flatnonzero(off))
    yield _absent("stance", split, "target", votes, won >= 0, pairs)


def question_rows(
    content: Content, basis: CardInputs, split: str, judged: pa.Table, article: Ints, offers: Offers
) -> Iterator[Mismatch]:
    """Yield what differs in `questions`: the pairs that have a row, their votes, their answers and the confidence."""
    table, ids = content.tables["questions"][split], whole(content.tables["articles"][split]["id"])
    asked, names = [one.id for one in basis.labels.questions], [one.value_names for one in basis.labels.questions]
    width = np.array([len(of) for of in names])
    given = given_answers(judged, "answers", asked, names)
    votes = vote_answers(article[given.row], given.row, given.asked, given.value, int(width.max()))
    people = people_asked(
        judged, article, len(ids), lambda version, question: not offers.lacks_question(version, question), given, asked
    )
    pairs = _pairs(table, "question", ids, asked, votes)
    tally, answered = _of_pairs(votes.counts, pairs), _of_pairs(votes.answered, pairs)
    yield Mismatch("questions", split, "n_annotators", "the number of those who answered",
                   np.flatnonzero(numbers(whole(table["n_annotators"])) != answered))  # fmt: skip
    sizes = width[numbers(pc.index_in(whole(table["question"]), pa.array(asked, pa.string())))]
    there = np.arange(tally.shape[1]) < sizes[:, None]
    lists = whole(table["label_counts"])
    wrong = differing_lists(lists, sizes, (numbers(lists.flatten()), tally[there]))
    yield Mismatch("questions", split, "label_counts", VOTED, np.flatnonzero(wrong))
    enough = people[votes.article, votes.asked] >= basis.dataset.adjudication.min_annotators
    settled = votes.won.any(axis=1) & enough
    won = _of_pairs(votes.won & settled[:, None], pairs)
    decided = np.asarray(whole(table["adjudicated"])).astype(bool)
    wrong = ~decided & (_answers_differ(table, names, won, asked) | ~won.any(axis=1))
    yield Mismatch("questions", split, "answers", VOTED, np.flatnonzero(wrong))
    share = np.where(won, tally, answered[:, None]).min(axis=1, initial=np.iinfo(np.int64).max) / np.maximum(
        answered, 1
    )
    off = _unsure(table, np.where(decided, 1.0, share)) & ~wrong
    yield Mismatch("questions", split, "confidence", VOTED, np.flatnonzero(off))
    yield _absent("questions", split, "question", votes, settled, pairs)


def _pairs(table: pa.Table, name: str, ids: pa.Array, asked: list[str] | tuple[str, ...], votes: AnswerVotes) -> Ints:
    """Return the place among the votes of each row's article and question, or -1."""
    question = numbers(pc.index_in(whole(table[name]), pa.array(asked, pa.string())))
    place = np.full((len(ids), len(asked)), -1)
    place[votes.article, votes.asked] = np.arange(len(votes.article))
    pairs: Ints = place[numbers(pc.index_in(whole(table["article_id"]), ids)), question]
    return pairs


def _of_pairs(values: NDArray[N], pairs: Ints) -> NDArray[N]:
    """Return what the votes of each row's pair gave, and zeros where nobody voted."""
    found: NDArray[N] = np.concatenate([values, np.zeros((1, *values.shape[1:]), values.dtype)])[pairs]
    return found


def _answers_differ(
    table: pa.Table, names: list[tuple[str, ...]], won: NDArray[np.bool_], asked: list[str]
) -> NDArray[np.bool_]:
    """Return the rows whose answers are not the values that won, in the order of labels.yaml."""
    every = sorted({name for of in names for name in of})
    codes = np.array([[every.index(name) for name in of] + [-1] * (won.shape[1] - len(of)) for of in names])
    lists, question = (
        whole(table["answers"]),
        numbers(pc.index_in(whole(table["question"]), pa.array(asked, pa.string()))),
    )
    said = numbers(pc.fill_null(pc.index_in(lists.flatten(), pa.array(every, pa.string())), -1))
    return differing_lists(lists, won.sum(axis=1), (said, codes[question][won]))


def _unsure(table: pa.Table, wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return the rows whose confidence is not the wanted one."""
    sure = np.asarray(pc.fill_null(whole(table["confidence"]), np.nan))
    off: NDArray[np.bool_] = ~(np.abs(sure - wanted) <= ROUNDING)
    return off


def _absent(
    config: str, split: str, name: str, votes: AnswerVotes, settled: NDArray[np.bool_], pairs: Ints
) -> Mismatch:
    """Return the articles without a row for something that their votes settle."""
    missing = settled.copy()
    missing[pairs[pairs >= 0]] = False
    rows = np.unique(votes.article[missing])
    return Mismatch("articles", split, "id", f"in `{config}` with each {name} that its votes settle", rows)
