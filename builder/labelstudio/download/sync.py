"""Fetch what annotators answered from any Label Studio, and only what changed since the last time.

A place that was never collected whole is compared task by task with a manifest of the server; later,
a filter on `updated_at` names what changed, and the manifest is fetched only where the number of tasks
says that some were deleted. Tasks are fetched through export snapshots of a few hundred, each kept as
soon as it is here while the next is on its way: memory stays flat, no answer takes long, and what was
killed goes on.
E-mails are turned into pseudonyms as they are read. Does not judge the answers: check.py does.
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
from builder.labelstudio.client import Connection, is_away, project_called, spoken
from builder.labelstudio.download import cache
from builder.labelstudio.download.cache import Known, Page
from builder.labelstudio.download.snapshot import chosen_ids, export_tasks, remove_old_snapshots, take_snapshot
from builder.labelstudio.parse import Collected, Pseudonym, collected
from builder.records import KhabarError, Notify, user_error

T = TypeVar("T")


CHUNK = 500
"""Tasks of one export: about a second's work for the server."""

OVERLAP = timedelta(seconds=10)
"""A change may become visible a little after the moment that it bears."""

PATIENCE = 90.0
"""Seconds that a server may take to come back."""


@dataclass(frozen=True, slots=True)
class Site:
    """One project on one server, and how to log in there again."""

    connection: Connection
    title: str
    again: Callable[[], Connection] | None = None


@dataclass(slots=True)
class _Talk:
    """A conversation that outlives a server's restart and an expired token."""

    connection: Connection
    title: str
    again: Callable[[], Connection] | None
    progress: Notify
    patience: float
    kept: int = 0

    def ask(self, call: Callable[[Connection], T]) -> T:
        """The answer to a call; raises Refused (exit code 3)."""
        renewed = False

        def attempt() -> T:
            nonlocal renewed
            try:
                with spoken(self.connection.url):
                    return call(self.connection)
            except KhabarError as error:
                code = error.issues[0].code
                if code == "token" and self.again and not renewed:
                    self.connection, renewed = self.again(), True
                    return attempt()
                if code == "studio" and self._is_gone():
                    raise self._gone() from None
                raise

        def waiting() -> None:
            self.progress(f"Label Studio at {self.connection.url} does not answer: waiting")

        return retry(attempt, temporary=is_away, patience=self.patience, waiting=waiting)

    def _is_gone(self) -> bool:
        try:
            with spoken(self.connection.url):
                return project_called(self.connection, self.title) is None
        except KhabarError:
            return False

    def _gone(self) -> KhabarError:
        message = f"the project {self.title!r} was deleted in Label Studio at {self.connection.url}"
        fix = "what was collected before stays; to have the rest annotated again, run `khabar send`"
        return user_error("no-project", message, fix=fix, exit_code=3)

    def tell(self, total: int) -> None:
        """Say how many tasks of a total are kept, where they are many."""
        if total > CHUNK and self.kept:
            self.progress(f"collected {self.kept} of {total} tasks")

    def lost(self, refused: KhabarError) -> KhabarError:
        """What a server that went away means where a part is kept already: exit code 5."""
        if refused.issues[0].code != "no-studio" or not self.kept:
            return refused
        message = f"Label Studio at {self.connection.url} went away; {self.kept} tasks were collected before"
        return user_error("partial", message, fix="run `khabar collect` again: it goes on", exit_code=5)


def collect(connection: Connection, title: str, name: Pseudonym, kept: Path | None = None) -> Collected:
    """All judgements of all annotators in the project with this title, skipped ones too; drafts are counted.

    `kept` is the store of an earlier collect, which makes this one quick. Raises Refused.
    """
    with cache.opened(kept) as db:
        gather(db, Site(connection, title), name)
        return cache.everything(db)


def gather(
    db: Store, site: Site, name: Pseudonym, *, stamp: str = "", full: bool = False,
    progress: Notify = lambda _: None, patience: float = PATIENCE,
) -> str:  # fmt: skip
    """Bring a store up to date with a project, and give back the name of its place in the store.

    What was read under another `stamp` (another key of pseudonyms, say) is read again, as is all with
    `full`. Raises Refused: exit code 3, or 5 where a part is kept and the next call goes on.
    """
    talk = _Talk(site.connection, site.title, site.again, progress, patience)
    project = talk.ask(lambda connection: project_called(connection, site.title))
    if project is None:
        raise user_error(
            "no-project",
            f"Label Studio at {site.connection.url} has no project called {site.title!r}",
            fix="run `khabar send` first, or see whether this is the right server",
            exit_code=3,
        )
    place = f"{site.connection.url}/projects/{project}"
    if full:
        cache.begin(db, place, f"{stamp} before --full")
    until = cache.begin(db, place, stamp)
    talk.ask(lambda connection: remove_old_snapshots(connection, project))
    have = cache.known(db, place)
    live = _live(talk, project, have, until)
    cache.forget(db, place, have.keys() - live.keys())
    drafted = talk.ask(lambda connection: _drafted(connection, project))
    wanted = sorted(task for task, seen in live.items() if _differs(seen, have.get(task), task in drafted))
    _fill(db, talk, project, wanted, name, place)
    cache.finish(db, place)
    return place


