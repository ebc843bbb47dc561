"""Judgements and decisions -> gold, or a dispute: nothing is settled by chance.

An answer is gold where enough of an article's annotators gave it, where a model of all annotators is
sure enough of it, or where an adjudicator gave it. Expects canonical judgements (check.py), one for each
annotator and article.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from builder.annotation.adjudication.dawid_skene import Model, estimate, most_likely
from builder.annotation.adjudication.decisions import Decided, read_decisions, waiting
from builder.annotation.questions import targets_for
from builder.records import (
    Article,
    Confidence,
    Decision,
    Dispute,
    Gold,
    GoldSource,
    Issue,
    Judgement,
    Span,
    StageCounts,
    Stance,
    Vote,
)
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels

NONE = "(none)"
"""The answer of an annotator who marked nothing, or did not answer."""

SURE = 0.9
"""How probable the model must find an answer that it settles; below, there is a dispute."""


@dataclass(frozen=True, slots=True)
class Adjudicated:
    """What came of the votes and decisions.

    A gold with an open dispute holds what was settled: the release decides what it does with it.
    `account` is over articles, `spans` over the distinct labelled spans of the articles in gold.
    `model` is there where stances were settled by one.
    """

    golds: tuple[Gold, ...]
    disputes: tuple[Dispute, ...]
    account: StageCounts
    spans: StageCounts
    applied: int
    issues: tuple[Issue, ...]
    model: Model | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One question after the vote: the answers that won, how sure each is, and whether it stays open."""

    won: tuple[Confidence, ...]
    votes: tuple[Vote, ...]
    dispute: Dispute | None
    unanimous: bool
    modelled: bool = False


@dataclass(frozen=True, slots=True)
class _Ballot:
    """What the annotators of an article answered to one question; `names` holds those who did not answer too."""

    article_id: str
    what: str
    answers: Mapping[str, set[str]]
    names: tuple[str, ...]

    def dispute(self) -> Dispute:
        shown = {name: "+".join(sorted(self.answers.get(name, ()))) or NONE for name in self.names}
        return Dispute(self.article_id, self.what, shown)


def adjudicate(
    judgements: Sequence[Judgement],
    decisions: Sequence[Decision],
    articles: Mapping[str, Article],
    labels: Labels,
    rules: Adjudication,
) -> Adjudicated:
    """Gold and disputes of every article that was judged or decided, sorted by article.

    Spans: a label is gold with the votes of `rules.votes` of the article's annotators, or of more than
    half; where as many did not give it, it is outvoted and stays in `votes`; else its boundaries are
    disputed, and so they are where as many marked them without a label that wins, or where two labels
    win that no annotator gave together. Stance by majority: the value that more than half of those who
    answered gave. Stance by model: the value that Dawid and Skene's model, fitted to all answers, gives a
    probability of at least SURE. A tie, or an unpublished value that wins, is disputed. A decision
    overrides its items and closes their disputes; where decisions contradict each other, neither counts.
    An article with fewer than `rules.min_annotators` has no gold, unless a decision lists its spans; of
    its stances only decided ones are gold then.
    """
    judged: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        judged[judgement.article_id].append(judgement)
    decided, issues = read_decisions(decisions, articles, labels)
    model = _model(judged, articles, labels, rules)
    golds: list[Gold] = []
    disputes: list[Dispute] = []
    spans: Counter[str] = Counter()
    known = sorted({*judged, *decided})
    reason = f"fewer than {rules.min_annotators} annotators"
    for article_id in known:
        voters, decision = judged.get(article_id, []), decided.get(article_id, Decided())
        if len(voters) < rules.min_annotators and decision.spans is None:
            issues += [waiting(article_id, reason)] if decision.decisions else []
            continue
        gold, still_open = _settle(articles[article_id], voters, decision, labels, rules, model)
        golds.append(gold)
        disputes += still_open
        spans += _tally(gold, still_open, decision)
    short = len(known) - len(golds)
    with_gold = {gold.article_id for gold in golds}
    kept = spans.pop("gold", 0)
    issues.sort(key=lambda issue: (issue.article_id, issue.annotator, issue.where, issue.message))
    return Adjudicated(
        golds=tuple(golds),
        disputes=tuple(disputes),
        account=StageCounts("adjudicate", "articles", len(known), len(golds), {reason: short} if short else {}),
        spans=StageCounts("adjudicate", "spans", kept + spans.total(), kept, dict(sorted(spans.items()))),
        applied=sum(one.decisions for article_id, one in decided.items() if article_id in with_gold),
        issues=tuple(issues),
        model=model,
    )


