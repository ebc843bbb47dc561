"""What pages asked of judgements, over columns: labels, targets, and who votes on a question."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Bools, Coded, Ints, coded, items, listed
from builder.annotation.migration.offered import Offers


def asked_labels(table: pa.Table, names: Sequence[str], offers: Offers) -> Bools:
    """Return whether each judgement was asked for each label (judgements x labels). Who gave a label was asked for it."""
    versions = coded(table["schema"])
    lacking = [offers.lacks(version, names) for version in versions.names]
    offered = np.array([[name not in gone for name in names] for gone in lacking], bool)
    asked: Bools = offered.reshape(len(lacking), len(names))[versions.codes]
    if offers.labels:
        drawn = items(table, "spans")
        label = drawn.strings("label").among([*names])
        asked[drawn.row[label >= 0], label[label >= 0]] = True
    return asked


def asked_people(asked: Bools, article: Ints, articles: int) -> Ints:
    """Return how many judgements of each article were asked for each label (articles x labels)."""
    people = np.zeros((articles, asked.shape[1]), np.int64)
    np.add.at(people, article, asked)
    return people


@dataclass(frozen=True, slots=True, eq=False)
class _Enough:
    """The articles of judgements, and whether enough of their annotators were asked for each label."""

    article: Coded
    enough: Bools


def _enough(table: pa.Table, offers: Offers, labels: Sequence[str], least: int) -> _Enough:
    article = coded(table["article_id"])
    number = np.bincount(article.codes, minlength=len(article.names))
    people = asked_people(asked_labels(table, labels, offers), article.codes, len(article.names))
    return _Enough(article, people >= np.minimum(least, number)[:, None])


def asked_of(table: pa.Table, offers: Offers, labels: Sequence[str], least: int) -> dict[str, list[str]]:
    """Return the labels that at least so many annotators of each article were asked for, in the order of labels.yaml.

    It is empty where every article was asked for every label. Of an article with fewer annotators all must be asked.
    """
    if not offers.labels:
        return {}
    found = _enough(table, offers, labels, least)
    if found.enough.all():
        return {}
    return {
        name: [label for label, is_asked in zip(labels, row, strict=True) if is_asked]
        for name, row in zip(found.article.names, found.enough.tolist(), strict=True)
    }


UNASKED = "label not asked of enough annotators"
"""Reason for leaving a span out of the votes."""


@dataclass(frozen=True, slots=True, eq=False)
class AskedJudgements:
    """Judgements without spans of labels that too few annotators were asked for, and the number of distinct ones."""

    table: pa.Table
    left_out: int = 0


def without_unasked(table: pa.Table, offers: Offers, labels: Sequence[str], least: int) -> AskedJudgements:
    """Leave out the spans of labels that fewer than `least` annotators of their article were asked for."""
    if not offers.labels:
        return AskedJudgements(table)
    found, drawn = _enough(table, offers, labels, least), items(table, "spans")
    article, label = found.article.codes[drawn.row], drawn.strings("label").among([*labels])
    kept = found.enough[article, label]
    if kept.all():
        return AskedJudgements(table)
    marks = np.stack([article, drawn.numbers("start"), drawn.numbers("end"), label], 1)[~kept]
    place = table.column_names.index("spans")
    spans = listed(drawn.row[kept], table.num_rows, drawn.values.filter(pa.array(kept)))
    return AskedJudgements(table.set_column(place, table.schema.field(place), spans), len(np.unique(marks, axis=0)))


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a target or the whole article that an annotator's page of an article has, or lacks."""

    article_id: str
    annotator: str
    where: str
    """Its name in the faults of judgements: `stance <target>` or `question <id>`."""


def unasked_questions(table: pa.Table, offers: Offers) -> set[Question]:
    """Return the questions in use that the pages of judgements did not ask."""
    versions = coded(table["schema"])
    rows = np.flatnonzero(versions.among(sorted({*offers.targets, *offers.new_questions})) >= 0)
    chosen = table.select(["article_id", "annotator", "schema"]).take(rows)
    named = zip(*(column.to_pylist() for column in chosen.columns), strict=True)
    return {
        Question(article, who, where)
        for article, who, version in named
        for where in (
            *(f"stance {target}" for target in offers.unasked(version)),
            *(f"question {question}" for question in offers.new_questions.get(version, ())),
        )
    }


def voters_of(asked: Bools, labels: Collection[int], gave: Mapping[int, Collection[int]], least: int) -> list[int]:
    """Return which of an article's annotators vote on words that were given some of the labels.

    `asked` has their rows, and `gave` the labels of those who marked the words. Those vote who were asked for all of
    these labels; if they are too few, or none of them gave one of the labels, all vote.
    """
    voters = np.flatnonzero(asked[:, [*labels]].all(axis=1)).tolist()
    given = {label for voter in voters for label in gave.get(voter, ())}
    return voters if len(voters) >= least and given >= {*labels} else [*range(len(asked))]
