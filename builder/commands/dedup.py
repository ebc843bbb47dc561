"""The command `dedup`: group duplicate and near-duplicate articles."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from builder.cli.options import bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.executor.start import LOCAL, ExecutorConfig
from builder.io.jsonl import read_jsonl
from builder.project import groups
from builder.project.batches import batch_groups
from builder.project.project import Project
from builder.records import Dropped, Line, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupReport(Report):
    """The report of `dedup`: all groups, those that hold several articles, and the articles of each kind."""

    groups: int
    shared: int
    kinds: dict[str, int]

    def lines(self) -> Iterator[Line]:
        """Return the groups, and how many articles -v lists."""
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.kinds.items())
        yield Line("groups", f"{self.groups}, of which {self.shared} hold several articles ({kinds})")
        if self.set_aside:
            said = "articles are similar to several existing groups, or occur twice; -v lists them"
            yield Line("remarks", f"{len(self.set_aside)} {said}")


@click.command("dedup")
@bulk
@road
def cli(console: Console) -> DedupReport:
    """Find duplicate and near-duplicate articles and group them. Nothing is deleted."""
    return dedup(project_of(console), ExecutorConfig(console.engine, console.workers, console.step))


def dedup(project: Project, run: ExecutorConfig = LOCAL) -> DedupReport:
    """Group duplicate and near-duplicate articles. Nothing is deleted."""
    with project.lock():
        groups.ensure_groups(project, run)
        batch_groups(project)
        counts = groups.count_groups(project)
    remarks = read_jsonl(project.work / "set_aside" / "dedup.jsonl", Dropped)
    return DedupReport(
        "dedup", tuple(project.accounts("dedup")), set_aside=tuple(remarks),
        groups=counts["groups"], shared=counts["shared"], kinds={kind: counts[kind] for kind in groups.KINDS},
    )  # fmt: skip
