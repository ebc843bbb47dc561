"""Shards: Parquet files that are done when the marker beside them, written last, says so.

A marker holds what came in, what was kept and what was set aside; readers look at what markers name, and nowhere else.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from builder.corpus import store
from builder.project import to_plain
from builder.records import Issue, SetAside

GROUP_ROWS, GROUP_BYTES = 4_096, 32_000_000
"""Rows wait for a row group until there are so many, or so heavy."""


@dataclass(frozen=True, slots=True)
class Shard:
    """A Parquet file: a stable name, where it is for every worker, and what names its content."""

    name: str
    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a stage's function gives for one batch of rows."""

    table: pa.Table
    counts: Mapping[str, int] = field(default_factory=dict)
    """Summed over batches and shards."""
    set_aside: tuple[SetAside, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """One shard that a stage finished: rows that came in, those that the function took, and those that it gave.

    `key` is sha256 of the stage, its version, its configuration and the input; taken = kept + what no function could take.
    """

    shard: Shard
    key: str
    taken: int
    kept: int
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    set_aside: tuple[SetAside, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Marker:
    """A done-marker's JSON: a Done whose file is named without its folder, for folders are moved."""

    name: str
    file: str
    size: int
    digest: str
    key: str
    taken: int
    kept: int
    rows: int
    counts: dict[str, int]
    set_aside: tuple[SetAside, ...]
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a shard's output, and the rows of the input behind it: taken, and kept for the function."""

    made: Made
    taken: int
    kept: int


def write_shard(folder: str | Path, name: str, key: str, schema: pa.Schema, batches: Iterable[Made]) -> Done:
    """Write one shard and, after it, its marker; what came in is what is in it and what was set aside."""
    pieces = (Piece(made, made.table.num_rows + len(made.set_aside), made.table.num_rows) for made in batches)
    return write_pieces(store.absolute(folder), name, key, schema, pieces)


def read_done(folder: str | Path) -> list[Done]:
    """The shards of a folder that are done, by name; a marker that is broken, or whose file is not there, says nothing."""
    place = store.absolute(folder)
    files = store.listed(place)
    markers = store.contents(place, [name for name in files if name.endswith(".json")])
    read = [(name, _marker(content)) for name, content in sorted(markers.items())]
    return [
        _done(place, marker)
        for name, marker in read
        if marker and name == marker_name(marker.name) and files.get(marker.file) == marker.size
    ]


def publish(paths: Sequence[str], folder: str | Path, schema: pa.Schema, key: str) -> None:
    """Make the shards of a folder of these Parquet files, in order; shards that were there go."""
    place = store.absolute(folder)
    kept: set[str] = set()
    for number, path in enumerate(paths):
        with store.opened(path) as file:
            done = write_shard(place, f"{number:05}", key, schema, [Made(pq.read_table(file).cast(schema))])
        kept |= {data_of(done.shard), marker_name(done.shard.name)}
    old = [file for file in store.listed(place) if file not in kept]
    store.remove(place, sorted(old, key=lambda file: not file.endswith(".json")))


def marker_name(name: str) -> str:
    """The marker of a shard."""
    return f"{name}.json"


def data_of(shard: Shard) -> str:
    """The file of a shard, without its folder."""
    return shard.uri.rsplit("/", 1)[1]


@cache
def _markers() -> TypeAdapter[_Marker]:
    return TypeAdapter(_Marker)


def _marker(content: bytes) -> _Marker | None:
    try:
        return _markers().validate_json(content, strict=True)
    except ValidationError:
        return None


def _done(folder: str, marker: _Marker) -> Done:
    shard = Shard(marker.name, f"{folder}/{marker.file}", marker.digest)
    return Done(shard, marker.key, marker.taken, marker.kept, marker.rows, marker.counts, marker.set_aside,
                marker.issues)  # fmt: skip


def write_pieces(
    folder: str, name: str, key: str, schema: pa.Schema, pieces: Iterable[Piece], compression: str = "zstd"
) -> Done:
    """Write a shard's data, then its marker. No old marker ever stands beside new data: it would speak of another."""
    counts, aside, issues = Counter[str](), list[SetAside](), list[Issue]()
    taken = kept = rows = 0

    def noted() -> Iterator[pa.Table]:
        nonlocal taken, kept, rows
        for piece in pieces:
            taken, kept, rows = taken + piece.taken, kept + piece.kept, rows + piece.made.table.num_rows
            counts.update(piece.made.counts)
            aside.extend(piece.made.set_aside)
            issues.extend(piece.made.issues)
            yield piece.made.table

    file = store.data_name(folder, name, key)
    if not store.remote(folder):
        store.remove(folder, [marker_name(name)])
    digest, size = store.put(folder, file, lambda out: _write(out, schema, noted(), compression))
    plain = to_plain(_Marker(name, file, size, digest, key, taken, kept, rows, dict(sorted(counts.items())),
                             tuple(aside), tuple(issues)))  # fmt: skip
    content = (json.dumps(plain, ensure_ascii=False) + "\n").encode("utf-8", "replace")
    store.put(folder, marker_name(name), lambda out: _all(out, content))
    return _done(folder, _markers().validate_json(content))  # as the next run reads it


def _all(out: BinaryIO, content: bytes) -> None:
    out.write(content)


def _write(out: BinaryIO, schema: pa.Schema, tables: Iterable[pa.Table], compression: str) -> None:
    """Write tables as Parquet whose row groups follow from the rows and their batches alone."""
    with pq.ParquetWriter(out, schema, compression=compression, use_dictionary=compression != "none") as writer:
        waiting: list[pa.Table] = []
        for table in tables:
            if table.num_rows:
                waiting.append(table)
            if sum(one.num_rows for one in waiting) >= GROUP_ROWS or sum(one.nbytes for one in waiting) >= GROUP_BYTES:
                writer.write_table(pa.concat_tables(waiting))
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
