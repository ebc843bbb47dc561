"""The command `hydrate`: restore the texts of a stand-off release from the raw pages."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import click

from builder.cli.options import rehearse_option, verb
from builder.cli.output import Console
from builder.corpus.readers.documents import Reading, read_documents
from builder.corpus.readers.encodings import NAMES
from builder.corpus.readers.naming import option_to_pass
from builder.io.hashing import file_sha256
from builder.io.scratch import scratch_folder
from builder.project.project import Project, find_project
from builder.project.releases import resolve_release
from builder.project.services import hub
from builder.records import MANIFEST, Issue, KhabarError, Line, Release, Report, StageCounts, user_error
from builder.release.card import editions
from builder.release.editions.extractors import mismatches
from builder.release.editions.hydrate import (
    Paths,
    RestoredArticles,
    Texts,
    batches,
    hydrated_card,
    label_names_of,
    restore_articles,
)
from builder.release.editions.reading import ENCODING, change_fields, recorded_fields
from builder.release.editions.standoff import to_full
from builder.release.exports.conll import edition_files
from builder.release.publish import verify
from builder.release.publish.client import connect
from builder.release.publish.folder import read_manifest, write_release
from builder.release.tables.build import Tables
from builder.release.tables.features import LabelNames, arrow_schema, features
from builder.release.tables.shards import shards
from builder.release.tables.spill import TableSpill, open_spill
from builder.release.verification.files import manifest
from builder.schema.dataset import Fields
from builder.schema.sources import NO_SOURCES, Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class HydrateReport(Report):
    """The report of `hydrate`: the folder of the full edition, what became of it, and the documents that were given."""

    folder: Path
    state: Literal["new", "same", "replaced"]
    documents: int

    def lines(self) -> Iterator[Line]:
        """Return the folder, and how to load it."""
        yield Line("release", f"{self.folder} ({self.state})")
        yield Line("documents given", str(self.documents))
        yield Line("load", f'load_dataset("{self.folder}", "entities")')


@click.command("hydrate")
@click.argument("release")
@click.argument("more", nargs=-1, metavar="[FILES]...")
@click.option("--articles", "files", multiple=True, required=True, metavar="FILES",
              help="The raw pages: files, folders, addresses or datasets, as `ingest` reads them.")  # fmt: skip
@click.option("--field", "changes", multiple=True, metavar="NAME=COLUMN",
              help="Read a field under another name, such as text=content (default: as the release records).")  # fmt: skip
@click.option("--encoding", type=click.Choice(NAMES), help="Encoding of the files (default: as the release records).")
@click.option("--to", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to write the full edition (default: hydrated/vVERSION).")  # fmt: skip
@rehearse_option
@verb
def cli(
    console: Console, release: str, more: tuple[str, ...], files: tuple[str, ...], changes: tuple[str, ...],
    encoding: str | None, to: Path | None, rehearse: bool,
) -> HydrateReport:  # fmt: skip
    """Restore the full edition of stand-off RELEASE from the raw pages that you have: --articles FILES...

    RELEASE is a folder, a version of this project, or NAME/DATASET@REVISION. Documents that are missing or whose text
    differs are listed; the rows of the others are written, and the exit code is 1. Files are read under the field names
    that the release records; a release of an earlier khabar records none, and is read under those of this project.
    """
    try:
        project = find_project(console.folder)
    except KhabarError:
        project = Project(console.folder)
    named = Naming(changes, encoding)
    return hydrate(project, release, (*files, *more), base=console.folder, to=to, naming=named, rehearse=rehearse)


@dataclass(frozen=True, slots=True)
class Naming:
    """What the user says of the files: fields under other names, each as NAME=COLUMN, and the encoding."""

    changes: tuple[str, ...] = ()
    encoding: str | None = None


AS_RECORDED = Naming()

NOTE = "standoff"
"""Name of the manifest input that identifies the stand-off edition of a hydrated release."""

UNCHANGED = ("CHANGELOG.md", "CITATION.cff", "masader.json")
"""Files of a release that are the same in both editions."""


def hydrate(
    project: Project, name: str, files: Sequence[str | Path], *, base: Path, to: Path | None = None,
    naming: Naming = AS_RECORDED, rehearse: bool = False,
) -> HydrateReport:  # fmt: skip
    """Write the full edition of a stand-off release, with the texts of raw pages.

    `name` is a folder below `base`, a version, or a revision of a dataset on a Hub (`resolve_release`). `files` are
    read as `ingest` reads them, with the fields and the encoding of `naming`, else of the release. Documents that are missing or whose text differs are listed, the rows of the others
    are written, and the report's exit code is 1. Raises KhabarError with exit code 1 if the release is damaged or
    nothing can be restored, 2 if it is not a stand-off edition or the target holds something else, 3 if the Hub fails.
    """
    with _found(project, name, base, rehearse=rehearse) as folder:
        release = read_manifest(folder)
        target = base / to if to else base / "hydrated" / f"v{release.version}"
        _refuse_other(target)
        if release.edition != "standoff":
            raise user_error(
                "edition",
                "this is the full edition: it holds its texts",
                where=str(folder),
                fix="name a stand-off edition",
            )
        whole = manifest(folder, release)
        if whole.state == "failed":
            raise KhabarError(*whole.issues, exit_code=1)
        reading = _read(project, release, [_place(base, file) for file in files], naming)
        found = shards(list(release.files))
        paths = {c: {s: [folder / path for path in own] for s, own in of.items()} for c, of in found.items()}
        names = label_names_of(paths)
        back = restore_articles(paths, reading.documents)
        target.parent.mkdir(parents=True, exist_ok=True)
        with open_spill(target.parent) as spill:
            tables = _full_tables(release, paths, names, back.texts, spill)
            if not any(table.num_rows for table in tables.get("entities", {}).values()):
                other = mismatches(release.inputs, reading.documents)
                raise KhabarError(*other, *back.issues, *_nothing(target), exit_code=1)
            digest = file_sha256(folder / MANIFEST)
            columns = edition_files("full", tables.get("entities", {}), names.entities)
            others = _other_files(folder, release, names, tables, back, digest) | dict(columns.files)
            full = replace(release, edition="full", inputs={**release.inputs, NOTE: digest}, splits={}, files={})
            written = write_release(target, tables, others, full, spill=spill)
        accounts = (*_accounts(back), *_rows(release.splits, tables), *columns.accounts)
    issues = (*mismatches(release.inputs, reading.documents), *back.issues, *reading.issues)
    return HydrateReport(
        "hydrate", accounts, issues, exit_code=1 if back.issues else 0, set_aside=(*back.set_aside, *columns.set_aside),
        folder=target, state=written.state, documents=len(reading.documents),
    )  # fmt: skip


def _place(base: Path, file: str | Path) -> str:
    """Return an address as it is given, and a path below `base`."""
    return file if isinstance(file, str) and "://" in file else str(base / file)


def _read(project: Project, release: Release, files: Sequence[str], naming: Naming) -> Reading:
    """Read the pages under the names and in the encoding that the user, the release or the project gives.

    Raises KhabarError (exit code 2) if nothing can be read, with the option that names other fields.
    """
    fields = change_fields(_fields(project, release), naming.changes)
    try:
        return read_documents(files, naming.encoding or release.reading.get(ENCODING), fields, _sources(project))
    except KhabarError as refused:
        hint = Issue("error", "field", f"the text was looked for under {fields.text!r}",
                     fix="if it has another name in your files, pass --field text=NAME")  # fmt: skip
        named = [replace(issue, fix=option_to_pass(issue.fix)) for issue in refused.issues]
        is_known = any(issue.fix.startswith("pass --field") for issue in named)
        raise KhabarError(*named, *(() if is_known else [hint]), exit_code=refused.exit_code) from None


def _sources(project: Project) -> Sources:
    """Return how the project reads the pages of each source; a folder that is no project has no rules."""
    return project.schema.sources if (project.root / "schema").is_dir() else NO_SOURCES


def _fields(project: Project, release: Release) -> Fields:
    """Return the fields that a release records; those of the project for a release of an earlier version."""
    if release.reading or not (project.root / "schema").is_dir():
        return recorded_fields(release.reading)
    return project.schema.dataset.fields


def _full_tables(release: Release, paths: Paths, names: LabelNames, texts: Texts, spill: TableSpill) -> Tables:
    """Make the tables of the full edition from the shards of the stand-off edition and the restored texts."""
    columns = features(names)
    return {
        config: {
            split: spill.table(
                f"{config}-{split}", arrow_schema(columns[config]), to_full(config, batches(shard), names, texts)
            )
            for split, shard in paths[config].items()
        }
        for config in release.splits
        if config in paths
    }


def _other_files(
    folder: Path, release: Release, names: LabelNames, tables: Tables, back: RestoredArticles, digest: str
) -> dict[str, str | bytes]:
    """Return the files of the full edition beside its tables: the card, made anew, and those that stay the same."""
    template = (folder / "README.md").read_text(encoding="utf-8")
    note = editions.hydrated_section(len(back.texts), sum(release.splits["articles"].values()), digest)
    card = hydrated_card(template, release.version, names, tables, note)
    unchanged = [path for path in release.files if path.startswith("assets/") or path in UNCHANGED]
    return {"README.md": card, **{path: (folder / path).read_bytes() for path in unchanged}}


@contextmanager
def _found(project: Project, name: str, base: Path, *, rehearse: bool) -> Iterator[Path]:
    place = resolve_release(name, project, base)
    if place.folder:
        yield place.folder
        return
    with (
        hub(project, rehearse=rehearse) as (endpoint, token),
        scratch_folder("hydrate") as copy,
    ):
        folder, _ = verify.fetch(connect(endpoint, token, place.repo_id), place.revision, Path(copy))
        yield folder


def _refuse_other(target: Path) -> None:
    """Raise KhabarError unless `target` is missing, empty, or another hydrated release."""
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return
    if (target / MANIFEST).is_file() and NOTE in read_manifest(target).inputs:
        return
    raise user_error(
        "exists",
        "this already exists and is not a hydrated release",
        where=str(target),
        fix="name another folder with --to",
    )


def _nothing(target: Path) -> list[Issue]:
    message = "no row of `entities` comes back, so nothing was written"
    return [Issue("error", "hydrate", message, where=str(target), fix="give the pages that the dataset was made of")]


def _accounts(back: RestoredArticles) -> tuple[StageCounts, ...]:
    return (back.documents, back.titles) if back.titles.taken else (back.documents,)


def _rows(splits: dict[str, dict[str, int]], tables: Tables) -> Iterator[StageCounts]:
    for config, of in splits.items():
        taken = sum(of.values())
        kept = sum(table.num_rows for table in tables.get(config, {}).values())
        gone = {"its document did not come back": taken - kept} if kept < taken else {}
        yield StageCounts("hydrate", f"rows of {config}", taken, kept, gone)