def _fill(db: Store, talk: _Talk, project: int, wanted: list[int], name: Pseudonym, place: str) -> None:
    """Fetch tasks and keep them, a part at a time; a server works on the next while this one is read."""
    parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    with ThreadPoolExecutor(max_workers=1) as ahead:
        try:
            coming = [_asked(talk, project, part, ahead) for part in parts[:1]]
            for number, part in enumerate(parts, 1):
                tasks = coming.pop()()
                talk.tell(len(wanted))
                coming += [_asked(talk, project, following, ahead) for following in parts[number : number + 1]]
                pages = list(_read(tasks, name, place))
                cache.keep(db, place, pages)
                cache.forget(db, place, set(part) - {page.task_id for page in pages})
                talk.kept += len(pages)
        except KhabarError as refused:
            raise talk.lost(refused) from None
        finally:
            talk.patience = 0.0  # what is still on its way when this ends waits for no server
    talk.tell(len(wanted))


def _asked(talk: _Talk, project: int, part: list[int], ahead: ThreadPoolExecutor) -> Callable[[], list[Any]]:
    """Ask a server for tasks now, and give back how to have them; those in a file are read when they are wanted."""
    if talk.connection.data:
        return lambda: talk.ask(functools.partial(export_tasks, project=project, tasks=part))
    # The other thread waits for the server and no more: two that read JSON would only hold each other up.
    body = ahead.submit(talk.ask, functools.partial(take_snapshot, project=project, tasks=part))
    return lambda: chosen_ids(body.result(), part)


def _differs(seen: Known, known: Known | None, drafted: bool) -> bool:
    """Whether a task must be fetched; a draft changes without the task, so those with one always are."""
    if known is None or drafted or known.drafts:
        return True
    return (seen.updated_at, sorted(seen.annotations)) != (known.updated_at, sorted(known.annotations))


def _live(talk: _Talk, project: int, have: Mapping[int, Known], until: str) -> dict[int, Known]:
    """Every task that the server has: as known and as changed since, or by the manifest where that may be wrong."""
    if until:
        since = (datetime.fromisoformat(until) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = talk.ask(lambda connection: _listed(connection, project, _filter("updated_at", "Datetime", since)))
        live = {**have, **changed}
        if talk.ask(lambda connection: _number(connection, project)) == len(live):
            return live
    if not have and (near := talk.ask(lambda connection: _near(connection, project))):
        return {task: Known("", (), 0) for task in near}
    for _ in range(3):
        live = talk.ask(lambda connection: _listed(connection, project, {}))
        if talk.ask(lambda connection: _number(connection, project)) == len(live):
            break
    return live


def _filter(column: str, kind: str, value: str) -> dict[str, Any]:
    operator = "greater" if kind == "Datetime" else "equal"
    one = {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
    return {"filters": {"conjunction": "and", "items": [one]}}


def _listed(connection: Connection, project: int, query: Mapping[str, Any]) -> dict[int, Known]:
    """When tasks changed, and the ids of their annotations, without their answers."""
    listing = connection.client.tasks.list(
        project=project,
        fields="all",
        include="id,updated_at,annotations_ids",
        page_size=2 * CHUNK,
        query=json.dumps({**query, "ordering": ["tasks:id"]}),
    )
    return {int(task.id): Known(_moment(task.updated_at), _ids(task.annotations_ids), 0) for task in listing}


def _near(connection: Connection, project: int) -> range:
    """The numbers from the first task to the last, where most are tasks of the project: no list is as quick."""
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
    """A time as text that sorts as times do: UTC, microseconds always."""
    when = datetime.fromisoformat(given) if isinstance(given, str) else given
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _read(tasks: Iterable[Any], name: Pseudonym, place: str) -> Iterator[Page]:
    for plain in tasks:
        number = int(plain["id"])
        found = collected([plain], name)
        issues = tuple(replace(issue, link=f"{place}/data?task={number}") for issue in found.issues)
        ids = tuple(int(annotation["id"]) for annotation in plain["annotations"])
        yield Page(number, _moment(plain["updated_at"]), ids, replace(found, issues=issues))
