"""Decisions over what the votes made of an article: its gold, and the disputes that stay open."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from builder.annotation.adjudication.decisions import MergedDecisions, decided_answers
from builder.records import Dispute, Gold, Span, Stance, passage_of


def override(voted: Gold, disputes: Sequence[Dispute], decision: MergedDecisions) -> tuple[Gold, list[Dispute]]:
    """Return an article's gold with what a decision settles in place of the votes, and the disputes it leaves open."""
    if not decision.decisions:
        return voted, [*disputes]
    closed = {f"stance:{stance.target}" for stance in decision.stances} | {one.what for one in decision.answers}
    values = {stance.target: stance.value for stance in (*voted.stances, *decision.stances)}
    decided = {answer.question for answer in decision.answers}
    left = [answer for answer in voted.answers if answer.question not in decided]
    sure = [one for one in voted.confidence if one.what not in closed and not _is_settled(one.what, decision)]
    gold = replace(
        voted,
        spans=_numbered(decision.spans_over(voted.spans)),
        stances=tuple(Stance(target, value) for target, value in sorted(values.items())),
        source="adjudicated",
        confidence=tuple(sorted([*decided_answers(decision), *sure])),
        decided=(
            *(["spans"] if decision.spans is not None else []),
            *(passage.what for passage in sorted(decision.passages)),
            *sorted(closed),
        ),
        answers=tuple(sorted([*decision.answers, *left])),
    )
    still = [one for one in disputes if one.what not in closed and not _is_settled(one.what, decision)]
    return gold, still


def tally(gold: Gold, still_open: Iterable[Dispute], decision: MergedDecisions) -> Counter[str]:
    """Count an article's distinct labelled spans: those in gold, and the others by the reason they were dropped."""
    disputed = {dispute.what for dispute in still_open}
    kept = {(f"span:{span.start}:{span.end}", span.label) for span in gold.spans}
    counts: Counter[str] = Counter(gold=len(kept))
    for cast in gold.votes:
        if cast.what.startswith("span:") and (cast.what, cast.answer) not in kept:
            reason = "in dispute" if cast.what in disputed else "outvoted"
            counts["overruled by a decision" if _is_settled(cast.what, decision) else reason] += 1
    return counts


def _is_settled(what: str, decision: MergedDecisions) -> bool:
    """Return whether a decision settles the passage that a vote is about."""
    passage = passage_of(what)
    return passage is not None and decision.settles(passage)


def _numbered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sort gold spans by start, outer spans first, and number them: s0, s1, ..."""
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, span.label))
    return tuple(replace(span, id=f"s{number}") for number, span in enumerate(ordered))
