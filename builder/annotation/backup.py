"""Copy embedded Label Studios into one file while they run, and put such a file back.

The file holds the database, the secret key, the token, the uploads and the key of the pseudonyms: who has
it has all that annotators did, and their e-mails. It does not hold exports or logs. A file from elsewhere is
not trusted: only known names are unpacked, and only as much as its list says.
"""

import contextlib
import hashlib
import os
import re
import shutil
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.annotation import data, postgres, server
from builder.annotation.data import SQLITE
from builder.annotation.installation import VERSION
from builder.project import replacing, write_bytes
from builder.records import Issue, Refused, refuse

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

Progress = Callable[[str], None]


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


def backup(works: Sequence[Path], target: Path, *, progress: Progress) -> int:
    """Copy Label Studios, running or not, into one new file (mode 0600); gives back its bytes.

    Each database is one consistent look at it. The file is read back before it is called a backup.
    Raises Refused (exit code 2) where the file exists or there is nothing to copy, 3 where Postgres fails.
    """
    if target.exists():
        raise refuse("exists", "this file exists already", where=str(target), fix="choose another name")
    for work in works:
        if not (work / "data" / ".env").exists():
            raise refuse(
                "studio", "this project has no Label Studio yet", where=str(work), fix="run `khabar studio up`"
            )
    kinds: dict[str, Literal["sqlite", "postgresql"]] = {
        work.name: "postgresql" if postgres.remembered(work / "data") else "sqlite" for work in works
    }
    entries: dict[str, Entry] = {}
    with tempfile.TemporaryDirectory(dir=works[0].parent, prefix="backup.") as scratch:
        with replacing(target, mode=0o600) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
            for work in works:
                for name, path in _parts(work, Path(scratch), progress):
                    entries[name] = _pack(packed, name, path)
            key = works[0].parent / KEY  # without it, a restored project would have other annotators
            if key.exists():
                entries[KEY] = _pack(packed, KEY, key)
            manifest = Manifest(khabar_backup=1, label_studio=VERSION, servers=kinds, files=entries)
            packed.writestr(MANIFEST, manifest.model_dump_json(indent=1))
        try:
            with _opened(target) as packed:
                for name, entry in _checked(packed, target).files.items():
                    _unpack(packed, name, entry, None, target)
        except Refused:
            target.unlink()
            raise
    return target.stat().st_size


def restore(
    source: Path,
    root: Path,
    *,
    isolated: bool,
    database: postgres.Database | None,
    overwrite: bool,
    progress: Progress,
) -> tuple[tuple[str, ...], tuple[Issue, ...]]:
    """Put the Label Studios of a backup into the folder `root`; gives back their names, and what to know.

    All is unpacked and compared before anything is replaced; the old data go when the new are in place.
    Raises Refused (exit code 2): a server runs, data are there and `overwrite` is not said, another version
    or kind, a file that is damaged or not a backup; 3 where Postgres fails.
    """
    with _opened(source) as packed:
        manifest = _checked(packed, source)
        _refuse_other_kind(manifest, source, isolated=isolated)
        for name in manifest.servers:
            data.settle(root / name)
        databases = {name: _target(root / name, kind, database) for name, kind in manifest.servers.items()}
        for name, goes_to in databases.items():
            _refuse_in_use(root / name, goes_to, overwrite=overwrite)
        root.mkdir(parents=True, exist_ok=True)
        _refuse_full_disk(manifest, root)
        for left in (*root.glob("restore.*"), *root.glob("backup.*")):  # of one that was killed
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(dir=root, prefix="restore.") as scratch:
            for number, (name, entry) in enumerate(manifest.files.items(), 1):
                _unpack(packed, name, entry, Path(scratch) / name, source)
                if number % 1000 == 0:
                    progress(f"unpacked {number} of {len(manifest.files)} files")
            for name, goes_to in databases.items():
                progress(f"restoring {name}")
                _put(Path(scratch) / name, root / name, goes_to)
            issues = _key(Path(scratch) / KEY, root / KEY)
    return tuple(manifest.servers), issues


def _parts(work: Path, scratch: Path, progress: Progress) -> Iterator[tuple[str, Path]]:
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
        raise refuse("database", f"the database is broken: {said[:200]}", where=str(source), fix="restore a backup")


