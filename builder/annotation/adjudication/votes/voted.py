"""What the votes alone make of judged articles: the tables of gold and disputes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.adjudication.dawid_skene import Model
from builder.annotation.adjudication.votes.ballots import method_of
from builder.annotation.adjudication.votes.open_questions import dispute_table, together
from builder.annotation.adjudication.votes.outcomes import (
    AnswerOutcomes,
    Asked,
    fit_model,
    open_answers,
    read_poll,
    vote_poll,
)
from builder.annotation.adjudication.votes.spans import SpanVotes, passages, vote_spans
from builder.annotation.columns import Bools, Ints, coded, listed, numbered, structs
from builder.annotation.migration.offered import Offers
from builder.annotation.questions import targets_by_article
from builder.records import Answer, Article, Confidence, Gold, Span, Stance, Vote
from builder.records.arrow import arrow_schema
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels

COLUMNS = ("article_id", "annotator", "schema", "spans", "stances", "answers")
"""What the votes read of judgements."""


@dataclass(frozen=True, slots=True, eq=False)
class Voted:
    """The gold and the disputes that votes alone make of judged articles, sorted by article.

    `people` counts the annotators of each article, `disputed` has the article of each dispute, and `spans` counts the
    labelled edges of each article: those in gold, in dispute and outvoted. `model` is set if it settled the stances.
    """

    ids: list[str]
    people: Ints
    golds: pa.Table
    disputes: pa.Table
    disputed: Ints
    spans: Mapping[str, Ints]
    model: Model | None


def vote_on(
    judgements: pa.Table, articles: Mapping[str, Article], labels: Labels, rules: Adjudication, offers: Offers
) -> Voted:
    """Vote on everything that was asked of the articles of judgements, also of those with too few annotators."""
    named, people = coded(judgements["article_id"]), coded(judgements["annotator"])
    order = np.lexsort((people.codes, named.codes))
    table, article = judgements.select(COLUMNS).take(order), named.codes[order]
    ids, least, whose = named.names, rules.min_annotators, people.taken(order)
    spans = vote_spans(table, article, len(ids), rules, offers)
    polls = [read_poll(table, article, asked) for asked in _asked(ids, articles, labels, offers)]
    model = fit_model(polls[0], ids, whose.to_pylist(), least) if rules.stance == "dawid-skene" else None
    stances, questions = vote_poll(polls[0], least, model, ids), vote_poll(polls[1], least)
    still = together([spans.disputes, open_answers(stances), open_answers(questions)])
    still = still.taken(np.argsort(still.article, kind="stable"))
    voters = np.bincount(article, minlength=len(ids))
    names, shas = (pa.array(column, pa.string()) for column in (ids, [articles[name].text_sha for name in ids]))
    golds = _gold_table(names, shas, voters, spans, stances, questions, method_of(rules.votes))
    return Voted(ids, voters, golds, dispute_table(still, names, whose), still.article, _tally(spans, len(ids)), model)


def _asked(ids: Sequence[str], articles: Mapping[str, Article], labels: Labels, offers: Offers) -> tuple[Asked, Asked]:
    """Return the stance targets and the questions of articles."""
    columns = {target: column for column, target in enumerate(labels.target_ids)}
    found = targets_by_article((articles[name] for name in ids), labels)
    targets = np.zeros((len(ids), len(columns)), bool)
    for row, name in enumerate(ids):
        targets[row, [columns[target.id] for target in found[name]]] = True
    questions = [question.id for question in labels.questions]
    return (
        Asked("stance", labels.target_ids, targets, lambda version, target: target not in offers.unasked(version),
              labels.published_values),
        Asked("question", questions, np.ones((len(ids), len(questions)), bool),
              lambda version, question: not offers.lacks_question(version, question)),
    )  # fmt: skip


def _tally(spans: SpanVotes, articles: int) -> dict[str, Ints]:
    """Count the labelled edges of each article: those in gold, and the others by the reason they were dropped."""
    ends = {"gold": spans.won, "in dispute": ~spans.won & spans.is_open, "outvoted": ~spans.won & ~spans.is_open}
    return {name: np.bincount(spans.article[rows], minlength=articles) for name, rows in ends.items()}


def _gold_table(
    ids: pa.Array, shas: pa.Array, people: Ints, spans: SpanVotes, stances: AnswerOutcomes, questions: AnswerOutcomes,
    method: str,
) -> pa.Table:  # fmt: skip
    """Return the gold of each article as a table."""
    whats = passages(spans.start, spans.end)
    named = np.lexsort((spans.label.codes, coded(whats).codes, spans.article))
    sure, asked = named[spans.won[named]], (questions, stances)
    votes = [(spans.article[named], [whats.take(pa.array(named)), spans.label.taken(named), spans.count[named]]),
             *(_rows(of, of.counts > 0, _vote) for of in asked)]  # fmt: skip
    confidence = [
        (spans.article[sure], [whats.take(pa.array(sure)), spans.label.taken(sure),
                               _repeated(method, len(sure)), spans.share[sure]]),
        *(_rows(of, of.won, _confidence) for of in asked),
    ]  # fmt: skip
    rows = len(ids)
    columns = {
        "article_id": ids,
        "text_sha": shas,
        "spans": _lists(Span, rows, [_winners(spans)]),
        "stances": _lists(Stance, rows, [_rows(stances, stances.won, _answer)]),
        "source": _source(spans, asked),
        "votes": _lists(Vote, rows, votes),
        "annotators": pa.array(people),
        "confidence": _lists(Confidence, rows, confidence),
        "decided": listed(people[:0], rows, pa.array([], pa.string())),
        "answers": _lists(Answer, rows, [_rows(questions, questions.won, _answer)]),
    }
    return pa.Table.from_pydict(columns, schema=arrow_schema(Gold))


Rows = tuple[Ints, list[pa.Array | Ints]]
"""Items of lists: the article of each, and the columns of their fields."""


def _lists(record: type, rows: int, parts: Sequence[Rows]) -> pa.ListArray:
    """Return a column of lists of records; those of an article follow each other part by part."""
    article = np.concatenate([of for of, _ in parts])
    columns = zip(*(fields for _, fields in parts), strict=True)
    values = structs(record, *(pa.concat_arrays([pa.array(part) for part in column]) for column in columns))
    order = np.argsort(article, kind="stable")
    return listed(article[order], rows, values.take(pa.array(order)) if len(parts) > 1 else values)


def _winners(spans: SpanVotes) -> Rows:
    """Return the spans that won, outer spans first, numbered in each article."""
    won = np.flatnonzero(spans.won)
    won = won[np.lexsort((spans.label.codes[won], -spans.end[won], spans.start[won], spans.article[won]))]
    home = spans.article[won]
    ids = numbered("s", np.arange(len(won)) - np.searchsorted(home, home))
    return home, [spans.start[won], spans.end[won], spans.label.taken(won), ids]


def _rows(
    of: AnswerOutcomes, chosen: Bools, fields: Callable[[AnswerOutcomes, Ints, Ints], list[pa.Array | Ints]]
) -> Rows:
    """Return some values of the pairs of outcomes, sorted by article, name and value."""
    pair, value = np.nonzero(chosen)
    rank = np.argsort(np.argsort(np.array(of.poll.asked.names, object)))
    order = np.lexsort((value, rank[of.asked[pair]], of.article[pair]))
    return of.article[pair[order]], fields(of, pair[order], value[order])


def _named(of: AnswerOutcomes, pair: Ints, value: Ints, before: str) -> list[pa.Array | Ints]:
    names = pa.array([f"{before}{name}" for name in of.poll.asked.names], pa.string())
    return [names.take(pa.array(of.asked[pair])), pa.array(of.poll.values, pa.string()).take(pa.array(value))]


def _answer(of: AnswerOutcomes, pair: Ints, value: Ints) -> list[pa.Array | Ints]:
    return _named(of, pair, value, "")


def _vote(of: AnswerOutcomes, pair: Ints, value: Ints) -> list[pa.Array | Ints]:
    return [*_named(of, pair, value, f"{of.poll.asked.kind}:"), of.counts[pair, value]]


def _confidence(of: AnswerOutcomes, pair: Ints, value: Ints) -> list[pa.Array | Ints]:
    named = _named(of, pair, value, f"{of.poll.asked.kind}:")
    return [*named, _repeated(of.method, len(pair)), of.share[pair, value]]


def _repeated(word: str, times: int) -> pa.Array:
    return pa.repeat(pa.scalar(word, pa.string()), times)


def _source(spans: SpanVotes, answered: Sequence[AnswerOutcomes]) -> pa.Array:
    """Return how the least certain of each article's questions was settled."""
    unanimous, modelled = spans.unanimous.copy(), np.zeros(len(spans.unanimous), bool)
    for of in answered:
        unanimous[of.article[~of.unanimous]] = False
        modelled[of.article[of.modelled]] = True
    names = pa.array(["model", "agreed", "majority"], pa.string())
    return names.take(pa.array(np.select([modelled, unanimous], [0, 1], 2)))
