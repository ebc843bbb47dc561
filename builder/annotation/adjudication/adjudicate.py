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
from builder.annotation.adjudication.decisions import (
    MergedDecisions,
    decided_answers,
    not_applied_warning,
    read_decisions,
)
from builder.annotation.adjudication.question_votes import Ticked, question_outcomes, settled_answers, ticked
from builder.annotation.adjudication.span_votes import SpanOutcome, span_outcomes
from builder.annotation.adjudication.voting import Ballot, Outcome, vote
from builder.annotation.columns import coded, items
from builder.annotation.migration.offered import EVERYTHING, Offers
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
    passage_of,
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
    offers: Offers = EVERYTHING,
) -> AdjudicationResult:
    """Compute gold annotations and disputes for every article with judgements or decisions, sorted by article.

    Spans: a label becomes gold with the votes of `rules.votes` annotators of the article, or of more than
    half if `rules.votes` is not set. If as many annotators did not give the label, it is outvoted and only
    recorded in `votes`. Otherwise the boundaries are disputed. They are also disputed if as many annotators
    marked them but no label wins, or if two labels win that no annotator gave together.

    Stances: by majority, the value given by more than half of those who answered wins. By model, the value
    to which the Dawid and Skene model, fitted to all answers, assigns a probability of at least SURE wins.
    A tie is disputed, and so is a winning value that is not published.

    Questions on the whole article: by majority of those who answered, each value alone where several answers are
    allowed.

    A decision overrides the items it covers and closes their disputes: all spans of the article, or the passages of
    its scope, its stances, and its answers. Contradicting decisions are all ignored. An article with fewer than
    `rules.min_annotators` annotators gets no gold, unless a decision lists all its spans, or it is of an imported set.
    In that case only its decided stances and answers become gold.
    """
    voted = _read_votes(judgements, rules, offers)
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
        adopted = decision.is_imported and not votes.voters
        if len(votes.voters) < rules.min_annotators and decision.spans is None and not adopted:
            issues += [not_applied_warning(article_id, reason)] if decision.decisions else []
            continue
        questions = [target for target in asked[article_id] if votes.asked(target.id, offers) or not votes.voters]
        gold, still_open = _settle(articles[article_id], votes, decision, labels, questions, rules, model, offers)
        golds.append(gold)
        disputes += [] if adopted else still_open
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
    """An article's annotators, the outcome of their votes on spans, the stance each gave, and their other answers."""

    voters: tuple[str, ...]
    versions: tuple[str, ...]
    """The version of labels.yaml of each annotator's page."""
    spans: SpanOutcome
    stances: Mapping[str, Mapping[str, str]]
    ticked: Ticked

    def asked(self, target: str, offers: Offers) -> tuple[str, ...]:
        """Return the annotators who were asked about a target. Who answered was asked."""
        given, pages = self.stances.get(target, {}), zip(self.voters, self.versions, strict=True)
        return tuple(name for name, version in pages if name in given or target not in offers.unasked(version))

    def asked_question(self, question: str, offers: Offers) -> tuple[str, ...]:
        """Return the annotators who were asked a question on the whole article. Who answered was asked."""
        given, pages = self.ticked.get(question, {}), zip(self.voters, self.versions, strict=True)
        return tuple(name for name, version in pages if name in given or not offers.lacks_question(version, question))


_NO_VOTES = _Votes((), (), SpanOutcome(), {}, {})


