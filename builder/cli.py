"""The command line: parses, calls one flow function, prints, returns the exit code.

Data goes to stdout, everything else to stderr. Heavy libraries are not imported here:
`khabar --help` must stay quick.
"""

import os
import platform
import re
import sys
import tempfile
import traceback
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.corpus.encodings import NAMES as ENCODINGS
from builder.records import Issue, Refused, Report
from builder.shell import Shell, common, show_issues, verb

if TYPE_CHECKING:
    from builder.project import Project


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="khabar", prog_name="khabar")
@common
@click.pass_context
def khabar(context: click.Context, folder: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """From raw Arabic news to annotated, versioned Hugging Face datasets.

    The road: ingest, clean, dedup, sample, send, collect, check, agree, adjudicate,
    build, push, verify. Each verb can be run twice with the same result.
    """
    context.obj = Shell(folder or Path(), as_json, quiet, verbose)


@khabar.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--repo-id", help="The dataset's name on the Hub, such as my-org/my-dataset.")
@verb
def init(shell: Shell, directory: Path, repo_id: str | None) -> Report:
    """Make a new dataset project in DIRECTORY: schema, card template, .gitignore."""
    from builder import flow

    return flow.init(shell.folder / directory, repo_id=repo_id)


@khabar.command()
@click.argument("paths", type=click.Path(path_type=Path), nargs=-1, required=True)
@click.option("--encoding", type=click.Choice(ENCODINGS), help="What the files are in; else each is looked at.")
@verb
def ingest(shell: Shell, paths: tuple[Path, ...], encoding: str | None) -> Report:
    """Read .txt, .jsonl and .html files, or folders of them, as documents; the text is not touched."""
    from builder import flow

    return flow.ingest(_project(shell), [shell.folder / path for path in paths], encoding=encoding)


@khabar.command()
@click.option("--learn", is_flag=True, help="Clean nothing; propose rules for lines that recur in a source.")
@verb
def clean(shell: Shell, learn: bool) -> Report:
    """Normalize each document and drop boilerplate lines, with the way back to the raw text."""
    from builder import beside, flow

    if learn:
        return beside.learn(_project(shell))
    return flow.clean(_project(shell), watch=shell.watch)


@khabar.command()
@verb
def dedup(shell: Shell) -> Report:
    """Group exact and near-duplicate articles; they are marked, never removed."""
    from builder import flow

    return flow.dedup(_project(shell))


_batch = click.option("--batch", help="Name of the batch (default: the only one; for sample, batch-1).")


@khabar.command()
@_batch
@click.option("--size", type=click.IntRange(min=1), help="Articles in the batch (default: schema/dataset.yaml).")
@verb
def sample(shell: Shell, batch: str | None, size: int | None) -> Report:
    """Choose articles to annotate: seeded, one of each duplicate group, spread over sources."""
    from builder import flow

    return flow.sample(_project(shell), batch, size)


@khabar.command()
@_batch
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@click.option("--changed", is_flag=True, help="Send articles whose text changed as new tasks; see below.")
@click.option("--predict", metavar="FROM", help='release:DIR, gazetteer:FILE or command:"PROGRAM ARGUMENTS".')
@click.option("--annotators", default="", help="With assignment: separate, who annotates: a@x.org,b@y.org.")
@verb
def send(shell: Shell, batch: str | None, dry_run: bool, changed: bool, predict: str | None, annotators: str) -> Report:
    """Send a batch to Label Studio; what is already there is not sent again.

    With assignment: separate or isolated each annotator's link is printed, and stored nowhere with their e-mail.

    --predict puts spans on the page of new tasks: those of an earlier release, of the terms of a file with
    TERM<TAB>LABEL lines, or of a program, run without a shell. For each article the program reads a line
    {"id", "title", "text"} and writes a line {"id", "spans": [{"start", "end", "label"}]}, in the same order;
    start and end count code points of the text, end exclusive.

    --changed: what was collected on the older text comes with the new task, where its words are the same; the rest
    is listed as stale. Run `khabar collect` before.
    """
    from builder import annotate

    return annotate.send(
        _project(shell),
        batch,
        dry_run=dry_run,
        progress=shell.progress,
        changed=changed,
        predict=predict,
        annotators=[name for name in annotators.replace(",", " ").split() if name],
        folder=shell.folder,
    )


@khabar.command()
@_batch
@click.option("--prune", is_flag=True, help="Let judgements go that the server no longer has.")
@click.option("--full", is_flag=True, help="Take everything again, not only what changed since the last time.")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Read a JSON export made elsewhere instead.",
)
@verb
def collect(shell: Shell, batch: str | None, prune: bool, full: bool, source: Path | None) -> Report:
    """Fetch every annotator's results into annotations/<batch>/judgements.jsonl: what changed since the last time.

    --from reads a JSON export of another Label Studio, Community or Enterprise. Its tasks find their articles in
    the batch by article_id, or by equal text; those that find none are listed.
    """
    from builder import judging

    return judging.collect(
        _project(shell), batch, prune=prune, full=full, progress=shell.progress,
        source=shell.folder / source if source else None,
    )  # fmt: skip


