"""The command `schema`: check, render and extend the dataset's own definition."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import click

from builder.annotation.questions import slots_of, targets_for
from builder.cli.options import verb
from builder.cli.output import Console, open_page
from builder.cli.road import road
from builder.commands.schema_migrate import cli as migrate_cli
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
from builder.records import Article, Document, KhabarError, Line, Report, counted, user_error
from builder.schema.boilerplate import Boilerplate
from builder.text.invisible import make_visible
from builder.text.profiles import describe_change


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaReport(Report):
    """The report of `schema check`: what the schema defines, how many examples of its rules fail, and its hash."""

    entity_types: int
    targets: int
    profile: str
    rules: int
    examples: int
    failed: int
    hash: str

    def lines(self) -> Iterator[Line]:
        """Return a line for each file."""
        yield Line("labels", f"{counted(self.entity_types, 'entity type')}, {counted(self.targets, 'stance target')}")
        yield Line("profile", self.profile)
        rules = f"{counted(self.rules, 'rule')}, {counted(self.examples, 'example')}"
        yield Line("boilerplate", f"{rules}, of which {self.failed} fail")
        yield Line("schema", self.hash)


def check(project: Project) -> SchemaReport:
    """Check all of schema/, and every boilerplate rule against its examples.

    The report's exit code is 1 if an example fails. Raises KhabarError (exit code 2) with every fault of the files.
    """
    schema = project.schema
    failed = check_examples(schema.boilerplate)
    rules = every_rule(schema.boilerplate)
    examples = sum(len(rule.examples.matches) + len(rule.examples.leaves) for rule in rules)
    return SchemaReport(
        "schema check", issues=(*failed, *check_evidence(schema.boilerplate), *open_issues(project, "warning")),
        exit_code=1 if failed else 0,
        entity_types=len(schema.labels.entities), targets=len(schema.labels.target_ids), profile=profile_of(project).id,
        rules=len(rules), examples=examples, failed=len(failed), hash=schema.hash,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CharacterChange:
    """A character by its code point, and what becomes of it, by Unicode name."""

    code: int
    what: str


@dataclass(frozen=True, slots=True)
class PolicyChanges:
    """What one policy of a profile changes: characters, or something in a context."""

    name: str
    context: str
    characters: tuple[CharacterChange, ...]

    def line(self, *, every: bool) -> Line:
        """Return the number of characters, the context, and with `every` each character."""
        size = counted(len(self.characters), "character") if self.characters else "in context"
        lines = [f"    {self.context}"] if self.context else []
        if every:
            lines += [f"    U+{one.code:04X} {one.what}" for one in self.characters]
        return Line(self.name, "\n".join([f"    {size}", *lines]) if lines else size)


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderReport(Report):
    """The report of `schema render`: the profile's policies, what they changed in the documents, and the page if any."""

    profile: str
    policies: tuple[PolicyChanges, ...]
    documents: int
    changes: dict[str, int]
    """Number of times by change, most first."""
    page: Path | None = None

    def lines(self, *, every: bool = False) -> Iterator[Line]:
        """Return the size, or each character, of each policy, and what was changed."""
        yield Line("profile", self.profile)
        for policy in self.policies:
            yield policy.line(every=every)
        if self.documents:
            changed = "\n".join(f"{times:>8}  {what}" for what, times in self.changes.items())
            yield Line(f"changed in {counted(self.documents, 'document')}", changed or "nothing")
        if self.page:
            yield Line("annotation page", str(self.page))

    def all_lines(self) -> Iterator[Line]:
        """Return each character of each policy, and what was changed."""
        return self.lines(every=True)


