"""Records <-> Label Studio's JSON: the only file that knows its shapes.

Offsets of Label Studio's <Text> are code points, end exclusive, as ours are; the `text` that
comes with a span is not trusted. Pure: what talks to a server is studio.py. Does not judge
the answers: check.py does.
"""

import hashlib
import hmac
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.annotation.interface import UNUSED, slots_of, stance_keys
from builder.records import Article, BatchItem, Issue, Judgement, Span, Stance
from builder.schema import Labels, Schema, StanceTarget
from builder.text.profiles import profile

MAX_RESULTS = 20_000
"""Results in one annotation; more is hostile or broken."""
Pseudonym = Callable[[int | str], str]


class _Shape(BaseModel):
    """What the server sends: fields that we do not use are let pass, types are not bent."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Offset = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Id = Annotated[int, Field(ge=0, lt=2**63)]
Word = Annotated[str, Field(max_length=200)]
Remark = Annotated[str, Field(max_length=10_000)]


class LsTarget(_Shape):
    """One stance question of a task."""

    id: Word


class LsData(_Shape):
    """The part of a task's data that leads back to our article."""

    article_id: Word
    text_sha: Word
    batch: Word
    guideline: Word
    schema_version: Annotated[Word, Field(alias="schema")]
    targets: list[LsTarget]


class LsTask(_Shape):
    """A task with every annotation on it; each annotation is read by itself later."""

    id: Id
    data: LsData
    annotations: list[Any] = []
    drafts: list[Any] = []


class LsUser(_Shape):
    """An annotator, where the server gives more than a number."""

    id: Id
    email: Word = ""


class LsAnnotation(_Shape):
    """One submission by one annotator."""

    id: Id
    completed_by: Id | LsUser
    result: Annotated[list[Any], Field(max_length=MAX_RESULTS)]
    was_cancelled: bool = False
    lead_time: float | None = None
    created_at: Word
    updated_at: Word


class LsSpanValue(_Shape):
    """Where a mention stands."""

    start: Offset
    end: Offset
    labels: Annotated[list[Word], Field(min_length=1)]


class LsSpan(_Shape):
    """A mention as drawn; several labels mean several spans."""

    type: Literal["labels"]
    from_name: Literal["ner"]
    id: Word
    value: LsSpanValue


class LsChoiceValue(_Shape):
    """The answers that were picked."""

    choices: list[Word]


class LsChoice(_Shape):
    """The answer to one stance question."""

    type: Literal["choices"]
    from_name: Annotated[str, Field(pattern=r"^stance_[0-9]$")]
    value: LsChoiceValue


class LsRemarkValue(_Shape):
    """What the annotator wrote."""

    text: list[Remark] | Remark


class LsRemark(_Shape):
    """The remark field."""

    type: Literal["textarea"]
    from_name: Literal["remark"]
    value: LsRemarkValue


