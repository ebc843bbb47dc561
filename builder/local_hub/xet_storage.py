"""Xet storage of the local Hub: a folder in which hf_xet chunks and deduplicates large files.

hf_xet accepts a `local://` address in place of a server's, and then reads and writes the folder directly. The shards
in that folder map each stored file to its sha256.
"""

import hashlib
import re
import struct
import tempfile
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from builder.local_hub import git
from builder.records import user_error

WORD = "rehearsal"
"""A placeholder token: a local storage does not check it."""

FOREVER = 4_102_444_800
"""Expiry of that token in seconds since 1970 (2100-01-01), so that no client has to renew it."""

HEADER, ENTRY = 48, 48
"""Sizes in bytes of a shard's header and of each record in its file list."""

VERIFIED, DESCRIBED = 1 << 31, 1 << 30
"""Flags of a file in a shard: each of its entries has a verification record; a record with its sha256 follows."""

END = b"\xff" * 32


def address(root: Path) -> str:
    """Return the `local://` address of the storage for hf_xet."""
    return f"local://{root}/xet-store"


def check() -> None:
    """Raise KhabarError (exit code 2) if hf_xet is not installed."""
    if find_spec("hf_xet") is None:
        raise user_error("no-xet", "--xet needs hf_xet, which is not installed", fix="pip install hf_xet")


def xet_hashes(root: Path) -> dict[str, str]:
    """Map the sha256 of each stored file to its Xet hash."""
    hashes: dict[str, str] = {}
    for shard in sorted((root / "xet-store" / "xet" / "xorbs" / "shards").glob("*.mdb")):
        if re.fullmatch(r"[0-9a-f]{64}", shard.stem):
            hashes |= dict(_files(shard.read_bytes()))
    return hashes


def _files(shard: bytes) -> Iterator[tuple[str, str]]:
    """Yield the sha256 and the Xet hash of each file that a shard describes."""
    at = HEADER
    while at + ENTRY <= len(shard) and shard[at : at + 32] != END:
        flags, entries = struct.unpack_from("<II", shard, at + 32)
        described = at + ENTRY * (1 + entries * (2 if flags & VERIFIED else 1))
        if flags & DESCRIBED:
            yield _hex(shard[described : described + 32]), _hex(shard[at : at + 32])
        at = described + (ENTRY if flags & DESCRIBED else 0)


def _hex(value: bytes) -> str:
    """Return a 32-byte hash in the hexadecimal form of Xet: four 8-byte numbers, each least significant byte first.

    >>> _hex(bytes(range(32)))[:16]
    '0706050403020100'
    """
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", value))


def copy_to_large_files(root: Path, sha: str, size: int) -> bool:
    """Copy a file from the Xet storage to the large files, for clients without Xet.

    Returns False if the file is not in the Xet storage or does not have this sha256.
    """
    hf_xet = import_module("hf_xet")
    name = xet_hashes(root).get(sha)
    if name is None:
        return False
    with tempfile.TemporaryDirectory(dir=root) as scratch:
        target = Path(scratch) / "file"
        try:
            with hf_xet.XetSession().new_file_download_group(
                endpoint=address(root), token=WORD, token_expiry_unix_secs=FOREVER
            ) as group:
                group.start_download_file(hf_xet.XetFileInfo(name, size), str(target))
        except (OSError, RuntimeError):
            return False
        with target.open("rb") as content:
            if hashlib.file_digest(content, "sha256").hexdigest() != sha:
                return False
            return git.store_large_file(root, sha, content)
