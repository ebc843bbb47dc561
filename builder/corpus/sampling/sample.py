"""Stratified sampling of a batch: one article of each near-duplicate group, over sources, then months, then lengths.

It works on Arrow columns in numpy, so that only the chosen candidates become Python objects. The random order is a hash
of the seed and the group id, so that the choice does not depend on the order of the input, and each added group
displaces at most one article.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.sampling.hashing import Hashes, combine_hashes, hash_strings
from builder.records import Article, BatchItem, Document, Group, StageCounts
from builder.schema.dataset import MIN_LENGTH

Places = NDArray[np.int64]

LENGTHS = (800, 2000)
"""Code points from which an article is of middle length, and from which it is long. They are fixed, because terciles
would move with each added article and reshuffle the others."""

CANDIDATES = pa.schema([
    ("id", pa.string()), ("document_id", pa.string()), ("text_sha", pa.string()), ("group_id", pa.string()),
    ("source", pa.string()), ("published_at", pa.string()), ("characters", pa.int64()), ("reason", pa.string()),
])  # fmt: skip
"""One row for each article; `reason` is that of the filter it fails, or null."""

REASONS = ("chosen", "not chosen", "same group", "in an earlier batch", "too short")

_CHOSEN, _LEFT, _GROUP, _EARLIER, _SHORT, _FILTERED = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A batch in the order of choosing, the account of all candidates, and the fate of each row."""

    items: list[BatchItem]
    account: StageCounts
    fates: pa.DictionaryArray
    """One of REASONS for each row, or `filtered: ` with the filter's reason."""


def sample(
    articles: Sequence[Article],
    groups: Sequence[Group],
    documents: Sequence[Document],
    batch: str,
    size: int,
    seed: int,
    taken: Collection[str],
) -> tuple[list[BatchItem], StageCounts]:
    """Choose a batch from records, as `choose` does from a table; `taken` has the groups of earlier batches."""
    chosen = choose(candidates(articles, groups, documents), batch, size, seed, taken)
    return chosen.items, chosen.account


def candidates(
    articles: Sequence[Article],
    groups: Sequence[Group],
    documents: Sequence[Document],
    reasons: Mapping[str, str] | None = None,
) -> pa.Table:
    """Build the table of CANDIDATES; `reasons` maps article ids to the reason of the filter that they fail."""
    group_of = {row.article_id: row.group_id for row in groups}
    by_id = {document.id: document for document in documents}
    pages = [by_id[article.document_id] for article in articles]
    columns = [
        [article.id for article in articles],
        [article.document_id for article in articles],
        [article.text_sha for article in articles],
        [group_of[article.id] for article in articles],
        [page.source for page in pages],
        [page.published_at for page in pages],
        [len(article.text) for article in articles],
        [(reasons or {}).get(article.id) for article in articles],
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, CANDIDATES, strict=True)]
    return pa.table(arrays, CANDIDATES)


def choose(
    table: pa.Table, batch: str, size: int, seed: int, taken: Collection[str], *,
    min_length: int = MIN_LENGTH, one_of_each_group: bool = True,
) -> Sample:  # fmt: skip
    """Choose at most `size` items from a table of CANDIDATES; return them with the account and the fate of all rows.

    A group is represented by its root (the article that it is named after), or, if the root is too short or filtered,
    by the smallest id that is neither. Sources take turns while they have articles, then the months of a source, then
    the length bands (LENGTHS) of a month. Articles of unknown date form a month of their own. `taken` has the groups of
    earlier batches.

    Without `one_of_each_group` every article stands for itself, and `taken` has the articles of earlier batches.
    """
    fates = np.full(table.num_rows, _LEFT, np.int8)
    unit = "group_id" if one_of_each_group else "id"
    group, names = _coded(table[unit])
    is_taken = pc.is_in(names, pa.array(sorted(taken), names.type))
    fates[is_taken.to_numpy(zero_copy_only=False)[group]] = _EARLIER
    fates[pc.is_valid(table["reason"]).to_numpy()] = _FILTERED
    fates[table["characters"].to_numpy() < min_length] = _SHORT
    rows = np.flatnonzero(fates == _LEFT)
    fates[rows] = _GROUP
    representatives = _standing(table, group, rows)
    fates[representatives] = _LEFT
    picked = _in_turn(table, representatives, size, seed, unit)
    fates[picked] = _CHOSEN
    columns = table.select(["id", "text_sha", "group_id", "source"]).take(pa.array(picked))
    items = [BatchItem(batch, *row) for row in zip(*(column.to_pylist() for column in columns), strict=True)]
    labels = _fate_labels(fates, table["reason"])
    return Sample(items, _account(labels, len(items)), labels)


def restrict_to(chosen: Sample, ids: Sequence[str]) -> tuple[list[BatchItem], StageCounts]:
    """Return the items of these articles, in this order, and the account that counts the others as not chosen."""
    by_id = {item.article_id: item for item in chosen.items}
    items = [by_id[article_id] for article_id in ids]
    aside = Counter(chosen.account.set_aside)
    aside[REASONS[_LEFT]] += len(chosen.items) - len(items)
    return items, replace(chosen.account, kept=len(items), set_aside={w: n for w, n in sorted(aside.items()) if n})


