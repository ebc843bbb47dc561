"""Where the bulk stages run: processes of this machine, Ray or Dask. The pipeline does not know which.

An engine is one function, `pmap(function, items)`, over functions of a module and items that can be pickled. A worker
that dies is replaced and its item run again; what a function raises is raised here.
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
"""How often an item is run before its workers' deaths are called its own fault."""
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS")
"""A process for each core, so one thread in each: numpy and Arrow read these when they are imported."""
HELD_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "33554432",
    "MALLOC_TRIM_THRESHOLD_": "134217728",
    "MALLOC_TOP_PAD_": "16777216",
}
"""Bytes: freed arrays stay with the process up to here, as the next ones need them; else a tenth of the time goes there."""
WITHOUT = "NPY_DISABLE_CPU_FEATURES"
"""Names what numpy is not to use of the processor; read when it is imported."""


class Pmap(Protocol):
    """Run a function over items, anywhere; results come as they are ready, in no order."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        """Raise what the function raises, and Refused (exit code 5) of an item whose workers died."""


@contextmanager
def engine(name: str, workers: int | None = None) -> Iterator[Pmap]:
    """Start an engine by name, or join the cluster that RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names.

    `workers` counts processes that are started here; None means one for each core. Raises Refused: 2 an engine that
    does not exist or is not installed, 3 a cluster that does not answer; and from pmap, 5 an item whose workers died.
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
    process: SpawnProcess
    pipe: "pipes.Connection[Any, Any]"


@contextmanager
def _local(workers: int) -> Iterator[Pmap]:
    """Processes of this machine, started when there are two items; one item is not worth their start."""
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
    """Give each worker one item at a time, so that it is known whose item a death leaves undone."""
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
    except BaseException:  # also when who asked has no more use for it: nobody would wait for the others
        for worker, *_ in busy.values():
            _dismiss(crew, worker)
        raise


def _emptied(queue: deque[tuple[T, int]]) -> Iterator[tuple[T, int]]:
    while queue:
        yield queue.popleft()


def _send(worker: _Worker, function: Callable[[T], R], item: T) -> None:
    try:
        worker.pipe.send((function, item))
    except OSError:
        worker.process.kill()  # it is dying: the pipe says so when it is waited for


def _hired(crew: list[_Worker]) -> _Worker:
    """Start a worker that has one thread and never sees Ctrl-C: this process ends it."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there,), daemon=True)
    own = {**dict.fromkeys(ONE_THREAD, "1"), **HELD_MEMORY, **_without_slow_sorts()}
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
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
    """Stands before the finders of modules while pandas is not to be found."""

    @staticmethod
    def find_spec(name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)


def _leave_pandas_out() -> None:
    """Arrow imports pandas, a fifth of a second, to ask of the first list that it sees whether it is a Series.

    Once it was not found, Arrow asks no more; whoever wants pandas still gets it.
    """
    import pyarrow as pa

    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _Hidden)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(_Hidden)


def _without_slow_sorts() -> dict[str, str]:
    """On a Zen 4 numpy's sort is four times slower with AVX-512 than without (numpy/x86-simd-sort, issue 6)."""
    try:
        about = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        about = ""
    if (
        WITHOUT in os.environ
        or "AuthenticAMD" not in about
        or not re.search(r"^cpu family\s*: 25$", about, re.MULTILINE)
    ):
        return {}
    from numpy._core import _multiarray_umath as numpy_core  # type: ignore[attr-defined] # not public, not typed

    wide = [name for name in numpy_core.__cpu_dispatch__ if name.startswith(("AVX512", "X86_V4"))]
    return {WITHOUT: " ".join(name for name in wide if numpy_core.__cpu_features__[name])}


def _dismiss(crew: list[_Worker], worker: _Worker) -> int:
    """End a worker at once; gives back what it ended with."""
    crew.remove(worker)
    worker.process.kill()
    worker.process.join()
    worker.pipe.close()
    code = worker.process.exitcode or 0
    worker.process.close()
    return code


def _signal(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _died(item: object, how: str) -> Refused:
    return refuse("worker-died", f"each worker that ran {item} died ({how}); what others did is kept",
                  where=str(item), fix="if memory ran out, use fewer workers; then run the same command again: "
                  "it goes on where it stopped", exit_code=5)  # fmt: skip


def _serve(pipe: "pipes.Connection[Any, Any]") -> None:
    """A worker's life: items until the pipe ends, which it does when the other process does."""
    _leave_pandas_out()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - such as a module that is not there: to be said by who asked
            pipe.send((False, _portable(error)))
        else:
            pipe.send(_outcome(function, item))


def _end_with_parent() -> None:
    """A worker whose parent was killed must not write what the next run may be writing."""
    parent = parent_process()
    if parent is not None:
        pipes.wait([parent.sentinel])
        os._exit(1)


def _outcome(function: Callable[[T], R], item: T) -> tuple[bool, object]:
    """What a function gave (True) or raised (False): some exceptions do not survive the way between processes."""
    try:
        return True, function(item)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again where the item came from
        return False, _portable(error)


def _portable(error: Exception) -> Exception:
    if not isinstance(error, Refused):
        error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    except Exception:  # noqa: BLE001 - pickle raises anything
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def _opened(outcome: tuple[bool, Any]) -> Any:
    fine, value = outcome
    if not fine:
        raise value
    return value


@contextmanager
def _ray(workers: int) -> Iterator[Pmap]:
    """The cluster at RAY_ADDRESS, or one of this machine that is there for as long as the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else a warning at each start
    try:
        import ray
        from ray.exceptions import NodeDiedError, OutOfMemoryError, WorkerCrashedError
    except ImportError:
        raise _not_installed("ray") from None
    address = os.environ.get("RAY_ADDRESS")
    own = {"num_cpus": workers, "include_dashboard": False, "object_store_memory": 80_000_000,
           "_node_ip_address": "127.0.0.1"}  # fmt: skip
    with _joined("RAY_ADDRESS", address):
        _knock(address or "local")
        ray.init(address or "local", log_to_driver=False, logging_level="ERROR", **({} if address else own))
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
    """The cluster at DASK_SCHEDULER_ADDRESS, or one of this machine that is there for as long as the block."""
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
    except ImportError:
        raise _not_installed("dask") from None
    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    own = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "host": "127.0.0.1"}
    with _joined("DASK_SCHEDULER_ADDRESS", address):
        cluster = None if address else LocalCluster(**own)
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
    future = client.submit(_outcome, function, item, pure=False)
    running[future] = item
    return future


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray would try for minutes. This machine's own name Ray reads as another."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if port.isdigit() and host not in ("localhost", "127.0.0.1", "[::1]"):
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


def _not_installed(name: str) -> Refused:
    return refuse("no-engine", f"the engine {name} is not installed", fix=f"pip install 'khabar[{name}]'")


@contextmanager
def _joined(variable: str, address: str | None) -> Iterator[None]:
    """Say which cluster does not answer."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each cluster has exceptions of its own
        said = (str(error).strip() or type(error).__name__).split("\n")[0]
        raise refuse("engine-address", f"no cluster answers at {address or 'this machine'}: {said}",
                     fix=f"is {variable} right, and does the cluster run?", exit_code=3) from None  # fmt: skip
