"""Answers of tasks with other names of labels, and as they were saved before."""

from collections.abc import Sequence
from typing import Any

from builder.annotation.migration.rename import rename_choice
from builder.annotation.migration.versions import Renames
from builder.annotation.questions import QUESTION, UNUSED
from builder.labelstudio.earlier import results_of
from builder.records import Judgement

Plain = dict[str, Any]


def rename_results(results: Sequence[Plain], renames: Renames, targets: Sequence[Plain] = ()) -> list[Plain]:
    """Return the results of an answer with other labels and stances; of regions that a merge makes equal, the first.

    `targets` are the questions of the task; those of an adjudication task may be about a passage.

    >>> one = {"type": "labels", "value": {"start": 0, "end": 3, "labels": ["PER"]}}
    >>> rename_results([one], {"entities": {"PER": "PERS"}, "targets": {}, "values": {}})[0]["value"]["labels"]
    ['PERS']
    """
    made: list[Plain] = []
    seen: dict[tuple[Any, ...], Plain] = {}
    asked = {f"stance_{slot}": str(target["id"]) for slot, target in enumerate(targets)}
    for one in results:
        if str(one.get("from_name")).startswith(QUESTION):  # its values are those of the question, not stances
            made.append(one)
            continue
        value, kind = one.get("value") or {}, str(one.get("type"))
        held = [name for name in value.get(kind, ()) if isinstance(name, str)]
        new = [_renamed(name, kind, asked.get(str(one.get("from_name")), ""), renames) for name in held]
        if kind == "labels":
            first = seen.setdefault((value.get("start"), value.get("end"), *new), one)
            if first is not one and first["value"].get("labels") != held:
                continue
        made.append(one | {"value": value | {kind: new}} if new != held else one)
    return made


def _renamed(name: str, kind: str, what: str, renames: Renames) -> str:
    """Return a label, or the answer to the question `what`, with its other name."""
    if kind == "labels":
        return renames["entities"].get(name, name)
    return rename_choice(what, name, renames) if kind == "choices" and name != UNUSED else name


def as_judged(results: Sequence[Plain], judgement: Judgement, data: Plain) -> list[Plain]:
    """Return the results of an answer, or those of the judgement that was collected from it where they say another thing.

    They do where labels were merged on the server, and the migration was taken back.
    """
    own = results_of(judgement, data)
    return list(results) if _said(results) == _said(own) else own


def _said(results: Sequence[Plain]) -> list[tuple[str, ...]]:
    """Return what results say: labels with their places, and answers to questions."""
    return sorted(
        (str(one.get("from_name")), *(str(value.get(edge)) for edge in ("start", "end")), str(name))
        for one in results
        for value in [one.get("value") or {}]
        for name in value.get(str(one.get("type")), ())
        if one.get("type") in ("labels", "choices") and name != UNUSED
    )


def restored(task: Plain) -> Plain:
    """Return a downloaded task whose answers were saved by whom and when they were before khabar rewrote them."""
    before = task["data"].get("before") or {}
    marks = task["data"].get("rewriting") or {}
    if not before and not marks:
        return task
    annotations = []
    for one in task["annotations"]:
        own, mark = before.get(str(one["id"])), marks.get(f"api/annotations/{one['id']}/")
        saved = mark or (own if own and one["updated_at"] <= own["until"] else None)
        annotations.append(one | {"updated_by": saved["by"], "updated_at": saved["at"]} if saved else one)
    return task | {"annotations": annotations}
