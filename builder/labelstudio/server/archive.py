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

MAX_COMPRESSION_RATIO = 200
"""Maximum compression ratio: a real database reaches about 20, a zip bomb about 1,000."""

SMALL = 64 << 20
"""Unpacked bytes below which the compression ratio is not checked."""

NAME = re.compile(
    rf"(?P<server>studio(-a-[0-9a-f]{{10}})?)/(?P<file>{re.escape(SQLITE)}|{re.escape(DUMP)}|\.env|token|media/.+)"
)


class Entry(BaseModel):
    """One file of a backup: sha256 (64 hex digits) and size in bytes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, Field(ge=0)]


class Manifest(BaseModel):
    """Manifest of a backup: the kind of database of each server, and every file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    khabar_backup: Literal[1]
    label_studio: str
    servers: dict[str, Literal["sqlite", "postgresql"]]
    files: dict[str, Entry]


DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
"""What zipfile raises for a damaged archive; RuntimeError is a password or, as NotImplementedError, a method."""


@contextlib.contextmanager
def open_archive(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; errors of a damaged archive are raised as KhabarError."""
    try:
        with zipfile.ZipFile(source) as packed:
            yield packed
    except DAMAGE as error:
        raise damaged(source, f"it cannot be read: {error}") from None


def check_archive(packed: zipfile.ZipFile, source: Path) -> Manifest:
    """Read the manifest of a backup and check it against the archive; raises KhabarError if anything does not match.

    Checked are the Label Studio version, the file names, the set of files and the compression ratio.
    """
    names = packed.namelist()
    if {info.compress_type for info in packed.infolist()} - {zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED}:
        raise damaged(source, "it uses a compression method that khabar does not use")
    try:
        with packed.open(MANIFEST) as listed:
            manifest = Manifest.model_validate_json(listed.read(SMALL))
    except (KeyError, ValidationError):
        raise user_error("backup", "the file is not a khabar backup", where=str(source),
                         fix="give a file that `khabar studio backup` wrote") from None  # fmt: skip
    if manifest.label_studio != VERSION:
        raise user_error("backup", f"the backup is of Label Studio {manifest.label_studio}, but this khabar uses {VERSION}",
                     where=str(source), fix="restore it with the khabar version that made it")  # fmt: skip
    unexpected = [
        name for name in [*names, *manifest.files] if name not in (MANIFEST, KEY) and not _is_ours(name, manifest)
    ]
    if unexpected:
        raise user_error(
            "backup",
            f"the backup contains an unexpected file: {unexpected[0][:200]!r}",
            where=str(source),
            fix="do not use this file; nothing was unpacked",
        )
    needed = {f"{name}/.env" for name in manifest.servers}
    needed |= {f"{name}/{SQLITE if kind == 'sqlite' else DUMP}" for name, kind in manifest.servers.items()}
    if sorted(names) != sorted([*manifest.files, MANIFEST]) or needed - set(manifest.files) or not needed:
        raise damaged(source, "its files do not match its manifest")
    total, packed_size = sum(entry.size for entry in manifest.files.values()), source.stat().st_size
    if total > max(SMALL, MAX_COMPRESSION_RATIO * packed_size):
        raise user_error(
            "backup",
            f"{packed_size:,} bytes would expand to {total:,}, more than any backup of khabar does",
            where=str(source),
            fix="do not use this file; nothing was unpacked",
        )
    return manifest


def _is_ours(name: str, manifest: Manifest) -> bool:
    """Return whether `backup` could have written this file name, and the name cannot escape the target folder."""
    match = NAME.fullmatch(name)
    parts = name.split("/")
    return (
        match is not None
        and match["server"] in manifest.servers
        and not {"", ".", ".."} & set(parts)
        and not re.search(r"[\\\x00-\x1f]", name)
    )


def unpack(packed: zipfile.ZipFile, name: str, entry: Entry, path: Path | None, source: Path) -> None:
    """Unpack one file (mode 0600), or only read it where `path` is None; read no more bytes than the manifest lists."""
    digest, left = hashlib.sha256(), entry.size
    with contextlib.ExitStack() as stack:
        out: IO[bytes] | None = None
        if path:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            out = stack.enter_context(os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"))
        content = stack.enter_context(packed.open(name))
        while left >= 0 and (chunk := content.read(min(CHUNK, left + 1))):
            digest.update(chunk)
            left -= len(chunk)
            if out and left >= 0:
                out.write(chunk)
    if left or digest.hexdigest() != entry.sha256:
        raise damaged(source, f"the sha256 of {name} does not match the manifest")


def damaged(source: Path, why: str) -> KhabarError:
    """Return the error for a damaged backup."""
    return user_error(
        "backup", f"the backup is damaged: {why}", where=str(source), fix="use another copy of the backup"
    )
