"""Decisions from rulings on whole articles, which adjudicators made on the pages of earlier versions of khabar.

Such a page asked for the whole article again, and a ruling keeps the meaning that it had. Pure.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from builder.annotation.adjudication.merging import order
from builder.annotation.adjudication.rulings import RulingResult
from builder.records import Decision, Dispute, Dropped, Issue, Judgement


def read_whole_rulings(rulings: Sequence[Judgement], asked: Iterable[Dispute]) -> RulingResult:
    """Convert rulings on whole articles to decisions: the latest submitted one of each adjudicator on each article.

    If any span of an article was disputed, the ruling's whole list of spans counts. A stance counts if its target
    was disputed, and the answers to a question if it was.
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
    return RulingResult(tuple(sorted(decisions, key=order)), tuple(aside[::-1]), tuple(issues[::-1]))


def _decision(ruling: Judgement, questions: set[str]) -> Decision:
    over_spans = any(what.startswith("span:") for what in questions)
    return Decision(
        article_id=ruling.article_id,
        text_sha=ruling.text_sha,
        adjudicator=ruling.annotator,
        spans=tuple(sorted(replace(span, id="") for span in ruling.spans)) if over_spans else None,
        stances=tuple(sorted(stance for stance in ruling.stances if f"stance:{stance.target}" in questions)),
        note=ruling.remark,
        answers=tuple(sorted(answer for answer in ruling.answers if answer.what in questions)),
    )


def _useless(decision: Decision, asked: bool) -> str:
    """Return the reason why a decision settles nothing, or an empty string."""
    if not asked:
        return "nothing was asked about its article"
    return "it answers nothing that was asked" if decision.is_empty else ""


def _unheard(ruling: Judgement, reason: str) -> Issue:
    fix = "open the task in Label Studio and answer it, or write the decision into decisions.jsonl"
    if reason.startswith("nothing"):
        fix = "restore annotations/<batch>/disputed.jsonl"
    return Issue("warning", "ruling", f"the ruling is ignored: {reason}", "", fix, ruling.article_id, ruling.annotator)


def _moment(ruling: Judgement) -> tuple[object, ...]:
    return ruling.article_id, ruling.annotator, ruling.updated_at, ruling.annotation_id
