"""Parser of Label Studio's JSON: validates untrusted tasks and converts their annotations to Judgement records.

Offsets of Label Studio's <Text> are code points, end exclusive, as in khabar. The `text` of a span is only compared
with the article, never used. The module is pure.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pydantic import ValidationError

from builder.annotation.questions import QUESTION, UNUSED
from builder.io.hashing import sha16
from builder.labelstudio.payloads import (
    LsAnnotation,
    LsBefore,
    LsChoice,
    LsData,
    LsRelation,
    LsRemark,
    LsRemarkValue,
    LsSpan,
    LsTarget,
    LsTask,
    LsUser,
    Shape,
    UnreadableError,
    validate_result,
)
from builder.labelstudio.remarks import remark_of
from builder.records import Answer, Issue, Judgement, Relation, Span, Stance

Pseudonym = Callable[[int | str], str]

A = TypeVar("A", bound=Shape)

_SHAPES: dict[str, type[Shape]] = {
    "labels": LsSpan, "choices": LsChoice, "textarea": LsRemark, "relation": LsRelation,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ParsedAnnotations:
    """Result of parsing tasks: judgements, the number of drafts, and an issue for each unreadable item.

    `unread` counts annotations on tasks that khabar did not create.
    """

    judgements: tuple[Judgement, ...] = ()
    drafts: int = 0
    issues: tuple[Issue, ...] = ()
    unread: int = 0


@dataclass(slots=True)
class Answers:
    """Answers of one annotation, collected result by result."""

    spans: list[Span] = field(default_factory=list)
    stances: list[Stance] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    relations: list[Relation] = field(default_factory=list)
    chosen: list[Answer] = field(default_factory=list)
    """The answers to questions on the whole article."""

    def add_remark(self, value: LsRemarkValue) -> None:
        """Add the text of a remark field: one remark, or a list of them."""
        self.remarks.extend([value.text] if isinstance(value.text, str) else value.text)

    def add_relation(self, relation: LsRelation) -> None:
        """Add a relation between two spans."""
        names = tuple(relation.labels or ())
        self.relations.append(Relation(relation.from_id, relation.to_id, names, relation.direction))

    def linked(self) -> tuple[Relation, ...]:
        """Return the relations whose spans both exist, without duplicates, sorted."""
        span_ids = {span.id for span in self.spans}
        return tuple(sorted({link for link in self.relations if {link.from_id, link.to_id} <= span_ids}))

    def loose(self) -> int:
        """Return the number of relations that refer to a missing span."""
        span_ids = {span.id for span in self.spans}
        return sum(not {link.from_id, link.to_id} <= span_ids for link in self.relations)


def parse_tasks(tasks: Iterable[object], name: Pseudonym) -> ParsedAnnotations:
    """Parse exported tasks into judgements, sorted by article, annotator and annotation.

    A task that cannot be parsed becomes an issue, and its annotations count as unread.
    """
    parts: list[ParsedAnnotations] = []
    for index, plain in enumerate(tasks):
        try:
            parts.append(judgements_of(LsTask.model_validate(plain), name))
        except ValidationError as error:
            task_id = plain.get("id") if isinstance(plain, dict) else None
            where = f"task {task_id}" if isinstance(task_id, int) else f"task at place {index} of the export"
            annotations = plain.get("annotations") if isinstance(plain, dict) else None
            issue = unreadable("task", "not a task that khabar sent", where, error)
            parts.append(
                ParsedAnnotations(issues=(issue,), unread=len(annotations) if isinstance(annotations, list) else 0)
            )
    return merge_parsed(parts)


def merge_parsed(parts: Sequence[ParsedAnnotations]) -> ParsedAnnotations:
    """Merge several results into one, sorted by article, annotator and annotation."""
    judgements = [judgement for part in parts for judgement in part.judgements]
    judgements.sort(key=lambda j: (j.article_id, j.annotator, j.annotation_id))
    issues = tuple(issue for part in parts for issue in part.issues)
    return ParsedAnnotations(tuple(judgements), sum(p.drafts for p in parts), issues, sum(p.unread for p in parts))


def judgements_of(task: LsTask, name: Pseudonym) -> ParsedAnnotations:
    """Convert the annotations of one task into judgements; cancelled ones get the status `skipped`."""
    edited = task.data.text is not None and sha16(task.data.text) != task.data.text_sha
    judgements, issues = convert_annotations(
        task.annotations, LsAnnotation, f"task {task.id}", lambda annotation: _judgement(task, annotation, name)
    )
    return ParsedAnnotations(judgements, len(task.drafts), (_edited(task), *issues) if edited else issues)


def convert_annotations(
    annotations: Sequence[object],
    shape: type[A],
    where: str,
    convert: Callable[[A], tuple[Judgement, Sequence[Issue]]],
) -> tuple[tuple[Judgement, ...], tuple[Issue, ...]]:
    """Convert the annotations of one task; one that does not validate as `shape` becomes an issue."""
    judgements: list[Judgement] = []
    issues: list[Issue] = []
    for index, plain in enumerate(annotations):
        try:
            annotation = shape.model_validate(plain)
        except ValidationError as error:
            place = f"{where}, annotation at place {index}"
            issues.append(unreadable("annotation", "an annotation that cannot be read", place, error))
            continue
        judgement, faults = convert(annotation)
        judgements.append(judgement)
        issues.extend(faults)
    return tuple(judgements), tuple(issues)


def _edited(task: LsTask) -> Issue:
    message = "the text was edited in Label Studio after it was sent, so its spans cannot be mapped to the article"
    fix = "restore the text in Label Studio, or delete the task there and run `khabar send`"
    return Issue("error", "text-edited", message, f"task {task.id}", fix, task.data.article_id)


def _judgement(task: LsTask, annotation: LsAnnotation, name: Pseudonym) -> tuple[Judgement, list[Issue]]:
    annotator = name(who(annotation.completed_by))
    where = f"task {task.id}, annotation {annotation.id}"
    answers, issues = answers_of(annotation.result, where, lambda plain, into: _read(plain, task.data.targets, into))
    page = page_of(task.data, annotation)
    if task.data.text is not None:
        issues += misplaced(annotation.result, task.data.text, where)
    remark, personal = remark_of(answers.remarks, who(annotation.completed_by), where)
    issues += personal
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
        guideline=page.guideline,
        schema=page.schema_version,
        task_id=task.id,
        annotation_id=annotation.id,
        remark=remark,
        relations=answers.linked(),
        answers=tuple(sorted(answers.chosen)),
        page=task.data.page,
    )
    return judgement, [addressed(issue, task.data.article_id, annotator) for issue in issues]


def page_of(data: LsData, annotation: LsAnnotation) -> LsData | LsBefore:
    """Return what has the versions of an answer's page: the task, or what is known of the page before an update."""
    before = data.before.get(str(annotation.id))
    return before if before and annotation.updated_at <= before.until else data


