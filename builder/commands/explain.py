"""The command `explain`: show what cleaning did to one page, or which pages lost most."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console, open_page
from builder.corpus.explain import text
from builder.corpus.explain.html import render_html
from builder.corpus.explain.losses import Losses, keep_worst
from builder.corpus.explain.losses_html import render_losses
from builder.corpus.explain.losses_text import SHOWN, format_losses
from builder.corpus.explain.trace import Explanation
from builder.io.atomic import write_bytes
from builder.project.corpus import explain_documents, read_columns, read_losses, refuse_empty, refuse_stale
from builder.project.project import Project, find_project
from builder.records import KhabarError, user_error
from builder.text.invisible import make_visible

LISTED = 10
"""Most documents that the message about an ambiguous name lists."""


def explain(project: Project, name: str, page: Path | None = None) -> Explanation:
    """Explain what cleaning did to each code point of a raw page, and write HTML if `page` names a file.

    `name` is the id of a document or of one of its articles, at least 4 digits of it, or an origin. Raises KhabarError
    if the name is unknown or ambiguous, or if cleaning is out of date.
    """
    document_id, part = _find_document(project, name)
    refuse_stale(project)
    (explanation,) = explain_documents(project, [document_id])
    if part and document_id + part not in {article.article_id for article in explanation.parts}:
        known = ", ".join(article.article_id for article in explanation.parts)
        none = f"the page's own id, {document_id}: it has no article"
        raise _unknown(name, f"an id, or one of {known}" if known else none)
    if page:
        write_bytes(page, render_html(explanation).encode())
    return explanation


def explain_worst(project: Project, number: int, page: Path | None = None) -> Losses:
    """Return what cleaning removed, with the `number` pages that lost most; write HTML if `page` names a file.

    Raises KhabarError if there are no documents, or if cleaning is out of date.
    """
    refuse_stale(project)
    losses = keep_worst(read_losses(project, number), number)
    if page:
        traces = explain_documents(project, [one.document_id for one in losses.worst])
        write_bytes(page, render_losses(losses, traces).encode())
    return losses


def _find_document(project: Project, name: str) -> tuple[str, str]:
    """Return the id of the document that a name refers to, and the article's suffix (such as -1) if it has one."""
    refuse_empty(project)
    names = read_columns(project, "documents", ["id", "origin"])
    names = names.sort_by("id")
    ids, origins = names["id"].to_pylist(), names["origin"].to_pylist()
    if name in origins:
        found = [document for document, origin in zip(ids, origins, strict=True) if origin == name]
        fix = "give the document's id"
    else:
        digits, part = _digits(name, origins)
        found = [document for document in ids if document.startswith(digits)]
        fix = "give more digits, or the origin"
        if part and found:
            return found[0], part
    if len(found) > 1:
        known = dict(zip(ids, origins, strict=True))
        listed = ", ".join(f"{document} ({make_visible(known[document])})" for document in found[:LISTED])
        more = f" and {len(found) - LISTED} more" if len(found) > LISTED else ""
        raise user_error("ambiguous", f"{name!r} could be {len(found)} documents: {listed}{more}", fix=fix)
    if not found:
        raise _unknown(name, f"an id, or an origin, such as {make_visible(origins[0])}")
    return found[0], ""


def _digits(name: str, origins: Sequence[str]) -> tuple[str, str]:
    """Return the digits of an id and its article suffix."""
    whole = re.fullmatch(r"([0-9a-f]{16})(-[0-9]+)|([0-9a-f]{1,16})", name.lower())
    if whole is None:
        raise _unknown(name, f"an id, or an origin, such as {make_visible(origins[0])}")
    digits = whole[1] or whole[3]
    if len(digits) < 4:
        raise user_error("no-document", f"{name!r} is too short for an id", fix="give at least 4 of its digits")
    return digits, whole[2] or ""


def _unknown(name: str, instead: str) -> KhabarError:
    return user_error("no-document", f"no document or article is called {name!r}", fix=f"give {instead}")


@click.command("explain")
@click.argument("document", required=False)
@click.option(
    "--worst", type=click.IntRange(min=1), is_flag=False, flag_value=SHOWN, metavar="[N]",
    help=f"Show instead the N pages that lost the largest shares of their characters, and what each rule dropped. "
    f"[N: {SHOWN} by default]",
)  # fmt: skip
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Write it as an HTML page instead."
)
@click.option("--open", "opened", is_flag=True, help="Open the HTML page in the browser.")
@verb
def cli(console: Console, document: str | None, worst: int | None, page: Path | None, opened: bool) -> None:
    """Show what cleaning did to a raw page: each removed range with its rule, and each edit.

    DOCUMENT is the id of a document or an article, at least 4 digits of one, or an origin such as folder/file.txt.
    Ranges are code points of the raw page, end exclusive. With --worst, there is no DOCUMENT.
    """
    if (document is None) == (worst is None):
        raise click.UsageError("give either DOCUMENT or --worst")
    project = find_project(console.folder)
    path = console.folder / page if page else project.work / "explain.html" if opened else None
    found = explain(project, document, path) if document is not None else explain_worst(project, worst or SHOWN, path)
    if console.as_json:
        click.echo(text.as_json(found))
    elif path:
        click.echo(f"page: {path}")
    else:
        colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        for line in text.format_lines(found, colour=colour) if isinstance(found, Explanation) else format_losses(found):
            click.echo(line)
    if path and opened:
        open_page(path)
