"""Validate every file under annotations/ before a build and report all errors at once."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from builder.annotation.quality import integrity
from builder.annotation.quality.integrity import Lines, ProjectIndex
from builder.annotation.quality.merged import contradictions, judgement_contradictions
from builder.project.annotations import published_path, read_judgement_lines, read_numbered
from builder.project.batches import batch_articles
from builder.project.project import Project
from builder.records import (
    LEDGER,
    AcceptedChange,
    AnnotatorAssignment,
    BatchItem,
    Decision,
    Dispute,
    Issue,
    KhabarError,
    LedgerEntry,
    PersonAlias,
    PublishedAnnotation,
    SplitAssignment,
    Takedown,
    Withdrawal,
)
from builder.release.splits.strategies import SPLIT_NAMES

R = TypeVar("R")


Look = Callable[[Lines[R], ProjectIndex], Iterator[Issue]]


def validate_annotations(project: Project) -> None:
    """Raise KhabarError (exit code 2) with every malformed or impossible line of annotations/."""
    issues: list[Issue] = []
    files: list[Callable[[ProjectIndex], Iterator[Issue]]] = []

    def read(path: Path, record: type[R], look: Look[R] | None = None) -> list[R]:
        lines, faults = read_numbered(project, path, record)
        issues.extend(_within(project, faults))
        file = Lines(str(path.relative_to(project.root)), lines)
        issues.extend(contradictions(file.path, file.lines))
        if look:
            files.append(lambda world: look(file, world))
        return [one for _, one in lines]

    folder = project.annotations
    read(folder / "splits.jsonl", SplitAssignment, integrity.split_faults)
    takedowns = read(folder / "takedowns.jsonl", Takedown)
    read(folder / "persons.jsonl", PersonAlias)
    read(folder / "withdrawals.jsonl", Withdrawal)
    read(folder / "accepted.jsonl", AcceptedChange)
    read(folder / LEDGER, LedgerEntry)
    for name in project.batches():
        read(folder / name / "batch.jsonl", BatchItem, integrity.batch_faults)
        lines, faults = read_judgement_lines(project, name)
        path = f"{folder.name}/{name}/judgements.jsonl"
        issues += [*_within(project, faults), *judgement_contradictions(path, lines)]
        files.append(partial(integrity.judgement_table_faults, path, lines))
        read(folder / name / "decisions.jsonl", Decision, integrity.decision_faults)
        read(published_path(project, name), PublishedAnnotation, integrity.answer_faults)
        read(folder / name / "known.jsonl", Decision)
        read(folder / name / "assignment.jsonl", AnnotatorAssignment)
        read(folder / name / "disputed.jsonl", Dispute)
    try:
        world = _world(project, {takedown.article_id for takedown in takedowns})
    except KhabarError as refused:
        raise KhabarError(*issues, *refused.issues) from None
    issues += [issue for file in files for issue in file(world)]
    if issues:
        raise KhabarError(*sorted(issues, key=lambda issue: (issue.where.rpartition(":")[0], _line(issue))))


def _within(project: Project, faults: Iterable[Issue]) -> Iterator[Issue]:
    """Yield errors with their places named from the project's folder on."""
    return (replace(issue, where=issue.where.removeprefix(f"{project.root}/")) for issue in faults)


def _line(issue: Issue) -> int:
    return int(issue.where.rpartition(":")[2])


def _world(project: Project, gone: set[str]) -> ProjectIndex:
    articles = {article.id: article for article in batch_articles(project)}
    return ProjectIndex(articles, gone, project.schema.labels, project.schema.label_hash, SPLIT_NAMES)
