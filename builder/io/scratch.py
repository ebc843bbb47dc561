"""Temporary folders that a kill does not leave behind for good: the next one that is opened removes them."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = "khabar-"

LOCK = ".lock"
"""The file that the process that uses a folder holds locked, until it ends in whatever way."""


@contextmanager
def scratch_folder(purpose: str) -> Iterator[Path]:
    """Yield a new folder in the system's temporary folder, removed after the block; remove those of killed processes."""
    base = Path(tempfile.gettempdir())
    for leftover in base.glob(f"{PREFIX}*"):
        _remove_unused(leftover)
    # Locked under a name that no other process looks for, and then renamed.
    fresh = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{purpose}-", dir=base))
    with (fresh / LOCK).open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder = fresh.rename(base / fresh.name.removeprefix("."))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_unused(folder: Path) -> None:
    """Remove a folder of this user that no process holds."""
    with suppress(OSError):  # it is no such folder, or another process removes it
        if folder.lstat().st_uid != os.getuid() or folder.is_symlink():
            return
        with (folder / LOCK).open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
