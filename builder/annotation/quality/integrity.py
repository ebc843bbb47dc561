"""What no annotator can have said and no verb have written: lines of annotations/ that were edited into nonsense.

Offsets are code points of an article's text, end exclusive. Pure: lines come with their place in a file. What
people get wrong, and what an older text or label set explains, is check.py's.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from builder.io.jsonl import RESTORE
from builder.records import (
    Article,
    BatchItem,
    Decision,
    Issue,
    Judgement,
    PublishedAnnotation,
    Span,
    SplitAssignment,
    Stance,
)
from builder.schema.labels import Labels

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Lines(Generic[R]):
    """The records of a file, with the numbers of their lines."""

    path: str
    lines: Sequence[tuple[int, R]]

    def fault(self, number: int, message: str, fix: str = RESTORE) -> Issue:
        """A fault of one line."""
        return Issue("error", "nonsense", message, f"{self.path}:{number}", fix)


@dataclass(frozen=True, slots=True)
class World:
    """What lines may speak of: articles by id, those that were taken down, labels and their hash, splits."""

    articles: Mapping[str, Article]
    gone: Collection[str]
    labels: Labels
    label_hash: str
    splits: Sequence[str]


def twice(file: Lines[R], key: str = "") -> Iterator[Issue]:
    """The same line again, or another one with the same `key`."""
    seen: dict[Hashable, tuple[int, R]] = {}
    for number, record in file.lines:
        name = getattr(record, key) if key else record
        first, other = seen.setdefault(name, (number, record))
        if first != number:
            same = f"the same as line {first}" if record == other else f"{name} stands on line {first} already"
            yield file.fault(number, same, "delete one of them")


def batch_faults(file: Lines[BatchItem], world: World) -> Iterator[Issue]:
    """Faults of a batch.jsonl; a text that changed since is no nonsense."""
    yield from twice(file, "article_id")
    for number, item in file.lines:
        if item.article_id not in world.articles and item.article_id not in world.gone:
            message = f"article {item.article_id} is not in this project"
            yield file.fault(
                number, message, "run `khabar ingest` with the file that it came from, then `khabar clean`"
            )


def split_faults(file: Lines[SplitAssignment], world: World) -> Iterator[Issue]:
    """Faults of splits.jsonl."""
    yield from twice(file, "article_id")
    for number, line in file.lines:
        if line.split not in world.splits:
            yield file.fault(number, f"{line.split!r} is no split: there are {', '.join(world.splits)}",
                             "restore the file from git: an article never changes its split")  # fmt: skip


def judgement_faults(file: Lines[Judgement], world: World) -> Iterator[Issue]:
    """Faults of a judgements.jsonl.

    A label or answer that labels.yaml lacks is nonsense only where the judgement was made under the present one.
    """
    yield from twice(file)
    for number, judgement in file.lines:
        article = world.articles.get(judgement.article_id)
        if article is None or article.text_sha != judgement.text_sha:
            continue
        current = judgement.schema == world.label_hash
        for what in _misplaced(judgement.spans, article):
            yield file.fault(number, what)
        for what in _unknown(judgement.spans, judgement.stances, world.labels) if current else ():
            yield file.fault(number, what)


def decision_faults(file: Lines[Decision], world: World) -> Iterator[Issue]:
    """Faults of a decisions.jsonl; a decision on an older text waits, and is no nonsense."""
    yield from twice(file)
    for number, decision in file.lines:
        article = world.articles.get(decision.article_id)
        if article is None:
            if decision.article_id not in world.gone:
                yield file.fault(number, f"article {decision.article_id} is not in this project")
            continue
        if article.text_sha == decision.text_sha:
            for what in (
                *_misplaced(decision.spans or (), article),
                *_unknown(decision.spans or (), decision.stances, world.labels),
            ):
                yield file.fault(number, what)


def answer_faults(file: Lines[PublishedAnnotation], world: World) -> Iterator[Issue]:
    """Faults of a predictions.jsonl."""
    yield from twice(file)
    for number, answer in file.lines:
        article = world.articles.get(answer.article_id)
        if article is not None and article.text_sha == answer.text_sha:
            for what in _misplaced(answer.spans, article):
                yield file.fault(number, what)


def _misplaced(spans: Sequence[Span], article: Article) -> Iterator[str]:
    size = len(article.text)
    for span in spans:
        if not 0 <= span.start < span.end <= size:
            yield f"span {span.start}:{span.end} is not in the text of {article.id}, which has {size} code points"


def _unknown(spans: Sequence[Span], stances: Sequence[Stance], labels: Labels) -> Iterator[str]:
    names, targets = labels.entity_names, labels.target_ids
    values = [value.name for value in labels.stances.values] if labels.stances else []
    for span in spans:
        if span.label not in names:
            yield f"{span.label!r} is no label of schema/labels.yaml: there are {', '.join(names)}"
    for stance in stances:
        if stance.target not in targets:
            yield f"{stance.target!r} is no target of schema/labels.yaml: there are {', '.join(targets)}"
        if stance.value not in values:
            yield f"{stance.value!r} is no stance of schema/labels.yaml: there are {', '.join(values)}"