@khabar.command()
@click.option("--watch", is_flag=True, help="Collect and check while people work, and show what is new, until Ctrl-C.")
@click.option(
    "--every",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    help="Seconds between two looks of --watch.",
)
@verb
def check(shell: Shell, watch: bool, every: float) -> Report:
    """Find every fault in the judgements, each with the link of its task; exit 1 if there is an error.

    --watch ends by itself when every article has its annotators.
    """
    from builder import judging

    if watch:
        return judging.watch(_project(shell), seconds=every, show=show_issues, progress=shell.progress)
    return judging.check(_project(shell))


@khabar.command()
@verb
def agree(shell: Shell) -> Report:
    """Measure how well annotators agree, with intervals; exit 1 below the floors of dataset.yaml."""
    from builder import annotate

    return annotate.agree(_project(shell))


@khabar.command()
@_batch
@click.option("--send", "sends", is_flag=True, help="Send the articles with open disputes to an adjudication project.")
@click.option("--collect", "collects", is_flag=True, help="Read the adjudicators' rulings into decisions.jsonl first.")
@verb
def adjudicate(shell: Shell, batch: str | None, sends: bool, collects: bool) -> Report:
    """Turn judgements into gold by votes; ties become disputes until a decision settles them.

    With --send an adjudicator finds each disputed article in a Label Studio project of its own, with every
    annotator's version beside it: send once they are done, for they would see it too. With --collect the
    rulings become annotations/<batch>/decisions.jsonl; what was written there by hand stays. Of a ruling
    counts what was in dispute: the article's spans as a whole, and each disputed stance.
    """
    from builder import annotate

    project = _project(shell)
    return annotate.adjudicate(project, batch, send=sends, collect=collects, progress=shell.progress)


@khabar.command()
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

    return flow.build(_project(shell), version, accept=accept_low_agreement)


_rehearse = click.option("--rehearse", is_flag=True, help="Use a rehearsal Hub on this machine, kept in .khabar/hub.")


@khabar.command()
@click.argument("version")
@_rehearse
@click.option("--dry-run", is_flag=True, help="Say what would change on the Hub, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before publishing.")
@verb
def push(shell: Shell, version: str, rehearse: bool, dry_run: bool, yes: bool) -> Report:
    """Publish release VERSION: one commit, read back and compared, then tagged."""
    from builder import flow

    project = _project(shell)
    if not (rehearse or dry_run or yes) and sys.stdin.isatty():
        click.confirm(f"Publish v{version} of {project.schema.dataset.repo_id}?", abort=True, err=True)
    return flow.push(project, version, rehearse=rehearse, dry_run=dry_run, progress=shell.progress)


@khabar.command()
@click.argument("version")
@_rehearse
@verb
def verify(shell: Shell, version: str, rehearse: bool) -> Report:
    """Read tag vVERSION back with load_dataset and compare each row with the local release."""
    from builder import flow

    return flow.verify(_project(shell), version, rehearse=rehearse, progress=shell.progress)


@khabar.command()
@verb
def status(shell: Shell) -> Report:
    """Show where the project stands: each stage's account, batches, disputes, releases."""
    from builder import flow

    return flow.status(_project(shell))


@khabar.command()
@click.argument("document")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write it as an HTML page instead."
)
@click.option("--open", "opened", is_flag=True, help="Open the HTML page in the browser.")
@verb
def explain(shell: Shell, document: str, page: Path | None, opened: bool) -> None:
    """Show a raw page with all that cleaning did to it: each range that went, its rule, each edit.

    DOCUMENT is an id of a document or an article, at least 4 digits of one, or an origin such as
    folder/file.txt. Ranges are code points of the raw page, end exclusive.
    """
    from builder import beside
    from builder.corpus import explain_lines

    project = _project(shell)
    path = shell.folder / page if page else project.work / "explain.html" if opened else None
    explanation = beside.explain(project, document, path)
    if shell.as_json:
        click.echo(explain_lines.as_json(explanation))
    elif path:
        click.echo(f"page: {path}")
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for line in explain_lines.lines(explanation, colour=colour):
            click.echo(line)
    if path and opened:
        _open(path)


@khabar.group()
def schema() -> None:
    """Look at the dataset's own definition, the folder schema/."""


@schema.command("check")
@verb
def schema_check(shell: Shell) -> Report:
    """Check every file of schema/, and each boilerplate rule against its examples; exit 1 where one fails."""
    from builder import beside

    return beside.schema_check(_project(shell))


