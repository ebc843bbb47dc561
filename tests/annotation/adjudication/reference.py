"""Adjudication of judgements and decisions into gold annotations and open disputes. No tie is broken at random.

An answer becomes gold if enough annotators of the article gave it, if the Dawid and Skene model is confident
enough of it, or if an adjudicator decided it. The input is canonical judgements (canonical.py), at most one for
each annotator and article.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from builder.annotation.adjudication.dawid_skene import estimate, most_likely
from builder.annotation.adjudication.decisions import (
    NONE,
    MergedDecisions,
    decided_answers,
    not_applied_warning,
    read_decisions,
)
from builder.annotation.adjudication.votes.outcomes import SURE
from builder.annotation.migration.offered import EVERYTHING
from builder.annotation.questions import targets_by_article
from builder.records import (
    Answer,
    Confidence,
    Dispute,
    Gold,
    Passage,
    Span,
    StageCounts,
    Stance,
    Vote,
    passage_of,
    question_of,
)
from tests.tables import Settled


@dataclass(frozen=True, slots=True)
class _Outcome:
    """The result of the vote on one question: winning answers with their confidence, all votes, any dispute."""

    won: tuple[Confidence, ...]
    votes: tuple[Vote, ...]
    dispute: Dispute | None
    unanimous: bool
    modelled: bool = False


@dataclass(frozen=True, slots=True)
class _Ballot:
    """The answers of an article's annotators to one question. `names` also lists those who did not answer."""

    article_id: str
    what: str
    answers: Mapping[str, set[str]]
    names: tuple[str, ...]

    def dispute(self):
        """Return the question as a dispute, with each annotator's answer."""
        shown = {name: "+".join(sorted(self.answers.get(name, ()))) or NONE for name in self.names}
        return Dispute(self.article_id, self.what, shown)


def adjudicate(judgements, decisions, articles, labels, rules, offers=EVERYTHING):
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
    judged = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        judged[judgement.article_id].append(judgement)
    decided, issues = read_decisions(decisions, articles, labels)
    asked = targets_by_article((articles[name] for name in {*judged, *decided}), labels)
    model = _model(judged, asked, rules)
    golds = []
    disputes = []
    spans = Counter()
    known = sorted({*judged, *decided})
    reason = f"fewer than {rules.min_annotators} annotators"
    for article_id in known:
        voters, decision = (judged.get(article_id, []), decided.get(article_id, MergedDecisions()))
        adopted = decision.is_imported and not voters
        if len(voters) < rules.min_annotators and decision.spans is None and not adopted:
            issues += [not_applied_warning(article_id, reason)] if decision.decisions else []
            continue
        questions = [target for target in asked[article_id] if asked_about(voters, target.id, offers) or not voters]
        gold, still_open = _settle(articles[article_id], voters, decision, labels, questions, rules, model, offers)
        golds.append(gold)
        disputes += [] if adopted else still_open
        spans += _tally(gold, still_open, decision)
    short = len(known) - len(golds)
    with_gold = {gold.article_id for gold in golds}
    kept = spans.pop("gold", 0)
    issues.sort(key=lambda issue: (issue.article_id, issue.annotator, issue.where, issue.message))
    return Settled(
        golds=tuple(golds),
        disputes=tuple(disputes),
        account=StageCounts("adjudicate", "articles", len(known), len(golds), {reason: short} if short else {}),
        spans=StageCounts("adjudicate", "spans", kept + spans.total(), kept, dict(sorted(spans.items()))),
        applied=sum((decision.decisions for article_id, decision in decided.items() if article_id in with_gold)),
        issues=tuple(issues),
        model=model,
    )


def _model(judged, asked, rules):
    """Fit the stance model to all articles with enough annotators; return None if the rules do not ask for it."""
    if rules.stance != "dawid-skene":
        return None
    answers = {}
    for article_id, voters in judged.items():
        if len(voters) >= rules.min_annotators:
            for target in asked[article_id]:
                answers[article_id, target.id] = _answers(voters, target.id)
    return estimate(answers)


