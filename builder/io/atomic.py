"""Atomic writes: a temporary file, fsync, and a rename."""

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Error numbers of writes that found no room."""


@contextlib.contextmanager
def atomic_write(path: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """Write a file atomically: readers see the old file or the complete new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        add_path_to_error(error, path)
        raise


def add_path_to_error(error: BaseException, path: Path) -> None:
    """Add the path to an error of a full disk, because a failed write does not know it."""
    if isinstance(error, OSError) and error.errno in FULL and error.filename is None:
        error.filename = str(path)


def write_bytes(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write a whole file atomically."""
    with atomic_write(path, mode=mode) as out:
        out.write(content)
