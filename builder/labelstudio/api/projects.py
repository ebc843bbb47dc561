"""Lookup of the Label Studio project of a batch: the one it was sent to, else the one with its title and its articles.

A title is not enough. It can be changed in Label Studio, it changes with `repo_id`, and another project can have the
same one.
"""

from collections.abc import Collection
from dataclasses import dataclass

from label_studio_sdk.core.api_error import ApiError

from builder.labelstudio.api.connection import Connection
from builder.labelstudio.config import PAGE_CLASS
from builder.labelstudio.tasks import key_of
from builder.records import user_error

SEEN = 100
"""Tasks that are looked at to see whose a project is."""


@dataclass(frozen=True, slots=True)
class ProjectMark:
    """Properties that identify a batch's project: its title, the noted number and creation time, the batch's articles.

    Without a batch, the title alone decides. `project_id` is 0 if none is noted; `created_at` is empty in notes of
    earlier versions.
    """

    title: str
    batch: str = ""
    articles: Collection[str] = ()
    project_id: int = 0
    created_at: str = ""


def mark_of(wanted: ProjectMark | str) -> ProjectMark:
    """Return the mark of a project that is given by its mark, or by its title alone."""
    return wanted if isinstance(wanted, ProjectMark) else ProjectMark(wanted)


def find_project(connection: Connection, mark: ProjectMark) -> int | None:
    """Return the number of a batch's project, or None if there is none.

    The noted project comes first, whatever its title is now.
    Raises KhabarError (exit code 4) if several projects qualify, or if another project has the title.
    """
    if mark.project_id and _is_noted(connection, mark):
        return mark.project_id
    title = mark.title
    ids = [int(p.id) for p in connection.client.projects.list(title=title, page_size=100) if p.title == title]
    own = [number for number in ids if not mark.batch or holds_batch(connection, number, mark)]
    if ids and not own:
        raise user_error(
            "other-project",
            f"Label Studio at {connection.url} has a project called {title!r} (number {ids[0]}) that does not hold this batch",
            fix="rename that project in Label Studio, then run the command again",
            exit_code=4,
        )
    if len(own) > 1:
        raise user_error(
            "two-projects",
            f"Label Studio has {len(own)} projects called {title!r}: {', '.join(map(str, own))}",
            fix="rename or delete all but one in Label Studio",
            exit_code=4,
        )
    return own[0] if own else None


def holds_batch(connection: Connection, project_id: int, mark: ProjectMark) -> bool:
    """Return whether a project holds articles of the batch; an empty one does if it has khabar's labeling config."""
    listing = connection.client.tasks.list(
        project=project_id, fields="task_only", include="id,data", page_size=SEEN
    ).items  # the first page
    if not listing:
        return PAGE_CLASS in (connection.client.projects.get(id=project_id).label_config or "")
    keys = [key_of(task.data) for task in listing if (task.data or {}).get("batch") == mark.batch]
    return any(key and key[0] in mark.articles for key in keys)


def created_at(connection: Connection, project_id: int) -> str:
    """Return the creation time of a project, which with its number tells it from those of every other server."""
    return str(connection.client.projects.get(id=project_id).created_at)


def server_name(connection: Connection, project_id: int) -> str:
    """Return what tells the server of a project from every other one: its organisation's number and creation time.

    The address and the port of a server change; these do not. A server that lists no organisation is named by its URL.
    """
    number = connection.client.projects.get(id=project_id).organization
    made = [str(one.created_at) for one in connection.client.organizations.list() if one.id == number]
    return f"organisation {number} of {made[0]}" if made else connection.url


def is_there(connection: Connection, project_id: int) -> bool:
    """Return whether a server has a project with this number."""
    try:
        connection.client.projects.get(id=project_id)
    except ApiError as error:
        if error.status_code == 404:
            return False
        raise
    return True


def _is_noted(connection: Connection, mark: ProjectMark) -> bool:
    if not is_there(connection, mark.project_id):
        return False
    if mark.created_at:
        return created_at(connection, mark.project_id) == mark.created_at
    return holds_batch(connection, mark.project_id, mark)