_SHAPES: dict[object, type[_Shape]] = {"labels": LsSpan, "choices": LsChoice, "textarea": LsRemark}


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found in tasks: judgements, how many drafts wait, and what could not be read."""

    judgements: tuple[Judgement, ...] = ()
    drafts: int = 0
    issues: tuple[Issue, ...] = ()


def pseudonym(key: bytes, annotator: int | str) -> str:
    """A name for an annotator that only the holder of the key can lead back: `a-` and 10 hex digits.

    The first 40 bits of HMAC-SHA256 (RFC 2104) over the e-mail in lower case, or the number.

    >>> pseudonym(b"key", "Layla@example.org") == pseudonym(b"key", "layla@example.org")
    True
    """
    name = str(annotator).strip().casefold()
    return "a-" + hmac.new(key, name.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:10]


def targets_for(article: Article, labels: Labels) -> tuple[StanceTarget, ...]:
    """The targets that an article is asked about: one of their keywords is in its folded title or text.

    In the order of labels.yaml, at most as many as the page has room for.
    """
    if labels.stances is None:
        return ()
    fold = profile("standard@1").fold
    body = fold(f"{article.title or ''}\n{article.text}")
    asked = [target for target in labels.stances.targets if any(fold(word) in body for word in target.keywords)]
    return tuple(asked[: slots_of(labels)])


def task_of(article: Article, item: BatchItem, schema: Schema, source: str, guide: str) -> dict[str, Any]:
    """An article as a Label Studio task: `guide` is the guidelines as HTML."""
    labels = schema.labels
    asked = targets_for(article, labels)
    rows = stance_keys(labels)
    unused = {"id": "-", "name": "-", "options": [{"value": "-", "alias": UNUSED, "selected": True}]}
    targets: list[dict[str, Any]] = [
        {"id": target.id, "name": target.ar, "options": _options(labels, keys)}
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
            "targets": targets + [unused] * (len(rows) - len(targets)),
            "guide_html": guide,
            "guideline": schema.guideline_version,
            "schema": schema.label_hash,
        }
    }


def key_of(data: object) -> tuple[str, str] | None:
    """The article and the hash of its text in a task's data, or None for a task that is not ours."""
    if not isinstance(data, dict):
        return None
    article_id, text_sha = data.get("article_id"), data.get("text_sha")
    return (article_id, text_sha) if isinstance(article_id, str) and isinstance(text_sha, str) else None


def idle_doubles(tasks: Iterable[object]) -> list[int]:
    """Ids of the tasks to delete so that each article's text is there once; none that anybody worked on."""
    copies: dict[tuple[str, str], list[tuple[bool, int]]] = {}
    for plain in tasks:
        try:
            task = LsTask.model_validate(plain)
        except ValidationError:
            continue
        idle = not task.annotations and not task.drafts
        copies.setdefault((task.data.article_id, task.data.text_sha), []).append((idle, task.id))
    return sorted(number for same in copies.values() for idle, number in sorted(same)[1:] if idle)


def _options(labels: Labels, keys: Sequence[str]) -> list[dict[str, str]]:
    values = labels.stances.values if labels.stances else ()
    options = [{"value": value.ar, "alias": value.name} for value in values]
    for option, key in zip(options, keys, strict=False):
        option["hotkey"] = key
    return options


def result_of(
    spans: Sequence[Span], stances: Sequence[Stance], data: Mapping[str, Any], remark: str = ""
) -> list[dict[str, Any]]:
    """Answers as the `result` that Label Studio's page would submit for a task's data.

    Raises ValueError for a stance on a target that the task does not ask about.
    """
    text = data["text"]
    slots = {target["id"]: slot for slot, target in enumerate(data["targets"])}
    for stance in stances:
        if stance.target not in slots:
            raise ValueError(f"the task does not ask about {stance.target!r}")
    given = {slots[stance.target]: stance.value for stance in stances}
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
        for slot, value in sorted((given | dict.fromkeys(unused, UNUSED)).items())
    ]
    note = [_result("remark", "remark", "textarea", {"text": [remark]})] if remark else []
    return regions + choices + note


def _result(name: str, control: str, kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"id": name, "from_name": control, "to_name": "text", "type": kind, "value": value, "origin": "manual"}


def collected(tasks: Iterable[object], name: Pseudonym) -> Collected:
    """All judgements in what the server sent, sorted by article, annotator and annotation."""
    parts: list[Collected] = []
    for number, plain in enumerate(tasks):
        try:
            parts.append(judgements_of(LsTask.model_validate(plain), name))
        except ValidationError as error:
            place = plain.get("id") if isinstance(plain, dict) else None
            where = f"task {place}" if isinstance(place, int) else f"task at place {number} of the export"
            parts.append(Collected(issues=(_unreadable("task", "not a task that khabar sent", where, error),)))
    judgements = [judgement for part in parts for judgement in part.judgements]
    judgements.sort(key=lambda j: (j.article_id, j.annotator, j.annotation_id))
    return Collected(
        tuple(judgements), sum(part.drafts for part in parts), tuple(issue for part in parts for issue in part.issues)
    )


