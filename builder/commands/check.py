"""The command `check`: report every fault in the annotations, once or while people work."""

import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import click

from builder.annotation.quality import annotators
from builder.annotation.quality import check as checks
from builder.annotation.quality.check import canonicalise, read_forms
from builder.cli.options import moved_option
from builder.cli.output import Console, show_issues
from builder.cli.road import project_of, road
from builder.commands.collect import collect
from builder.io.jsonl import write_jsonl
from builder.labelstudio.download import cache
from builder.project.annotations import (
    change_of,
    collected_path,
    count_accepted,
    labelstudio_project_of,
    read_accepted,
    read_assigned,
    read_batch,
    read_collected,
    read_judgements,
    read_known,
    withdrawn,
)
from builder.project.batches import batch_articles
from builder.project.judgements import without_repeats
from builder.project.migration.findings import label_findings
from builder.project.project import Project
from builder.project.stages import states
from builder.records import Issue, Judgement, KhabarError, Notify, Report


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
def cli(console: Console, watches: bool, every: float, accept: tuple[str, ...]) -> Report:
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


def check(project: Project) -> Report:
    """List every fault in the judgements. The report's exit code is 1 if one is an error."""
    project = project.snapshot()
    articles = {article.id: article for article in batch_articles(project)}
    inputs = states.read_by(project, "check")
    collected = read_collected(project)
    judgements, _, _ = without_repeats(project, articles, [one for own in collected.values() for one in own])
    labels, dataset = project.schema.labels, project.schema.dataset
    gone, accepted = withdrawn(project), read_accepted(project)
    forms = read_forms(articles, labels)
    issues = checks.check(judgements, articles, labels, _links(project), forms)
    counting, _, _ = canonicalise(judgements, articles, labels, forms)
    issues += annotators.pace_warnings(counting)
    for name, read in collected.items():
        items, assigned = read_batch(project, name), read_assigned(project, name)
        mine = count_accepted((one for one in read if one.annotator not in gone), accepted)
        own, _, _ = canonicalise(mine, articles, labels, forms)  # a later batch may repeat or replace them
        issues += annotators.known_missed(own, read_known(project, name), articles, labels)
        issues += annotators.coverage(name, own, items, assigned, dataset.overlap)
        path = collected_path(project, name)
        if path.exists():
            with cache.open_cache(path) as db:
                issues += cache.issues(db)
    issues = label_findings(project, issues, judgements)
    errors = sum(issue.severity == "error" for issue in issues)
    states.finish(project, "check", inputs, 1 if errors else 0)
    facts = {"checked": f"{len(judgements)} judgements, {errors} errors, {len(issues) - errors} warnings"}
    return Report("check", (), tuple(issues), facts, exit_code=1 if errors else 0)


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


def _links(project: Project) -> Callable[[Judgement], str]:
    """Return a function that gives the address of a judgement's task, or an empty string if it came from a file."""
    place_of = functools.cache(functools.partial(labelstudio_project_of, project))

    def link(judgement: Judgement) -> str:
        place = place_of(judgement.batch, judgement.annotator) if judgement.task_id else {}
        return f"{place['url']}/projects/{place['project_id']}/data?task={judgement.task_id}" if place else ""

    return link


def watch(
    project: Project,
    *,
    seconds: float,
    show: Callable[[list[Issue]], None],
    progress: Notify,
    rounds: int | None = None,
) -> Report:
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
            progress(f"{mended} faults resolved; {report.facts['checked']}")
        elif fresh:
            progress(report.facts["checked"])
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
