"""Bring a running project up to date after its labels or guidelines changed: tasks, answers, drafts and predictions.

A task names the version of the labels that its answers are in (`names`), and for each answer that was given before an
update the version that its page had (`before`). An update that was killed resumes: `rewriting` names the answers as
they were, so that none is rewritten twice.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.annotation.migration.versions import Renames
from builder.annotation.questions import stance_keys, targets_for
from builder.io.hashing import sha16
from builder.labelstudio.adjudication import page_task
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import find_project
from builder.labelstudio.client import PAGE, retry_while_unavailable, translate_errors
from builder.labelstudio.config import guide_html, render_config, render_ruling_config
from builder.labelstudio.renamed import Plain, rename_results
from builder.labelstudio.tasks import key_of, options_of, unused_answer, unused_target
from builder.labelstudio.upload import AnnotatorProject
from builder.records import LAYERS, Article, AskedPage, LabelVersions, Notify, user_error
from builder.schema import Schema

RUNNING = "running"
"""Code of the error about running projects that would change."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """What the tasks of running projects are brought up to; `guidelines` is whether they get the present guidelines.

    `pages` are what the tasks of an adjudication project ask, by the key of the task.
    """

    schema: Schema
    versions: LabelVersions
    articles: Mapping[str, Article]
    guidelines: bool = False
    pages: Mapping[tuple[str, str], AskedPage] = field(default_factory=dict)


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


def renames_of(names: str, versions: LabelVersions) -> Renames:
    """Return the present name of each label that a task's answers may have; `names` is the version that they are in.

    A name that this version did not show is of a page that was open when the task was updated.
    """
    own = versions.get(names)
    found: dict[Any, dict[str, str]] = {}
    for layer in LAYERS:
        others = {old: new for one in versions.values() for old, new in one.renamed(layer).items()}
        shown = {one.shown for one in own.layer(layer)} if own else set()
        late = {old: new for old, new in others.items() if own and old not in shown | own.now(layer)}
        found[layer] = late | (own.renamed(layer) if own else {})
    return found


def stale_projects(desks: Iterable[AnnotatorProject], refresh: Refresh) -> list[StaleProject]:
    """Return the running projects that have tasks that are behind. Raises KhabarError if a server fails."""
    if len(refresh.versions) < 2 and not refresh.guidelines:
        return []
    found: list[StaleProject] = []
    for desk in desks:
        with translate_errors(desk.connection.url):
            number = find_project(desk.connection, desk.wanted)
            if number is not None:
                found.append(find_stale(desk.connection, number, refresh))
    return [one for one in found if one.tasks]


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
    now, then = refresh.versions.get(refresh.schema.label_hash), refresh.versions.get(_names(data))
    if now is None or then is None or now == then:
        return False
    return any(then.renamed(layer) or then.now(layer) != now.now(layer) for layer in LAYERS)


def _names(data: Mapping[str, Any]) -> str:
    """Return the version of the labels that a task's answers are in."""
    return str(data.get("names") or data.get("schema"))


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
    url, config = stale.connection.url, _both_configs(stale, refresh)
    retry_while_unavailable(
        url,
        lambda: stale.connection.client.projects.update(id=stale.behind.project, label_config=config),
        progress=progress,
    )
    for number, task in enumerate(stale.tasks, 1):
        retry_while_unavailable(url, lambda task=task: _update_task(stale.connection, int(task["id"]), refresh), progress=progress)  # type: ignore[misc]  # fmt: skip
        if number % 100 == 0 or number == len(stale.tasks):
            progress(f"updated {number} of {len(stale.tasks)} tasks")


def _both_configs(stale: StaleProject, refresh: Refresh) -> str:
    """Return the labeling config with the present labels and those that tasks still have."""
    labels = refresh.schema.labels
    old: dict[str, str] = {}
    for names in {_names(task["data"]) for task in stale.tasks}:
        old |= renames_of(names, refresh.versions)["entities"]
    present = {one.name: one for one in labels.entities}
    kept = [
        present[new].model_copy(update={"name": name, "ar": f"{present[new].ar} ({name})", "key": ""})
        for name, new in sorted(old.items())
        if new in present and name not in present
    ]
    render = render_ruling_config if refresh.pages else render_config
    return render(labels.model_copy(update={"entities": (*labels.entities, *kept)}))


