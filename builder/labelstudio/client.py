"""Talk to any Label Studio: send a batch; what annotators answered is fetched by collecting.py.

Through the official SDK, but for the annotator's own submissions, which go the way of the web
page. A token or a password never stands in a message. Does not start servers: server.py does.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import label_studio_sdk  # it imports its parts when they are first used
from label_studio_sdk.core.api_error import ApiError

from builder.io.retry import retry
from builder.labelstudio.tasks import idle_doubles, key_of
from builder.records import KhabarError, Notify, user_error

T = TypeVar("T")


TIMEOUT = 600.0
"""Seconds for one answer: an export of 5,000 tasks takes about 20."""

PAGE = 1000

PATIENCE = 90.0
"""Seconds that a server may take to come back."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A Label Studio that knows us; `data` is the SQLite file of one that khabar started, where it has one."""

    url: str
    client: "label_studio_sdk.LabelStudio" = field(repr=False)
    data: Path | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """Where a batch is, how many tasks this call made, and how many were there before."""

    url: str
    project_id: str
    created: int
    present: int


def connect(url: str, api_key: str) -> Connection:
    """Log in with a personal access token or a legacy token.

    Raises Refused (exit code 3) when nothing answers, when it is not Label Studio, or when it refuses the token.
    """
    base = url.rstrip("/")
    with spoken(base):
        client = label_studio_sdk.LabelStudio(
            base_url=base, api_key=api_key, httpx_client=http_client(url), timeout=TIMEOUT, max_retries=0
        )
        client.users.whoami()
    return Connection(base, client)


