"""Workers on a Ray cluster."""

import os
import socket
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from builder.executor.pmap import TRIES, Pmap, connecting, engine_missing, run_item, unwrap, worker_died

R = TypeVar("R")

T = TypeVar("T")


@contextmanager
def ray_pmap(workers: int) -> Iterator[Pmap]:
    """Run on the Ray cluster at RAY_ADDRESS, or on one of this machine that stops with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # otherwise Ray warns at each start
    try:
        import ray  # noqa: PLC0415 - extra `ray`
    except ImportError:
        raise engine_missing("ray") from None
    address = os.environ.get("RAY_ADDRESS")
    options = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": 80_000_000,
               "_node_ip_address": "127.0.0.1"}  # fmt: skip
    with connecting("RAY_ADDRESS", address):
        _check_reachable(address or "local")
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else options))
    call = ray.remote(num_cpus=1, max_retries=TRIES - 1)(run_item)

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        room = 2 * int(ray.cluster_resources().get("CPU", 1))
        running = {call.remote(function, item): item for item in islice(rest, room)}
        while running:
            (done, *_), _ = ray.wait(list(running))
            item = running.pop(done)
            try:
                outcome = ray.get(done)
            except (
                ray.exceptions.NodeDiedError,
                ray.exceptions.OutOfMemoryError,
                ray.exceptions.WorkerCrashedError,
            ) as error:
                raise worker_died(item, type(error).__name__) from None
            running |= {call.remote(function, item): item for item in islice(rest, 1)}
            yield unwrap(outcome)

    try:
        yield pmap
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise OSError if nothing listens at an address, since Ray would retry for minutes.

    Loopback addresses are not checked, because Ray resolves them to another address of this machine.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit() and host not in ("localhost", "127.0.0.1", "[::1]"):
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()
