"""Read annotations directly from the SQLite database of an embedded Label Studio. Equivalent to its export, but faster.

The queries rely on the columns of the Label Studio version that khabar installs. If they differ, or the file cannot
be read, the caller falls back to the server's export. Access is read-only beside the running server, whose database
uses a write-ahead log (WAL).
"""

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_TASKS = "select id, data, updated_at from task where project_id = ? and id in ({}) order by id"

_ANNOTATIONS = """
select a.task_id, a.id, a.result, a.was_cancelled, a.lead_time, a.created_at, a.updated_at, a.import_id, u.id, u.email, c.id, c.email
from task_completion a left join htx_user u on u.id = a.completed_by_id left join htx_user c on c.id = a.updated_by_id
where a.task_id in ({}) order by a.id
"""

_STATES = """
select t.id, t.updated_at, group_concat(a.id, ' ') from task t left join task_completion a on a.task_id = t.id
where t.project_id = ? group by t.id order by t.id
"""

_DRAFTS = "select task_id, id from tasks_annotationdraft where task_id in ({}) order by id"


def read_tasks(path: Path, project: int, tasks: Sequence[int]) -> list[dict[str, Any]] | None:
    """Return tasks of a project in the format of an export, or None if the database cannot be read.

    Tasks that no longer exist are left out.
    """
    try:
        with contextlib.closing(_open(path)) as base:
            base.execute("begin")  # one consistent snapshot for all three queries
            by_id = {
                number: _task(number, data, changed) for number, data, changed in _rows(base, _TASKS, tasks, project)
            }
            for task, *annotation in _rows(base, _ANNOTATIONS, list(by_id)):
                by_id[task]["annotations"].append(_annotation(*annotation))
            for task, draft in _rows(base, _DRAFTS, list(by_id)):
                by_id[task]["drafts"].append(draft)
    except sqlite3.Error:
        return None
    return list(by_id.values())


def read_states(path: Path, project: int) -> dict[int, tuple[str, list[int]]] | None:
    """Return the time of the last change and the annotation ids of every task, or None if the database cannot be read."""
    try:
        with contextlib.closing(_open(path)) as base:
            rows = base.execute(_STATES, [project]).fetchall()
    except sqlite3.Error:
        return None
    return {task: (_time(changed), [int(one) for one in (ids or "").split()]) for task, changed, ids in rows}


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=30)


def _rows(base: sqlite3.Connection, query: str, tasks: Sequence[int], *first: int) -> Iterator[Any]:
    return base.execute(query.format(", ".join("?" * len(tasks))), [*first, *tasks])


def _task(number: int, data: str, changed: str) -> dict[str, Any]:
    return {"id": number, "data": json.loads(data), "updated_at": _time(changed), "annotations": [], "drafts": []}


def _annotation(
    number: int,
    result: str,
    cancelled: int,
    lead: float | None,
    created: str,
    changed: str,
    imported: int | None,
    *people: Any,
) -> dict[str, Any]:
    completed_by, updated_by = _person(*people[:2]), _person(*people[2:])
    return {
        "id": number, "result": json.loads(result), "was_cancelled": bool(cancelled), "lead_time": lead,
        "created_at": _time(created), "updated_at": _time(changed), "completed_by": completed_by,
        "updated_by": updated_by, "import_id": imported,
    }  # fmt: skip


def _person(number: int | None, email: str | None) -> dict[str, Any] | None:
    """Return an account as an export has it; one that was deleted is None."""
    return None if number is None else {"id": number, "email": email}


def _time(stored: str) -> str:
    """Convert a stored time to the format of the server's JSON."""
    return f"{stored.replace(' ', 'T')}Z"
