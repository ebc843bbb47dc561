"""Dispatch on the configured edition: full, or stand-off with an audit for leaked text."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.parquet import from_table, whole
from builder.records import Article, Document, Dropped, KhabarError, count_by_reason
from builder.records.arrow import arrow_schema as arrow_schema_of
from builder.release.editions.audit import quotations
from builder.release.editions.delta import Delta, apply_delta, delta_to_row, field_delta, text_delta
from builder.release.editions.ngrams import Fold, quotes
from builder.release.tables.arrow import lists, places_in, struct
from builder.release.tables.batches import Batches
from builder.release.tables.build import ROWS, BuiltTables, Tables, build_tables
from builder.release.tables.features import (
    RESTORE,
    Edition,
    LabelNames,
    arrow_schema,
    feature_type,
    features,
    label_names,
)
from builder.release.tables.inputs import TableInputs
from builder.release.tables.spill import TableSpill


def build_edition(edition: Edition, material: TableInputs, fold: Fold, spill: TableSpill) -> BuiltTables:
    """Build the tables of an edition; only those of the full one are final before all are made."""
    built = build_tables(material, spill, early=edition == "full")
    return to_standoff(built, material, fold) if edition == "standoff" else built


def file_audit(edition: Edition, material: TableInputs, fold: Fold) -> Callable[[Path], None]:
    """Return a function that audits the files of an edition before they are moved into place.

    The function raises KhabarError (exit code 1) with every quotation that it finds in a stand-off edition.
    """

    def look(folder: Path) -> None:
        issues = quotations(folder, passages_of(material.articles), fold) if edition == "standoff" else []
        if issues:
            raise KhabarError(*issues, exit_code=1)

    return look


FREE = {"annotations": ("remark",), "articles": ("source_name", "author")}
"""Free-text columns, whose values stay only if they quote no article."""

QUOTES, LOST = "quotes an article", "no line of its page"

UNITS = "names and remarks in the stand-off edition", "titles that come back from their pages"


def to_standoff(built: BuiltTables, material: TableInputs, fold: Fold) -> BuiltTables:
    """Convert built tables to the stand-off edition.

    The last two accounts count the free text that was removed and the titles that cannot be restored. Raises ValueError
    if an article does not follow from its page and its edits.
    """
    names = label_names(material.labels, asked=bool(material.asked))
    withheld = _withheld(built.tables, material.articles, fold)
    recipes = _Recipes(material)
    tables = {
        config: {
            split: _edition(config, table, names, withheld.get((config, split), {}), recipes)
            for split, table in splits.items()
        }
        for config, splits in built.tables.items()
    }
    filled = sum(
        pc.sum(pc.fill_null(pc.greater(pc.utf8_length(table[name]), 0), fill_value=False)).as_py() or 0
        for config, columns in FREE.items()
        for table in built.tables[config].values()
        for name in columns
    )
    removed = [
        Dropped("build", f"{name} in {config}/{split}, row {row}", QUOTES)
        for (config, split), columns in withheld.items()
        for name, rows in columns.items()
        for row in sorted(rows)
    ]
    accounts = (
        count_by_reason("build", UNITS[0], filled, filled - len(removed), removed),
        count_by_reason("build", UNITS[1], recipes.titles, recipes.titles - len(recipes.lost), recipes.lost),
    )
    aside = (*built.set_aside, *removed, *recipes.lost)
    return replace(built, tables=tables, accounts=(*built.accounts, *accounts), set_aside=aside)


Withheld = Mapping[str, frozenset[int]]
"""The rows of each free-text column whose value is removed."""


def _withheld(tables: Tables, articles: pa.Table, fold: Fold) -> dict[tuple[str, str], dict[str, frozenset[int]]]:
    """Return the rows of the free-text columns that quote any article, by config and split."""
    passages = passages_of(articles)
    values: dict[str, None] = {}
    for config, names in FREE.items():
        for table in tables[config].values():
            for name in names:
                values |= dict.fromkeys(value for value in pc.unique(table[name]).to_pylist() if value)
    strings = list(values)
    quoting = {strings[match.string] for match in quotes(strings, [text for _, text in passages], fold)}
    withheld: dict[tuple[str, str], dict[str, frozenset[int]]] = {}
    for config, names in FREE.items():
        for split, table in tables[config].items():
            rows = {
                name: frozenset(number for number, value in enumerate(table[name].to_pylist()) if value in quoting)
                if quoting
                else frozenset[int]()
                for name in names
            }
            withheld[config, split] = rows
    return withheld


def passages_of(articles: pa.Table) -> list[tuple[str, str]]:
    """Return the passages that must not be quoted: the name and text of each article, then of each title."""
    ids, texts, titles = (articles[name].to_pylist() for name in ("id", "text", "title"))
    named = zip(ids, titles, strict=True)
    return [*zip(ids, texts, strict=True), *((f"{article}, its title", title) for article, title in named if title)]


class _Recipes:
    """The recipes of articles, and the titles that have none."""

    def __init__(self, material: TableInputs) -> None:
        self.articles = Batches.of(arrow_schema_of(Article), material.articles)
        self.documents = Batches.of(arrow_schema_of(Document), material.documents)
        self.article_ids, self.document_ids = whole(material.articles["id"]), whole(material.documents["id"])
        self.titles = 0
        self.lost: list[Dropped] = []

    def pages(self, article_ids: pa.Array) -> Iterator[tuple[Article, Document]]:
        """Yield the articles with these ids, ROWS at once, each with its page."""
        rows = places_in(article_ids, self.article_ids)
        for start in range(0, len(rows), ROWS):
            own = self.articles.take(rows[start : start + ROWS], self.articles.schema.names)
            pages = self.documents.take(places_in(own["document_id"], self.document_ids), self.documents.schema.names)
            yield from zip(from_table(own, Article), from_table(pages, Document), strict=True)

    def of(self, article: Article, document: Document, others: Mapping[str, str]) -> list[dict[str, object]]:
        """Return the column `restore` of one article; `others` maps columns to withheld names."""
        text = text_delta(article, document)
        if apply_delta(document.raw, text) != article.text:
            raise ValueError(f"article {article.id} does not follow from its page and its edits")
        rows = [delta_to_row(text)]
        self.titles += article.title is not None
        for column, value in {**({} if article.title is None else {"title": article.title}), **others}.items():
            delta = field_delta(column, value, article, document)
            if delta is None and column == "title":
                self.lost.append(Dropped("build", f"title of {article.id}", LOST))
            rows.append(delta_to_row(delta or Delta(column, "")))
        return rows


def _edition(config: str, table: pa.Table, names: LabelNames, withheld: Withheld, recipes: _Recipes) -> pa.Table:
    """Return a table of a config with the columns of the stand-off edition."""
    columns = features(names, "standoff")[config]
    schema = arrow_schema(columns)
    made: dict[str, pa.ChunkedArray] = {}
    for name in schema.names:
        if name == "restore":
            made[name] = pa.chunked_array(_restore(table, withheld, recipes), schema.field(name).type)
        elif name == "spans":
            made[name] = _without_text(table[name], schema.field(name).type)
        else:
            made[name] = _without(table[name], withheld.get(name, frozenset()))
    return pa.table([made[name] for name in schema.names], schema=schema)


def _without(column: pa.ChunkedArray, rows: frozenset[int]) -> pa.ChunkedArray:
    """Return a column with null in these rows."""
    if not rows:
        return column
    kept = np.ones(len(column), bool)
    kept[sorted(rows)] = False
    return pc.if_else(pa.array(kept), column, pa.scalar(None, column.type))


def _without_text(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return the spans column without the text of spans."""
    return pa.chunked_array([_spans(chunk, [field.name for field in kind.value_type]) for chunk in column.chunks], kind)


