"""The command `dedup`: group duplicate and near-duplicate articles."""

import click

from builder.cli.options import bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.executor.start import LOCAL, ExecutorConfig
from builder.io.jsonl import read_jsonl
from builder.project import groups
from builder.project.batches import batch_groups
from builder.project.project import Project
from builder.records import Dropped, Report


@click.command("dedup")
@bulk
@road
def cli(console: Console) -> Report:
    """Find duplicate and near-duplicate articles and group them. Nothing is deleted."""
    return dedup(project_of(console), ExecutorConfig(console.engine, console.workers, console.step))


def dedup(project: Project, run: ExecutorConfig = LOCAL) -> Report:
    """Group duplicate and near-duplicate articles. Nothing is deleted."""
    with project.lock():
        groups.ensure_groups(project, run)
        batch_groups(project)
        counts = groups.count_groups(project)
    facts = {"groups": f"{counts['groups']}, of which {counts['shared']} hold several articles "
                       f"({', '.join(f'{counts[kind]} {kind}' for kind in groups.KINDS)})"}  # fmt: skip
    remarks = read_jsonl(project.work / "set_aside" / "dedup.jsonl", Dropped)
    if remarks:
        facts["remarks"] = (
            f"{len(remarks)} articles are similar to several existing groups, or occur twice; -v lists them"
        )
    return Report("dedup", tuple(project.accounts("dedup")), facts=facts, set_aside=tuple(remarks))
