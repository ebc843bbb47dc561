"""The command `status`: show the state of a project."""

from dataclasses import dataclass

import click

from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import read_jsonl
from builder.project.annotations import read_batch, read_judgement_table
from builder.project.batches import cached_batch_articles
from builder.project.project import Project
from builder.project.stages import states
from builder.project.stages.states import StepState
from builder.records import Dispute, Report


@click.command("status")
@road
def cli(console: Console) -> Report:
    """Show the state of the project: each step of the road, the counts of stages, batches, disputes and releases.

    A step is done, stale (an input changed since), never run, or waits for people.
    """
    return status(project_of(console))


STAGES = ("ingest", "clean", "filter", "dedup", "sample", "send", "collect", "check", "adjudicate", "redact", "build")


@dataclass(frozen=True, slots=True)
class StatusReport(Report):
    """The report of `status`, with the state of each step."""

    steps: tuple[StepState, ...] = ()


def status(project: Project) -> StatusReport:
    """Return the state of the project. Changes nothing."""
    accounts = tuple(account for stage in STAGES for account in project.accounts(stage))
    steps = tuple(states.states(project))
    facts = {step.command: _said(step) for step in steps}
    facts |= {f"batch {name}": f"{len(read_batch(project, name))} articles, "
             f"{read_judgement_table(project, name).num_rows} judgements"
             for name in project.batches()}  # fmt: skip
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    facts["open disputes"] = str(len(disputes))
    texts = {article.id: article.text for article in cached_batch_articles(project)}
    for dispute in disputes:
        answers = ", ".join(f"{who}: {answer}" for who, answer in sorted(dispute.answers.items()))
        facts[f"  {dispute.article_id} {_question(dispute.what, texts.get(dispute.article_id, ''))}"] = answers
    for release in sorted(project.root.glob("dist/v*/MANIFEST.json")):
        pushed = project.noted(f"pushed/{release.parent.name}")
        facts[f"release {release.parent.name}"] = f"pushed as {pushed['commit']}" if pushed else "built, not pushed"
    return StatusReport("status", accounts, facts=facts, steps=steps)


def _said(step: StepState) -> str:
    """Return the state of a step in words."""
    return f"{step.state}: {step.why}" if step.why else step.state


def _question(what: str, text: str) -> str:
    """Return the subject of a dispute, with the words of a span."""
    kind, *places = what.split(":")
    return f"{what} «{text[int(places[0]) : int(places[1])]}»" if kind == "span" else what
