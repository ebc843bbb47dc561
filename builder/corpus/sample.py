"""A batch: one article of each near-duplicate group, spread over sources, then months, then lengths.

Works on Arrow columns in numpy, so that ten million candidates become no Python objects; only what is chosen does.
Chance is a hash of the seed and the group's name, so that the choice does not depend on order, and each group that
is added takes the place of one at most. Does not write the batch; what to annotate next by what was learnt so far
is not known here.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.chance import Chances, chances, mixed
from builder.records import Account, Article, BatchItem, Document, Group

Places = NDArray[np.int64]

MIN_CHARACTERS = 200
"""Code points; a shorter article has too little to annotate."""
LENGTHS = (800, 2000)
"""Code points from which an article is of middle length, and from which it is long. Fixed: terciles would move with
each article that is added, and reshuffle the rest."""
CANDIDATES = pa.schema([
    ("id", pa.string()), ("document_id", pa.string()), ("text_sha", pa.string()), ("group_id", pa.string()),
    ("source", pa.string()), ("published_at", pa.string()), ("characters", pa.int64()), ("reason", pa.string()),
])  # fmt: skip
"""One row for each article; `reason` is why a filter sets it aside, and null where none does."""
REASONS = ("chosen", "not chosen", "same group", "in an earlier batch", "too short")
_CHOSEN, _LEFT, _GROUP, _EARLIER, _SHORT, _FILTERED = range(6)


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A batch in the order of choosing, the account of every candidate, and of each row what became of it."""

    items: list[BatchItem]
    account: Account
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
) -> tuple[list[BatchItem], Account]:
    """The same as `choose`, of records; `taken` names the groups of earlier batches."""
    found = choose(candidates(articles, groups, documents), batch, size, seed, taken)
    return found.items, found.account


def candidates(
    articles: Sequence[Article],
    groups: Sequence[Group],
    documents: Sequence[Document],
    reasons: Mapping[str, str] | None = None,
) -> pa.Table:
    """The columns of CANDIDATES; `reasons` says of article ids why a filter sets them aside."""
    group_of = {row.article_id: row.group_id for row in groups}
    pages = {document.id: document for document in documents}
    of = [pages[article.document_id] for article in articles]
    columns = [
        [article.id for article in articles],
        [article.document_id for article in articles],
        [article.text_sha for article in articles],
        [group_of[article.id] for article in articles],
        [page.source for page in of],
        [page.published_at for page in of],
        [len(article.text) for article in articles],
        [(reasons or {}).get(article.id) for article in articles],
    ]
    return pa.table([pa.array(own, kind.type) for own, kind in zip(columns, CANDIDATES, strict=True)], CANDIDATES)


def choose(table: pa.Table, batch: str, size: int, seed: int, taken: Collection[str]) -> Sample:
    """At most `size` items of a table of CANDIDATES, the account of all its rows, and the fate of each.

    A group's root (the article that it is named after) stands for it, or, where that is too short or set aside, the
    smallest id that is neither. Sources take turns for as long as they have any; within a source its months do, and
    within a month the bands of LENGTHS. An article whose date is unknown is of a month of its own. `taken` names the
    groups of earlier batches.
    """
    fates = np.full(table.num_rows, _LEFT, np.int8)
    group, names = _coded(table["group_id"])
    is_taken = pc.is_in(names, pa.array(sorted(taken), names.type))
    fates[is_taken.to_numpy(zero_copy_only=False)[group]] = _EARLIER
    fates[pc.is_valid(table["reason"]).to_numpy()] = _FILTERED
    fates[table["characters"].to_numpy() < MIN_CHARACTERS] = _SHORT
    rows = np.flatnonzero(fates == _LEFT)
    fates[rows] = _GROUP
    stand = _standing(table, group, rows)
    fates[stand] = _LEFT
    picked = _in_turn(table, stand, size, seed)
    fates[picked] = _CHOSEN
    kept = table.select(["id", "text_sha", "group_id", "source"]).take(pa.array(picked))
    items = [BatchItem(batch, *row) for row in zip(*(column.to_pylist() for column in kept), strict=True)]
    told = _told(fates, table["reason"])
    return Sample(items, _account(told, len(items)), told)


def narrowed(found: Sample, ids: Sequence[str]) -> tuple[list[BatchItem], Account]:
    """The items of these articles only, in this order, and the account in which the others were not chosen."""
    by_id = {item.article_id: item for item in found.items}
    items = [by_id[name] for name in ids]
    aside = Counter(found.account.set_aside)
    aside[REASONS[_LEFT]] += len(found.items) - len(items)
    return items, replace(found.account, kept=len(items), set_aside={w: n for w, n in sorted(aside.items()) if n})


