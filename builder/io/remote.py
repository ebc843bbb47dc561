"""Files at any address that fsspec reads, such as s3://: the one place that opens file systems and translates their errors."""

import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

from builder.records import KhabarError, user_error

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def is_remote(location: str) -> bool:
    """Return whether a location is a URI rather than a path of this machine."""
    return "://" in location


def _fsspec(part: str) -> Any:
    """Return a module of fsspec, loaded on first use: it loads asyncio and ssl, and most projects are on this machine."""
    return importlib.import_module(f"fsspec.{part}")


def filesystem_of(location: str, code: str = "store") -> "tuple[AbstractFileSystem, str]":
    """Return the file system of a location, and its path there without a final slash.

    Raises KhabarError under `code`: exit code 2 if the backend is not installed, 3 if it cannot be used.
    """
    try:
        with translate_errors(location, code):
            files, path = _fsspec("core").url_to_fs(location)
            return files, str(path).rstrip("/")
    except FileNotFoundError:  # of an archive that the location names
        message = f"{redact_credentials(location)} cannot be used: its archive does not exist, or cannot be reached"
        raise user_error(code, message, exit_code=3, fix="check the address, then retry") from None


@contextmanager
def open_file(location: str) -> Iterator[BinaryIO]:
    """Open a local or remote file for reading."""
    if not is_remote(location):
        with Path(location).open("rb") as file:
            yield file
        return
    files, path = filesystem_of(location)
    with files.open(path, "rb") as file:
        yield file


@contextmanager
def translate_errors(location: str, code: str = "store") -> Iterator[None]:
    """Translate a backend's errors to KhabarError (exit code 2 or 3), except FileNotFoundError and MemoryError."""
    try:
        yield
    except (KhabarError, FileNotFoundError, MemoryError):
        raise
    except ImportError:
        protocol = location.split("://", 1)[0]
        missing = _packages(protocol)
        message = (
            f"{protocol}:// needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed"
        )
        raise user_error("no-backend", message, fix=f"pip install {' '.join(missing)}") from None
    except Exception as error:  # noqa: BLE001 - each backend has exceptions of its own
        shown = redact_credentials(location)
        reason = (str(error).strip() or type(error).__name__).split("\n")[0].replace(location, shown)
        kind = f"{type(error).__name__}: " if isinstance(error, OSError) and reason != type(error).__name__ else ""
        message = f"{shown} cannot be used: {kind}{reason}"
        raise user_error(code, message, exit_code=3, fix="check the URL and your credentials, then retry") from None


def _packages(protocol: str) -> list[str]:
    """Return the packages that fsspec needs for a protocol and that are not installed."""
    known = _fsspec("registry").known_implementations.get(protocol, {})
    package = str(known.get("class", protocol)).split(".")[0]
    quoted = re.findall(r'"([\w.-]+)"', str(known.get("err", "")))
    needed = quoted if package == "fsspec" and quoted else [package]
    return [name for name in needed if find_spec(name) is None] or needed


def redact_credentials(location: str) -> str:
    """Return an address without its user name and password.

    >>> redact_credentials("sftp://me:secret@host/data"), redact_credentials("/data")
    ('sftp://host/data', '/data')
    """
    parts = urlsplit(location)
    if "@" not in parts.netloc:
        return location
    return urlunsplit(parts._replace(netloc=parts.netloc.rsplit("@", 1)[1]))
