"""Annotations and gold labels read back from the tables of a release.

Offsets are code points of the published text, end exclusive.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.io.hashing import sha16
from builder.io.lists import cuts, empty, owners, retyped
from builder.io.parquet import whole
from builder.records import GOLD, Answer, PublishedAnnotation, Span
from builder.records.arrow import arrow_schema
from builder.release.diff.compare import ReleaseView
from builder.release.tables.features import Json, class_names, features_of

SCHEMA = arrow_schema(PublishedAnnotation)

BATCH = 2000
"""Texts that are hashed at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ReleaseAnnotations:
    """The articles, annotations and gold of a release.

    `pages` has a row for each article: its `id`, the `text_sha` of its published text, its `text` (null if not
    published), and its `origin`. `answers` has the schema of PublishedAnnotation, the gold after the annotations.
    `unsettled` holds the articles with an open or adjudicated dispute.
    """

    pages: pa.Table
    answers: pa.Table
    unsettled: frozenset[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Gold:
    """The gold of one kind: the articles that have any, the ones that were adjudicated, and each item with its article."""

    articles: pa.Array
    adjudicated: pa.Array
    article: pa.Array
    items: pa.StructArray


def read_annotations(side: ReleaseView) -> ReleaseAnnotations:
    """Read the annotations and the gold of a release; raises KeyError if a config or a column is missing."""
    pages = _pages(side)
    judged = _judged(side, pages) if "annotations" in side.rows else SCHEMA.empty_table()
    gold = {"spans": _gold_spans(side), "stances": _gold_stances(side), "answers": _gold_answers(side)}
    unsettled = {*pages["id"].to_pylist()} - {*gold["spans"].articles.to_pylist()}
    for one in gold.values():
        unsettled |= {*one.adjudicated.to_pylist()}
    for name in ("stances", "answers"):
        unsettled |= {*_without_gold(judged, name, gold[name]).to_pylist()}
    answers = pa.concat_tables([judged, _gold_rows(side, pages, gold)])
    return ReleaseAnnotations(pages, answers, frozenset(unsettled))


def _pages(side: ReleaseView) -> pa.Table:
    """Return the articles of a release."""
    ids, hashes, urls, sources = (side.read("articles", name) for name in ("id", "text_sha", "url", "source"))
    has_text = "text" in side.schemas["articles"].names
    texts = side.read("articles", "text") if has_text else pa.chunked_array([pa.nulls(len(ids), pa.string())])
    # Spans refer to the published text, which redaction may have changed, so its own hash is what counts.
    own = pa.chunked_array(_hashes(texts), pa.string())
    given = pc.if_else(pc.equal(urls, ""), None, urls)
    columns = {"id": ids, "text_sha": pc.coalesce(own, hashes), "text": texts,
               "origin": pc.fill_null(pc.coalesce(given, sources), "")}  # fmt: skip
    return pa.table(columns)


def _hashes(texts: pa.ChunkedArray) -> Iterator[pa.Array]:
    """Yield the hashes of texts, null for null, in batches."""
    for chunk in texts.chunks:
        for low in range(0, len(chunk), BATCH):
            values = chunk.slice(low, BATCH).to_pylist()
            yield pa.array([None if text is None else sha16(text) for text in values], pa.string())


def _judged(side: ReleaseView, pages: pa.Table) -> pa.Table:
    """Return the submitted annotations of a release."""
    article, who, status = (whole(side.read("annotations", name)) for name in ("article_id", "annotator", "status"))
    there = side.schemas["annotations"].names
    names = {"stances": {"value": _names(side, "annotations", "stances", "value")} if "stances" in there else {},
             "answers": {}, "spans": {"label": _names(side, "annotations", "spans", "label")}}  # fmt: skip
    lists = {
        name: _named(whole(side.read("annotations", name)), name, names[name])
        if name in there or name == "spans"
        else empty(SCHEMA.field(name).type, len(article))
        for name in ("stances", "answers", "spans")
    }
    table = pa.table({"article_id": article, "who": who, **lists}).filter(pc.equal(status, "submitted"))
    return _published(side, pages, table)


def _published(side: ReleaseView, pages: pa.Table, table: pa.Table) -> pa.Table:
    """Return annotations with the hash of their article's text; raises KeyError if the release has no such article."""
    at = pc.index_in(whole(table["article_id"]), whole(pages["id"]))
    if at.null_count:
        raise KeyError(whole(table["article_id"]).filter(pc.is_null(at))[0].as_py())
    columns = {**{name: table[name] for name in table.column_names}, "text_sha": whole(pages["text_sha"]).take(at),
               "version": pa.repeat(side.about.version, table.num_rows)}  # fmt: skip
    return pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _named(lists: pa.Array, name: str, names: Mapping[str, tuple[str, ...]]) -> pa.Array:
    """Return a column of lists as that of PublishedAnnotation; raises TypeError if an item lacks a value."""
    found = retyped(lists, SCHEMA.field(name).type, names)
    if any(part.null_count for part in (found.values, *found.values.flatten())):
        raise TypeError(f"a value in `{name}` is null")
    return found


def _gold_spans(side: ReleaseView) -> _Gold:
    """Return the gold spans of a release."""
    if "entities" not in side.rows:
        return _no_gold("spans")
    ids, spans, flags = (whole(side.read("entities", name)) for name in ("id", "spans", "adjudicated"))
    named = _named(spans, "spans", {"label": _names(side, "entities", "spans", "label")})
    return _Gold(ids, ids.filter(flags), ids.take(pa.array(owners(named))), named.values)


def _gold_stances(side: ReleaseView) -> _Gold:
    """Return the gold stances of a release."""
    if "stance" not in side.rows:
        return _no_gold("stances")
    article, target, stance, flags = (
        whole(side.read("stance", name)) for name in ("article_id", "target", "stance", "adjudicated")
    )
    names = pa.array(class_names(features_of(side.schemas["stance"])["stance"]), pa.string())
    if stance.null_count:
        raise TypeError("a value in `stance` is null")
    items = pa.StructArray.from_arrays([target, names.take(stance)], fields=[*SCHEMA.field("stances").type.value_type])
    return _Gold(article, article.filter(flags), article, items)


def _gold_answers(side: ReleaseView) -> _Gold:
    """Return the gold answers of a release, leaving out rows without an answer."""
    if "questions" not in side.rows:
        return _no_gold("answers")
    article, question, given, flags = (
        whole(side.read("questions", name)) for name in ("article_id", "question", "answers", "adjudicated")
    )
    row = pa.array(owners(given))
    items = pa.StructArray.from_arrays(
        [question.take(row), given.flatten()], fields=[*SCHEMA.field("answers").type.value_type]
    )
    return _Gold(article.take(row), article.filter(flags), article.take(row), items)


def _no_gold(name: str) -> _Gold:
    """Return the gold of a kind that a release has not."""
    none = pa.array([], pa.string())
    return _Gold(none, none, none, pa.array([], SCHEMA.field(name).type.value_type))


def _without_gold(judged: pa.Table, name: str, gold: _Gold) -> pa.Array:
    """Return the articles of annotations that answer something of which their article has no gold."""
    lists = whole(judged[name])
    article, asked = whole(judged["article_id"]).take(pa.array(owners(lists))), lists.flatten().field(0)
    pairs, known = (
        pc.binary_join_element_wise(*columns, "\0")
        for columns in ((article, asked), (gold.article, gold.items.field(0)))
    )
    return article.filter(pc.invert(pc.is_in(pairs, known)))


def _gold_rows(side: ReleaseView, pages: pa.Table, gold: Mapping[str, _Gold]) -> pa.Table:
    """Return the gold of each article that has any, in the order of articles."""
    ids = whole(pages["id"])
    ids = ids.filter(pc.is_in(ids, pa.concat_arrays([one.articles for one in gold.values()])))
    lists = {name: _grouped(one, ids) for name, one in gold.items()}
    return _published(side, pages, pa.table({"article_id": ids, "who": pa.repeat(GOLD, len(ids)), **lists}))


def _grouped(gold: _Gold, ids: pa.Array) -> pa.Array:
    """Return the sorted items of each article."""
    names = [field.name for field in gold.items.type]
    table = pa.table([pc.index_in(gold.article, ids), *gold.items.flatten()], ["row", *names])
    table = table.filter(pc.is_valid(table["row"])).sort_by([(name, "ascending") for name in table.column_names])
    items = pa.StructArray.from_arrays([whole(table[name]) for name in names], fields=[*gold.items.type])
    sizes = np.bincount(table["row"].to_numpy(), minlength=len(ids))
    return pa.ListArray.from_arrays(pa.array(cuts(sizes), pa.int32()), items)


def _names(side: ReleaseView, config: str, column: str, field: str) -> tuple[str, ...]:
    """Return the names of the numbers in a field of a column of lists."""
    return tuple(class_names(_inner(side, config, column, field)))


def entity_spans(side: ReleaseView) -> Iterator[tuple[Span, ...]]:
    """Yield the gold spans of each row of `entities`."""
    names = _names(side, "entities", "spans", "label")
    for chunk in side.read("entities", "spans").chunks:
        for row in chunk.to_pylist():
            yield tuple(Span(span["start"], span["end"], names[span["label"]]) for span in row)


def question_answers(side: ReleaseView) -> dict[str, tuple[Answer, ...]]:
    """Return the gold answers of each article that `questions` has."""
    found: dict[str, tuple[Answer, ...]] = {}
    if "questions" in side.rows:
        rows = (side.read("questions", name).to_pylist() for name in ("article_id", "question", "answers"))
        for article, question, given in zip(*rows, strict=True):
            found[article] = (*found.get(article, ()), *(Answer(question, value) for value in given))
    return found


def _inner(side: ReleaseView, config: str, column: str, field: str) -> Json:
    feature = features_of(side.schemas[config])[column]
    inner = feature[0] if isinstance(feature, list) else None
    return inner.get(field) if isinstance(inner, dict) else None
