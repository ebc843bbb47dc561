"""Incremental download of annotations from any Label Studio server.

The first download of a project compares the cache with a list of all tasks on the server. Later ones ask only for tasks
changed since, by a filter on `updated_at`, and list all tasks again only if the number of tasks shows that some were
deleted. Tasks are downloaded in export snapshots of a few hundred; each is stored while the server prepares the next.
So memory stays constant, no request takes long, and a killed download resumes.
E-mails are replaced by pseudonyms as they are read.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Connection as Store
from typing import Any, TypeVar

from builder.io.retry import retry
from builder.labelstudio.client import Connection, find_project, is_away, translate_errors
from builder.labelstudio.download import cache
from builder.labelstudio.download.cache import CachedTask, TaskState
from builder.labelstudio.download.snapshot import chosen_ids, export_tasks, remove_old_snapshots, take_snapshot
from builder.labelstudio.parse import ParsedAnnotations, Pseudonym, parse_tasks
from builder.records import KhabarError, Notify, user_error

T = TypeVar("T")


CHUNK = 500
"""Tasks of one export, which takes the server about a second."""

OVERLAP = timedelta(seconds=10)
"""Overlap of two downloads, because a change can become visible a little later than its timestamp."""

RETRY_SECONDS = 90.0
"""Seconds to retry while a server is unavailable."""


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """One project on one server; `again` logs in anew when the token has expired."""

    connection: Connection
    title: str
    again: Callable[[], Connection] | None = None


@dataclass(slots=True)
class _RetryingClient:
    """A client that retries through a server restart and renews an expired token. `kept` counts the stored tasks."""

    connection: Connection
    title: str
    again: Callable[[], Connection] | None
    progress: Notify
    patience: float
    kept: int = 0

    def ask(self, call: Callable[[Connection], T]) -> T:
        """Return the result of a call, retrying it for `patience` seconds. Raises KhabarError (exit code 3)."""
        renewed = False

        def attempt() -> T:
            nonlocal renewed
            try:
                with translate_errors(self.connection.url):
                    return call(self.connection)
            except KhabarError as error:
                code = error.issues[0].code
                if code == "token" and self.again and not renewed:
                    self.connection, renewed = self.again(), True
                    return attempt()
                if code == "studio" and self._is_deleted():
                    raise self._deleted() from None
                raise

        def waiting() -> None:
            self.progress(f"Label Studio at {self.connection.url} does not answer: waiting")

        return retry(attempt, temporary=is_away, patience=self.patience, waiting=waiting)

    def _is_deleted(self) -> bool:
        try:
            with translate_errors(self.connection.url):
                return find_project(self.connection, self.title) is None
        except KhabarError:
            return False

    def _deleted(self) -> KhabarError:
        message = f"the project {self.title!r} was deleted in Label Studio at {self.connection.url}"
        fix = "annotations collected so far are kept; to create the project again, run `khabar send`"
        return user_error("no-project", message, fix=fix, exit_code=3)

    def tell(self, total: int) -> None:
        """Report progress if the download takes more than one export."""
        if total > CHUNK and self.kept:
            self.progress(f"collected {self.kept} of {total} tasks")

    def lost(self, refused: KhabarError) -> KhabarError:
        """Return a KhabarError with exit code 5 if the server became unavailable after a part was stored, else the same one."""
        if refused.issues[0].code != "no-studio" or not self.kept:
            return refused
        message = f"Label Studio at {self.connection.url} became unavailable after {self.kept} tasks were collected"
        return user_error("partial", message, fix="run `khabar collect` again to resume", exit_code=5)


def collect(connection: Connection, title: str, name: Pseudonym, kept: Path | None = None) -> ParsedAnnotations:
    """Return all annotations in the project with this title, including skipped ones, and the number of drafts.

    `name` turns an e-mail or user id into a pseudonym. `kept` is the cache file of an earlier call, for an incremental
    download. Raises KhabarError with exit code 3 if the server fails or has no such project.
    """
    with cache.open_cache(kept) as db:
        update_cache(db, ProjectRef(connection, title), name)
        return cache.load_all(db)


def update_cache(
    db: Store, site: ProjectRef, name: Pseudonym, *, stamp: str = "", full: bool = False,
    progress: Notify = lambda _: None, patience: float = RETRY_SECONDS,
) -> str:  # fmt: skip
    """Update a cache from a project, and return the name of its source in the cache.

    Tasks stored under another `stamp`, such as another pseudonym key, are downloaded again; with `full`, all are.
    Raises KhabarError with exit code 3 if the server fails or has no such project, and 5 if a part is stored and the next
    call resumes.
    """
    remote = _RetryingClient(site.connection, site.title, site.again, progress, patience)
    project = remote.ask(lambda connection: find_project(connection, site.title))
    if project is None:
        raise user_error(
            "no-project",
            f"Label Studio at {site.connection.url} has no project called {site.title!r}",
            fix="run `khabar send` first, or check LABEL_STUDIO_URL",
            exit_code=3,
        )
    source = f"{site.connection.url}/projects/{project}"
    if full:
        cache.begin(db, source, f"{stamp} before --full")  # another stamp deletes what is stored
    until = cache.begin(db, source, stamp)
    remote.ask(lambda connection: remove_old_snapshots(connection, project))
    have = cache.task_states(db, source)
    live = _live(remote, project, have, until)
    cache.delete_tasks(db, source, have.keys() - live.keys())
    drafted = remote.ask(lambda connection: _drafted(connection, project))
    wanted = sorted(task for task, state in live.items() if _differs(state, have.get(task), task in drafted))
    _fill(db, remote, project, wanted, name, source)
    cache.finish(db, source)
    return source


def _fill(db: Store, remote: _RetryingClient, project: int, wanted: list[int], name: Pseudonym, source: str) -> None:
    """Download and store tasks, CHUNK at a time; the server prepares the next part while this one is parsed."""
    parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    with ThreadPoolExecutor(max_workers=1) as ahead:
        try:
            coming = [_asked(remote, project, part, ahead) for part in parts[:1]]
            for number, part in enumerate(parts, 1):
                tasks = coming.pop()()
                remote.tell(len(wanted))
                coming += [_asked(remote, project, following, ahead) for following in parts[number : number + 1]]
                pages = list(_read(tasks, name, source))
                cache.put_tasks(db, source, pages)
                cache.delete_tasks(db, source, set(part) - {page.task_id for page in pages})
                remote.kept += len(pages)
        except KhabarError as refused:
            raise remote.lost(refused) from None
        finally:
            remote.patience = 0.0  # a request still running must not wait for the server any longer
    remote.tell(len(wanted))


def _asked(
    remote: _RetryingClient, project: int, part: list[int], ahead: ThreadPoolExecutor
) -> Callable[[], list[Any]]:
    """Request tasks and return a function that waits for them; tasks in a local SQLite file are read only when it is called."""
    if remote.connection.data:
        return lambda: remote.ask(functools.partial(export_tasks, project=project, tasks=part))
    # The thread only waits for the server: parsing JSON in two threads would not be faster.
    body = ahead.submit(remote.ask, functools.partial(take_snapshot, project=project, tasks=part))
    return lambda: chosen_ids(body.result(), part)


def _differs(live: TaskState, known: TaskState | None, drafted: bool) -> bool:
    """Return whether a task must be downloaded; one with a draft always is, because drafts do not change `updated_at`."""
    if known is None or drafted or known.drafts:
        return True
    return (live.updated_at, sorted(live.annotations)) != (known.updated_at, sorted(known.annotations))


def _live(remote: _RetryingClient, project: int, have: Mapping[int, TaskState], until: str) -> dict[int, TaskState]:
    """Return the state of every task on the server: the cached state with later changes, or a full list.

    The full list is used if the number of tasks shows that the cached state is wrong. It is repeated up to three times
    while tasks are being added or deleted.
    """
    if until:
        since = (datetime.fromisoformat(until) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = remote.ask(lambda connection: _listed(connection, project, _filter("updated_at", "Datetime", since)))
        live = {**have, **changed}
        if remote.ask(lambda connection: _number(connection, project)) == len(live):
            return live
    if not have and (ids := remote.ask(lambda connection: _near(connection, project))):
        return {task: TaskState("", (), 0) for task in ids}
    for _ in range(3):
        live = remote.ask(lambda connection: _listed(connection, project, {}))
        if remote.ask(lambda connection: _number(connection, project)) == len(live):
            break
    return live


def _filter(column: str, kind: str, value: str) -> dict[str, Any]:
    operator = "greater" if kind == "Datetime" else "equal"
    condition = {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
    return {"filters": {"conjunction": "and", "items": [condition]}}


def _listed(connection: Connection, project: int, query: Mapping[str, Any]) -> dict[int, TaskState]:
    """Return the time of the last change and the annotation ids of the tasks that match a query, by task id."""
    listing = connection.client.tasks.list(
        project=project,
        fields="all",
        include="id,updated_at,annotations_ids",
        page_size=2 * CHUNK,
        query=json.dumps({**query, "ordering": ["tasks:id"]}),
    )
    return {int(task.id): TaskState(_moment(task.updated_at), _ids(task.annotations_ids), 0) for task in listing}


def _near(connection: Connection, project: int) -> range:
    """Return the id range of the project's tasks if at least half of the ids in it are its own, else an empty range.

    Two requests are faster than a list of all tasks.
    """
    ends: list[int] = []
    for column in ("tasks:id", "-tasks:id"):
        query = json.dumps({"ordering": [column]})
        listing = connection.client.tasks.list(
            project=project, fields="task_only", include="id", query=query, page_size=1
        )
        ends += [int(task.id) for task in listing.items or ()]
    if len(ends) != 2 or ends[1] - ends[0] >= 2 * _number(connection, project):
        return range(0)
    return range(ends[0], ends[1] + 1)


def _drafted(connection: Connection, project: int) -> set[int]:
    query = json.dumps(_filter("draft_exists", "Boolean", "true"))
    listing = connection.client.tasks.list(
        project=project, fields="task_only", include="id", query=query, page_size=CHUNK
    )
    return {int(task.id) for task in listing}


def _number(connection: Connection, project: int) -> int:
    return int(connection.client.projects.get(id=project).task_number or 0)


def _ids(given: object) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", str(given or ""))))


def _moment(given: datetime | str) -> str:
    """Format a time so that it sorts as text: ISO 8601 in UTC, always with microseconds."""
    when = datetime.fromisoformat(given) if isinstance(given, str) else given
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _read(tasks: Iterable[Any], name: Pseudonym, source: str) -> Iterator[CachedTask]:
    """Parse downloaded tasks; each issue gets a link to its task."""
    for plain in tasks:
        number = int(plain["id"])
        parsed = parse_tasks([plain], name)
        issues = tuple(replace(issue, link=f"{source}/data?task={number}") for issue in parsed.issues)
        ids = tuple(int(annotation["id"]) for annotation in plain["annotations"])
        yield CachedTask(number, _moment(plain["updated_at"]), ids, replace(parsed, issues=issues))
