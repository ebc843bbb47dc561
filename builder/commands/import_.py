"""The command `import`: take a published dataset into the project."""

import hashlib
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from builder.cli.options import bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.commands.clean import clean
from builder.executor.start import LOCAL, ExecutorConfig
from builder.formats.brat import read_brat
from builder.formats.draft import draft_map
from builder.formats.files import SUFFIXES, read_files
from builder.formats.jsonl import read_jsonl
from builder.formats.published import InputFile, PublishedSet
from builder.formats.settle import settle
from builder.formats.table import read_table
from builder.formats.tagged.conll import read_conll
from builder.io.atomic import write_bytes
from builder.io.yaml import parse_yaml
from builder.labelstudio.exports.published import read_export
from builder.project.corpus import profile_of
from builder.project.imports import store
from builder.project.project import Project
from builder.records import ImportedSet, Issue, Line, NextStep, Report, counted, user_error
from builder.release.splits import leakage
from builder.release.splits.assign import leaks_of
from builder.schema.importing import ImportMap
from builder.schema.labels import Labels

SHOWN = 5
"""Pairs of similar texts that a warning names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport(Report):
    """The report of `import`: the name of the set, the role of its annotations, and how much it holds."""

    name: str
    role: str
    articles: int
    mentions: int
    stances: int
    answers: int = 0
    """Answers to questions on whole articles."""

    def lines(self) -> Iterator[Line]:
        """Return what the batch holds."""
        said = f"{self.name}: {counted(self.articles, 'article')}, {counted(self.mentions, 'mention')}"
        stances = f", {counted(self.stances, 'stance')}" if self.stances else ""
        answers = f", {self.answers:,} answers to questions" if self.answers else ""
        yield Line("batch", f"{said}{stances}{answers} as {self.role}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftReport(Report):
    """The report of `import --dry-run` where there was no map: the draft, and how much of it is to decide."""

    path: Path
    undecided: int

    def lines(self) -> Iterator[Line]:
        """Return the path of the draft."""
        yield Line("map", f"{self.path} (first draft, {self.undecided} to decide)")


@click.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--as", "kind", required=True, type=click.Choice([*SUFFIXES]), help="Format of the files.")
@click.option(
    "--map", "map_path", type=click.Path(path_type=Path), metavar="FILE", help="The map (default: schema/import.yaml)."
)
@click.option("--dry-run", is_flag=True, help="Draft the map if there is none; else report, and store nothing.")
@bulk
@road
def cli(
    console: Console, paths: tuple[Path, ...], kind: str, map_path: Path | None, dry_run: bool
) -> ImportReport | DraftReport:
    """Take a published dataset into the project: its texts, annotations and splits, as they were published.

    PATHS are files or folders. The map says what columns, tags and labels mean; --dry-run drafts it from what the files
    hold. Texts are not cleaned, and nothing is repaired that the map does not allow. Every odd tag is reported with its
    lines. Exit 1 with all tags and labels that the map does not know, 2 if the files are of another format.
    """
    project = project_of(console)
    where = console.folder / map_path if map_path else project.root / "schema" / "import.yaml"
    run = ExecutorConfig(console.engine, console.workers, console.step)
    report = import_set(project, [console.folder / path for path in paths], kind, where, dry_run=dry_run, run=run)
    if not dry_run:
        return report
    words = ["khabar", "import", *map(str, paths), "--as", kind, *(["--map", str(map_path)] if map_path else [])]
    why = "once the map decides what is left open" if isinstance(report, DraftReport) else "stores what it reports here"
    return replace(report, next=NextStep(shlex.join(words), why))


def import_set(
    project: Project, paths: Sequence[Path], kind: str, where: Path, *, dry_run: bool = False, run: ExecutorConfig = LOCAL
) -> ImportReport | DraftReport:  # fmt: skip
    """Import a published set as one batch, with its gold as decisions or its annotators' work as judgements.

    The same files and map give the same result, whatever was killed before.
    """
    with project.lock():
        files = read_files(paths, kind)
        content = where.read_bytes() if where.exists() else b""
        if not content.strip():
            return _drafted(project, files, kind, where, dry_run=dry_run)
        rules = _map(content, where)
        found = read_set(files, kind, rules, project.schema.labels)
        issues = [*found.issues, *_leaks(project, found)]
        report = ImportReport(
            "import", found.accounts, tuple(issues), set_aside=found.set_aside, name=rules.name, role=rules.role,
            articles=found.articles.num_rows, mentions=found.spans.num_rows, stances=found.stances.num_rows,
            answers=found.answers.num_rows,
        )  # fmt: skip
        _refuse_no_split(rules, found)
        done = _line(kind, rules, files, content, found)
        store.refuse_other(project, done)
        if dry_run:
            return report
        store.store_documents(project, rules, done, found)
    clean(project, run)
    with project.lock():
        store.store_batch(project, rules, done, found, content)
        project.save_account("import", found.accounts, found.set_aside)
    return report


def _map(content: bytes, where: Path) -> ImportMap:
    """Parse a map. Raises KhabarError (exit code 2) with each of its faults."""
    name = f"{where.parent.name}/{where.name}".removeprefix("/")
    try:
        return parse_yaml(content.decode("utf-8-sig"), ImportMap, name)
    except UnicodeDecodeError as error:
        raise user_error("map", f"not UTF-8 at byte {error.start}", where=name, fix="save the map as UTF-8") from None


def read_set(files: Sequence[InputFile], kind: str, rules: ImportMap, labels: Labels) -> PublishedSet:
    """Read the files of a published set in a format."""
    names = labels.entity_names
    readers: Mapping[str, Callable[[], PublishedSet]] = {
        "conll": lambda: read_conll(files, rules, names),
        "brat": lambda: read_brat(files, rules, names),
        "jsonl": lambda: read_jsonl(files, rules, labels),
        "table": lambda: read_table(files, rules, labels),
        "labelstudio": lambda: read_export(files, rules, labels),
    }
    return settle(readers[kind](), whole_words=labels.clitics == "expand")


def _drafted(project: Project, files: Sequence[InputFile], kind: str, where: Path, *, dry_run: bool) -> DraftReport:
    """Write the first draft of the map. Raises KhabarError (exit code 2) unless that is asked for."""
    if not dry_run:
        fix = "run the same command with --dry-run to draft one, and decide what it leaves open"
        raise user_error("no-map", "there is no map that says what the files mean", where=str(where), fix=fix)
    text = draft_map(kind, _name(where, project), files, project.schema.labels)
    write_bytes(where, text.encode())
    return DraftReport("import", path=where, undecided=text.count('"?"') - 1)


def _name(where: Path, project: Project) -> str:
    """Return a name for the set: that of the map's file after `import-`, or of the project's folder."""
    word = where.stem.removeprefix("import").strip("-_.") or project.root.name
    return re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")[:31] or "published"


def _line(kind: str, rules: ImportMap, files: Sequence[InputFile], content: bytes, found: PublishedSet) -> ImportedSet:
    """Return the line of annotations/imports.jsonl."""
    hashes = {file.name: hashlib.sha256(file.content).hexdigest() for file in files}
    repairs = tuple(issue.message for issue in found.issues if issue.code in ("repaired", "odd-tag"))
    return ImportedSet(
        rules.name, kind, rules.source, rules.url or "", rules.licence.text, rules.licence.annotations, rules.citation,
        rules.role, rules.splits, hashes, hashlib.sha256(content).hexdigest(), found.accounts, repairs,
    )  # fmt: skip


def _refuse_no_split(rules: ImportMap, found: PublishedSet) -> None:
    """Raise KhabarError (exit code 2) if published splits are wanted and an article has none."""
    if rules.splits != "as-published":
        return
    rows = zip(found.articles["file"].to_pylist(), found.articles["split"].to_pylist(), strict=True)
    without = [*dict.fromkeys(file for file, split in rows if not split)]
    if without:
        message = f"{len(without)} files name no split: {', '.join(without[:SHOWN])}"
        fix = "write `split_names: {WORD: train}` in the map for words of their names, or `splits: ours`"
        raise user_error("splits", message, where=without[0], fix=fix)


def _leaks(project: Project, found: PublishedSet) -> list[Issue]:
    """Return a warning if texts of different published splits are equal or alike."""
    columns = ("split", "text", "title", "published_id")
    splits, texts, titles, ids = (found.articles[name].to_pylist() for name in columns)
    if len({*splits} - {""}) < 2:
        return []
    fold = profile_of(project).fold_batch
    alike = leakage.pairs(fold(texts), fold([title or "" for title in titles]))
    groups = leakage.merge_groups({name: name for name in ids}, [(ids[one.left], ids[one.right]) for one in alike])
    leaks = leaks_of(groups, dict(zip(ids, splits, strict=True)))
    if not leaks:
        return []
    first = ({split: name for name, split in reversed(one.splits.items())} for one in leaks[:SHOWN])
    shown = "; ".join(" and ".join(f"{one[split]} ({split})" for split in sorted(one)) for one in first)
    message = f"groups of texts that are equal or alike and stand in several published splits: {len(leaks):,} ({shown})"
    return [
        Issue(
            "warning",
            "leaks",
            message,
            fix="the card lists them if `splits: as-published`; `splits: ours` separates them",
        )
    ]
