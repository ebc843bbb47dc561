"""Entry point of the command line: Ctrl-C ends it with a message and exit code 130 at any moment, also while it starts."""

import os
import signal
import sys
from importlib import import_module
from types import FrameType

INTERRUPTED = b"Interrupted. Progress is saved; run the same command again to resume.\n"


def main() -> None:
    """Import and run the command line."""
    signal.signal(signal.SIGINT, _end)
    try:
        # Imported here, so that no interrupt comes before the handler.
        import_module("builder.main").main()
    finally:
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    """End at once: there is nothing to clean up before a command runs, nor after it."""
    os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, INTERRUPTED)
    os._exit(130)


if __name__ == "__main__":
    main()
