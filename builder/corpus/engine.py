"""Parallel execution of the bulk stages, in processes of this machine, on Ray or on Dask.

An engine is one function, `pmap(function, items)`, for importable functions and items that can be pickled. A worker that
dies is replaced and its item retried; an exception of the function is raised in the calling process.
"""

import os
import pickle
import re
import signal
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, Protocol, TypeVar

from builder.records import Refused, refuse

T = TypeVar("T")
R = TypeVar("R")
TRIES = 3
"""Attempts at an item before it is blamed for the deaths of its workers."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS")
"""Variables that give each worker one thread, as there is a worker for each core; numpy and Arrow read them on import."""
HELD_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
    "MALLOC_TOP_PAD_": "16777216",
}
"""Sizes in bytes up to which freed memory stays with the process for the next arrays; it saves a tenth of the time."""
WITHOUT = "NPY_DISABLE_CPU_FEATURES"
"""The variable that lists the processor features numpy must not use; numpy reads it on import."""


class Pmap(Protocol):
    """A parallel, unordered map over items."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        """Yield each result as soon as it is ready, in any order.

        Raises what the function raises, and Refused (exit code 5) for an item whose workers died.
        """


@contextmanager
def engine(name: str, workers: int | None = None) -> Iterator[Pmap]:
    """Start an engine by name, or join the cluster that RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names.

    `workers` is the number of processes to start on this machine; None means one for each core. Raises Refused, with
    exit code 2 if the engine does not exist or is not installed, 3 if the cluster does not answer, and, from pmap, 5 if
    the workers of an item died.
    """
    engines: dict[str, Callable[[int], AbstractContextManager[Pmap]]] = {"local": _local, "ray": _ray, "dask": _dask}
    if name not in engines:
        raise refuse("engine", f"there is no engine {name}", fix=f"choose one of: {', '.join(engines)}")
    _leave_pandas_out()
    if workers is not None and workers < 1:
        raise refuse("engine", f"{workers} workers cannot do any work", fix="give 1 or more, or leave it out")
    with engines[name](workers or len(os.sched_getaffinity(0))) as pmap:
        yield pmap


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A worker process, and the pipe to it."""

    process: SpawnProcess
    pipe: "pipes.Connection[Any, Any]"


@contextmanager
def _local(workers: int) -> Iterator[Pmap]:
    """Run in processes of this machine, which start only for two items or more; one item is not worth their start."""
    crew: list[_Worker] = []

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        head = list(islice(rest, 2))
        if workers == 1 or len(head) < 2:
            yield from map(function, chain(head, rest))
        else:
            yield from _shared_out(crew, workers, function, chain(head, rest))

    try:
        yield pmap
    finally:
        for worker in [*crew]:
            _dismiss(crew, worker)


def _shared_out(
    crew: list[_Worker], workers: int, function: Callable[[T], R], items: Iterator[T]
) -> Generator[R, None, None]:
    """Give each worker one item at a time, so that the item of a worker that dies is known."""
    idle, again = [*crew], deque[tuple[T, int]]()
    busy: dict[object, tuple[_Worker, T, int]] = {}
    try:
        while True:
            for item, tries in islice(chain(_emptied(again), ((item, 1) for item in items)), workers - len(busy)):
                worker = idle.pop() if idle else _hired(crew)
                busy[worker.pipe] = worker, item, tries
                _send(worker, function, item)
            if not busy:
                return
            for pipe in pipes.wait([worker.pipe for worker, *_ in busy.values()]):
                worker, item, tries = busy.pop(pipe)
                try:
                    answer = worker.pipe.recv()
                except (EOFError, OSError):
                    code = _dismiss(crew, worker)
                    if tries == TRIES:
                        raise _died(item, _signal(code)) from None
                    again.append((item, tries + 1))
                else:
                    idle.append(worker)
                    yield _opened(answer)
    except BaseException:  # also when the caller stops early, since nobody would wait for the busy workers
        for worker, *_ in busy.values():
            _dismiss(crew, worker)
        raise


def _emptied(queue: deque[tuple[T, int]]) -> Iterator[tuple[T, int]]:
    """Yield the items of a queue while removing them."""
    while queue:
        yield queue.popleft()


def _send(worker: _Worker, function: Callable[[T], R], item: T) -> None:
    """Send an item to a worker."""
    try:
        worker.pipe.send((function, item))
    except OSError:
        worker.process.kill()  # the worker is dying, and the wait on its pipe will report it


