"""Annotations of a lost server or project, imported with the new tasks of a pool under their annotators' accounts.

Label Studio then offers nobody what she has judged. The imported annotation keeps the number of the earlier one in
`import_id`, so `collect` recognises it. The module is pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from builder.labelstudio.tasks import result_of
from builder.records import Issue, Judgement

Earlier = Mapping[tuple[str, str], Sequence[Judgement]]
"""The latest judgement of each annotator, by article id and text hash."""

Key = tuple[int, str, str]
"""Annotation id, article id and annotator of a judgement."""


def latest_judgements(judgements: Iterable[Judgement]) -> dict[tuple[str, str], list[Judgement]]:
    """Return the latest submitted judgement of each annotator, by article id and text hash."""
    latest: dict[tuple[str, str], dict[str, Judgement]] = {}
    for one in sorted(judgements, key=lambda one: (one.updated_at, one.annotation_id)):
        if one.status == "submitted":
            latest.setdefault((one.article_id, one.text_sha), {})[one.annotator] = one
    return {key: list(people.values()) for key, people in latest.items()}


def with_annotations(
    task: Mapping[str, Any], judgements: Iterable[Judgement], emails: Mapping[str, str]
) -> dict[str, Any]:
    """Return the task with the judgements of people who have an account on the server, in the format of an import."""
    payload = [
        {
            "id": one.annotation_id,
            "completed_by": {"email": emails[one.annotator]},
            "result": _result(one, task["data"]),
            "lead_time": one.seconds,
            "was_cancelled": False,
            "ground_truth": False,
        }
        for one in judgements
        if one.annotator in emails
    ]
    return {**task, "annotations": payload} if payload else dict(task)


def _result(judgement: Judgement, data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the results of a judgement; a stance on a target that the task no longer asks about is left out."""
    asked = {target["id"] for target in data["targets"]}
    stances = [stance for stance in judgement.stances if stance.target in asked]
    relations = [
        {"type": "relation", "from_id": one.from_id, "to_id": one.to_id, "direction": one.direction,
         "labels": list(one.labels)}
        for one in judgement.relations
    ]  # fmt: skip
    return result_of(judgement.spans, stances, data, judgement.remark, judgement.answers) + relations


def offered_again(created: int, wanted: Earlier, emails: Mapping[str, str]) -> list[Issue]:
    """Return a warning if a pool got new tasks of articles whose earlier annotators have no account on the server."""
    absent = [one.annotator for judgements in wanted.values() for one in judgements if one.annotator not in emails]
    if not created or not absent:
        return []
    message = (
        f"articles that people without an account on this server judged before: {len(absent)} "
        f"({', '.join(sorted(set(absent))[:5])}); with a new account they may be offered them again"
    )
    fix = "run `khabar studio invite` before the first `khabar send` to a new server; of each person the latest answer counts"
    return [Issue("warning", "judged-before", message, fix=fix)]


def by_key(judgements: Iterable[Judgement]) -> dict[Key, Judgement]:
    """Return judgements by annotation number, article and annotator; the latest if several have the same."""
    ordered = sorted(judgements, key=lambda one: one.updated_at)
    return {(one.annotation_id, one.article_id, one.annotator): one for one in ordered}


def continued(new: Judgement, import_id: object, *, untouched: bool, known: Mapping[Key, Judgement]) -> Judgement:
    """Return an annotation with what is known of the earlier one that it was imported from.

    It was made when the earlier one was. If nobody saved it since, it is the earlier one under another number.
    """
    if not isinstance(import_id, int):
        return new
    before = known.get((new.annotation_id, new.article_id, new.annotator))
    if before is None or before.origin != new.origin:
        before = known.get((import_id, new.article_id, new.annotator))
    if before is None or before.text_sha != new.text_sha:
        return new
    if untouched:
        return replace(before, task_id=new.task_id, annotation_id=new.annotation_id, origin=new.origin)
    return replace(new, created_at=before.created_at)
