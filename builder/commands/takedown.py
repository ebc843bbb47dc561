"""The command `takedown`: keep an article out of all later releases."""

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.corpus import refuse_stale, select_rows
from builder.project.project import Project, find_project
from builder.records import Article, Report, Takedown, user_error


@click.command("takedown")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="One line, printed in the dataset's changelog.")
@verb
def cli(console: Console, name: str, reason: str) -> Report:
    """Keep article ID, or all articles of document ID, out of every later release."""
    return takedown(find_project(console.folder), name, reason)


LONGEST = 300
"""Most characters of a reason. It is printed in the dataset's changelog."""


def takedown(project: Project, name: str, reason: str) -> Report:
    """Keep an article, or all articles of a document, out of every later release.

    Published versions stay as they are. Raises KhabarError (exit code 2) if the id is unknown, or if the reason is
    empty or has several lines.
    """
    if not (reason.isprintable() and reason.strip() and len(reason) <= LONGEST):
        raise user_error(
            "reason",
            f"--reason takes one line of at most {LONGEST} characters",
            fix='such as --reason "asked for by the publisher"',
        )
    with project.lock():
        refuse_stale(project)
        found = sorted({article.id for column in ("id", "document_id")
                        for article in select_rows(project, "articles", Article, column, [name])})  # fmt: skip
        if not found:
            raise user_error(
                "no-article",
                f"no article or document has the id {name!r}",
                fix="give the whole id, as the release's `id` column has it",
            )
        path = project.annotations / "takedowns.jsonl"
        known = {entry.article_id: entry for entry in read_jsonl(path, Takedown)}
        fresh = [Takedown(article, reason.strip()) for article in found if article not in known]
        known |= {entry.article_id: entry for entry in fresh}
        write_jsonl(path, [known[article] for article in sorted(known)])
    facts = {
        "taken down": ", ".join(entry.article_id for entry in fresh) or "none (already listed)",
        "written to": str(path),
        "next": "`khabar build VERSION` leaves it out; published versions still contain it",
    }
    return Report("takedown", facts=facts)
