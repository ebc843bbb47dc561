"""Backup and restore of embedded Label Studio servers, while they run, as one zip file.

A backup holds the databases, secret keys, API tokens, uploads and the pseudonym key, but no exports or logs. It
contains all annotations and the annotators' e-mails, so keep it private. A backup is untrusted input on restore:
only known file names are unpacked, and only as many bytes as its manifest lists.
"""

import contextlib
import hashlib
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from builder.io.atomic import atomic_write
from builder.labelstudio.server import postgres
from builder.labelstudio.server.archive import (
    CHUNK,
    DUMP,
    KEY,
    MANIFEST,
    Entry,
    Manifest,
    check_archive,
    open_archive,
    unpack,
)
from builder.labelstudio.server.data_dir import SQLITE
from builder.labelstudio.server.install import VERSION
from builder.records import KhabarError, Notify, user_error


def backup(works: Sequence[Path], target: Path, *, progress: Notify) -> int:
    """Write a backup of Label Studio servers, running or not, to a new file (mode 0600) and return its size in bytes.

    `works` are the servers' work folders. Each database is copied as one consistent snapshot. The file is read back
    and verified, and deleted if that fails.
    Raises KhabarError with exit code 2 if the file exists or a server has no data, and 3 if Postgres fails.
    """
    if target.exists():
        raise user_error("exists", "the file already exists", where=str(target), fix="choose another name")
    for work in works:
        if not (work / "data" / ".env").exists():
            raise user_error(
                "studio", "this project has no Label Studio yet", where=str(work), fix="run `khabar studio up`"
            )
    kinds: dict[str, Literal["sqlite", "postgresql"]] = {
        work.name: "postgresql" if postgres.load_config(work / "data") else "sqlite" for work in works
    }
    entries: dict[str, Entry] = {}
    with tempfile.TemporaryDirectory(dir=works[0].parent, prefix="backup.") as scratch:
        with atomic_write(target, mode=0o600) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for work in works:
                for name, path in _parts(work, Path(scratch), progress):
                    entries[name] = _pack(packed, name, path)
            key = works[0].parent / KEY  # without it, a restored project would give annotators new pseudonyms
            if key.exists():
                entries[KEY] = _pack(packed, KEY, key)
            manifest = Manifest(khabar_backup=1, label_studio=VERSION, servers=kinds, files=entries)
            packed.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        try:
            with open_archive(target) as packed:
                for name, entry in check_archive(packed, target).files.items():
                    unpack(packed, name, entry, None, target)
        except KhabarError:
            target.unlink()
            raise
    return target.stat().st_size


def _parts(work: Path, scratch: Path, progress: Notify) -> Iterator[tuple[str, Path]]:
    """Yield the archive name and the path of each file of one server.

    The database comes first, so that every upload it refers to is copied after it.
    """
    folder, name = work / "data", work.name
    database = postgres.load_config(folder)
    progress(f"copying the database of {name}")
    if database:
        postgres.dump(database, scratch / DUMP)
        yield f"{name}/{DUMP}", scratch / DUMP
    else:
        _snapshot(folder / SQLITE, scratch / SQLITE)
        yield f"{name}/{SQLITE}", scratch / SQLITE
        (scratch / SQLITE).unlink()
    yield f"{name}/.env", folder / ".env"
    if (work / "token").exists():
        yield f"{name}/token", work / "token"
    for path in sorted((folder / "media").rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"{name}/{path.relative_to(folder).as_posix()}", path


def _snapshot(source: Path, copy: Path) -> None:
    """Copy a consistent snapshot of a SQLite database with SQLite's backup API; raises KhabarError if it is corrupt."""
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as base,
            contextlib.closing(sqlite3.connect(copy)) as snapshot,
        ):
            base.backup(snapshot)
            snapshot.execute("pragma journal_mode=delete")
            (verdict,) = snapshot.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as error:
        verdict = str(error)
    if verdict != "ok":
        raise user_error(
            "database", f"the database is corrupt: {verdict[:200]}", where=str(source), fix="restore a backup"
        )


def _pack(packed: zipfile.ZipFile, name: str, path: Path) -> Entry:
    """Write a file into the archive, and return its sha256 and size."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as content, packed.open(name, "w", force_zip64=True) as out:
        while chunk := content.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return Entry(sha256=digest.hexdigest(), size=size)
