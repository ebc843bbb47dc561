"""The command `run`: run every stale step of the road, in order, and stop where people must work."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import click

from builder.cli.options import bulk
from builder.cli.output import Console
from builder.cli.road import project_of, road
from builder.commands.adjudicate import adjudicate
from builder.commands.agree import agree
from builder.commands.build import build
from builder.commands.check import check
from builder.commands.clean import clean
from builder.commands.collect import collect
from builder.commands.dedup import dedup
from builder.commands.sample import sample
from builder.commands.verify import accepted_reason
from builder.executor.start import LOCAL, ExecutorConfig
from builder.project.batches import batch_articles, batch_groups
from builder.project.project import Project
from builder.project.services import connections
from builder.project.stages import states
from builder.project.stages.inputs import built_versions
from builder.project.stages.states import StepState, was_sent
from builder.project.stages.table import ROAD
from builder.records import KhabarError, Line, Notify, Report


@dataclass(frozen=True, slots=True)
class RunStep:
    """What a run did with one step: `ran`, `would run`, `up to date`, `waits` or `stopped`, and why."""

    command: str
    done: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport(Report):
    """The report of `run`, with what was done about each step."""

    steps: tuple[RunStep, ...]

    def lines(self) -> Iterator[Line]:
        """Return a line for each step."""
        for step in self.steps:
            yield Line(step.command, f"{step.done} ({step.why})" if step.why else step.done)


@click.command("run")
@click.option("--to", "target", type=click.Choice([step.command for step in ROAD]), default=ROAD[-1].command,
              help="Last step to run (default: as far as khabar can go alone).")  # fmt: skip
@click.option("--dry-run", "dry", is_flag=True, help="Only say what would run, and why.")
@bulk
@road
def cli(console: Console, target: str, dry: bool) -> RunReport:
    """Run every step of the road whose inputs changed, in order, and stop where people must work.

    It collects where Label Studio can be reached, and rebuilds the newest release that is not pushed. It sends and
    publishes nothing: there it stops, as it does before a first release, which needs a version number. Exit 5 if it
    stopped before the step that --to names. It can be interrupted at any time: the next run goes on.
    """
    engine = ExecutorConfig(console.engine, console.workers, console.step)
    chosen = target if click.get_current_context().get_parameter_source("target") != DEFAULTED else None
    return run(project_of(console), chosen, dry=dry, run=engine, progress=console.progress)


DEFAULTED = click.core.ParameterSource.DEFAULT


def run(
    project: Project, target: str | None = None, *, dry: bool = False, run: ExecutorConfig = LOCAL,
    progress: Notify = lambda _: None,
) -> RunReport:  # fmt: skip
    """Run every stale step up to `target`, or as far as khabar can go alone.

    The report's exit code is 5 if the run stopped before `target`, and that of a step that had findings.
    """
    if dry:
        return _report(_planned(project, target), [], 0)
    steps: list[RunStep] = []
    reports: list[Report] = []
    for step in ROAD:
        _refresh(project)
        found = states.state_of(project, step.command)
        done = _step(project, found, run, progress, reports)
        steps.append(done)
        code = reports[-1].exit_code if reports else 0
        if code or done.done == "stopped":
            return _report(steps, reports, code or (5 if target else 0))
        if step.command == target:
            break
    return _report(steps, reports, 0)


def _step(
    project: Project, found: StepState, run: ExecutorConfig, progress: Notify, reports: list[Report]
) -> RunStep:  # fmt: skip
    """Bring one step up to date, if khabar can do it alone, and add its report to the others."""
    if found.state == "done":
        return RunStep(found.command, "up to date")
    if found.command == "collect" and _is_collectable(project):
        reports.append(_collect(project, progress))
        after = states.state_of(project, "collect")
        return RunStep("collect", "stopped" if after.blocks else "ran", after.why or found.why)
    if found.needs_people:
        return RunStep(found.command, "stopped" if found.blocks else "waits", f"{found.why}: {found.call}")
    progress(f"{found.command}: {found.why}")
    reports.append(STEPS[found.command](project, run))
    return RunStep(found.command, "ran", found.why)


def _planned(project: Project, target: str | None) -> list[RunStep]:
    """Return what a run would do with each step, as far as that can be known."""
    steps: list[RunStep] = []
    for found in states.states(project):
        if found.state == "done":
            steps.append(RunStep(found.command, "up to date"))
        elif found.needs_people:
            steps.append(
                RunStep(found.command, "would stop" if found.blocks else "waits", f"{found.why}: {found.call}")
            )
        else:
            steps.append(RunStep(found.command, "would run", found.why))
        if found.blocks or found.command == target:
            break
    return steps


def _report(steps: list[RunStep], reports: list[Report], code: int) -> RunReport:
    accounts = tuple(account for report in reports for account in report.accounts)
    issues = tuple(dict.fromkeys(issue for report in reports for issue in report.issues))
    aside = tuple(dropped for report in reports for dropped in report.set_aside)
    return RunReport("run", accounts, issues, exit_code=code, set_aside=aside, steps=tuple(steps))


def _refresh(project: Project) -> None:
    """Bring what is cached of the batches up to date, where cleaning and grouping are."""
    if not project.batches():
        return
    with project.lock():
        if states.state_of(project, "clean").state == "done":
            batch_articles(project)
            if states.state_of(project, "dedup").state == "done":
                batch_groups(project)


def _is_collectable(project: Project) -> bool:
    """Return whether a batch was sent from here, to a Label Studio that can be reached."""
    if not any(was_sent(project, batch) for batch in project.batches()):
        return False
    try:
        return bool(connections(project))
    except KhabarError:
        return False


def _collect(project: Project, progress: Notify) -> Report:
    """Collect every batch that was sent from here and lacks judgements."""
    made = Report("collect")
    for batch in project.batches():
        count = states.answers(project, batch)
        if was_sent(project, batch) and count.here < count.wanted:
            made = collect(project, batch, prune=False, progress=progress)
            if made.exit_code:
                break
    return made


def _build(project: Project, _: ExecutorConfig) -> Report:
    """Build the newest release again, with the reason for which its low agreement was accepted."""
    version = built_versions(project)[-1]
    return build(project, version, accept=accepted_reason(project.release(version)))


STEPS: Mapping[str, Callable[[Project, ExecutorConfig], Report]] = {
    "clean": clean,
    "dedup": dedup,
    "sample": lambda project, run: sample(project, None, None, run),
    "check": lambda project, _: check(project),
    "agree": lambda project, _: agree(project),
    "adjudicate": lambda project, _: adjudicate(project),
    "build": _build,
}
"""The steps that khabar runs alone."""
