"""The command `agree`: measure inter-annotator agreement."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from builder.annotation.agreement import thresholds
from builder.annotation.agreement.measure import pairs_account
from builder.annotation.report import page as pages
from builder.annotation.report.text import lines
from builder.cli.output import Console, open_page
from builder.cli.road import project_of, road
from builder.io.atomic import write_bytes
from builder.io.jsonl import write_jsonl
from builder.project.judgements import canonical_judgements, compute_agreement, load_batch_inputs, save_accounts
from builder.project.migration.findings import left_out
from builder.project.project import Project
from builder.project.stages import states
from builder.records import Agreement, Judgement, Line, Report
from builder.records.arrow import records_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreeReport(Report):
    """The report of `agree`: every figure, and the page that was written, if any."""

    figures: tuple[Agreement, ...]
    page: Path | None = None

    def lines(self, *, every: bool = False) -> Iterator[Line]:
        """Return a table of the main figures, or of every figure."""
        yield Line("agreement", "\n".join(lines(self.figures, every=every)))
        if self.page:
            yield Line("page", str(self.page))

    def all_lines(self) -> Iterator[Line]:
        """Return a table of every figure."""
        return self.lines(every=True)


def agree(project: Project, page: Path | None = None) -> AgreeReport:
    """Measure agreement, and write the HTML report if `page` names a file.

    The report's exit code is 1 if a figure is below its threshold (`floors:` in dataset.yaml).
    """
    project = project.snapshot()
    with project.lock():
        loaded = load_batch_inputs(project)
        inputs = states.read_by(project, "agree")
        canonical = canonical_judgements(loaded)
        save_accounts(project, canonical)
        figures = compute_agreement(loaded, canonical.table)
        write_jsonl(project.work / "agreement.jsonl", figures)
        issues = thresholds.shortfalls(figures, project.schema.dataset.floors, project.schema.labels)
        states.finish(project, "agree", inputs, 1 if issues else 0)
    if page:
        said = records_of(canonical.table, Judgement)
        judged = {judgement.article_id for judgement in said}
        shown = {article.id: article for article in loaded.articles if article.id in judged}
        title = project.schema.dataset.title
        write_bytes(page, pages.page(figures, said, shown, project.schema.labels, title=title).encode())
    pairs = pairs_account(canonical.table)
    accounts = (pairs,) if pairs.set_aside else ()  # in a crowd only
    issues = (*issues, *left_out(project, canonical.accounts))
    return AgreeReport("agree", accounts, issues, exit_code=1 if issues else 0, figures=figures, page=page)


@click.command("agree")
@click.option("--html", "page", type=click.Path(path_type=Path), metavar="FILE", help="Also write an HTML report.")
@click.option("--open", "opened", is_flag=True, help="Open the HTML report in the browser.")
@road
def cli(console: Console, page: Path | None, opened: bool) -> AgreeReport:
    """Measure inter-annotator agreement with confidence intervals; exit 1 below a threshold of dataset.yaml.

    The table shows the figures over all annotators. -v and --json add those of each pair, of each annotator against
    the others, of each week, and of every matching rule. The HTML report adds plots, confusion matrices and the most
    disputed passages; it contains texts and pseudonyms.
    """
    project = project_of(console)
    path = console.folder / page if page else project.work / "agreement.html" if opened else None
    report = agree(project, path)
    if path and opened:
        open_page(path)
    return report
