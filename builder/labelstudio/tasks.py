"""Label Studio task JSON: tasks, predictions, and results as the annotation page would submit them.

Offsets of Label Studio's <Text> are code points, end exclusive, as in khabar. The module is pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from builder.annotation.questions import QUESTION, UNUSED, stance_keys, targets_for
from builder.labelstudio.payloads import LsTask
from builder.records import Answer, Article, BatchItem, Prediction, Span, Stance
from builder.schema.labels import Labels
from builder.schema.loading import Schema


def task_of(
    article: Article, item: BatchItem, schema: Schema, source: str, guide: str, slots: int = 0
) -> dict[str, Any]:
    """Return the Label Studio task of an article. `source` is the name shown above it; `guide` is the guidelines as HTML.

    It fills at least so many places for stance questions.
    """
    labels = schema.labels
    asked = targets_for(article, labels)
    rows = stance_keys(labels)
    targets: list[dict[str, Any]] = [
        {"id": target.id, "name": target.ar, "options": options_of(labels, keys)}
        for target, keys in zip(asked, rows, strict=False)
    ]
    return {
        "data": {
            "article_id": article.id,
            "text_sha": article.text_sha,
            "batch": item.batch,
            "title": article.title or "",
            "source_name": source,
            "text": article.text,
            "targets": targets + [unused_target()] * (max(slots, len(rows)) - len(targets)),
            "guide_html": guide,
            "guideline": schema.guideline_version,
            "schema": schema.label_hash,
        }
    }


def with_predictions(task: Mapping[str, Any], predictions: Iterable[Prediction]) -> dict[str, Any]:
    """Return the task with predictions in the format of an import, without empty predictions that nobody gave.

    The unused question slots are answered too, because an open required question prevents the annotator from
    submitting even if it is hidden. Raises ValueError as `result_of` does.
    """
    payload = [
        {
            "model_version": prediction.origin,
            "result": [
                part | {"origin": "prediction"}
                for part in result_of(prediction.spans, prediction.stances, task["data"], answers=prediction.answers)
            ],
        }
        for prediction in predictions
        if prediction.spans or prediction.stances or prediction.answers or prediction.judged
    ]
    return {**task, "predictions": payload} if payload else dict(task)


def key_of(data: object) -> tuple[str, str] | None:
    """Return the article id and text hash in a task's data, or None for a task that khabar did not create.

    The hash of an adjudication task ends in the number of its page.
    """
    if not isinstance(data, dict):
        return None
    article_id, text_sha = data.get("article_id"), data.get("text_sha")
    if not isinstance(article_id, str) or not isinstance(text_sha, str):
        return None
    return article_id, paged(text_sha, data.get("page", 0))


def paged(text_sha: str, page: object) -> str:
    """Return the hash of a text, with the number of its adjudication page if it has one."""
    return f"{text_sha} {page}" if page else text_sha


def unused_duplicates(tasks: Iterable[object]) -> list[int]:
    """Return the sorted ids of duplicate tasks to delete so that each text remains once; none has annotations or drafts."""
    copies: dict[tuple[str, str], list[tuple[bool, int]]] = {}
    for plain in tasks:
        try:
            task = LsTask.model_validate(plain)
        except ValidationError:
            continue
        idle = not task.annotations and not task.drafts
        text = paged(task.data.text_sha, task.data.page)
        copies.setdefault((task.data.article_id, text), []).append((idle, task.id))
    return sorted(number for group in copies.values() for idle, number in sorted(group)[1:] if idle)


def unused_target() -> dict[str, Any]:
    """Return what fills a question slot that a task does not use."""
    return {"id": "-", "name": "-", "options": [{"value": "-", "alias": UNUSED, "selected": True}]}


def unused_answer(slot: int) -> dict[str, Any]:
    """Return the answer of a question slot that a task does not use. Without it, the page would not submit."""
    return _result(f"stance-{slot}", f"stance_{slot}", "choices", {"choices": [UNUSED]})


def options_of(labels: Labels, keys: Sequence[str]) -> list[dict[str, str]]:
    """Return the answers of a question, with as many hotkeys as there are."""
    values = labels.stances.values if labels.stances else ()
    options = [{"value": value.ar, "alias": value.name} for value in values]
    for option, key in zip(options, keys, strict=False):
        option["hotkey"] = key
    return options


def result_of(
    spans: Sequence[Span],
    stances: Sequence[Stance],
    data: Mapping[str, Any],
    remark: str = "",
    answers: Iterable[Answer] = (),
) -> list[dict[str, Any]]:
    """Convert answers to the `result` list that Label Studio's page would submit for a task.

    Raises ValueError for a stance on a target that the task does not ask about.
    """
    text = data["text"]
    slots = {target["id"]: slot for slot, target in enumerate(data["targets"])}
    for stance in stances:
        if stance.target not in slots:
            raise ValueError(f"the task does not ask about {stance.target!r}")
    answered = {slots[stance.target]: stance.value for stance in stances}
    unused = [slot for slot, target in enumerate(data["targets"]) if target["id"] == "-"]
    regions = [
        _result(
            span.id or f"span-{number}",
            "ner",
            "labels",
            {"start": span.start, "end": span.end, "text": text[span.start : span.end], "labels": [span.label]},
        )
        for number, span in enumerate(spans)
    ]
    choices = [
        _result(f"stance-{slot}", f"stance_{slot}", "choices", {"choices": [value]})
        for slot, value in sorted((answered | dict.fromkeys(unused, UNUSED)).items())
    ]
    chosen: dict[str, list[str]] = {}
    for answer in answers:
        chosen.setdefault(answer.question, []).append(answer.value)
    choices += [
        _result(f"question-{name}", f"{QUESTION}{name}", "choices", {"choices": values})
        for name, values in sorted(chosen.items())
    ]
    note = [_result("remark", "remark", "textarea", {"text": [remark]})] if remark else []
    return regions + choices + note


def _result(name: str, control: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "from_name": control, "to_name": "text", "type": kind, "value": value, "origin": "manual"}
