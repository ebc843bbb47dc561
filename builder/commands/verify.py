"""The command `verify`: check a release wherever it is, and build it again."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from builder.cli.options import rehearse_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.commands.build import build, row_lines
from builder.commands.card import ChecksReport
from builder.io.atomic import write_bytes
from builder.io.jsonl import write_jsonl
from builder.io.scratch import scratch_folder
from builder.project.annotations import read_merged
from builder.project.project import Project
from builder.project.recompute.release import recompute_release
from builder.project.releases import find_release
from builder.project.services import hub
from builder.project.stages import states
from builder.project.stages.inputs import built_versions
from builder.project.stages.shards import done_shards
from builder.records import LEDGER, MANIFEST, Issue, KhabarError, LedgerEntry, Line, Notify, Release
from builder.release.card.inputs import FILE, parse_card_inputs
from builder.release.diff.version import version_key
from builder.release.publish import client
from builder.release.publish import verify as hub_checks
from builder.release.publish.client import Remote
from builder.release.publish.folder import read_manifest
from builder.release.verification.content import read_content
from builder.release.verification.files import manifest
from builder.release.verification.result import UNREADABLE, Check, unreadable, unverified_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyReport(ChecksReport):
    """The report of `verify`: the checks, and the number of rows by config and split."""

    rows: dict[str, dict[str, int]]

    def lines(self) -> Iterator[Line]:
        """Return the checks, what they do not verify, then the rows."""
        yield from ChecksReport.lines(self)
        yield Line("not verified", "; ".join(unverified_lines(self.checks)) or "nothing")
        yield from row_lines(self.rows)


@click.command("verify")
@click.argument("release", metavar="REF")
@rehearse_option
@road
def cli(console: Console, release: str, rehearse: bool) -> VerifyReport:
    """Check a release: its hashes, all that follows from its rows, the copy on the Hub, and a rebuild.

    REF is a version of this project (its tag is read back and compared with dist/), NAME/DATASET@REVISION, @REVISION
    of this dataset, a folder, or a URL such as s3://bucket/dataset/v1.0.0. Each check is done, failed, or not
    possible, with the reason. What nothing in the release confirms is listed as not verified, by name. Exit 1 if a
    check failed.
    """
    try:
        project = project_of(console)
    except KhabarError:
        project = Project(console.folder)
    return verify(project, release, base=console.folder, rehearse=rehearse, progress=console.progress)


def verify(project: Project, name: str, *, base: Path, rehearse: bool, progress: Notify) -> VerifyReport:
    """Run every check of a release. Each is done, failed, or not possible with the reason.

    `name` is a version of this project, a revision of a dataset on a Hub, a folder below `base`, or a URL. The
    report's exit code is 1 if a check failed. Raises KhabarError with exit code 2 if there is no release, 3 if the Hub
    or the storage fails.
    """
    with (
        hub(project, rehearse=rehearse) as (endpoint, token),
        scratch_folder("verify") as scratch,
        find_release(project, name, base, (endpoint, token), Path(scratch), progress) as found,
    ):
        release = read_manifest(found.folder)
        repository = client.connect(endpoint, token, found.repo_id or release.repo_id)
        progress("comparing files, rows and texts")
        checks = _checks(found.folder, release, repository, found.revision)
        checks.append(_check_rebuild(project, found.folder, release, progress))
    failed = any(check.state == "failed" for check in checks)
    if found.folder == _newest(project):
        states.finish(project, "verify", states.read_by(project, "verify"), 1 if failed else 0)
    issues = tuple(issue for check in checks for issue in check.issues)
    return VerifyReport(
        "verify", issues=issues, exit_code=1 if failed else 0, repo_id=release.repo_id, version=release.version,
        place=found.place, checks=tuple(checks), rows=release.splits,
    )  # fmt: skip


def _newest(project: Project) -> Path | None:
    """Return the folder of the newest release in dist/, or None if there is none."""
    versions = built_versions(project)
    return project.release(versions[-1]) if versions else None


def _checks(folder: Path, release: Release, remote: Remote, revision: str) -> list[Check]:
    """Run every check but the rebuild; with `revision`, also compare the folder with that revision on the Hub.

    Raises KhabarError (exit code 3) for an error of the Hub.
    """
    whole = manifest(folder, release)
    if whole.state == "failed":
        names = ["loads", *(["read back"] if revision else []), *DERIVED]
        return [whole, *(Check(name, "not possible", "the files are not those that were built") for name in names)]
    try:
        derived = recompute_release(read_content(folder, release))
        early = [*islice(derived, WAITED_FOR)]
    except UNREADABLE as error:
        derived, early = iter(()), [unreadable("columns", error)]
    if any(check.state == "failed" for check in early if check.name in SAFE_TO_LOAD):
        names = ["loads", *(["read back"] if revision else [])]
        why = "load_dataset reads what the card names, and the release contradicts itself"
        return [whole, *(Check(name, "not possible", why) for name in names), *_ordered([*early, *derived])]
    with hub_checks.start_loading(folder, release, remote) as reader:
        late = [*derived]
        return [whole, *hub_checks.loads(reader, release, revision), *_ordered([*early, *late])]


def _ordered(derived: list[Check]) -> list[Check]:
    """Return the checks in the order of the report."""
    return sorted(derived, key=lambda check: DERIVED.index(check.name))


DERIVED = ("rows", "columns", "leaks", "facts", "card", "exports", "gold", "agreement")
"""The checks that rest on whole files."""

WAITED_FOR = 3
"""The checks before load_dataset: rows, columns and card. It works while the others are made."""

SAFE_TO_LOAD = ("columns", "card")
"""Checks without which load_dataset is not started: the head of a card may name files and servers of others."""


def _check_rebuild(project: Project, folder: Path, release: Release, progress: Notify) -> Check:
    """Check that this project builds the same bytes, if its inputs are those of the release."""
    name = "rebuild"
    if not project.annotations.is_dir() or not done_shards(project, "documents"):
        return Check(
            name, "not possible", "the inputs are not here: annotations/, and the documents that were ingested"
        )
    if project.schema.dataset.repo_id != release.repo_id:
        return Check(name, "not possible", f"this project makes {project.schema.dataset.repo_id}")
    progress("building it again")
    try:
        with _project_as_of(project, release.version) as twin:
            build(twin, release.version, accept=accepted_reason(folder))
            return _compare_builds(twin.release(release.version), folder, release)
    except KhabarError as refused:
        return Check(name, "not possible", "; ".join(issue.message for issue in refused.issues[:3]))


def _compare_builds(again: Path, folder: Path, release: Release) -> Check:
    built = read_manifest(again)
    other = sorted(key for key in {*built.inputs, *release.inputs} if built.inputs.get(key) != release.inputs.get(key))
    if built.tool != release.tool:
        other.append(f"khabar itself ({built.tool}, not {release.tool})")
    if built.format != release.format:
        other.append(f"the format of its rows ({built.format}, not {release.format})")
    if built.schema_hash != release.schema_hash:
        other.append("schema/")
    if other:
        return Check(
            "rebuild", "not possible", f"this project has other inputs by now: {', '.join(dict.fromkeys(other))}"
        )
    paths = sorted({*built.files, *release.files})
    differing = [path for path in paths if built.files.get(path) != release.files.get(path)]
    if (again / MANIFEST).read_bytes() != (folder / MANIFEST).read_bytes() and not differing:
        differing = [MANIFEST]
    issues = tuple(Issue("error", "differs", "rebuild produced a different file", where=path) for path in differing)
    said = f"{len(differing)} files differ" if differing else f"{len(paths) + 1} files come out byte for byte"
    return Check("rebuild", "failed" if differing else "done", said, issues)


def accepted_reason(folder: Path) -> str | None:
    """Return the reason for which low agreement was accepted, or None."""
    basis = parse_card_inputs((folder / FILE).read_bytes(), FILE) if (folder / FILE).is_file() else None
    if basis is None or basis.accepted is None:
        return _accepted_on_the_card(folder)
    return basis.accepted or None


def _accepted_on_the_card(folder: Path) -> str | None:
    """Read the reason off the card, with the card's escapes: releases of khabar 0.1 keep it nowhere else."""
    card = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").is_file() else ""
    found = re.search(r"It is released all the same:\**\n\n(?:- .*\n)*\n> (.+)", card)
    return found[1] if found else None


