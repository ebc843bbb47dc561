"""Read annotations/<batch>/*.jsonl: batches, judgements, decisions, predictions, takedowns."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.persons import aliases_of, resolve
from builder.annotation.quality.merged import contradictions, join, join_table, table_contradictions
from builder.annotation.quality.repeats import merge_decisions
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, read_lines, write_jsonl
from builder.io.jsonl_table import LineTable, read_table_lines
from builder.io.parquet import to_table
from builder.project.project import Project
from builder.records import (
    AcceptedChange,
    AnnotatorAssignment,
    AskedPage,
    BatchItem,
    Decision,
    ImportedSet,
    Issue,
    Judgement,
    KhabarError,
    PersonAlias,
    PublishedAnnotation,
    Takedown,
    Withdrawal,
    user_error,
)
from builder.records.arrow import records_of
from builder.release.diff.version import version_key

R = TypeVar("R")


@dataclass(frozen=True, slots=True, eq=False)
class LinesRead:
    """The valid lines of a file of annotations/ as columns, and the errors of the others."""

    lines: LineTable
    issues: tuple[Issue, ...]


def read_numbered(project: Project, path: Path, record: type[R]) -> tuple[list[tuple[int, R]], list[Issue]]:
    """Read a file of annotations/ with line numbers, and return an Issue for each invalid line."""
    found = project.once(path, lambda: read_lines(path, record))
    project.digest(path)
    return found


def read_merged(project: Project, path: Path, record: type[R]) -> list[R]:
    """Read a file of annotations/, joined; an absent file has no records.

    Raises KhabarError (exit code 2) with every malformed line and every contradiction.
    """
    return project.once((path, "joined"), lambda: _joined(project, path, record))


def _joined(project: Project, path: Path, record: type[R]) -> list[R]:
    lines, faults = read_numbered(project, path, record)
    issues = [*faults, *contradictions(str(path), lines)]
    if issues:
        raise KhabarError(*issues)
    return [one for _, one in join(lines)]


def read_line_table(project: Project, path: Path, record: type) -> LinesRead:
    """Read a file of annotations/ as columns with line numbers, with an Issue for each invalid line."""
    table, issues = project.once((path, "columns"), lambda: read_table_lines(path, record))
    project.digest(path)
    return LinesRead(table, tuple(issues))


def read_merged_table(project: Project, path: Path, record: type) -> pa.Table:
    """Read a file of annotations/ as columns, joined; an absent file has no rows.

    Raises KhabarError (exit code 2) with every malformed line and every contradiction.
    """
    return project.once((path, "joined columns"), lambda: _joined_table(project, path, record))


def _joined_table(project: Project, path: Path, record: type) -> pa.Table:
    read = read_line_table(project, path, record)
    issues = [*read.issues, *table_contradictions(str(path), read.lines, record)]
    if issues:
        raise KhabarError(*issues)
    return join_table(read.lines, record)


def check_batch_name(name: str, example: str) -> None:
    """Raise KhabarError (exit code 2) unless a batch name is one: a-z, 0-9, '-' and '_', at most 31 characters."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,30}", name):
        message = f"{name!r} is not a batch name: a-z, 0-9, '-' and '_', at most 31"
        raise user_error("batch", message, fix=f"such as {example}")


def batch_name(project: Project, batch: str | None) -> str:
    """Return the named batch, or the only one. Raises KhabarError if there is none or the choice is ambiguous."""
    names = project.batches()
    if batch is None and len(names) > 1:
        raise user_error(
            "which-batch", f"there are {len(names)} batches: {', '.join(names)}", fix="name one with --batch"
        )
    if batch is None and names:
        return names[0]
    if batch is None or batch not in names:
        raise user_error("no-batch", f"there is no batch {batch or ''}".strip(), fix="run `khabar sample` first")
    return batch


def batch_path(project: Project, batch: str) -> Path:
    """Return the path of the articles of a batch."""
    return project.annotations / batch / "batch.jsonl"


def read_batch_table(project: Project, batch: str) -> pa.Table:
    """Read the articles of one batch as columns, in the order of the file."""
    return read_merged_table(project, batch_path(project, batch), BatchItem)


def read_batch(project: Project, batch: str) -> list[BatchItem]:
    """Read the articles of one batch, in the order of the file."""
    return records_of(read_batch_table(project, batch), BatchItem)


def read_batch_ids(project: Project, batch: str) -> list[str]:
    """Read the ids of the articles of one batch, in the order of the file."""
    return list(read_batch_table(project, batch)["article_id"].to_pylist())


def read_assigned(project: Project, batch: str) -> list[AnnotatorAssignment]:
    """Read who annotates what in one batch, if annotators have a project or a server each."""
    return read_merged(project, project.annotations / batch / "assignment.jsonl", AnnotatorAssignment)


def read_known(project: Project, batch: str) -> list[Decision]:
    """Read the articles of one batch with known answers, written by the lead annotator."""
    return read_merged(project, project.annotations / batch / "known.jsonl", Decision)


def published_path(project: Project, batch: str) -> Path:
    """Return the path of the published annotations of a reopened batch."""
    return project.annotations / batch / "predictions.jsonl"


def read_published_table(project: Project, batch: str) -> pa.Table:
    """Read the published annotations of a reopened batch as columns; no row for any other batch.

    Those of a person who has withdrawn are left out.
    """
    published = read_merged_table(project, published_path(project, batch), PublishedAnnotation)
    return _without(published, "who", withdrawn(project))