def http_client(url: str) -> httpx.Client:
    """A client that waits long and takes no proxy to this machine; raises Refused for what is no address."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise user_error("url", f"{url!r} is not an address of a Label Studio", fix="such as http://127.0.0.1:8080")
    return httpx.Client(
        timeout=TIMEOUT,
        follow_redirects=True,
        trust_env=parts.hostname not in ("127.0.0.1", "localhost", "::1"),  # no proxy on the way to this machine
        limits=httpx.Limits(max_keepalive_connections=0),  # nothing stays open that a caller would have to close
    )


@contextlib.contextmanager
def spoken(url: str) -> Iterator[None]:
    """Turn every fault of a conversation with a server into a Refused that names what to do."""
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
        message = f"the connection to Label Studio at {url} broke: {type(error).__name__}"
        raise user_error("no-studio", message, fix="run the same command again: it goes on", exit_code=3) from None
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _not_studio(url) from None


def patiently(url: str, call: Callable[[], T], *, progress: Notify) -> T:
    """The answer to a call that may be made again: a server that is away is waited for, PATIENCE seconds in all.

    Raises Refused as `spoken` does.
    """

    def attempt() -> T:
        with spoken(url):
            return call()

    def waiting() -> None:
        progress(f"Label Studio at {url} does not answer: waiting")

    return retry(attempt, temporary=is_away, patience=PATIENCE, waiting=waiting)


def is_away(error: KhabarError) -> bool:
    """Return whether an error says that no server answers, which may pass."""
    return error.issues[0].code == "no-studio"


def _refused(url: str, status: int, body: object) -> KhabarError:
    if status == 401:
        return user_error(
            "token",
            f"Label Studio at {url} refused the token (401)",
            fix="make a token under Account & Settings in Label Studio, and set LABEL_STUDIO_API_KEY to it",
            exit_code=3,
        )
    if status in (502, 503, 504):  # what a proxy says while the server behind it restarts
        message = f"Label Studio at {url} is not to be had at the moment ({status})"
        return user_error("no-studio", message, fix="run the same command again: it goes on", exit_code=3)
    detail = body.get("detail") or body.get("validation_errors") if isinstance(body, dict) else None
    if detail is None and status in (200, 404):
        return _not_studio(url)
    message = f"Label Studio at {url} refused ({status}): {str(detail or 'no reason given')[:300]}"
    return user_error("studio", message, fix="see the log of Label Studio", exit_code=3)


def _not_studio(url: str) -> KhabarError:
    message = f"what answers at {url} is not Label Studio"
    return user_error("no-studio", message, fix="correct LABEL_STUDIO_URL", exit_code=3)


def send(
    connection: Connection,
    title: str,
    config: str,
    tasks: Sequence[dict[str, Any]],
    *,
    overlap: int,
    progress: Notify,
    dry_run: bool = False,
    batch_size: int = PAGE,
) -> Sent:
    """Bring a batch to the project with this title, and make the project where there is none.

    A task is known by its article and the hash of its text: sending twice creates nothing, and a send that
    was killed, or whose server was away for a while, goes on where it stopped. Raises Refused.
    """
    first: list[Sent] = []

    def attempt() -> Sent:
        project_id = project_called(connection, title)
        if project_id is None and not dry_run:
            project_id = _create(connection, title, config, overlap)
        elif project_id is not None and not dry_run:
            _update(connection, project_id, config, overlap)
        keys = _keys(connection, project_id) if project_id is not None else []
        there = set(keys)
        missing = [task for task in tasks if key_of(task["data"]) not in there]
        first.append(Sent(connection.url, str(project_id or ""), len(missing), len(tasks) - len(missing)))
        if dry_run or project_id is None:
            return first[0]
        for start in range(0, len(missing), batch_size):
            batch = missing[start : start + batch_size]
            # Never tried twice by the SDK: an import that timed out may still be going on.
            options = {"timeout_in_seconds": int(TIMEOUT), "max_retries": 0}
            connection.client.projects.import_tasks(project_id, request=batch, request_options=options)
            progress(f"sent {min(start + batch_size, len(missing))} of {len(missing)}")
        expected = len(keys) + len(missing)
        if len(keys) != len(there) or connection.client.projects.get(id=project_id).task_number != expected:
            _heal(connection, project_id)
        return first[0]

    return patiently(connection.url, attempt, progress=progress)


def project_called(connection: Connection, title: str) -> int | None:
    """The number of the project with this title; raises Refused (exit code 4) when there are several."""
    found = [p.id for p in connection.client.projects.list(title=title, page_size=100) if p.title == title]
    if len(found) > 1:
        raise user_error(
            "two-projects",
            f"Label Studio has {len(found)} projects called {title!r}: {', '.join(map(str, found))}",
            fix="rename or delete all but one in Label Studio",
            exit_code=4,
        )
    return int(found[0]) if found else None


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
            "title", f"a project's title has 3 to 50 characters: {title!r}", fix="choose another batch name"
        )
    settings = _settings(config, overlap)
    return int(connection.client.projects.create(title=title, show_collab_predictions=False, **settings).id)


def _update(connection: Connection, project_id: int, config: str, overlap: int) -> None:
    """Bring the page up to date where labels.yaml or the overlap changed."""
    project = connection.client.projects.get(id=project_id)
    if project.label_config != config or project.maximum_annotations != overlap:
        connection.client.projects.update(id=project_id, **_settings(config, overlap))


def show(connection: Connection, project_id: str, origin: str, *, instead: bool) -> str:
    """Put the predictions of one origin on the page, where the project has any; gives back whose are on it.

    A project shows those of one origin only; another's stay unless these are to be shown `instead`. Raises Refused.
    """
    with spoken(connection.url):
        projects = connection.client.projects
        project = projects.get(id=int(project_id))
        now = (project.model_version or "") if project.show_collab_predictions else ""
        if origin in ("", now) or (now and not instead):
            return now
        try:
            projects.update(id=int(project_id), show_collab_predictions=True, model_version=origin)
        except ApiError as error:
            if error.status_code == 400:  # no task of the project has a prediction of this origin
                return now
            raise
        return origin


def _keys(connection: Connection, project_id: int) -> list[tuple[str, str] | None]:
    """The key of every task in the project; None for a task that is not ours."""
    listing = connection.client.tasks.list(project=project_id, fields="task_only", include="id,data", page_size=PAGE)
    return [key_of(task.data) for task in listing]


def _heal(connection: Connection, project_id: int) -> None:
    """Make one again of a task that is there twice.

    The server goes on with an import whose sender was killed, so the next send may import the same.
    """
    listing = connection.client.tasks.list(
        project=project_id, fields="all", include="id,data,annotations_ids,draft_exists", page_size=PAGE
    )
    tasks = [
        {
            "id": task.id,
            "data": task.data,
            "annotations": list(task.annotations_ids or ""),
            "drafts": [1] * bool(task.draft_exists),
        }
        for task in listing
    ]
    for task_id in idle_doubles(tasks):
        connection.client.tasks.delete(id=str(task_id))
