"""The command `status`: show the state of a project."""

from dataclasses import dataclass

import click

from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import count_lines, read_jsonl
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
    facts |= {f"batch {name}": f"{count_lines(project.annotations / name / 'batch.jsonl')} articles, "
             f"{states.answers(project, name).here} judgements"
             for name in project.batches()}  # fmt: skip
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    facts["open disputes"] = str(len(disputes))
    texts = _texts(project) if disputes else {}
    for dispute in disputes:
        answers = ", ".join(f"{who}: {answer}" for who, answer in sorted(dispute.answers.items()))
        facts[f"  {dispute.article_id} {_question(dispute.what, texts.get(dispute.article_id, ''))}"] = answers
    for release in sorted(project.root.glob("dist/v*/MANIFEST.json")):
        pushed = project.noted(f"pushed/{release.parent.name}")
        facts[f"release {release.parent.name}"] = f"pushed as {pushed['commit']}" if pushed else "built, not pushed"
    return StatusReport("status", accounts, facts=facts, steps=steps)


def _texts(project: Project) -> dict[str, str]:
    """Return the text of each article of the batches, as last cached."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - loaded only if a dispute is open

    path = project.work / "sampled" / "articles.parquet"
    if not path.exists():
        return {}
    with pq.ParquetFile(path) as file:
        table = file.read(["id", "text"])
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def _said(step: StepState) -> str:
    """Return the state of a step in words."""
    return f"{step.state}: {step.why}" if step.why else step.state


def _question(what: str, text: str) -> str:
    """Return the subject of a dispute, with the words of a span."""
    kind, *places = what.split(":")
    return f"{what} «{text[int(places[0]) : int(places[1])]}»" if kind == "span" else what
