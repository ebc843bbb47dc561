"""API client of any Label Studio server: log in, create and update projects, import tasks.

It uses the official SDK. No message contains a token or a password.
"""

import contextlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import label_studio_sdk  # it imports its parts when they are first used
from label_studio_sdk.core.api_error import ApiError

from builder.io.retry import retry
from builder.labelstudio.api.columns import choose_columns
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark, created_at, find_project, mark_of
from builder.labelstudio.tasks import key_of, unused_duplicates
from builder.records import KhabarError, Notify, user_error

T = TypeVar("T")


TIMEOUT = 600.0
"""Timeout of one request in seconds; an export of 5,000 tasks takes about 20."""

PAGE = 1000
"""Tasks of one import request, and of one page of a listing."""

RETRY_SECONDS = 90.0
"""Seconds to retry while a server is unavailable."""


@dataclass(frozen=True, slots=True)
class Sent:
    """Result of sending tasks: the server and project, how many tasks were created, and how many existed before.

    `created_at` is the project's creation time on the server, and `judged` the number of tasks that were left out.
    """

    url: str
    project_id: str
    created: int
    present: int
    created_at: str = ""
    judged: int = 0


def connect(url: str, api_key: str) -> Connection:
    """Log in with a personal access token or a legacy token.

    Raises KhabarError (exit code 3) if nothing responds, if the server is not Label Studio, or if it refuses the token.
    """
    base = url.rstrip("/")
    with translate_errors(base):
        client = label_studio_sdk.LabelStudio(
            base_url=base, api_key=api_key, httpx_client=http_client(url), timeout=TIMEOUT, max_retries=0
        )
        client.users.whoami()
    return Connection(base, client)


def http_client(url: str) -> httpx.Client:
    """Return an HTTP client with a long timeout and no proxy for this machine; raises KhabarError for an invalid URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise user_error("url", f"{url!r} is not a Label Studio URL", fix="use a URL such as http://127.0.0.1:8080")
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=True,
        trust_env=parts.hostname
        not in ("127.0.0.1", "localhost", "::1"),  # a proxy cannot reach this machine's loopback
        limits=httpx.Limits(
            max_keepalive_connections=0
        ),  # no connection stays open, so callers need not close the client
    )


@contextlib.contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Translate SDK and HTTP errors of the block into KhabarError (exit code 3) with a message and a fix."""
    try:
        yield
    except ApiError as error:
        raise _refused(url, error.status_code or 0, error.body) from None
    except httpx.HTTPStatusError as error:
        raise _refused(url, error.response.status_code, error.response.text) from None
    except httpx.ConnectError:
        raise user_error(
            "no-studio",
            f"no Label Studio answers at {url}",
            fix="run `khabar studio up`, or correct LABEL_STUDIO_URL",
            exit_code=3,
        ) from None
    except httpx.TransportError as error:
        message = f"the connection to Label Studio at {url} failed: {type(error).__name__}"
        raise user_error("no-studio", message, fix="run the same command again to resume", exit_code=3) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _not_studio(url) from None


def retry_while_unavailable(url: str, call: Callable[[], T], *, progress: Notify) -> T:
    """Return the result of a repeatable call, retrying it for PATIENCE seconds while the server is unavailable.

    Raises KhabarError as `spoken` does.
    """

    def attempt() -> T:
        with translate_errors(url):
            return call()

    def waiting() -> None:
        progress(f"Label Studio at {url} does not answer: waiting")

    return retry(attempt, temporary=is_away, patience=RETRY_SECONDS, waiting=waiting)


def is_away(error: KhabarError) -> bool:
    """Return whether an error says that no server answers, which may pass."""
    return error.issues[0].code == "no-studio"


def _refused(url: str, status: int, body: object) -> KhabarError:
    if status == 401:
        return user_error(
            "token",
            f"Label Studio at {url} refused the token (401)",
            fix="create a token under Account & Settings in Label Studio, and set LABEL_STUDIO_API_KEY to it",
            exit_code=3,
        )
    if status in (502, 503, 504):  # sent by a proxy while the server behind it restarts
        message = f"Label Studio at {url} is temporarily unavailable ({status})"
        return user_error("no-studio", message, fix="run the same command again to resume", exit_code=3)
    detail = body.get("detail") or body.get("validation_errors") if isinstance(body, dict) else None
    if detail is None and status in (200, 404):
        return _not_studio(url)
    message = f"Label Studio at {url} rejected the request ({status}): {str(detail or 'no reason given')[:300]}"
    return user_error("studio", message, fix="check the log of Label Studio", exit_code=3)


def _not_studio(url: str) -> KhabarError:
    message = f"the server at {url} is not Label Studio"
    return user_error("no-studio", message, fix="correct LABEL_STUDIO_URL", exit_code=3)


