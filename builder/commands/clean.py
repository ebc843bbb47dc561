"""The command `clean`: normalize documents and remove boilerplate lines."""

import click

from builder.cli.options import bulk, moved_option, verb
from builder.cli.output import Console
from builder.corpus.cleaning.boilerplate import check_examples
from builder.corpus.cleaning.clean import dropped
from builder.corpus.cleaning.stage import STAGE, CleaningConfig, digest
from builder.executor.start import LOCAL, ExecutorConfig
from builder.project import groups
from builder.project.corpus import (
    all_dropped,
    all_issues,
    clean_inputs,
    profile_of,
    refuse_empty,
    run_stage,
    sum_counts,
)
from builder.project.project import Project, find_project
from builder.records import KhabarError, Report, StageCounts, count_by_reason


@click.command("clean")
@moved_option("--learn", instead="schema suggest", flag=True)
@bulk
@verb
def cli(console: Console) -> Report:
    """Normalize each document and remove boilerplate lines, keeping exact offsets into the raw text."""
    return clean(find_project(console.folder), ExecutorConfig(console.engine, console.workers, console.step))


def clean(project: Project, run: ExecutorConfig = LOCAL) -> Report:
    """Clean every document into articles and record each removal."""
    with project.lock():
        rules = project.schema.boilerplate
        broken = check_examples(rules)
        if broken:
            raise KhabarError(*broken)
        refuse_empty(project)
        config = CleaningConfig(profile_of(project), rules)
        done = run_stage(project, STAGE, config, run, digest=digest(config))
        counts, aside = sum_counts(done), all_dropped(done)
        accounts = (
            count_by_reason("clean", "documents", sum(shard.taken for shard in done), counts["documents"], aside),
            StageCounts("clean", "lines", counts["lines"], counts["kept"], dropped(counts)),
        )
        project.save_account("clean", accounts, aside)
        project.stamp("clean", clean_inputs(project))
        judged = groups.apply_filters(project, run)
    facts = {"articles": f"{counts['articles']}, of which {counts['embedded']} were embedded in the page of another"}
    return Report("clean", (*accounts, judged), tuple(all_issues(done)), facts, set_aside=tuple(aside))
