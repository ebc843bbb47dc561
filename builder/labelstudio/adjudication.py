"""Disputes -> tasks of an adjudication project, and what adjudicators submit there -> decisions.

Pure: what talks to a server is studio.py. Of a ruling only what was in dispute counts: the page asks for all
again, and opens with one annotator's version, or with none in the label stream.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from builder.io.hashing import sha16
from builder.labelstudio.tasks import result_of
from builder.records import Decision, Dispute, Dropped, Issue, Judgement


@dataclass(frozen=True, slots=True)
class Ruled:
    """What rulings came to: decisions, sorted, and what was set aside, with its reason."""

    decisions: tuple[Decision, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]


def with_versions(task: Mapping[str, Any], judgements: Iterable[Judgement]) -> dict[str, Any]:
    """A task with the version of each annotator of its article as a prediction, named by the pseudonym.

    The page opens with the last of them, so their order is that of a hash: no annotator is always the first seen.
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


def all_asked(before: Iterable[Dispute], now: Iterable[Dispute]) -> list[Dispute]:
    """Every question that adjudicators were ever asked, sorted, with its latest answers."""
    asked = {(dispute.article_id, dispute.what): dispute for dispute in (*before, *now)}
    return [asked[key] for key in sorted(asked)]


def ruled(rulings: Sequence[Judgement], asked: Iterable[Dispute]) -> Ruled:
    """The decision of each adjudicator on each article: the latest that was submitted.

    Spans count where the boundaries of one were asked about, as a whole list; a stance where its target was.
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
        why = "skipped" if ruling.status == "skipped" else "superseded" if key in seen else ""
        if not why:
            seen.add(key)
            why = _useless(decision, ruling.article_id in questions)
            issues += [_unheard(ruling, why)] if why else []
        if why:
            aside.append(Dropped("rulings", f"ruling of {ruling.annotator} on article {ruling.article_id}", why))
        else:
            decisions.append(decision)
    return Ruled(tuple(sorted(decisions, key=_order)), tuple(aside[::-1]), tuple(issues[::-1]))


def merged(before: Iterable[Decision], fresh: Sequence[Decision]) -> list[Decision]:
    """The decisions of a batch, sorted: a fresh one replaces the same adjudicator's on the same article.

    All others stay, those that were written by hand too.
    """
    replaced = {(decision.adjudicator, decision.article_id) for decision in fresh}
    stay = [decision for decision in before if (decision.adjudicator, decision.article_id) not in replaced]
    return sorted([*stay, *fresh], key=_order)


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
    if not asked:
        return "nothing was asked about its article"
    return "" if decision.spans is not None or decision.stances else "it answers nothing that was asked"


def _unheard(ruling: Judgement, why: str) -> Issue:
    fix = "open the task in Label Studio and answer it, or write the decision into decisions.jsonl"
    if why.startswith("nothing"):
        fix = "restore annotations/<batch>/disputed.jsonl, or run `khabar adjudicate --send`"
    return Issue("warning", "ruling", f"the ruling does not count: {why}", "", fix, ruling.article_id, ruling.annotator)


def _moment(ruling: Judgement) -> tuple[str, str, str, int]:
    return ruling.article_id, ruling.annotator, ruling.updated_at, ruling.annotation_id


def _order(decision: Decision) -> tuple[object, ...]:
    one = decision
    return one.article_id, one.adjudicator, one.text_sha, one.spans is None, one.spans or (), one.stances, one.note