def _model(
    judged: Mapping[str, Sequence[Judgement]], articles: Mapping[str, Article], labels: Labels, rules: Adjudication
) -> Model | None:
    """The model of the stances of all articles that enough annotators judged."""
    if rules.stance != "dawid-skene":
        return None
    answers: dict[tuple[str, str], dict[str, str]] = {}
    for article_id, voters in judged.items():
        if len(voters) >= rules.min_annotators:
            for target in targets_for(articles[article_id], labels):
                answers[article_id, target.id] = _answers(voters, target.id)
    return estimate(answers)


def _settle(
    article: Article,
    voters: Sequence[Judgement],
    decision: Decided,
    labels: Labels,
    rules: Adjudication,
    model: Model | None,
) -> tuple[Gold, list[Dispute]]:
    enough = len(voters) >= rules.min_annotators
    marked = _vote_spans(article.id, voters, rules.votes)
    answered = {
        target.id: _vote_stance(article.id, target.id, voters, labels, model, enough=enough)
        for target in targets_for(article, labels)
    }
    outcomes = [*marked.values(), *answered.values()]
    spans = decision.spans
    if spans is None:
        spans = tuple(Span(*edges, sure.answer) for edges, outcome in marked.items() for sure in outcome.won)
    values = {target: sure.answer for target, outcome in answered.items() for sure in outcome.won}
    values |= {stance.target: stance.value for stance in decision.stances}
    closed = {f"stance:{stance.target}" for stance in decision.stances}
    if decision.spans is not None:
        closed |= {f"span:{start}:{end}" for start, end in marked}
    gold = Gold(
        article_id=article.id,
        text_sha=article.text_sha,
        spans=_numbered(spans),
        stances=tuple(Stance(target, value) for target, value in sorted(values.items())),
        source="adjudicated" if decision.decisions else _source(outcomes),
        votes=tuple(sorted(vote for outcome in outcomes for vote in outcome.votes)),
        annotators=len(voters),
        confidence=tuple(sorted([*_decided(decision), *(s for o in outcomes for s in o.won if s.what not in closed)])),
        decided=(
            *(["spans"] if decision.spans is not None else []),
            *sorted(f"stance:{s.target}" for s in decision.stances),
        ),
    )
    return gold, [o.dispute for o in outcomes if o.dispute and o.dispute.what not in closed]


def _source(outcomes: Sequence[_Outcome]) -> GoldSource:
    if any(outcome.modelled for outcome in outcomes):
        return "model"
    return "agreed" if all(outcome.unanimous for outcome in outcomes) else "majority"


def _decided(decision: Decided) -> list[Confidence]:
    """Who decided each answer: contradicting decisions are left out, so those that count are of one mind."""
    by = f"decision of {', '.join(decision.spans_by)}"
    sure = [Confidence(f"span:{s.start}:{s.end}", s.label, by, 1.0) for s in decision.spans or ()]
    for stance in decision.stances:
        by = f"decision of {', '.join(decision.stances_by[stance.target])}"
        sure.append(Confidence(f"stance:{stance.target}", stance.value, by, 1.0))
    return sure


