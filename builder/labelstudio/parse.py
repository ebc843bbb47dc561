"""Label Studio's JSON -> judgements: what the server sends is read with suspicion, never believed.

Offsets of Label Studio's <Text> are code points, end exclusive, as ours are; the `text` that
comes with a span is compared, not used. Pure: what talks to a server is collecting.py. Does not judge
the answers: check.py does.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError

from builder.annotation.questions import UNUSED
from builder.io.hashing import sha16
from builder.labelstudio.payloads import (
    LsAnnotation,
    LsChoice,
    LsRelation,
    LsRemark,
    LsSpan,
    LsTarget,
    LsTask,
    LsUser,
    Shape,
)
from builder.records import Issue, Judgement, Relation, Span, Stance

Pseudonym = Callable[[int | str], str]

_SHAPES: dict[object, type[Shape]] = {
    "labels": LsSpan, "choices": LsChoice, "textarea": LsRemark, "relation": LsRelation,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Collected:
    """What was found in tasks: judgements, how many drafts wait, and what could not be read.

    `unread` counts the annotations on tasks that are not khabar's.
    """

    judgements: tuple[Judgement, ...] = ()
    drafts: int = 0
    issues: tuple[Issue, ...] = ()
    unread: int = 0


@dataclass(slots=True)
class Answers:
    """The answers of one annotation, as they are found one by one."""

    spans: list[Span] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)

    def linked(self) -> tuple[Relation, ...]:
        """The relations whose two spans are there, each once, sorted."""
        there = {span.id for span in self.spans}
        return tuple(sorted({one for one in self.relations if {one.from_id, one.to_id} <= there}))

    def loose(self) -> int:
        """How many relations lead to a span that is not there."""
        there = {span.id for span in self.spans}
        return sum(not {one.from_id, one.to_id} <= there for one in self.relations)


class UnreadableError(ValueError):
    """A result that is not of this project's page; its message holds nothing of the result."""


def collected(tasks: Iterable[object], name: Pseudonym) -> Collected:
    """All judgements in what the server sent, sorted by article, annotator and annotation."""
    parts: list[Collected] = []
    for number, plain in enumerate(tasks):
        try:
            parts.append(judgements_of(LsTask.model_validate(plain), name))
        except ValidationError as error:
            place = plain.get("id") if isinstance(plain, dict) else None
            where = f"task {place}" if isinstance(place, int) else f"task at place {number} of the export"
            given = plain.get("annotations") if isinstance(plain, dict) else None
            issue = unreadable("task", "not a task that khabar sent", where, error)
            parts.append(Collected(issues=(issue,), unread=len(given) if isinstance(given, list) else 0))
    return together(parts)


def together(parts: Sequence[Collected]) -> Collected:
    """Several findings as one, sorted by article, annotator and annotation."""
    judgements = [judgement for part in parts for judgement in part.judgements]
    judgements.sort(key=lambda j: (j.article_id, j.annotator, j.annotation_id))
    issues = tuple(issue for part in parts for issue in part.issues)
    return Collected(tuple(judgements), sum(p.drafts for p in parts), issues, sum(p.unread for p in parts))


def judgements_of(task: LsTask, name: Pseudonym) -> Collected:
    """The judgements on one task, of all annotators; cancelled ones have the status `skipped`."""
    judgements: list[Judgement] = []
    issues: list[Issue] = []
    if task.data.text is not None and sha16(task.data.text) != task.data.text_sha:
        issues.append(_edited(task))
    for number, plain in enumerate(task.annotations):
        try:
            annotation = LsAnnotation.model_validate(plain)
        except ValidationError as error:
            where = f"task {task.id}, annotation at place {number}"
            issues.append(unreadable("annotation", "an annotation that cannot be read", where, error))
            continue
        judgement, faults = _judgement(task, annotation, name)
        judgements.append(judgement)
        issues.extend(faults)
    return Collected(tuple(judgements), len(task.drafts), tuple(issues))


def _edited(task: LsTask) -> Issue:
    message = "the text was edited in Label Studio after it was sent: answers on it cannot be placed in the article"
    fix = "restore the text there, or delete the task there and run `khabar send`"
    return Issue("error", "text-edited", message, f"task {task.id}", fix, task.data.article_id)


