"""The command `schema`: check, render and extend the dataset's own definition."""

from collections import Counter
from pathlib import Path

import click

from builder.annotation.questions import slots_of, targets_for
from builder.cli.options import verb
from builder.cli.output import Console, open_page
from builder.corpus.cleaning.examples import check_examples
from builder.corpus.cleaning.rules import compile_rules, every_rule
from builder.corpus.cleaning.suggest import as_yaml, suggest_rules
from builder.io.atomic import write_bytes
from builder.labelstudio.config import guide_html
from builder.labelstudio.preview import SAMPLE, preview_page
from builder.project.corpus import iter_records, profile_of, refuse_empty, select_rows
from builder.project.project import Project, find_project
from builder.records import Article, Document, Report
from builder.text.invisible import make_visible
from builder.text.profiles import describe_change


def check(project: Project) -> Report:
    """Check all of schema/, and every boilerplate rule against its examples.

    The report's exit code is 1 if an example fails. Raises KhabarError (exit code 2) with every fault of the files.
    """
    schema = project.schema
    failed = check_examples(schema.boilerplate)
    rules = every_rule(schema.boilerplate)
    examples = sum(len(rule.examples.matches) + len(rule.examples.leaves) for rule in rules)
    facts = {
        "labels": f"{len(schema.labels.entities)} entity types, {len(schema.labels.target_ids)} stance targets",
        "profile": profile_of(project).id,
        "boilerplate": f"{len(rules)} rules, {examples} examples, of which {len(failed)} fail",
        "schema": schema.hash,
    }
    return Report("schema check", issues=tuple(failed), facts=facts, exit_code=1 if failed else 0)


def render(project: Project, *, every: bool = False, page: Path | None = None) -> Report:
    """Report what the project's profile changes, by Unicode name, and how often it did in the project's documents.

    With `page`, also write the annotation page there, for the article with the most questions.
    """
    if page:
        _write_preview(project, page)

    table = profile_of(project)
    pages = 0
    made: Counter[str] = Counter()
    for documents in iter_records(project, "documents", Document):
        pages += len(documents)
        for aligned in table.apply_batch([document.raw for document in documents]):
            made.update(table.changes(aligned))
    facts = {"profile": table.id}
    for policy in table.policies:
        size = f"{len(policy.changes)} characters" if policy.changes else "in context"
        lines = [f"    {policy.context}"] if policy.context else []
        if every:
            lines += [f"    U+{ord(c):04X} {describe_change(c, put)}" for c, put in sorted(policy.changes.items())]
        facts[policy.name] = "\n".join([f"    {size}", *lines]) if lines else size
    ranked = sorted(made.items(), key=lambda pair: (-pair[1], pair[0]))
    if pages:
        facts[f"changed in {pages} documents"] = "\n".join(f"{times:>8}  {what}" for what, times in ranked) or "nothing"
    return Report("schema render", facts=facts | ({"annotation page": str(page)} if page else {}))


def _write_preview(project: Project, page: Path) -> None:
    schema = project.schema
    labels = schema.labels
    article, source, most = SAMPLE, "", labels.stances.targets[: slots_of(labels)] if labels.stances else ()
    articles = next(iter_records(project, "articles", Article), [])
    if articles:
        asked = {candidate.id: targets_for(candidate, labels) for candidate in articles}
        article = max(articles, key=lambda candidate: len(asked[candidate.id]))
        (document,) = select_rows(project, "documents", Document, "id", [article.document_id])
        source, most = document.source, asked[article.id]
    guide = guide_html(schema.guidelines, schema.guideline_version)
    html = preview_page(labels, guide, article.title or "", source, article.text, most)
    write_bytes(page, html.encode("utf-8", "replace"))


def suggest(project: Project) -> Report:
    """Propose rules for lines that recur in many documents of one source. Nothing is applied."""
    refuse_empty(project)
    rules = compile_rules(project.schema.boilerplate)
    documents = (document for batch in iter_records(project, "documents", Document) for document in batch)
    proposals = suggest_rules(documents, profile_of(project), rules)
    facts = {"proposals": f"{len(proposals)}; none is applied"}
    facts |= {
        f"{proposal.source}: {make_visible(proposal.example)}": f"{proposal.documents} of {proposal.of} documents, "
        f"{proposal.place}{'; ' if proposal.warning else ''}{proposal.warning}"
        for proposal in proposals
    }
    if proposals:
        facts["to paste under `sources:` of schema/boilerplate.yaml"] = as_yaml(proposals)
    return Report("schema suggest", facts=facts)


@click.group("schema")
def cli() -> None:
    """Check, render and extend the dataset's own definition, the folder schema/."""


@cli.command("check")
@verb
def check_cli(console: Console) -> Report:
    """Check every file of schema/, and each boilerplate rule against its examples; exit 1 if one fails."""
    return check(find_project(console.folder))


@cli.command("render")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write the annotation page as HTML."
)
@click.option("--open", "opened", is_flag=True, help="Open the annotation page in the browser; no server is needed.")
@verb
def render_cli(console: Console, page: Path | None, opened: bool) -> Report:
    """Show what the profile changes, by Unicode name, and how often in the project's documents; -v shows all.

    --open shows what annotators will see: labels, text, questions, guidelines.
    """
    project = find_project(console.folder)
    path = console.folder / page if page else project.work / "page.html" if opened else None
    report = render(project, every=console.verbose, page=path)
    if path and opened:
        open_page(path)
    return report


@cli.command("suggest")
@verb
def suggest_cli(console: Console) -> Report:
    """Propose boilerplate rules for lines that recur in a source. Nothing is applied."""
    return suggest(find_project(console.folder))
