"""Adjudicators' decisions merged for each article, with an issue for each decision that cannot be applied. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builder.annotation.adjudication.question_votes import decided_answers, what
from builder.annotation.questions import targets_for
from builder.records import Answer, Article, Decision, Issue, Span, Stance
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span


@dataclass(frozen=True, slots=True)
class MergedDecisions:
    """The merged decisions on one article.

    `decisions` counts the decisions applied. `spans_by`, `stances_by` and `answers_by` name the adjudicators, the latter
    two by target and by question.
    """

    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    decisions: int = 0
    spans_by: tuple[str, ...] = ()
    stances_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    answers_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_decisions(
    decisions: Sequence[Decision], articles: Mapping[str, Article], labels: Labels
) -> tuple[dict[str, MergedDecisions], list[Issue]]:
    """Merge valid decisions by article, and return an issue for each invalid or contradicting one.

    If decisions contradict each other on an article's spans, a stance or a question, none of them counts there.
    """
    sound: dict[str, list[Decision]] = defaultdict(list)
    issues: list[Issue] = []
    for decision in decisions:
        faults = _faults(decision, articles.get(decision.article_id), labels)
        issues += faults
        if not faults and (decision.spans is not None or decision.stances or decision.answers):
            sound[decision.article_id].append(decision)
    decided: dict[str, MergedDecisions] = {}
    for article_id, valid in sound.items():
        lists = {_canonical(d.spans, articles[article_id].text, labels) for d in valid if d.spans is not None}
        values = {stance for decision in valid for stance in decision.stances}
        twice = {target for target, count in Counter(stance.target for stance in values).items() if count > 1}
        unsettled = [f"stance:{target}" for target in sorted(twice)] + (["spans"] if len(lists) > 1 else [])
        lists_of = decided_answers(valid)
        unsettled += [what(name) for name, given in sorted(lists_of.items()) if len(given) > 1]
        issues += [_contradiction(article_id, question) for question in unsettled]
        spans = lists.pop() if len(lists) == 1 else None
        stances = tuple(sorted(stance for stance in values if stance.target not in twice))
        answers = tuple(sorted(one for given in lists_of.values() if len(given) == 1 for part in given for one in part))
        said = {*stances, *answers}
        applied = sum(
            (d.spans is not None and spans is not None) or bool({*d.stances, *d.answers} & said) for d in valid
        )
        decided[article_id] = MergedDecisions(
            spans=spans,
            stances=stances,
            decisions=applied,
            spans_by=_names(d for d in valid if d.spans is not None) if spans is not None else (),
            stances_by={stance.target: _names(d for d in valid if stance in d.stances) for stance in stances},
            answers=answers,
            answers_by={one.question: _names(d for d in valid if one in d.answers) for one in answers},
        )
    return decided, issues


def not_applied_warning(article_id: str, reason: str) -> Issue:
    """Return a warning that an article's decisions are not applied, with the reason."""
    fix = "have the article annotated, or list its spans in the decision"
    return Issue("warning", "decision", f"not applied: {reason}", "article", fix, article_id)


def _names(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """Return the adjudicators of decisions, sorted and without duplicates."""
    return tuple(sorted({decision.adjudicator for decision in decisions}))


def _canonical(spans: Iterable[Span], text: str, labels: Labels) -> tuple[Span, ...]:
    """Return the spans with canonical edges, sorted and without duplicates."""
    whole = labels.clitics == "expand"
    moved = {(canonical_span(text, span.start, span.end, whole_words=whole), span.label) for span in spans}
    return tuple(sorted(Span(*edges, label) for edges, label in moved if edges))


def _faults(decision: Decision, article: Article | None, labels: Labels) -> list[Issue]:
    """Return the errors of one decision."""
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
        elif canonical_span(article.text, span.start, span.end) is None:
            issues.append(_issue(decision, where, "only spaces or punctuation"))
    asked = {target.id for target in targets_for(article, labels)}
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    for stance in decision.stances:
        where = f"stance {stance.target}"
        if stance.target not in asked:
            issues.append(_issue(decision, where, f"the article is not asked about {stance.target!r}"))
        if stance.value not in values:
            issues.append(_issue(decision, where, f"unknown stance {stance.value!r}"))
    return issues + _answer_faults(decision, labels)


def _answer_faults(decision: Decision, labels: Labels) -> list[Issue]:
    """Return the errors of a decision's answers to questions on the whole article."""
    questions = {question.id: question for question in labels.questions}
    issues: list[Issue] = []
    for answer in decision.answers:
        where, question = f"question {answer.question}", questions.get(answer.question)
        if question is None:
            issues.append(_issue(decision, where, f"unknown question {answer.question!r}"))
        elif answer.value not in question.value_names:
            issues.append(_issue(decision, where, f"unknown answer {answer.value!r}"))
        elif question.answers == "one" and any(
            other.question == question.id and other.value > answer.value for other in decision.answers
        ):
            issues.append(_issue(decision, where, "several answers where one was asked for"))
    return issues


def _issue(decision: Decision, where: str, message: str) -> Issue:
    """Return an error about a decision, which is ignored as a whole."""
    fix = "the whole decision was ignored: correct the ruling in Label Studio, or its line in decisions.jsonl"
    return Issue("error", "decision", message, where, fix, decision.article_id, decision.adjudicator)


def _contradiction(article_id: str, what: str) -> Issue:
    """Return an error about decisions of an article that contradict each other."""
    fix = "ask the adjudicators to agree, or keep one decision in decisions.jsonl; until then none counts"
    return Issue("error", "decision", "decisions contradict each other", what, fix, article_id)
