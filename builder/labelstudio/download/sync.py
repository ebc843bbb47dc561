"""Incremental download of annotations from any Label Studio server.

The state of every task is compared with the cache. An embedded server's file says it at once; another server is asked
for the tasks that changed since the last download, by a filter on `updated_at`. Then the number of annotations is
compared with the server's own; if they differ, every task is listed. Tasks are downloaded in export snapshots of a few
hundred; each is stored while the server prepares the next. So memory stays constant, no request takes long, and a
killed download resumes. E-mails are replaced by pseudonyms as they are read.
"""

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from sqlite3 import Connection as Store
from typing import Any

from builder.annotation.migration.rename import rename_question
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark, server_name
from builder.labelstudio.download import cache, faults
from builder.labelstudio.download.cache import CachedTask, TaskState
from builder.labelstudio.download.listing import moment, tally, task_states, tasks_with_drafts
from builder.labelstudio.download.persons import Past, Roster, with_origin, with_persons
from builder.labelstudio.download.remote import ProjectRef, RetryingClient
from builder.labelstudio.download.snapshot import chosen_ids, export_tasks, remove_old_snapshots, take_snapshot
from builder.labelstudio.earlier import by_key, continued
from builder.labelstudio.parse import ParsedAnnotations, Pseudonym, parse_tasks
from builder.labelstudio.refresh.renamed import rename_results, restored
from builder.labelstudio.refresh.updated import renames_of
from builder.labelstudio.remarks import names_of, without_persons
from builder.records import Judgement, KhabarError, LabelVersions, Notify

CHUNK = 500
"""Tasks of one export, which takes the server about a second."""

RETRY_SECONDS = 90.0
"""Seconds to retry while a server is unavailable."""

NO_PAST = Past()

ROUNDS = 3
"""Most downloads of one call, while people annotate and the counts differ."""


def collect(
    connection: Connection, wanted: ProjectMark | str, name: Pseudonym, kept: Path | None = None,
    past: Past = NO_PAST,
) -> ParsedAnnotations:  # fmt: skip
    """Return all annotations in a project, including skipped ones, and the number of drafts; a mark or title names it.

    `name` turns an e-mail or user id into a pseudonym. `kept` is the cache file of an earlier call, for an incremental
    download; `past` is what is known before. Raises KhabarError with exit code 3 if the server fails or has no such project.
    """
    with cache.open_cache(kept) as db:
        update_cache(db, ProjectRef(connection, wanted), name, past=past)
        return cache.load_all(db)


def update_cache(
    db: Store, site: ProjectRef, name: Pseudonym, *, stamp: str = "", full: bool = False,
    past: Past = NO_PAST,
    progress: Notify = lambda _: None, patience: float = RETRY_SECONDS,
) -> str:  # fmt: skip
    """Update a cache from a project, and return the name of its source in the cache.

    Tasks stored under another `stamp`, such as another pseudonym key, are downloaded again; with `full`, all are.
    The judgements of the `past` name the people whose accounts were deleted. The server's own number of annotations is
    kept in the cache, which makes an issue of a difference.
    Raises KhabarError with exit code 3 if the server fails or has no such project, and 5 if a part is stored and the next
    call resumes.
    """
    remote = RetryingClient(site.connection, site, progress, patience)
    project = remote.find()
    source = f"{site.connection.url}/projects/{project}"
    roster = _roster(remote, name, past, cache.judgements_of(db, source))
    if full:
        cache.begin(db, source, f"{stamp} before --full")  # another stamp deletes what is stored
    until = cache.begin(db, source, stamp)
    remote.ask(lambda connection: remove_old_snapshots(connection, project))
    try:
        for _ in range(ROUNDS):
            started = remote.ask(lambda connection: tally(connection, project)).now
            _update(db, remote, until, roster, source)
            counted = remote.ask(lambda connection: tally(connection, project)).annotations
            if counted in (None, faults.annotation_count(db, source)):
                break
            until = ""  # every task is listed
    except KhabarError as refused:
        raise remote.lost(refused) from None
    cache.finish(db, source, started, counted)
    return source


def _roster(remote: RetryingClient, name: Pseudonym, past: Past, cached: list[Judgement]) -> Roster:
    """Return what is known of the people of a server. A judgement without origin is of an earlier version of khabar."""

    @functools.cache
    def users() -> Sequence[Any]:
        return remote.ask(lambda connection: connection.client.users.list())

    def emails() -> Mapping[int, str]:
        return {int(user.id): str(user.email) for user in users()}

    @functools.cache
    def names() -> Collection[str]:
        return {name for user in users() for name in names_of(user.email, user.first_name or "", user.last_name or "")}

    here = past.origin(remote.ask(lambda connection: server_name(connection, remote.project)))
    known = {j.annotation_id: j for j in (*past.judgements, *cached) if j.task_id and j.origin in ("", here)}
    return Roster(name, emails, known, here, by_key((*past.judgements, *cached)), past.versions,
                  names)  # fmt: skip


