"""Input files of the tasks of one part: candidates, words, and the similarities that other tasks wrote."""

from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import Pairs, make_pairs, sides
from builder.corpus.dedup.minhash import unpack_values
from builder.corpus.dedup.spill import read_part
from builder.text.shingles import HashedWords, Hashes


def candidates_of(scratch: str, part: int, ranks: NDArray[np.int64]) -> Pairs:
    """Return the candidates of one part, as pairs of positions among its members."""
    left, right = sides(read_part(f"{scratch}/pairs.parquet", part)["pair"].to_numpy())
    return make_pairs(np.searchsorted(ranks, left), np.searchsorted(ranks, right))


def similarities_path(scratch: str, part: int, which: slice) -> str:
    """Return the path of the similarities of a slice of a part's candidates."""
    return f"{scratch}/shares-{part:05}-{which.start}.parquet"


def words_of(scratch: str, shards: int, part: int, ranks: NDArray[np.int64], needed: NDArray[np.bool_]) -> HashedWords:
    """Return the words of the articles of a part, by rank; articles that are not needed get no words."""
    tables: list[pa.Table] = []
    if not needed.any():
        return HashedWords(np.empty(0, np.uint64), np.zeros(len(ranks), np.int64))
    for number in range(shards):
        table = read_part(f"{scratch}/words-{number:05}.parquet", part)
        wanted = needed[np.searchsorted(ranks, table["rank"].to_numpy())]
        tables.append(table if wanted.all() else table.filter(pa.array(wanted)))
        del table
    table = pa.concat_tables(tables)
    table = table.take(pc.sort_indices(table["rank"])).combine_chunks()
    del tables  # the largest objects of a task
    if not len(table):
        return HashedWords(np.empty(0, np.uint64), np.zeros(len(ranks), np.int64))
    values, counts = unpack_values(table["order"].combine_chunks(), np.uint32)
    word_counts = np.zeros(len(ranks), np.int64)
    word_counts[np.searchsorted(ranks, table["rank"].to_numpy())] = counts
    return HashedWords(cast(Hashes, values), word_counts)
