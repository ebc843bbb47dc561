"""Hashes of texts and files."""

import hashlib
import time
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes that are read at a time."""

SETTLED = 0.1
"""Seconds after which a changed file surely has another time stamp."""

Version = tuple[int, int, int]
"""Inode, size and time of a file's last change: what differs when the file does."""

Versions = tuple[tuple[str, Version | None], ...]
"""The names of some files, each with its version; None for one that does not exist."""

_MADE: dict[Hashable, tuple[Versions, str]] = {}
"""Digests that this process made of files, each with the versions of the files."""


def sha16(text: str) -> str:
    """Return the first 16 hex digits of sha256 over UTF-8.

    >>> sha16("")
    'e3b0c44298fc1c14'
    """
    return sha16_of_bytes(text.encode())


def sha16_of_bytes(data: bytes) -> str:
    """Return the first 16 hex digits of sha256 over bytes."""
    return hashlib.sha256(data).hexdigest()[:16]


def sha256_of(file: BinaryIO) -> str:
    """Return the sha256 of the rest of an open file, as 64 hex digits.

    >>> import io
    >>> sha256_of(io.BytesIO(b""))[:16]
    'e3b0c44298fc1c14'
    """
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file, as 64 hex digits."""
    with path.open("rb") as file:
        return sha256_of(file)


def versions_of(paths: Iterable[Path]) -> Versions:
    """Return what differs when one of these files does, without opening them."""
    return tuple((str(path), _version(path)) for path in paths)


def _version(path: Path) -> Version | None:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def note_digest(name: Hashable, versions: Versions, digest: str) -> None:
    """Keep a digest of files, unless one changed so lately that a later change might not show in its version."""
    now = time.time()
    if all(version is None or now - version[2] / 1e9 > SETTLED for _, version in versions):
        _MADE[name] = versions, digest


def digest_of(name: Hashable, versions: Versions, make: Callable[[], str]) -> str:
    """Return a digest that is made of some files, and make it again only if one of them changed."""
    known = _MADE.get(name)
    if known and known[0] == versions:
        return known[1]
    digest = make()
    note_digest(name, versions, digest)
    return digest


def small_text(path: Path) -> str | None:
    """Return the text of a small file, or None if it does not exist. A file is read again only if it changed."""
    versions = versions_of([path])
    return digest_of(("text", path), versions, lambda: path.read_text(encoding="utf-8")) if versions[0][1] else None


def read_hashed(path: Path) -> bytes:
    """Read a file, and keep its sha256 for `file_digest`."""
    versions, content = versions_of([path]), path.read_bytes()
    note_digest(path, versions, hashlib.sha256(content).hexdigest())
    return content


def file_digest(path: Path) -> str:
    """Return the sha256 of a file, or an empty string if it does not exist. A file is read again only if it changed."""
    versions = versions_of([path])
    return digest_of(path, versions, lambda: file_sha256(path)) if versions[0][1] else ""
