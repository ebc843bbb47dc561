"""Local cache of a batch's downloaded annotations: one SQLite file, written in transactions.

A kill loses no stored task and stores none twice. The cache holds pseudonyms, never e-mails. It can be deleted; the
next `collect` downloads everything again. A source is one project on one server, or one imported file; the tables call
it `place`.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from builder.io.plain import from_plain, to_plain
from builder.labelstudio.download import store
from builder.labelstudio.download.faults import gaps, issues
from builder.labelstudio.parse import ParsedAnnotations
from builder.records import Dropped, Judgement

open_cache = store.open_cache

PARSER_VERSION = "3"
"""Version of the parser. A new number makes every cache download its sources again."""

FILES = "file:"
"""Prefix of the names of sources that are imported files."""

KEPT = "kept:"
"""Name of the source of judgements that are kept although no server has them any more."""


@dataclass(frozen=True, slots=True)
class CachedTask:
    """One downloaded task: its id, time of the last change (ISO 8601, UTC), annotation ids and parsed annotations."""

    task_id: int
    updated_at: str
    annotations: tuple[int, ...]
    found: ParsedAnnotations


@dataclass(frozen=True, slots=True)
class TaskState:
    """State of a task without its answers, to compare the cache with the server."""

    updated_at: str
    annotations: tuple[int, ...]
    drafts: int


def begin(db: sqlite3.Connection, source: str, stamp: str) -> str:
    """Return the time up to which a source was downloaded completely, or "" if it never was.

    Everything stored under another `stamp` is deleted first.
    """
    with db:
        row = db.execute("select stamp, until from place where name = ?", (source,)).fetchone()
        if row and row[0] == stamp:
            return str(row[1])
        _drop(db, source)
        db.execute("insert into place values (?, ?, '')", (source, stamp))
    return ""


def finish(db: sqlite3.Connection, source: str, now: str, counted: int | None) -> None:
    """Mark a source as downloaded completely, up to the latest change stored, but not later than the time `now`.

    `counted` is the number of annotations by the server's own count, or None if it does not count.
    """
    with db:
        db.execute(
            "update place set until = min(?, coalesce((select max(updated_at) from task where place = name), '')) where name = ?",
            (now, source),
        )
        db.execute("insert or replace into counted values (?, ?)", (source, counted))


def put_tasks(db: sqlite3.Connection, source: str, pages: Iterable[CachedTask]) -> None:
    """Store tasks in one transaction, replacing earlier versions of them."""
    with db:
        for page in pages:
            _forget(db, source, page.task_id)
            ids = " ".join(map(str, page.annotations))
            parsed = page.found
            db.execute(
                "insert into task values (?, ?, ?, ?, ?, ?)",
                (source, page.task_id, page.updated_at, ids, parsed.drafts, parsed.unread),
            )
            db.executemany(
                "insert into judgement values (?, ?, ?, ?, ?, ?)",
                [
                    (source, page.task_id, j.article_id, j.annotator, j.annotation_id, line_of(j))
                    for j in parsed.judgements
                ],
            )
            db.executemany(
                "insert into issue values (?, ?, ?, ?)",
                [(source, page.task_id, number, line_of(issue)) for number, issue in enumerate(parsed.issues)],
            )


def delete_tasks(db: sqlite3.Connection, source: str, tasks: Iterable[int]) -> None:
    """Delete tasks of a source in one transaction."""
    with db:
        for task in tasks:
            _forget(db, source, task)


def put_source(db: sqlite3.Connection, source: str, parsed: ParsedAnnotations) -> None:
    """Store all annotations of a source without tasks, such as a file, replacing its earlier ones."""
    begin(db, source, PARSER_VERSION)
    ids = tuple(judgement.annotation_id for judgement in parsed.judgements)
    # Annotations that could not be parsed have no id; they are stored as 0, so that they are counted.
    ids += (0,) * (parsed.unread + sum(issue.code == "unreadable-annotation" for issue in parsed.issues))
    put_tasks(db, source, [CachedTask(0, "", ids, parsed)])


def retain(db: sqlite3.Connection, sources: Sequence[str]) -> None:
    """Delete every source on a server except these; imported files and kept judgements stay."""
    with db:
        for (name,) in db.execute("select name from place").fetchall():
            if name not in sources and not name.startswith((FILES, KEPT)):
                _drop(db, name)


def keep(db: sqlite3.Connection, judgements: Iterable[Judgement]) -> None:
    """Store the judgements that are kept although no source has them, instead of those kept before."""
    put_source(db, KEPT, ParsedAnnotations(tuple(judgements)))


def task_states(db: sqlite3.Connection, source: str) -> dict[int, TaskState]:
    """Return the stored state of each task of a source, by task id."""
    rows = db.execute("select id, updated_at, annotations, drafts from task where place = ?", (source,))
    return {number: TaskState(at, tuple(map(int, ids.split())), drafts) for number, at, ids, drafts in rows}


def source_names(db: sqlite3.Connection) -> list[str]:
    """Return the names of all sources, sorted."""
    return [name for (name,) in db.execute("select name from place order by name")]


def judgements(db: sqlite3.Connection) -> Iterator[str]:
    """Yield every judgement as a line of JSON, sorted by article, annotator and annotation."""
    query = "select line from judgement order by article_id, annotator, annotation_id, place, task"
    return (line for (line,) in db.execute(query))


def judgements_of(db: sqlite3.Connection, source: str) -> list[Judgement]:
    """Return the judgements of a source, sorted by article, annotator and annotation."""
    query = "select line from judgement where place = ? order by article_id, annotator, annotation_id"
    return [from_plain(Judgement, json.loads(line)) for (line,) in db.execute(query, (source,))]


Key = tuple[str, str, int, str]
"""Article id, annotator, annotation id and origin of a judgement."""


def key_of(judgement: Judgement) -> Key:
    """Return the key of a judgement."""
    return judgement.article_id, judgement.annotator, judgement.annotation_id, judgement.origin


def missing(judgements: Iterable[Judgement], now: Collection[Key]) -> list[Judgement]:
    """Return the judgements that are not among these keys. One of an earlier version of khabar has no origin."""
    bare = {key[:3] for key in now}
    return [j for j in judgements if key_of(j) not in now and (j.origin or key_of(j)[:3] not in bare)]


def keys(db: sqlite3.Connection, *, besides: str = "") -> set[Key]:
    """Return the key of every judgement, except those of the source `besides`."""
    query = "select article_id, annotator, annotation_id, coalesce(json_extract(line, '$.origin'), '') from judgement"
    return set(db.execute(f"{query} where place != ?", (besides,)))


@dataclass(frozen=True, slots=True)
class Served:
    """What tells a judgement of a server from others."""

    article_id: str
    annotator: str
    created_at: str


def served(db: sqlite3.Connection) -> set[Served]:
    """Return what tells each judgement of a server from others."""
    query = "select article_id, annotator, json_extract(line, '$.created_at') from judgement where task != 0"
    return {Served(*row) for row in db.execute(query)}


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of annotations, judgements, drafts, and annotations on tasks that khabar did not create."""

    annotations: int
    judgements: int
    drafts: int
    unread: int


