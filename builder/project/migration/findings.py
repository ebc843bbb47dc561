"""What `check` and `agree` say of labels.yaml and the annotations: one line for each cause, with its count."""

from collections.abc import Iterable
from dataclasses import replace

import pyarrow as pa

from builder.annotation.migration.asked import Question, unasked_questions
from builder.annotation.migration.plan import Plan
from builder.annotation.migration.retired import retired_warnings
from builder.project.annotations import read_merged
from builder.project.migration.state import current_plan, pending_issues, read_offers
from builder.project.project import Project
from builder.records import Issue, Layer, Requeued, StageCounts

UNKNOWN: dict[Layer, str] = {"entities": "unknown label", "targets": "unknown target", "values": "unknown stance"}
"""How the faults of single spans and answers begin, which a pending migration explains together."""

MISSING = frozenset({"stance-missing", "question-missing"})
"""Codes of the faults of judgements without an answer."""

UNSETTLED = frozenset({"stance-missing", "target-not-asked"})
"""Codes of the faults that nothing can be said about while the target has another name in the answers."""

LEFT_OUT = frozenset(
    f"{what} {kind}" for what in ("unknown", "retired") for kind in ("label", "target", "value", "question")
)
"""Reasons for which agreement leaves out spans and answers because of labels.yaml."""


def label_findings(project: Project, issues: Iterable[Issue], judgements: pa.Table) -> list[Issue]:
    """Return the faults of judgements without those that a pending migration explains, and its own.

    An answer that a judgement's page did not ask for is not missing.
    """
    found, offers = current_plan(project), read_offers(project)
    explained, unasked, renamed = _explained(found), unasked_questions(judgements, offers), _renamed_targets(found)
    kept = [
        issue
        for issue in issues
        if not issue.message.startswith(explained)
        and not (issue.code in MISSING and _question(issue) in unasked)
        and not (issue.code in UNSETTLED and issue.where in renamed)
    ]
    return [*kept, *pending_issues(found), *retired_warnings(judgements, project.schema.labels), *_again(project)]


def _question(issue: Issue) -> Question:
    return Question(issue.article_id, issue.annotator, issue.where)


def _explained(found: Plan) -> tuple[str, ...]:
    """Return how the faults of single answers begin that a pending migration explains."""
    moved = [(step.layer, step.old) for step in found.steps if step.kind in ("rename", "merge")]
    lost = [
        part for one in found.lost for part in (f"unknown question {one.question!r};", f"unknown answer {one.value!r};")
    ]
    return (*(f"{UNKNOWN[layer]} {name!r};" for layer, name in (*moved, *found.gone)), *lost)


def _renamed_targets(found: Plan) -> frozenset[str]:
    """Return where answers stand under an earlier name of their target, or will stand under the later one."""
    moved = [step for step in found.steps if step.kind in ("rename", "merge") and step.layer == "targets"]
    return frozenset(f"stance {name}" for step in moved for name in (step.old, step.new))


def _again(project: Project) -> list[Issue]:
    """Return a warning about the articles that are to be annotated again."""
    marked = {one.article_id for one in read_merged(project, project.annotations / "requeue.jsonl", Requeued)}
    if not marked:
        return []
    message = f"{len(marked)} articles are marked to be annotated again: a label was split, or means something else"
    fix = "run `khabar schema migrate --again BATCH`, and send the batch; or delete their lines"
    return [Issue("warning", "requeue", message, "annotations/requeue.jsonl", fix)]


def left_out(project: Project, accounts: Iterable[StageCounts]) -> list[Issue]:
    """Return a warning for each reason of labels.yaml for which answers were left out, with their number."""
    issues = [
        Issue("warning", "left-out", f"{number:,} {account.unit} are left out: {reason}", "schema/labels.yaml")
        for account in accounts
        for reason, number in account.set_aside.items()
        if reason in LEFT_OUT
    ]
    return issues + pending_warnings(project)


def pending_warnings(project: Project) -> list[Issue]:
    """Return a warning for each step that was not taken."""
    return [replace(issue, severity="warning") for issue in pending_issues(current_plan(project))]
