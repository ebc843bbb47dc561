"""Every line of annotations/ held against what it can be, before anything is made of it: all faults at once."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from builder import state
from builder.annotation import nonsense
from builder.annotation.nonsense import Lines, World
from builder.lines import read_lines
from builder.project import Project
from builder.records import (
    Answer,
    Assigned,
    Assignment,
    BatchItem,
    Decision,
    Dispute,
    Issue,
    Judgement,
    Refused,
    Takedown,
)

R = TypeVar("R")
Look = Callable[[Lines[R], World], Iterator[Issue]]


def refuse_nonsense(project: Project) -> None:
    """Raise Refused (exit code 2) with every line of annotations/ that is broken, or says what cannot be."""
    issues: list[Issue] = []
    files: list[Callable[[World], Iterator[Issue]]] = []

    def read(path: Path, record: type[R], look: Look[R] | None = None) -> list[R]:
        lines, faults = read_lines(path, record)
        issues.extend(replace(one, where=one.where.removeprefix(f"{project.root}/")) for one in faults)
        file = Lines(str(path.relative_to(project.root)), lines)
        if look:
            files.append(lambda world: look(file, world))
        return [one for _, one in lines]

    folder = project.annotations
    read(folder / "splits.jsonl", Assignment, nonsense.split_faults)
    takedowns = read(folder / "takedowns.jsonl", Takedown)
    for name in project.batches():
        read(folder / name / "batch.jsonl", BatchItem, nonsense.batch_faults)
        read(folder / name / "judgements.jsonl", Judgement, nonsense.judgement_faults)
        read(folder / name / "decisions.jsonl", Decision, nonsense.decision_faults)
        read(state.published_path(project, name), Answer, nonsense.answer_faults)
        read(folder / name / "known.jsonl", Decision)
        read(folder / name / "assignment.jsonl", Assigned)
        read(folder / name / "disputed.jsonl", Dispute)
    try:
        world = _world(project, {one.article_id for one in takedowns})
    except Refused as refused:
        raise Refused(*issues, *refused.issues) from None
    issues += [issue for file in files for issue in file(world)]
    if issues:
        raise Refused(*sorted(issues, key=lambda issue: (issue.where.rpartition(":")[0], _line(issue))))


def _line(issue: Issue) -> int:
    return int(issue.where.rpartition(":")[2])


def _world(project: Project, gone: set[str]) -> World:
    from builder.release.strategies import NAMES

    articles = {article.id: article for article in state.sampled_articles(project)}
    return World(articles, gone, project.schema.labels, project.schema.label_hash, NAMES)