def asked_about(voters, target, offers):
    """The annotators who were asked about a target. Who answered was asked."""
    return [
        one for one in voters
        if target not in offers.unasked(one.schema) or any(stance.target == target for stance in one.stances)
    ]  # fmt: skip


def _settle(article, voters, decision, labels, asked, rules, model, offers):
    """Return an article's gold annotation and the disputes that no decision closes."""
    marked = _vote_spans(article.id, voters, rules, offers)
    answered = {
        target.id: _vote_stance(article.id, target.id, own, labels, model, enough=len(own) >= rules.min_annotators)
        for target in asked
        for own in [asked_about(voters, target.id, offers)]
    }
    chosen = [
        _vote_question(article.id, question.id, own, enough=len(own) >= rules.min_annotators)
        for question in labels.questions
        for own in [asked_question(voters, question.id, offers)]
        if own or not voters
    ]
    outcomes = [*marked.values(), *answered.values(), *chosen]
    spans = decision.spans_over(Span(*edges, sure.answer) for edges, outcome in marked.items() for sure in outcome.won)
    values = {target: sure.answer for target, outcome in answered.items() for sure in outcome.won}
    values |= {stance.target: stance.value for stance in decision.stances}
    closed = {f"stance:{stance.target}" for stance in decision.stances}
    closed |= {place.what for place in (Passage(*edges) for edges in marked) if decision.settles(place)}
    closed |= {answer.what for answer in decision.answers}
    answers = [Answer(question_of(sure.what), sure.answer) for outcome in chosen for sure in outcome.won]
    voted = [sure for outcome in outcomes for sure in outcome.won if sure.what not in closed]
    gold = Gold(
        article_id=article.id,
        text_sha=article.text_sha,
        spans=_numbered(spans),
        stances=tuple((Stance(target, value) for target, value in sorted(values.items()))),
        source="adjudicated" if decision.decisions else _source(outcomes),
        votes=(
            *sorted(vote for outcome in marked.values() for vote in outcome.votes),
            *sorted(vote for outcome in (*answered.values(), *chosen) for vote in outcome.votes),
        ),
        annotators=len(voters),
        confidence=(
            tuple(sorted([*decided_answers(decision), *voted]))
            if decision.decisions
            else tuple(sorted(voted, key=lambda sure: (passage_of(sure.what) is None, sure)))
        ),
        decided=(
            *(["spans"] if decision.spans is not None else []),
            *(passage.what for passage in sorted(decision.passages)),
            *sorted({f"stance:{one.target}" for one in decision.stances} | {one.what for one in decision.answers}),
        ),
        answers=tuple(sorted([*decision.answers, *(one for one in answers if one.what not in closed)])),
    )
    disputes = [outcome.dispute for outcome in outcomes if outcome.dispute]
    return (gold, [dispute for dispute in disputes if dispute.what not in closed])


def asked_question(voters, question, offers):
    """The annotators who were asked a question on the whole article. Who answered was asked."""
    return [
        one for one in voters
        if not offers.lacks_question(one.schema, question) or any(answer.question == question for answer in one.answers)
    ]  # fmt: skip


def _vote_question(article_id, question, voters, *, enough):
    """Return the outcome of the vote on a question on the whole article; each value is voted on alone."""
    answers = {}
    for judgement in voters:
        for answer in judgement.answers:
            if answer.question == question:
                answers.setdefault(judgement.annotator, set()).add(answer.value)
    ballot = _Ballot(article_id, f"question:{question}", answers, tuple(judgement.annotator for judgement in voters))
    outcome = _vote(ballot, len(answers), None)
    if enough and not outcome.dispute:
        return outcome
    return _Outcome((), outcome.votes, ballot.dispute(), unanimous=False)


def _source(outcomes):
    """Return how the least certain of an article's questions was settled."""
    if any(outcome.modelled for outcome in outcomes):
        return "model"
    return "agreed" if all(outcome.unanimous for outcome in outcomes) else "majority"


