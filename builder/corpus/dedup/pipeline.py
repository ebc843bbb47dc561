"""Near-duplicate groups of the articles of a sharded corpus. Nothing is deleted.

`sign` (signatures.py) makes the keys of each shard. `find` reads the keys in tasks that workers run:

1. one task for each MinHash band and for each range of winnowed runs reads its column of all shards, and returns
   candidate pairs;
2. one task for each shard writes the words of the articles that are in a pair, by part of the corpus;
3. one task for each part compares the pairs exactly and names the groups (likeness.py). A part with many candidates
   gets several tasks that compare.

All ranks and candidates are in memory at once, about 100 bytes an article; the words of all articles never are.

The result depends only on the articles and on the groups of earlier runs, not on input order, sharding or scheduling.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Protocol, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import (
    NO_RANK,
    Pairs,
    Ranks,
    components,
    make_pairs,
    pairs_with_same_key,
    pairs_with_shared_run,
    sides,
)
from builder.corpus.dedup.compare import KINDS, Members, Similarities, compare_texts, group_members
from builder.corpus.dedup.keys import Keys, read_keys
from builder.corpus.dedup.minhash import RANGES, sign, unpack_values
from builder.corpus.dedup.parts import candidates_of, similarities_path, words_of
from builder.corpus.dedup.spill import (
    make_folder,
    open_target,
    read_columns,
    read_part,
    remove_folder,
    write_columns,
    write_parts,
)
from builder.io.scratch import scratch_folder
from builder.records import Article, Dropped, Group
from builder.text.similarity import BANDS

Item = TypeVar("Item")

Result = TypeVar("Result")


PART = 50_000
"""Number of articles of one part; a part is larger if one connected component is."""

PAIRS, PIECES = 60_000, 64
"""Number of candidates that one task compares if a part has more, and the maximum number of such tasks for a part."""

BATCH = 5000
"""Number of articles that `group` signs at once."""


class Pmap(Protocol):
    """A map over items that may run in any order and in other processes, and yields results as they are completed."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
        """Yield one result for each item."""
        ...


@dataclass(frozen=True, slots=True)
class DedupResult:
    """The Parquet files of groups, the number of articles read, counts, and the articles and remarks set aside."""

    paths: tuple[str, ...]
    taken: int
    counts: Mapping[str, int]
    set_aside: tuple[Dropped, ...]


