"""The command diff: what changed between two releases."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.records import Refused
from builder.shell import Shell, open_page, verb

if TYPE_CHECKING:
    from builder.project import Project


@click.command()
@click.argument("old")
@click.argument("new")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write it as an HTML page.")
@click.option("--open", "opened", is_flag=True, help="Open the HTML page in the browser.")
@click.option("--rehearse", is_flag=True, help="Look on the rehearsal Hub of this machine, in .khabar/hub.")
@verb
def diff(shell: Shell, old: str, new: str, page: Path | None, opened: bool, rehearse: bool) -> None:
    """Show what changed from release OLD to release NEW, row by row and label by label.

    Each is a folder, a version of this project (v1.0.0: in dist/, or else on the Hub), @REVISION of its dataset on
    the Hub, or NAME/DATASET@REVISION. A revision is a tag, a branch or a commit; HF_TOKEN opens private ones.

    Each list shows ten lines; -v shows all, --json gives the whole report.
    """
    from builder import comparing
    from builder.release import diff_lines

    project = _project(shell)
    path = shell.folder / page if page else project.work / "diff.html" if opened else None
    found = comparing.diff(project, old, new, base=shell.folder, rehearse=rehearse, page=path)
    if shell.as_json:
        click.echo(diff_lines.as_json(found))
    else:
        for line in diff_lines.lines(found, every=shell.verbose):
            click.echo(line)
    if path:
        click.echo(f"page: {path}", err=True)
    if path and opened:
        open_page(path)


def _project(shell: Shell) -> "Project":
    """The project around the folder; outside of one, folders and full names can still be compared."""
    from builder.project import Project

    try:
        return shell.project()
    except Refused:
        return Project(shell.folder)
