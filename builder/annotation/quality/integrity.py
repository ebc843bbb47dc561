"""Integrity checks: lines in annotations/ that neither Label Studio nor khabar could have written.

Examples are spans outside the text and duplicate lines. Annotators' mistakes, and lines that an older text or label
set explains, are left to check.py. Offsets are code points of an article's text, end exclusive. Pure: records come
with the number of their line.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.columns import Bools, Ints, Items, coded, items
from builder.annotation.quality.answers import ANSWER_REASONS, UNKNOWN_QUESTION, read_given_answers
from builder.annotation.quality.stances import UNKNOWN_VALUE
from builder.annotation.quality.standing import places_of
from builder.io.jsonl import RESTORE
from builder.io.jsonl_table import LineTable
from builder.records import (
    Article,
    BatchItem,
    Decision,
    Issue,
    Judgement,
    Passage,
    PublishedAnnotation,
    Span,
    SplitAssignment,
    SplitBorder,
)
from builder.schema.labels import Labels

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Lines(Generic[R]):
    """The records of a file, with the numbers of their lines."""

    path: str
    lines: Sequence[tuple[int, R]]

    def fault(self, number: int, message: str, fix: str = RESTORE) -> Issue:
        """Return an error about one line."""
        return Issue("error", "nonsense", message, f"{self.path}:{number}", fix)


@dataclass(frozen=True, slots=True)
class ProjectIndex:
    """What lines may refer to: articles by id, articles taken down (`gone`), labels with their hash, and splits."""

    articles: Mapping[str, Article]
    gone: Collection[str]
    labels: Labels
    label_hash: str
    splits: Sequence[str]


def batch_faults(path: str, read: LineTable, world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of a batch.jsonl. A text that changed since is not an error."""
    known = pa.array([*world.articles, *world.gone], pa.string())
    absent = np.flatnonzero(pc.invert(pc.is_in(read.table["article_id"], known)))
    for number, item in read.records(BatchItem, absent):
        message = f"article {item.article_id} is not in this project"
        fix = "run `khabar ingest` with the file that it came from, then `khabar clean`"
        yield Lines(path, ()).fault(number, message, fix)


