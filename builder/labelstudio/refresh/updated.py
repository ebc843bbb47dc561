"""What a task of a running project and its answers become after its labels or guidelines changed. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from builder.annotation.migration.versions import Renames, version_of
from builder.annotation.questions import stance_keys, targets_for
from builder.labelstudio.adjudication import page_task
from builder.labelstudio.config import guide_html
from builder.labelstudio.refresh.renamed import Plain, as_judged, rename_results
from builder.labelstudio.tasks import key_of, options_of, unused_answer, unused_target
from builder.records import LAYERS, Article, AskedPage, Judgement, LabelVersion, LabelVersions
from builder.schema.loading import Schema


@dataclass(frozen=True, slots=True)
class Save:
    """The moment when an answer was saved: its article, its number on the server, and the time."""

    article_id: str
    number: int
    at: str


@dataclass(frozen=True, slots=True)
class Refresh:
    """What the tasks of running projects are brought up to; `guidelines` is whether they get the present guidelines.

    `pages` are what the tasks of an adjudication project ask, by the key of the task. `judged` are the judgements that
    were collected.
    """

    schema: Schema
    versions: LabelVersions
    articles: Mapping[str, Article]
    guidelines: bool = False
    pages: Mapping[tuple[str, str], AskedPage] = field(default_factory=dict)
    judged: Mapping[Save, Judgement] = field(default_factory=dict)

    @property
    def present(self) -> LabelVersion:
        """Return what pages offer now."""
        label_hash = self.schema.label_hash
        return self.versions.get(label_hash) or version_of(self.schema.labels, label_hash, 0)


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


def names_of(data: Mapping[str, Any]) -> str:
    """Return the version of the labels that a task's answers are in."""
    return str(data.get("names") or data.get("schema"))


def judged_before(data: Plain, one: Plain, refresh: Refresh) -> Judgement | None:
    """Return the judgement that was collected from an answer, if its page had the labels of a migration taken back."""
    key, version = key_of(data), refresh.versions.get(names_of(data))
    if key is None or version is None or version.number:
        return None
    held = (data.get("before") or {}).get(str(one["id"]))
    moment = held["at"] if held and one["updated_at"] <= held["until"] else one["updated_at"]
    return refresh.judged.get(Save(key[0], int(one["id"]), str(moment)))


def updated_data(data: Plain, is_answered: bool, renames: Renames, refresh: Refresh) -> Plain:
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


def updated_results(one: Plain, renames: Renames, data: Plain, judgement: Judgement | None = None) -> list[Plain]:
    """Return the results of an answer, draft or prediction as the updated page needs them."""
    made = rename_results(one["result"], renames, data["targets"])
    if one.get("was_cancelled") or data.get("page"):
        return made
    made = as_judged(made, judgement, data) if judgement else made
    answered = {part.get("from_name") for part in made}
    unused = [slot for slot, target in enumerate(data["targets"]) if target["id"] == "-"]
    return made + [unused_answer(slot) for slot in unused if f"stance_{slot}" not in answered]
