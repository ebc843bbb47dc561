"""How the command line reads its common options and prints: one report, as lines or as JSON.

Data goes to stdout, everything else to stderr. Knows no verb.
"""

import functools
import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import click

from builder.records import Issue, Report

if TYPE_CHECKING:
    from builder.project import Project

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Shell:
    """How this run of the command line reads and prints."""

    folder: Path = Path()
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False

    def project(self) -> "Project":
        """The project that the command is for, looked for upwards from its folder."""
        from builder.project import find_project

        return find_project(self.folder)

    def progress(self, message: str) -> None:
        """Say on stderr what goes on."""
        if not self.quiet:
            click.echo(message, err=True)

    def watch(self, batches: Iterable[list[T]], total: int, doing: str) -> Iterator[list[T]]:
        """Go through batches with a bar on a terminal, or a line every few seconds elsewhere."""
        if sys.stderr.isatty() and not self.quiet:
            with click.progressbar(length=total, label=doing, file=sys.stderr) as bar:
                for batch in batches:
                    yield batch
                    bar.update(len(batch))
            return
        said, done = time.monotonic(), 0
        for batch in batches:
            yield batch
            done += len(batch)
            if time.monotonic() - said > 5:
                said = time.monotonic()
                self.progress(f"{doing}: {done} of {total}")


def common(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that every command has."""
    for option in (
        click.option("-v", "--verbose", is_flag=True, help="Print every set-aside record and every warning."),
        click.option("-q", "--quiet", is_flag=True, help="Print no progress."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout."),
        click.option("-C", "folder", type=click.Path(path_type=Path), help="Work as if started in this folder."),
    ):
        function = option(function)
    return function


def verb(function: Callable[Concatenate[Shell, P], Report | None]) -> Callable[..., None]:
    """Make a command of a function that returns a Report, or has printed what it found: common options, exit code."""

    @common
    @click.pass_obj
    @functools.wraps(function)
    def command(
        shell: Shell,
        /,
        folder: Path | None,
        as_json: bool,
        quiet: bool,
        verbose: bool,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> None:
        shell.folder = folder or shell.folder
        shell.as_json |= as_json
        shell.quiet |= quiet
        shell.verbose |= verbose
        report = function(shell, *args, **kwargs)
        if report:
            show(report, shell)
        sys.exit(report.exit_code if report else 0)

    return command


def show(report: Report, shell: Shell) -> None:
    """Print a report: as JSON, or as lines that a person reads."""
    if shell.as_json:
        from builder.project import to_plain

        click.echo(json.dumps(to_plain(report), ensure_ascii=False))
        return
    for account in report.accounts:
        click.echo(f"{account.stage}: {account.taken} {account.unit} in, {account.kept} kept")
        for reason, number in sorted(account.set_aside.items()):
            click.echo(f"    {number:>6}  {reason}")
    for one in report.set_aside if shell.verbose else ():
        click.echo(f"    {one.what}: {one.reason}{': ' if one.detail else ''}{one.detail}")
    for name, value in report.facts.items():
        click.echo(f"{name}:\n{value}" if "\n" in value else f"{name}: {value}")
    warnings = [i for i in report.issues if i.severity == "warning"]
    shown = [i for i in report.issues if i.severity == "error"] + (warnings if shell.verbose else warnings[:10])
    show_issues(shown)
    if len(warnings) > 10 and not shell.verbose:
        click.echo(f"and {len(warnings) - 10} more warnings: run with -v to see all", err=True)


def show_issues(issues: list[Issue]) -> None:
    """Print issues on stderr: where, severity, what, what to do."""
    for issue in issues:
        place = " ".join(filter(None, (issue.where, issue.article_id, issue.annotator)))
        colour = "red" if issue.severity == "error" else "yellow"
        head = click.style(f"{issue.severity}[{issue.code}]", fg=colour)
        click.echo(f"{place + ': ' if place else ''}{head} {issue.message}", err=True)
        if issue.fix:
            click.echo(f"    fix: {issue.fix}", err=True)
        if issue.link:
            click.echo(f"    see: {issue.link}", err=True)


def open_page(path: Path) -> None:
    """Show a page in the browser."""
    import webbrowser

    if not webbrowser.open(path.resolve().as_uri()):
        click.echo(f"no browser was found: open {path} yourself", err=True)