def _vote_spans(article_id: str, voters: Sequence[Judgement], votes: int | None) -> dict[tuple[int, int], _Outcome]:
    given: dict[tuple[int, int], dict[str, set[str]]] = {}
    for judgement in voters:
        for span in judgement.spans:
            given.setdefault((span.start, span.end), {}).setdefault(judgement.annotator, set()).add(span.label)
    names = tuple(judgement.annotator for judgement in voters)
    return {
        (start, end): _vote(_Ballot(article_id, f"span:{start}:{end}", answers, names), len(voters), votes)
        for (start, end), answers in sorted(given.items())
    }


def _answers(voters: Sequence[Judgement], target: str) -> dict[str, str]:
    return {j.annotator: stance.value for j in voters for stance in j.stances if stance.target == target}


def _vote_stance(
    article_id: str, target: str, voters: Sequence[Judgement], labels: Labels, model: Model | None, *, enough: bool
) -> _Outcome:
    answers = {annotator: {value} for annotator, value in _answers(voters, target).items()}
    ballot = _Ballot(article_id, f"stance:{target}", answers, tuple(judgement.annotator for judgement in voters))
    outcome = _vote(ballot, len(answers), None)
    if model is not None and enough:
        outcome = _by_model(ballot, outcome, model.posterior.get((article_id, target), {}))
    if enough and {sure.answer for sure in outcome.won} <= set(labels.published_values):
        return outcome
    return _Outcome((), outcome.votes, ballot.dispute(), unanimous=False)


def _by_model(ballot: _Ballot, voted: _Outcome, posterior: Mapping[str, float]) -> _Outcome:
    best = most_likely(posterior, SURE)
    if best is None:
        return _Outcome((), voted.votes, ballot.dispute(), unanimous=False)
    value, probability = best
    same = [sure.answer for sure in voted.won] == [value]
    sure = Confidence(ballot.what, value, "dawid-skene", probability)
    return _Outcome((sure,), voted.votes, None, voted.unanimous and same, modelled=not same)


def _vote(ballot: _Ballot, voters: int, votes: int | None) -> _Outcome:
    """Settle one question among so many voters; `votes` None asks for more than half of them."""
    need = votes or voters // 2 + 1
    counts = Counter(label for chosen in ballot.answers.values() for label in chosen)
    ahead = {label for label, count in counts.items() if count >= need}
    rivals = {label for pair in combinations(ahead, 2) if not _together(ballot, pair) for label in pair}
    won = sorted(ahead - rivals)
    undecided = any(count < need and voters - count < need for count in counts.values())
    unnamed = not won and voters - len(ballot.answers) < need
    tied = bool(rivals) or undecided or unnamed
    method = f"{votes} votes" if votes else "majority"
    return _Outcome(
        won=tuple(Confidence(ballot.what, label, method, counts[label] / voters) for label in won),
        votes=tuple(Vote(ballot.what, label, count) for label, count in sorted(counts.items())),
        dispute=ballot.dispute() if tied else None,
        unanimous=not tied and all(count == voters for count in counts.values()),
    )


def _together(ballot: _Ballot, pair: Iterable[str]) -> bool:
    return any({*pair} <= chosen for chosen in ballot.answers.values())


def _numbered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Gold spans in order, outer ones first, each with a short id of its own."""
    found = sorted(spans, key=lambda span: (span.start, -span.end, span.label))
    return tuple(replace(span, id=f"s{number}") for number, span in enumerate(found))


def _tally(gold: Gold, still_open: Iterable[Dispute], decision: Decided) -> Counter[str]:
    """What became of each labelled span that anyone gave: gold, or the reason why not."""
    disputed = {dispute.what for dispute in still_open}
    kept = {(f"span:{span.start}:{span.end}", span.label) for span in gold.spans}
    counts: Counter[str] = Counter(gold=len(kept))
    for vote in gold.votes:
        if vote.what.startswith("span:") and (vote.what, vote.answer) not in kept:
            reason = "in dispute" if vote.what in disputed else "outvoted"
            counts[reason if decision.spans is None else "overruled by a decision"] += 1
    return counts
