"""The command `clean`: normalize documents and remove boilerplate lines."""

from collections.abc import Sequence
from pathlib import Path

import click

from builder.cli.options import bulk, moved_option
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.corpus.cleaning.clean import cut
from builder.corpus.cleaning.counts import Counts
from builder.corpus.cleaning.matching.examples import check_evidence, check_examples
from builder.corpus.cleaning.stage import STAGE, digest
from builder.executor.start import LOCAL, ExecutorConfig, one_engine
from builder.project import groups
from builder.project.annotations import read_judgements
from builder.project.batches import batch_articles
from builder.project.cleaning import Recount, accounts_of, apply_recount, count_pages, few_pages, moved_texts, recount
from builder.project.corpus import (
    all_dropped,
    all_issues,
    cleaning_config,
    loss_facts,
    refuse_empty,
    run_stage,
    stage_bytes,
    sum_counts,
)
from builder.project.project import Project
from builder.project.stages.corpus import clean_inputs
from builder.records import Issue, KhabarError, Report, user_error

LISTED = 10
"""Most articles that a line of the report names."""


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
def cli(console: Console, given: Path | None, again: bool, yes: bool, dry: bool) -> Report:
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
) -> Report:  # fmt: skip
    """Clean every document into articles and record each removal.

    `given` is another project whose counts are used as well. With `again`, the articles of batches are cleaned with the
    present counts as well; with `dry`, nothing is changed. Raises KhabarError (exit code 1) if articles with judgements
    would change, unless `yes`.
    """
    with project.lock(), one_engine(run, stage_bytes(project, "documents")) as run:  # noqa: PLR1704 - the same run
        rules = project.schema.boilerplate
        broken = check_examples(rules)
        if broken:
            raise KhabarError(*broken)
        refuse_empty(project)
        counts = count_pages(project, run, given, is_kept=not dry)
        facts = {"counts": _said(counts, *few_pages(project, counts))}
        if again:
            found = recount(project, counts)
            facts |= _would_change(project, found, yes=yes, dry=dry)
            if dry:
                return Report("clean", facts=facts)
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
    facts["articles"] = f"{counted['articles']}, of which {counted['embedded']} were embedded in the page of another"
    if parts := cut(counted):
        facts["parts of lines cut"] = ", ".join(f"{rule} {number}" for rule, number in parts.items())
    facts |= loss_facts(project)
    return Report(
        "clean",
        (*accounts, judged),
        (*check_evidence(rules), *_moved(project), *all_issues(done)),
        facts,
        set_aside=tuple(aside),
    )


def _said(counts: Counts, few: int, sources: int) -> str:
    """Return what was counted; of `few` of the sources there are too few pages."""
    if few == sources:
        return (
            "none: too few pages of any source to tell what recurs; only hard rules and the record's own fields are "
            "evidence (`khabar clean --counts FROM` takes those of a larger project)"
        )
    said = f"{len(counts.keys):,} things recur at the edges of pages; their hash is {counts.digest}"
    return f"{said}; {few} of {sources} sources have too few pages to tell what recurs" if few else said


def _would_change(project: Project, found: Recount, *, yes: bool, dry: bool) -> dict[str, str]:
    """Return what a recount changes. Raises KhabarError (exit code 1) if that is judged, and nobody said yes."""
    changed = [*found.changed, *found.lost]
    judged = sorted({judgement.article_id for judgement in read_judgements(project)} & {*changed})
    if judged and not yes and not dry:
        raise user_error(
            "judged", f"{len(judged)} of the {len(changed)} articles that would change have judgements: {_named(judged)}",
            fix="look with --dry-run; with --yes they change, and `khabar send --changed` carries the spans whose words stay",
            exit_code=1,
        )  # fmt: skip
    said = {"articles of batches": f"{found.articles}, of which {len(changed)} {'would change' if dry else 'changed'}"}
    if changed:
        said["changed"] = _named(changed)
    if found.lost:
        said["without text by then"] = _named(found.lost)
    if judged:
        said["with judgements"] = f"{len(judged)}: {_named(judged)}"
    return said


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
