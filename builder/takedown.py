"""The verb takedown: an article that no later release may hold."""

from builder import crawl, state
from builder.project import Project, read_jsonl, write_jsonl
from builder.records import Article, Report, Takedown, refuse

LONGEST = 300
"""Characters of a reason, which stands in the dataset's changelog."""


def takedown(project: Project, name: str, reason: str) -> Report:
    """Keep an article, or all articles of a document, out of every release that is built from now on.

    Published versions stay as they are. Raises Refused (exit code 2) for an unknown id and for a reason that says
    nothing or has several lines.
    """
    if not (reason.isprintable() and reason.strip() and len(reason) <= LONGEST):
        raise refuse("reason", f"--reason takes one line of at most {LONGEST} characters",
                     fix='such as --reason "asked for by the publisher"')  # fmt: skip
    with project.lock():
        state.refuse_stale(project)
        found = sorted({article.id for column in ("id", "document_id")
                        for article in crawl.where(project, "articles", Article, column, [name])})  # fmt: skip
        if not found:
            raise refuse("no-article", f"no article or document has the id {name!r}",
                         fix="give the whole id, as the release's `id` column has it")  # fmt: skip
        path = project.annotations / "takedowns.jsonl"
        known = {one.article_id: one for one in read_jsonl(path, Takedown)}
        fresh = [Takedown(article, reason.strip()) for article in found if article not in known]
        known |= {one.article_id: one for one in fresh}
        write_jsonl(path, [known[article] for article in sorted(known)])
    facts = {
        "taken down": ", ".join(one.article_id for one in fresh) or "nothing: it was before",
        "written to": str(path),
        "next": "`khabar build VERSION` leaves it out everywhere; published versions still hold it",
    }
    return Report("takedown", facts=facts)
