"""Entry point of the command line: the table of commands, and the one place that turns errors into messages.

A command's module is imported when the command runs, so `khabar --help` loads none of them.
"""

import io
import os
import platform
import re
import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import NamedTuple

import click

from builder import __version__
from builder.cli.loading import command_module
from builder.cli.options import common
from builder.cli.output import Console, say, show_issues
from builder.records import Issue, KhabarError


class Entry(NamedTuple):
    """One row of the table of commands: the name users type, the module that holds it, one line of help, an example."""

    name: str
    module: str
    help: str
    example: str


ROAD = (
    Entry("ingest", "ingest", "Read files, folders or datasets as documents.", "khabar ingest articles/"),
    Entry("clean", "clean", "Normalize documents and remove boilerplate lines.", "khabar clean"),
    Entry("dedup", "dedup", "Find duplicate and near-duplicate articles and group them.", "khabar dedup"),
    Entry("sample", "sample", "Choose the articles to annotate.", "khabar sample --batch pilot --size 20"),
    Entry("send", "send", "Send a batch to Label Studio.", "khabar send --batch pilot"),
    Entry("collect", "collect", "Download annotations from Label Studio.", "khabar collect --batch pilot"),
    Entry("check", "check", "Report every fault in the annotations.", "khabar check"),
    Entry("agree", "agree", "Measure inter-annotator agreement.", "khabar agree --html agreement.html"),
    Entry(
        "adjudicate", "adjudicate", "Turn annotations into gold; list what is still in dispute.", "khabar adjudicate"
    ),
    Entry("build", "build", "Build a release: Parquet, card and manifest.", "khabar build 1.0.0"),
    Entry("push", "push", "Publish a release: commit, read back, compare, tag.", "khabar push 1.0.0 --rehearse"),
    Entry(
        "verify",
        "verify",
        "Check a release: files, rows, splits, card, Hub copy, rebuild.",
        "khabar verify 1.0.0 --rehearse",
    ),
)
BESIDE = (
    Entry(
        "import", "import_", "Take a published dataset into the project.", "khabar import corpus/ --as conll --dry-run"
    ),
    Entry("export", "export", "Write a release as files of another tool.", "khabar export 1.0.0 --as conll"),
    Entry("init", "init", "Create a new dataset project.", "khabar init my-dataset --repo-id my-org/my-dataset"),
    Entry("demo", "demo", "Run the full pipeline on sample articles with simulated annotators.", "khabar demo"),
    Entry("run", "run", "Run every stale step, up to where people must work.", "khabar run --to build"),
    Entry("status", "status", "Show the state of the project.", "khabar status"),
    Entry(
        "explain",
        "explain",
        "Show what cleaning did to one page, or which pages lost most.",
        "khabar explain articles/page.txt",
    ),
    Entry("diff", "diff", "Compare two releases.", "khabar diff 1.0.0 1.1.0"),
    Entry(
        "hydrate",
        "hydrate",
        "Restore the texts of a stand-off release from the raw pages.",
        "khabar hydrate dist/v1.0.0 --articles articles/",
    ),
    Entry("reopen", "reopen", "Turn a published version back into an annotation batch.", "khabar reopen 1.0.0"),
    Entry(
        "takedown",
        "takedown",
        "Keep an article or an annotator's work out of all later releases.",
        'khabar takedown 0123456789abcdef-0 --reason "asked for by the publisher"',
    ),
    Entry("audit", "audit", "Find texts that occur in several splits of any dataset.", "khabar audit dist/v1.0.0"),
    Entry("schema", "schema", "Check, render and extend schema/.", "khabar schema check"),
    Entry("card", "card", "Check a dataset card against the rows.", "khabar card check 1.0.0"),
    Entry("studio", "studio", "Run the embedded Label Studio.", "khabar studio status"),
    Entry("hub", "hub", "Run a local Hub server.", "khabar hub up"),
)
COMMANDS = (*ROAD, *BESIDE)


class LazyGroup(click.Group):
    """A group whose commands are listed from the table and imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of all commands, in the order of the table."""
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command of this name, or return None."""
        for entry in COMMANDS:
            if entry.name == cmd_name:
                command: click.Command = command_module(entry.module).cli
                command.epilog = f"Example: {entry.example}"
                return command
        return None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the table, without importing a command."""
        for title, entries in (("The road, in order", ROAD), ("Other commands", BESIDE)):
            with formatter.section(title):
                formatter.write_dl([(entry.name, entry.help) for entry in entries])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="khabar")
@common
@click.pass_context
def khabar(context: click.Context, folder: Path | None, as_json: bool, quiet: bool, verbose: bool) -> None:
    """Turn raw Arabic news into annotated, versioned Hugging Face datasets.

    Every command can be run twice with the same result, and resumes where it was stopped.
    """
    context.obj = Console(folder or Path(), as_json, quiet, verbose)


def _report_bug(error: Exception) -> str:
    report = "\n".join(
        [
            f"khabar {__version__}, Python {platform.python_version()}, {platform.platform()}",
            "command: " + re.sub(r"(//[^:/@\s]*):\S*@", r"\1:***@", " ".join(sys.argv[1:])),
            *traceback.format_exception(error),
        ]
    )
    with tempfile.NamedTemporaryFile(
        "w", prefix="khabar-", suffix=".log", delete=False, encoding="utf-8", errors="backslashreplace"
    ) as out:
        out.write(report)
    return out.name


def _system_issue(error: OSError) -> Issue:
    fix = "check free disk space and permissions, then retry"
    path = str(error.filename2 or error.filename or "")  # the second is the final name of an atomic write
    message = os.strerror(error.errno) if error.errno else error.strerror or str(error)  # Arrow's text has both
    return Issue("error", "system", message, where=path, fix=fix)


def main() -> None:
    """Run the command line. Every error ends in a message and an exit code, never in a traceback."""
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        khabar(standalone_mode=False)
    except KhabarError as error:
        show_issues(list(error.issues))
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted. Progress is saved; run the same command again to resume.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        say(shown.getvalue().rstrip("\n"), err=True)
        sys.exit(2)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        show_issues([_system_issue(error)])
        sys.exit(2)
    except Exception as error:  # noqa: BLE001 - the one boundary: a bug becomes a report to paste
        say(f"Internal error (this is a bug in khabar): {type(error).__name__}: {error}", err=True)
        say(f"    fix: please report it with the file {_report_bug(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
