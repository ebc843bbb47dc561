"""`khabar schema migrate`: rewrite annotations/ and the local caches to the names of labels.yaml, all or nothing."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from builder.annotation.columns import coded, items
from builder.annotation.migration.offered import FIELDS
from builder.annotation.migration.plan import Plan, Step
from builder.annotation.migration.rename import (
    DIFFER,
    Plain,
    Rewritten,
    rename_answers,
    rename_asked,
    rename_dispute,
    rewrite_lines,
)
from builder.annotation.migration.versions import Renames, latest, version_of, with_new_names
from builder.io.journal import change_files, changed_since, has_changes, undo_last
from builder.io.plain import to_plain
from builder.project.annotations import read_merged
from builder.project.migration.kept import schemas_folder
from builder.project.migration.state import (
    batch_folders,
    current_plan,
    guidelines_folder,
    judgement_tables,
    known_versions,
)
from builder.project.project import Project
from builder.records import (
    LAYERS,
    Issue,
    KhabarError,
    LabelVersion,
    OfferedName,
    Requeued,
    user_error,
)

FILES: Mapping[str, Callable[[Plain, Renames, Rewritten], Plain]] = {
    "judgements.jsonl": rename_answers,
    "decisions.jsonl": rename_answers,
    "known.jsonl": rename_answers,
    "predictions.jsonl": rename_answers,
    "disputed.jsonl": rename_dispute,
    "asked.jsonl": rename_asked,
}
"""The files of a batch that have names of labels, and how a line of each is rewritten."""


@dataclass(frozen=True, slots=True)
class Migration:
    """The steps of a migration, what was done to lines, and the number of files that were written."""

    steps: tuple[Step, ...] = ()
    rewritten: Rewritten = field(default_factory=Rewritten)
    files: int = 0


def migrate(project: Project, *, dry_run: bool = False) -> Migration:
    """Rewrite all annotations to the names of labels.yaml. A kill leaves all files as they were, or all as they become.

    Raises KhabarError (exit code 2) with every fault of `formerly` and `retired`.
    """
    with project.lock():
        project = project.snapshot()
        found = current_plan(project)
        if found.faults:
            raise KhabarError(*found.faults)
        if not found.steps:
            return Migration()
        done = Rewritten()
        contents = _contents(project, found, done)
        if not dry_run:
            change_files(project.journal, contents)
    return Migration(found.steps, done, len(contents))


def undo(project: Project) -> tuple[str, ...]:
    """Give annotations and caches back what they had before the last migration, and return their names.

    Raises KhabarError (exit code 1) if files changed since, as that would be lost.
    """
    with project.lock():
        journal = project.journal
        if not has_changes(journal):
            message = "this machine has no migration to take back"
            raise user_error("undo", message, fix="restore annotations/ from git", exit_code=1)
        if changed := [name for name in changed_since(journal) if not name.startswith(".khabar/")]:
            fix = "restore annotations/ from git, or write `formerly` for the way back and migrate again"
            raise KhabarError(
                *(Issue("error", "undo", "changed since the migration", name, fix) for name in changed), exit_code=1
            )
        return undo_last(journal)


def _contents(project: Project, found: Plan, done: Rewritten) -> dict[Path, bytes | None]:
    """Return the new content of each file that changes."""
    renames = found.renames()
    contents: dict[Path, bytes | None] = {}
    for folder in batch_folders(project):
        for name, change in FILES.items():
            path = folder / name
            if path.exists():
                before = path.read_bytes()
                after = rewrite_lines(before, renames, change, done)
                contents |= {path: after} if after != before else {}
    for path in sorted((project.work / "collected").glob("*.sqlite3")) if any(renames.values()) else ():
        contents[path] = _cache(path, renames)
    versions = _versions(project, renames)
    contents |= {schemas_folder(project) / f"{one.version}.json": _json(one) for one in versions}
    guide = guidelines_folder(project) / f"{project.schema.guideline_version}.md"
    if not guide.exists():
        contents[guide] = project.schema.guidelines.encode()
    if marked := _requeued(project, found, done):
        lines = "".join(json.dumps(to_plain(one), ensure_ascii=False) + "\n" for one in marked)
        contents[project.annotations / "requeue.jsonl"] = lines.encode()
    return contents


def _versions(project: Project, renames: Renames) -> list[LabelVersion]:
    """Return all known versions with the new names, and the present one as the last."""
    versions, schema = known_versions(project), project.schema
    last = latest(versions)
    present = version_of(schema.labels, schema.label_hash, last.number + 1 if last else 1)
    others = [with_new_names(one, renames) for one in versions.values() if one.version != schema.label_hash]
    named = {version for table in judgement_tables(project) for version in coded(table["schema"]).names}
    lost = [_unknown(version, present, renames) for version in sorted(named - {*versions, schema.label_hash})]
    return [*lost, *others, present]


def _unknown(version: str, present: LabelVersion, renames: Renames) -> LabelVersion:
    """Return a version of labels.yaml that nothing says what it offered: everything, under the names before."""
    entities, targets, values = (
        (*(OfferedName(old, new) for old, new in renames[layer].items()),
         *(OfferedName(one.name, one.name) for one in present.layer(layer) if one.name not in renames[layer]))
        for layer in LAYERS
    )  # fmt: skip
    return LabelVersion(version, 0, entities, targets, values, present.questions)


def _json(version: LabelVersion) -> bytes:
    return (json.dumps(to_plain(version), ensure_ascii=False, indent=1) + "\n").encode()


def _cache(path: Path, renames: Renames) -> bytes:
    """Return a local cache of downloaded annotations with other names."""
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / path.name
        copy.write_bytes(path.read_bytes())
        db = sqlite3.connect(copy)
        with db:
            rows = db.execute("select rowid, line from judgement").fetchall()
            lines = b"".join(line.encode() + b"\n" for _, line in rows)
            changed = rewrite_lines(lines, renames, rename_answers, Rewritten()).splitlines()
            made = [(new.decode(), row) for (row, old), new in zip(rows, changed, strict=True) if new.decode() != old]
            db.executemany("update judgement set line = ? where rowid = ?", made)
        db.close()
        return copy.read_bytes()


def _requeued(project: Project, found: Plan, done: Rewritten) -> list[Requeued]:
    """Return the articles to be annotated again, with those marked before; each reason once."""
    before = read_merged(project, project.annotations / "requeue.jsonl", Requeued)
    fresh = {Requeued(article, DIFFER) for article in done.counts}
    for step in found.steps:
        if step.kind in ("split", "change"):
            why = f"{step.old} was split" if step.kind == "split" else f"{step.new} means something else"
            fresh |= {Requeued(article, why) for table in judgement_tables(project) for article in _having(table, step)}
    if not fresh:
        return []
    return sorted({*before, *fresh}, key=lambda one: (one.article_id, one.why))


def _having(table: pa.Table, step: Step) -> set[str]:
    """Return the articles whose judgements have the label, target or answer of a step. Decisions rest on judgements."""
    column, field = FIELDS[step.layer]
    given = items(table, column)
    rows = given.row[given.strings(field).among([step.old]) == 0]
    return {*table["article_id"].take(rows).to_pylist()}
