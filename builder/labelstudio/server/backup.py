"""Copy embedded Label Studios into one file while they run, and put such a file back.

The file holds the database, the secret key, the token, the uploads and the key of the pseudonyms: who has
it has all that annotators did, and their e-mails. It does not hold exports or logs. A file from elsewhere is
not trusted: only known names are unpacked, and only as much as its list says.
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
    """Copy Label Studios, running or not, into one new file (mode 0600); gives back its bytes.

    Each database is one consistent look at it. The file is read back before it is called a backup.
    Raises Refused (exit code 2) where the file exists or there is nothing to copy, 3 where Postgres fails.
    """
    if target.exists():
        raise user_error("exists", "this file exists already", where=str(target), fix="choose another name")
    for work in works:
        if not (work / "data" / ".env").exists():
            raise user_error(
                "studio", "this project has no Label Studio yet", where=str(work), fix="run `khabar studio up`"
            )
    kinds: dict[str, Literal["sqlite", "postgresql"]] = {
        work.name: "postgresql" if postgres.remembered(work / "data") else "sqlite" for work in works
    }
    entries: dict[str, Entry] = {}
    with tempfile.TemporaryDirectory(dir=works[0].parent, prefix="backup.") as scratch:
        with atomic_write(target, mode=0o600) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for work in works:
                for name, path in _parts(work, Path(scratch), progress):
                    entries[name] = _pack(packed, name, path)
            key = works[0].parent / KEY  # without it, a restored project would have other annotators
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
    """Name and place of each file of one Label Studio; the database first, so that no upload it names is missed."""
    folder, name = work / "data", work.name
    database = postgres.remembered(folder)
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
    """Copy a SQLite database as it is at one moment, by SQLite's own means; raises Refused where it is broken."""
    try:
        with (
            contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as base,
            contextlib.closing(sqlite3.connect(copy)) as made,
        ):
            base.backup(made)
            made.execute("pragma journal_mode=delete")
            (said,) = made.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as error:
        said = str(error)
    if said != "ok":
        raise user_error("database", f"the database is broken: {said[:200]}", where=str(source), fix="restore a backup")


def _pack(packed: zipfile.ZipFile, name: str, path: Path) -> Entry:
    """Write a file into the archive, and say what was written."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as lines, packed.open(name, "w", force_zip64=True) as out:
        while chunk := lines.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return Entry(sha256=digest.hexdigest(), size=size)
