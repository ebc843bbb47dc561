"""The command `clean`: normalize documents and remove boilerplate lines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.options import bulk, moved_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.corpus.cleaning.clean import cut
from builder.corpus.cleaning.counts import STAGE as COUNTING
from builder.corpus.cleaning.matching.examples import check_evidence, check_examples
from builder.corpus.cleaning.stage import STAGE, digest
from builder.corpus.explain.losses import Losses, RuleExample
from builder.corpus.explain.losses_text import LISTED as LISTED_PAGES
from builder.corpus.explain.losses_text import loss_lines
from builder.corpus.sampling.filters import STAGE as FILTERING
from builder.executor.pmap import UNKNOWN, Expected
from builder.executor.start import LOCAL, ExecutorConfig, one_engine, work_of
from builder.project import groups
from builder.project.annotations import read_judgements
from builder.project.batches import batch_articles
from builder.project.cleaning import Recount, accounts_of, apply_recount, count_pages, few_pages, moved_texts, recount
from builder.project.corpus import (
    all_dropped,
    all_issues,
    cleaning_config,
    read_losses,
    read_rule_examples,
    refuse_empty,
    run_stage,
    stage_bytes,
    sum_counts,
)
from builder.project.project import Project
from builder.project.stages.corpus import clean_inputs
from builder.project.stages.shards import done_shards, stage_digest
from builder.records import Issue, KhabarError, Line, Report, user_error

LISTED = 10
"""Most articles that a line of the report names."""


@dataclass(frozen=True, slots=True)
class RecurrenceCounts:
    """The number of things that recur at the edges of pages, their hash, and the sources with too few pages, of all."""

    keys: int
    digest: str
    few: int
    sources: int

    def __str__(self) -> str:
        """Return them in words."""
        if self.few == self.sources:
            return (
                "none: too few pages of any source to tell what recurs; only hard rules and the record's own fields "
                "are evidence (`khabar clean --counts FROM` takes those of a larger project)"
            )
        said = f"{self.keys:,} things recur at the edges of pages; their hash is {self.digest}"
        few = f"; {self.few} of {self.sources} sources have too few pages to tell what recurs" if self.few else ""
        return said + few


@dataclass(frozen=True, slots=True)
class BatchChanges:
    """What a recount changes of the articles of batches, or would change (`dry_run`), by id."""

    articles: int
    changed: tuple[str, ...]
    lost: tuple[str, ...]
    """Those of the changed ones that are left without text."""
    judged: tuple[str, ...]
    """Those of the changed ones that have judgements."""
    dry_run: bool

    def lines(self) -> Iterator[Line]:
        """Return how many change, and which."""
        how = "would change" if self.dry_run else "changed"
        yield Line("articles of batches", f"{self.articles}, of which {len(self.changed)} {how}")
        if self.changed:
            yield Line("changed", _named(self.changed))
        if self.lost:
            yield Line("without text by then", _named(self.lost))
        if self.judged:
            yield Line("with judgements", f"{len(self.judged)}: {_named(self.judged)}")


@dataclass(frozen=True, slots=True)
class CleanedPages:
    """The articles, those of them embedded in the page of another, the parts of lines cut by rule, and what was lost."""

    articles: int
    embedded: int
    parts: dict[str, int]
    losses: Losses
    examples: tuple[RuleExample, ...]

    def lines(self) -> Iterator[Line]:
        """Return the numbers, the pages that lost most, and the rules that dropped most."""
        yield Line("articles", f"{self.articles}, of which {self.embedded} were embedded in the page of another")
        if self.parts:
            yield Line("parts of lines cut", ", ".join(f"{rule} {number}" for rule, number in self.parts.items()))
        yield from loss_lines(self.losses, self.examples)


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanReport(Report):
    """The report of `clean`: what recurs, what a recount changes, and what was cleaned, unless it was a dry run."""

    counts: RecurrenceCounts
    recount: BatchChanges | None = None
    cleaned: CleanedPages | None = None

    def lines(self) -> Iterator[Line]:
        """Return the counts, then what they changed."""
        yield Line("counts", str(self.counts))
        for part in (self.recount, self.cleaned):
            if part:
                yield from part.lines()


@click.command("clean")
@moved_option("--learn", instead="schema suggest", flag=True)
@click.option(
    "--counts", "given", type=click.Path(path_type=Path), metavar="FROM",
    help="Take the counts of another project (a folder, or its .khabar/counts.jsonl) as well, where this one has few pages.",
)  # fmt: skip
@click.option(
    "--recount", "again", is_flag=True,
    help="Clean the articles of batches with the present counts too: say which would change, and change them.",
)  # fmt: skip
@click.option("--yes", is_flag=True, help="With --recount: also change articles that have judgements.")
@click.option("--dry-run", "dry", is_flag=True, help="With --recount: only say what would change.")
@bulk
@road
def cli(console: Console, given: Path | None, again: bool, yes: bool, dry: bool) -> CleanReport:
    """Normalize each document and remove boilerplate lines, keeping exact offsets into the raw text.

    A line goes only on evidence that it is not article text: a hard rule of schema/boilerplate.yaml, or at the edges of
    a page recurrence in its source, or the record's title and author. What recurs is counted first. Articles of batches
    keep the counts that they were cleaned with; --recount asks for the present ones.
    """
    if (yes or dry) and not again:
        raise click.UsageError("--yes and --dry-run belong to --recount")
    project = project_of(console)
    run = ExecutorConfig(console.engine, console.workers, console.step)
    return clean(project, run, given=console.folder / given if given else None, again=again, yes=yes, dry=dry)


def clean(
    project: Project, run: ExecutorConfig = LOCAL, *, given: Path | None = None, again: bool = False, yes: bool = False,
    dry: bool = False,
) -> CleanReport:  # fmt: skip
    """Clean every document into articles and record each removal.

    `given` is another project whose counts are used as well. With `again`, the articles of batches are cleaned with the
    present counts as well; with `dry`, nothing is changed. Raises KhabarError (exit code 1) if articles with judgements
    would change, unless `yes`.
    """
    with project.lock(), one_engine(run, stage_bytes(project, "documents"), _expected(project)) as run:  # noqa: PLR1704 - the same run
        rules = project.schema.boilerplate
        broken = check_examples(rules)
        if broken:
            raise KhabarError(*broken)
        refuse_empty(project)
        counts = count_pages(project, run, given, is_kept=not dry)
        recurring = RecurrenceCounts(len(counts.keys), counts.digest, *few_pages(project, counts))
        changes: BatchChanges | None = None
        if again:
            found = recount(project, counts)
            changes = _changes(project, found, yes=yes, dry=dry)
            if dry:
                return CleanReport("clean", counts=recurring, recount=changes)
            apply_recount(project, found, counts)
        config = cleaning_config(project)
        done = run_stage(project, STAGE, config, run, digest=digest(config))
        counted, aside = sum_counts(done), all_dropped(done)
        accounts = accounts_of(done)
        project.save_account("clean", accounts, aside)
        project.stamp_step("clean", clean_inputs(project))
        if project.batches():
            batch_articles(project)
        judged = groups.apply_filters(project, run)
    losses = read_losses(project, LISTED_PAGES)
    cleaned = CleanedPages(
        counted["articles"], counted["embedded"], cut(counted), losses, read_rule_examples(project, losses)
    )
    issues = (*check_evidence(rules), *_moved(project), *all_issues(done))
    return CleanReport(
        "clean", (*accounts, judged), issues, set_aside=tuple(aside), counts=recurring, recount=changes, cleaned=cleaned
    )


def _expected(project: Project) -> Expected:
    """Return the work of cleaning if documents came; what else changed takes longer to find out than workers to start."""
    stamp = project.stamped_step("clean")
    if stamp and stamp.inputs.get("documents") == stage_digest(project, "documents"):
        return UNKNOWN
    return work_of(len(done_shards(project, "documents")), COUNTING, STAGE, FILTERING)


def _changes(project: Project, found: Recount, *, yes: bool, dry: bool) -> BatchChanges:
    """Return what a recount changes. Raises KhabarError (exit code 1) if that is judged, and nobody said yes."""
    changed = [*found.changed, *found.lost]
    judged = sorted({judgement.article_id for judgement in read_judgements(project)} & {*changed})
    if judged and not yes and not dry:
        raise user_error(
            "judged", f"{len(judged)} of the {len(changed)} articles that would change have judgements: {_named(judged)}",
            fix="look with --dry-run; with --yes they change, and `khabar send --changed` carries the spans whose words stay",
            exit_code=1,
        )  # fmt: skip
    return BatchChanges(found.articles, tuple(changed), found.lost, tuple(judged), dry)


def _moved(project: Project) -> list[Issue]:
    """Return a warning if articles of batches have other texts than when they were sampled, such as by another rule."""
    moved = moved_texts(project)
    if not moved:
        return []
    judged = len({judgement.article_id for judgement in read_judgements(project)} & {*moved})
    message = (
        f"{len(moved)} articles of batches have another text than they were sampled with, or none: {_named(moved)}"
    )
    said = f"{message}; {judged} of them have judgements" if judged else message
    fix = "restore schema/ and annotations/ from git, or keep the new texts: `khabar send --changed` carries the spans"
    return [Issue("warning", "text-moved", said, where="annotations/", fix=fix)]


def _named(articles: Sequence[str]) -> str:
    return ", ".join(articles[:LISTED]) + (f" and {len(articles) - LISTED} more" if len(articles) > LISTED else "")
