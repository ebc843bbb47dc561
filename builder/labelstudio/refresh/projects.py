"""Bring a running project up to date after its labels or guidelines changed: tasks, answers, drafts and predictions.

A task names the version of the labels that its answers are in (`names`), and for each answer that was given before an
update the version that its page had (`before`). An update that was killed resumes: `rewriting` names the answers as
they were, so that none is rewritten twice.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builder.io.hashing import sha16
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import SEEN, find_project
from builder.labelstudio.client import PAGE, retry_while_unavailable, translate_errors
from builder.labelstudio.config import render_config, render_ruling_config, slots_in
from builder.labelstudio.refresh.renamed import Plain
from builder.labelstudio.refresh.updated import (
    Refresh,
    judged_before,
    names_of,
    renames_of,
    updated_data,
    updated_results,
)
from builder.labelstudio.tasks import key_of
from builder.labelstudio.upload import AnnotatorProject
from builder.records import LAYERS, Notify, user_error

RUNNING = "running"
"""Code of the error about running projects that would change."""


@dataclass(frozen=True, slots=True)
class Behind:
    """How many tasks of a running project are behind, and the number of what people have done in them."""

    url: str
    project: int
    tasks: int
    answers: int
    drafts: int

    def __str__(self) -> str:
        return (
            f"project {self.project} at {self.url}: {self.tasks:,} tasks, with {self.answers:,} answers"
            f" and drafts in {self.drafts:,} tasks"
        )


@dataclass(frozen=True, slots=True)
class StaleProject:
    """A running project, and its tasks that are behind."""

    connection: Connection
    tasks: tuple[Plain, ...]
    behind: Behind


def stale_projects(desks: Iterable[AnnotatorProject], refresh: Refresh) -> list[StaleProject]:
    """Return the running projects that have tasks that are behind.

    Raises KhabarError if a server fails, and (exit code 1) if a colleague's migration reached a project before this one.
    """
    may_differ = refresh.guidelines or not refresh.versions.keys() <= {refresh.schema.label_hash}
    found: list[StaleProject] = []
    for desk in desks:
        with translate_errors(desk.connection.url):
            number = find_project(desk.connection, desk.wanted)
            if number is None:
                continue
            _refuse_unknown(desk.connection, number, refresh)
            if may_differ:
                found.append(find_stale(desk.connection, number, refresh))
    return [one for one in found if one.tasks]


def _refuse_unknown(connection: Connection, project: int, refresh: Refresh) -> None:
    """Raise KhabarError (exit code 1) if the first tasks were brought up to labels that this project does not know."""
    shown = connection.client.tasks.list(project=project, fields="task_only", include="id,data", page_size=SEEN).items
    names = {str(task.data["names"]) for task in shown or () if task.data and task.data.get("names")}
    if unknown := names - {*refresh.versions, refresh.schema.label_hash}:
        message = f"project {project} at {connection.url} has labels that this project does not know: those of labels.yaml {min(unknown)}"
        fix = "pull the commit in which a colleague ran `khabar schema migrate`"
        raise user_error("other-labels", message, fix=fix, exit_code=1)


def find_stale(connection: Connection, project: int, refresh: Refresh) -> StaleProject:
    """Return which tasks of a project are behind."""
    include = "id,data,total_annotations,cancelled_annotations,draft_exists"
    listing = connection.client.tasks.list(project=project, fields="all", include=include, page_size=PAGE)
    stale = [one for one in listing if key_of(one.data) and _is_stale(one.data, refresh)]
    return StaleProject(
        connection,
        tuple({"id": int(one.id), "data": dict(one.data)} for one in stale),
        Behind(
            connection.url,
            project,
            len(stale),
            sum((one.total_annotations or 0) + (one.cancelled_annotations or 0) for one in stale),
            sum(bool(one.draft_exists) for one in stale),
        ),
    )


def _is_stale(data: Mapping[str, Any], refresh: Refresh) -> bool:
    if data.get("rewriting") or (refresh.guidelines and data.get("guideline") != refresh.schema.guideline_version):
        return True
    now, then = refresh.present, refresh.versions.get(names_of(data))
    if then is None or now == then:
        return False
    return any(then.renamed(layer) or then.now(layer) != now.now(layer) for layer in LAYERS)


def refuse_stale(stale: Sequence[StaleProject], verb: str, *, yes: bool) -> None:
    """Raise KhabarError (exit code 1) if running projects would change and nobody agreed to it."""
    if stale and not yes:
        message = f"{verb} would change what people work on: {'; '.join(str(one.behind) for one in stale)}"
        fix = "let people finish what they have open, then run it again with --yes; nothing was changed"
        raise user_error(RUNNING, message, fix=fix, exit_code=1)


def update_project(stale: StaleProject, refresh: Refresh, *, progress: Notify) -> None:
    """Bring the tasks of a project up to date. While it runs, the page offers the old labels too.

    Raises KhabarError (exit code 3) if the server fails; the next call resumes.
    """
    url, project = stale.connection.url, stale.behind.project
    with translate_errors(url):
        shown = stale.connection.client.projects.get(id=project).label_config or ""
    config = _both_configs(stale, refresh, slots_in(shown))
    retry_while_unavailable(
        url,
        lambda: stale.connection.client.projects.update(id=project, label_config=config),
        progress=progress,
    )
    for number, task in enumerate(stale.tasks, 1):
        retry_while_unavailable(url, lambda task=task: _update_task(stale.connection, int(task["id"]), refresh), progress=progress)  # type: ignore[misc]  # fmt: skip
        if number % 100 == 0 or number == len(stale.tasks):
            progress(f"updated {number} of {len(stale.tasks)} tasks")


def _both_configs(stale: StaleProject, refresh: Refresh, slots: int) -> str:
    """Return the labeling config with the present labels and those that tasks still have, and at least so many questions."""
    labels = refresh.schema.labels
    old: dict[str, str] = {}
    for names in {names_of(task["data"]) for task in stale.tasks}:
        old |= renames_of(names, refresh.versions)["entities"]
    present = {one.name: one for one in labels.entities}
    kept = [
        present[new].model_copy(update={"name": name, "ar": f"{present[new].ar} ({name})", "key": ""})
        for name, new in sorted(old.items())
        if new in present and name not in present
    ]
    both = labels.model_copy(update={"entities": (*labels.entities, *kept)})
    return render_ruling_config(both) if refresh.pages else render_config(both, slots)


def _update_task(connection: Connection, number: int, refresh: Refresh) -> None:
    """Bring one task up to date: its answers, drafts and predictions, then its data."""
    client = connection.client
    data = dict(client.tasks.get(id=str(number)).data or {})
    renames = renames_of(names_of(data), refresh.versions)
    answers = _get(connection, f"api/tasks/{number}/annotations/")
    drafts = _get(connection, f"api/tasks/{number}/drafts")
    predictions = _get(connection, f"api/predictions/?task={number}")
    made = updated_data(data, bool(answers or drafts), renames, refresh)
    results = [
        _Results("annotations", one, updated_results(one, renames, made, judged_before(data, one, refresh)))
        for one in answers
    ]
    others = (("drafts", drafts), ("predictions", predictions))
    results += [_Results(place, one, updated_results(one, renames, made)) for place, held in others for one in held]
    waiting = [one for one in results if one.made != one.held["result"]]
    marks = data.get("rewriting") or {one.path: {"sha": _sha(one.held), **_saved(one.held)} for one in waiting}
    if waiting and not data.get("rewriting"):
        client.tasks.update(id=str(number), data=data | {"rewriting": marks})
    for one in waiting:
        if marks.get(one.path, {}).get("sha") in (None, _sha(one.held)):
            _request(connection, one.path, "PATCH", {"result": one.made})
    answers = _get(connection, f"api/tasks/{number}/annotations/") if waiting else answers
    before = _before(data, answers, marks)
    made |= {"before": before} if before else {}
    made.pop("rewriting", None)
    if made != data:
        client.tasks.update(id=str(number), data=made)


@dataclass(frozen=True, slots=True)
class _Results:
    """An answer, draft or prediction as the server holds it, and its results as the updated page needs them."""

    place: str
    held: Plain
    made: list[Plain]

    @property
    def path(self) -> str:
        """Return its address on the server."""
        return f"api/{self.place}/{self.held['id']}/"


def _before(data: Plain, answers: Iterable[Plain], marks: Mapping[str, Plain]) -> Plain:
    """Return for each answer what its page had: the versions, and who had saved it when before it was rewritten."""
    earlier: dict[str, Plain] = data.get("before") or {}
    found: Plain = {}
    for one in answers:
        path, key = f"api/annotations/{one['id']}/", str(one["id"])
        held = earlier.get(key, {})
        saved = {name: marks[path][name] for name in ("by", "at")} if path in marks else _saved(one)
        untouched = bool(held) and saved["at"] <= held["until"]
        own: Plain = held if untouched else {"schema": data["schema"], "guideline": data["guideline"], **saved}
        found[key] = own | {"until": one["updated_at"]}
    return found


def _sha(one: Plain) -> str:
    return sha16(json.dumps(one["result"], sort_keys=True))


def _saved(one: Plain) -> Plain:
    """Return who saved an answer last, by number, and when."""
    person = one.get("updated_by")
    return {"by": person.get("id") if isinstance(person, dict) else person, "at": one.get("updated_at")}


def _get(connection: Connection, path: str) -> list[Plain]:
    found = _request(connection, path, "GET")
    return list(found["results"] if isinstance(found, dict) else found)


def _request(connection: Connection, path: str, method: str, body: Plain | None = None) -> Any:
    """Send a request for what the SDK has no method; raises httpx.HTTPStatusError if it is refused."""
    answer = connection.client._client_wrapper.httpx_client.request(path, method=method, json=body)  # noqa: SLF001
    answer.raise_for_status()
    return answer.json()
