"""Adjudication of judgements and decisions into gold annotations and open disputes. No tie is broken at random.

An answer becomes gold if enough annotators of the article gave it, if the Dawid and Skene model is confident
enough of it, or if an adjudicator decided it. The input is canonical judgements (canonical.py), at most one for
each annotator and article.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pyarrow as pa

from builder.annotation.adjudication.dawid_skene import Model, estimate, most_likely
from builder.annotation.adjudication.decisions import MergedDecisions, not_applied_warning, read_decisions
from builder.annotation.adjudication.span_votes import SpanOutcome, span_outcomes
from builder.annotation.adjudication.voting import Ballot, Outcome, vote
from builder.annotation.columns import coded, items
from builder.annotation.questions import targets_by_article
from builder.records import (
    Article,
    Confidence,
    Decision,
    Dispute,
    Gold,
    GoldSource,
    Issue,
    Span,
    StageCounts,
    Stance,
)
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels, StanceTarget

SURE = 0.9
"""Least probability at which the model settles an answer. Below it the question is disputed."""


@dataclass(frozen=True, slots=True)
class AdjudicationResult:
    """The result of adjudication.

    A gold annotation whose article has an open dispute holds only the settled answers. The release decides
    whether to publish it. `account` counts articles, `spans` counts the distinct labelled spans of the
    articles with gold. `model` is set if a model settled the stances.
    """

    golds: tuple[Gold, ...]
    disputes: tuple[Dispute, ...]
    account: StageCounts
    spans: StageCounts
    applied: int
    issues: tuple[Issue, ...]
    model: Model | None = None


def adjudicate(
    judgements: pa.Table,
    decisions: Sequence[Decision],
    articles: Mapping[str, Article],
    labels: Labels,
    rules: Adjudication,
) -> AdjudicationResult:
    """Compute gold annotations and disputes for every article with judgements or decisions, sorted by article.

    Spans: a label becomes gold with the votes of `rules.votes` annotators of the article, or of more than
    half if `rules.votes` is not set. If as many annotators did not give the label, it is outvoted and only
    recorded in `votes`. Otherwise the boundaries are disputed. They are also disputed if as many annotators
    marked them but no label wins, or if two labels win that no annotator gave together.

    Stances: by majority, the value given by more than half of those who answered wins. By model, the value
    to which the Dawid and Skene model, fitted to all answers, assigns a probability of at least SURE wins.
    A tie is disputed, and so is a winning value that is not published.

    A decision overrides the items it covers and closes their disputes. Contradicting decisions are all
    ignored. An article with fewer than `rules.min_annotators` annotators gets no gold, unless a decision
    lists its spans. In that case only its decided stances become gold.
    """
    voted = _read_votes(judgements, rules)
    decided, issues = read_decisions(decisions, articles, labels)
    known = sorted({*voted, *decided})
    asked = targets_by_article((articles[name] for name in known), labels)
    model = _model(voted, asked, rules)
    golds: list[Gold] = []
    disputes: list[Dispute] = []
    spans: Counter[str] = Counter()
    reason = f"fewer than {rules.min_annotators} annotators"
    for article_id in known:
        votes, decision = voted.get(article_id, _NO_VOTES), decided.get(article_id, MergedDecisions())
        if len(votes.voters) < rules.min_annotators and decision.spans is None:
            issues += [not_applied_warning(article_id, reason)] if decision.decisions else []
            continue
        gold, still_open = _settle(articles[article_id], votes, decision, labels, asked[article_id], rules, model)
        golds.append(gold)
        disputes += still_open
        spans += _tally(gold, still_open, decision)
    short = len(known) - len(golds)
    with_gold = {gold.article_id for gold in golds}
    kept = spans.pop("gold", 0)
    issues.sort(key=lambda issue: (issue.article_id, issue.annotator, issue.where, issue.message))
    return AdjudicationResult(
        golds=tuple(golds),
        disputes=tuple(disputes),
        account=StageCounts("adjudicate", "articles", len(known), len(golds), {reason: short} if short else {}),
        spans=StageCounts("adjudicate", "spans", kept + spans.total(), kept, dict(sorted(spans.items()))),
        applied=sum(decision.decisions for article_id, decision in decided.items() if article_id in with_gold),
        issues=tuple(issues),
        model=model,
    )


@dataclass(frozen=True, slots=True)
class _Votes:
    """An article's annotators, the outcome of their votes on spans, and the stance each gave for a target."""

    voters: tuple[str, ...]
    spans: SpanOutcome
    stances: Mapping[str, Mapping[str, str]]


_NO_VOTES = _Votes((), SpanOutcome(), {})


def _read_votes(judgements: pa.Table, rules: Adjudication) -> dict[str, _Votes]:
    """Return the votes on each judged article."""
    named, people = coded(judgements["article_id"]), coded(judgements["annotator"])
    order = np.lexsort((people.codes, named.codes))
    table, article = judgements.take(order), named.codes[order]
    whose = table["annotator"].to_pylist()
    cuts = np.searchsorted(article, np.arange(len(named.names) + 1)).tolist()
    voters = [tuple(whose[begin:end]) for begin, end in pairwise(cuts)]
    answers: list[dict[str, dict[str, str]]] = [defaultdict(dict) for _ in voters]
    said = items(table, "stances")
    given = zip(said.row.tolist(), *(said.values.field(name).to_pylist() for name in ("target", "value")), strict=True)
    for row, target, value in given:
        answers[article[row]][target][whose[row]] = value
    outcomes = span_outcomes(table, article, voters, rules.votes)
    return dict(zip(named.names, map(_Votes, voters, outcomes, answers), strict=True))


