"""The versions of labels.yaml and of the guidelines in annotations/, and what of labels.yaml the annotations lack."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from builder.annotation.columns import coded
from builder.annotation.migration.offered import EVERYTHING, Offers, count_by_version, names_used, offers_of
from builder.annotation.migration.plan import LABELS, MIGRATE, NOUNS, Plan, Step, plan
from builder.annotation.migration.questions import count_answers, lost_answer_faults, lost_answers
from builder.annotation.migration.versions import latest, version_of
from builder.annotation.quality.merged import CONTRADICTION
from builder.io.atomic import write_bytes
from builder.io.hashing import sha16
from builder.io.jsonl import write_json
from builder.io.plain import to_plain
from builder.labelstudio.download.pages import PageVersions
from builder.project.annotations import read_collected, read_known, read_line_table, read_merged_table
from builder.project.migration.kept import read_versions, schemas_folder
from builder.project.project import Project
from builder.records import (
    LAYERS,
    Decision,
    Issue,
    Judgement,
    KhabarError,
    LabelVersion,
    PublishedAnnotation,
)
from builder.records.arrow import records_of


def guidelines_folder(project: Project) -> Path:
    """Return the folder of the texts of the guidelines that judgements were made under."""
    return project.annotations / "guidelines"


def note_versions(project: Project, guidelines: Collection[str] = ()) -> None:
    """Keep what pages of the present labels.yaml offer, and the present guidelines if they are among these."""
    schema, versions = project.schema, read_versions(project)
    known = versions.get(schema.label_hash)
    if known is None or not (known.number or any(known.renamed(layer) for layer in LAYERS)):
        last = latest(versions)
        write_version(project, version_of(schema.labels, schema.label_hash, last.number + 1 if last else 1))
    path = guidelines_folder(project) / f"{schema.guideline_version}.md"
    if schema.guideline_version in guidelines and not path.exists():
        write_bytes(path, schema.guidelines.encode())


def note_collected(project: Project, pages: Collection[PageVersions]) -> None:
    """Keep the present labels and guidelines, if the pages of collected judgements had them."""
    if any(page.labels == project.schema.label_hash for page in pages):
        note_versions(project, {page.guidelines for page in pages})


def names_mark(versions: Mapping[str, LabelVersion]) -> str:
    """Return what differs when the present name of anything that pages showed does; nothing if all have theirs."""
    renamed = [
        f"{key} {layer} {old} {new}"
        for key, version in sorted(versions.items())
        for layer in LAYERS
        for old, new in version.renamed(layer).items()
    ]
    return f" {sha16(chr(10).join(renamed))}" if renamed else ""


def write_version(project: Project, version: LabelVersion) -> None:
    """Write what pages offer under one version of labels.yaml."""
    write_json(schemas_folder(project) / f"{version.version}.json", to_plain(version))


def known_versions(project: Project) -> dict[str, LabelVersion]:
    """Return the known versions; where none is kept, the present one if judgements name it."""
    versions, schema = read_versions(project), project.schema
    if latest(versions) is None and any(
        schema.label_hash in coded(table["schema"]).names for table in read_collected(project).values()
    ):
        return versions | {schema.label_hash: version_of(schema.labels, schema.label_hash, 1)}
    return versions


def read_offers(project: Project) -> Offers:
    """Return which labels and targets the pages of each version offered."""
    versions = read_versions(project)
    return offers_of(versions, project.schema.labels) if len(versions) > 1 else EVERYTHING


def batch_folders(project: Project) -> list[Path]:
    """Return the folders of annotations/ that hold files of a batch."""
    return sorted({path.parent for path in project.annotations.glob("*/*.jsonl")})


def judgement_tables(project: Project) -> list[pa.Table]:
    """Return the judgements of each folder that holds files of a batch, as columns."""
    return [_lines(project, folder / "judgements.jsonl", Judgement) for folder in batch_folders(project)]


def _lines(project: Project, path: Path, record: type) -> pa.Table:
    """Return the records of a file; where git joined lines from before and after a migration, all of them."""
    try:
        return read_merged_table(project, path, record)
    except KhabarError as refused:
        if any(issue.code != CONTRADICTION for issue in refused.issues):
            raise
    return read_line_table(project, path, record).lines.table


def other_answers(project: Project) -> Iterator[Decision | PublishedAnnotation]:
    """Yield what else in annotations/ has labels, targets or stances."""
    for folder in batch_folders(project):
        yield from records_of(_lines(project, folder / "decisions.jsonl", Decision), Decision)
        published = _lines(project, folder / "predictions.jsonl", PublishedAnnotation)
        yield from records_of(published, PublishedAnnotation)
        yield from read_known(project, folder.name)


def current_plan(project: Project) -> Plan:
    """Return the steps from the annotations to the present labels.yaml."""

    def make() -> Plan:
        versions = known_versions(project)
        labels, tables, others = project.schema.labels, judgement_tables(project), [*other_answers(project)]
        made = plan(labels, versions, names_used(count_by_version(tables), others, versions))
        lost = lost_answers(count_answers(tables, others), labels)
        faults = (*made.faults, *lost_answer_faults(lost, labels))
        return replace(made, faults=tuple(_located(project, fault) for fault in faults), lost=tuple(sorted(lost)))

    return project.once("migration plan", make)


def _located(project: Project, fault: Issue) -> Issue:
    """Return a fault of labels.yaml with the line of the entry that it is about."""
    where, _, name = fault.where.partition("#")
    entry = re.compile(rf"\b(?:name|id): *[\"']?{re.escape(name)}\b(?![-\w])") if name else None
    lines = (project.root / LABELS).read_text(encoding="utf-8-sig").splitlines()
    for number, line in enumerate(lines, 1):
        if entry and (found := entry.search(line)):
            return replace(fault, where=f"{where}:{number}:{found.start() + 1}")
    return replace(fault, where=where)


def refuse_pending(project: Project, verb: str) -> None:
    """Raise KhabarError (exit code 1) with every reason why labels.yaml does not fit the annotations, one for each cause."""
    try:
        found = current_plan(project)
    except KhabarError:  # malformed lines, which the command reports with all others
        return
    if found.pending:
        raise KhabarError(*pending_issues(found, f"{verb} waits: "), exit_code=1)


def pending_issues(found: Plan, before: str = "") -> list[Issue]:
    """Return one error for each step that was not taken, with the number of annotations that it is about."""
    issues = [replace(fault, message=f"{before}{fault.message}") for fault in found.faults]
    steps = [step for step in found.steps if step.kind != "change"] if not found.faults else []
    return issues + [Issue("error", "migrate", f"{before}{say(step)}", LABELS, MIGRATE) for step in steps]


def say(step: Step) -> str:
    """Return a step in words."""
    noun = NOUNS[step.layer]
    things = ("span has", "spans have") if step.layer == "entities" else ("answer has", "answers have")
    used = f"{step.used:,} {things[step.used != 1]} it"
    return {
        "rename": f"{noun} {step.old} is renamed to {step.new}: {used}",
        "merge": f"{noun} {step.old} is merged into {step.new}: {used}",
        "retire": f"{noun} {step.old} is retired: {used}, and no longer count{'s' * (step.used == 1)}",
        "add": f"{noun} {step.new} is added: earlier pages did not ask for it",
        "split": f"{noun} {step.old} is split: {used}, and its articles are queued again",
        "change": f"{noun} {step.new} means something else: {used}, and its articles are queued again",
    }[step.kind]