def judgements_of(task: LsTask, name: Pseudonym) -> Collected:
    """The judgements on one task, of all annotators; cancelled ones have the status `skipped`."""
    judgements: list[Judgement] = []
    issues: list[Issue] = []
    for number, plain in enumerate(task.annotations):
        try:
            annotation = LsAnnotation.model_validate(plain)
        except ValidationError as error:
            where = f"task {task.id}, annotation at place {number}"
            issues.append(_unreadable("annotation", "an annotation that cannot be read", where, error))
            continue
        judgement, faults = _judgement(task, annotation, name)
        judgements.append(judgement)
        issues.extend(faults)
    return Collected(tuple(judgements), len(task.drafts), tuple(issues))


def _judgement(task: LsTask, annotation: LsAnnotation, name: Pseudonym) -> tuple[Judgement, list[Issue]]:
    who = annotation.completed_by
    annotator = name(who if isinstance(who, int) else who.email or who.id)
    where = f"task {task.id}, annotation {annotation.id}"
    spans: list[Span] = []
    stances: list[Stance] = []
    remarks: list[str] = []
    issues: list[Issue] = []
    for plain in annotation.result:
        try:
            _read(plain, task.data.targets, spans, stances, remarks)
        except (ValidationError, _UnknownResultError) as error:
            issue = _unreadable("result", "a result that cannot be read", where, error)
            issues.append(Issue("error", issue.code, issue.message, where, issue.fix, task.data.article_id, annotator))
    judgement = Judgement(
        article_id=task.data.article_id,
        text_sha=task.data.text_sha,
        batch=task.data.batch,
        annotator=annotator,
        spans=tuple(sorted(spans)),
        stances=tuple(sorted(stances)),
        status="skipped" if annotation.was_cancelled else "submitted",
        seconds=_seconds(annotation.lead_time),
        created_at=annotation.created_at,
        updated_at=annotation.updated_at,
        guideline=task.data.guideline,
        schema=task.data.schema_version,
        task_id=task.id,
        annotation_id=annotation.id,
        remark="\n".join(remarks),
    )
    return judgement, issues


class _UnknownResultError(ValueError):
    pass


def _read(
    plain: object, targets: Sequence[LsTarget], spans: list[Span], stances: list[Stance], remarks: list[str]
) -> None:
    kind = plain.get("type") if isinstance(plain, dict) else None
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        shown = repr(kind) if isinstance(kind, str) and kind.isalnum() and len(kind) < 30 else "of the result"
        raise _UnknownResultError(f"unknown type {shown}")
    result = shape.model_validate(plain)
    if isinstance(result, LsSpan):
        spans.extend(Span(result.value.start, result.value.end, label, result.id) for label in result.value.labels)
    elif isinstance(result, LsChoice):
        slot = int(result.from_name.removeprefix("stance_"))
        given = [choice for choice in result.value.choices if choice != UNUSED]
        if given and slot >= len(targets):
            raise _UnknownResultError(f"the task has no question {slot}")
        stances.extend(Stance(targets[slot].id, choice) for choice in given)
    elif isinstance(result, LsRemark):
        written = result.value.text
        remarks.extend([written] if isinstance(written, str) else written)


def _seconds(lead_time: float | None) -> float | None:
    return lead_time if lead_time is not None and math.isfinite(lead_time) and lead_time >= 0 else None


def _unreadable(kind: str, what: str, where: str, error: ValueError) -> Issue:
    """Say which field is wrong and how, never its content: it may hold an e-mail."""
    why = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    fix = "open the task in Label Studio and submit it again, or delete it there"
    return Issue("error", f"unreadable-{kind}", f"{what}: {why}", where=where, fix=fix)