def _hired(crew: list[_Worker]) -> _Worker:
    """Start a worker that has one thread and ignores Ctrl-C, since this process stops it."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    environment = {**dict.fromkeys(ONE_THREAD, "1"), **HELD_MEMORY, **_without_slow_sorts()}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        process.start()
        crew.append(_Worker(process, here))
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
        there.close()
        signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    return crew[-1]


class _Hidden:
    """Module finder that makes pandas unimportable."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        """Raise ModuleNotFoundError for pandas."""
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def _leave_pandas_out() -> None:
    """Stop Arrow from importing pandas, which takes a fifth of a second.

    Arrow imports it to check whether the first list it converts is a Series, and does not try again after a failure.
    Other code can still import pandas.
    """
    import pyarrow as pa

    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _Hidden)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(_Hidden)


def _without_slow_sorts() -> dict[str, str]:
    """Return the environment that disables AVX-512 in numpy on Zen 4.

    Its sort is four times slower there with AVX-512 than without (numpy/x86-simd-sort, issue 6).
    """
    try:
        processor = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        processor = ""
    if (
        WITHOUT in os.environ
        or "AuthenticAMD" not in processor
        or not re.search(r"^cpu family\s*: 25$", processor, re.MULTILINE)
    ):
        return {}
    from numpy._core import _multiarray_umath as numpy_core  # type: ignore[attr-defined] # not public, not typed

    wide = [name for name in numpy_core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]
    return {WITHOUT: " ".join(name for name in wide if numpy_core.__cpu_features__[name])}


def _dismiss(crew: list[_Worker], worker: _Worker) -> int:
    """Kill a worker, and return its exit code."""
    crew.remove(worker)
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
    code = worker.process.exitcode or 0
    worker.process.close()
    return code


def _signal(code: int) -> str:
    """Return the name of the signal that ended a process, or its exit code."""
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _died(item: object, cause: str) -> Refused:
    """Return the error of an item whose workers died."""
    return refuse("worker-died", f"every worker that ran {item} died ({cause}); the other results are kept",
                  where=str(item), fix="if memory ran out, use fewer workers; then rerun the command to resume",
                  exit_code=5)  # fmt: skip


def _serve(pipe: "pipes.Connection[Any, Any]") -> None:
    """Run items in a worker until the pipe closes, which it does when the parent process ends."""
    _leave_pandas_out()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - such as a missing module; the parent process raises it
            pipe.send((False, _portable(error)))
        else:
            pipe.send(_outcome(function, item))


def _end_with_parent() -> None:
    """Exit when the parent process is killed, as the next run may write the same files."""
    parent = parent_process()
    if parent is not None:
        pipes.wait([parent.sentinel])
        os._exit(1)


def _outcome(function: Callable[[T], R], item: T) -> tuple[bool, object]:
    """Return True with the function's result, or False with its exception, as some exceptions cannot be pickled."""
    try:
        return True, function(item)
    except Exception as error:  # noqa: BLE001 - any exception is raised again in the parent process
        return False, _portable(error)


def _portable(error: Exception) -> Exception:
    """Return an exception that can be pickled, with the worker's traceback as a note or as its message."""
    if not isinstance(error, Refused):
        error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    except Exception:  # noqa: BLE001 - pickle raises anything
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def _opened(outcome: tuple[bool, Any]) -> Any:
    """Return the result of an outcome, or raise its exception."""
    succeeded, value = outcome
    if not succeeded:
        raise value
    return value


@contextmanager
def _ray(workers: int) -> Iterator[Pmap]:
    """Run on the Ray cluster at RAY_ADDRESS, or on one of this machine that stops with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # otherwise Ray warns at each start
    try:
        import ray
        from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError
    except ImportError:
        raise _not_installed("ray") from None
    address = os.environ.get("RAY_ADDRESS")
    options = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": 80_000_000,
               "_node_ip_address": "127.0.0.1"}  # fmt: skip
    with _joined("RAY_ADDRESS", address):
        _knock(address or "local")
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else options))
    call = ray.remote(num_cpus=1, max_retries=TRIES - 1)(_outcome)

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        room = 2 * int(ray.cluster_resources().get("CPU", 1))
        running = {call.remote(function, item): item for item in islice(rest, room)}
        while running:
            (done, *_), _ = ray.wait(list(running))
            item = running.pop(done)
            try:
                outcome = ray.get(done)
            except (NodeDiedError, OutOfMemoryError, WorkerCrashedError) as error:
                raise _died(item, type(error).__name__) from None
            running |= {call.remote(function, item): item for item in islice(rest, 1)}
            yield _opened(outcome)

    try:
        yield pmap
    finally:
        ray.shutdown()


@contextmanager
def _dask(workers: int) -> Iterator[Pmap]:
    """Run on the Dask cluster at DASK_SCHEDULER_ADDRESS, or on one of this machine that stops with the block."""
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise _not_installed("dask") from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with _joined("DASK_SCHEDULER_ADDRESS", address):
        cluster = None if address else LocalCluster(**options)
        client = Client(address or cluster, set_as_default=False)

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        room = 2 * max(1, sum(client.nthreads().values()))
        running: dict[Any, T] = {}
        first = [_submitted(client, running, function, item) for item in islice(rest, room)]
        coming = as_completed(first, loop=client.loop)
        for done in coming:
            item = running.pop(done)
            try:
                outcome = done.result()
            except KilledWorker:
                raise _died(item, "KilledWorker") from None
            for following in islice(rest, 1):
                coming.add(_submitted(client, running, function, following))
            yield _opened(outcome)

    try:
        yield pmap
    finally:
        client.close()
        if cluster is not None:
            cluster.close()


def _submitted(client: Any, running: dict[Any, T], function: Callable[[T], R], item: T) -> Any:
    """Submit an item to Dask, note it as running, and return its future."""
    future = client.submit(_outcome, function, item, pure=False)
    running[future] = item
    return future


def _knock(address: str) -> None:
    """Raise OSError if nothing listens at an address, since Ray would retry for minutes.

    Loopback addresses are not checked, because Ray resolves them to another address of this machine.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit() and host not in ("localhost", "127.0.0.1", "[::1]"):
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _not_installed(name: str) -> Refused:
    """Return the error of an engine whose package is missing."""
    return refuse("no-engine", f"the engine {name} is not installed", fix=f"pip install 'khabar[{name}]'")


@contextmanager
def _joined(variable: str, address: str | None) -> Iterator[None]:
    """Raise Refused (exit code 3) if the cluster does not answer."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each cluster has exceptions of its own
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        raise refuse("engine-address", f"no cluster answers at {address or 'this machine'}: {reason}",
                     fix=f"check {variable}, and that the cluster is running", exit_code=3) from None  # fmt: skip