def _pack(packed: zipfile.ZipFile, name: str, path: Path) -> Entry:
    """Write a file into the archive, and say what was written."""
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as lines, packed.open(name, "w", force_zip64=True) as out:
        while chunk := lines.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            out.write(chunk)
    return Entry(sha256=digest.hexdigest(), size=size)


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; every way in which it can be broken becomes a Refused."""
    try:
        with zipfile.ZipFile(source) as packed:
            yield packed
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise _damaged(source, f"it cannot be read: {error}") from None


def _checked(packed: zipfile.ZipFile, source: Path) -> Manifest:
    """The list of a backup, once it fits the archive, this version and this disk."""
    names = packed.namelist()
    if {info.compress_type for info in packed.infolist()} - {zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED}:
        raise _damaged(source, "it is packed in a way that khabar does not use")
    try:
        with packed.open(MANIFEST) as listed:
            manifest = Manifest.model_validate_json(listed.read(SMALL))
    except (KeyError, ValidationError):
        raise refuse("backup", "this is not a backup of khabar", where=str(source)) from None
    if manifest.label_studio != VERSION:
        raise refuse("backup", f"the backup is of Label Studio {manifest.label_studio}, and this is {VERSION}",
                     where=str(source), fix="restore it with the khabar that made it")  # fmt: skip
    strange = [
        name for name in [*names, *manifest.files] if name not in (MANIFEST, KEY) and not _is_ours(name, manifest)
    ]
    if strange:
        raise refuse("backup", f"the backup holds {strange[0][:200]!r}, which no backup holds", where=str(source),
                     fix="do not use it: nothing of it was unpacked")  # fmt: skip
    needed = {f"{name}/.env" for name in manifest.servers}
    needed |= {f"{name}/{SQLITE if kind == 'sqlite' else DUMP}" for name, kind in manifest.servers.items()}
    if sorted(names) != sorted([*manifest.files, MANIFEST]) or needed - set(manifest.files) or not needed:
        raise _damaged(source, "its files are not those of its list")
    total, there = sum(entry.size for entry in manifest.files.values()), source.stat().st_size
    if total > max(SMALL, TIGHTEST * there):
        raise refuse("backup", f"{there:,} bytes would become {total:,}: no backup is packed so tightly",
                     where=str(source), fix="do not use it: nothing of it was unpacked")  # fmt: skip
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


def _unpack(packed: zipfile.ZipFile, name: str, entry: Entry, path: Path | None, source: Path) -> None:
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
        raise _damaged(source, f"{name} is not what its sha256 says")


def _damaged(source: Path, why: str) -> Refused:
    return refuse("backup", f"the backup is damaged: {why}", where=str(source), fix="use another copy of it")


def _refuse_other_kind(manifest: Manifest, source: Path, *, isolated: bool) -> None:
    alone = set(manifest.servers) == {"studio"}
    if alone == isolated:
        whose = "one server for all" if alone else "a server for each annotator"
        raise refuse("backup", f"the backup is of {whose}, which is not this project's assignment", where=str(source),
                     fix=f"set assignment in schema/dataset.yaml: {'pool or separate' if alone else 'isolated'}")  # fmt: skip


def _target(work: Path, kind: str, given: postgres.Database | None) -> postgres.Database | None:
    """The Postgres database that a copy goes to; None for SQLite."""
    if kind == "sqlite":
        if given:
            raise refuse("database", "the backup is of SQLite, which no Postgres takes", fix="leave --database out")
        return None
    found = given or postgres.remembered(work / "data")
    if found is None:
        raise refuse("database", "the backup is of Postgres, and this project has no such database",
                     fix="name one: --database postgresql://user@127.0.0.1:5432/name")  # fmt: skip
    return found


def _refuse_in_use(work: Path, goes_to: postgres.Database | None, *, overwrite: bool) -> None:
    if server.is_running(work):
        raise refuse("studio-up", "Label Studio is running for this project", where=str(work),
                     fix="run `khabar studio down`, then this again")  # fmt: skip
    if (work / "data").exists() and not overwrite:
        raise refuse("exists", "this project's Label Studio has data already", where=str(work),
                     fix="back them up, then say --yes: they are replaced")  # fmt: skip
    if goes_to and overwrite:
        postgres.holding(goes_to)
    elif goes_to:
        postgres.refuse_taken(goes_to)


def _refuse_full_disk(manifest: Manifest, root: Path) -> None:
    total, free = sum(entry.size for entry in manifest.files.values()), shutil.disk_usage(root).free
    if total > free:
        raise refuse("disk", f"the backup needs {total:,} bytes, and {free:,} are free", where=str(root),
                     fix="make room, then run this again")  # fmt: skip


def _put(unpacked: Path, work: Path, goes_to: postgres.Database | None) -> None:
    """Put one Label Studio in its place."""
    work.mkdir(parents=True, exist_ok=True)
    if goes_to:
        postgres.load(goes_to, unpacked / DUMP)
        (unpacked / DUMP).unlink()
        postgres.remember(unpacked, goes_to)
    unpacked.chmod(0o700)
    data.replace(work, unpacked)


def _key(unpacked: Path, kept: Path) -> tuple[Issue, ...]:
    """Bring the key of the pseudonyms back where there is none; never over another."""
    if not unpacked.exists():
        return ()
    if not kept.exists():
        write_bytes(kept, unpacked.read_bytes(), mode=0o600)
    elif kept.read_bytes() != unpacked.read_bytes():
        message = "the backup has another pseudonym key than this project, which keeps its own"
        fix = "were judgements collected elsewhere? bring pseudonym.key from there"
        return (Issue("warning", "pseudonym-key", message, where=str(kept), fix=fix),)
    return ()
