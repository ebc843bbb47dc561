"""The bulk tables of a project, in shards: documents, articles, keys, filters and groups.

One folder for each stage, in `.khabar/corpus` or where `crawl:` of dataset.yaml says; only shards that a done-marker
names are read.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from builder.project import PART, Project, from_table
from builder.records import Issue, SetAside, Step, sha16

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.corpus.engine import Pmap
    from builder.corpus.stages import Done, Shard, Stage, Watch

R = TypeVar("R")
C = TypeVar("C")
SMALL = 8_000_000
"""Bytes of input that are not worth the start of other processes."""


@dataclass(frozen=True, slots=True)
class Run:
    """Where the bulk stages run, and who is told how far they are."""

    engine: str = "local"
    workers: int | None = None
    say: Callable[[Step], None] = lambda _: None


HERE = Run()


def home(project: Project) -> str:
    """Where all bulk tables are: a path from the root, or a URI."""
    from builder.corpus import store

    place = project.schema.dataset.crawl
    return store.absolute(place if place and store.remote(place) else project.root / (place or ".khabar/corpus"))


def folder(project: Project, stage: str) -> str:
    """Where the shards of a stage are."""
    return f"{home(project)}/{stage}"


def done(project: Project, stage: str) -> list["Done"]:
    """What is said of each shard of a stage that is whole, by name."""
    from builder.corpus.stages import read_done

    return read_done(folder(project, stage))


def shards(project: Project, stage: str) -> list["Shard"]:
    """The shards of a stage, by name."""
    return [one.shard for one in done(project, stage)]


def digest(project: Project, stage: str) -> str:
    """Names the content of all shards of a stage."""
    return sha16("\n".join(f"{one.name} {one.digest}" for one in shards(project, stage)))


@contextmanager
def started(run: Run, size: int) -> Iterator["Pmap"]:
    """The engine of a run; for few bytes of input, no process but this one."""
    from builder.corpus.engine import engine

    few = run.engine == "local" and run.workers is None and size < SMALL
    with engine(run.engine, 1 if few else run.workers) as pmap:
        yield pmap


def weight(project: Project, stage: str) -> int:
    """The bytes of the shards of a stage."""
    from builder.corpus import store

    return sum(size for name, size in store.listed(folder(project, stage)).items() if name.endswith(".parquet"))


def make(
    project: Project, stage: "Stage[C]", config: C, run: Run, *, digest: bytes | None = None
) -> list["Done"]:  # fmt: skip
    """Run a stage over all shards that it reads; those that are done already are left as they are."""
    from builder.corpus import stages

    found = shards(project, stage.source)
    with started(run, weight(project, stage.source)) as pmap:
        return stages.run(stage.name, stage.function, config, found, folder(project, stage.target), pmap,
                          schema=stage.schema, watch=watching(run, stage.name, len(found)), required=stage.required,
                          digest=digest, version=stage.version, compression=stage.compression)  # fmt: skip


def watching(run: Run, name: str, of: int) -> "Watch":
    """Tells how far a stage is, each time a shard of it is done."""
    begun, many, taken, kept, reasons = time.monotonic(), 0, 0, 0, Counter[str]()

    def watch(one: "Done", before: bool) -> None:  # noqa: ARG001 - what was done before counts too
        nonlocal many, taken, kept
        many, taken, kept = many + 1, taken + one.taken, kept + one.rows
        reasons.update(aside.reason for aside in one.set_aside)
        run.say(Step(name, many, of, taken, kept, dict(sorted(reasons.items())), time.monotonic() - begun))

    return watch


def counted(found: Sequence["Done"]) -> Counter[str]:
    """The counts of all shards together."""
    counts = Counter[str]()
    for one in found:
        counts.update(one.counts)
    return counts


def aside(found: Sequence["Done"]) -> list[SetAside]:
    """What all shards set aside."""
    return [each for one in found for each in one.set_aside]


def issues(found: Sequence["Done"]) -> list[Issue]:
    """What is to be said of all shards."""
    return [each for one in found for each in one.issues]


def batches(project: Project, stage: str, record: type[R]) -> Iterator[list[R]]:
    """The records of a stage, a part at a time."""
    for shard in shards(project, stage):
        with _parquet(shard) as file:
            for batch in file.iter_batches(batch_size=PART):
                yield from_table(batch, record)


def column(project: Project, stage: str, names: Sequence[str]) -> "pa.Table":
    """Some columns of all rows of a stage."""
    import pyarrow as pa

    found = []
    for shard in shards(project, stage):
        with _parquet(shard) as file:
            found.append(file.read(columns=list(names)))
    return pa.concat_tables(found) if found else pa.table({name: pa.array([], pa.string()) for name in names})


def where(project: Project, stage: str, record: type[R], name: str, values: Collection[str]) -> list[R]:
    """The records of which a column has one of these values; row groups without one are not read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(sorted(values), pa.string())
    found: list[R] = []
    for shard in shards(project, stage):
        with _parquet(shard) as file:
            for number in range(file.num_row_groups):
                among = pc.is_in(file.read_row_group(number, columns=[name])[name], wanted)
                if pc.any(among).as_py():
                    found += from_table(file.read_row_group(number).filter(among), record)
    return found


@contextmanager
def _parquet(shard: "Shard") -> Iterator["pq.ParquetFile"]:
    import pyarrow.parquet as pq

    from builder.corpus import store

    with store.opened(shard.uri) as raw, pq.ParquetFile(raw) as file:
        yield file
