"""The data folder of an embedded Label Studio: made whole, replaced whole, looked at.

Starts nothing: server.py does.
"""

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
class Content:
    """What a Label Studio keeps: its database, bytes on disk (and in Postgres), annotators; None is not known."""

    database: str
    size: int | None
    annotators: int | None


def database_file(work: Path) -> Path | None:
    """The SQLite file of a Label Studio; None where it has a Postgres."""
    path = work / "data" / SQLITE
    return path if path.exists() else None


def content(work: Path) -> Content | None:
    """Look at a Label Studio's data, running or not, and change nothing; None where there are none yet."""
    folder = work / "data"
    if not folder.exists():
        return None
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the server may be at work
            size += path.lstat().st_size if path.is_file() else 0
    database = postgres.remembered(folder)
    if database:
        try:
            found = postgres.holding(database)
        except KhabarError:
            return Content(str(database), None, None)
        return Content(str(database), size + found.size, found.annotators)
    try:
        with contextlib.closing(sqlite3.connect(f"{(folder / SQLITE).resolve().as_uri()}?mode=ro", uri=True)) as base:
            (people,) = base.execute("select count(*) from htx_user where email <> ?", [OWNER]).fetchone()
    except sqlite3.Error:
        people = None
    return Content("SQLite", size, people)


def replace(work: Path, restored: Path) -> None:
    """Put a whole data folder, with its token in it, in the place of the old one; a kill loses neither."""
    (work / "token").unlink(missing_ok=True)  # it goes with the old secret key; a start makes a new one
    if (work / "data").exists():
        (work / "data").rename(work / "data.old")
    restored.rename(work / "data")
    settle(work)


def settle(work: Path) -> None:
    """Finish, or undo, what `replace` was killed at."""
    data, old = work / "data", work / "data.old"
    if old.exists() and not data.exists():
        old.rename(data)
    if (data / "token").exists():
        (data / "token").replace(work / "token")
    shutil.rmtree(old, ignore_errors=True)


def database_for(work: Path, given: postgres.Database | None) -> postgres.Database | None:
    """The database that this Label Studio has, or is to have; None for SQLite."""
    data = work / "data"
    if not data.exists():
        if given:
            postgres.refuse_taken(given)
        return given
    kept = postgres.remembered(data)
    if given and str(given) != str(kept):
        raise user_error(
            "database",
            f"this project's Label Studio has its data in {kept or 'SQLite'}, and no start moves them to {given}",
            where=str(data),
            fix="leave --database out; to change over, collect, `khabar studio down`, move this folder away, send again",
        )
    return given or kept


def prepare(home: Path, work: Path, database: postgres.Database | None) -> None:
    """Give the project its data folder: whole, or not at all."""
    data, fresh = work / "data", work / "data.new"
    if not data.exists():
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        fresh.chmod(0o700)
        # Label Studio would make a key itself, and could not read one in fifty again: those that begin with a $.
        write_bytes(fresh / ".env", f"SECRET_KEY={secrets.token_urlsafe(48)}\n".encode(), mode=0o600)
        if database:
            postgres.remember(fresh, database)
        else:
            shutil.copyfile(home / "template.sqlite3", fresh / SQLITE)
        fresh.rename(data)
