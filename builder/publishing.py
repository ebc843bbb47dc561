"""The verbs of what was built: publish it, verify it wherever it is.

Push publishes through a Hub or to a folder of any kind; verify looks at each promise of a release by itself.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder import crawl, flow, servers
from builder.project import Project, read_jsonl, write_bytes, write_jsonl
from builder.records import MANIFEST, Issue, Refused, Release, Report, refuse
from builder.remeasuring import remeasure

if TYPE_CHECKING:
    from builder.release.hub import Way
    from builder.release.verifying import Check

Progress = Callable[[str], None]
Hub = tuple[str | None, str | None]


def push(
    project: Project, version: str, *, rehearse: bool, progress: Progress, way: "Way | None" = None,
    target: str | None = None,
) -> Report:  # fmt: skip
    """Publish a built release: one commit, read back at that commit, then the tag; or a copy below `target`."""
    from builder.release import hub
    from builder.release.folder import read_manifest

    flow.check_version(version)
    chosen = way or hub.PLAIN
    if target is not None:
        return _copy(project, version, target, chosen, progress)
    with project.lock(), servers.hub(project, rehearse=rehearse) as (endpoint, token):
        folder = project.release(version)
        release = read_manifest(folder)
        pushed = hub.push(folder, release, endpoint=endpoint, token=token, progress=progress, way=chosen)
        if pushed.tag and not rehearse and not chosen.dry_run:
            project.note(f"pushed/v{version}", {"commit": pushed.commit, "url": pushed.url})
    if chosen.dry_run:
        return Report("push", facts={"would upload": ", ".join(pushed.uploaded) or "nothing",
                                     "would delete": ", ".join(pushed.deleted) or "nothing"})  # fmt: skip
    if pushed.pull_request:
        facts = {pushed.pull_request: "opened, read back, compared; not tagged", "commit": pushed.commit,
                 "url": pushed.url,
                 "next": f"merge it there; then `khabar push {version}` tags it, without a commit"}  # fmt: skip
        return Report("push", facts=facts)
    if not pushed.tag:
        facts = {"main": "holds exactly these files: there is nothing to propose",
                 "next": f"`khabar push {version}` reads them back and tags them"}  # fmt: skip
        return Report("push", facts=facts)
    state = "was there already, the same" if pushed.already else "committed, read back, compared, tagged"
    return Report("push", facts={pushed.tag: state, "commit": pushed.commit, "url": pushed.url})


def _copy(project: Project, version: str, target: str, way: "Way", progress: Progress) -> Report:
    from builder.release import target as targets
    from builder.release.folder import read_manifest

    if way.pull_request or way.private:
        raise refuse("usage", "--pr and --private are for a Hub, and --to is a folder without one", fix="leave one out")
    with project.lock():
        folder = project.release(version)
        copied = targets.copy(folder, read_manifest(folder), target, progress=progress, dry_run=way.dry_run)
        if not way.dry_run:
            project.note(f"pushed/v{version}", {"commit": copied.place, "url": copied.place})
    if way.dry_run:
        return Report("push", facts={"would copy": ", ".join(copied.copied) or "nothing", "to": copied.place})
    state = "was there already, the same" if copied.already else "copied, read back, compared; the manifest came last"
    return Report("push", facts={f"v{version}": state, "place": copied.place, "load": _how_to_load(copied.place)})


def _how_to_load(place: str) -> str:
    config = '"entities"'
    if "://" not in place:
        return f"load_dataset({place!r}, {config})"
    return f"copy the folder here first (load_dataset reads no card from {place.split('://', 1)[0]}://)"


@dataclass(frozen=True, slots=True)
class _Found:
    """A release to verify: its folder on this machine, what was read back of the Hub, and where it came from."""

    folder: Path
    place: str
    revision: str = ""
    repo_id: str = ""


def verify(project: Project, name: str, *, base: Path, rehearse: bool, progress: Progress) -> Report:
    """Look at each promise of a release, wherever it is; a line for each: done, failed, or not possible and why.

    `name` is a version of this project, a revision of a dataset on a Hub, a folder below `base`, or a URL. Raises
    Refused: 2 no release is there, 3 trouble with the Hub or the place. The report's exit code is 1 where one failed.
    """
    from builder.release import remote, verifying
    from builder.release.folder import read_manifest

    with (
        servers.hub(project, rehearse=rehearse) as (endpoint, token),
        tempfile.TemporaryDirectory(prefix="khabar-verify-", ignore_cleanup_errors=True) as scratch,
        _found(project, name, base, (endpoint, token), Path(scratch), progress) as found,
    ):
        release = read_manifest(found.folder)
        repository = remote.connect(endpoint, token, found.repo_id or release.repo_id)
        progress("comparing files, rows and texts")
        checks = verifying.checks(found.folder, release, repository, found.revision)
        whole = checks[0].state == "done"
        checks.append(verifying.guarded("agreement", remeasure if whole else _unmeasured, found.folder, release))
        checks.append(_rebuilt(project, found.folder, release, progress))
    failed = any(check.state == "failed" for check in checks)
    issues = tuple(issue for check in checks for issue in check.issues)
    facts = {"release": f"{release.repo_id} {release.version}, {found.place}"}
    facts |= {check.name: f"{check.state}: {check.said}" for check in checks}
    return Report("verify", issues=issues, facts=facts | flow.rows_of(release.splits), exit_code=1 if failed else 0)


def card(project: Project, name: str | None, *, base: Path, rehearse: bool, progress: Progress) -> Report:
    """Look at the card of a release, the newest in dist/ if none is named: every number, its head, its plots.

    `name` as for verify. Raises Refused as verify does. The report's exit code is 1 where the card is at fault.
    """
    from builder.release import verifying
    from builder.release.folder import read_manifest
    from builder.release.versions import order

    built = sorted(project.root.glob(f"dist/v*/{MANIFEST}"), key=lambda path: order(path.parent.name.removeprefix("v")))
    if name is None and not built:
        raise refuse("no-release", "no release is here", where=str(project.root), fix="run `khabar build VERSION`")
    with (
        servers.hub(project, rehearse=rehearse) as hub,
        tempfile.TemporaryDirectory(prefix="khabar-card-", ignore_cleanup_errors=True) as scratch,
        _found(project, name or built[-1].parent.name, base, hub, Path(scratch), progress) as found,
    ):
        release = read_manifest(found.folder)
        checks = [verifying.guarded("card", verifying.card, found.folder, release),
                  verifying.guarded("agreement", remeasure, found.folder, release)]  # fmt: skip
    facts = {"release": f"{release.repo_id} {release.version}, {found.place}"}
    facts |= {check.name: f"{check.state}: {check.said}" for check in checks}
    failed = any(check.state == "failed" for check in checks)
    issues = tuple(issue for check in checks for issue in check.issues)
    return Report("card check", issues=issues, facts=facts, exit_code=1 if failed else 0)


@contextmanager
def _found(
    project: Project, name: str, base: Path, hub: Hub, scratch: Path, progress: Progress
) -> Iterator[_Found]:  # fmt: skip
    from builder.release import opening, target, verifying
    from builder.release.folder import read_manifest
    from builder.release.remote import connect
    from builder.release.versions import numbers

    if "://" in name:
        progress(f"copying {name} here")
        with target.fetched(name, scratch) as folder:
            yield _Found(folder, name)
        return
    place = opening.where(name, project, base)
    version = name.removeprefix("v")
    if place.folder:
        published = bool(numbers(version)) and place.folder == project.release(version)
        revision = f"v{version}" if published else ""
        repo_id = read_manifest(place.folder).repo_id if published else ""
        yield _Found(place.folder, str(place.folder), revision, repo_id)
        return
    progress(f"copying {place.revision} of {place.repo_id} here")
    folder, commit = verifying.fetch(connect(*hub, place.repo_id), place.revision, scratch)
    yield _Found(folder, f"commit {commit}", commit, place.repo_id)


def _unmeasured(_folder: Path, _release: Release) -> "Check":
    from builder.release.verifying import Check

    return Check("agreement", "not possible", "the files are not those that were built")


def _rebuilt(project: Project, folder: Path, release: Release, progress: Progress) -> "Check":
    """Whether this project builds the same bytes, where its inputs are those that the release was made from."""
    from builder.release.verifying import Check

    name = "rebuild"
    if not project.annotations.is_dir() or not crawl.done(project, "documents"):
        return Check(
            name, "not possible", "the inputs are not here: annotations/, and the documents that were ingested"
        )
    if project.schema.dataset.repo_id != release.repo_id:
        return Check(name, "not possible", f"this project makes {project.schema.dataset.repo_id}")
    progress("building it again")
    try:
        with _twin(project, release.version) as twin:
            flow.build(twin, release.version, accept=_accepted(folder))
            return _compared(twin.release(release.version), folder, release)
    except Refused as refused:
        return Check(name, "not possible", "; ".join(issue.message for issue in refused.issues[:3]))


def _compared(again: Path, folder: Path, release: Release) -> "Check":
    from builder.release.folder import read_manifest
    from builder.release.verifying import Check

    built = read_manifest(again)
    other = sorted(key for key in {*built.inputs, *release.inputs} if built.inputs.get(key) != release.inputs.get(key))
    if built.tool != release.tool:
        other.append(f"khabar itself ({built.tool}, not {release.tool})")
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
    issues = tuple(Issue("error", "differs", "this project builds other bytes", where=path) for path in differing)
    said = f"{len(differing)} files differ" if differing else f"{len(paths) + 1} files come out byte for byte"
    return Check("rebuild", "failed" if differing else "done", said, issues)


def _accepted(folder: Path) -> str | None:
    """The reason for which low agreement was accepted, or None."""
    from builder.release.basis import FILE, read_basis

    basis = read_basis((folder / FILE).read_bytes(), FILE) if (folder / FILE).is_file() else None
    if basis is None or basis.accepted is None:
        return _accepted_on_the_card(folder)
    return basis.accepted or None


def _accepted_on_the_card(folder: Path) -> str | None:
    """Read the reason off the card, with the card's escapes: releases of khabar 0.1 keep it nowhere else."""
    card = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").is_file() else ""
    found = re.search(r"It is released all the same:\**\n\n(?:- .*\n)*\n> (.+)", card)
    return found[1] if found else None