@schema.command("render")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write the annotation page as HTML."
)
@click.option("--open", "opened", is_flag=True, help="Open the annotation page in the browser; no server is needed.")
@verb
def schema_render(shell: Shell, page: Path | None, opened: bool) -> Report:
    """Show what the profile changes, by Unicode name, and how often in the project's documents; -v shows all.

    With --open, see what annotators will see: labels, text, questions, guidelines.
    """
    from builder import beside

    project = _project(shell)
    path = shell.folder / page if page else project.work / "page.html" if opened else None
    report = beside.schema_render(project, every=shell.verbose, page=path)
    if path and opened:
        _open(path)
    return report


@khabar.group()
def studio() -> None:
    """Run the embedded Label Studio, on this machine only."""


@studio.command("install")
@verb
def studio_install(shell: Shell) -> Report:
    """Install Label Studio into an environment of its own; done once for all projects."""
    from builder import servers

    return servers.install(progress=shell.progress)


_database = click.option(
    "--database", metavar="URL", help="A Postgres database, postgresql://user@host:port/name; its password: PGPASSWORD."
)


@studio.command("up")
@click.option("--port", type=click.IntRange(1024, 65535), help="Port on 127.0.0.1 (default: a free one).")
@_database
@verb
def studio_up(shell: Shell, port: int | None, database: str | None) -> Report:
    """Start Label Studio for this project on 127.0.0.1, and print its address.

    The first start chooses the database: SQLite, or with --database an empty one of Postgres; it is kept to,
    without its password. With assignment: isolated, the server of each annotator who was invited is started.
    """
    from builder import servers

    return servers.up(_project(shell), port, database, progress=shell.progress)


@studio.command("status")
@verb
def studio_status(shell: Shell) -> Report:
    """Show whether Label Studio runs, its address, database, data and annotators; changes nothing."""
    from builder import servers

    return servers.studio_status(_project(shell))


@studio.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@verb
def studio_backup(shell: Shell, file: Path) -> Report:
    """Copy Label Studio's data into FILE (a .zip that only you can read); it may run meanwhile.

    Database, uploads, secret key and the key of the pseudonyms are in it, and annotators' e-mails.
    """
    from builder import servers

    return servers.backup(_project(shell), shell.folder / file, progress=shell.progress)


@studio.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@_database
@click.option("--yes", is_flag=True, help="Replace the data that are there.")
@verb
def studio_restore(shell: Shell, file: Path, database: str | None, yes: bool) -> Report:
    """Put the data of FILE, which `studio backup` made, in the place of this project's; Label Studio must be down."""
    from builder import servers

    return servers.restore(_project(shell), shell.folder / file, database, overwrite=yes, progress=shell.progress)


@studio.command("down")
@verb
def studio_down(shell: Shell) -> Report:
    """Stop this project's Label Studio; its data stays."""
    from builder import servers

    return servers.down(_project(shell))


@studio.command("invite")
@click.argument("names", nargs=-1, required=True)
@verb
def studio_invite(shell: Shell, names: tuple[str, ...]) -> Report:
    """Make an account for each annotator NAME, and print its password once.

    With assignment: isolated, make each NAME a Label Studio of their own, and print its address too.
    """
    from builder import servers

    return servers.invite(_project(shell), names, progress=shell.progress)


@khabar.command()
@click.option("--keep", is_flag=True, help="Leave Label Studio up, and print its address and login.")
@click.argument("directory", type=click.Path(path_type=Path), default=Path("khabar-demo"))
@verb
def demo(shell: Shell, directory: Path, keep: bool) -> Report:
    """Go the whole road in DIRECTORY with invented articles and simulated annotators.

    An earlier demonstration in DIRECTORY is replaced; a folder with anything else in it is refused.
    """
    from builder import demo as road

    return road.demo(shell.folder / directory, keep=keep, progress=shell.progress)


def _project(shell: Shell) -> "Project":
    from builder.project import find_project

    return find_project(shell.folder)


def _open(path: Path) -> None:
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        click.echo(f"no browser was found: open {path} yourself", err=True)


def _report_bug(error: Exception) -> str:
    report = "\n".join(
        [
            f"khabar {installed_version('khabar')}, Python {platform.python_version()}, {platform.platform()}",
            "command: " + re.sub(r"(//[^:/@\s]*):\S*@", r"\1:***@", " ".join(sys.argv[1:])),
            *traceback.format_exception(error),
        ]
    )
    with tempfile.NamedTemporaryFile("w", prefix="khabar-", suffix=".log", delete=False, encoding="utf-8") as out:
        out.write(report)
    return out.name


def main() -> None:
    """Run the command line; every fault ends in a message and an exit code, never in a traceback."""
    try:
        khabar(standalone_mode=False)
    except Refused as refused:
        show_issues(list(refused.issues))
        sys.exit(refused.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted: nothing acknowledged is lost; run the same command again to go on", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        fix = "see to the disk and its permissions, then run the same command again"
        show_issues([Issue("error", "system", error.strerror or str(error), where=str(error.filename or ""), fix=fix)])
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the one boundary: a bug becomes a report to paste
        click.echo(f"khabar met a fault of its own: {type(error).__name__}: {error}", err=True)
        click.echo(f"    fix: please report it with the file {_report_bug(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
