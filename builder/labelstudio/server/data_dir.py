"""Data directory of an embedded Label Studio: atomic creation, atomic replacement and statistics."""

import contextlib
import secrets
import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from builder.io.atomic import write_bytes
from builder.labelstudio.server import postgres
from builder.labelstudio.server.install import OWNER
from builder.records import KhabarError, user_error

SQLITE = "label_studio.sqlite3"


@dataclass(frozen=True, slots=True)
class DataStats:
    """Statistics of a server's data: its database, size in bytes (disk and Postgres), annotators; None if unknown."""

    database: str
    size: int | None
    annotators: int | None


def database_file(work: Path) -> Path | None:
    """Return the path of the server's SQLite file, or None if it uses Postgres."""
    path = work / "data" / SQLITE
    return path if path.exists() else None


def data_stats(work: Path) -> DataStats | None:
    """Return statistics of a server's data, read-only, running or not; None if there are no data yet."""
    folder = work / "data"
    if not folder.exists():
        return None
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # a running server may delete files meanwhile
            size += path.lstat().st_size if path.is_file() else 0
    database = postgres.load_config(folder)
    if database:
        try:
            holding = postgres.inspect_database(database)
        except KhabarError:
            return DataStats(str(database), None, None)
        return DataStats(str(database), size + holding.size, holding.annotators)
    try:
        with contextlib.closing(sqlite3.connect(f"{(folder / SQLITE).resolve().as_uri()}?mode=ro", uri=True)) as base:
            (people,) = base.execute("select count(*) from htx_user where email <> ?", [OWNER]).fetchone()
    except sqlite3.Error:
        people = None
    return DataStats("SQLite", size, people)


def replace(work: Path, restored: Path) -> None:
    """Replace the data folder with a restored one, which contains its token. A kill at any point loses neither folder."""
    (work / "token").unlink(missing_ok=True)  # it is bound to the old secret key; the next start creates a new one
    if (work / "data").exists():
        (work / "data").rename(work / "data.old")
    restored.rename(work / "data")
    recover_replace(work)


def recover_replace(work: Path) -> None:
    """Complete or undo a `replace` that was killed."""
    data, old = work / "data", work / "data.old"
    if old.exists() and not data.exists():
        old.rename(data)
    if (data / "token").exists():
        (data / "token").replace(work / "token")
    shutil.rmtree(old, ignore_errors=True)


def database_for(work: Path, given: postgres.Database | None) -> postgres.Database | None:
    """Return the Postgres database that the server uses or, before its first start, will use; None for SQLite.

    Raises KhabarError (exit code 2) if `given` is another database than the server's, or holds tables before a first start.
    """
    data = work / "data"
    if not data.exists():
        if given:
            postgres.require_empty(given)
        return given
    kept = postgres.load_config(data)
    if given and str(given) != str(kept):
        raise user_error(
            "database",
            f"this project's Label Studio stores its data in {kept or 'SQLite'} and cannot be switched to {given}",
            where=str(data),
            fix="omit --database; to switch, collect, run `khabar studio down`, move this folder away, start and send again",
        )
    return given or kept


def prepare(home: Path, work: Path, database: postgres.Database | None) -> None:
    """Create the project's data folder atomically if it does not exist."""
    data, new = work / "data", work / "data.new"
    if not data.exists():
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        new.chmod(0o700)
        # Label Studio can generate a key itself, but cannot read back one in fifty: those that begin with a $.
        write_bytes(new / ".env", f"SECRET_KEY={secrets.token_urlsafe(48)}\n".encode(), mode=0o600)
        if database:
            postgres.save_config(new, database)
        else:
            shutil.copyfile(home / "template.sqlite3", new / SQLITE)
        new.rename(data)
