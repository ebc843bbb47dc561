"""The archive of a backup: its manifest, its entries, and the checks before it is trusted."""

import contextlib
import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.labelstudio.server.data_dir import SQLITE
from builder.labelstudio.server.install import VERSION
from builder.records import KhabarError, user_error

DUMP = "database.pgdump"

MANIFEST = "manifest.json"

KEY = "pseudonym.key"

CHUNK = 1 << 20

TIGHTEST = 200
"""Bytes that one packed byte may become: a database reaches about 20, a file made to fill a disk 1,000."""

SMALL = 64 << 20
"""Bytes that need no such look."""

NAME = re.compile(
    rf"(?P<server>studio(-a-[0-9a-f]{{10}})?)/(?P<file>{re.escape(SQLITE)}|{re.escape(DUMP)}|\.env|token|media/.+)"
)


class Entry(BaseModel):
    """One file of a backup: sha256 (64 hex digits) and bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """What a backup holds: each server's kind of database, and every file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    khabar_backup: Literal[1]
    label_studio: str
    servers: dict[str, Literal["sqlite", "postgresql"]]
    files: dict[str, Entry]


@contextlib.contextmanager
def open_archive(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; every way in which it can be broken becomes a Refused."""
    try:
        with zipfile.ZipFile(source) as packed:
            yield packed
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise damaged(source, f"it cannot be read: {error}") from None


def check_archive(packed: zipfile.ZipFile, source: Path) -> Manifest:
    """The list of a backup, once it fits the archive, this version and this disk."""
    names = packed.namelist()
    if {info.compress_type for info in packed.infolist()} - {zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED}:
        raise damaged(source, "it is packed in a way that khabar does not use")
    try:
        with packed.open(MANIFEST) as listed:
            manifest = Manifest.model_validate_json(listed.read(SMALL))
    except (KeyError, ValidationError):
        raise user_error("backup", "this is not a backup of khabar", where=str(source)) from None
    if manifest.label_studio != VERSION:
        raise user_error("backup", f"the backup is of Label Studio {manifest.label_studio}, and this is {VERSION}",
                     where=str(source), fix="restore it with the khabar that made it")  # fmt: skip
    strange = [
        name for name in [*names, *manifest.files] if name not in (MANIFEST, KEY) and not _is_ours(name, manifest)
    ]
    if strange:
        raise user_error(
            "backup",
            f"the backup holds {strange[0][:200]!r}, which no backup holds",
            where=str(source),
            fix="do not use it: nothing of it was unpacked",
        )
    needed = {f"{name}/.env" for name in manifest.servers}
    needed |= {f"{name}/{SQLITE if kind == 'sqlite' else DUMP}" for name, kind in manifest.servers.items()}
    if sorted(names) != sorted([*manifest.files, MANIFEST]) or needed - set(manifest.files) or not needed:
        raise damaged(source, "its files are not those of its list")
    total, there = sum(entry.size for entry in manifest.files.values()), source.stat().st_size
    if total > max(SMALL, TIGHTEST * there):
        raise user_error(
            "backup",
            f"{there:,} bytes would become {total:,}: no backup is packed so tightly",
            where=str(source),
            fix="do not use it: nothing of it was unpacked",
        )
    return manifest


def _is_ours(name: str, manifest: Manifest) -> bool:
    """Whether a name is one that `backup` gives, and leads nowhere else."""
    found = NAME.fullmatch(name)
    parts = name.split("/")
    return (
        found is not None
        and found["server"] in manifest.servers
        and not {"", ".", ".."} & set(parts)
        and not re.search(r"[\\\x00-\x1f]", name)
    )


def unpack(packed: zipfile.ZipFile, name: str, entry: Entry, path: Path | None, source: Path) -> None:
    """Write one file (mode 0600), or only read it; never more bytes than the list says."""
    digest, left = hashlib.sha256(), entry.size
    with contextlib.ExitStack() as stack:
        out: IO[bytes] | None = None
        if path:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            out = stack.enter_context(os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
        lines = stack.enter_context(packed.open(name))
        while left >= 0 and (chunk := lines.read(min(CHUNK, left + 1))):
            digest.update(chunk)
            left -= len(chunk)
            if out and left >= 0:
                out.write(chunk)
    if left or digest.hexdigest() != entry.sha256:
        raise damaged(source, f"{name} is not what its sha256 says")


def damaged(source: Path, why: str) -> KhabarError:
    """Return the error for a damaged backup."""
    return user_error("backup", f"the backup is damaged: {why}", where=str(source), fix="use another copy of it")
