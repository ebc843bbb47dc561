"""The command `card`: check a dataset card against the rows of its release."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.options import rehearse_option, verb
from builder.cli.output import Console
from builder.io.scratch import scratch_folder
from builder.project import services
from builder.project.project import Project, find_project
from builder.project.recompute.agreement import recompute_agreement
from builder.project.releases import find_release
from builder.records import MANIFEST, KhabarError, Line, Notify, Release, Report, user_error
from builder.release.diff.version import version_key
from builder.release.publish.folder import read_manifest
from builder.release.verification.card import card as check_card
from builder.release.verification.content import read_content
from builder.release.verification.result import UNREADABLE, Check, guarded, unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksReport(Report):
    """The report of `card check`, and of `verify`: the release, where it is, and each check."""

    repo_id: str
    version: str
    place: str
    checks: tuple[Check, ...]

    def lines(self) -> Iterator[Line]:
        """Return the release, and a line for each check."""
        yield Line("release", f"{self.repo_id} {self.version}, {self.place}")
        for check in self.checks:
            yield Line(check.name, f"{check.state}: {check.said}")


@click.group("card")
def cli() -> None:
    """Check the dataset card."""


@cli.command("check")
@click.argument("release", metavar="[REF]", required=False)
@rehearse_option
@verb
def check_cli(console: Console, release: str | None, rehearse: bool) -> ChecksReport:
    """Render the card of release REF again from its rows and report every difference; exit 1 if there is one.

    REF is as for verify; the default is the newest release in dist/. A number, a table or a metadata line that was
    changed by hand is an error with its line and column. Changed prose is a warning.
    """
    try:
        project = find_project(console.folder)
    except KhabarError:
        project = Project(console.folder)
    return card(project, release, base=console.folder, rehearse=rehearse, progress=console.progress)


def card(project: Project, name: str | None, *, base: Path, rehearse: bool, progress: Notify) -> ChecksReport:
    """Check the card of a release, by default the newest in dist/: its numbers, metadata and plots.

    `name` and the errors are as for verify. The report's exit code is 1 if the card is wrong.
    """
    built = sorted(
        project.root.glob(f"dist/v*/{MANIFEST}"), key=lambda path: version_key(path.parent.name.removeprefix("v"))
    )
    if name is None and not built:
        raise user_error(
            "no-release", "there is no release here", where=str(project.root), fix="run `khabar build VERSION`"
        )
    with (
        services.hub(project, rehearse=rehearse) as hub,
        scratch_folder("card") as scratch,
        find_release(project, name or built[-1].parent.name, base, hub, Path(scratch), progress) as found,
    ):
        release = read_manifest(found.folder)
        checks = _checks(found.folder, release)
    failed = any(check.state == "failed" for check in checks)
    issues = tuple(issue for check in checks for issue in check.issues)
    return ChecksReport(
        "card check", issues=issues, exit_code=1 if failed else 0,
        repo_id=release.repo_id, version=release.version, place=found.place, checks=tuple(checks),
    )  # fmt: skip


def _checks(folder: Path, release: Release) -> list[Check]:
    """Check the card and its agreement figures; prose that was changed later is no fault."""
    try:
        content = read_content(folder, release)
    except UNREADABLE as error:
        return [unreadable(name, error) for name in ("card", "agreement")]
    return [guarded("card", check_card, content), guarded("agreement", recompute_agreement, content)]