def render(project: Project, *, page: Path | None = None) -> RenderReport:
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
    policies = tuple(
        PolicyChanges(policy.name, policy.context, tuple(
            CharacterChange(ord(c), describe_change(c, put)) for c, put in sorted(policy.changes.items())
        ))
        for policy in table.policies
    )  # fmt: skip
    ranked = sorted(made.items(), key=lambda pair: (-pair[1], pair[0]))
    return RenderReport(
        "schema render", profile=table.id, policies=policies, documents=pages, changes=dict(ranked), page=page
    )


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestReport(Report):
    """The report of `schema suggest`: all proposals, or those whose rules were written, or would be."""

    proposals: tuple[Proposal, ...]
    state: Literal["proposed", "would be added", "added"]

    def lines(self) -> Iterator[Line]:
        """Return what speaks for each proposal and against it, or the rules that were written."""
        if self.state == "proposed":
            none = f"none is applied (`--apply ID` writes its rules into {BOILERPLATE})"
            yield Line("proposals", f"{len(self.proposals)}; {none}")
            for one in self.proposals:
                yield Line(f"{one.id} ({make_visible(one.source)})", describe(one) + "\n")
            return
        rules = counted(sum(len(one.rules) for one in self.proposals), "rule")
        yield Line(f"{self.state} to {BOILERPLATE}", f"{rules} of {counted(len(self.proposals), 'proposal')}")
        for one in self.proposals:
            yield Line(f"{one.source}: {one.id}", rules_yaml(one.rules, 6, remark(one)))


def suggest(
    project: Project, *, apply: Sequence[str] = (), dry_run: bool = False, min_documents: int = MIN_DOCUMENTS
) -> SuggestReport:
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
        _apply(project, chosen, dry_run=dry_run)
        state: Literal["would be added", "added"] = "would be added" if dry_run else "added"
        return SuggestReport("schema suggest", proposals=tuple(chosen), state=state)
    return SuggestReport("schema suggest", proposals=tuple(proposals), state="proposed")


def _chosen(proposals: Sequence[Proposal], wanted: Sequence[str]) -> list[Proposal]:
    """Return the proposals with the wanted ids, each once."""
    known = {one.id: one for one in proposals}
    if unknown := [name for name in dict.fromkeys(wanted) if name not in known]:
        raise user_error(
            "unknown-proposal", f"no proposal has the id {', '.join(unknown)}",
            fix=f"name some of: {', '.join(known)}" if known else "no proposals are left; nothing is to be applied",
        )  # fmt: skip
    return [known[name] for name in dict.fromkeys(wanted)]


def _apply(project: Project, chosen: Sequence[Proposal], *, dry_run: bool) -> None:
    """Write the rules of proposals into the boilerplate file; with `dry_run`, only check that they can be."""
    path = project.root / BOILERPLATE
    with nullcontext() if dry_run else project.lock():
        text = path.read_bytes().decode("utf-8")
        for one in chosen:
            text = insert_rules(text, one.source, one.rules, remark(one))
        if failed := check_examples(parse_yaml(text, Boilerplate, BOILERPLATE)):
            raise KhabarError(*failed)
        if not dry_run:
            write_bytes(path, text.encode("utf-8"))


@click.group("schema")
def cli() -> None:
    """Check, render and extend the dataset's own definition, the folder schema/."""


@cli.command("check")
@verb
def check_cli(console: Console) -> SchemaReport:
    """Check every file of schema/, and each boilerplate rule against its examples; exit 1 if one fails."""
    return check(find_project(console.folder))


@cli.command("render")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write the annotation page as HTML."
)
@click.option("--open", "opened", is_flag=True, help="Open the annotation page in the browser; no server is needed.")
@verb
def render_cli(console: Console, page: Path | None, opened: bool) -> RenderReport:
    """Show what the profile changes, by Unicode name, and how often in the project's documents; -v shows all.

    --open shows what annotators will see: labels, text, questions, guidelines.
    """
    project = find_project(console.folder)
    path = console.folder / page if page else project.work / "page.html" if opened else None
    report = render(project, page=path)
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
def suggest_cli(console: Console, apply: tuple[str, ...], dry_run: bool, min_documents: int) -> SuggestReport:
    """Propose boilerplate rules for what recurs at the edges of a source's pages.

    Each proposal has examples, counter-examples from inside the texts, and a lower bound of its precision. Nothing is
    applied unless --apply names it; several ids may be joined by commas.
    """
    wanted = [name for given in apply for name in given.replace(",", " ").split()]
    if dry_run and not wanted:
        raise click.UsageError("--dry-run belongs to --apply")
    return suggest(find_project(console.folder), apply=wanted, dry_run=dry_run, min_documents=min_documents)


cli.add_command(migrate_cli)
