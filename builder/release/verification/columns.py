"""Columns that follow from other columns of the same row, and of the row of the same article.

Each function yields the rows in which a column is not what the others give.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.io.hashing import sha16
from builder.io.lists import counts, numbers, owners
from builder.io.parquet import whole
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.mentions import Mentions
from builder.release.verification.content import Content, as_published
from builder.release.verification.result import Mismatch
from builder.release.verification.spans import code_points, differing_lists, differing_words, mentions_of, rows_of
from builder.schema.labels import Labels

NULLABLE = frozenset({
    "title", "url", "published_at", "published_zone", "source_name", "author", "soft_label", "confidence", "seconds",
    "remark", "restore",
})  # fmt: skip
"""Columns that may be null; in the stand-off edition `spans.confidence` and fields of `restore` may be null too."""

KEYS = {
    "entities": ("id",), "stance": ("article_id", "target"), "questions": ("article_id", "question"),
    "annotations": ("article_id", "annotator"), "articles": ("id",),
}  # fmt: skip
"""The columns by which each config has at most one row."""

BATCH = 2000
"""Rows whose texts are in memory at once."""


def batches(table: pa.Table) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield a table in batches, each with the number of its first row."""
    low = 0
    for batch in table.combine_chunks().to_batches(max_chunksize=BATCH):
        yield low, batch
        low += batch.num_rows


def nulls(content: Content) -> Iterator[Mismatch]:
    """Yield the columns that are null where every row has a value."""
    for one in tables(content):
        config, split, table = one.config, one.split, one.table
        for name in table.column_names:
            if name not in NULLABLE:
                yield Mismatch(config, split, name, "null-free", np.flatnonzero(np.asarray(pc.is_null(table[name]))))


@dataclass(frozen=True, slots=True, eq=False)
class SplitTable:
    """The rows of one split of a config."""

    config: str
    split: str
    table: pa.Table


def tables(content: Content) -> Iterator[SplitTable]:
    """Yield the table of each split of each config."""
    for config, of in content.tables.items():
        for split, table in of.items():
            yield SplitTable(config, split, table)


def keys(content: Content) -> Iterator[Mismatch]:
    """Yield the rows that are out of order, stand twice, or are of an article that their split does not hold."""
    every: dict[str, list[pa.Array]] = {}
    for one in tables(content):
        config, split, table = one.config, one.split, one.table
        key = [whole(table[name]) for name in KEYS[config]]
        joined = pc.binary_join_element_wise(*key, "\t") if len(key) > 1 else key[0]
        every.setdefault(config, []).append(joined)
        after = np.asarray(pc.less_equal(joined[1:], joined[:-1])).astype(bool) if len(joined) else np.zeros(0, bool)
        yield Mismatch(config, split, " and ".join(KEYS[config]), "in order and unique", np.flatnonzero(after) + 1)
        home = whole(content.tables["articles"][split]["id"])
        known = np.asarray(pc.is_in(key[0], home)).astype(bool)
        yield Mismatch(config, split, KEYS[config][0], f"an article of {split}", np.flatnonzero(~known))
    for config, parts in every.items():
        seen: pa.Array = pa.array([], pa.string())
        for split, part in zip(SPLIT_NAMES, parts, strict=True):
            again = np.asarray(pc.is_in(part, seen)).astype(bool)
            yield Mismatch(config, split, KEYS[config][0], "in one split only", np.flatnonzero(again))
            seen = pa.concat_arrays([seen, part])


