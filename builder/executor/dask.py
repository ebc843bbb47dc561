"""Workers on a Dask cluster."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from builder.executor.pmap import Pmap, connecting, engine_missing, run_item, unwrap, worker_died

R = TypeVar("R")

T = TypeVar("T")


@contextmanager
def dask_pmap(workers: int) -> Iterator[Pmap]:
    """Run on the Dask cluster at DASK_SCHEDULER_ADDRESS, or on one of this machine that stops with the block."""
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed  # noqa: PLC0415 - extra `dask`
    except ImportError:
        raise engine_missing("dask") from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with connecting("DASK_SCHEDULER_ADDRESS", address):
        cluster = None if address else LocalCluster(**options)
        client = Client(address or cluster, set_as_default=False)

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        room = 2 * max(1, sum(client.nthreads().values()))
        running: dict[Any, T] = {}
        suspects: list[T] = []
        first = [_submitted(client, running, function, item) for item in islice(rest, room)]
        coming = as_completed(first, loop=client.loop)
        for done in coming:
            item = running.pop(done)
            for following in islice(rest, 1):
                coming.add(_submitted(client, running, function, following))
            try:
                outcome = done.result()
            except KilledWorker:
                suspects.append(item)
                continue
            yield unwrap(outcome)
        # Dask blames each item that waited at a worker that died: what kills its workers also alone is to blame.
        for item in suspects:
            try:
                outcome = _submitted(client, running, function, item).result()
            except KilledWorker:
                raise worker_died(item, "KilledWorker") from None
            yield unwrap(outcome)

    try:
        yield pmap
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _submitted(client: Any, running: dict[Any, T], function: Callable[[T], R], item: T) -> Any:
    """Submit an item to Dask, note it as running, and return its future."""
    future = client.submit(run_item, function, item, pure=False)
    running[future] = item
    return future
