"""The command `push`: publish a release to a Hub, or copy it to a folder or an object store."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace

import click

from builder.cli.options import rehearse_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.project.project import Project
from builder.project.services import hub
from builder.records import Line, NextStep, Notify, Report, user_error
from builder.release.diff.version import check_version
from builder.release.publish import hub as hubs
from builder.release.publish import revert as reverts
from builder.release.publish import storage
from builder.release.publish.commit import Pushed
from builder.release.publish.folder import read_manifest
from builder.release.publish.hub import DEFAULT, PushOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class PushReport(Report):
    """The report of `push`: what became of a version, or what would, on a Hub (`pushed`) or elsewhere (`copied`)."""

    version: str
    dry_run: bool
    pushed: Pushed | None = None
    copied: storage.Copied | None = None

    def lines(self) -> Iterator[Line]:
        """Return the state of the version and where it is, or the files of a dry run."""
        if self.pushed:
            yield from self._push_lines(self.pushed)
        if self.copied:
            yield from self._copy_lines(self.copied)

    def _push_lines(self, pushed: Pushed) -> Iterator[Line]:
        place = Line("commit", pushed.commit), Line("url", pushed.url)
        if self.dry_run:
            yield Line("would upload", ", ".join(pushed.uploaded) or "nothing")
            yield Line("would delete", ", ".join(pushed.deleted) or "nothing")
        elif pushed.pull_request:
            yield Line(pushed.pull_request, "opened, read back, compared; not tagged")
            yield from place
        elif pushed.tag:
            yield Line(pushed.tag, push_state(pushed))
            yield from place
        else:
            yield Line("main", "holds exactly these files: there is nothing to propose")

    def _copy_lines(self, copied: storage.Copied) -> Iterator[Line]:
        if self.dry_run:
            yield Line("would copy", ", ".join(copied.copied) or "nothing")
            yield Line("to", copied.place)
            return
        fresh = "copied, read back, compared; the manifest came last"
        yield Line(f"v{self.version}", "was there already, the same" if copied.already else fresh)
        yield Line("place", copied.place)
        yield Line("load", _how_to_load(copied.place))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevertReport(Report):
    """The report of `push --revert`: the version that was taken back, and the commit that did it."""

    version: str
    commit: str

    def lines(self) -> Iterator[Line]:
        """Return what `main` holds, and the commit."""
        yield Line("main", f"holds the files from before v{self.version} again")
        yield Line("commit", self.commit)


def push_state(pushed: Pushed) -> str:
    """Return what became of a tag."""
    return "was there already, the same" if pushed.already else "committed, read back, compared, tagged"


@click.command("push")
@click.argument("version")
@rehearse_option
@click.option("--pr", "pull_request", is_flag=True, help="Open a pull request and read it back; it is not tagged.")
@click.option("--private", is_flag=True, help="Create the dataset as private if it does not exist yet.")
@click.option("--to", "target", metavar="DIR_OR_URL", help="Copy below a folder or a URL such as s3://, without a Hub.")
@click.option(
    "--revert", "reverting", is_flag=True, help="Commit the files from before a commit that was not verified."
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would change (files, sizes, deletions, metadata) and change nothing."
)
@click.option("--yes", is_flag=True, help="Do not ask before publishing.")
@road
def cli(  # noqa: PLR0913, PLR0917 - one argument for each option
    console: Console,
    version: str,
    rehearse: bool,
    pull_request: bool,
    private: bool,
    target: str | None,
    reverting: bool,
    dry_run: bool,
    yes: bool,
) -> PushReport | RevertReport:
    """Publish release VERSION: one commit, read back and compared, then tagged.

    `main` shows the commit to readers before it is read back; the tag is set after. If what was read back differs, run
    the command with --revert: main gets the files from before it. Readers who name a version are never affected.

    After a pull request is merged, push again to read it back and tag it without a commit. --to copies the release to
    DIR_OR_URL/vVERSION, its manifest last, and never overwrites other bytes there.
    """
    project = project_of(console)
    if target is not None and rehearse:
        raise user_error(
            "usage", "--rehearse is for a Hub, and --to is a folder without one", fix="remove one of the two options"
        )
    if not (rehearse or dry_run or yes or target is not None) and sys.stdin.isatty():
        click.confirm(f"Publish v{version} of {project.schema.dataset.repo_id}?", abort=True, err=True)
    if reverting:
        return revert(project, version, rehearse=rehearse)
    place = str((console.folder / target).resolve()) if target is not None and "://" not in target else target
    way = PushOptions(dry_run=dry_run, pull_request=pull_request, private=private)
    return push(project, version, rehearse=rehearse, progress=console.progress, way=way, target=place)


def push(
    project: Project, version: str, *, rehearse: bool, progress: Notify, way: PushOptions | None = None,
    target: str | None = None,
) -> PushReport:  # fmt: skip
    """Publish a built release as one commit, read it back at that commit, then tag it. With `target`, copy it there."""
    check_version(version)
    chosen = way or DEFAULT
    if target is not None:
        return _copy(project, version, target, chosen, progress)
    with project.lock(), hub(project, rehearse=rehearse) as (endpoint, token):
        folder = project.release(version)
        release = read_manifest(folder)
        pushed = hubs.push(folder, release, endpoint=endpoint, token=token, progress=progress, way=chosen)
        if pushed.tag and not rehearse and not chosen.dry_run:
            project.note(f"pushed/v{version}", {"commit": pushed.commit, "url": pushed.url})
    report = PushReport("push", version=version, dry_run=chosen.dry_run, pushed=pushed)
    return (
        report
        if chosen.dry_run
        else replace(report, next=_next(pushed, f"khabar push {version}{' --rehearse' if rehearse else ''}"))
    )


def _next(pushed: Pushed, again: str) -> NextStep | None:
    """Return what follows a push that did not tag, or None after one that did."""
    if pushed.pull_request:
        return NextStep(again, f"once {pushed.pull_request} is merged: it is read back and tagged, without a commit")
    return None if pushed.tag else NextStep(again, "reads them back and tags them")


def revert(project: Project, version: str, *, rehearse: bool) -> RevertReport:
    """Commit the files from before a release's commit that was not verified."""
    check_version(version)
    with project.lock(), hub(project, rehearse=rehearse) as (endpoint, token):
        commit = reverts.revert(read_manifest(project.release(version)), endpoint=endpoint, token=token)
    return RevertReport("push", version=version, commit=commit)


def _copy(project: Project, version: str, target: str, way: PushOptions, progress: Notify) -> PushReport:
    if way.pull_request or way.private:
        raise user_error(
            "usage",
            "--pr and --private are for a Hub, and --to is a folder without one",
            fix="remove one of the two options",
        )
    with project.lock():
        folder = project.release(version)
        copied = storage.copy(folder, read_manifest(folder), target, progress=progress, dry_run=way.dry_run)
        if not way.dry_run:
            project.note(f"pushed/v{version}", {"commit": copied.place, "url": copied.place})
    return PushReport("push", version=version, dry_run=way.dry_run, copied=copied)


def _how_to_load(place: str) -> str:
    config = '"entities"'
    if "://" not in place:
        return f"load_dataset({place!r}, {config})"
    return f"copy the folder here first (load_dataset reads no card from {place.split('://', 1)[0]}://)"
