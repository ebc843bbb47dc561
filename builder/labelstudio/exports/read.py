"""Import of Label Studio exports that khabar did not create: open-source and Enterprise JSON, Text and HyperText.

builder.labelstudio.exports.matching finds the article of each task. If the annotated text is neither the article's nor its raw
text, the spans keep their offsets and the check reports them as stale.
The module is pure; the caller reads the file.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from builder.annotation.persons import Account
from builder.annotation.questions import QUESTION, UNUSED
from builder.labelstudio.exports.accounts import Annotation, account_of, place_of
from builder.labelstudio.exports.flat import FIX, flat_task, is_flat, read_table
from builder.labelstudio.exports.issues import PassedTasks, unknown_labels, unused_results
from builder.labelstudio.exports.matching import Match, Tally, index_articles, match_task
from builder.labelstudio.exports.stream import task_of
from builder.labelstudio.parse import (
    Answers,
    ParsedAnnotations,
    addressed,
    answers_of,
    bare,
    convert_annotations,
    merge_parsed,
    seconds,
    span_text,
)
from builder.labelstudio.payloads import (
    LsRelation,
    LsRemarkValue,
    Offset,
    Region,
    Shape,
    UnknownTypeError,
    UnreadableError,
    Word,
    validate_result,
)
from builder.labelstudio.remarks import remark_of
from builder.records import Answer, Article, Issue, Judgement, Span, Stance, user_error
from builder.schema.labels import Labels, Question


class _Offsets(Shape):
    start: Offset
    end: Offset


class _SpanValue(Shape):
    start: Offset | Word
    end: Offset | Word
    offsets: Annotated[_Offsets | None, Field(alias="globalOffsets")] = None
    labels: tuple[Word, ...] = Field(default=(), strict=False)
    hypertextlabels: tuple[Word, ...] = Field(default=(), strict=False)
    text: Any = None


class _Span(Shape):
    type: Literal["labels", "hypertextlabels"]
    id: Region = ""
    value: _SpanValue


class _ChoiceValue(Shape):
    choices: list[Word]
    start: Any = None


class _Choice(Shape):
    type: Literal["choices"]
    from_name: Word
    value: _ChoiceValue


class _Remark(Shape):
    type: Literal["textarea"]
    value: LsRemarkValue


_SHAPES: dict[str, type[Shape]] = {
    "labels": _Span, "hypertextlabels": _Span, "choices": _Choice, "textarea": _Remark, "relation": LsRelation,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Task:
    """A task of the export, and its article."""

    where: str
    match: Match
    data: Mapping[str, object]
    labels: Labels
    tally: Tally
    place: str = ""
    unused: Counter[str] = field(default_factory=Counter)


def parse(name: str, content: bytes) -> list[dict[str, Any]]:
    """Parse an export into tasks: JSON, or JSON-MIN, CSV or TSV with what they hold.

    Raises KhabarError (exit code 2) if the content is none of these.
    """
    try:
        text = content.decode("utf-8-sig")
        plain = json.loads(text) if text.lstrip()[:1] in ("[", "{") else list(read_table(name, text))
    except (ValueError, RecursionError) as error:
        why = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "not UTF-8"
        raise user_error("export", f"not JSON: {why}", where=name, fix=FIX) from None
    if isinstance(plain, dict):
        plain = plain.get("tasks", [plain])
    if isinstance(plain, list) and any(map(is_flat, plain)):
        plain = [flat_task(record) if isinstance(record, dict) and "data" not in record else record for record in plain]
    is_export = isinstance(plain, list) and all(
        isinstance(task, dict) and isinstance(task.get("data"), dict) and isinstance(task.get("annotations"), list)
        for task in plain
    )
    if not is_export:
        raise user_error("export", "not an export of Label Studio with data and annotations", where=name, fix=FIX)
    tasks: list[dict[str, Any]] = plain
    return tasks


Name = Callable[[Account], str]
"""Returns the name under which the annotations of an account are kept."""


def read(
    elements: Iterable[object],
    articles: Mapping[str, Article],
    labels: Labels,
    batch: str,
    name: Name,
    raws: Mapping[str, str],
) -> ParsedAnnotations:
    """Read the annotations of these articles from the elements of an export; `raws` has their raw texts by document id.

    Elements that are no task, tasks without `annotations` and tasks that match no article are counted in one issue
    each, and so is each unused type of result. Annotations that were passed over count as unread.
    """
    index, tally = index_articles(articles, raws), Tally()
    parts: list[ParsedAnnotations] = []
    passed, unused = PassedTasks(), Counter[str]()
    for number_in_file, element in enumerate(elements):
        plain = task_of(element)
        number = plain.get("id") if plain else None
        where = f"task {number}" if isinstance(number, int) else f"task at place {number_in_file} of the export"
        annotations = plain.get("annotations") if plain else None
        if plain is None:
            passed.add("not-a-task", where)
        elif not isinstance(annotations, list):
            passed.add("no-annotations", where)
        elif match := match_task(index, plain["data"], annotations):
            task = _Task(where, match, plain["data"], labels, tally, place_of(plain), unused)
            if match.plain.units or match.hyper.units:
                tally.add("utf16-offsets", where)
            drafts = plain.get("drafts")
            parts.append(_of_task(task, annotations, len(drafts) if isinstance(drafts, list) else 0, batch, name))
        else:
            passed.add("unmatched-task", where, len(annotations))
    parts.append(
        ParsedAnnotations(
            issues=(*passed.issues(), *unused_results(unused), *tally.issues()), unread=passed.annotations
        )
    )
    merged = merge_parsed(parts)
    return replace(merged, issues=(*merged.issues, *unknown_labels(merged.judgements, labels)))


def _of_task(task: _Task, annotations: Sequence[object], drafts: int, batch: str, name: Name) -> ParsedAnnotations:
    judgements, issues = convert_annotations(
        annotations, Annotation, task.where, lambda annotation: _judgement(task, annotation, batch, name)
    )
    return ParsedAnnotations(judgements, drafts, issues)


def _judgement(task: _Task, annotation: Annotation, batch: str, name: Name) -> tuple[Judgement, list[Issue]]:
    account = account_of(annotation.completed_by, task.place)
    annotator = name(account)
    where = f"{task.where}, annotation {annotation.id}"
    misplaced: list[Issue] = []

    def read_used(plain: object, into: Answers) -> None:
        try:
            _read(plain, task, into, misplaced)
        except UnknownTypeError as error:
            task.unused[error.kind] += 1

    answers, issues = answers_of(annotation.result, where, read_used)
    guideline, schema = (str(task.data.get(key) or "")[:200] for key in ("guideline", "schema"))
    remark, personal = remark_of(answers.remarks, account.email or "", where)
    issues += personal
    judgement = Judgement(
        article_id=task.match.article.id,
        text_sha=task.match.text_sha,
        batch=batch,
        annotator=annotator,
        spans=tuple(sorted(answers.spans)),
        stances=tuple(sorted(answers.stances)),
        status="skipped" if annotation.was_cancelled else "submitted",
        seconds=seconds(annotation.lead_time),
        created_at=annotation.created_at or "",
        updated_at=annotation.updated_at or annotation.created_at or "",
        guideline=guideline,
        schema=schema,
        task_id=0,  # the id belongs to another server and cannot be linked
        annotation_id=annotation.id,
        remark=remark,
        relations=answers.linked(),
        answers=tuple(sorted(answers.chosen)),
    )
    issues += [replace(issue, where=where) for issue in misplaced]
    return judgement, [addressed(issue, task.match.article.id, annotator) for issue in issues]


def _read(plain: object, task: _Task, answers: Answers, misplaced: list[Issue]) -> None:
    result = validate_result(plain, _SHAPES)
    if isinstance(result, _Span):
        answers.spans.extend(_spans(result, task, misplaced))
    elif isinstance(result, _Choice) and (question := _asked(result, task.labels)):
        named = _names({value.ar: value.name for value in question.values})
        answers.chosen.extend(Answer(question.id, named(choice)) for choice in result.value.choices)
    elif isinstance(result, _Choice):
        answers.stances.extend(_stances(result, task))
    elif isinstance(result, _Remark):
        answers.add_remark(result.value)
    elif isinstance(result, LsRelation):
        answers.add_relation(result)


def _spans(result: _Span, task: _Task, misplaced: list[Issue]) -> list[Span]:
    """Return the spans of one region in the article, one for each label; none if it is in no part of the article.

    HyperText regions need `globalOffsets`: their own offsets count from the beginning of an HTML element.
    """
    value = result.value
    if value.offsets is not None:
        reading, start, end = task.match.hyper, value.offsets.start, value.offsets.end
    elif isinstance(value.start, int) and isinstance(value.end, int):
        reading, start, end = task.match.plain, value.start, value.end
    else:
        raise UnreadableError("a span of HyperText without globalOffsets")
    span_labels = value.labels or value.hypertextlabels
    if not span_labels:
        raise UnreadableError("a span without a label")
    if reading.place is None:
        raise UnreadableError("a span on the source of an HTML page, not on its text")
    start, end = reading.code_points(start, end)
    place = reading.place(start, end)
    if place is None and not 0 <= start < end <= len(reading.seen):
        raise UnreadableError("a span outside the text that was annotated")
    if isinstance(value.text, str) and bare(value.text) != bare(reading.seen[max(0, start) : max(0, end)]):
        misplaced.append(span_text(start, end, ""))
    if place is None:
        task.tally.add("span-removed", task.where)
        return []
    named = _names({entity.ar: entity.name for entity in task.labels.entities})
    return [Span(*place, named(label), result.id) for label in span_labels]


def _asked(result: _Choice, labels: Labels) -> Question | None:
    """Return the question on the whole article after which a control is named, as in khabar's own config or plainly."""
    names = (result.from_name, result.from_name.removeprefix(QUESTION))
    return next((one for one in labels.questions if one.id in names and result.value.start is None), None)


def _stances(result: _Choice, task: _Task) -> list[Stance]:
    """Return the stances of one question; its control is named after a target, or is a slot of khabar's own config."""
    stances = task.labels.stances
    named = _names({value.ar: value.name for value in stances.values} if stances else {})
    values = [named(choice) for choice in result.value.choices if choice != UNUSED]
    if not values:
        return []
    bare_name = result.from_name.removeprefix("stance_").removeprefix("stance-")
    target = next((name for name in (result.from_name, bare_name) if name in task.labels.target_ids), None)
    slots = task.data.get("targets")
    if target is None and bare_name.isdecimal() and isinstance(slots, list) and int(bare_name) < len(slots):
        slot = slots[int(bare_name)]
        target = slot.get("id") if isinstance(slot, dict) else None
    if target not in task.labels.target_ids or result.value.start is not None:
        raise UnreadableError("a choice that matches no stance target and no question of labels.yaml")
    return [Stance(str(target), value) for value in values]


def _names(arabic: Mapping[str, str]) -> Callable[[str], str]:
    """Return a function from a label's Arabic display name to its name; other words stay as they are."""
    return lambda word: arabic.get(word, word)