def send(  # noqa: PLR0913 - an import has these parts
    connection: Connection,
    wanted: ProjectMark | str,
    config: str,
    tasks: Sequence[dict[str, Any]],
    *,
    overlap: int,
    progress: Notify,
    dry_run: bool = False,
    judged: Collection[tuple[str, str]] = (),
    batch_size: int = PAGE,
) -> Sent:
    """Import the tasks of a batch into its project, given by a mark or its title alone; create one if there is none.

    Tasks are identified by article id and text hash, so sending twice creates nothing. A send that was killed, or
    whose server was unavailable for a while, resumes where it stopped. Tasks that were `judged` are not created. A dry
    run only counts.
    Raises KhabarError with exit code 3 if the server fails, and 4 if the project cannot be told from others.
    """
    mark = mark_of(wanted)
    first: list[Sent] = []

    def attempt() -> Sent:
        project_id = find_project(connection, mark)
        if project_id is None and not dry_run:
            project_id = _create(connection, mark.title, config, overlap)
        elif project_id is not None and not dry_run:
            _update(connection, project_id, config, overlap)
        keys = _keys(connection, project_id) if project_id is not None else []
        present = set(keys)
        absent = [task for task in tasks if key_of(task["data"]) not in present]
        missing = [task for task in absent if key_of(task["data"]) not in judged]
        made = created_at(connection, project_id) if project_id is not None else ""
        done = len(absent) - len(missing)
        first.append(Sent(connection.url, str(project_id or ""), len(missing), len(tasks) - len(absent), made, done))
        if dry_run or project_id is None:
            return first[0]
        for start in range(0, len(missing), batch_size):
            batch = missing[start : start + batch_size]
            # The SDK must not retry: an import that timed out may still be running on the server.
            options = {"timeout_in_seconds": int(TIMEOUT), "max_retries": 0}
            connection.client.projects.import_tasks(project_id, request=batch, request_options=options)
            progress(f"sent {min(start + batch_size, len(missing))} of {len(missing)}")
        expected = len(keys) + len(missing)
        if len(keys) != len(present) or connection.client.projects.get(id=project_id).task_number != expected:
            _delete_duplicates(connection, project_id)
        return first[0]

    return retry_while_unavailable(connection.url, attempt, progress=progress)


def _settings(config: str, overlap: int) -> dict[str, Any]:
    return {
        "label_config": config,
        "maximum_annotations": overlap,
        "show_skip_button": True,
        "enable_empty_annotation": True,
        "show_overlap_first": False,
    }


def _create(connection: Connection, title: str, config: str, overlap: int) -> int:
    if not 3 <= len(title) <= 50:
        raise user_error(
            "title", f"a project title must have 3 to 50 characters: {title!r}", fix="choose another batch name"
        )
    settings = _settings(config, overlap)
    made = int(connection.client.projects.create(title=title, show_collab_predictions=False, **settings).id)
    choose_columns(connection, made)
    return made


def _update(connection: Connection, project_id: int, config: str, overlap: int) -> None:
    """Update the project's labeling config and overlap if they differ."""
    project = connection.client.projects.get(id=project_id)
    if project.label_config != config or project.maximum_annotations != overlap:
        connection.client.projects.update(id=project_id, **_settings(config, overlap))


def show_predictions(connection: Connection, project_id: str, origin: str, *, instead: bool) -> str:
    """Show the predictions of one origin on the page; return the origin that is shown afterwards, or an empty string.

    A project shows predictions of one origin only. If it shows others, they are replaced only with `instead`. Nothing
    changes if no task has predictions of `origin`. Raises KhabarError if the server fails.
    """
    with translate_errors(connection.url):
        projects = connection.client.projects
        project = projects.get(id=int(project_id))
        shown = (project.model_version or "") if project.show_collab_predictions else ""
        if origin in ("", shown) or (shown and not instead):
            return shown
        try:
            projects.update(id=int(project_id), show_collab_predictions=True, model_version=origin)
        except ApiError as error:
            if error.status_code == 400:  # no task of the project has a prediction of this origin
                return shown
            raise
        return origin


def _keys(connection: Connection, project_id: int) -> list[tuple[str, str] | None]:
    """Return the key of every task in the project; None for a task that khabar did not create."""
    listing = connection.client.tasks.list(project=project_id, fields="task_only", include="id,data", page_size=PAGE)
    return [key_of(task.data) for task in listing]


def _delete_duplicates(connection: Connection, project_id: int) -> None:
    """Delete duplicate tasks on which nobody has worked.

    The server completes an import whose sender was killed, so the next send may import the same tasks again.
    """
    listing = connection.client.tasks.list(
        project=project_id, fields="all", include="id,data,annotations_ids,draft_exists,updated_by", page_size=PAGE
    )
    tasks = [
        {
            "id": task.id,
            "data": task.data,
            "annotations": list(task.annotations_ids or "") if task.updated_by else [],  # imported ones name nobody
            "drafts": [1] * bool(task.draft_exists),
        }
        for task in listing
    ]
    for task_id in unused_duplicates(tasks):
        connection.client.tasks.delete(id=str(task_id))
