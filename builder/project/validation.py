"""Validate every file under annotations/ before a build and report all errors at once."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from builder.annotation.quality import integrity
from builder.annotation.quality.integrity import Lines, ProjectIndex
from builder.annotation.quality.merged import contradictions, table_contradictions
from builder.io.jsonl_table import LineTable
from builder.project.annotations import asked_path, batch_path, published_path, read_line_table, read_numbered
from builder.project.batches import batch_articles
from builder.project.project import Project
from builder.records import (
    LEDGER,
    AcceptedChange,
    AnnotatorAssignment,
    AskedPage,
    BatchItem,
    Decision,
    Dispute,
    ImportedSet,
    Issue,
    Judgement,
    KhabarError,
    LedgerEntry,
    PersonAlias,
    PublishedAnnotation,
    Requeued,
    Severity,
    SplitAssignment,
    SplitBorder,
    Takedown,
    Withdrawal,
)
from builder.release.splits.strategies import SPLIT_NAMES
from builder.schema.dataset import OPEN, open_fields

R = TypeVar("R")


Look = Callable[[Lines[R], ProjectIndex], Iterator[Issue]]

TableLook = Callable[[str, LineTable, ProjectIndex], Iterator[Issue]]


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

    def read_table(path: Path, record: type, look: TableLook) -> None:
        found, name = read_line_table(project, path, record), str(path.relative_to(project.root))
        issues.extend([*_within(project, found.issues), *table_contradictions(name, found.lines, record)])
        files.append(lambda world: look(name, found.lines, world))

    folder = project.annotations
    read(folder / "splits.jsonl", SplitAssignment, integrity.split_faults)
    read(folder / "borders.jsonl", SplitBorder, integrity.border_faults)
    takedowns = read(folder / "takedowns.jsonl", Takedown)
    read(folder / "persons.jsonl", PersonAlias)
    read(folder / "withdrawals.jsonl", Withdrawal)
    read(folder / "accepted.jsonl", AcceptedChange)
    read(folder / "imports.jsonl", ImportedSet)
    read(folder / "requeue.jsonl", Requeued)
    read(folder / LEDGER, LedgerEntry)
    for name in project.batches():
        read_table(batch_path(project, name), BatchItem, integrity.batch_faults)
        read_table(folder / name / "judgements.jsonl", Judgement, integrity.judgement_table_faults)
        read_table(folder / name / "decisions.jsonl", Decision, integrity.decision_table_faults)
        read_table(published_path(project, name), PublishedAnnotation, integrity.published_table_faults)
        read(folder / name / "known.jsonl", Decision)
        read(folder / name / "assignment.jsonl", AnnotatorAssignment)
        read(folder / name / "disputed.jsonl", Dispute)
        read(asked_path(project, name), AskedPage)
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


def open_issues(project: Project, severity: Severity = "error") -> list[Issue]:
    """Return an issue for each field of dataset.yaml that is still open, which a build refuses."""
    names, issues = open_fields(project.schema.dataset), []
    lines = (project.root / "schema" / "dataset.yaml").read_text(encoding="utf-8").splitlines() if names else []
    for name in names:
        pattern = rf"\s*{name.rpartition('.')[2]}\s*:.*{OPEN}"
        number = next((number for number, line in enumerate(lines, 1) if re.match(pattern, line)), 1)
        issues.append(Issue(severity, "open", f"{name} is still {OPEN}", where=f"schema/dataset.yaml:{number}",
                            fix=ANSWERS[name]))  # fmt: skip
    return issues


ANSWERS = {
    "repo_id": "write the dataset's name on the Hub, such as my-org/my-dataset",
    "title": "write the title that the card shows",
    "licence.text": "write the licence of the texts, such as cc-by-4.0, or a sentence that says who gave permission",
    "licence.annotations": "write the licence of the annotations, such as cc-by-4.0",
}
"""What to write in each field that `khabar init` leaves open."""


def _line(issue: Issue) -> int:
    return int(issue.where.rpartition(":")[2])


def _world(project: Project, gone: set[str]) -> ProjectIndex:
    articles = {article.id: article for article in batch_articles(project)}
    return ProjectIndex(articles, gone, project.schema.labels, project.schema.label_hash, SPLIT_NAMES)
