"""Writing of shards: Parquet files, each of which is complete once its done-marker is written beside it.

A marker records the rows that were read, kept and set aside.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from builder.executor import storage
from builder.executor.markers import Marker, ShardResult, data_of, done_shard, marker_adapter, marker_name
from builder.io.plain import to_plain
from builder.io.remote import is_remote, open_file
from builder.records import Dropped, Issue

GROUP_ROWS, GROUP_BYTES = 4_096, 32_000_000
"""Limits of a row group: rows and bytes; a group is written once it reaches one of them."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """Output of a stage's function for one batch of rows."""

    table: pa.Table
    counts: Mapping[str, int] = field(default_factory=dict)
    """Summed over batches and shards."""
    set_aside: tuple[Dropped, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """A part of a shard's output, with the number of input rows and of those that the function accepted."""

    made: BatchResult
    taken: int
    kept: int


def write_shard(
    folder: str | Path, name: str, key: str, schema: pa.Schema, batches: Iterable[BatchResult]
) -> ShardResult:
    """Write one shard, then its marker; its input rows are the rows written plus those set aside."""
    pieces = (CountedBatch(made, made.table.num_rows + len(made.set_aside), made.table.num_rows) for made in batches)
    return write_pieces(storage.absolute(folder), name, key, schema, pieces)


def replace_shards(paths: Sequence[str], folder: str | Path, schema: pa.Schema, key: str) -> None:
    """Replace the shards of a folder by these Parquet files, in order."""
    home = storage.absolute(folder)
    kept: set[str] = set()
    for number, path in enumerate(paths):
        with open_file(path) as file:
            done = write_shard(home, f"{number:05}", key, schema, [BatchResult(pq.read_table(file).cast(schema))])
        kept |= {data_of(done.shard), marker_name(done.shard.name)}
    old = [file for file in storage.listed(home) if file not in kept]
    storage.remove(home, sorted(old, key=lambda file: not file.endswith(".json")))


def write_pieces(
    folder: str, name: str, key: str, schema: pa.Schema, pieces: Iterable[CountedBatch], compression: str = "zstd"
) -> ShardResult:
    """Write a shard's data, then its marker; an old marker is removed first, as it would describe other data."""
    counts, aside, issues = Counter[str](), list[Dropped](), list[Issue]()
    taken = kept = rows = 0

    def counted() -> Iterator[pa.Table]:
        nonlocal taken, kept, rows
        for piece in pieces:
            taken, kept, rows = taken + piece.taken, kept + piece.kept, rows + piece.made.table.num_rows
            counts.update(piece.made.counts)
            aside.extend(piece.made.set_aside)
            issues.extend(piece.made.issues)
            yield piece.made.table

    file = storage.data_name(folder, name, key)
    if not is_remote(folder):
        storage.remove(folder, [marker_name(name)])
    digest, size = storage.put(folder, file, lambda out: _write(out, schema, counted(), compression))
    plain = to_plain(Marker(name, file, size, digest, key, taken, kept, rows, dict(sorted(counts.items())),
                             tuple(aside), tuple(issues)))  # fmt: skip
    content = (json.dumps(plain, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    storage.put(folder, marker_name(name), lambda out: _all(out, content))
    return done_shard(folder, marker_adapter().validate_json(content))  # the same value as the next run will read


def _all(out: BinaryIO, content: bytes) -> None:
    """Write bytes to a file."""
    out.write(content)


def _write(out: BinaryIO, schema: pa.Schema, tables: Iterable[pa.Table], compression: str) -> None:
    """Write tables as Parquet, with row groups that depend only on the rows and their batches."""
    with pq.ParquetWriter(out, schema, compression=compression, use_dictionary=compression != "none") as writer:
        waiting: list[pa.Table] = []
        for table in tables:
            if table.num_rows:
                waiting.append(table)
            rows, size = sum(part.num_rows for part in waiting), sum(part.nbytes for part in waiting)
            if rows >= GROUP_ROWS or size >= GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
