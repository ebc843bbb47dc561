"""What was collected of a batch so far: one SQLite file, so that a kill loses and doubles nothing.

It holds pseudonyms, never an e-mail, and can be deleted: the next `collect` takes everything again.
A place is one project on one server, or one file that was read.
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.io.plain import from_plain, to_plain
from builder.labelstudio.parse import Collected
from builder.records import Dropped, Issue, Judgement

READER = "1"
"""Another number makes every store read its places again."""

FILES = "file:"
"""How the name of a place begins that is no server."""

_TABLES = """
create table if not exists place (name text primary key, stamp text not null, until text not null);
create table if not exists task (
    place text, id integer, updated_at text, annotations text, drafts integer, unread integer, primary key (place, id)
);
create table if not exists judgement (
    place text, task integer, article_id text, annotator text, annotation_id integer, line text
);
create index if not exists of_task on judgement (place, task);
create table if not exists issue (place text, task integer, number integer, line text, primary key (place, task, number));
"""


@dataclass(frozen=True, slots=True)
class Page:
    """One task as it was fetched: when it last changed (ISO 8601, UTC), its annotations' ids, what it said."""

    task_id: int
    updated_at: str
    annotations: tuple[int, ...]
    found: Collected


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a task without its answers."""

    updated_at: str
    annotations: tuple[int, ...]
    drafts: int


@contextlib.contextmanager
def opened(path: Path | None) -> Iterator[sqlite3.Connection]:
    """Open a batch's store, or one in memory; a broken file is begun anew."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(_connect(path)) as db:
        yield db


def _connect(path: Path | None) -> sqlite3.Connection:
    db = sqlite3.connect(path or ":memory:")
    try:
        db.executescript(_TABLES)
    except sqlite3.DatabaseError:
        db.close()
        if path is None or path.stat().st_size == 0:
            raise
        path.unlink()
        return _connect(path)
    return db


def begin(db: sqlite3.Connection, place: str, stamp: str) -> str:
    """Until when a place was collected whole ("" for not yet); what was read under another stamp is forgotten."""
    with db:
        row = db.execute("select stamp, until from place where name = ?", (place,)).fetchone()
        if row and row[0] == stamp:
            return str(row[1])
        _drop(db, place)
        db.execute("insert into place values (?, ?, '')", (place, stamp))
    return ""


def finish(db: sqlite3.Connection, place: str) -> None:
    """A place was collected whole: until the latest change that is known of."""
    with db:
        db.execute(
            "update place set until = coalesce((select max(updated_at) from task where place = name), '') where name = ?",
            (place,),
        )


def keep(db: sqlite3.Connection, place: str, pages: Iterable[Page]) -> None:
    """Keep tasks, all or none; what was known of each is replaced."""
    with db:
        for page in pages:
            _forget(db, place, page.task_id)
            ids = " ".join(map(str, page.annotations))
            found = page.found
            db.execute(
                "insert into task values (?, ?, ?, ?, ?, ?)",
                (place, page.task_id, page.updated_at, ids, found.drafts, found.unread),
            )
            db.executemany(
                "insert into judgement values (?, ?, ?, ?, ?, ?)",
                [(place, page.task_id, j.article_id, j.annotator, j.annotation_id, _line(j)) for j in found.judgements],
            )
            db.executemany(
                "insert into issue values (?, ?, ?, ?)",
                [(place, page.task_id, number, _line(issue)) for number, issue in enumerate(found.issues)],
            )


def forget(db: sqlite3.Connection, place: str, tasks: Iterable[int]) -> None:
    """Forget tasks that a place no longer has, all or none."""
    with db:
        for task in tasks:
            _forget(db, place, task)


def keep_whole(db: sqlite3.Connection, place: str, found: Collected) -> None:
    """Keep all that a place says, such as a file; what it said before is replaced."""
    begin(db, place, READER)
    ids = tuple(judgement.annotation_id for judgement in found.judgements)
    ids += (0,) * (found.unread + sum(issue.code == "unreadable-annotation" for issue in found.issues))
    keep(db, place, [Page(0, "", ids, found)])


