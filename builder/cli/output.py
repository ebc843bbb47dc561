"""How commands print: a report as text or JSON on stdout, progress and issues on stderr."""

import json
import sys
import time
import webbrowser
from dataclasses import asdict, dataclass, field
from pathlib import Path

import click

from builder.io.plain import to_plain
from builder.records import Issue, Progress, Report
from builder.text.invisible import CONTROLS, show_controls, show_on_one_line


@dataclass(slots=True)
class Console:
    """Options and output of one run of the command line."""

    folder: Path = Path()
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False
    engine: str = "local"
    workers: int | None = None
    said: float = field(default_factory=time.monotonic)

    def progress(self, message: str) -> None:
        """Print a line of progress on stderr."""
        if not self.quiet:
            say(message, err=True)

    def step(self, step: Progress) -> None:
        """Show the progress of a stage: a moving line on a terminal, a line every few seconds elsewhere, or JSON lines."""
        if self.quiet:
            return
        last, now = step.shards == step.of, time.monotonic()
        if self.as_json:
            say_json(asdict(step), err=True)
        elif sys.stderr.isatty():
            click.echo(f"\r\x1b[K{show_on_one_line(progress_bar(step))}", err=True, nl=last)
        elif now - self.said > 5:
            self.said = now
            self.progress(progress_bar(step))


def say(text: str, *, err: bool = False) -> None:
    """Print a text without control characters: names, titles and servers' messages may hold any."""
    click.echo(show_controls(text), err=err)


def say_json(value: object, *, err: bool = False) -> None:
    """Print one JSON document on a line, with control characters escaped."""
    click.echo(escape_controls(json.dumps(value, ensure_ascii=False)), err=err)


def escape_controls(document: str) -> str:
    """Return a JSON document whose control characters are escapes."""
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", document)


def progress_bar(step: Progress) -> str:
    """Format the progress of a stage: shards, rate, kept and dropped records.

    >>> progress_bar(Progress("clean", 3, 12, 900, 890, {"no body": 10}, 2.0))
    'clean [#####               ] 3 of 12 shards, 900 in, 450 a second, 890 kept, 10 no body'
    """
    bar = "#" * (20 * step.shards // max(step.of, 1))
    rate = f"{step.taken / step.seconds:,.0f} a second, " if step.seconds > 0.1 else ""
    reasons = "".join(f", {number:,} {reason}" for reason, number in step.set_aside.items())
    return f"{step.stage} [{bar:<20}] {step.shards} of {step.of} shards, {step.taken:,} in, {rate}{step.kept:,} kept{reasons}"


def show(report: Report, console: Console) -> None:
    """Print a report as JSON or as text."""
    if console.as_json:
        say_json(to_plain(report))
        return
    for account in report.accounts:
        click.echo(f"{account.stage}: {account.taken} {account.unit} in, {account.kept} kept")
        for reason, number in sorted(account.set_aside.items()):
            say(f"    {number:>6}  {show_on_one_line(reason)}")
    for dropped in report.set_aside if console.verbose else ():
        said = f"{dropped.what}: {dropped.reason}{': ' if dropped.detail else ''}{dropped.detail}"
        say(f"    {show_on_one_line(said)}")
    for line in report.all_lines() if console.verbose else report.lines():
        say(f"{line.label}:\n{line.value}" if "\n" in line.value else f"{line.label}: {line.value}")
    if report.next:
        click.echo(f"next: {report.next.command} ({report.next.why})")
    warnings = [i for i in report.issues if i.severity == "warning"]
    shown = [i for i in report.issues if i.severity == "error"] + (warnings if console.verbose else warnings[:10])
    show_issues(shown)
    if len(warnings) > 10 and not console.verbose:
        click.echo(f"and {len(warnings) - 10} more warnings: run with -v to see all", err=True)


def show_issues(issues: list[Issue]) -> None:
    """Print issues on stderr: where, severity, what, and what to do."""
    for issue in issues:
        place = show_on_one_line(" ".join(filter(None, (issue.where, issue.article_id, issue.annotator))))
        colour = "red" if issue.severity == "error" else "yellow"
        head = click.style(f"{issue.severity}[{issue.code}]", fg=colour)
        click.echo(f"{place + ': ' if place else ''}{head} {show_controls(issue.message)}", err=True)
        if issue.fix:
            say(f"    fix: {issue.fix}", err=True)
        if issue.link:
            say(f"    see: {issue.link}", err=True)


def open_page(path: Path) -> None:
    """Show a page in the browser."""
    if not webbrowser.open(path.resolve().as_uri()):
        say(f"no browser found; open {path} yourself", err=True)
