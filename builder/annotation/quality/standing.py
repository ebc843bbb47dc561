"""Which judgements count: of each annotator the latest submitted one on an article's present text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Ints, coded, ints, same_as_above
from builder.annotation.quality.times import parse_time
from builder.records import Article

CHANGED = "changed by another person"
"""Reason for dropping a judgement whose answers are last of somebody else than its annotator."""

SKIPPED, UNKNOWN, STALE = "skipped", "unknown article", "stale text"

SUPERSEDED, LATER = "superseded", "replaced in a later batch"
"""Reasons for dropping a judgement when the same annotator judged the article again."""

REASONS = ("", SKIPPED, UNKNOWN, STALE, CHANGED, SUPERSEDED, LATER)

_START = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Judgements by article and annotator, latest last, each with the reason it does not count."""

    table: pa.Table
    place: Ints
    """The place of each judgement's article among the articles, -1 for one that is not in the project."""
    reason: Ints
    """The place of each reason in REASONS."""
    person: Ints
    """A number for each article and annotator, ascending."""

    def rows(self, *reasons: str) -> Ints:
        """Return the rows of judgements that have one of these reasons."""
        return np.flatnonzero(np.isin(self.reason, [REASONS.index(reason) for reason in reasons]))


def tell_apart(table: pa.Table, articles: Sequence[Article]) -> Standing:
    """Return the judgements in order, each with the reason it does not count, or "" if it does."""
    places = {article.id: place for place, article in enumerate(articles)}
    table = table.take(np.arange(table.num_rows)[::-1])  # of equal judgements the first counts
    table = table.take(time_order(table))
    place, person = places_of(table, places), _persons(table)
    texts = coded(table["text_sha"])
    wanted = {name: code for code, name in enumerate(texts.names)}
    present = np.array([*(wanted.get(article.text_sha, -1) for article in articles), -1], np.int64)
    reason = np.select(
        [coded(table["status"]).among([SKIPPED]) == 0, place < 0, texts.codes != present[place],
         coded(table["changed_by"]).among([""]) < 0],
        [REASONS.index(why) for why in (SKIPPED, UNKNOWN, STALE, CHANGED)], 0,
    )  # fmt: skip
    standing = np.flatnonzero(reason == 0)
    last = np.append(~same_as_above(person[standing])[1:], True)[: len(standing)]
    counting, replaced = standing[last], standing[~last]
    batch, count = coded(table["batch"]).codes, np.zeros(int(person.max(initial=-1)) + 1, np.int64)
    count[person[counting]] = batch[counting]
    same = count[person[replaced]] == batch[replaced]
    reason[replaced] = np.where(same, REASONS.index(SUPERSEDED), REASONS.index(LATER))
    return Standing(table, place, reason, person)


def places_of(table: pa.Table, places: Mapping[str, int]) -> Ints:
    """Return the place of each judgement's article, -1 for an unknown one."""
    named = coded(table["article_id"])
    return np.array([places.get(name, -1) for name in named.names], np.int64)[named.codes]


def time_order(table: pa.Table) -> Ints:
    """Return the order of judgements by article and annotator, latest last; equal ones stay in their order."""
    written = coded(table["updated_at"])
    moments = np.array([_microseconds(time) for time in written.names], np.int64)[written.codes]
    order: Ints = np.lexsort((
        ints(table["annotation_id"]), written.codes, moments,
        coded(table["annotator"]).codes, coded(table["article_id"]).codes,
    ))  # fmt: skip
    return order


def names_of(table: pa.Table, rows: Ints) -> list[str]:
    """Return the names of judgements in ledgers."""
    chosen = table.select(["annotation_id", "annotator", "article_id"]).take(rows)
    columns = (column.to_pylist() for column in chosen.columns)
    return [f"judgement {number} of {who} on article {article}" for number, who, article in zip(*columns, strict=True)]


def _persons(table: pa.Table) -> Ints:
    """Return a number for each article and annotator of sorted judgements, ascending."""
    alike = same_as_above(coded(table["article_id"]).codes, coded(table["annotator"]).codes)
    return np.cumsum(~alike) - 1


def _microseconds(written: str) -> int:
    return (parse_time(written) - _START) // timedelta(microseconds=1)
