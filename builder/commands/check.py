"""The command `check`: report every fault in the annotations, once or while people work."""

import functools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import click
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.quality import annotators
from builder.annotation.quality import check as checks
from builder.annotation.quality.canonical import canonicalise, read_form
from builder.annotation.quality.standing import tell_apart
from builder.cli.options import moved_option
from builder.cli.output import Console, show_issues
from builder.cli.road import project_of, road
from builder.commands.collect import collect
from builder.io.jsonl import write_jsonl
from builder.labelstudio.download import cache
from builder.project.annotations import (
    change_of,
    collected_path,
    labelstudio_project_of,
    read_accepted,
    read_assigned,
    read_judgements,
    read_known,
)
from builder.project.judgements import BatchInputs, load_batch_inputs, own_judgements, without_repeats
from builder.project.migration.findings import label_findings
from builder.project.project import Project
from builder.project.stages import states
from builder.records import AnnotatorAssignment, Decision, Issue, KhabarError, Line, Notify, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckReport(Report):
    """The report of `check`: how many judgements were read, and the number of faults."""

    judgements: int
    errors: int
    warnings: int

    @property
    def summary(self) -> str:
        """Return the numbers in words."""
        return f"{self.judgements} judgements, {self.errors} errors, {self.warnings} warnings"

    def lines(self) -> Iterator[Line]:
        """Return the numbers."""
        yield Line("checked", self.summary)


@click.command("check")
@click.option(
    "--watch", "watches", is_flag=True, help="Collect and check while people work, and show what is new, until Ctrl-C."
)
@click.option(
    "--every",
    type=click.FloatRange(min=1),
    default=30.0,
    show_default=True,
    help="Seconds between two rounds of --watch.",
)
@click.option(
    "--accept",
    multiple=True,
    metavar="ARTICLE/ANNOTATOR",
    help="First count an answer that another person changed as its annotator's. Repeatable.",
)
@moved_option("--splits", instead="audit DIR_OR_REPO")
@road
def cli(console: Console, watches: bool, every: float, accept: tuple[str, ...]) -> CheckReport:
    """Report every fault in the annotations, each with the link of its task; exit 1 if there is an error.

    --watch ends when every article has its annotators.

    An answer that another person changed in Label Studio does not count for either of them, until --accept counts it as
    its annotator's. annotations/accepted.jsonl keeps what was accepted.
    """
    if accept:
        accept_changes(project_of(console), accept)
    if watches:
        return watch(project_of(console), seconds=every, show=show_issues, progress=console.progress)
    return check(project_of(console))


def check(project: Project) -> CheckReport:
    """List every fault in the judgements. The report's exit code is 1 if one is an error."""
    project = project.snapshot()
    loaded = load_batch_inputs(project)
    inputs = states.read_by(project, "check")
    submitted = without_repeats(loaded).table
    form = read_form(submitted, loaded.articles, loaded.schema.labels)
    issues = checks.check(form, _links(project))
    issues += annotators.pace_warnings(canonicalise(form).table)
    for name in loaded.collected:
        issues += _batch_issues(loaded, name, read_known(project, name), read_assigned(project, name))
        issues += _cached_issues(project, name)
    issues = label_findings(project, issues, submitted)
    errors = sum(issue.severity == "error" for issue in issues)
    states.finish(project, "check", inputs, 1 if errors else 0)
    return CheckReport(
        "check", issues=tuple(issues), exit_code=1 if errors else 0,
        judgements=submitted.num_rows, errors=errors, warnings=len(issues) - errors,
    )  # fmt: skip


def _batch_issues(
    loaded: BatchInputs, name: str, known: Sequence[Decision], assigned: Sequence[AnnotatorAssignment]
) -> list[Issue]:
    """Return the issues of one batch, whose judgements a later one may repeat or replace."""
    labels, articles = loaded.schema.labels, loaded.articles
    standing = tell_apart(own_judgements(loaded, loaded.collected[name]), articles)
    own = standing.table.take(standing.rows(""))
    asked = pc.is_in(own["article_id"], pa.array([decision.article_id for decision in known], pa.string()))
    answered = canonicalise(read_form(own.filter(asked), articles, labels)).table
    issues = annotators.known_missed(answered, known, {article.id: article for article in articles}, labels)
    if name not in loaded.imported:
        issues += annotators.coverage(name, own, loaded.items[name], assigned, loaded.schema.dataset.overlap)
    return issues


def _cached_issues(project: Project, name: str) -> list[Issue]:
    """Return what the last download of a batch could not read."""
    path = collected_path(project, name)
    if not path.exists():
        return []
    with cache.open_cache(path) as db:
        return cache.issues(db)


def accept_changes(project: Project, names: Sequence[str]) -> None:
    """Count answers that another person changed as their annotators', each named ARTICLE/ANNOTATOR.

    Raises KhabarError (exit code 2) with every name that no such answer has.
    """
    with project.lock():
        path, known = project.annotations / "accepted.jsonl", read_accepted(project)
        waiting = {f"{j.article_id}/{j.annotator}": change_of(j) for j in read_judgements(project) if j.changed_by}
        issues = [
            Issue("error", "accept", "no answer of this name was changed by another person", name,
                  "run `khabar check`: its list has the names")
            for name in names if name not in waiting
        ]  # fmt: skip
        if issues:
            raise KhabarError(*issues)
        write_jsonl(path, sorted(known | {waiting[name] for name in names}))


def _links(project: Project) -> checks.Link:
    """Return a function that gives the address of a judgement's task, or an empty string if it came from a file."""
    place_of = functools.cache(functools.partial(labelstudio_project_of, project))

    def link(batch: str, annotator: str, task: int) -> str:
        place = place_of(batch, annotator) if task else {}
        return f"{place['url']}/projects/{place['project_id']}/data?task={task}" if place else ""

    return link


def watch(
    project: Project,
    *,
    seconds: float,
    show: Callable[[list[Issue]], None],
    progress: Notify,
    rounds: int | None = None,
) -> CheckReport:
    """Collect and check repeatedly while people work, until every article has its annotators.

    Shows new faults and the number of resolved ones. `rounds` limits the number of rounds.
    """
    told: set[Issue] = set()
    done = 0
    while True:
        lost = _collect_all(project, progress)
        report = check(project)
        found = {_same(issue) for issue in (*lost, *report.issues)}
        fresh = [issue for issue in (*lost, *report.issues) if _same(issue) not in told]
        show(fresh)
        if mended := len(told - found):
            progress(f"{mended} faults resolved; {report.summary}")
        elif fresh:
            progress(report.summary)
        told, done = found, done + 1
        waiting = any(issue.code == "too-few-annotators" for issue in report.issues)
        if not (waiting or lost) or done == rounds:
            return replace(report, issues=())
        time.sleep(seconds)


def _same(issue: Issue) -> Issue:
    """Return what identifies a fault. A fault that sums up many articles loses its figures, which change all the time."""
    return issue if issue.article_id else replace(issue, message="")


def _collect_all(project: Project, progress: Notify) -> list[Issue]:
    """Collect every batch that was sent. A failure is returned as an issue and retried in the next round."""
    lost: list[Issue] = []
    for name in project.batches():
        try:
            collect(project, name, prune=False, progress=progress)
        except KhabarError as refused:
            lost += refused.issues
    return lost