def group(
    articles: Sequence[Article],
    published: Mapping[str, str | None] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> list[Group]:
    """Run `find` on a few articles in memory, and return one Group for each article, sorted by article id.

    `published` has the date of each document. `earlier` has the group of each article of an earlier run, which it
    keeps. A group is named by the id of its root: the earliest article when the group was made, then the smallest id.
    """
    if not articles:
        return []
    dates = published or {}
    table = pa.table({
        "id": pa.array([article.id for article in articles], pa.string()),
        "published_at": pa.array([dates.get(article.document_id) for article in articles], pa.string()),
        "title": pa.array([article.title for article in articles], pa.string()),
        "text": pa.array([article.text for article in articles], pa.string()),
    })  # fmt: skip
    with scratch_folder("dedup") as folder:
        keys = []
        for low in range(0, len(table), BATCH):
            keys.append(str(folder / f"keys-{low}.parquet"))
            pq.write_table(sign(table.slice(low, BATCH)), keys[-1])
        found = find_groups(keys, earlier or {}, map, str(folder))
        rows = pa.concat_tables([pq.read_table(path) for path in found.paths]).to_pylist()
    return sorted((Group(**row) for row in rows), key=lambda row: row.article_id)


def find_groups(keys: Sequence[str], earlier: Mapping[str, str] | pa.Table, pmap: Pmap, folder: str) -> DedupResult:
    """Write the groups of all articles of the given shards of keys as Parquet files into a folder; both may be URIs.

    `earlier` has the group of each article of an earlier run, as a mapping or as the table `groups`; it may contain
    articles that no longer exist. An article with an id that occurred before is set aside.
    """
    scratch = f"{folder}/scratch"
    make_folder(scratch)
    corpus, repeated = read_keys(keys, earlier)
    count = len(corpus.ids)
    candidates, too_frequent = _candidate_pairs(corpus, keys, scratch, pmap)
    counted = {"candidates": len(candidates), "runs too frequent": too_frequent}
    sizes = _divide_corpus(corpus, candidates, scratch)
    del corpus, candidates
    pa.default_memory_pool().release_unused()
    for _ in pmap(partial(_write_words, scratch, len(sizes)), [*enumerate(keys)]):
        pass
    slices = [_slices(size) for size in sizes]
    pieces = [(part, piece) for part, of_part in enumerate(slices) for piece in of_part]
    for _ in pmap(partial(_compared, scratch, len(keys)), pieces):
        pass
    judging = partial(_group_part, scratch, folder, len(keys))
    results = sorted(pmap(judging, [*enumerate(slices)]), key=lambda result: result.path)
    remove_folder(scratch)
    remarks = [remark for result in results for remark in result.remarks]
    kinds = {kind: sum(result.kinds[kind] for result in results) for kind in results[0].kinds} if results else {}
    counts = {**counted, **kinds} if results else {}
    return DedupResult(tuple(result.path for result in results), count + len(repeated), counts, (*repeated, *remarks))


def _candidate_pairs(corpus: Keys, keys: Sequence[str], scratch: str, pmap: Pmap) -> tuple[Pairs, int]:
    """Return the candidates of all bands, winnowed runs and headings, and the number of runs that are too frequent.

    Writes the rank of each row of each shard, the ranks without repeated texts, and the word counts to `scratch`.
    """
    count = len(corpus.ids)
    for number, rows in enumerate(corpus.rows):
        write_columns(f"{scratch}/ranks-{number:05}.parquet", {"rank": rows})
    ranks = np.concatenate([np.empty(0, np.uint32), *corpus.rows])
    live = np.append(corpus.twin == np.arange(count), False)[np.minimum(ranks, count)]
    write_columns(f"{scratch}/live.parquet", {"live": np.where(live, ranks, NO_RANK)})
    write_columns(f"{scratch}/words.parquet", {"words": corpus.words})
    tasks = [f"{band:02}" for band in range(BANDS)] + [f"f{part:02}" for part in range(RANGES)]
    proposed = [*pmap(partial(_propose_pairs, tuple(keys), scratch), tasks)]
    with_heading = corpus.heading != 0
    same_heading = pairs_with_same_key(
        [corpus.heading[with_heading]], [np.arange(count, dtype=np.uint32)[with_heading]]
    )
    candidates = np.unique(np.concatenate([same_heading, *(pairs for pairs, _ in proposed)]))
    return candidates, sum(too_frequent for _, too_frequent in proposed)


def _slices(candidates: int) -> list[slice]:
    """Split the candidates of a part into equal slices if they are many, else return no slice.

    There are at most PIECES slices, because each task reads all words of the part.
    """
    count = min(candidates // PAIRS, PIECES)
    cuts = np.linspace(0, candidates, count + 1).astype(int).tolist() if count > 1 else []
    return [slice(*cut) for cut in pairwise(cuts)]


def _propose_pairs(keys: tuple[str, ...], scratch: str, task: str) -> tuple[Pairs, int]:
    """Return the candidates of one MinHash band, or of one range of winnowed runs, and the number of too frequent runs."""
    values: list[NDArray[np.uint64]] = []
    ranks: list[Ranks] = []
    live = read_columns(f"{scratch}/live.parquet", ["live"])["live"].to_numpy()
    for uri in keys:
        if task.startswith("f"):
            for chunk in read_columns(uri, [task])[task].chunks:
                runs, counts = unpack_values(chunk, np.uint64)
                values.append(runs.view(np.uint64))
                ranks.append(np.repeat(live[: len(counts)], counts))
                live = live[len(counts) :]
        else:
            table = read_columns(uri, [f"b{task}", f"s{task}"])
            for column in table.columns:
                values.append(column.drop_null().to_numpy())
                ranks.append(live[: len(table)][column.is_valid().to_numpy()])
            live = live[len(table) :]
    pa.default_memory_pool().release_unused()
    if not task.startswith("f"):
        return pairs_with_same_key(values, ranks), 0
    return pairs_with_shared_run(values, ranks, read_columns(f"{scratch}/words.parquet", ["words"])["words"].to_numpy())


def _divide_corpus(corpus: Keys, candidates: Pairs, scratch: str) -> list[int]:
    """Divide the corpus into parts, write their members and candidates, and return the number of candidates of each part.

    Articles that candidates, equal texts or an earlier group connect are in one part.
    """
    count = len(corpus.ids)
    old_root = pc.index_in(corpus.old, value_set=corpus.ids)
    with_root = np.flatnonzero(old_root.is_valid().to_numpy(zero_copy_only=False))
    earlier = make_pairs(with_root, old_root.drop_null().to_numpy())
    connections = np.concatenate([candidates, make_pairs(np.arange(count), corpus.twin), earlier])
    component = components(connections, count)
    del connections
    order = np.argsort(component, kind="stable")
    _, first, sizes = np.unique(component[order], return_index=True, return_counts=True)
    part = np.empty(count, np.int64)
    part[order] = np.repeat(np.unique(first // PART, return_inverse=True)[1], sizes)
    single = np.empty(count, bool)
    single[order] = np.repeat(sizes == 1, sizes)
    needed = np.zeros(count, bool)
    needed[corpus.twin[~single]] = True
    write_columns(f"{scratch}/parts.parquet", {"part": np.where(needed, part, -1).astype(np.int32)})
    members = pa.table({
        "rank": np.arange(count), "id": corpus.ids, "twin": corpus.twin, "heading": corpus.heading, "old": corpus.old,
    })  # fmt: skip
    parts = int(part.max(initial=-1)) + 1
    write_parts(f"{scratch}/members.parquet", members, part, parts)
    part_of_pair = part[sides(candidates)[0]]
    write_parts(f"{scratch}/pairs.parquet", pa.table({"pair": candidates}), part_of_pair, parts)
    return [*map(int, np.bincount(part_of_pair, minlength=parts))]


def _write_words(scratch: str, parts: int, shard: tuple[int, str]) -> None:
    """Write the words of the articles of a shard that are compared, by part."""
    number, uri = shard
    rank = read_columns(f"{scratch}/ranks-{number:05}.parquet", ["rank"])["rank"].to_numpy()
    part = np.append(read_columns(f"{scratch}/parts.parquet", ["part"])["part"].to_numpy(), np.int32(-1))
    row_part = part[np.minimum(rank, len(part) - 1)]
    table = read_columns(uri, ["order"]).append_column("rank", pa.array(rank)).filter(pa.array(row_part >= 0))
    write_parts(f"{scratch}/words-{number:05}.parquet", table, row_part[row_part >= 0].astype(np.int64), parts)
    del table
    pa.default_memory_pool().release_unused()


def _compared(scratch: str, shards: int, item: tuple[int, slice]) -> None:
    """Compare a slice of the candidates of one part, and write their similarities."""
    part, which = item
    table = read_part(f"{scratch}/members.parquet", part)
    ranks = table["rank"].to_numpy()
    twin = np.searchsorted(ranks, table["twin"].to_numpy())
    compared = compare_texts(
        twin, partial(words_of, scratch, shards, part, ranks), candidates_of(scratch, part, ranks)[which]
    )
    columns = {
        "pairs": compared.pairs, "jaccard": compared.jaccard, "inside": compared.inside, "part": compared.part,
    }  # fmt: skip
    write_columns(similarities_path(scratch, part, which), columns)


@dataclass(frozen=True, slots=True)
class _PartResult:
    """What the task of one part returns: the path of the groups, the remarks, the number of articles of each kind."""

    path: str
    remarks: tuple[Dropped, ...]
    kinds: Mapping[str, int]


def _group_part(scratch: str, folder: str, shards: int, item: tuple[int, list[slice]]) -> _PartResult:
    """Group the articles of one part and write the groups; the given slices of its candidates are compared already."""
    part, slices = item
    table = read_part(f"{scratch}/members.parquet", part)
    ranks = table["rank"].to_numpy()
    members = Members(
        table["id"].combine_chunks(),
        np.searchsorted(ranks, table["twin"].to_numpy()),
        table["heading"].to_numpy(),
        table["old"].combine_chunks(),
        read_columns(f"{scratch}/words.parquet", ["words"])["words"].to_numpy()[ranks],
        partial(words_of, scratch, shards, part, ranks),
    )
    names = ["pairs", "jaccard", "inside", "part"]
    tables = [read_columns(similarities_path(scratch, part, which), names) for which in slices]
    known = [Similarities(*(column.to_numpy() for column in table.columns)) for table in tables]
    rows, remarks = group_members(members, candidates_of(scratch, part, ranks), known)
    uri = f"{folder}/groups-{part:05}.parquet"
    with open_target(uri) as sink:
        pq.write_table(rows, sink)
    row_kinds = rows["kind"].to_pylist()
    counts: dict[str, int] = {kind: row_kinds.count(kind) for kind in (*KINDS, "single")}
    return _PartResult(uri, tuple(remarks), counts)
