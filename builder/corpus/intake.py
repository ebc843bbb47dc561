"""What was read becomes documents of the crawl: each text once, for ever in the shard that brought it first.

Pieces are read side by side into a folder of their own. When all are there, what is a repeat is set aside in the order
of the plan, and the rest is published, shard by shard. Stopped anywhere, the same call goes on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.corpus import readers, store
from builder.corpus.engine import Pmap
from builder.corpus.readers import Piece
from builder.corpus.shards import Done, Made, Shard, read_done, write_shard
from builder.corpus.stages import Watch
from builder.project import to_table
from builder.records import Document, Issue, SetAside, arrow_schema

AGAIN, TWICE = "already ingested", "same text twice"
Ids = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in: files and records, how many of them are new documents, and why the others are not.

    Those of a piece that an earlier call brought are `again`: counted, and not listed one by one.
    """

    taken: int
    kept: int
    again: int
    set_aside: tuple[SetAside, ...]
    issues: tuple[Issue, ...]


def take(pieces: Sequence[Piece], folder: str, pmap: Pmap, watch: Watch) -> Taken:
    """Read pieces into the shards of `folder`/documents; what is there already is said to be.

    Raises Refused (exit code 2) where nothing could be read, with the fault of each record.
    """
    waiting, home = f"{folder}/incoming", f"{folder}/documents"
    mine = {piece.name for piece in pieces}
    read = {one.shard.name: one for one in read_done(waiting) if one.shard.name in mine}
    there = {one.shard.name: one for one in read_done(home) if one.shard.name not in read}
    missing = [piece for piece in pieces if piece.name not in there and piece.name not in read]
    for one in pmap(partial(_read, folder=waiting), missing):
        read[one.shard.name] = one
        watch(one, False)
    fresh = [read[piece.name] for piece in pieces if piece.name in read]
    if not any(one.rows for one in fresh):
        _clear(waiting)
        readers.refuse_nothing(sum(one.rows for one in there.values() if one.shard.name in mine), _issues(fresh))
    jobs = [*zip(fresh, _repeats(fresh, [*there.values()]), strict=True)]
    settled = {one.shard.name: one for one in pmap(partial(_settle, folder=home), jobs)}
    _clear(waiting)
    known = [there[piece.name] for piece in pieces if piece.name in there]
    for one in known:
        watch(one, True)
    every = [settled.get(piece.name) or there[piece.name] for piece in pieces]
    return Taken(
        sum(one.taken for one in every),
        sum(one.rows for one in settled.values()),
        sum(one.rows for one in known),
        tuple(aside for one in every for aside in one.set_aside),
        _issues(every),
    )


def _read(piece: Piece, folder: str) -> Done:
    made = (
        Made(to_table(part.documents, Document), {}, tuple(part.set_aside), tuple(part.issues))
        for part in readers.read(piece)
    )
    return write_shard(folder, piece.name, piece.digest, arrow_schema(Document), made)


def _repeats(fresh: Sequence[Done], there: Sequence[Done]) -> Iterator[dict[int, tuple[str, str]]]:
    """Of each fresh shard, the rows that are repeats: why, and the origin of the first."""
    old, new = [_ids(one.shard) for one in there], [_ids(one.shard) for one in fresh]
    present = np.concatenate([*old, *new]) if old or new else np.empty(0, np.uint64)
    _, firsts, which = np.unique(present, return_index=True, return_inverse=True)
    first = firsts[which] if len(present) else which
    known = sum(map(len, old))
    origins = _origins([*there, *fresh], np.unique(first[first != np.arange(len(present))]))
    begin = known
    for one in new:
        own = first[begin : begin + len(one)]
        rows = np.flatnonzero(own != np.arange(begin, begin + len(one)))
        yield {
            row: (AGAIN, origins[place]) if place < known else (TWICE, f"first at {origins[place]}")
            for row, place in zip(rows.tolist(), own[rows].tolist(), strict=True)
        }
        begin += len(one)


def _ids(shard: Shard) -> Ids:
    """The ids of a shard's documents, 16 hex digits each, as numbers."""
    ids = _column(shard, "id")
    return np.frombuffer(bytes.fromhex("".join(ids.to_pylist())), ">u8").astype(np.uint64)


def _origins(done: Sequence[Done], wanted: NDArray[np.int64]) -> Mapping[int, str]:
    """Where the documents at these places were read; places count through all shards, and are sorted."""
    found: dict[int, str] = {}
    begin = 0
    for one in done:
        own = wanted[np.searchsorted(wanted, begin) : np.searchsorted(wanted, begin + one.rows)]
        if len(own):
            said = _column(one.shard, "origin").take(pa.array(own - begin)).to_pylist()
            found |= dict(zip(own.tolist(), said, strict=True))
        begin += one.rows
    return found


def _column(shard: Shard, name: str) -> pa.ChunkedArray:
    with store.opened(shard.uri) as file, pq.ParquetFile(file) as parquet:
        return parquet.read(columns=[name])[name]


def _settle(job: tuple[Done, dict[int, tuple[str, str]]], folder: str) -> Done:
    """Publish what a piece brought, without its repeats."""
    one, repeats = job

    def made() -> Iterator[Made]:
        yield Made(arrow_schema(Document).empty_table(), one.counts, one.set_aside, one.issues)
        begin = 0
        with store.opened(one.shard.uri) as file, pq.ParquetFile(file) as parquet:
            for number in range(parquet.num_row_groups):
                table = parquet.read_row_group(number)
                again = [row for row in range(begin, begin + table.num_rows) if row in repeats]
                rows = pa.array([row - begin for row in again], pa.int64())
                aside = tuple(
                    SetAside("ingest", origin, *repeats[row])
                    for row, origin in zip(again, table["origin"].take(rows).to_pylist(), strict=True)
                )
                mask = np.ones(table.num_rows, bool)
                mask[rows.to_numpy()] = False
                yield Made(table.filter(pa.array(mask)), {}, aside)
                begin += table.num_rows

    return write_shard(folder, one.shard.name, one.key, arrow_schema(Document), made())


def _clear(waiting: str) -> None:
    store.remove(waiting, sorted(store.listed(waiting), key=lambda file: not file.endswith(".json")))
    if not store.remote(waiting) and Path(waiting).is_dir():
        Path(waiting).rmdir()


def _issues(done: Sequence[Done]) -> tuple[Issue, ...]:
    return tuple(issue for one in done for issue in one.issues)
