"""The keys of all articles, read from their shards into columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import NO_RANK, Ranks, frequent
from builder.corpus.dedup.minhash import KEYS
from builder.corpus.dedup.spill import read_columns
from builder.records import Dropped
from builder.text.similarity import HEADING


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """The columns of all articles by rank, and the rank of each row of each shard of keys."""

    ids: pa.StringArray
    words: NDArray[np.int32]
    """The number of words of each article."""
    twin: NDArray[np.int64]
    """The rank of the first article with the same text."""
    heading: NDArray[np.uint64]
    """The hash of title and lead, or 0 if it identifies no story."""
    old: pa.StringArray
    """The group of an earlier run, or null."""
    rows: Sequence[Ranks]


def read_keys(keys: Sequence[str], earlier: Mapping[str, str] | pa.Table) -> tuple[Keys, list[Dropped]]:
    """Read the keys of all articles and rank them; set aside the later ones of articles with the same id."""
    names = ["id", "date", "text", "heading", "words"]
    tables = [read_columns(uri, names) for uri in keys]
    table = pa.concat_tables([KEYS.empty_table().select(names), *tables])
    order = pc.sort_indices(table, [("date", "ascending"), ("id", "ascending"), ("text", "ascending")]).to_numpy()
    rank = np.full(len(table), NO_RANK, np.uint32)
    ids = table["id"].take(order).combine_chunks()
    repeated: list[Dropped] = []
    if pc.count_distinct(ids).as_py() < len(ids):
        _, first = np.unique(ids.dictionary_encode().indices.to_numpy(), return_index=True)
        rest = np.setdiff1d(np.arange(len(ids)), first)
        repeated = [Dropped("dedup", ids[at].as_py(), "same-id", "an article of this id came before") for at in rest]
        order = order[np.sort(first)]
        ids = ids.take(np.sort(first))
    rank[order] = np.arange(len(order), dtype=np.uint32)
    table = table.select(["text", "heading", "words"]).take(order)
    cuts = np.cumsum([0, *map(len, tables)])
    corpus = Keys(
        ids,
        table["words"].to_numpy(),
        _twins(table["text"]),
        _headings(table["heading"]),
        _olds(ids, earlier),
        [rank[low:high] for low, high in pairwise(cuts.tolist())],
    )
    return corpus, repeated


def _twins(text: pa.ChunkedArray) -> NDArray[np.int64]:
    """Return the rank of the first article with the same text for each article; one without text is its own."""
    twin = np.arange(len(text))
    with_text = np.flatnonzero(text.is_valid().to_numpy())
    _, first, same = np.unique(text.drop_null().to_numpy(), return_index=True, return_inverse=True)
    twin[with_text] = with_text[first[same]]
    return twin


def _headings(heading: pa.ChunkedArray) -> NDArray[np.uint64]:
    """Return the hash of title and lead for each article, or 0 if there is none or too many articles share it."""
    values: NDArray[np.uint64] = heading.fill_null(0).to_numpy().copy()
    values[np.isin(values, frequent(values, HEADING))] = 0
    return values


def _olds(ids: pa.StringArray, earlier: Mapping[str, str] | pa.Table) -> pa.StringArray:
    """Return the group of an earlier run for each article, or null."""
    if not isinstance(earlier, pa.Table):
        pairs = {"article_id": [*earlier], "group_id": [*earlier.values()]}
        earlier = pa.table(pairs, schema=pa.schema([(name, pa.string()) for name in pairs]))
    at = pc.index_in(ids, value_set=earlier["article_id"].combine_chunks())
    return earlier["group_id"].combine_chunks().take(at)