def articles(content: Content) -> Iterator[Mismatch]:
    """Yield what is wrong in the columns of `articles`."""
    for split, table in content.tables["articles"].items():
        made = pc.binary_join_element_wise(table["document_id"], pc.cast(table["part"], pa.string()), "-")
        yield unlike("articles", split, "id", "`document_id` and `part`", table["id"], made)
        undated = pc.and_(pc.is_valid(table["published_zone"]), pc.is_null(table["published_at"]))
        yield Mismatch("articles", split, "published_zone", "null where there is no date", _true(undated))
        if content.has_text():
            hashes = chain.from_iterable(map(sha16, batch["text"].to_pylist()) for _, batch in batches(table))
            wanted = pa.chunked_array([pa.array(hashes, pa.string())])
            yield unlike("articles", split, "text_sha", "the hash of `text`", table["text_sha"], wanted)
        if content.basis and content.is_current and not content.basis.dataset.publish_authors:
            named = _true(pc.is_valid(table["author"]))
            yield Mismatch("articles", split, "author", "null, although no author is published", named)


def copies(content: Content) -> Iterator[Mismatch]:
    """Yield the rows of `entities`, `stance` and `questions` in which a column is not that of its article in `articles`."""
    for one in tables(content):
        config, split, table = one.config, one.split, one.table
        if config in ("articles", "annotations"):
            continue
        home = content.tables["articles"][split]
        at = pc.index_in(whole(table[KEYS[config][0]]), whole(home["id"]))
        for name in table.column_names:
            if name in home.column_names and name != "id":
                wanted = whole(home[name]).take(at)
                yield unlike(config, split, name, "that of its article in `articles`", table[name], wanted)


def stance(content: Content, labels: Labels) -> Iterator[Mismatch]:
    """Yield what is wrong in the columns of `stance` that follow from its others and from the labels."""
    names = {target.id: target.ar for target in labels.stances.targets} if labels.stances else {}
    for split, table in content.tables.get("stance", {}).items():
        made = pc.binary_join_element_wise(table["article_id"], table["target"], ":")
        yield unlike("stance", split, "id", "`article_id` and `target`", table["id"], made)
        wanted = pa.chunked_array(
            [pa.array([names.get(target) for target in table["target"].to_pylist()], pa.string())]
        )
        yield unlike("stance", split, "target_name", "the name of `target`", table["target_name"], wanted)
        yield from _votes(split, table, len(content.names.values or ()))
        yield _outside("stance", split, "stance", table["stance"], len(content.names.published))


def _votes(split: str, table: pa.Table, values: int) -> Iterator[Mismatch]:
    """Yield the rows of `stance` whose soft labels or number of annotators do not follow from `label_counts`."""
    lists, soft = whole(table["label_counts"]), whole(table["soft_label"])
    short = counts(lists) != values
    yield Mismatch("stance", split, "label_counts", f"{values} numbers", np.flatnonzero(short))
    if short.any():
        return
    votes = numbers(lists.flatten())
    total = np.bincount(owners(lists), votes, len(lists)).astype(np.int64)
    yield Mismatch("stance", split, "n_annotators", "the sum of `label_counts`", _unequal(table["n_annotators"], total))
    voted = total > 0
    wanted = (votes / np.repeat(np.maximum(total, 1), values))[np.repeat(voted, values)]
    wrong = differing_lists(soft, np.where(voted, values, 0), (np.asarray(soft.flatten()), wanted))
    wrong |= np.asarray(pc.is_null(soft)) == voted
    yield Mismatch("stance", split, "soft_label", "the shares of `label_counts`", np.flatnonzero(wrong))


def span_places(content: Content) -> Iterator[Mismatch]:
    """Yield the spans that are empty, out of order, outside of their text, or have no label of the release."""
    for one in tables(content):
        config, split, table = one.config, one.split, one.table
        if "spans" not in table.column_names:
            continue
        lists = whole(table["spans"])
        spans = mentions_of(lists, content.names.entities)
        wrong = (spans.starts < 0) | (spans.starts >= spans.ends)
        wrong |= (spans.labels < 0) | (spans.labels >= len(content.names.entities))
        wrong[1:] |= (spans.owners[1:] == spans.owners[:-1]) & ~_ascend(spans, content.names.entities)
        if content.has_text():
            texts = _texts(content, config, split, table)
            wrong |= spans.ends > numbers(pc.utf8_length(texts))[spans.owners]
        yield Mismatch(config, split, "spans", "a list of labelled places in the text, in order",
                       np.flatnonzero(rows_of(lists, wrong)))  # fmt: skip


