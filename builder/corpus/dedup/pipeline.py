"""Groups of articles that say the same in the same words, over shards of any number.

Marks, never removes. `sign` (signatures.py) makes keys of each shard; `find` reads them in tasks, each for a worker:
one for each band, reading only its column of all shards; one for each range of winnowed runs; then one for each shard,
which hands over the words of those that are candidates; then one for each part of the corpus, which compares exactly
and names the groups (likeness.py), or several that compare, where much hangs together. Ranks and candidates are held at once, about 100 bytes an article; words never are.

What comes out hangs on the articles and on the groups of earlier runs alone: not on the order of articles, on shards,
or on who did a task.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Protocol, TypeVar, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import NO_RANK, Pairs, Ranks, components, pairs_of, same_key, shared_runs, sides
from builder.corpus.dedup.compare import KINDS, Members, Shares, grouped, shares
from builder.corpus.dedup.keys import Keys, read_keys
from builder.corpus.dedup.minhash import RANGES, sign, unblob
from builder.corpus.dedup.spill import make, read_columns, read_part, remove, target, write_columns, write_parts
from builder.records import Article, Dropped, Group
from builder.text.shingles import Hashes, Words
from builder.text.similarity import BANDS

Item = TypeVar("Item")

Result = TypeVar("Result")


VERSION = 1
"""Of `find`, as that of a Stage: raised by hand whenever the same keys give other groups."""

PART = 50_000
"""Articles that are compared in one task; more where more hang together."""

PAIRS, PIECES = 60_000, 64
"""Candidates that are compared in one task, where a part has more; and into how many tasks they are parted at most."""

BATCH = 5000
"""Articles that are signed together where all are in memory."""


class Pmap(Protocol):
    """Does a function of each item, in any order and place, and gives the results as they come."""

    def __call__(self, function: Callable[[Item], Result], items: Iterable[Item], /) -> Iterator[Result]:
        """The results, one for each item."""
        ...


@dataclass(frozen=True, slots=True)
class Found:
    """The Parquet files of groups, how many articles came in, what was counted, and what was set aside."""

    paths: tuple[str, ...]
    taken: int
    counts: Mapping[str, int]
    set_aside: tuple[Dropped, ...]


def group(
    articles: Sequence[Article],
    published: Mapping[str, str | None] | None = None,
    earlier: Mapping[str, str] | None = None,
) -> list[Group]:
    """One row for each article, sorted by article id: `find` over a few articles in memory.

    `published` is the date of each document; `earlier` the group of each article of an earlier run, which it keeps.
    A group's name is the id of its root, when it was found the earliest of its articles, then the smallest id.
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
    with tempfile.TemporaryDirectory(prefix="khabar-dedup-") as folder:
        keys = []
        for low in range(0, len(table), BATCH):
            keys.append(str(Path(folder) / f"keys-{low}.parquet"))
            pq.write_table(sign(table.slice(low, BATCH)), keys[-1])
        found = find(keys, earlier or {}, map, folder)
        rows = pa.concat_tables([pq.read_table(path) for path in found.paths]).to_pylist()
    return sorted((Group(**row) for row in rows), key=lambda row: row.article_id)