def _judgement(task: LsTask, annotation: LsAnnotation, name: Pseudonym) -> tuple[Judgement, list[Issue]]:
    annotator = name(who(annotation.completed_by))
    where = f"task {task.id}, annotation {annotation.id}"
    answers, issues = answers_of(annotation.result, where, lambda plain, found: _read(plain, task.data.targets, found))
    if task.data.text is not None:
        issues += misplaced(annotation.result, task.data.text, where)
    judgement = Judgement(
        article_id=task.data.article_id,
        text_sha=task.data.text_sha,
        batch=task.data.batch,
        annotator=annotator,
        spans=tuple(sorted(answers.spans)),
        stances=tuple(sorted(answers.stances)),
        status="skipped" if annotation.was_cancelled else "submitted",
        seconds=seconds(annotation.lead_time),
        created_at=annotation.created_at,
        updated_at=annotation.updated_at,
        guideline=task.data.guideline,
        schema=task.data.schema_version,
        task_id=task.id,
        annotation_id=annotation.id,
        remark="\n".join(answers.remarks),
        relations=answers.linked(),
    )
    return judgement, [addressed(issue, task.data.article_id, annotator) for issue in issues]


def addressed(issue: Issue, article_id: str, annotator: str) -> Issue:
    """The same fault, with whose it is."""
    return Issue(issue.severity, issue.code, issue.message, issue.where, issue.fix, article_id, annotator)


def who(completed_by: int | LsUser) -> int | str:
    """What an annotator's pseudonym is made from: the e-mail where there is one, else the number."""
    return completed_by if isinstance(completed_by, int) else completed_by.email or completed_by.id


def answers_of(
    results: Sequence[object], where: str, read: Callable[[object, Answers], None]
) -> tuple[Answers, list[Issue]]:
    """The answers of one annotation, and what could not be read; `read` adds one result to the answers."""
    answers = Answers()
    issues: list[Issue] = []
    for plain in results:
        try:
            read(plain, answers)
        except (ValidationError, UnreadableError) as error:
            issues.append(unreadable("result", "a result that cannot be read", where, error))
    if loose := answers.loose():
        message = f"{loose} relations lead to a span that is not there"
        issues.append(Issue("warning", "loose-relation", message, where, "open the task and draw them again"))
    return answers, issues


def _read(plain: object, targets: Sequence[LsTarget], answers: Answers) -> None:
    kind = plain.get("type") if isinstance(plain, dict) else None
    shape = _SHAPES.get(kind) if isinstance(kind, str) else None
    if shape is None:
        raise unknown_type(kind)
    result = shape.model_validate(plain)
    if isinstance(result, LsSpan):
        answers.spans.extend(
            Span(result.value.start, result.value.end, label, result.id) for label in result.value.labels
        )
    elif isinstance(result, LsChoice):
        slot = int(result.from_name.removeprefix("stance_"))
        given = [choice for choice in result.value.choices if choice != UNUSED]
        if given and slot >= len(targets):
            raise UnreadableError(f"the task has no question {slot}")
        answers.stances.extend(Stance(targets[slot].id, choice) for choice in given)
    elif isinstance(result, LsRemark):
        written = result.value.text
        answers.remarks.extend([written] if isinstance(written, str) else written)
    elif isinstance(result, LsRelation):
        names = tuple(result.labels or ())
        answers.relations.append(Relation(result.from_id, result.to_id, names, result.direction))


def unknown_type(kind: object) -> UnreadableError:
    """The fault of a result of no known type; what is no plain word is not repeated."""
    shown = repr(kind) if isinstance(kind, str) and kind.isalnum() and len(kind) < 30 else "of the result"
    return UnreadableError(f"unknown type {shown}")


def misplaced(results: Iterable[object], text: str, where: str) -> list[Issue]:
    """An error for each span whose words, as Label Studio gave them, are not those at its place in the text.

    White space is not compared: for a span over a line end Label Studio gives a backslash and an n.
    """
    found: list[Issue] = []
    for plain in results:
        try:
            result = LsSpan.model_validate(plain)
        except ValidationError:
            continue
        start, end, said = result.value.start, result.value.end, result.value.text
        if isinstance(said, str) and 0 <= start < end <= len(text) and bare(said) != bare(text[start:end]):
            found.append(span_text(start, end, where))
    return found


def span_text(start: int, end: int, where: str) -> Issue:
    """The fault of a span whose words are not those at its place."""
    message = f"span {start}:{end}: the words that Label Studio gives are not those at this place of the text"
    return Issue("error", "span-text", message, where, "open the task, delete the span and mark the words again")


def bare(words: str) -> str:
    """Words without white space, and without what Label Studio writes for a line end."""
    return "".join(words.replace("\\n", "").split())


def seconds(lead_time: float | None) -> float | None:
    """A time that a person may have taken, or None."""
    return lead_time if lead_time is not None and math.isfinite(lead_time) and lead_time >= 0 else None


def unreadable(kind: str, what: str, where: str, error: ValueError) -> Issue:
    """Say which field is wrong and how, never its content: it may hold an e-mail."""
    why = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    fix = "open the task in Label Studio and submit it again, or delete it there"
    return Issue("error", f"unreadable-{kind}", f"{what}: {why}", where=where, fix=fix)
