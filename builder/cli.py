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
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder import __version__
from builder.commands.comparing import diff
from builder.commands.hub import hub
from builder.commands.looking import explain, schema, status
from builder.commands.releasing import build, card, hydrate, push, reopen, takedown, verify
from builder.commands.studio import studio
from builder.corpus.encodings import NAMES as ENCODINGS
from builder.records import TOOL, Issue, Refused, Report
from builder.shell import Shell, bulk, common, open_page, show_issues, verb

if TYPE_CHECKING:
    from builder.project import Project


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="khabar")
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
@click.argument("paths", nargs=-1, required=True)
@click.option("--encoding", type=click.Choice(ENCODINGS), help="What the files are in; else each is looked at.")
@bulk
@verb
def ingest(shell: Shell, paths: tuple[str, ...], encoding: str | None) -> Report:
    """Read files, folders of them, or datasets as documents; the text is not touched.

    PATHS are .txt, .jsonl, .csv, .tsv, .parquet, .html, .warc, .rss, .atom or .xml files, packed as .gz or .zst too,
    here or at an address that fsspec reads, such as s3://bucket/crawl; or what load_dataset reads, such as
    hub://org/name?config=c&split=train. `fields:` in schema/dataset.yaml says which column is what. A broken record
    is set aside with its reason, and the rest is read.
    """
    from builder import gathering

    given = [path if "://" in path else str(shell.folder / path) for path in paths]
    return gathering.ingest(_project(shell), given, encoding=encoding, run=shell.run())


@khabar.command()
@click.option("--learn", is_flag=True, help="Clean nothing; propose rules for lines that recur in a source.")
@bulk
@verb
def clean(shell: Shell, learn: bool) -> Report:
    """Normalize each document and drop boilerplate lines, with the way back to the raw text."""
    from builder import beside, gathering

    if learn:
        return beside.learn(_project(shell))
    return gathering.clean(_project(shell), shell.run())


@khabar.command()
@bulk
@verb
def dedup(shell: Shell) -> Report:
    """Group articles that are equal, near copies, inside another, or one story; they are marked, never removed."""
    from builder import gathering

    return gathering.dedup(_project(shell), shell.run())


_batch = click.option("--batch", help="Name of the batch (default: the only one; for sample, batch-1).")


@khabar.command()
@_batch
@click.option("--size", type=click.IntRange(min=1), help="Articles in the batch (default: schema/dataset.yaml).")
@click.option("--next", "by_gold", is_flag=True, help="First what the gold so far knows least about (extra select).")
@bulk
@verb
def sample(shell: Shell, batch: str | None, size: int | None, by_gold: bool) -> Report:
    """Choose articles to annotate: seeded, one of each group, spread over sources, months and lengths.

    --next trains a small model on the gold so far, and puts first the articles of which it is least sure, those with
    rare labels and targets, those like what annotators part on, and those unlike what was chosen; why each was chosen
    is written to annotations/<batch>/next.jsonl.
    """
    from builder import gathering

    return gathering.sample(_project(shell), batch, size, shell.run(), by_gold=by_gold)


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
@click.option(
    "--splits",
    "dataset",
    metavar="DIR_OR_REPO",
    help="Check the splits of any dataset instead: a folder, or NAME/DATASET[@REVISION] on a Hub.",
)
@verb
def check(shell: Shell, watch: bool, every: float, dataset: str | None) -> Report:
    """Find every fault in the judgements, each with the link of its task; exit 1 if there is an error.

    --watch ends by itself when every article has its annotators. --splits looks for texts that stand in two splits of a
    dataset, whoever made it: equal, near copies, or one inside another, in each column of text.
    """
    from builder import judging

    if dataset is not None:
        from builder import auditing

        return auditing.audit(dataset, base=shell.folder)
    if watch:
        return judging.watch(_project(shell), seconds=every, show=show_issues, progress=shell.progress)
    return judging.check(_project(shell))


@khabar.command()
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write the figures as an HTML page."
)
@click.option("--open", "opened", is_flag=True, help="Open the HTML page in the browser.")
@verb
def agree(shell: Shell, page: Path | None, opened: bool) -> Report:
    """Measure how well annotators agree, with intervals; exit 1 below the floors of dataset.yaml.

    The table has the figures over all annotators; with -v, or --json, also those of each pair, of each against
    the others, of each week, and of every way to count a match. The page has plots of them, who confuses what
    with what, and the most disputed passages; it holds texts and pseudonyms.
    """
    from builder import annotate

    project = _project(shell)
    path = shell.folder / page if page else project.work / "agreement.html" if opened else None
    report = annotate.agree(project, path, every=shell.verbose)
    if path and opened:
        open_page(path)
    return report


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


for command in (build, card, push, verify, hydrate, takedown, reopen, hub, diff, status, explain, schema, studio):
    khabar.add_command(command)


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


def _report_bug(error: Exception) -> str:
    report = "\n".join(
        [
            f"{TOOL}, Python {platform.python_version()}, {platform.platform()}",
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
        place = str(error.filename2 or error.filename or "")  # the second is where a finished file was to stand
        said = (
            os.strerror(error.errno) if error.errno else error.strerror or str(error)
        )  # Arrow's own says more, and less
        show_issues([Issue("error", "system", said, where=place, fix=fix)])
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the one boundary: a bug becomes a report to paste
        click.echo(f"khabar met a fault of its own: {type(error).__name__}: {error}", err=True)
        click.echo(f"    fix: please report it with the file {_report_bug(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
