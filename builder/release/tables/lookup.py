"""The inputs of a release's tables joined by article, and the reason why an article cannot be published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.lists import Ints, distinct
from builder.io.parquet import whole
from builder.records import Article, Document, Dropped, Gold, Judgement, StageCounts, count_by_reason
from builder.records.arrow import arrow_schema
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.arrow import Bools, none_at, places_in
from builder.release.tables.batches import Batches
from builder.release.tables.inputs import TableInputs, instant, zone

GONE, HOMELESS, CHANGED = 1, 2, 3
"""Why nothing can be published of an article; 0 where it can."""


@dataclass(frozen=True, slots=True, eq=False)
class Annotated:
    """A table of gold or judgements, and the number of the article of each row, -1 if it is not in the corpus."""

    rows: Batches
    ids: pa.Array
    numbers: Ints
    excluded: Ints
    """Why each row cannot be published, 0 where it can."""


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """The articles, numbered in the order of their ids, with the row of each in the other tables."""

    ids: pa.Array
    articles: Batches
    documents: Batches
    article_rows: Ints
    document_rows: Ints
    document_ids: pa.Array
    groups: pa.Array
    splits: Ints
    """The place of the split of each article in SPLIT_NAMES, -1 if it has none."""
    dates: pa.Array
    """The instant of the date of each document, null if it has none or it cannot be read."""
    zones: pa.Array
    golds: Annotated
    judgements: Annotated
    aside: Mapping[str, str]
    publish_authors: bool = False
    asked: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def why(self, article_id: str, excluded: int) -> str:
        """Return the reason why an article, or what was annotated in it, cannot be published."""
        if excluded == HOMELESS:
            return self.aside.get(article_id, "its article has no split")
        return "its article is not in the corpus" if excluded == GONE else "its text changed since it was annotated"


def index_inputs(material: TableInputs) -> Lookup:
    """Join the inputs by article. Of two rows with one id the last counts."""
    numbered = distinct(material.articles["id"])
    article_rows = _last_rows(numbered.codes, len(numbered.names))
    documents = distinct(material.documents["id"])
    document_rows = _last_rows(documents.codes, len(documents.names))[
        places_in(whole(material.articles["document_id"]).take(pa.array(article_rows)), documents.names)
    ]
    splits = _splits(numbered.names, material.splits)
    shas = whole(material.articles["text_sha"]).take(pa.array(article_rows))
    dates, zones = _dates(material.documents["published_at"])
    return Lookup(
        numbered.names,
        Batches.of(arrow_schema(Article), material.articles),
        Batches.of(arrow_schema(Document), material.documents),
        article_rows,
        document_rows,
        whole(material.documents["id"]),
        _groups(numbered.names, material.groups),
        splits,
        dates,
        zones,
        _annotated(material.golds, Gold, numbered.names, shas, splits),
        _annotated(material.judgements, Judgement, numbered.names, shas, splits),
        material.aside,
        material.publish_authors,
        material.asked,
    )


def _last_rows(codes: Ints, size: int) -> Ints:
    """Return the last row of each code."""
    rows = np.zeros(size, np.int64)
    rows[codes] = np.arange(len(codes))
    return rows


def _splits(ids: pa.Array, splits: Mapping[str, str]) -> Ints:
    """Return the place of the split of each article, -1 if it has none."""
    names = places_in(pa.array(splits.values(), pa.string()), pa.array(SPLIT_NAMES))
    return np.append(names, -1)[places_in(ids, pa.array(splits, pa.string()))]


def _groups(ids: pa.Array, groups: pa.Table) -> pa.Array:
    """Return the group of each article."""
    members = distinct(groups["article_id"])
    rows = np.append(_last_rows(members.codes, len(members.names)), -1)[places_in(ids, members.names)]
    return none_at(whole(groups["group_id"]), rows)


def _dates(published: pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Return the instant and the zone of each date; each different date is read once."""
    dates = whole(published).dictionary_encode()
    names = dates.dictionary.to_pylist()
    instants = pa.array([instant(name) for name in names], pa.timestamp("ms", tz="UTC"))
    return instants.take(dates.indices), pa.array([zone(name) for name in names], pa.string()).take(dates.indices)


def _annotated(
    table: pa.Table, record: type[Gold | Judgement], ids: pa.Array, shas: pa.Array, splits: Ints
) -> Annotated:
    """Join gold or judgements with the articles."""
    named = whole(table["article_id"])
    numbers = places_in(named, ids)
    same = pc.equal(none_at(shas, numbers), whole(table["text_sha"]))
    excluded = exclusions(numbers, splits)
    excluded[(excluded == 0) & ~np.asarray(pc.fill_null(same, fill_value=False), bool)] = CHANGED
    return Annotated(Batches.of(arrow_schema(record), table), named, numbers, excluded)


def exclusions(numbers: Ints, splits: Ints) -> Ints:
    """Return why nothing can be published of articles, 0 where something can."""
    return np.where(numbers < 0, GONE, np.where(np.append(splits, -1)[numbers] < 0, HOMELESS, 0))


@dataclass(frozen=True, slots=True, eq=False)
class ConfigRows:
    """The rows of a config by split, in order, as numbers of what it is made of, and the records that it leaves out."""

    rows: Mapping[str, Ints]
    account: StageCounts
    aside: Sequence[Dropped]


def config_rows(unit: str, taken: int, rows: Ints, splits: Ints, aside: Sequence[Dropped]) -> ConfigRows:
    """Return the rows of a config; `splits` is the place of the split of each row in SPLIT_NAMES."""
    by_split = {name: rows[splits == place] for place, name in enumerate(SPLIT_NAMES)}
    return ConfigRows(by_split, count_by_reason("build", unit, taken, taken - len(aside), aside), aside)


def chosen(column: pa.Array, flags: Bools) -> list[str]:
    """Return the strings of a column that are chosen."""
    values: list[str] = column.filter(pa.array(flags)).to_pylist()
    return values