ELSEWHERE = re.compile(r"studio.*|hub|collected|lock|verify-.*")
"""What lies in .khabar/ and no build reads."""


@contextmanager
def _twin(project: Project, version: str) -> Iterator[Project]:
    """A copy of a project as it stood when a version was built: later versions are left out. Gone with the block."""
    from builder.release.opening import LEDGER, Line
    from builder.release.versions import order

    def skip(folder: str, names: list[str]) -> set[str]:
        if Path(folder) == project.work:
            return {name for name in names if ELSEWHERE.fullmatch(name)}
        if Path(folder).name not in {"dist", "pushed"}:
            return set()
        return {name for name in names if order(name.removeprefix("v").removesuffix(".json")) >= order(version)}

    project.work.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=project.work, prefix="verify-") as scratch:
        root = Path(scratch)
        for source in (project.root / "schema", project.annotations, project.root / "dist", project.work):
            if source.is_dir():
                shutil.copytree(source, root / source.name, copy_function=_linked, ignore=skip)
        write_bytes(root / "dataset_card.md", (project.root / "dataset_card.md").read_bytes())
        ledger = root / "annotations" / LEDGER
        if ledger.exists():
            lines = read_jsonl(ledger, Line)
            write_jsonl(ledger, [line for line in lines if order(line.version) <= order(version)])
        yield Project(root)


def _linked(source: str, target: str) -> None:
    # Every write of the project makes a new file and renames it, so that a link never changes its other name.
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