NOT_BUILD_INPUTS = re.compile(r"studio.*|hub|collected|lock|verify-.*")
"""Names in .khabar/ that no build reads."""


@contextmanager
def _project_as_of(project: Project, version: str) -> Iterator[Project]:
    """Yield a temporary copy of a project as of a version: later versions are left out."""

    def skip(folder: str, names: list[str]) -> set[str]:
        if Path(folder) == project.work:
            return {name for name in names if NOT_BUILD_INPUTS.fullmatch(name)}
        if Path(folder).name not in {"dist", "pushed"}:
            return set()
        return {
            name for name in names if version_key(name.removeprefix("v").removesuffix(".json")) >= version_key(version)
        }

    project.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.work, prefix="verify-") as scratch:
        root = Path(scratch)
        for source in (project.root / "schema", project.annotations, project.root / "dist", project.work):
            if source.is_dir():
                shutil.copytree(source, root / source.name, copy_function=_linked, ignore=skip)
        write_bytes(root / "dataset_card.md", (project.root / "dataset_card.md").read_bytes())
        ledger = root / "annotations" / LEDGER
        if ledger.exists():
            lines = read_merged(project, ledger, LedgerEntry)
            write_jsonl(ledger, [line for line in lines if version_key(line.version) <= version_key(version)])
        yield Project(root)


def _linked(source: str, target: str) -> None:
    # Every write of the project makes a new file and renames it, so that a link never changes its other name.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
