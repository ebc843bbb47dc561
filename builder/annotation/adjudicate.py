"""Judgements and decisions -> gold, or a dispute: nothing is settled by chance.

An answer is gold where more than half of an article's annotators gave it, or an adjudicator did.
Expects canonical judgements (check.py), one for each annotator and article.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.annotation.tasks import targets_for
from builder.records import Account, Article, Decision, Dispute, Gold, GoldSource, Issue, Judgement, Span, Stance, Vote
from builder.schema import Labels
from builder.text.tokens import canonical

NONE = "(none)"
"""The answer of an annotator who marked nothing, or did not answer."""


@dataclass(frozen=True, slots=True)
class Adjudicated:
    """What came of the votes and decisions.

    A gold with an open dispute holds what was settled: the release decides what it does with it.
    `account` is over articles, `spans` over the distinct labelled spans of the articles in gold.
    """

    golds: tuple[Gold, ...]
    disputes: tuple[Dispute, ...]
    account: Account
    spans: Account
    applied: int
    issues: tuple[Issue, ...]


@dataclass(frozen=True, slots=True)
class _Decided:
    """What adjudicators say of one article, and how many decisions say it."""

    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    decisions: int = 0


@dataclass(frozen=True, slots=True)
class _Outcome:
    """One question after the vote: the answers that won, and whether it stays open."""

    won: tuple[str, ...]
    votes: tuple[Vote, ...]
    dispute: Dispute | None
    unanimous: bool


def adjudicate(
    judgements: Sequence[Judgement],
    decisions: Sequence[Decision],
    articles: Mapping[str, Article],
    labels: Labels,
    min_annotators: int,
) -> Adjudicated:
    """Gold and disputes of every article that was judged or decided, sorted by article.

    Spans: a label is gold with the votes of more than half of the article's annotators; with exactly
    half, or where half mark the same boundaries and no label wins, the boundaries are disputed; with
    fewer it is outvoted, and stays in `votes`. Stance: the value that more than half of those who
    answered gave; a tie, or an unpublished value that wins, is disputed. A decision overrides its
    items and closes their disputes; where decisions contradict each other, neither counts. An article
    with fewer than `min_annotators` has no gold, unless a decision lists its spans; of its stances
    only decided ones are gold then.
    """
    judged: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        judged[judgement.article_id].append(judgement)
    decided, issues = _read(decisions, articles, labels)
    golds: list[Gold] = []
    disputes: list[Dispute] = []
    spans: Counter[str] = Counter()
    known = sorted({*judged, *decided})
    reason = f"fewer than {min_annotators} annotators"
    for article_id in known:
        voters, decision = judged.get(article_id, []), decided.get(article_id, _Decided())
        if len(voters) < min_annotators and decision.spans is None:
            issues += [_waiting(article_id, reason)] if decision.decisions else []
            continue
        gold, still_open = _settle(articles[article_id], voters, decision, labels, len(voters) >= min_annotators)
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
        account=Account("adjudicate", "articles", len(known), len(golds), {reason: short} if short else {}),
        spans=Account("adjudicate", "spans", kept + spans.total(), kept, dict(sorted(spans.items()))),
        applied=sum(one.decisions for article_id, one in decided.items() if article_id in with_gold),
        issues=tuple(issues),
    )


def _settle(
    article: Article, voters: Sequence[Judgement], decision: _Decided, labels: Labels, enough: bool
) -> tuple[Gold, list[Dispute]]:
    marked = _vote_spans(article.id, voters)
    answered = {
        target.id: _vote_stance(article.id, target.id, voters, labels, enough)
        for target in targets_for(article, labels)
    }
    outcomes = [*marked.values(), *answered.values()]
    spans = decision.spans
    if spans is None:
        spans = tuple(Span(*edges, label) for edges, outcome in marked.items() for label in outcome.won)
    values = {target: value for target, outcome in answered.items() for value in outcome.won}
    values |= {stance.target: stance.value for stance in decision.stances}
    closed = {f"stance:{stance.target}" for stance in decision.stances}
    if decision.spans is not None:
        closed |= {f"span:{start}:{end}" for start, end in marked}
    source: GoldSource = "agreed" if all(outcome.unanimous for outcome in outcomes) else "majority"
    gold = Gold(
        article_id=article.id,
        text_sha=article.text_sha,
        spans=_numbered(spans),
        stances=tuple(Stance(target, value) for target, value in sorted(values.items())),
        source="adjudicated" if decision.decisions else source,
        votes=tuple(sorted(vote for outcome in outcomes for vote in outcome.votes)),
        annotators=len(voters),
    )
    return gold, [o.dispute for o in outcomes if o.dispute and o.dispute.what not in closed]


def _vote_spans(article_id: str, voters: Sequence[Judgement]) -> dict[tuple[int, int], _Outcome]:
    given: dict[tuple[int, int], dict[str, set[str]]] = {}
    for judgement in voters:
        for span in judgement.spans:
            given.setdefault((span.start, span.end), {}).setdefault(judgement.annotator, set()).add(span.label)
    names = [judgement.annotator for judgement in voters]
    return {
        (start, end): _vote(article_id, f"span:{start}:{end}", answers, names, len(voters))
        for (start, end), answers in sorted(given.items())
    }


def _vote_stance(article_id: str, target: str, voters: Sequence[Judgement], labels: Labels, enough: bool) -> _Outcome:
    answers = {j.annotator: {stance.value} for j in voters for stance in j.stances if stance.target == target}
    names = [judgement.annotator for judgement in voters]
    outcome = _vote(article_id, f"stance:{target}", answers, names, len(answers))
    if enough and set(outcome.won) <= set(labels.published_values):
        return outcome
    shown = _shown(answers, names)
    return _Outcome((), outcome.votes, Dispute(article_id, f"stance:{target}", shown), unanimous=False)


def _vote(article_id: str, what: str, answers: Mapping[str, set[str]], names: Sequence[str], voters: int) -> _Outcome:
    counts = Counter(label for chosen in answers.values() for label in chosen)
    won = tuple(sorted(label for label, count in counts.items() if 2 * count > voters))
    tied = any(2 * count == voters for count in counts.values()) or (not won and 2 * len(answers) >= voters)
    return _Outcome(
        won=won,
        votes=tuple(Vote(what, label, count) for label, count in sorted(counts.items())),
        dispute=Dispute(article_id, what, _shown(answers, names)) if tied else None,
        unanimous=not tied and all(count == voters for count in counts.values()),
    )


def _shown(answers: Mapping[str, set[str]], names: Iterable[str]) -> dict[str, str]:
    return {name: "+".join(sorted(answers.get(name, ()))) or NONE for name in names}


def _numbered(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Gold spans in order, outer ones first, each with a short id of its own."""
    found = sorted(spans, key=lambda span: (span.start, -span.end, span.label))
    return tuple(replace(span, id=f"s{number}") for number, span in enumerate(found))