def _read_votes(judgements: pa.Table, rules: Adjudication, offers: Offers) -> dict[str, _Votes]:
    """Return the votes on each judged article."""
    named, people = coded(judgements["article_id"]), coded(judgements["annotator"])
    order = np.lexsort((people.codes, named.codes))
    table, article = judgements.take(order), named.codes[order]
    whose, versions = table["annotator"].to_pylist(), table["schema"].to_pylist()
    cuts = np.searchsorted(article, np.arange(len(named.names) + 1)).tolist()
    voters = [tuple(whose[begin:end]) for begin, end in pairwise(cuts)]
    answers: list[dict[str, dict[str, str]]] = [defaultdict(dict) for _ in voters]
    said = items(table, "stances")
    given = zip(said.row.tolist(), *(said.values.field(name).to_pylist() for name in ("target", "value")), strict=True)
    for row, target, value in given:
        answers[article[row]][target][whose[row]] = value
    pages = [tuple(versions[begin:end]) for begin, end in pairwise(cuts)]
    outcomes = span_outcomes(table, article, voters, rules, offers)
    parts = zip(voters, pages, outcomes, answers, ticked(table, article, len(voters)), strict=True)
    return dict(zip(named.names, (_Votes(*part) for part in parts), strict=True))


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
    offers: Offers,
) -> tuple[Gold, list[Dispute]]:
    """Return an article's gold annotation and the disputes that no decision closes."""
    marked, least = _overridden(votes.spans, decision), rules.min_annotators
    answered = [_vote_stance(article.id, target.id, votes, labels, model, offers, least) for target in asked]
    asked_of = {one.id: votes.asked_question(one.id, offers) for one in labels.questions}
    polled = {question: names for question, names in asked_of.items() if names or not votes.voters}
    chosen = question_outcomes(article.id, votes.ticked, polled, least)
    values = {target.id: sure.answer for target, outcome in zip(asked, answered, strict=True) for sure in outcome.won}
    values |= {stance.target: stance.value for stance in decision.stances}
    closed = {f"stance:{stance.target}" for stance in decision.stances} | {one.what for one in decision.answers}
    answers = settled_answers(chosen, decision.answers)
    answered += chosen
    won = [sure for outcome in answered for sure in outcome.won if sure.what not in closed]
    sure = [*marked.won, *sorted(won)]
    gold = Gold(
        article_id=article.id,
        text_sha=article.text_sha,
        spans=marked.spans,
        stances=tuple(Stance(target, value) for target, value in sorted(values.items())),
        source="adjudicated" if decision.decisions else _source(marked, answered),
        votes=(*marked.votes, *sorted(cast for outcome in answered for cast in outcome.votes)),
        annotators=len(votes.voters),
        confidence=tuple(sorted([*decided_answers(decision), *sure]) if decision.decisions else sure),
        decided=(
            *(["spans"] if decision.spans is not None else []),
            *(passage.what for passage in sorted(decision.passages)),
            *sorted(closed),
        ),
        answers=answers,
    )
    disputes = [*marked.disputes, *(outcome.dispute for outcome in answered if outcome.dispute)]
    return gold, [dispute for dispute in disputes if dispute.what not in closed]


def _overridden(voted: SpanOutcome, decision: MergedDecisions) -> SpanOutcome:
    """Return the outcome of the votes on an article's spans, with what a decision settles in place of the votes."""
    if not decision.settles_spans:
        return voted
    return replace(
        voted,
        spans=_numbered(decision.spans_over(voted.spans)),
        won=tuple(sure for sure in voted.won if not _is_settled(sure.what, decision)),
        disputes=tuple(dispute for dispute in voted.disputes if not _is_settled(dispute.what, decision)),
    )


def _is_settled(what: str, decision: MergedDecisions) -> bool:
    """Return whether a decision settles the passage that a vote is about."""
    passage = passage_of(what)
    return passage is not None and decision.settles(passage)


def _source(spans: SpanOutcome, answered: Sequence[Outcome]) -> GoldSource:
    """Return how the least certain of an article's questions was settled."""
    if any(outcome.modelled for outcome in answered):
        return "model"
    return "agreed" if spans.unanimous and all(outcome.unanimous for outcome in answered) else "majority"


def _vote_stance(
    article_id: str, target: str, votes: _Votes, labels: Labels, model: Model | None, offers: Offers, least: int
) -> Outcome:
    """Return the outcome of the vote on one stance, by model if there is one, else by majority."""
    answers = {annotator: {value} for annotator, value in votes.stances.get(target, {}).items()}
    ballot = Ballot(article_id, f"stance:{target}", answers, votes.asked(target, offers))
    outcome, enough = vote(ballot, len(answers), None), len(ballot.names) >= least
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
            is_overruled = decision.settles_spans and _is_settled(cast.what, decision)
            counts["overruled by a decision" if is_overruled else reason] += 1
    return counts