def _ascend(spans: Mentions, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which spans come after the one before them, by start, end and the name of the label."""
    rank = np.argsort(np.argsort(np.array([*names, ""])))
    keys = (spans.starts, spans.ends, rank[np.clip(spans.labels, 0, len(names))])
    after = np.zeros(max(len(spans.starts) - 1, 0), bool)
    for key in reversed(keys):
        after = (key[1:] > key[:-1]) | ((key[1:] == key[:-1]) & after)
    return after


def span_words(content: Content) -> Iterator[Mismatch]:
    """Yield the spans whose words are not those of the text at their place."""
    for one in tables(content):
        config, split, table = one.config, one.split, one.table
        if "spans" not in table.column_names:
            continue
        texts = _texts(content, config, split, table)
        lists = whole(table["spans"])
        for low in range(0, len(lists), BATCH):
            part, of = lists.slice(low, BATCH), code_points(texts.slice(low, BATCH))
            spans = mentions_of(part, content.names.entities)
            shift = of.begins[:-1][spans.owners]
            words = pc.struct_field(part.flatten(), "text")
            wrong = differing_words(of, spans.starts + shift, spans.ends + shift, words)
            rows = np.flatnonzero(rows_of(part, wrong)) + low
            yield Mismatch(config, split, "spans.text", "the text from `start` to `end`", rows)


def _texts(content: Content, config: str, split: str, table: pa.Table) -> pa.Array:
    """Return the text of the article of each row."""
    if "text" in table.column_names:
        return whole(table["text"])
    home = content.tables["articles"][split]
    at = pc.index_in(whole(table[KEYS[config][0]]), whole(home["id"]))
    return whole(home["text"]).take(at)


def _outside(config: str, split: str, name: str, column: pa.ChunkedArray, names: int) -> Mismatch:
    """Return the rows whose number names no label."""
    values = numbers(whole(column))
    return Mismatch(config, split, name, "a label", np.flatnonzero((values < 0) | (values >= names)))


def unlike(
    config: str, split: str, name: str, wanted: str, said: pa.ChunkedArray, right: pa.Array | pa.ChunkedArray
) -> Mismatch:
    """Return the rows in which a column differs from another; null equals null only."""
    same = pc.fill_null(pc.equal(said, right), fill_value=False)
    both = pc.and_(pc.is_null(said), pc.is_null(right))
    return Mismatch(config, split, name, wanted, _true(pc.invert(pc.or_(same, both))))


def _unequal(column: pa.ChunkedArray, wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.flatnonzero(numbers(whole(column)) != wanted)


def _true(flags: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the places of true values."""
    return np.flatnonzero(np.asarray(flags).astype(bool))


def groups(content: Content) -> Iterator[Mismatch]:
    """Yield the articles whose split group also stands in another split; the earliest releases name no groups.

    Groups of imported sets may, whose splits are those that were published.
    """
    if "split_group" not in content.articles().column_names:
        return
    every, free = content.articles(), pa.array(sorted(as_published(content.release)), pa.string())
    apart = pc.unique(every.filter(pc.is_in(every["source"], free))["split_group"])
    seen: dict[str, pa.Array] = {}
    for split in SPLIT_NAMES:
        found = pc.unique(content.tables["articles"][split]["split_group"])
        seen[split] = found.filter(pc.invert(pc.is_in(found, apart)))
    for split in SPLIT_NAMES:
        others: Sequence[pa.Array] = [seen[other] for other in SPLIT_NAMES if other != split]
        shared = pc.is_in(content.tables["articles"][split]["split_group"], pa.concat_arrays(others))
        yield Mismatch("articles", split, "split_group", "in one split only", _true(shared))
