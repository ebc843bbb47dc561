"""Hashes of texts and files."""

import hashlib
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
"""Bytes that are read at a time."""


def sha16(text: str) -> str:
    """Return the first 16 hex digits of sha256 over UTF-8.

    >>> sha16("")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
