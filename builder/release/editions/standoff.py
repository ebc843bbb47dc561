"""What an edition asks of a build beside its tables: nothing of the full one, an audit of the stand-off one.

Does not know how an edition is made: that is builder.release.editions.standoff.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.records import Article, Document, Dropped, KhabarError, count_by_reason
from builder.release.editions.audit import quotations
from builder.release.editions.delta import Recipe, field_recipe, restored, text_recipe, to_row
from builder.release.editions.ngrams import Fold, quotes
from builder.release.tables.arrow import lists, struct
from builder.release.tables.build import ROWS, Built, Tables
from builder.release.tables.features import RESTORE, Edition, Names, arrow_schema, feature_type, features, names_of
from builder.release.tables.inputs import Material


def of(edition: Edition, built: Built, material: Material, fold: Fold) -> Built:
    """The tables of an edition, made of those of the full one."""
    return standoff(built, material, fold) if edition == "standoff" else built


def audit(edition: Edition, material: Material, fold: Fold) -> Callable[[Path], None]:
    """What looks through the files of an edition before they are put in their place.

    It raises Refused (exit code 1) with every quotation in a stand-off edition.
    """

    def look(folder: Path) -> None:
        issues = quotations(folder, passages_of(material.articles), fold) if edition == "standoff" else []
        if issues:
            raise KhabarError(*issues, exit_code=1)

    return look


FREE = {"annotations": ("remark",), "articles": ("source_name", "author")}
"""Free text, which stays only where it quotes no article."""

QUOTES, LOST = "quotes an article", "no line of its page"

UNITS = "names and remarks in the stand-off edition", "titles that come back from their pages"


def standoff(built: Built, material: Material, fold: Fold) -> Built:
    """The stand-off edition of built tables; its last two accounts say what free text went, and what cannot come back.

    Raises ValueError where an article does not follow from its page and its edits.
    """
    names = names_of(material.labels)
    withheld = _withheld(built.tables, material.articles, fold)
    recipes = _Recipes(material)
    tables = {
        config: {
            split: _edition(config, table, names, withheld.get((config, split), {}), recipes)
            for split, table in splits.items()
        }
        for config, splits in built.tables.items()
    }
    said = sum(
        pc.sum(pc.fill_null(pc.greater(pc.utf8_length(table[name]), 0), fill_value=False)).as_py() or 0
        for config, columns in FREE.items()
        for table in built.tables[config].values()
        for name in columns
    )
    gone = [
        Dropped("build", f"{name} in {config}/{split}, row {row}", QUOTES)
        for (config, split), columns in withheld.items()
        for name, rows in columns.items()
        for row in sorted(rows)
    ]
    accounts = (
        count_by_reason("build", UNITS[0], said, said - len(gone), gone),
        count_by_reason("build", UNITS[1], recipes.titles, recipes.titles - len(recipes.lost), recipes.lost),
    )
    aside = (*built.set_aside, *gone, *recipes.lost)
    return replace(built, tables=tables, accounts=(*built.accounts, *accounts), set_aside=aside)


Withheld = Mapping[str, frozenset[int]]
"""Of each free column, the rows whose value goes."""


def _withheld(
    tables: Tables, articles: Sequence[Article], fold: Fold
) -> dict[tuple[str, str], dict[str, frozenset[int]]]:
    """Which values of free columns quote any article."""
    passages = passages_of(articles)
    values: dict[str, None] = {}
    for config, names in FREE.items():
        for table in tables[config].values():
            for name in names:
                values |= dict.fromkeys(one for one in pc.unique(table[name]).to_pylist() if one)
    said = list(values)
    bad = {said[match.string] for match in quotes(said, [text for _, text in passages], fold)}
    found: dict[tuple[str, str], dict[str, frozenset[int]]] = {}
    for config, names in FREE.items():
        for split, table in tables[config].items():
            rows = {
                name: frozenset(number for number, value in enumerate(table[name].to_pylist()) if value in bad)
                if bad
                else frozenset[int]()
                for name in names
            }
            found[config, split] = rows
    return found


def passages_of(articles: Sequence[Article]) -> list[tuple[str, str]]:
    """What must not be quoted of articles: their texts and titles, with what each is."""
    texts = [(article.id, article.text) for article in articles]
    return texts + [(f"{article.id}, its title", article.title) for article in articles if article.title]


class _Recipes:
    """The recipes of articles, and of which titles there is none."""

    def __init__(self, material: Material) -> None:
        self.articles: Mapping[str, Article] = {article.id: article for article in material.articles}
        self.documents: Mapping[str, Document] = {document.id: document for document in material.documents}
        self.titles = 0
        self.lost: list[Dropped] = []

    def of(self, article_id: str, others: Mapping[str, str]) -> list[dict[str, object]]:
        """The column `restore` of one article; `others` are the withheld names by column."""
        article = self.articles[article_id]
        document = self.documents[article.document_id]
        text = text_recipe(article, document)
        if restored(document.raw, text) != article.text:
            raise ValueError(f"article {article_id} does not follow from its page and its edits")
        found = [to_row(text)]
        self.titles += article.title is not None
        for column, value in {**({} if article.title is None else {"title": article.title}), **others}.items():
            one = field_recipe(column, value, article, document)
            if one is None and column == "title":
                self.lost.append(Dropped("build", f"title of {article_id}", LOST))
            found.append(to_row(one or Recipe(column, "")))
        return found


def _edition(config: str, table: pa.Table, names: Names, withheld: Withheld, recipes: _Recipes) -> pa.Table:
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
    if not rows:
        return column
    kept = np.ones(len(column), bool)
    kept[sorted(rows)] = False
    return pc.if_else(pa.array(kept), column, pa.scalar(None, column.type))


def _without_text(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    return pa.chunked_array([_spans(chunk, [field.name for field in kind.value_type]) for chunk in column.chunks], kind)


def _spans(chunk: pa.Array, fields: Sequence[str]) -> pa.Array:
    items = chunk.flatten()
    counts = np.asarray(pc.list_value_length(chunk))
    return lists(counts, struct({name: pc.struct_field(items, name) for name in fields}))


def _restore(table: pa.Table, withheld: Withheld, recipes: _Recipes) -> Iterator[pa.Array]:
    kind = pa.list_(feature_type(RESTORE))
    ids = table["id"].to_pylist()
    others: dict[int, dict[str, str]] = {}
    for name, rows in withheld.items():
        for row in rows:
            others.setdefault(row, {})[name] = table[name][row].as_py()
    for start in range(0, len(ids), ROWS):
        yield pa.array(
            [recipes.of(one, others.get(row, {})) for row, one in enumerate(ids[start : start + ROWS], start)], kind
        )


def hydrated(
    config: str, batches: Iterable[pa.RecordBatch], names: Names, texts: Mapping[str, Mapping[str, str | None]]
) -> Iterator[pa.RecordBatch]:
    """The rows of the full edition, of those of the stand-off edition; `texts` leads from each article to its columns.

    Rows of articles that `texts` does not have are left out.
    """
    schema = arrow_schema(features(names)[config])
    for batch in batches:
        key = "article_id" if "article_id" in batch.schema.names else "id"
        there = pa.array([one in texts for one in batch[key].to_pylist()], pa.bool_())
        yield _full(batch.filter(there), key, schema, texts)


def _full(
    batch: pa.RecordBatch, key: str, schema: pa.Schema, texts: Mapping[str, Mapping[str, str | None]]
) -> pa.RecordBatch:
    own = [texts[one] for one in batch[key].to_pylist()]
    bodies = [one["text"] or "" for one in own]

    def column(field: pa.Field) -> pa.Array:
        name = field.name
        if name == "text":
            return pa.array([body.encode() for body in bodies], pa.string())
        if name == "tokens":
            return _sliced(batch["token_spans"], bodies)
        if name == "spans":
            return _with_text(batch["spans"], bodies, field.type)
        if any(name in one for one in own):
            there = batch[name].to_pylist() if name in batch.schema.names else [None] * len(own)
            return pa.array([one.get(name, kept) for one, kept in zip(own, there, strict=True)], pa.string())
        return batch[name] if name in batch.schema.names else pa.nulls(len(own), field.type)

    return pa.RecordBatch.from_arrays([column(field) for field in schema], schema=schema)


def _with_text(spans: pa.Array, texts: Sequence[str], kind: pa.DataType) -> pa.Array:
    items, words = spans.flatten(), _sliced(spans, texts).flatten()
    names = [field.name for field in kind.value_type]
    parts = {name: words if name == "text" else pc.struct_field(items, name) for name in names}
    return lists(np.asarray(pc.list_value_length(spans)), struct(parts))


def _sliced(places: pa.Array, texts: Sequence[str]) -> pa.Array:
    """The characters at the places of each row in its text."""
    items = places.flatten()
    counts = np.asarray(pc.list_value_length(places))
    starts, ends = (pc.struct_field(items, name).to_pylist() for name in ("start", "end"))
    owners = np.repeat(np.arange(len(counts)), counts).tolist()
    words = [texts[owner][start:end] for owner, start, end in zip(owners, starts, ends, strict=True)]
    return lists(counts, pa.array(words, pa.string()))