def _update_task(connection: Connection, number: int, refresh: Refresh) -> None:
    """Bring one task up to date: its answers, drafts and predictions, then its data."""
    client = connection.client
    data = dict(client.tasks.get(id=str(number)).data or {})
    renames = renames_of(_names(data), refresh.versions)
    answers = _get(connection, f"api/tasks/{number}/annotations/")
    drafts = _get(connection, f"api/tasks/{number}/drafts")
    predictions = _get(connection, f"api/predictions/?task={number}")
    places = (("annotations", answers), ("drafts", drafts), ("predictions", predictions))
    made = _data(data, bool(answers or drafts), renames, refresh)
    waiting = [(f"api/{place}/{one['id']}/", one) for place, held in places for one in held]
    waiting = [(path, one) for path, one in waiting if _results(one, renames, made) != one["result"]]
    marks = data.get("rewriting") or {path: {"sha": _sha(one), **_saved(one)} for path, one in waiting}
    if waiting and not data.get("rewriting"):
        client.tasks.update(id=str(number), data=data | {"rewriting": marks})
    for path, one in waiting:
        if marks.get(path, {}).get("sha") in (None, _sha(one)):
            _request(connection, path, "PATCH", {"result": _results(one, renames, made)})
    answers = _get(connection, f"api/tasks/{number}/annotations/") if waiting else answers
    before = _before(data, answers, marks)
    made |= {"before": before} if before else {}
    made.pop("rewriting", None)
    if made != data:
        client.tasks.update(id=str(number), data=made)


def _before(data: Plain, answers: Iterable[Plain], marks: Mapping[str, Plain]) -> Plain:
    """Return for each answer what its page had: the versions, and who had saved it when before it was rewritten."""
    earlier: dict[str, Plain] = data.get("before") or {}
    found: Plain = {}
    for one in answers:
        path, key = f"api/annotations/{one['id']}/", str(one["id"])
        held = earlier.get(key, {})
        untouched = bool(held) and (path in marks or one["updated_at"] <= held["until"])
        saved = {name: marks[path][name] for name in ("by", "at")} if path in marks else _saved(one)
        own: Plain = held if untouched else {"schema": data["schema"], "guideline": data["guideline"], **saved}
        found[key] = own | {"until": one["updated_at"]}
    return found


def _data(data: Plain, is_answered: bool, renames: Renames, refresh: Refresh) -> Plain:
    """Return a task's data with the present labels, targets and, if asked for, guidelines."""
    schema, key = refresh.schema, key_of(data)
    made = data | {"schema": schema.label_hash, "names": schema.label_hash}
    if refresh.guidelines:
        version = schema.guideline_version
        made |= {"guideline": version, "guide_html": guide_html(schema.guidelines, version)}
    page, article = (refresh.pages.get(key), refresh.articles.get(key[0])) if key else (None, None)
    if page:
        made = page_task({"data": made}, page, schema.labels)["data"]
    elif article and not data.get("page"):
        made["targets"] = _targets(data["targets"], article, is_answered, renames["targets"], schema)
    return made


def _targets(
    old: Sequence[Plain], article: Article, is_answered: bool, renames: Mapping[str, str], schema: Schema
) -> list[Plain]:
    """Return the questions of a task. Those that may be answered keep their places; new ones get free places."""
    labels, rows = schema.labels, stance_keys(schema.labels)
    asked = {target.id: target for target in targets_for(article, labels)}
    ids = [renames.get(one["id"], one["id"]) for one in old] if is_answered else []
    free = [name for name in asked if name not in ids]
    ids = [free.pop(0) if name == "-" and free else name for name in ids] + free
    kept = {renames.get(one["id"], one["id"]): one for one in old}
    names = {target.id: target.ar for target in labels.stances.targets} if labels.stances else {}
    places = [*ids, *["-"] * (len(rows) - len(ids))][: max(len(rows), len(old))]
    return [
        unused_target() if name == "-"
        else {"id": name, "name": names.get(name, kept.get(name, {}).get("name", name)), "options": options_of(labels, rows[place] if place < len(rows) else ())}
        for place, name in enumerate(places)
    ]  # fmt: skip


def _results(one: Plain, renames: Renames, data: Plain) -> list[Plain]:
    """Return the results of an answer, draft or prediction as the updated page needs them."""
    made = rename_results(one["result"], renames, data["targets"])
    if one.get("was_cancelled") or data.get("page"):
        return made
    answered = {part.get("from_name") for part in made}
    unused = [slot for slot, target in enumerate(data["targets"]) if target["id"] == "-"]
    return made + [unused_answer(slot) for slot in unused if f"stance_{slot}" not in answered]


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
