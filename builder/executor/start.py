"""Start an executor by name, and report progress over shards."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from builder.executor.dask import dask_pmap
from builder.executor.environment import keep_pandas_unimported
from builder.executor.local import local_pmap
from builder.executor.markers import ShardResult
from builder.executor.pmap import UNKNOWN, Expected, Pmap
from builder.executor.ray import ray_pmap
from builder.executor.stage import ShardCallback, Stage
from builder.executor.worker import make_shard
from builder.records import Progress, user_error


@contextmanager
def engine(name: str, workers: int | None = None, expected: Expected = UNKNOWN) -> Iterator[Pmap]:
    """Start an engine by name, or join the cluster that RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names.

    `workers` is the number of processes to start on this machine; None means one for each core. Raises KhabarError, with
    exit code 2 if the engine does not exist or is not installed, 3 if the cluster does not answer, and, from pmap, 5 if
    the workers of an item died.
    """
    engines: dict[str, Callable[[int], AbstractContextManager[Pmap]]] = {
        "local": partial(local_pmap, expected=expected),
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
def engine_for(run: ExecutorConfig, size: int, expected: Expected = UNKNOWN) -> Iterator[Pmap]:
    """Start the executor of a run, unless it is started. Little input is processed in this process."""
    if run.pmap:
        yield run.pmap
        return
    few = run.engine == "local" and run.workers is None and size < SMALL
    with engine(run.engine, 1 if few else run.workers, expected) as pmap:
        yield pmap


@contextmanager
def one_engine(run: ExecutorConfig, size: int, expected: Expected = UNKNOWN) -> Iterator[ExecutorConfig]:
    """Start the executor of a run once for several stages."""
    with engine_for(run, size, expected) as pmap:
        yield replace(run, pmap=pmap)


def work_of(shards: int, *stages: Stage[Any]) -> Expected:
    """Return the work that stages have, each with so many shards."""
    return Expected(shards, tuple(function.__module__ for function in (make_shard, *(one.function for one in stages))))


def progress_callback(run: ExecutorConfig, name: str, of: int) -> ShardCallback:
    """Return a callback that reports progress each time a shard is done."""
    begun, many, taken, kept, reasons = time.monotonic(), 0, 0, 0, Counter[str]()

    def watch(one: ShardResult, before: bool) -> None:  # noqa: ARG001 - what was done before counts too
        nonlocal many, taken, kept
        many, taken, kept = many + 1, taken + one.taken, kept + one.rows
        reasons.update(aside.reason for aside in one.set_aside)
        run.say(Progress(name, many, of, taken, kept, dict(sorted(reasons.items())), time.monotonic() - begun))

    return watch
