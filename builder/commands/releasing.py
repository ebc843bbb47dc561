"""Commands of a release: build, push, verify."""

import sys

import click

from builder.records import Report
from builder.shell import Shell, verb


@click.command()
@click.argument("version")
@click.option(
    "--accept-low-agreement",
    metavar="REASON",
    help="Build although agreement is below a floor of dataset.yaml; the card prints the reason and the figures.",
)
@verb
def build(shell: Shell, version: str, accept_low_agreement: str | None) -> Report:
    """Build release VERSION (such as 1.0.0) into dist/: Parquet, card, manifest.

    Exit 1 where agreement is below a floor of dataset.yaml, or undefined where there is a floor.
    """
    from builder import flow

    return flow.build(shell.project(), version, accept=accept_low_agreement)


_rehearse = click.option("--rehearse", is_flag=True, help="Use a rehearsal Hub on this machine, kept in .khabar/hub.")


@click.command()
@click.argument("version")
@_rehearse
@click.option("--dry-run", is_flag=True, help="Say what would change on the Hub, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before publishing.")
@verb
def push(shell: Shell, version: str, rehearse: bool, dry_run: bool, yes: bool) -> Report:
    """Publish release VERSION: one commit, read back and compared, then tagged."""
    from builder import flow

    project = shell.project()
    if not (rehearse or dry_run or yes) and sys.stdin.isatty():
        click.confirm(f"Publish v{version} of {project.schema.dataset.repo_id}?", abort=True, err=True)
    return flow.push(project, version, rehearse=rehearse, dry_run=dry_run, progress=shell.progress)


@click.command()
@click.argument("version")
@_rehearse
@verb
def verify(shell: Shell, version: str, rehearse: bool) -> Report:
    """Read tag vVERSION back with load_dataset and compare each row with the local release."""
    from builder import flow

    return flow.verify(shell.project(), version, rehearse=rehearse, progress=shell.progress)
