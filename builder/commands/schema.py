"""The command `schema`: check, render and extend the dataset's own definition."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import click

from builder.annotation.questions import slots_of, targets_for
from builder.cli.options import verb
from builder.cli.output import Console, open_page
from builder.cli.road import road
from builder.corpus.cleaning.matching.examples import check_evidence, check_examples
from builder.corpus.cleaning.matching.rules import compile_rules, every_rule
from builder.corpus.cleaning.suggest.describe import describe, remark
from builder.corpus.cleaning.suggest.insert import FILE as BOILERPLATE
from builder.corpus.cleaning.suggest.insert import insert_rules, rules_yaml
from builder.corpus.cleaning.suggest.proposals import MIN_DOCUMENTS, Proposal, suggest_rules
from builder.io.atomic import write_bytes
from builder.io.yaml import parse_yaml
from builder.labelstudio.config import guide_html
from builder.labelstudio.preview import SAMPLE, preview_page
from builder.project.corpus import iter_records, profile_of, refuse_empty, select_rows
from builder.project.counts import read_counts
from builder.project.project import Project, find_project
from builder.project.validation import open_issues
from builder.records import Article, Document, Issue, KhabarError, Report, user_error
from builder.schema.boilerplate import Boilerplate
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
    return Report(
        "schema check",
        issues=(*failed, *check_evidence(schema.boilerplate), *_left_open(project)),
        facts=facts,
        exit_code=1 if failed else 0,
    )


def _left_open(project: Project) -> list[Issue]:
    """Return a warning for each field that a build will refuse."""
    return [replace(issue, severity="warning") for issue in open_issues(project)]


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


@dataclass(frozen=True, slots=True)
class Suggestions(Report):
    """The report of `schema suggest`: also the proposals, with all of their fields."""

    proposals: tuple[Proposal, ...] = ()


def suggest(
    project: Project, *, apply: Sequence[str] = (), dry_run: bool = False, min_documents: int = MIN_DOCUMENTS
) -> Suggestions:
    """Propose rules for what recurs at the edges of a source's pages; write those of the proposals named by `apply`.

    With `dry_run`, only report what would be written. Raises KhabarError (exit code 2) for an unknown id, and if an
    example fails.
    """
    refuse_empty(project)
    table = profile_of(project)
    counts = read_counts(project.work / "counts.jsonl", table.id)

    def read() -> Iterator[Document]:
        return (document for batch in iter_records(project, "documents", Document) for document in batch)

    proposals = suggest_rules(
        read, table, compile_rules(project.schema.boilerplate), counts=counts if len(counts.keys) else None,
        min_documents=min_documents,
    )  # fmt: skip
    chosen = _chosen(proposals, apply)
    if apply:
        return Suggestions("schema suggest", facts=_apply(project, chosen, dry_run=dry_run), proposals=tuple(chosen))
    facts = {"proposals": f"{len(proposals)}; none is applied (`--apply ID` writes its rules into {BOILERPLATE})"}
    facts |= {f"{one.id} ({make_visible(one.source)})": describe(one) + "\n" for one in proposals}
    return Suggestions("schema suggest", facts=facts, proposals=tuple(proposals))


def _chosen(proposals: Sequence[Proposal], wanted: Sequence[str]) -> list[Proposal]:
    """Return the proposals with the wanted ids, each once."""
    known = {one.id: one for one in proposals}
    if unknown := [name for name in dict.fromkeys(wanted) if name not in known]:
        raise user_error(
            "unknown-proposal", f"no proposal has the id {', '.join(unknown)}",
            fix=f"name some of: {', '.join(known)}" if known else "no proposals are left; nothing is to be applied",
        )  # fmt: skip
    return [known[name] for name in dict.fromkeys(wanted)]


def _apply(project: Project, chosen: Sequence[Proposal], *, dry_run: bool) -> dict[str, str]:
    """Write the rules of proposals into the boilerplate file; return what was written, as facts."""
    path = project.root / BOILERPLATE
    with nullcontext() if dry_run else project.lock():
        text = path.read_bytes().decode("utf-8")
        for one in chosen:
            text = insert_rules(text, one.source, one.rules, remark(one))
        if failed := check_examples(parse_yaml(text, Boilerplate, BOILERPLATE)):
            raise KhabarError(*failed)
        if not dry_run:
            write_bytes(path, text.encode("utf-8"))
    verb = "would be added" if dry_run else "added"
    rules = sum(len(one.rules) for one in chosen)
    facts = {
        f"{verb} to {BOILERPLATE}": f"{rules} {'rule' if rules == 1 else 'rules'} of {len(chosen)} {'proposal' if len(chosen) == 1 else 'proposals'}"
    }
    written = {one.source + ": " + one.id: rules_yaml(one.rules, 6, remark(one)) for one in chosen}
    return facts | written


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
@click.option("--apply", multiple=True, metavar="ID", help="Write the rules of this proposal; may be repeated.")
@click.option("--dry-run", is_flag=True, help="With --apply: only print what would be written.")
@click.option(
    "--min-documents", type=click.IntRange(min=3), default=MIN_DOCUMENTS, show_default=True,
    help="Fewest documents of a source that show what is proposed.",
)  # fmt: skip
@road
def suggest_cli(console: Console, apply: tuple[str, ...], dry_run: bool, min_documents: int) -> Report:
    """Propose boilerplate rules for what recurs at the edges of a source's pages.

    Each proposal has examples, counter-examples from inside the texts, and a lower bound of its precision. Nothing is
    applied unless --apply names it; several ids may be joined by commas.
    """
    wanted = [name for given in apply for name in given.replace(",", " ").split()]
    if dry_run and not wanted:
        raise click.UsageError("--dry-run belongs to --apply")
    return suggest(find_project(console.folder), apply=wanted, dry_run=dry_run, min_documents=min_documents)