def find(keys: Sequence[str], earlier: Mapping[str, str] | pa.Table, pmap: Pmap, folder: str) -> Found:
    """Write the groups of all articles of these shards of keys as Parquet files in a folder; both may be URIs.

    `earlier` is the group of each article of an earlier run, as a mapping or as the table `groups`; articles that are
    no more may stand in it. An id that occurs again is set aside.
    """
    scratch = f"{folder}/scratch"
    make(scratch)
    corpus, again = read_keys(keys, earlier)
    count = len(corpus.ids)
    for number, rows in enumerate(corpus.rows):
        write_columns(f"{scratch}/ranks-{number:05}.parquet", {"rank": rows})
    ranks = np.concatenate([np.empty(0, np.uint32), *corpus.rows])
    live = np.append(corpus.twin == np.arange(count), False)[np.minimum(ranks, count)]
    write_columns(f"{scratch}/live.parquet", {"live": np.where(live, ranks, NO_RANK)})
    write_columns(f"{scratch}/words.parquet", {"words": corpus.words})
    tasks = [f"{band:02}" for band in range(BANDS)] + [f"f{part:02}" for part in range(RANGES)]
    proposed = [*pmap(partial(_proposed, tuple(keys), scratch), tasks)]
    told = corpus.heading != 0
    headed = same_key([corpus.heading[told]], [np.arange(count, dtype=np.uint32)[told]])
    candidates = np.unique(np.concatenate([headed, *(pairs for pairs, _ in proposed)]))
    counted = {"candidates": len(candidates), "runs too frequent": sum(often for _, often in proposed)}
    parts = _parted(corpus, candidates, scratch)
    del corpus, candidates, headed, told, proposed, ranks, live
    pa.default_memory_pool().release_unused()
    for _ in pmap(partial(_handed_over, scratch, len(parts)), [*enumerate(keys)]):
        pass
    slices = [_slices(held) for held in parts]
    pieces = [(part, piece) for part, own in enumerate(slices) for piece in own]
    for _ in pmap(partial(_compared, scratch, len(keys)), pieces):
        pass
    judging = partial(_judged, scratch, folder, len(keys))
    done = sorted(pmap(judging, [*enumerate(slices)]), key=lambda one: one[0])
    remove(scratch)
    remarks = [Dropped(*remark) for _, own, _ in done for remark in own]
    kinds = {kind: sum(own[kind] for _, _, own in done) for kind in done[0][2]} if done else {}
    counts = {**counted, **kinds} if done else {}
    return Found(tuple(path for path, _, _ in done), count + len(again), counts, (*again, *remarks))


