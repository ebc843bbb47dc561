"""Worker processes on this machine."""

import importlib
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from multiprocessing import connection as pipes
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.context import SpawnProcess
from typing import TYPE_CHECKING, TypeVar

from builder.executor.environment import HELD_MEMORY, ONE_THREAD, keep_pandas_unimported, numpy_environment
from builder.executor.pmap import TRIES, UNKNOWN, Expected, Pmap, picklable, run_item, unwrap, worker_died

if TYPE_CHECKING:
    from typing import Any

R = TypeVar("R")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class _Worker:
    """A worker process, and the pipe to it."""

    process: SpawnProcess
    pipe: "pipes.Connection[Any, Any]"


@contextmanager
def local_pmap(workers: int, expected: Expected = UNKNOWN) -> Iterator[Pmap]:
    """Run in processes of this machine, which start only for two items or more; one item is not worth their start.

    Where as many are expected, they start at once, and import their modules before the first item comes.
    """
    crew: list[_Worker] = []
    sure = min(workers, expected.items)

    def pmap(function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        rest = iter(items)
        head = list(islice(rest, 2))
        if workers == 1 or len(head) < 2:
            yield from map(function, chain(head, rest))
        else:
            yield from _dispatch(crew, workers, function, chain(head, rest))

    try:
        for _ in range(sure if sure > 1 else 0):
            _hired(crew, expected.modules)
        yield pmap
    finally:
        for worker in crew:  # all die before one is waited for
            worker.process.kill()
        for worker in [*crew]:
            _dismiss(crew, worker)


def _dispatch(
    crew: list[_Worker], workers: int, function: Callable[[T], R], items: Iterator[T]
) -> Generator[R, None, None]:
    """Give each worker one item at a time, so that the item of a worker that dies is known."""
    idle, again = [*crew], deque[tuple[T, int]]()
    busy: dict[object, tuple[_Worker, T, int]] = {}
    try:
        while True:
            ready = [*islice(chain(_emptied(again), ((item, 1) for item in items)), workers - len(busy))]
            idle += [_hired(crew) for _ in range(len(ready) - len(idle))]  # all start before one is waited for
            for item, tries in ready:
                worker = idle.pop()
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
                        raise worker_died(item, _signal(code)) from None
                    again.append((item, tries + 1))
                else:
                    idle.append(worker)
                    yield unwrap(answer)
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


def _hired(crew: list[_Worker], modules: tuple[str, ...] = ()) -> _Worker:
    """Start a worker that imports modules first. It has one thread and ignores Ctrl-C, since this process stops it."""
    context = get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, modules), daemon=True)
    environment = {**dict.fromkeys(ONE_THREAD, "1"), **HELD_MEMORY, **numpy_environment()}
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    resource_tracker.ensure_running()  # starting it later would unblock the signal before the worker inherits the mask
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


def _serve(pipe: "pipes.Connection[Any, Any]", modules: tuple[str, ...]) -> None:
    """Run items in a worker until the pipe closes, which it does when the parent process ends."""
    keep_pandas_unimported()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for module in modules:
        importlib.import_module(module)
    while True:
        try:
            function, item = pipe.recv()
        except EOFError:
            return
        except Exception as error:  # noqa: BLE001 - such as a missing module; the parent process raises it
            pipe.send((False, picklable(error)))
        else:
            pipe.send(run_item(function, item))


def _end_with_parent() -> None:
    """Exit when the parent process is killed, as the next run may write the same files."""
    parent = parent_process()
    if parent is not None:
        pipes.wait([parent.sentinel])
        os._exit(1)
