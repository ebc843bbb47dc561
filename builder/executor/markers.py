"""Done-markers: what a folder of shards holds, without reading a shard.

A shard is complete once its marker is written beside it. Readers read only files that a marker names. Nothing here
loads Arrow, so that `status` is quick.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from builder.executor import storage
from builder.io.hashing import digest_of, note_digest, sha16
from builder.records import Dropped, Issue


@dataclass(frozen=True, slots=True)
class Shard:
    """A Parquet file: its stable name, its path or URI for every worker, and the sha256 of its content."""

    name: str
    uri: str
    digest: str


@dataclass(frozen=True, slots=True)
class ShardResult:
    """A finished shard of a stage.

    `taken` counts input rows, `kept` the rows that the function accepted, and `rows` the rows that it returned; the
    difference of `taken` and `kept` was set aside. `key` is the sha256 of the stage, its version, its configuration
    and the input.
    """

    shard: Shard
    key: str
    taken: int
    kept: int
    rows: int
    counts: Mapping[str, int] = field(default_factory=dict)
    set_aside: tuple[Dropped, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """The JSON of a done-marker; it names the shard's file without the folder, so that folders can be moved."""

    name: str
    file: str
    size: int
    digest: str
    key: str
    taken: int
    kept: int
    rows: int
    counts: dict[str, int]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]


def finished_shards(folder: str | Path) -> list[ShardResult]:
    """Return the finished shards of a folder, by name; invalid markers, and markers without their file, are ignored."""
    home = storage.absolute(folder)
    versions = storage.versions(home)
    files = storage.listed(home)
    markers = storage.contents(home, [name for name in files if name.endswith(".json")])
    parsed = [(name, _marker(content)) for name, content in sorted(markers.items())]
    found = [
        done_shard(home, marker)
        for name, marker in parsed
        if marker and name == marker_name(marker.name) and files.get(marker.file) == marker.size
    ]
    if versions is not None:
        note_digest(home, versions, digest_of_shards(found))
    return found


def digest_of_shards(found: Iterable[ShardResult]) -> str:
    """Return a hash of the content of finished shards."""
    return sha16("\n".join(f"{each.shard.name} {each.shard.digest}" for each in found))


def folder_digest(folder: str | Path) -> str:
    """Return a hash of the content of a folder's finished shards. Markers are read again only if a file changed."""
    home = storage.absolute(folder)
    versions = storage.versions(home)
    make = partial(_read_digest, home)
    return make() if versions is None else digest_of(home, versions, make)


def _read_digest(home: str) -> str:
    return digest_of_shards(finished_shards(home))


def marker_name(name: str) -> str:
    """Return the file name of a shard's marker."""
    return f"{name}.json"


def data_of(shard: Shard) -> str:
    """Return the file name of a shard's data."""
    return shard.uri.rsplit("/", 1)[1]


@cache
def marker_adapter() -> TypeAdapter[Marker]:
    """Return the validator of markers, built on first use."""
    return TypeAdapter(Marker)


def _marker(content: bytes) -> Marker | None:
    """Parse a marker; return None if it is invalid."""
    try:
        return marker_adapter().validate_json(content, strict=True)
    except ValidationError:
        return None


def done_shard(folder: str, marker: Marker) -> ShardResult:
    """Return the finished shard that a marker of this folder describes."""
    shard = Shard(marker.name, f"{folder}/{marker.file}", marker.digest)
    return ShardResult(shard, marker.key, marker.taken, marker.kept, marker.rows, marker.counts, marker.set_aside,
                marker.issues)  # fmt: skip
