"""Commands that look and change nothing that the road goes by: status, explain, schema."""

import os
import sys
from pathlib import Path

import click

from builder.records import Report
from builder.shell import Shell, open_page, verb


@click.command()
@verb
def status(shell: Shell) -> Report:
    """Show where the project stands: each stage's account, batches, disputes, releases."""
    from builder import flow

    return flow.status(shell.project())


@click.command()
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

    project = shell.project()
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
        open_page(path)


@click.group()
def schema() -> None:
    """Look at the dataset's own definition, the folder schema/."""


@schema.command("check")
@verb
def schema_check(shell: Shell) -> Report:
    """Check every file of schema/, and each boilerplate rule against its examples; exit 1 where one fails."""
    from builder import beside

    return beside.schema_check(shell.project())


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

    project = shell.project()
    path = shell.folder / page if page else project.work / "page.html" if opened else None
    report = beside.schema_render(project, every=shell.verbose, page=path)
    if path and opened:
        open_page(path)
    return report
