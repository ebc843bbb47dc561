"""The interface of all executors: `pmap(function, items)`, and what they share."""

import pickle
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from builder.records import KhabarError, user_error

R = TypeVar("R")

T = TypeVar("T")


TRIES = 3
"""Attempts at an item before it is blamed for the deaths of its workers."""


@dataclass(frozen=True, slots=True)
class Expected:
    """The work that is sure to come: its number of items, and the modules that workers need for it."""

    items: int = 0
    modules: tuple[str, ...] = ()


UNKNOWN = Expected()
"""Nothing is known of the work: workers start when it comes."""


class Pmap(Protocol):
    """A parallel, unordered map over items."""

    def __call__(self, function: Callable[[T], R], items: Iterable[T], /) -> Generator[R, None, None]:
        """Yield each result as soon as it is ready, in any order.

        Raises what the function raises, and KhabarError (exit code 5) for an item whose workers died.
        """


def worker_died(item: object, cause: str) -> KhabarError:
    """Return the error of an item whose workers died."""
    return user_error("worker-died", f"every worker that ran {item} died ({cause}); the other results are kept",
                  where=str(item), fix="if memory ran out, use fewer workers; then rerun the command to resume",
                  exit_code=5)  # fmt: skip


def run_item(function: Callable[[T], R], item: T) -> tuple[bool, object]:
    """Return True with the function's result, or False with its exception, as some exceptions cannot be pickled."""
    try:
        return True, function(item)
    except Exception as error:  # noqa: BLE001 - any exception is raised again in the parent process
        return False, picklable(error)


def picklable(error: Exception) -> Exception:
    """Return an exception that can be pickled, with the worker's traceback as a note or as its message."""
    if not isinstance(error, KhabarError):
        error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    except Exception:  # noqa: BLE001 - pickle raises anything
        return RuntimeError("".join(traceback.format_exception(error)))
    return error


def unwrap(outcome: tuple[bool, Any]) -> Any:
    """Return the result of an outcome, or raise its exception."""
    succeeded, value = outcome
    if not succeeded:
        raise value
    return value


def engine_missing(name: str) -> KhabarError:
    """Return the error of an engine whose package is missing."""
    return user_error("no-engine", f"the engine {name} is not installed", fix=f"pip install 'khabar[{name}]'")


@contextmanager
def connecting(variable: str, address: str | None) -> Iterator[None]:
    """Raise KhabarError (exit code 3) if the cluster does not answer."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - each cluster has exceptions of its own
        reason = (str(error).strip() or type(error).__name__).split("\n")[0]
        raise user_error(
            "engine-address",
            f"no cluster answers at {address or 'this machine'}: {reason}",
            fix=f"check {variable}, and that the cluster is running",
            exit_code=3,
        ) from None