def _update(db: Store, remote: RetryingClient, until: str, roster: Roster, source: str) -> None:
    """Delete the tasks that the server no longer has, and download those that differ."""
    have = cache.task_states(db, source)
    live = task_states(remote, have, until)
    cache.delete_tasks(db, source, have.keys() - live.keys())
    drafted = remote.ask(lambda connection: tasks_with_drafts(connection, remote.project))
    wanted = sorted(task for task, state in live.items() if _differs(state, have.get(task), task in drafted))
    _fill(db, remote, wanted, roster, source)


def _fill(db: Store, remote: RetryingClient, wanted: list[int], roster: Roster, source: str) -> None:
    """Download and store tasks, CHUNK at a time; the server prepares the next part while this one is parsed."""
    tell = remote.tell if len(wanted) > CHUNK else lambda _: None
    parts = [wanted[start : start + CHUNK] for start in range(0, len(wanted), CHUNK)]
    with ThreadPoolExecutor(max_workers=1) as ahead:
        try:
            coming = [_asked(remote, part, ahead) for part in parts[:1]]
            for number, part in enumerate(parts, 1):
                tasks = coming.pop()()
                tell(len(wanted))
                coming += [_asked(remote, following, ahead) for following in parts[number : number + 1]]
                pages = list(_read(tasks, roster, source))
                cache.put_tasks(db, source, pages)
                cache.delete_tasks(db, source, set(part) - {page.task_id for page in pages})
                remote.kept += len(pages)
        except BaseException:
            remote.patience = 0.0  # a request still running must not wait for the server any longer
            raise
    tell(len(wanted))


def _asked(remote: RetryingClient, part: list[int], ahead: ThreadPoolExecutor) -> Callable[[], list[Any]]:
    """Request tasks and return a function that waits for them; tasks in a local SQLite file are read only when it is called."""
    if remote.connection.data:
        return lambda: remote.ask(functools.partial(export_tasks, project=remote.project, tasks=part))
    # The thread only waits for the server: parsing JSON in two threads would not be faster.
    body = ahead.submit(remote.ask, functools.partial(take_snapshot, project=remote.project, tasks=part))
    return lambda: chosen_ids(body.result(), part)


def _differs(live: TaskState, known: TaskState | None, drafted: bool) -> bool:
    """Return whether a task must be downloaded; one with a draft always is, because drafts do not change `updated_at`."""
    if known is None or drafted or known.drafts:
        return True
    return (live.updated_at, sorted(live.annotations)) != (known.updated_at, sorted(known.annotations))


def _read(tasks: Iterable[Any], roster: Roster, source: str) -> Iterator[CachedTask]:
    """Parse downloaded tasks; each issue gets a link to its task."""
    for plain in tasks:
        number = int(plain["id"])
        whole = with_persons(in_present_names(plain, roster.versions), roster)
        parsed = parse_tasks([whole.task], roster.whose)
        found = [
            without_persons(one, roster.names, f"task {number}, annotation {one.annotation_id}")
            for one in parsed.judgements
        ]
        imports = {int(plain["id"]): plain for plain in whole.task["annotations"]}
        judgements = tuple(
            _continued(
                with_origin(_as_known(one.judgement, plain, roster), whole.changers, roster),
                imports[one.judgement.annotation_id],
                roster,
            )
            for one in found
        )
        said = (*parsed.issues, *whole.issues, *(issue for one in found for issue in one.issues))
        issues = tuple(replace(issue, link=f"{source}/data?task={number}") for issue in said)
        ids = tuple(int(annotation["id"]) for annotation in plain["annotations"])
        parsed = replace(parsed, judgements=judgements, issues=issues)
        yield CachedTask(number, moment(plain["updated_at"]), ids, parsed)


def _as_known(judgement: Judgement, task: Mapping[str, Any], roster: Roster) -> Judgement:
    """Return a judgement with what was collected of the same save, if khabar rewrote the answer on the server since.

    The labels that a migration merged there are told apart in what was collected.
    """
    known, number = roster.known.get(judgement.annotation_id), judgement.annotation_id
    is_rewritten = str(number) in (task["data"].get("before") or {})
    same = known and (known.article_id, known.updated_at) == (judgement.article_id, judgement.updated_at)
    if not (known and is_rewritten and same and known.status == judgement.status):
        return judgement
    return replace(judgement, spans=known.spans, stances=known.stances, relations=known.relations)


def in_present_names(task: dict[str, Any], versions: LabelVersions) -> dict[str, Any]:
    """Return a downloaded task whose answers have the names that labels.yaml has now."""
    if not versions:
        return task
    data, known = task["data"], restored(task)
    renames = renames_of(str(data.get("names") or data.get("schema")), versions)
    if not any(renames.values()):
        return known
    targets = [one | {"id": rename_question(one["id"], renames)} for one in data["targets"]]
    answers = [one | {"result": rename_results(one["result"], renames, targets)} for one in known["annotations"]]
    return known | {"data": data | {"targets": targets}, "annotations": answers}


def _continued(judgement: Judgement, plain: Mapping[str, Any], roster: Roster) -> Judgement:
    untouched = plain.get("updated_by") is None  # an import names nobody
    return continued(judgement, plain.get("import_id"), untouched=untouched, known=roster.earlier)
