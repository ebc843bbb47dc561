"""`khabar schema migrate`: rewrite annotations/ and the local caches to the names of labels.yaml, all or nothing."""

import json
import sqlite3
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from builder.annotation.columns import coded, items
from builder.annotation.migration.offered import FIELDS, count_names
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
from builder.annotation.migration.versions import Renames, latest, taken_back, version_of, with_new_names
from builder.io.journal import change_files, changed_since, contents_before, has_changes, undo_last
from builder.io.plain import from_plain, to_plain
from builder.project.annotations import read_merged
from builder.project.migration.kept import read_versions, schemas_folder
from builder.project.migration.state import (
    batch_folders,
    current_plan,
    guidelines_folder,
    judgement_tables,
    known_versions,
    other_answers,
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


def was_sent(project: Project) -> bool:
    """Return whether this machine sent a batch to a server, whose pages may show what a migration made."""
    return (project.work / "notes" / "sent").exists()


def undo(project: Project) -> tuple[str, ...]:
    """Give annotations and caches back what they had before the last migration, and return their names.

    If pages may have shown the labels of the migration, it stays known what they are called, for `send` and `collect`.
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
        return undo_last(journal, _pages_since(project) if was_sent(project) else {})


def _pages_since(project: Project) -> dict[Path, bytes]:
    """Return the files of the versions that the last migration added, with the names from before it."""
    project = project.snapshot()
    folder = schemas_folder(project)
    held = [content for path, content in contents_before(project.journal).items() if path.parent == folder]
    before = [from_plain(LabelVersion, json.loads(content)) for content in held]
    back = taken_back(read_versions(project), {one.version: one for one in before})
    return {folder / f"{one.version}.json": _json(one) for one in back}


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
    versions = _versions(project, found)
    contents |= {schemas_folder(project) / f"{one.version}.json": _json(one) for one in versions}
    guide = guidelines_folder(project) / f"{project.schema.guideline_version}.md"
    if not guide.exists():
        contents[guide] = project.schema.guidelines.encode()
    if marked := _requeued(project, found, done):
        lines = "".join(json.dumps(to_plain(one), ensure_ascii=False) + "\n" for one in marked)
        contents[project.annotations / "requeue.jsonl"] = lines.encode()
    return contents


def _versions(project: Project, found: Plan) -> list[LabelVersion]:
    """Return all known versions with the new names, and the present one as the last."""
    versions, schema, renames = known_versions(project), project.schema, found.renames()
    last = latest(versions)
    present = version_of(schema.labels, schema.label_hash, last.number + 1 if last else 1)
    others = [with_new_names(one, renames) for one in versions.values() if one.version != schema.label_hash]
    named = {version for table in judgement_tables(project) for version in coded(table["schema"]).names}
    lost = [_unknown(version, present, found) for version in sorted(named - {*versions, schema.label_hash})]
    return [*lost, *others, present]


def _unknown(version: str, present: LabelVersion, found: Plan) -> LabelVersion:
    """Return a version of labels.yaml that nothing says what it offered: everything, under the names before."""
    renames, fresh = found.renames(), {(step.layer, step.new) for step in found.steps if step.kind == "rename"}
    entities, targets, values = (
        (*(OfferedName(old, new) for old, new in renames[layer].items()),
         *(OfferedName(one.name, one.name) for one in present.layer(layer)
           if one.name not in renames[layer] and (layer, one.name) not in fresh))
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
            fresh |= {
                Requeued(one.article_id, why)
                for one in other_answers(project)
                if count_names([one])[step.layer][step.old]
            }
    if not fresh:
        return []
    return sorted({*before, *fresh}, key=lambda one: (one.article_id, one.why))


def _having(table: pa.Table, step: Step) -> set[str]:
    """Return the articles whose judgements have the label, target or answer of a step."""
    column, field = FIELDS[step.layer]
    given = items(table, column)
    rows = given.row[given.strings(field).among([step.old]) == 0]
    return {*table["article_id"].take(rows).to_pylist()}