def _model(
    voted: Mapping[str, _Votes], asked: Mapping[str, Sequence[StanceTarget]], rules: Adjudication
) -> Model | None:
    """Fit the stance model to all articles with enough annotators; return None if the rules do not ask for it."""
    if rules.stance != "dawid-skene":
        return None
    answers: dict[tuple[str, str], Mapping[str, str]] = {}
    for article_id, votes in voted.items():
        if len(votes.voters) >= rules.min_annotators:
            for target in asked[article_id]:
                answers[article_id, target.id] = votes.stances.get(target.id, {})
    return estimate(answers)


def _settle(
    article: Article,
    votes: _Votes,
    decision: MergedDecisions,
    labels: Labels,
    asked: Sequence[StanceTarget],
    rules: Adjudication,
    model: Model | None,
) -> tuple[Gold, list[Dispute]]:
    """Return an article's gold annotation and the disputes that no decision closes."""
    enough, marked = len(votes.voters) >= rules.min_annotators, votes.spans
    answered = [_vote_stance(article.id, target.id, votes, labels, model, enough=enough) for target in asked]
    values = {target.id: sure.answer for target, outcome in zip(asked, answered, strict=True) for sure in outcome.won}
    values |= {stance.target: stance.value for stance in decision.stances}
    closed = {f"stance:{stance.target}" for stance in decision.stances}
    is_decided = decision.spans is not None
    won = [sure for outcome in answered for sure in outcome.won if sure.what not in closed]
    sure = [*(() if is_decided else marked.won), *sorted(won)]
    gold = Gold(
        article_id=article.id,
        text_sha=article.text_sha,
        spans=marked.spans if decision.spans is None else _numbered(decision.spans),
        stances=tuple(Stance(target, value) for target, value in sorted(values.items())),
        source="adjudicated" if decision.decisions else _source(marked, answered),
        votes=(*marked.votes, *sorted(cast for outcome in answered for cast in outcome.votes)),
        annotators=len(votes.voters),
        confidence=tuple(sorted([*_decided(decision), *sure]) if decision.decisions else sure),
        decided=(*(["spans"] if is_decided else []), *sorted(closed)),
    )
    disputes = [*(() if is_decided else marked.disputes), *(outcome.dispute for outcome in answered if outcome.dispute)]
    return gold, [dispute for dispute in disputes if dispute.what not in closed]


def _source(spans: SpanOutcome, stances: Sequence[Outcome]) -> GoldSource:
    """Return how the least certain of an article's questions was settled."""
    if any(outcome.modelled for outcome in stances):
        return "model"
    return "agreed" if spans.unanimous and all(outcome.unanimous for outcome in stances) else "majority"


def _decided(decision: MergedDecisions) -> list[Confidence]:
    """Return a confidence of 1 for each decided answer, naming the adjudicators who decided it.

    Contradicting decisions were dropped before, so the adjudicators of an answer all agree on it.
    """
    by = f"decision of {', '.join(decision.spans_by)}"
    sure = [Confidence(f"span:{s.start}:{s.end}", s.label, by, 1.0) for s in decision.spans or ()]
    for stance in decision.stances:
        by = f"decision of {', '.join(decision.stances_by[stance.target])}"
        sure.append(Confidence(f"stance:{stance.target}", stance.value, by, 1.0))
    return sure


def _vote_stance(
    article_id: str, target: str, votes: _Votes, labels: Labels, model: Model | None, *, enough: bool
) -> Outcome:
    """Return the outcome of the vote on one stance, by model if there is one, else by majority."""
    answers = {annotator: {value} for annotator, value in votes.stances.get(target, {}).items()}
    ballot = Ballot(article_id, f"stance:{target}", answers, votes.voters)
    outcome = vote(ballot, len(answers), None)
    if model is not None and enough:
        outcome = _by_model(ballot, outcome, model.posterior.get((article_id, target), {}))
    if enough and {sure.answer for sure in outcome.won} <= set(labels.published_values):
        return outcome
    return Outcome((), outcome.votes, ballot.dispute(), unanimous=False)


def _by_model(ballot: Ballot, voted: Outcome, posterior: Mapping[str, float]) -> Outcome:
    """Replace the outcome of a majority vote with the model's answer, or a dispute if it is below SURE."""
    best = most_likely(posterior, SURE)
    if best is None:
        return Outcome((), voted.votes, ballot.dispute(), unanimous=False)
    value, probability = best
    same = [sure.answer for sure in voted.won] == [value]
    sure = Confidence(ballot.what, value, "dawid-skene", probability)
    return Outcome((sure,), voted.votes, None, voted.unanimous and same, modelled=not same)


def _numbered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Sort gold spans by start, outer spans first, and number them: s0, s1, ..."""
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, span.label))
    return tuple(replace(span, id=f"s{number}") for number, span in enumerate(ordered))


def _tally(gold: Gold, still_open: Iterable[Dispute], decision: MergedDecisions) -> Counter[str]:
    """Count an article's distinct labelled spans: those in gold, and the others by the reason they were dropped."""
    disputed = {dispute.what for dispute in still_open}
    kept = {(f"span:{span.start}:{span.end}", span.label) for span in gold.spans}
    counts: Counter[str] = Counter(gold=len(kept))
    for cast in gold.votes:
        if cast.what.startswith("span:") and (cast.what, cast.answer) not in kept:
            reason = "in dispute" if cast.what in disputed else "outvoted"
            counts[reason if decision.spans is None else "overruled by a decision"] += 1
    return counts
