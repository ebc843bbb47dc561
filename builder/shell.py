"""How the command line reads its common options and prints: one report, as lines or as JSON.

Data goes to stdout, everything else to stderr. Knows no verb.
"""

import functools
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec

import click

from builder.records import Issue, Report, Step

if TYPE_CHECKING:
    from builder.crawl import Run
    from builder.project import Project

P = ParamSpec("P")


@dataclass(slots=True)
class Shell:
    """How this run of the command line reads and prints."""

    folder: Path = Path()
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    engine: str = "local"
    workers: int | None = None
    said: float = field(default_factory=time.monotonic)

    def project(self) -> "Project":
        """The project that the command is for, looked for upwards from its folder."""
        from builder.project import find_project

        return find_project(self.folder)

    def progress(self, message: str) -> None:
        """Say on stderr what goes on."""
        if not self.quiet:
            click.echo(message, err=True)

    def run(self) -> "Run":
        """Where the bulk stages of this command run, with this terminal told how far they are."""
        from builder.crawl import Run

        return Run(self.engine, self.workers, self.step)

    def step(self, step: Step) -> None:
        """Say how far a stage is: a line that moves on a terminal, one every few seconds elsewhere, or JSON lines."""
        if self.quiet:
            return
        last, now = step.shards == step.of, time.monotonic()
        if self.as_json:
            click.echo(json.dumps(asdict(step), ensure_ascii=False), err=True)
        elif sys.stderr.isatty():
            click.echo(f"\r\x1b[K{_bar(step)}", err=True, nl=last)
        elif now - self.said > 5:
            self.said = now
            self.progress(_bar(step))


def _bar(step: Step) -> str:
    """How far a stage is, how fast, and what it set aside.

    >>> _bar(Step("clean", 3, 12, 900, 890, {"no body": 10}, 2.0))
    'clean [#####               ] 3 of 12 shards, 900 in, 450 a second, 890 kept, 10 no body'
    """
    bar = "#" * (20 * step.shards // max(step.of, 1))
    rate = f"{step.taken / step.seconds:,.0f} a second, " if step.seconds > 0.1 else ""
    reasons = "".join(f", {number:,} {reason}" for reason, number in step.set_aside.items())
    return f"{step.stage} [{bar:<20}] {step.shards} of {step.of} shards, {step.taken:,} in, {rate}{step.kept:,} kept{reasons}"


def _kept(context: click.Context, option: click.Parameter, value: object) -> None:
    setattr(context.ensure_object(Shell), str(option.name), value)


def bulk(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options of a command whose work may run on a cluster."""
    for option in (
        click.option("--workers", type=click.IntRange(min=1), callback=_kept, expose_value=False,
                     help="Processes to start (default: one for each core)."),
        click.option("--engine", type=click.Choice(["local", "ray", "dask"]), default="local", show_default=True,
                     callback=_kept, expose_value=False,
                     help="Where the work runs; RAY_ADDRESS or DASK_SCHEDULER_ADDRESS names a cluster."),
    ):  # fmt: skip
        function = option(function)
    return function


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
