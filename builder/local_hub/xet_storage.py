"""Large files as Xet storage keeps them: chunked and deduplicated by hf_xet itself, into a folder of the Hub.

hf_xet takes `local://` in place of a server's address, and writes and reads such a folder by itself. Which of its
files has which sha256 is read from its shards.
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
"""The token of a storage that asks for none."""

FOREVER = 4_102_444_800
"""2100-01-01 in seconds since 1970: nobody has to renew a rehearsal's token."""

HEADER, ENTRY = 48, 48
"""Bytes of a shard's header, and of each record of its list of files."""

VERIFIED, DESCRIBED = 1 << 31, 1 << 30
"""Flags of a file in a shard: each of its entries has a verification record; a record with its sha256 follows."""

END = b"\xff" * 32


def address(root: Path) -> str:
    """The address that hf_xet is given in place of a server's."""
    return f"local://{root}/xet-store"


def check() -> None:
    """Raise Refused (exit code 2) where hf_xet is not installed."""
    if find_spec("hf_xet") is None:
        raise user_error("no-xet", "--xet needs hf_xet, and it is not installed", fix="pip install hf_xet")


def names(root: Path) -> dict[str, str]:
    """The Xet hash of each stored file by its sha256."""
    found: dict[str, str] = {}
    for shard in sorted((root / "xet-store" / "xet" / "xorbs" / "shards").glob("*.mdb")):
        if re.fullmatch(r"[0-9a-f]{64}", shard.stem):
            found |= dict(_files(shard.read_bytes()))
    return found


def _files(shard: bytes) -> Iterator[tuple[str, str]]:
    """The sha256 and the Xet hash of each file that a shard describes."""
    at = HEADER
    while at + ENTRY <= len(shard) and shard[at : at + 32] != END:
        flags, entries = struct.unpack_from("<II", shard, at + 32)
        described = at + ENTRY * (1 + entries * (2 if flags & VERIFIED else 1))
        if flags & DESCRIBED:
            yield _hex(shard[described : described + 32]), _hex(shard[at : at + 32])
        at = described + (ENTRY if flags & DESCRIBED else 0)


def _hex(value: bytes) -> str:
    """A hash as Xet writes it: four numbers of eight bytes, least significant byte first.

    >>> _hex(bytes(range(32)))[:16]
    '0706050403020100'
    """
    return "".join(f"{number:016x}" for number in struct.unpack("<4Q", value))


def keep(root: Path, sha: str, size: int) -> bool:
    """Put a file of the Xet storage among the large files too, for those who ask without Xet; False where it is not there."""
    hf_xet = import_module("hf_xet")
    name = names(root).get(sha)
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
            return git.keep_large(root, sha, content)
