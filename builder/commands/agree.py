"""The command `agree`: measure inter-annotator agreement."""

from dataclasses import dataclass
from pathlib import Path

import click

from builder.annotation.agreement import thresholds
from builder.annotation.report import page as pages
from builder.annotation.report.text import lines
from builder.cli.output import Console, open_page
from builder.cli.road import project_of, road
from builder.io.atomic import write_bytes
from builder.io.jsonl import write_jsonl
from builder.project.batches import batch_articles
from builder.project.judgements import canonical_judgements, compute_agreement
from builder.project.migration.findings import left_out
from builder.project.project import Project
from builder.project.stages import states
from builder.records import Agreement, Report


@dataclass(frozen=True, slots=True)
class Measured(Report):
    """The report of `agree`, with every figure."""

    figures: tuple[Agreement, ...] = ()


def agree(project: Project, page: Path | None = None, *, every: bool = False) -> Measured:
    """Measure agreement, and write the HTML report if `page` names a file.

    The report's exit code is 1 if a figure is below its threshold (`floors:` in dataset.yaml). Its facts hold
    `every` figure, or only the main ones.
    """
    project = project.snapshot()
    with project.lock():
        articles = batch_articles(project)
        inputs = states.read_by(project, "agree")
        judgements, accounts = canonical_judgements(project, articles)
        figures = compute_agreement(project, articles, judgements)
        write_jsonl(project.work / "agreement.jsonl", figures)
        issues = thresholds.shortfalls(figures, project.schema.dataset.floors, project.schema.labels)
        states.finish(project, "agree", inputs, 1 if issues else 0)
    if page:
        judged = {judgement.article_id for judgement in judgements}
        shown = {article.id: article for article in articles if article.id in judged}
        title = project.schema.dataset.title
        write_bytes(page, pages.page(figures, judgements, shown, project.schema.labels, title=title).encode())
    facts = {"agreement": "\n".join(lines(figures, every=every))} | ({"page": str(page)} if page else {})
    issues = (*issues, *left_out(project, accounts))
    return Measured("agree", issues=issues, facts=facts, exit_code=1 if issues else 0, figures=figures)


@click.command("agree")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write an HTML report.")
@click.option("--open", "opened", is_flag=True, help="Open the HTML report in the browser.")
@road
def cli(console: Console, page: Path | None, opened: bool) -> Report:
    """Measure inter-annotator agreement with confidence intervals; exit 1 below a threshold of dataset.yaml.

    The table shows the figures over all annotators. -v and --json add those of each pair, of each annotator against
    the others, of each week, and of every matching rule. The HTML report adds plots, confusion matrices and the most
    disputed passages; it contains texts and pseudonyms.
    """
    project = project_of(console)
    path = console.folder / page if page else project.work / "agreement.html" if opened else None
    report = agree(project, path, every=console.verbose)
    if path and opened:
        open_page(path)
    return report
