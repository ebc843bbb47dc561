"""State of a project's tasks on a server before any is downloaded: their versions, their number, the server's time."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from builder.labelstudio.api.connection import Connection
from builder.labelstudio.client import PAGE
from builder.labelstudio.download import sqlite
from builder.labelstudio.download.cache import TaskState
from builder.labelstudio.download.remote import RetryingClient

OVERLAP = timedelta(seconds=10)
"""Overlap of two downloads, because a change can become visible a little later than its timestamp."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers of tasks and annotations of a project, as the server counts them, and the time there.

    `annotations` is None if the server does not count them. The time is the earlier one of the server's clock and
    this machine's (ISO 8601, UTC), so that a clock that is ahead hides no later change.
    """

    tasks: int
    annotations: int | None
    now: str


def tally(connection: Connection, project: int) -> Tally:
    """Ask a server for the counts of a project."""
    answer = connection.client.projects.with_raw_response.get(id=project)
    counted, now = answer.data, min(datetime.now(UTC), _server_time(answer.headers.get("date", "")))
    numbers = counted.total_annotations_number, counted.skipped_annotations_number
    annotations = None if None in numbers else sum(number or 0 for number in numbers)
    return Tally(int(counted.task_number or 0), annotations, moment(now))


def task_states(remote: RetryingClient, have: Mapping[int, TaskState], until: str) -> dict[int, TaskState]:
    """Return the state of every task on the server: the cached state with the changes after `until`, or a full list.

    An embedded server's file gives the full list at once. Elsewhere it is used if the clock was set back since
    `until`, or if the number of tasks shows that the cached state is wrong. It is repeated up to three times while
    tasks are being added or deleted. Without `until`, every task is listed.
    """
    project, data = remote.project, remote.connection.data
    if data and (states := sqlite.read_states(data, project)) is not None:
        return {
            number: TaskState(moment(changed), tuple(annotations), 0)
            for number, (changed, annotations) in states.items()
        }
    if until and until <= remote.ask(lambda connection: tally(connection, project)).now:
        since = (datetime.fromisoformat(until) - OVERLAP).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changed = remote.ask(lambda connection: _listed(connection, project, _filter("updated_at", "Datetime", since)))
        live = {**have, **changed}
        if remote.ask(lambda connection: tally(connection, project)).tasks == len(live):
            return live
    if not have and (ids := remote.ask(lambda connection: _near(connection, project))):
        return {task: TaskState("", (), 0) for task in ids}
    for _ in range(3):
        live = remote.ask(lambda connection: _listed(connection, project, {}))
        if remote.ask(lambda connection: tally(connection, project)).tasks == len(live):
            break
    return live


def tasks_with_drafts(connection: Connection, project: int) -> set[int]:
    """Return the ids of the tasks that have a draft."""
    query = json.dumps(_filter("draft_exists", "Boolean", "true"))
    listing = connection.client.tasks.list(
        project=project, fields="task_only", include="id", query=query, page_size=PAGE
    )
    return {int(task.id) for task in listing}


def moment(given: datetime | str) -> str:
    """Format a time so that it sorts as text: ISO 8601 in UTC, always with microseconds."""
    when = datetime.fromisoformat(given) if isinstance(given, str) else given
    return when.astimezone(UTC).isoformat(timespec="microseconds")


def _server_time(header: str) -> datetime:
    """Parse the `Date` header of a response; one that cannot be parsed says nothing, and becomes the latest time."""
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except (TypeError, ValueError):
        return datetime.max.replace(tzinfo=UTC)


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
        page_size=PAGE,
        query=json.dumps({**query, "ordering": ["tasks:id"]}),
    )
    return {int(task.id): TaskState(moment(task.updated_at), _ids(task.annotations_ids), 0) for task in listing}


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
    if len(ends) != 2 or ends[1] - ends[0] >= 2 * tally(connection, project).tasks:
        return range(0)
    return range(ends[0], ends[1] + 1)


def _ids(given: object) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", str(given or ""))))