def _coded(column: pa.ChunkedArray) -> tuple[Places, pa.Array]:
    """Return the dictionary code of each value (any code for a null), and the values by code."""
    chunks = column.dictionary_encode().chunks
    codes = [pc.fill_null(chunk.indices, 0).to_numpy() for chunk in chunks]
    values = chunks[-1].dictionary if chunks else pa.array([], column.type)
    return np.concatenate([np.empty(0, np.int64), *codes]).astype(np.int64), values


def _standing(table: pa.Table, group: Places, rows: Places) -> Places:
    """Return the row that represents each group, among these rows; only groups with several rows are sorted."""
    sizes = np.bincount(group[rows], minlength=1)
    several = rows[sizes[group[rows]] > 1]
    members = table.select(["group_id", "id"]).take(pa.array(several))
    other = pc.not_equal(members["id"], members["group_id"])
    keys = pa.table({"group": pa.array(group[several]), "other": pc.cast(other, pa.int8()), "id": members["id"]})
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]).to_numpy()
    ordered = several[order]
    _, firsts = np.unique(group[ordered], return_index=True)
    return np.sort(np.concatenate([rows[sizes[group[rows]] == 1], ordered[firsts]]))


def _in_turn(table: pa.Table, rows: Places, size: int, seed: int, unit: str) -> Places:
    """Choose at most `size` of these rows, each with a name in the column `unit`, by nested round robin, over sources, their months and the months' bands.

    Within each level the order is random. A stratum yields at most `size` rows, so the rest of it is dropped early.
    """
    columns = table.select([unit, "source", "published_at", "characters"]).take(pa.array(rows))
    order = _by_chance(columns[unit], hash_strings(columns[unit], seed))
    cell: Places = np.zeros(len(rows), np.int64)
    key: Hashes = np.zeros(len(rows), np.uint64)
    strata: list[tuple[Places, Hashes]] = []
    for column in (columns["source"], _months(columns["published_at"]), _bands(columns["characters"])):
        codes, values = _coded(column)
        key = combine_hashes(key, hash_strings(values, seed)[codes])
        _, cell = np.unique(cell * len(values) + codes, return_inverse=True)
        strata.append((cell, key))
    for cell, key in reversed(strata):
        turns = _turns(cell[order])
        order, turns = order[turns < size], turns[turns < size]
        order = order[np.lexsort((key[order], turns))]
    return rows[order[:size]]


def _by_chance(names: pa.ChunkedArray, hashes: Hashes) -> Places:
    """Return the order by hash, and by name among equal hashes."""
    order = np.argsort(hashes, kind="stable")
    if (np.diff(hashes[order]) == 0).any():
        keys = pa.table({"hash": hashes, "name": names})
        order = pc.sort_indices(keys, [("hash", "ascending"), ("name", "ascending")]).to_numpy().astype(np.int64)
    return order


def _turns(cells: Places) -> Places:
    """Count, for each element, the equal elements before it.

    >>> _turns(np.array([7, 2, 7, 7, 2])).tolist()
    [0, 0, 1, 2, 1]
    """
    order = np.argsort(cells, kind="stable")
    ordered = cells[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=ordered[:1] - 1))
    turns = np.empty(len(cells), np.int64)
    turns[order] = np.arange(len(cells)) - np.repeat(begins, np.diff(begins, append=len(cells)))
    return turns


def _months(dates: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the month of each ISO 8601 date, in its own time zone, such as 2026-03; empty if it is unknown."""
    dates = pc.fill_null(dates, "")
    known = pc.match_substring_regex(dates, "^[0-9]{4}-(0[1-9]|1[0-2])(-|$)")
    return pc.if_else(known, pc.utf8_slice_codeunits(dates, 0, 7), "")


def _bands(characters: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return the length band of each count of code points."""
    names = pa.array(["short", "middle", "long"])
    return pa.chunked_array([names.take(pa.array(np.searchsorted(LENGTHS, characters.to_numpy(), side="right")))])


def _fate_labels(fates: NDArray[np.int8], reasons: pa.ChunkedArray) -> pa.DictionaryArray:
    """Return the fates as labels: REASONS, or `filtered: ` with the filter's reason."""
    codes, values = _coded(reasons)
    labels = [*REASONS, *(f"filtered: {reason}" for reason in values.to_pylist())]
    codes = np.where(fates == _FILTERED, codes + _FILTERED, fates).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(labels, pa.string()))


def _account(fates: pa.DictionaryArray, kept: int) -> StageCounts:
    """Count the rows by fate."""
    counts = np.bincount(fates.indices.to_numpy(), minlength=len(fates.dictionary)).tolist()
    by_label = zip(fates.dictionary.to_pylist(), counts, strict=True)
    aside = {label: count for label, count in sorted(by_label) if count and label != REASONS[_CHOSEN]}
    return StageCounts("sample", "articles", len(fates), kept, aside)