def _coded(column: pa.ChunkedArray) -> tuple[Places, pa.Array]:
    """A number for each value (any for a null), and the values by number."""
    chunks = column.dictionary_encode().chunks
    codes = [pc.fill_null(chunk.indices, 0).to_numpy() for chunk in chunks]
    values = chunks[-1].dictionary if chunks else pa.array([], column.type)
    return np.concatenate([np.empty(0, np.int64), *codes]).astype(np.int64), values


def _standing(table: pa.Table, group: Places, rows: Places) -> Places:
    """Of these rows, the one that stands for each group; only groups of several are sorted."""
    sizes = np.bincount(group[rows], minlength=1)
    several = rows[sizes[group[rows]] > 1]
    own = table.select(["group_id", "id"]).take(pa.array(several))
    other = pc.not_equal(own["id"], own["group_id"])
    keys = pa.table({"group": pa.array(group[several]), "other": pc.cast(other, pa.int8()), "id": own["id"]})
    order = pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names]).to_numpy()
    ordered = several[order]
    _, firsts = np.unique(group[ordered], return_index=True)
    return np.sort(np.concatenate([rows[sizes[group[rows]] == 1], ordered[firsts]]))


def _in_turn(table: pa.Table, rows: Places, size: int, seed: int) -> Places:
    """At most `size` of these rows: one of each source in turn, of a source one of each month, of a month of each band.

    Each is in an order of chance. A stratum gives no more than `size`, so the rest of it is left out early.
    """
    own = table.select(["group_id", "source", "published_at", "characters"]).take(pa.array(rows))
    order = _by_chance(own["group_id"], chances(own["group_id"], seed))
    cell: Places = np.zeros(len(rows), np.int64)
    key: Chances = np.zeros(len(rows), np.uint64)
    strata: list[tuple[Places, Chances]] = []
    for column in (own["source"], _months(own["published_at"]), _bands(own["characters"])):
        codes, values = _coded(column)
        key = mixed(key, chances(values, seed)[codes])
        _, cell = np.unique(cell * len(values) + codes, return_inverse=True)
        strata.append((cell, key))
    for cell, key in reversed(strata):
        turns = _turns(cell[order])
        order, turns = order[turns < size], turns[turns < size]
        order = order[np.lexsort((key[order], turns))]
    return rows[order[:size]]


def _by_chance(names: pa.ChunkedArray, chance: Chances) -> Places:
    """The order of chance; where two names have the same number, that of the names."""
    order = np.argsort(chance, kind="stable")
    if (np.diff(chance[order]) == 0).any():
        keys = pa.table({"chance": chance, "name": names})
        order = pc.sort_indices(keys, [("chance", "ascending"), ("name", "ascending")]).to_numpy().astype(np.int64)
    return order


def _turns(cells: Places) -> Places:
    """How many of the same cell stand before each.

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
    """The month of each ISO 8601 date where it was written, such as 2026-03; empty where it is unknown."""
    dates = pc.fill_null(dates, "")
    known = pc.match_substring_regex(dates, "^[0-9]{4}-(0[1-9]|1[0-2])(-|$)")
    return pc.if_else(known, pc.utf8_slice_codeunits(dates, 0, 7), "")


def _bands(characters: pa.ChunkedArray) -> pa.ChunkedArray:
    names = pa.array(["short", "middle", "long"])
    return pa.chunked_array([names.take(pa.array(np.searchsorted(LENGTHS, characters.to_numpy(), side="right")))])


def _told(fates: NDArray[np.int8], reasons: pa.ChunkedArray) -> pa.DictionaryArray:
    """The fates as words."""
    codes, values = _coded(reasons)
    words = [*REASONS, *(f"filtered: {reason}" for reason in values.to_pylist())]
    codes = np.where(fates == _FILTERED, codes + _FILTERED, fates).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(words, pa.string()))


def _account(fates: pa.DictionaryArray, kept: int) -> Account:
    counts = np.bincount(fates.indices.to_numpy(), minlength=len(fates.dictionary)).tolist()
    words = zip(fates.dictionary.to_pylist(), counts, strict=True)
    aside = {word: count for word, count in sorted(words) if count and word != REASONS[_CHOSEN]}
    return Account("sample", "articles", len(fates), kept, aside)
