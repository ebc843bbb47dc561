"""The command `reopen`: turn a published version back into an annotation batch."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.reopen import assigned, disputes_of, transfer_answers
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.json_rows import write_table_lines
from builder.io.jsonl import write_jsonl
from builder.io.parquet import whole
from builder.project import groups, services
from builder.project.annotations import (
    check_batch_name,
    published_path,
    read_batch,
    read_judgements,
    read_published_table,
    taken_down,
)
from builder.project.cleaning import keep_basis
from builder.project.corpus import refuse_stale, select_rows
from builder.project.project import Project
from builder.project.releases import resolve_release
from builder.records import (
    GOLD,
    Article,
    BatchItem,
    Dispute,
    Document,
    Dropped,
    Issue,
    KhabarError,
    Line,
    PublishedAnnotation,
    Report,
    count_by_reason,
    counted,
    user_error,
)
from builder.release.publish.annotations import ReleaseAnnotations, read_annotations
from builder.release.publish.open import open_release


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenReport(Report):
    """The report of `reopen`: the batch that a version became, and its pre-annotations."""

    batch: str
    articles: int
    version: str
    is_new: bool
    predictions: int
    annotators: int
    other_texts: int
    """Articles whose text differs from the published one."""
    disputes: int | None = None
    """Questions that votes did not settle, if only articles with one are reopened."""

    def lines(self) -> Iterator[Line]:
        """Return the batch, and what its pre-annotations are of."""
        before = "" if self.is_new else ", as it was before"
        yield Line("batch", f"{self.batch}: {counted(self.articles, 'article')} of version {self.version}{before}")
        yield Line("predictions", f"{self.predictions}, of {counted(self.annotators, 'annotator')} and the gold")
        if self.disputes is not None:
            yield Line("disputes", f"{self.disputes}, which votes did not settle")
        if self.other_texts:
            moved = "spans whose words did not change were moved with them"
            yield Line("other texts", f"{counted(self.other_texts, 'article')}: {moved}")


@click.command("reopen")
@click.argument("release", metavar="REF")
@click.option("--disputed", is_flag=True, help="Only articles with a dispute: a question that votes did not settle.")
@click.option("--batch", metavar="NAME", help="The new batch's name (default: reopen-1-2-0, or disputed-1-2-0).")
@road
def cli(console: Console, release: str, disputed: bool, batch: str | None) -> ReopenReport:
    """Turn a published version back into a batch, with each annotator's answers and the gold as pre-annotations.

    REF is a version of this project (in dist/, or else on the Hub), a folder, @REVISION of this dataset on the Hub, or
    NAME/DATASET@REVISION. Continue with `khabar send --batch NAME`. What an annotator submits there replaces their
    earlier judgement of the article; an unchanged submission changes nothing.
    """
    return reopen(project_of(console), release, base=console.folder, only_disputed=disputed, batch=batch)


def reopen(
    project: Project, name: str, *, base: Path, only_disputed: bool = False, batch: str | None = None
) -> ReopenReport:  # fmt: skip
    """Make a batch of a release's articles, with its annotations as the pre-annotations that `send` uploads.

    `name` is a version, a folder below `base`, or a revision on the Hub (`resolve_release`). An existing batch stays
    as it is. Raises KhabarError with exit code 1 if the release is damaged; 2 if an article is not in this project,
    has another text that cannot be compared, or the batch exists with other content; 3 if the Hub fails.
    """
    if batch is not None:
        check_batch_name(batch, "again-1")
    with project.lock():
        version, found = _read(project, name, base)
        refuse_stale(project)
        published = found.pages["id"].to_pylist()
        articles = {article.id: article for article in select_rows(project, "articles", Article, "id", published)}
        gone = taken_down(project)
        disputes = _disputes(project, found, articles) if only_disputed else ()
        wanted = (
            {one.article_id for one in disputes} | (found.unsettled - {*articles}) if only_disputed else {*published}
        )
        chosen = sorted(wanted - gone)
        _refuse_empty(name, chosen, only_disputed=only_disputed)
        others = _other_texts(chosen, found.pages, articles)
        own = found.answers.filter(pc.is_in(found.answers["article_id"], pa.array(chosen, pa.string())))
        placed = transfer_answers(own, articles, others)
        kind = "disputed" if only_disputed else "reopen"
        batch = batch or f"{kind}-{version.replace('.', '-')}"
        fresh = _write(project, batch, [articles[article] for article in chosen], placed.answers)
        aside = [Dropped("reopen", article, "taken down" if article in gone else "not in dispute")
                 for article in sorted({*published} - {*chosen})]  # fmt: skip
        accounts = (
            count_by_reason("reopen", "articles", len({*published}), len(chosen), aside),
            count_by_reason("reopen", "spans", placed.taken, placed.taken - len(placed.set_aside), placed.set_aside),
        )
        project.save_account("reopen", accounts, [*aside, *placed.set_aside])
    people = len({*pc.unique(placed.answers["who"]).to_pylist()} - {GOLD})
    return ReopenReport(
        "reopen", accounts, set_aside=(*aside, *placed.set_aside), batch=batch, articles=len(chosen), version=version,
        is_new=fresh, predictions=len(placed.answers), annotators=people, other_texts=len(others),
        disputes=len(disputes) if only_disputed else None,
    )  # fmt: skip


def _read(project: Project, name: str, base: Path) -> tuple[str, ReleaseAnnotations]:
    place = resolve_release(name, project, base)
    with services.hub(project, rehearse=False) as hub, open_release(place, *hub) as release:
        try:
            return release.side.about.version, read_annotations(release.side)
        except (KeyError, IndexError, TypeError) as error:
            raise user_error(
                "release",
                f"its tables are not those of a release that khabar builds now: {error}",
                where=name,
                fix="name a release with the configs entities, annotations and articles",
            ) from None


def _refuse_empty(name: str, chosen: Sequence[str], *, only_disputed: bool) -> None:
    if not chosen:
        message = "no article of it is or was in dispute" if only_disputed else "it has no article to reopen"
        raise user_error("nothing-to-reopen", message, where=name, fix="leave --disputed out, or name another release")


def _disputes(project: Project, found: ReleaseAnnotations, articles: Mapping[str, Article]) -> tuple[Dispute, ...]:
    """Return the questions of a release that votes did not settle."""
    schema = project.schema
    return disputes_of(found.answers, articles, schema.labels, schema.dataset.adjudication)


def _other_texts(chosen: Sequence[str], pages: pa.Table, articles: Mapping[str, Article]) -> dict[str, str]:
    """Return the published texts of articles whose text differs here. Raises KhabarError with each that cannot be placed."""
    issues: list[Issue] = []
    texts: dict[str, str] = {}
    rows = pc.index_in(pa.array(chosen, pa.string()), whole(pages["id"]))
    columns = (whole(pages[name]).take(rows).to_pylist() for name in ("text_sha", "origin"))
    for article_id, row, text_sha, origin in zip(chosen, rows.to_pylist(), *columns, strict=True):
        article = articles.get(article_id)
        if article is None:
            message = f"its page is not in this project{f' ({origin})' if origin else ''}"
            fix = "run `khabar ingest` with the file that it came from, then `khabar clean`"
            issues.append(Issue("error", "no-article", message, article_id, fix))
        elif article.text_sha != text_sha and not pages["text"][row].is_valid:
            message = f"its text is another one here, and the release holds no text: {text_sha} was published"
            fix = "run `khabar clean` with the profile and the rules that the release was made with"
            issues.append(Issue("error", "stale-text", message, article_id, fix))
        elif article.text_sha != text_sha:
            texts[article_id] = pages["text"][row].as_py()
    if issues:
        raise KhabarError(*issues)
    return texts


def _write(project: Project, batch: str, articles: Sequence[Article], answers: pa.Table) -> bool:
    """Write a batch and its pre-annotations, the batch last. Return False if both exist already."""
    folder = project.annotations / batch
    if (folder / "batch.jsonl").exists():
        there = {(item.article_id, item.text_sha) for item in read_batch(project, batch)}
        same = there == {(article.id, article.text_sha) for article in articles}
        if not same or not read_published_table(project, batch).equals(answers):
            raise user_error(
                "batch",
                f"batch {batch} already exists with other content",
                where=str(folder),
                fix="choose another name with --batch",
            )
        return False
    group_of = {
        group.article_id: group.group_id for group in groups.groups_for(project, {article.id for article in articles})
    }
    pages = {article.document_id for article in articles}
    sources = {document.id: document.source for document in select_rows(project, "documents", Document, "id", pages)}
    items = [
        BatchItem(batch, article.id, article.text_sha, group_of[article.id], sources[article.document_id])
        for article in articles
    ]
    keep_basis(project, batch, items)
    write_table_lines(published_path(project, batch), answers, PublishedAnnotation)
    if project.schema.dataset.assignment != "pool":
        people = {judgement.annotator for judgement in read_judgements(project)}
        write_jsonl(folder / "assignment.jsonl", assigned(batch, answers, people))
    write_jsonl(folder / "batch.jsonl", items)
    return True
