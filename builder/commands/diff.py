"""The command `diff`: compare two releases."""

from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console, escape_controls, open_page, say
from builder.io.atomic import write_bytes
from builder.project.project import Project, find_project
from builder.project.releases import resolve_release
from builder.project.services import hub
from builder.records import KhabarError
from builder.release.diff import html, text
from builder.release.diff.compare import compare
from builder.release.diff.records import Diff
from builder.release.publish.open import open_release


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write it as an HTML page.")
@click.option("--open", "opened", is_flag=True, help="Open the HTML page in the browser.")
@click.option("--rehearse", is_flag=True, help="Use the local Hub in .khabar/hub.")
@verb
def cli(console: Console, old: str, new: str, page: Path | None, opened: bool, rehearse: bool) -> None:
    """Show what changed from release OLD to release NEW, row by row and label by label.

    Each is a folder, a version of this project (v1.0.0: in dist/, or else on the Hub), @REVISION of its dataset on
    the Hub, or NAME/DATASET@REVISION. A revision is a tag, a branch or a commit; HF_TOKEN opens private ones.

    Each list shows ten lines; -v shows all, --json gives the whole report.
    """
    project = _project(console)
    path = console.folder / page if page else project.work / "diff.html" if opened else None
    found = diff(project, old, new, base=console.folder, rehearse=rehearse, page=path)
    if console.as_json:
        click.echo(escape_controls(text.as_json(found)))
    else:
        for line in text.lines(found, every=console.verbose):
            say(line)
    if path:
        say(f"page: {path}", err=True)
    if path and opened:
        open_page(path)


def _project(console: Console) -> Project:
    """Return the project around the folder. Outside a project, folders and full names can still be compared."""
    try:
        return find_project(console.folder)
    except KhabarError:
        return Project(console.folder)


def diff(project: Project, old: str, new: str, *, base: Path, rehearse: bool = False, page: Path | None = None) -> Diff:
    """Compare two releases, and write an HTML report if `page` names a file.

    Each release is a folder below `base`, a version, or a revision of a dataset on the Hub (`resolve_release`).
    Raises KhabarError with exit code 1 if a release is damaged, 2 if it does not exist, 3 if the Hub fails.
    """
    places = [resolve_release(name, project, base) for name in (old, new)]
    with (
        hub(project, rehearse=rehearse) as (endpoint, token),
        open_release(places[0], endpoint, token) as before,
        open_release(places[1], endpoint, token) as after,
    ):
        found = compare(before.side, after.side)
    if page:
        write_bytes(page, html.page(found).encode("utf-8", "replace"))
    return found
