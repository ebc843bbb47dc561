"""The command `status`: show the state of a project."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.io.jsonl import count_lines, read_jsonl
from builder.project.project import Project
from builder.project.stages import states
from builder.project.stages.states import StepState
from builder.records import Dispute, Line, Report

STAGES = ("ingest", "clean", "filter", "dedup", "sample", "send", "collect", "check", "adjudicate", "redact", "build")


@dataclass(frozen=True, slots=True)
class BatchState:
    """A batch: its articles, and the judgements that were collected."""

    name: str
    articles: int
    judgements: int


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A dispute, with the words that it is about where it is about a span."""

    dispute: Dispute
    words: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseState:
    """A release in dist/, and the commit as which it was pushed, or the place to which it was copied."""

    version: str
    pushed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport(Report):
    """The report of `status`: the state of each step, and the batches, open disputes and releases."""

    steps: tuple[StepState, ...]
    batches: tuple[BatchState, ...]
    open_disputes: tuple[OpenDispute, ...]
    releases: tuple[ReleaseState, ...]

    def lines(self) -> Iterator[Line]:
        """Return a line for each step, batch, dispute and release."""
        for step in self.steps:
            yield Line(step.command, f"{step.state}: {step.why}" if step.why else step.state)
        for batch in self.batches:
            yield Line(f"batch {batch.name}", f"{batch.articles} articles, {batch.judgements} judgements")
        yield Line("open disputes", str(len(self.open_disputes)))
        for one in self.open_disputes:
            about = f" «{one.words}»" if one.words else ""
            answers = ", ".join(f"{who}: {answer}" for who, answer in sorted(one.dispute.answers.items()))
            yield Line(f"  {one.dispute.article_id} {one.dispute.what}{about}", answers)
        for release in self.releases:
            state = f"pushed as {release.pushed}" if release.pushed else "built, not pushed"
            yield Line(f"release v{release.version}", state)


@click.command("status")
@road
def cli(console: Console) -> StatusReport:
    """Show the state of the project: each step of the road, the counts of stages, batches, disputes and releases.

    A step is done, stale (an input changed since), never run, or waits for people.
    """
    return status(project_of(console))


def status(project: Project) -> StatusReport:
    """Return the state of the project. Changes nothing."""
    accounts = tuple(account for stage in STAGES for account in project.accounts(stage))
    disputes = read_jsonl(project.work / "disputes.jsonl", Dispute)
    texts = _texts(project) if disputes else {}
    return StatusReport(
        "status",
        accounts,
        steps=tuple(states.states(project)),
        batches=tuple(
            BatchState(
                name, count_lines(project.annotations / name / "batch.jsonl"), states.answers(project, name).here
            )
            for name in project.batches()
        ),
        open_disputes=tuple(OpenDispute(each, _words(each.what, texts.get(each.article_id, ""))) for each in disputes),
        releases=tuple(
            ReleaseState(folder.name.removeprefix("v"), project.noted(f"pushed/{folder.name}").get("commit"))
            for folder in sorted(path.parent for path in project.root.glob("dist/v*/MANIFEST.json"))
        ),
    )


def _texts(project: Project) -> dict[str, str]:
    """Return the text of each article of the batches, as last cached."""
    import pyarrow.parquet as pq  # noqa: PLC0415 - loaded only if a dispute is open

    path = project.work / "sampled" / "articles.parquet"
    if not path.exists():
        return {}
    with pq.ParquetFile(path) as file:
        table = file.read(["id", "text"])
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def _words(what: str, text: str) -> str:
    """Return the words of a span that a dispute is about, or nothing if it is about a stance."""
    kind, *places = what.split(":")
    return text[int(places[0]) : int(places[1])] if kind == "span" else ""