def read_published(project: Project, batch: str) -> list[PublishedAnnotation]:
    """Read the published annotations of a reopened batch; empty for any other batch.

    Those of a person who has withdrawn are left out.
    """
    return records_of(read_published_table(project, batch), PublishedAnnotation)


def _without(table: pa.Table, column: str, names: Collection[str]) -> pa.Table:
    """Return the rows that have none of these names in a column."""
    return table.filter(pc.invert(pc.is_in(table[column], pa.array(sorted(names), pa.string()))))


def labelstudio_project_of(project: Project, batch: str, annotator: str = "") -> dict[str, str]:
    """Return the `url` and `project_id` of a batch in Label Studio: the annotator's project, or else the shared one."""
    own = project.noted(f"sent/{batch}/{annotator}") if annotator else {}
    return own or project.noted(f"sent/{batch}")


def project_title(project: Project, batch: str, annotator: str = "") -> str:
    """Return the title of a Label Studio project, at most 50 characters and unique to dataset, batch and annotator."""
    repo_id = project.schema.dataset.repo_id
    for whose in (repo_id, sha16(repo_id)[:8]):
        title = f"{whose} {batch} {annotator}".rstrip()
        if len(title) <= 50:
            return title
    return f"{sha16(f'{repo_id} {batch}')} {annotator}".rstrip()


def collected_path(project: Project, batch: str) -> Path:
    """Return the path of the local cache of a batch's downloaded annotations."""
    return project.work / "collected" / f"{batch}.sqlite3"


def read_aliases(project: Project) -> dict[str, str]:
    """Read which pseudonym each alias of a person stands for."""
    return aliases_of(read_jsonl(project.annotations / "persons.jsonl", PersonAlias))


def write_aliases(project: Project, aliases: Mapping[str, str]) -> None:
    """Write aliases, each with the pseudonym that it finally stands for, if there are new ones."""
    if aliases != read_aliases(project):
        lines = [PersonAlias(alias, resolve(alias, aliases)) for alias in sorted(aliases)]
        write_jsonl(project.annotations / "persons.jsonl", [line for line in lines if line.alias != line.annotator])


def read_judgement_table(project: Project, batch: str) -> pa.Table:
    """Read the judgements of one batch, as they were collected, as columns.

    Raises KhabarError (exit code 2) with every malformed line and every contradiction.
    """
    return read_merged_table(project, project.annotations / batch / "judgements.jsonl", Judgement)


def read_judgements_of(project: Project, batch: str) -> list[Judgement]:
    """Read the judgements of one batch, as they were collected."""
    return records_of(read_judgement_table(project, batch), Judgement)


def read_collected(project: Project) -> dict[str, pa.Table]:
    """Read the judgements of each batch, as they were collected, as columns."""
    return {name: read_judgement_table(project, name) for name in project.batches()}


def read_judgements(project: Project) -> list[Judgement]:
    """Read the judgements of all batches."""
    return [judgement for own in read_collected(project).values() for judgement in records_of(own, Judgement)]


def change_of(judgement: Judgement) -> AcceptedChange:
    """Return the line that accepts a judgement's change by another person."""
    return AcceptedChange(judgement.article_id, judgement.annotator, judgement.changed_by, judgement.updated_at)


def read_accepted(project: Project) -> frozenset[AcceptedChange]:
    """Read the changes by other persons that the lead annotator accepted."""
    return frozenset(read_merged(project, project.annotations / "accepted.jsonl", AcceptedChange))


def read_imports(project: Project) -> list[ImportedSet]:
    """Read which published sets were imported."""
    return read_merged(project, project.annotations / "imports.jsonl", ImportedSet)


def read_withdrawals(project: Project) -> list[Withdrawal]:
    """Read which annotators have withdrawn their work."""
    return read_merged(project, project.annotations / "withdrawals.jsonl", Withdrawal)


def withdrawn(project: Project) -> set[str]:
    """Return the annotators whose work no later release may contain."""
    return {withdrawal.annotator for withdrawal in read_withdrawals(project)}


def asked_path(project: Project, batch: str) -> Path:
    """Return the file with what adjudicators were asked about a batch."""
    return project.annotations / batch / "asked.jsonl"


def read_asked(project: Project, batch: str) -> list[AskedPage]:
    """Read what adjudicators were asked about a batch, page by page."""
    return read_merged(project, asked_path(project, batch), AskedPage)


def read_decisions(project: Project, known: Mapping[str, Sequence[Decision]] | None = None) -> list[Decision]:
    """Read the decisions of all batches. If an adjudicator decided in several, the batch reopened last counts.

    Those of a person who has withdrawn are left out. `known` has the decisions of batches that need not be read.
    """
    known = known or {}
    gone = withdrawn(project)
    plain: list[Decision] = []
    later: list[tuple[str, list[Decision]]] = []
    for name in project.batches():
        path = project.annotations / name / "decisions.jsonl"
        lines = to_table(known[name], Decision) if name in known else read_merged_table(project, path, Decision)
        decisions = records_of(_without(lines, "adjudicator", gone), Decision)
        published = read_published_table(project, name)
        if published.num_rows:
            later.append((published["version"][0].as_py(), decisions))
        else:
            plain += decisions
    later.sort(key=lambda pair: version_key(pair[0]))
    return merge_decisions([plain, *(decisions for _, decisions in later)])


def read_takedowns(project: Project) -> list[Takedown]:
    """Read which articles were taken down."""
    return read_merged(project, project.annotations / "takedowns.jsonl", Takedown)


def taken_down(project: Project) -> set[str]:
    """Return the ids of articles that no later release may contain."""
    return {takedown.article_id for takedown in read_takedowns(project)}
