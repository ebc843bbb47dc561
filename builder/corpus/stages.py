"""A stage over shards: a pure function from Arrow tables to Arrow tables, run wherever the engine runs it.

The key in a shard's marker names the stage, its version, its configuration and the input, so what did not change is
not run again. Knows nothing of what a stage does.
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

from builder.corpus import store
from builder.corpus.engine import Pmap
from builder.corpus.halving import Function, Job, made
from builder.corpus.shards import Done, Made, Shard, data_of, marker_name, read_done, write_shard
from builder.records import refuse

__all__ = ["Done", "Function", "Made", "Shard", "Stage", "Watch", "canonical", "read_done", "run", "write_shard"]

C = TypeVar("C")
Watch = Callable[[Done, bool], None]
"""Called with each shard as it is done, and whether it was so before."""


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
    """Of the output; `none` for what does not shrink."""


def run(  # noqa: PLR0913 - a stage is what it is made of
    name: str, function: Function[C], config: C, shards: Sequence[Shard], folder: str | Path, engine: Pmap, *,
    schema: pa.Schema, watch: Watch, required: Sequence[str] = (), digest: bytes | None = None, version: int = 1,
    compression: str = "zstd",
) -> list[Done]:  # fmt: skip
    """Make one output shard of each input shard, those that are not done already; what has no input any more goes.

    `schema` is the output's. Rows with a null in a `required` column, or with text that is not UTF-8, are set aside
    before the function sees them, those at which it raises after. `digest` names a configuration that is no pydantic
    model, dataclass or plain value; `version` is the stage's. Gives back all shards, by name. Raises Refused: 2 a shard that cannot be read, or
    a folder that the workers do not share, 3 trouble with the store, 5 a shard whose workers died.
    """
    place = store.absolute(folder)
    if len({shard.name for shard in shards}) < len(shards):
        raise ValueError("two shards have one name")
    there = {one.shard.name: one for one in read_done(place)}
    settings = digest if digest is not None else canonical(config)
    done, jobs = list[Done](), list[Job]()
    for shard in shards:
        key = _key(name, version, settings, schema, required, shard)
        if shard.name in there and there[shard.name].key == key:
            done.append(there[shard.name])
            watch(done[-1], True)
        else:
            jobs.append(Job(name, function, config, shard, place, key, schema, tuple(required), compression))
    try:
        with closing(engine(made, jobs)) as coming:
            for one in coming:
                done.append(one)
                watch(one, False)
    finally:
        store.sweep(place)
    _tidy(place, done)
    return sorted(done, key=lambda one: one.shard.name)


def _tidy(folder: str, done: Sequence[Done]) -> None:
    """Remove what belongs to no shard; raises Refused where what workers wrote is not there."""
    files = store.listed(folder)
    wanted = {name for one in done for name in (data_of(one.shard), marker_name(one.shard.name))}
    missing = sorted(wanted - files.keys())
    if missing:
        raise refuse("not-shared", f"workers wrote {len(missing)} files that are not in {store.shown(folder)} as seen "
                     f"from here, such as {missing[0]}", where=store.shown(folder),
                     fix="use a folder that every worker sees, such as s3://")  # fmt: skip
    gone = [file for file in files if file not in wanted and file.endswith((".json", ".parquet"))]
    store.remove(folder, sorted(gone, key=lambda file: not file.endswith(".json")))  # first what says that it is there


def canonical(config: object) -> bytes:
    """A configuration as bytes that are the same in every process.

    >>> canonical({"least": .5, "words": frozenset({"ب", "ا"})}) == canonical({"least": .5, "words": {"ا", "ب"}})
    True
    """
    return json.dumps(config, default=_plain, ensure_ascii=False, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )


def _plain(value: object) -> object:
    """What JSON has no word for, in values for which it has."""
    if isinstance(value, BaseModel):
        return [type(value).__name__, {name: getattr(value, name) for name in type(value).model_fields}]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, {one.name: getattr(value, one.name) for one in fields(value)}]
    if isinstance(value, (set, frozenset)):
        return sorted(canonical(one).decode("utf-8", "surrogatepass") for one in value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    raise TypeError(f"a configuration cannot hold {type(value).__name__}: give a digest")


def _key(stage: str, version: int, settings: bytes, schema: pa.Schema, required: Sequence[str], shard: Shard) -> str:
    parts = [stage, str(version), settings.hex(), str(schema), *required, "", shard.name, shard.digest]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
