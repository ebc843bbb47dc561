"""Start an executor by name, and report progress over shards."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from builder.executor.dask import dask_pmap
from builder.executor.environment import keep_pandas_unimported
from builder.executor.local import local_pmap
from builder.executor.markers import ShardResult
from builder.executor.pmap import Pmap
from builder.executor.ray import ray_pmap
from builder.executor.stage import ShardCallback
from builder.records import Progress, user_error


@contextmanager
def engine(name: str, workers: int | None = None) -> Iterator[Pmap]:
    """Start an engine by name, or join the cluster that RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names.

    `workers` is the number of processes to start on this machine; None means one for each core. Raises KhabarError, with
    exit code 2 if the engine does not exist or is not installed, 3 if the cluster does not answer, and, from pmap, 5 if
    the workers of an item died.
    """
    engines: dict[str, Callable[[int], AbstractContextManager[Pmap]]] = {
        "local": local_pmap,
        "ray": ray_pmap,
        "dask": dask_pmap,
    }
    if name not in engines:
        raise user_error("engine", f"there is no engine {name}", fix=f"choose one of: {', '.join(engines)}")
    keep_pandas_unimported()
    if workers is not None and workers < 1:
        raise user_error("engine", f"{workers} workers cannot do any work", fix="give 1 or more, or leave it out")
    with engines[name](workers or len(os.sched_getaffinity(0))) as pmap:
        yield pmap


SMALL = 8_000_000
"""Bytes of input below which no other process is started."""


@dataclass(frozen=True, slots=True)
class ExecutorConfig:
    """Where bulk stages run, and the callback for their progress."""

    engine: str = "local"
    workers: int | None = None
    say: Callable[[Progress], None] = lambda _: None
    pmap: Pmap | None = None
    """The executor that the stages of a command share, if it is started."""


LOCAL = ExecutorConfig()


@contextmanager
def engine_for(run: ExecutorConfig, size: int) -> Iterator[Pmap]:
    """Start the executor of a run, unless it is started. Little input is processed in this process."""
    if run.pmap:
        yield run.pmap
        return
    few = run.engine == "local" and run.workers is None and size < SMALL
    with engine(run.engine, 1 if few else run.workers) as pmap:
        yield pmap


@contextmanager
def one_engine(run: ExecutorConfig, size: int) -> Iterator[ExecutorConfig]:
    """Start the executor of a run once for several stages."""
    with engine_for(run, size) as pmap:
        yield replace(run, pmap=pmap)


def progress_callback(run: ExecutorConfig, name: str, of: int) -> ShardCallback:
    """Return a callback that reports progress each time a shard is done."""
    begun, many, taken, kept, reasons = time.monotonic(), 0, 0, 0, Counter[str]()

    def watch(one: ShardResult, before: bool) -> None:  # noqa: ARG001 - what was done before counts too
        nonlocal many, taken, kept
        many, taken, kept = many + 1, taken + one.taken, kept + one.rows
        reasons.update(aside.reason for aside in one.set_aside)
        run.say(Progress(name, many, of, taken, kept, dict(sorted(reasons.items())), time.monotonic() - begun))

    return watch