def addressed(issue: Issue, article_id: str, annotator: str) -> Issue:
    """Return the issue with the article and the annotator filled in."""
    return Issue(issue.severity, issue.code, issue.message, issue.where, issue.fix, article_id, annotator)


def who(completed_by: int | LsUser) -> int | str:
    """Return the identity that a pseudonym is derived from: the e-mail if known, else the user's number."""
    return completed_by if isinstance(completed_by, int) else completed_by.email or completed_by.id


def answers_of(
    results: Sequence[object], where: str, read: Callable[[object, Answers], None]
) -> tuple[Answers, list[Issue]]:
    """Read the results of one annotation; return its answers, and an issue for each result that cannot be read.

    `read` adds one result to the answers; it raises ValidationError or UnreadableError.
    """
    answers = Answers()
    issues: list[Issue] = []
    for plain in results:
        try:
            read(plain, answers)
        except (ValidationError, UnreadableError) as error:
            issues.append(unreadable("result", "a result that cannot be read", where, error))
    if loose := answers.loose():
        message = f"{loose} relations refer to a span that does not exist"
        issues.append(Issue("warning", "loose-relation", message, where, "open the task and draw the relations again"))
    return answers, issues


def _read(plain: object, targets: Sequence[LsTarget], answers: Answers) -> None:
    result = validate_result(plain, _SHAPES)
    if isinstance(result, LsSpan):
        labels = result.value.labels if result.from_name == "ner" else []
        answers.spans.extend(Span(result.value.start, result.value.end, label, result.id) for label in labels)
    elif isinstance(result, LsChoice) and result.from_name.startswith(QUESTION):
        question = result.from_name.removeprefix(QUESTION)
        answers.chosen.extend(Answer(question, choice) for choice in result.value.choices)
    elif isinstance(result, LsChoice):
        slot = int(result.from_name.removeprefix("stance_"))
        choices = [choice for choice in result.value.choices if choice != UNUSED]
        if choices and slot >= len(targets):
            raise UnreadableError(f"the task has no question {slot}")
        answers.stances.extend(Stance(targets[slot].id, choice) for choice in choices)
    elif isinstance(result, LsRemark):
        answers.add_remark(result.value)
    elif isinstance(result, LsRelation):
        answers.add_relation(result)


def misplaced(results: Iterable[object], text: str, where: str) -> list[Issue]:
    """Return an error for each span whose `text` in Label Studio differs from the article's text at its offsets.

    White space is ignored, because Label Studio writes a line break inside a span as a backslash and an n.
    """
    issues: list[Issue] = []
    for plain in results:
        try:
            result = LsSpan.model_validate(plain)
        except ValidationError:
            continue
        start, end, words = result.value.start, result.value.end, result.value.text
        if isinstance(words, str) and 0 <= start < end <= len(text) and bare(words) != bare(text[start:end]):
            issues.append(span_text(start, end, where))
    return issues


def span_text(start: int, end: int, where: str) -> Issue:
    """Return the error for a span whose text in Label Studio differs from the article's text at its offsets."""
    message = f"span {start}:{end}: its text in Label Studio differs from the article's text at these offsets"
    return Issue("error", "span-text", message, where, "open the task, delete the span and mark the words again")


def bare(words: str) -> str:
    """Strip white space, and the backslash and n that Label Studio writes for a line break."""
    return "".join(words.replace("\\n", "").split())


def seconds(lead_time: float | None) -> float | None:
    """Return the lead time if it is finite and not negative, else None."""
    return lead_time if lead_time is not None and math.isfinite(lead_time) and lead_time >= 0 else None


def unreadable(kind: str, what: str, where: str, error: ValueError) -> Issue:
    """Return an issue that names the invalid field and the reason, without its content, which may be an e-mail."""
    why = str(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        # Names of union members, such as `constrained-int`, say nothing to a user.
        place = [
            str(part) for part in first["loc"] if isinstance(part, int) or (part.isidentifier() and part.islower())
        ]
        why = f"{'.'.join(place)}: {first['msg']}" if place else first["msg"]
    fix = "open the task in Label Studio and submit it again, or delete it there"
    return Issue("error", f"unreadable-{kind}", f"{what}: {why}", where=where, fix=fix)