def _vote_spans(article_id, voters, rules, offers):
    """Return the outcome of the vote on each marked boundary pair (start, end), in text order."""
    given = {}
    for judgement in voters:
        for span in judgement.spans:
            given.setdefault((span.start, span.end), {}).setdefault(judgement.annotator, set()).add(span.label)
    outcomes = {}
    for (start, end), answers in sorted(given.items()):
        names = _entitled(voters, answers, rules.min_annotators, offers)
        own = {who: said for who, said in answers.items() if who in names}
        ballot = _Ballot(article_id, f"span:{start}:{end}", own, tuple(names))
        outcomes[start, end] = _vote(ballot, len(names), rules.votes)
    return outcomes


def _entitled(voters, answers, least, offers):
    """The annotators who were asked for every label that anybody gave, or all where those do not do."""
    labels = {label for given in answers.values() for label in given}
    asked = [
        one.annotator for one in voters
        if not offers.lacks(one.schema, labels) - {span.label for span in one.spans}
    ]  # fmt: skip
    theirs = {label for who in asked for label in answers.get(who, ())}
    return asked if len(asked) >= least and theirs == labels else [one.annotator for one in voters]


def _answers(voters, target):
    """Return the stance value that each annotator gave for a target."""
    return {j.annotator: stance.value for j in voters for stance in j.stances if stance.target == target}


def _vote_stance(article_id, target, voters, labels, model, *, enough):
    """Return the outcome of the vote on one stance, by model if there is one, else by majority."""
    answers = {annotator: {value} for annotator, value in _answers(voters, target).items()}
    ballot = _Ballot(article_id, f"stance:{target}", answers, tuple(judgement.annotator for judgement in voters))
    outcome = _vote(ballot, len(answers), None)
    if model is not None and enough:
        outcome = _by_model(ballot, outcome, model.posterior.get((article_id, target), {}))
    if enough and {sure.answer for sure in outcome.won} <= set(labels.published_values):
        return outcome
    return _Outcome((), outcome.votes, ballot.dispute(), unanimous=False)


def _by_model(ballot, voted, posterior):
    """Replace the outcome of a majority vote with the model's answer, or a dispute if it is below SURE."""
    best = most_likely(posterior, SURE)
    if best is None:
        return _Outcome((), voted.votes, ballot.dispute(), unanimous=False)
    value, probability = best
    same = [sure.answer for sure in voted.won] == [value]
    sure = Confidence(ballot.what, value, "dawid-skene", probability)
    return _Outcome((sure,), voted.votes, None, voted.unanimous and same, modelled=not same)


def _vote(ballot, voters, votes):
    """Settle one question among `voters` annotators by `votes` votes, or by more than half if that is None."""
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
        votes=tuple((Vote(ballot.what, label, count) for label, count in sorted(counts.items()))),
        dispute=ballot.dispute() if tied else None,
        unanimous=not tied and all(count == voters for count in counts.values()),
    )


def _together(ballot, pair):
    """Return whether any annotator gave both labels of a pair."""
    return any({*pair} <= chosen for chosen in ballot.answers.values())


def _numbered(spans):
    """Sort gold spans by start, outer spans first, and number them: s0, s1, ..."""
    ordered = sorted(spans, key=lambda span: (span.start, -span.end, span.label))
    return tuple((replace(span, id=f"s{number}") for number, span in enumerate(ordered)))


def _tally(gold, still_open, decision):
    """Count an article's distinct labelled spans: those in gold, and the others by the reason they were dropped."""
    disputed = {dispute.what for dispute in still_open}
    kept = {(f"span:{span.start}:{span.end}", span.label) for span in gold.spans}
    counts = Counter(gold=len(kept))
    for vote in gold.votes:
        if vote.what.startswith("span:") and (vote.what, vote.answer) not in kept:
            reason = "in dispute" if vote.what in disputed else "outvoted"
            passage = passage_of(vote.what)
            counts["overruled by a decision" if passage and decision.settles(passage) else reason] += 1
    return counts