def counts(db: sqlite3.Connection) -> Counts:
    """Count what the cache holds. Annotations that a server counts but did not give are among the annotations."""
    (number,) = db.execute("select count(*) from judgement").fetchone()
    drafts, unread = db.execute("select coalesce(sum(drafts), 0), coalesce(sum(unread), 0) from task").fetchone()
    ids = db.execute("select annotations from task where annotations != ''")
    missing = sum(max(gap.there - gap.here, 0) for gap in gaps(db))
    return Counts(sum(text.count(" ") + 1 for (text,) in ids) + missing, number, drafts, unread)


def set_aside(db: sqlite3.Connection, batch: str) -> list[Dropped]:
    """Return each annotation that did not become a judgement, with the reason."""
    aside = [Dropped("collect", f"batch {batch}", "draft, not submitted")] * counts(db).drafts
    unreadable = [issue for issue in issues(db) if issue.code == "unreadable-annotation"]
    aside += [Dropped("collect", issue.where, "unreadable", issue.message) for issue in unreadable]
    aside += [Dropped("collect", gap.source, "not downloaded") for gap in gaps(db) for _ in range(gap.there - gap.here)]
    unmatched = db.execute("select place, id, unread from task where unread > 0 order by place, id")
    for source, task, number in unmatched:
        is_file = source.startswith(FILES)
        what, reason = (source, "no article matches") if is_file else (f"task {task}", "not khabar's task")
        aside += [Dropped("collect", what, reason)] * number
    return aside


def load_all(db: sqlite3.Connection) -> ParsedAnnotations:
    """Load all stored annotations into memory."""
    found = counts(db)
    records = tuple(from_plain(Judgement, json.loads(line)) for line in judgements(db))
    return ParsedAnnotations(records, found.drafts, tuple(issues(db)), found.unread)


def line_of(record: object) -> str:
    """Return a record as the line of JSON that is stored."""
    return json.dumps(to_plain(record), ensure_ascii=False)


def _forget(db: sqlite3.Connection, source: str, task: int) -> None:
    db.execute("delete from task where place = ? and id = ?", (source, task))
    db.execute("delete from judgement where place = ? and task = ?", (source, task))
    db.execute("delete from issue where place = ? and task = ?", (source, task))


def _drop(db: sqlite3.Connection, source: str) -> None:
    for table in ("task", "judgement", "issue", "counted"):
        db.execute(f"delete from {table} where place = ?", (source,))  # noqa: S608 - the names are these four
    db.execute("delete from place where name = ?", (source,))
