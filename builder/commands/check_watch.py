"""The loop of `check --watch`: collect and check while people work.

It is apart from check.py, so that `check` does not load Label Studio's client.
"""

import time
from collections.abc import Callable
from dataclasses import replace

from builder.commands.check import CheckReport, check
from builder.commands.collect import collect
from builder.project.project import Project
from builder.records import Issue, KhabarError, Notify, counted


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
            progress(f"{counted(mended, 'fault')} resolved; {report.summary}")
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
