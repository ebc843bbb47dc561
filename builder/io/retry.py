"""The one retry loop: call again while a server is away."""

import time
from collections.abc import Callable
from typing import TypeVar

from builder.records import KhabarError

T = TypeVar("T")


def retry(
    call: Callable[[], T], *, temporary: Callable[[KhabarError], bool], patience: float, waiting: Callable[[], None]
) -> T:
    """Return what `call` returns, and call again while it raises a temporary error.

    Gives up `patience` seconds after the first error and raises the last one. `waiting` is called once, at the first
    error. Other errors are raised at once.

    >>> retry(lambda: 3, temporary=lambda _: True, patience=90.0, waiting=lambda: None)
    3
    """
    began: float | None = None
    while True:
        try:
            return call()
        except KhabarError as error:
            now = time.monotonic()
            if not temporary(error) or (began is not None and now > began + patience):
                raise
            if began is None:
                waiting()
                began = now
        time.sleep(min(1.0, patience / 4))