def _slices(candidates: int) -> list[slice]:
    """Those of a part in equal pieces for other tasks, where there are many: each task reads through all words of the part."""
    count = min(candidates // PAIRS, PIECES)
    cuts = np.linspace(0, candidates, count + 1).astype(int).tolist() if count > 1 else []
    return [slice(*cut) for cut in pairwise(cuts)]


def _proposed(keys: tuple[str, ...], scratch: str, task: str) -> tuple[Pairs, int]:
    """The candidates of one band, or of one range of winnowed runs, and how many of these were too frequent."""
    values: list[NDArray[np.uint64]] = []
    ranks: list[Ranks] = []
    live = read_columns(f"{scratch}/live.parquet", ["live"])["live"].to_numpy()
    for uri in keys:
        if task.startswith("f"):
            for chunk in read_columns(uri, [task])[task].chunks:
                own, counts = unblob(chunk, np.uint64)
                values.append(own.view(np.uint64))
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
        return same_key(values, ranks), 0
    return shared_runs(values, ranks, read_columns(f"{scratch}/words.parquet", ["words"])["words"].to_numpy())


def _parted(corpus: Keys, candidates: Pairs, scratch: str) -> list[int]:
    """Part the articles so that none is alike to one of another part, and write what each part needs; the candidates of each."""
    count = len(corpus.ids)
    home = pc.index_in(corpus.old, value_set=corpus.ids)
    kept = np.flatnonzero(home.is_valid().to_numpy(zero_copy_only=False))
    ledger = pairs_of(kept, home.drop_null().to_numpy())
    tied = np.concatenate([candidates, pairs_of(np.arange(count), corpus.twin), ledger])
    together = components(tied, count)
    del tied
    order = np.argsort(together, kind="stable")
    _, first, sizes = np.unique(together[order], return_index=True, return_counts=True)
    part = np.empty(count, np.int64)
    part[order] = np.repeat(np.unique(first // PART, return_inverse=True)[1], sizes)
    alone = np.empty(count, bool)
    alone[order] = np.repeat(sizes == 1, sizes)
    needed = np.zeros(count, bool)
    needed[corpus.twin[~alone]] = True
    write_columns(f"{scratch}/parts.parquet", {"part": np.where(needed, part, -1).astype(np.int32)})
    members = pa.table({
        "rank": np.arange(count), "id": corpus.ids, "twin": corpus.twin, "heading": corpus.heading, "old": corpus.old,
    })  # fmt: skip
    parts = int(part.max(initial=-1)) + 1
    write_parts(f"{scratch}/members.parquet", members, part, parts)
    held = part[sides(candidates)[0]]
    write_parts(f"{scratch}/pairs.parquet", pa.table({"pair": candidates}), held, parts)
    return [*map(int, np.bincount(held, minlength=parts))]


def _handed_over(scratch: str, parts: int, shard: tuple[int, str]) -> None:
    """Write the words of those articles of a shard that are compared, by part."""
    number, uri = shard
    rank = read_columns(f"{scratch}/ranks-{number:05}.parquet", ["rank"])["rank"].to_numpy()
    part = np.append(read_columns(f"{scratch}/parts.parquet", ["part"])["part"].to_numpy(), np.int32(-1))
    own = part[np.minimum(rank, len(part) - 1)]
    table = read_columns(uri, ["order"]).append_column("rank", pa.array(rank)).filter(pa.array(own >= 0))
    write_parts(f"{scratch}/words-{number:05}.parquet", table, own[own >= 0].astype(np.int64), parts)
    del table
    pa.default_memory_pool().release_unused()


def _compared(scratch: str, shards: int, item: tuple[int, slice]) -> None:
    """Compare some candidates of one part, and write what they have in common."""
    part, which = item
    table = read_part(f"{scratch}/members.parquet", part)
    ranks = table["rank"].to_numpy()
    twin = np.searchsorted(ranks, table["twin"].to_numpy())
    found = shares(twin, partial(_words, scratch, shards, part, ranks), _candidates(scratch, part, ranks)[which])
    columns = {"pairs": found.pairs, "jaccard": found.jaccard, "inside": found.inside, "part": found.part}
    write_columns(_shares(scratch, part, which), columns)


def _shares(scratch: str, part: int, which: slice) -> str:
    return f"{scratch}/shares-{part:05}-{which.start}.parquet"


def _candidates(scratch: str, part: int, ranks: NDArray[np.int64]) -> Pairs:
    """The candidates of one part, by the places of its members."""
    left, right = sides(read_part(f"{scratch}/pairs.parquet", part)["pair"].to_numpy())
    return pairs_of(np.searchsorted(ranks, left), np.searchsorted(ranks, right))


def _judged(
    scratch: str, folder: str, shards: int, item: tuple[int, list[slice]]
) -> tuple[str, list[tuple[str, ...]], dict[str, int]]:
    """Name the groups of one part, of which these slices are compared: where, the remarks, and how many of each kind."""
    part, slices = item
    table = read_part(f"{scratch}/members.parquet", part)
    ranks = table["rank"].to_numpy()
    members = Members(
        table["id"].combine_chunks(),
        np.searchsorted(ranks, table["twin"].to_numpy()),
        table["heading"].to_numpy(),
        table["old"].combine_chunks(),
        read_columns(f"{scratch}/words.parquet", ["words"])["words"].to_numpy()[ranks],
        partial(_words, scratch, shards, part, ranks),
    )
    names = ["pairs", "jaccard", "inside", "part"]
    tables = [read_columns(_shares(scratch, part, which), names) for which in slices]
    known = [Shares(*(column.to_numpy() for column in table.columns)) for table in tables]
    rows, remarks = grouped(members, _candidates(scratch, part, ranks), known)
    uri = f"{folder}/groups-{part:05}.parquet"
    with target(uri) as sink:
        pq.write_table(rows, sink)
    said = rows["kind"].to_pylist()
    counts: dict[str, int] = {kind: said.count(kind) for kind in (*KINDS, "single")}
    return uri, [(one.stage, one.what, one.reason, one.detail) for one in remarks], counts


def _words(scratch: str, shards: int, part: int, ranks: NDArray[np.int64], needed: NDArray[np.bool_]) -> Words:
    """The words of those articles of a part that are needed, in order of rank; the others have none."""
    tables: list[pa.Table] = []
    if not needed.any():
        return Words(np.empty(0, np.uint64), np.zeros(len(ranks), np.int64))
    for number in range(shards):
        table = read_part(f"{scratch}/words-{number:05}.parquet", part)
        mine = needed[np.searchsorted(ranks, table["rank"].to_numpy())]
        tables.append(table if mine.all() else table.filter(pa.array(mine)))
        del table
    table = pa.concat_tables(tables)
    table = table.take(pc.sort_indices(table["rank"])).combine_chunks()
    del tables  # these are the largest things that a task holds
    if not len(table):
        return Words(np.empty(0, np.uint64), np.zeros(len(ranks), np.int64))
    values, counts = unblob(table["order"].combine_chunks(), np.uint32)
    held = np.zeros(len(ranks), np.int64)
    held[np.searchsorted(ranks, table["rank"].to_numpy())] = counts
    return Words(cast(Hashes, values), held)