def split_faults(file: Lines[SplitAssignment], world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of splits.jsonl."""
    for number, line in file.lines:
        if line.split not in world.splits:
            message = f"unknown split {line.split!r}; known: {', '.join(world.splits)}"
            yield file.fault(number, message, "restore the file from git: an article never changes its split")


def border_faults(file: Lines[SplitBorder], world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of borders.jsonl: a split without a border, and what is no moment."""
    bordered = world.splits[:-1]
    for number, line in file.lines:
        if line.split not in bordered:
            message = f"split {line.split!r} has no border; those with one: {', '.join(bordered)}"
            yield file.fault(number, message, "restore the file from git: the borders never move")
        elif not line.newest.isascii() or _moment(line.newest) is None:
            yield file.fault(number, f"{line.newest!r} is no date", "restore the file from git: the borders never move")


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def judgement_faults(file: Lines[Judgement], world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of a judgements.jsonl.

    A label or answer that labels.yaml lacks is an error only if the judgement was made under the present labels.yaml.
    Judgements on another version of the text are not checked.
    """
    for number, judgement in file.lines:
        article = world.articles.get(judgement.article_id)
        if article is None or article.text_sha != judgement.text_sha:
            continue
        current = judgement.schema == world.label_hash
        for what in _misplaced(judgement.spans, article):
            yield file.fault(number, what)
        for what in _unknown(judgement, world.labels) if current else ():
            yield file.fault(number, what)


def judgement_table_faults(path: str, read: LineTable, world: ProjectIndex) -> Iterator[Issue]:
    """Yield what judgement_faults yields of the lines of a file; only the lines that have errors become records."""
    rows = _suspicious(read.table, world)
    return judgement_faults(Lines(path, read.records(Judgement, rows)), world)


def decision_table_faults(path: str, read: LineTable, world: ProjectIndex) -> Iterator[Issue]:
    """Yield what decision_faults yields of the lines of a file; decisions are few."""
    return decision_faults(Lines(path, read.records(Decision, np.arange(len(read.numbers)))), world)


def published_table_faults(path: str, read: LineTable, world: ProjectIndex) -> Iterator[Issue]:
    """Yield what answer_faults yields of the lines of a file; only the lines that have errors become records."""
    spans, place = items(read.table, "spans"), _places(read.table, world)
    rows = np.intersect1d(spans.row[_outside(spans, place, world)], np.flatnonzero(place >= 0))
    return answer_faults(Lines(path, read.records(PublishedAnnotation, rows)), world)


def _places(table: pa.Table, world: ProjectIndex) -> Ints:
    """Return the place of each row's text among the articles, -1 where it is not there."""
    return places_of(table, {name: number for number, name in enumerate(world.articles)})


def _outside(spans: Items, place: Ints, world: ProjectIndex) -> Bools:
    """Return which spans are outside their text; `place` has that of each row among the articles."""
    sizes = np.array([*(len(article.text) for article in world.articles.values()), 0], np.int64)[place]
    start, end = spans.numbers("start"), spans.numbers("end")
    return np.asarray((start < 0) | (start >= end) | (end > sizes[spans.row]))


def _suspicious(table: pa.Table, world: ProjectIndex) -> Ints:
    """Return the rows of judgements with spans outside the text, or with what labels.yaml does not define."""
    place = _places(table, world)
    spans, stances, labels = items(table, "spans"), items(table, "stances"), world.labels
    outside = _outside(spans, place, world)
    current = coded(table["schema"]).among([world.label_hash]) == 0
    values = [value.name for value in labels.stances.values] if labels.stances else []
    foreign = spans.strings("label").among([*labels.entity_names]) < 0
    odd = (stances.strings("target").among([*labels.target_ids]) < 0) | (stances.strings("value").among(values) < 0)
    chosen = read_given_answers(table, labels)
    strange = np.isin(chosen.reason, [ANSWER_REASONS.index(why) for why in (UNKNOWN_QUESTION, UNKNOWN_VALUE)])
    rows = [
        spans.row[outside | (foreign & current[spans.row])],
        stances.row[odd & current[stances.row]],
        chosen.row[strange & current[chosen.row]],
    ]
    return np.asarray(np.intersect1d(np.concatenate(rows), np.flatnonzero(place >= 0)))


def decision_faults(file: Lines[Decision], world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of a decisions.jsonl. A decision on an older text is not an error."""
    for number, decision in file.lines:
        article = world.articles.get(decision.article_id)
        if article is None:
            if decision.article_id not in world.gone:
                yield file.fault(number, f"article {decision.article_id} is not in this project")
            continue
        if article.text_sha == decision.text_sha:
            for what in (
                *_misplaced(decision.spans or (), article),
                *_misplaced(decision.scope, article),
                *_unknown(decision, world.labels),
            ):
                yield file.fault(number, what)


def answer_faults(file: Lines[PublishedAnnotation], world: ProjectIndex) -> Iterator[Issue]:
    """Yield the errors of a predictions.jsonl."""
    for number, answer in file.lines:
        article = world.articles.get(answer.article_id)
        if article is not None and article.text_sha == answer.text_sha:
            for what in _misplaced(answer.spans, article):
                yield file.fault(number, what)


def _misplaced(spans: Sequence[Span | Passage], article: Article) -> Iterator[str]:
    """Yield a message for each span outside the text."""
    size = len(article.text)
    for span in spans:
        if not 0 <= span.start < span.end <= size:
            yield f"span {span.start}:{span.end} is outside the text of {article.id}, which has {size} code points"


def _unknown(record: Judgement | Decision, labels: Labels) -> Iterator[str]:
    """Yield a message for each label, target, stance, question or answer that labels.yaml does not define."""
    names, targets = labels.entity_names, labels.target_ids
    values = [value.name for value in labels.stances.values] if labels.stances else []
    for span in record.spans or ():
        if span.label not in {*names, *labels.retired_names}:
            yield f"unknown label {span.label!r}; schema/labels.yaml has {', '.join(names)}"
    for stance in record.stances:
        if stance.target not in {*targets, *labels.retired_targets}:
            yield f"unknown target {stance.target!r}; schema/labels.yaml has {', '.join(targets)}"
        if stance.value not in {*values, *labels.retired_values}:
            yield f"unknown stance {stance.value!r}; schema/labels.yaml has {', '.join(values)}"
    questions = {question.id: question.value_names for question in labels.questions}
    for answer in record.answers:
        if answer.question not in questions:
            yield f"unknown question {answer.question!r}; schema/labels.yaml has {', '.join(questions) or 'none'}"
        elif answer.value not in questions[answer.question]:
            known = ", ".join(questions[answer.question])
            yield f"unknown answer {answer.value!r} to {answer.question}; schema/labels.yaml has {known}"
