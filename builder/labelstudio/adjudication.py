"""Tasks of the adjudication project, and decisions from the rulings that adjudicators submit there.

The page asks for the whole article again. It opens with one annotator's version, or empty in the label stream, so only
the disputed parts of a ruling count. The module is pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.io.hashing import sha16
from builder.labelstudio.tasks import result_of
from builder.records import Decision, Dispute, Dropped, Issue, Judgement


@dataclass(frozen=True, slots=True)
class RulingResult:
    """Result of reading rulings: sorted decisions, rulings set aside with the reason, and warnings."""

    decisions: tuple[Decision, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]


def with_versions(task: Mapping[str, Any], judgements: Iterable[Judgement]) -> dict[str, Any]:
    """Return the task with each annotator's version as a prediction, named by the pseudonym.

    The page opens with the last prediction. The order is that of a hash, so that no annotator is always shown first.
    """
    data = task["data"]
    asked = {target["id"] for target in data["targets"]}
    predictions = [
        {
            "model_version": judgement.annotator,
            "result": result_of(
                [replace(span, id="") for span in judgement.spans],  # two labels on one region share its id
                [stance for stance in judgement.stances if stance.target in asked],
                data,
            ),
        }
        for judgement in sorted(judgements, key=lambda j: sha16(f"{j.article_id} {j.annotator}"))
        if judgement.article_id == data["article_id"] and judgement.text_sha == data["text_sha"]
    ]
    return {**task, "predictions": predictions}


def merge_disputes(before: Iterable[Dispute], now: Iterable[Dispute]) -> list[Dispute]:
    """Merge the disputes sent before with the current ones, sorted by article and question; current answers win."""
    asked = {(dispute.article_id, dispute.what): dispute for dispute in (*before, *now)}
    return [asked[key] for key in sorted(asked)]


def decisions_from_rulings(rulings: Sequence[Judgement], asked: Iterable[Dispute]) -> RulingResult:
    """Convert rulings to decisions: the latest submitted ruling of each adjudicator on each article.

    If any span of an article was disputed, the ruling's whole list of spans counts. A stance counts if its target
    was disputed.
    """
    questions: dict[str, set[str]] = defaultdict(set)
    for dispute in asked:
        questions[dispute.article_id].add(dispute.what)
    decisions: list[Decision] = []
    aside: list[Dropped] = []
    issues: list[Issue] = []
    seen: set[tuple[str, str]] = set()
    for ruling in sorted(rulings, key=_moment, reverse=True):
        key = (ruling.annotator, ruling.article_id)
        decision = _decision(ruling, questions.get(ruling.article_id, set()))
        reason = "skipped" if ruling.status == "skipped" else "superseded" if key in seen else ""
        if not reason:
            seen.add(key)
            reason = _useless(decision, ruling.article_id in questions)
            issues += [_unheard(ruling, reason)] if reason else []
        if reason:
            aside.append(Dropped("rulings", f"ruling of {ruling.annotator} on article {ruling.article_id}", reason))
        else:
            decisions.append(decision)
    return RulingResult(tuple(sorted(decisions, key=_order)), tuple(aside[::-1]), tuple(issues[::-1]))


def merge_decisions(before: Iterable[Decision], fresh: Sequence[Decision]) -> list[Decision]:
    """Merge new decisions into those of a batch, sorted.

    A new decision replaces the same adjudicator's earlier one on the same article. All others stay, including
    decisions written by hand.
    """
    replaced = {(decision.adjudicator, decision.article_id) for decision in fresh}
    unchanged = [decision for decision in before if (decision.adjudicator, decision.article_id) not in replaced]
    return sorted([*unchanged, *fresh], key=_order)


def _decision(ruling: Judgement, questions: set[str]) -> Decision:
    over_spans = any(what.startswith("span:") for what in questions)
    return Decision(
        article_id=ruling.article_id,
        text_sha=ruling.text_sha,
        adjudicator=ruling.annotator,
        spans=tuple(sorted(replace(span, id="") for span in ruling.spans)) if over_spans else None,
        stances=tuple(sorted(stance for stance in ruling.stances if f"stance:{stance.target}" in questions)),
        note=ruling.remark,
    )


def _useless(decision: Decision, asked: bool) -> str:
    """Return the reason why a decision settles nothing, or an empty string."""
    if not asked:
        return "nothing was asked about its article"
    return "" if decision.spans is not None or decision.stances else "it answers nothing that was asked"


def _unheard(ruling: Judgement, reason: str) -> Issue:
    fix = "open the task in Label Studio and answer it, or write the decision into decisions.jsonl"
    if reason.startswith("nothing"):
        fix = "restore annotations/<batch>/disputed.jsonl, or run `khabar adjudicate --send`"
    return Issue("warning", "ruling", f"the ruling is ignored: {reason}", "", fix, ruling.article_id, ruling.annotator)


def _moment(ruling: Judgement) -> tuple[object, ...]:
    return ruling.article_id, ruling.annotator, ruling.updated_at, ruling.annotation_id


def _order(decision: Decision) -> tuple[object, ...]:
    return (
        decision.article_id,
        decision.adjudicator,
        decision.text_sha,
        decision.spans is None,
        decision.spans or (),
        decision.stances,
        decision.note,
    )
