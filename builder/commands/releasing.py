"""Commands of a release: build, push, verify, hydrate, takedown, reopen."""

import sys
from pathlib import Path

import click

from builder.records import Refused, Report, refuse
from builder.shell import Shell, verb


@click.command()
@click.argument("version")
@click.option(
    "--accept-low-agreement",
    metavar="REASON",
    help="Build although agreement is below a floor of dataset.yaml; the card prints the reason and the figures.",
)
@click.option(
    "--since",
    metavar="REF",
    help="The earlier release to compare with (default: the newest lower one in dist/): a folder, or NAME/DATASET@v1.0.0.",
)
@verb
def build(shell: Shell, version: str, accept_low_agreement: str | None, since: str | None) -> Report:
    """Build release VERSION (such as 1.0.0) into dist/: Parquet, card, manifest.

    Exit 1 where agreement is below a floor of dataset.yaml, or undefined where there is a floor. Exit 2 where the
    number is too small for what changed since the earlier release: other labels, texts or splits, changed or
    removed columns and removed rows ask for a new first number, added rows, columns or configs for a new second one,
    anything else for a new third one.
    """
    from builder import flow

    if since and (shell.folder / since).is_dir():
        since = str((shell.folder / since).resolve())
    return flow.build(shell.project(), version, accept=accept_low_agreement, since=since)


_rehearse = click.option("--rehearse", is_flag=True, help="Use a rehearsal Hub on this machine, kept in .khabar/hub.")


@click.command()
@click.argument("version")
@_rehearse
@click.option("--pr", "pull_request", is_flag=True, help="Open a pull request, and read it back; it is not tagged.")
@click.option("--private", is_flag=True, help="Make the dataset private, if it is not there yet.")
@click.option("--to", "target", metavar="DIR_OR_URL", help="Copy below a folder or a URL such as s3://, without a Hub.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would change: files, sizes, deletions, metadata; change nothing."
)
@click.option("--yes", is_flag=True, help="Do not ask before publishing.")
@verb
def push(
    shell: Shell,
    version: str,
    rehearse: bool,
    pull_request: bool,
    private: bool,
    target: str | None,
    dry_run: bool,
    yes: bool,
) -> Report:
    """Publish release VERSION: one commit, read back and compared, then tagged.

    After the merge of a pull request, push again: it is read back and tagged without a commit. With --to the release
    is copied to DIR_OR_URL/vVERSION, its manifest last; other bytes there are never overwritten.
    """
    from builder import publishing
    from builder.release.hub import Way

    project = shell.project()
    if target is not None and rehearse:
        raise refuse("usage", "--rehearse is for a Hub, and --to is a folder without one", fix="leave one out")
    if not (rehearse or dry_run or yes or target is not None) and sys.stdin.isatty():
        click.confirm(f"Publish v{version} of {project.schema.dataset.repo_id}?", abort=True, err=True)
    place = str((shell.folder / target).resolve()) if target is not None and "://" not in target else target
    way = Way(dry_run=dry_run, pull_request=pull_request, private=private)
    return publishing.push(project, version, rehearse=rehearse, progress=shell.progress, way=way, target=place)


@click.command()
@click.argument("release", metavar="REF")
@_rehearse
@verb
def verify(shell: Shell, release: str, rehearse: bool) -> Report:
    """Check each promise of a release: bytes, rows, splits, card, the Hub's copy, and that it builds again.

    REF is a version of this project (its tag is read back and compared with dist/), NAME/DATASET@REVISION, @REVISION
    of this dataset, a folder, or a URL such as s3://bucket/dataset/v1.0.0. Each check is done, failed, or not
    possible, with the reason. Exit 1 where one failed.
    """
    from builder import publishing
    from builder.project import Project

    try:
        project = shell.project()
    except Refused:
        project = Project(shell.folder)
    return publishing.verify(project, release, base=shell.folder, rehearse=rehearse, progress=shell.progress)


@click.group()
def card() -> None:
    """The dataset card."""


@card.command("check")
@click.argument("release", metavar="[REF]", required=False)
@_rehearse
@verb
def card_check(shell: Shell, release: str | None, rehearse: bool) -> Report:
    """Make the card of release REF again from its rows, and show what the card says otherwise; exit 1 if it does.

    REF as for verify; without one, the newest release in dist/. A number, a table or a line of the head that was changed
    by hand is an error with its line and column; other prose may be mended, and is a warning.
    """
    from builder import publishing
    from builder.project import Project

    try:
        project = shell.project()
    except Refused:
        project = Project(shell.folder)
    return publishing.card(project, release, base=shell.folder, rehearse=rehearse, progress=shell.progress)


@click.command()
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="One line, which stands in the dataset's changelog.")
@verb
def takedown(shell: Shell, name: str, reason: str) -> Report:
    """Keep article ID, or all articles of document ID, out of every release that is built from now on."""
    from builder import takedown as verbs

    return verbs.takedown(shell.project(), name, reason)


@click.command()
@click.argument("release", metavar="REF")
@click.option("--disputed", is_flag=True, help="Only articles that annotators did not all answer alike, or still open.")
@click.option("--batch", metavar="NAME", help="The new batch's name (default: reopen-1-2-0, or disputed-1-2-0).")
@verb
def reopen(shell: Shell, release: str, disputed: bool, batch: str | None) -> Report:
    """Make a batch of a published version again, with each annotator's answers and the gold as predictions.

    REF is a version of this project (in dist/, or else on the Hub), a folder, @REVISION of this dataset on the Hub, or
    NAME/DATASET@REVISION. Then `khabar send --batch NAME`: what the same annotator submits there replaces the earlier
    judgement of the article, and what is submitted unchanged changes nothing.
    """
    from builder import reopening

    return reopening.reopen(shell.project(), release, base=shell.folder, only_disputed=disputed, batch=batch)


@click.command()
@click.argument("release")
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="[FILES]...")
@click.option("--articles", "files", multiple=True, required=True, type=click.Path(path_type=Path), metavar="FILES",
              help="The raw pages, as `ingest` reads them: .txt, .jsonl and .html files, or folders of them.")  # fmt: skip
@click.option("--to", type=click.Path(path_type=Path), metavar="DIR",
              help="Where to write the full edition (default: hydrated/vVERSION).")  # fmt: skip
@_rehearse
@verb
def hydrate(
    shell: Shell, release: str, more: tuple[Path, ...], files: tuple[Path, ...], to: Path | None, rehearse: bool
) -> Report:
    """Make the full edition of stand-off RELEASE from the raw pages that you have: --articles FILES...

    RELEASE is a folder, a version of this project, or NAME/DATASET@REVISION. Each document that is not given, or whose
    text differs, is named; the rows of the others are written, and the exit code is 1.
    """
    from builder import hydrating
    from builder.project import Project

    try:
        project = shell.project()
    except Refused:
        project = Project(shell.folder)
    return hydrating.hydrate(project, release, (*files, *more), base=shell.folder, to=to, rehearse=rehearse)