def _spans(chunk: pa.Array, fields: Sequence[str]) -> pa.Array:
    """Return a chunk of spans with these fields only."""
    items = chunk.flatten()
    counts = np.asarray(pc.list_value_length(chunk))
    return lists(counts, struct({name: pc.struct_field(items, name) for name in fields}))


def _restore(table: pa.Table, withheld: Withheld, recipes: _Recipes) -> Iterator[pa.Array]:
    """Yield the column `restore` of the articles, in batches."""
    kind = pa.list_(feature_type(RESTORE))
    pages = recipes.pages(whole(table["id"]))
    others: dict[int, dict[str, str]] = {}
    for name, rows in withheld.items():
        for row in rows:
            others.setdefault(row, {})[name] = table[name][row].as_py()
    for start in range(0, table.num_rows, ROWS):
        own = islice(pages, ROWS)
        yield pa.array([recipes.of(*page, others.get(row, {})) for row, page in enumerate(own, start)], kind)


def to_full(
    config: str, batches: Iterable[pa.RecordBatch], names: LabelNames, texts: Mapping[str, Mapping[str, str | None]]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of the full edition from those of the stand-off edition.

    `texts` maps each article to its restored columns; rows of other articles are left out.
    """
    schema = arrow_schema(features(names)[config])
    for batch in batches:
        key = "article_id" if "article_id" in batch.schema.names else "id"
        restored_rows = pa.array([article_id in texts for article_id in batch[key].to_pylist()], pa.bool_())
        yield _full(batch.filter(restored_rows), key, schema, texts)


def _full(
    batch: pa.RecordBatch, key: str, schema: pa.Schema, texts: Mapping[str, Mapping[str, str | None]]
) -> pa.RecordBatch:
    """Return a batch in the schema of the full edition."""
    columns_of = [texts[article_id] for article_id in batch[key].to_pylist()]
    bodies = [columns["text"] or "" for columns in columns_of]

    def column(field: pa.Field) -> pa.Array:
        name = field.name
        if name == "text":
            return pa.array([body.encode() for body in bodies], pa.string())
        if name == "tokens":
            return _sliced(batch["token_spans"], bodies)
        if name == "spans":
            return _with_text(batch["spans"], bodies, field.type)
        if any(name in columns for columns in columns_of):
            kept = batch[name].to_pylist() if name in batch.schema.names else [None] * len(columns_of)
            values = [columns.get(name, value) for columns, value in zip(columns_of, kept, strict=True)]
            return pa.array(values, pa.string())
        return batch[name] if name in batch.schema.names else pa.nulls(len(columns_of), field.type)

    return pa.RecordBatch.from_arrays([column(field) for field in schema], schema=schema)


def _with_text(spans: pa.Array, texts: Sequence[str], kind: pa.DataType) -> pa.Array:
    """Return the spans column with the text of each span."""
    items, words = spans.flatten(), _sliced(spans, texts).flatten()
    names = [field.name for field in kind.value_type]
    parts = {name: words if name == "text" else pc.struct_field(items, name) for name in names}
    return lists(np.asarray(pc.list_value_length(spans)), struct(parts))


def _sliced(places: pa.Array, texts: Sequence[str]) -> pa.Array:
    """Return the characters at the offsets of each row in its text."""
    items = places.flatten()
    counts = np.asarray(pc.list_value_length(places))
    starts, ends = (pc.struct_field(items, name).to_pylist() for name in ("start", "end"))
    owners = np.repeat(np.arange(len(counts)), counts).tolist()
    words = [texts[owner][start:end] for owner, start, end in zip(owners, starts, ends, strict=True)]
    return lists(counts, pa.array(words, pa.string()))
