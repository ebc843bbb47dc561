"""The SQLite file of a cache: its tables, and what happens where it is locked or broken."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from builder.records import KhabarError, user_error

BUSY_SECONDS = 30.0
"""Seconds to wait for another process that writes to a cache."""

_TABLES = """
create table if not exists place (name text primary key, stamp text not null, until text not null);
create table if not exists task (
    place text, id integer, updated_at text, annotations text, drafts integer, unread integer, primary key (place, id)
);
create table if not exists judgement (
    place text, task integer, article_id text, annotator text, annotation_id integer, line text
);
create index if not exists of_task on judgement (place, task);
create table if not exists counted (place text primary key, annotations integer);
create table if not exists issue (place text, task integer, number integer, line text, primary key (place, task, number));
"""


@contextlib.contextmanager
def open_cache(path: Path | None) -> Iterator[sqlite3.Connection]:
    """Open a batch's cache, or one in memory if `path` is None; a corrupt file is deleted and created again.

    Raises KhabarError (exit code 2) if the file is locked, or cannot be written. It is not deleted then.
    """
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_connect(path)) as db:
        try:
            yield db
        except sqlite3.DatabaseError as error:
            raise _unusable(path, error) if path else error from None


def _connect(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:", timeout=BUSY_SECONDS)
    try:
        db.executescript(_TABLES)
    except sqlite3.DatabaseError as error:
        db.close()
        if path is None:
            raise
        if not _is_broken(error):
            raise _unusable(path, error) from None
        path.unlink()
        return _connect(path)
    return db


def _is_broken(error: sqlite3.DatabaseError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _unusable(path: Path, error: sqlite3.DatabaseError) -> KhabarError:
    """Return the error for a cache that cannot be used at the moment. One that is whole is never deleted."""
    fix = "check free disk space and permissions, then retry"
    if _is_broken(error):
        fix = "delete the file, then run `khabar collect`"
    elif error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        fix = "end the program that has the file open, then retry"
    return user_error("cache", f"the cache cannot be used: {error}", where=str(path), fix=fix)