def _tally(gold: Gold, still_open: Iterable[Dispute], decision: _Decided) -> Counter[str]:
    """What became of each labelled span that anyone gave: gold, or the reason why not."""
    disputed = {dispute.what for dispute in still_open}
    kept = {(f"span:{span.start}:{span.end}", span.label) for span in gold.spans}
    counts: Counter[str] = Counter(gold=len(kept))
    for vote in gold.votes:
        if vote.what.startswith("span:") and (vote.what, vote.answer) not in kept:
            reason = "in dispute" if vote.what in disputed else "outvoted"
            counts[reason if decision.spans is None else "overruled by a decision"] += 1
    return counts


def _read(
    decisions: Sequence[Decision], articles: Mapping[str, Article], labels: Labels
) -> tuple[dict[str, _Decided], list[Issue]]:
    """What the decisions come to, article by article, and an issue for each that cannot be applied."""
    sound: dict[str, list[Decision]] = defaultdict(list)
    issues: list[Issue] = []
    for decision in decisions:
        found = _faults(decision, articles.get(decision.article_id), labels)
        issues += found
        if not found and (decision.spans is not None or decision.stances):
            sound[decision.article_id].append(decision)
    decided: dict[str, _Decided] = {}
    for article_id, said in sound.items():
        lists = {_canonical(d.spans, articles[article_id].text) for d in said if d.spans is not None}
        values = {stance for decision in said for stance in decision.stances}
        twice = {target for target, count in Counter(stance.target for stance in values).items() if count > 1}
        unsettled = [f"stance:{target}" for target in sorted(twice)] + (["spans"] if len(lists) > 1 else [])
        issues += [_contradiction(article_id, what) for what in unsettled]
        spans = lists.pop() if len(lists) == 1 else None
        stances = tuple(sorted(stance for stance in values if stance.target not in twice))
        applied = sum((d.spans is not None and spans is not None) or bool({*d.stances} & {*stances}) for d in said)
        decided[article_id] = _Decided(spans, stances, applied)
    return decided, issues


def _canonical(spans: Iterable[Span], text: str) -> tuple[Span, ...]:
    moved = {(canonical(text, span.start, span.end), span.label) for span in spans}
    return tuple(sorted(Span(*edges, label) for edges, label in moved if edges))


def _faults(decision: Decision, article: Article | None, labels: Labels) -> list[Issue]:
    if article is None:
        return [_issue(decision, "article", f"article {decision.article_id} is not in this project")]
    if decision.text_sha != article.text_sha:
        message = f"stale: it was made on the text {decision.text_sha}, which is now {article.text_sha}"
        return [_issue(decision, "text", message)]
    issues: list[Issue] = []
    for span in decision.spans or ():
        where = f"span {span.start}:{span.end}"
        if span.label not in labels.entity_names:
            issues.append(_issue(decision, where, f"unknown label {span.label!r}"))
        if not 0 <= span.start < span.end <= len(article.text):
            issues.append(_issue(decision, where, f"outside the text, which has {len(article.text)} code points"))
        elif canonical(article.text, span.start, span.end) is None:
            issues.append(_issue(decision, where, "only spaces or punctuation"))
    asked = {target.id for target in targets_for(article, labels)}
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    for stance in decision.stances:
        where = f"stance {stance.target}"
        if stance.target not in asked:
            issues.append(_issue(decision, where, f"the article is not asked about {stance.target!r}"))
        if stance.value not in values:
            issues.append(_issue(decision, where, f"unknown stance {stance.value!r}"))
    return issues


def _issue(decision: Decision, where: str, message: str) -> Issue:
    fix = "mend or delete its line in decisions.jsonl; the whole decision was left out"
    return Issue("error", "decision", message, where, fix, decision.article_id, decision.adjudicator)


def _contradiction(article_id: str, what: str) -> Issue:
    fix = "keep one of them in decisions.jsonl; until then neither counts"
    return Issue("error", "decision", "decisions contradict each other", what, fix, article_id)


def _waiting(article_id: str, reason: str) -> Issue:
    fix = "have the article annotated, or list its spans in the decision"
    return Issue("warning", "decision", f"not applied: {reason}", "article", fix, article_id)
