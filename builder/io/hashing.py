"""Hashes of texts and files."""

import hashlib


def sha16(text: str) -> str:
    """The first 16 hex digits of sha256 over UTF-8.

    >>> sha16("")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]