def retain(db: sqlite3.Connection, places: Sequence[str]) -> None:
    """Forget every server's place but these; files stay."""
    with db:
        for (name,) in db.execute("select name from place").fetchall():
            if name not in places and not name.startswith(FILES):
                _drop(db, name)


def known(db: sqlite3.Connection, place: str) -> dict[int, Known]:
    """What is known of each task of a place."""
    rows = db.execute("select id, updated_at, annotations, drafts from task where place = ?", (place,))
    return {number: Known(at, tuple(map(int, ids.split())), drafts) for number, at, ids, drafts in rows}


def places(db: sqlite3.Connection) -> list[str]:
    """The names of all places, sorted."""
    return [name for (name,) in db.execute("select name from place order by name")]


def judgements(db: sqlite3.Connection) -> Iterator[str]:
    """Every judgement as a line of JSON, sorted by article, annotator and annotation."""
    query = "select line from judgement order by article_id, annotator, annotation_id, place, task"
    return (line for (line,) in db.execute(query))


def keys(db: sqlite3.Connection) -> set[tuple[str, str, int]]:
    """The article, annotator and annotation of every judgement."""
    return set(db.execute("select article_id, annotator, annotation_id from judgement"))


def issues(db: sqlite3.Connection) -> list[Issue]:
    """What could not be read, in the order of places and tasks."""
    rows = db.execute("select line from issue order by place, task, number")
    return [from_plain(Issue, json.loads(line)) for (line,) in rows]


def counts(db: sqlite3.Connection) -> tuple[int, int, int, int]:
    """How many annotations there are, judgements, drafts, and annotations on tasks that are not khabar's."""
    (judged,) = db.execute("select count(*) from judgement").fetchone()
    drafts, unread = db.execute("select coalesce(sum(drafts), 0), coalesce(sum(unread), 0) from task").fetchone()
    ids = db.execute("select annotations from task where annotations != ''")
    return sum(len(text.split()) for (text,) in ids), judged, drafts, unread


def set_aside(db: sqlite3.Connection, batch: str) -> list[Dropped]:
    """Each annotation that is no judgement, and why."""
    _, _, drafts, _ = counts(db)
    aside = [Dropped("collect", f"batch {batch}", "draft, not submitted")] * drafts
    broken = [issue for issue in issues(db) if issue.code == "unreadable-annotation"]
    aside += [Dropped("collect", issue.where, "unreadable", issue.message) for issue in broken]
    strange = db.execute("select place, id, unread from task where unread > 0 order by place, id")
    for place, task, number in strange:
        what, why = (place, "no article matches") if place.startswith(FILES) else (f"task {task}", "not khabar's task")
        aside += [Dropped("collect", what, why)] * number
    return aside


def everything(db: sqlite3.Connection) -> Collected:
    """All that was collected, in memory."""
    _, _, drafts, unread = counts(db)
    judged = tuple(from_plain(Judgement, json.loads(line)) for line in judgements(db))
    return Collected(judged, drafts, tuple(issues(db)), unread)


def _line(record: object) -> str:
    return json.dumps(to_plain(record), ensure_ascii=False)


def _forget(db: sqlite3.Connection, place: str, task: int) -> None:
    db.execute("delete from task where place = ? and id = ?", (place, task))
    db.execute("delete from judgement where place = ? and task = ?", (place, task))
    db.execute("delete from issue where place = ? and task = ?", (place, task))


def _drop(db: sqlite3.Connection, place: str) -> None:
    for statement in (
        "delete from task where place = ?",
        "delete from judgement where place = ?",
        "delete from issue where place = ?",
        "delete from place where name = ?",
    ):
        db.execute(statement, (place,))
