"""Stages over shards: a stage applies a pure function from Arrow tables to Arrow tables, on any engine.

The key in a shard's marker is a hash of the stage, its version, its configuration and the input, so that
unchanged shards are not made again.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Generic, TypeVar

import pyarrow as pa
from pydantic import BaseModel

from builder.executor import storage
from builder.executor.markers import Shard, ShardResult, data_of, finished_shards, marker_name
from builder.executor.pmap import Pmap
from builder.executor.worker import Function, Job, make_shard
from builder.io.remote import redact_credentials
from builder.records import user_error

C = TypeVar("C")


ShardCallback = Callable[[ShardResult, bool], None]
"""Callback for each finished shard; the flag tells whether it was finished before this run."""


@dataclass(frozen=True, slots=True)
class Stage(Generic[C]):
    """A function from the shards of one folder to those of another."""

    name: str
    version: int
    """Raised by hand whenever the same input gives another result: tests/corpus/test_stage_versions.py holds it to that."""
    function: Function[C]
    source: str
    target: str
    schema: pa.Schema
    required: tuple[str, ...] = ()
    compression: str = "zstd"
    """Parquet compression of the output; `none` for data that does not shrink."""
    columns: tuple[str, ...] = ()
    """The input columns to read; all columns if empty. A column that a shard lacks is not read."""


def run(  # noqa: PLR0913 - a stage has these parts
    name: str, function: Function[C], config: C, shards: Sequence[Shard], folder: str | Path, engine: Pmap, *,
    schema: pa.Schema, watch: ShardCallback, required: Sequence[str] = (), digest: bytes | None = None, version: int = 1,
    compression: str = "zstd", columns: Sequence[str] = (),
) -> list[ShardResult]:  # fmt: skip
    """Make one output shard for each input shard unless it is already done, and remove shards without an input.

    `schema` is the schema of the output, and `columns` are those of the input that are read (all if empty). Rows with a null in a `required` column, or with invalid UTF-8, are set aside
    before the function sees them, and rows at which the function raises are set aside too. `digest` identifies a
    configuration that is not a pydantic model, dataclass or plain value. `version` is the stage's version. Returns all shards, by name. Raises KhabarError,
    with exit code 2 if a shard cannot be read or the workers do not share the folder, 3 if the storage fails, and 5 if
    the workers of a shard died.
    """
    target = storage.absolute(folder)
    if len({shard.name for shard in shards}) < len(shards):
        raise ValueError("two shards have one name")
    finished = {result.shard.name: result for result in finished_shards(target)}
    settings = digest if digest is not None else canonical(config)
    done, jobs = list[ShardResult](), list[Job]()
    for shard in shards:
        key = _key(name, version, settings, schema, required, shard)
        if shard.name in finished and finished[shard.name].key == key:
            done.append(finished[shard.name])
            watch(done[-1], True)
        else:
            jobs.append(
                Job(name, function, config, shard, target, key, schema, tuple(required), compression, tuple(columns))
            )
    try:
        with closing(engine(make_shard, jobs)) as results:
            for result in results:
                done.append(result)
                watch(result, False)
    finally:
        storage.sweep(target)
    _tidy(target, done)
    return sorted(done, key=lambda result: result.shard.name)


def _tidy(folder: str, done: Sequence[ShardResult]) -> None:
    """Remove files that belong to no shard; raise KhabarError if a file that a worker wrote is missing."""
    files = storage.listed(folder)
    wanted = {name for result in done for name in (data_of(result.shard), marker_name(result.shard.name))}
    missing = sorted(wanted - files.keys())
    if missing:
        raise user_error(
            "not-shared",
            f"{len(missing)} files that workers wrote are missing from {redact_credentials(folder)}, "
            f"such as {missing[0]}",
            where=redact_credentials(folder),
            fix="use a folder that all workers share, such as s3://",
        )
    stale = [file for file in files if file not in wanted and file.endswith((".json", ".parquet"))]
    storage.remove(folder, sorted(stale, key=lambda file: not file.endswith(".json")))  # markers before their data


def canonical(config: object) -> bytes:
    """Serialise a configuration to bytes that are the same in every process.

    >>> canonical({"least": .5, "words": frozenset({"ب", "ا"})}) == canonical({"least": .5, "words": {"ا", "ب"}})
    True
    """
    return json.dumps(config, default=_plain, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _plain(value: object) -> object:
    """Convert a value that JSON cannot represent."""
    if isinstance(value, BaseModel):
        return [type(value).__name__, {name: getattr(value, name) for name in type(value).model_fields}]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, {field.name: getattr(value, field.name) for field in fields(value)}]
    if isinstance(value, (set, frozenset)):
        return sorted(canonical(member).decode("utf-8", "surrogatepass") for member in value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a configuration cannot hold {type(value).__name__}: give a digest")


def _key(stage: str, version: int, settings: bytes, schema: pa.Schema, required: Sequence[str], shard: Shard) -> str:
    """Return the sha256 of everything that determines an output shard."""
    parts = [stage, str(version), settings.hex(), str(schema), *required, "", shard.name, shard.digest]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
