"""What adjudicators decided, article by article, and an issue for each decision that cannot be applied.

Pure. What the votes say is adjudicate.py's.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builder.annotation.questions import targets_for
from builder.records import Article, Decision, Issue, Span, Stance
from builder.schema.labels import Labels
from builder.text.tokens import canonical


@dataclass(frozen=True, slots=True)
class Decided:
    """What adjudicators say of one article, how many decisions say it, and whose they are."""

    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    decisions: int = 0
    spans_by: tuple[str, ...] = ()
    stances_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def read_decisions(
    decisions: Sequence[Decision], articles: Mapping[str, Article], labels: Labels
) -> tuple[dict[str, Decided], list[Issue]]:
    """What the decisions come to; where they contradict each other, neither counts."""
    sound: dict[str, list[Decision]] = defaultdict(list)
    issues: list[Issue] = []
    for decision in decisions:
        found = _faults(decision, articles.get(decision.article_id), labels)
        issues += found
        if not found and (decision.spans is not None or decision.stances):
            sound[decision.article_id].append(decision)
    decided: dict[str, Decided] = {}
    for article_id, said in sound.items():
        lists = {_canonical(d.spans, articles[article_id].text, labels) for d in said if d.spans is not None}
        values = {stance for decision in said for stance in decision.stances}
        twice = {target for target, count in Counter(stance.target for stance in values).items() if count > 1}
        unsettled = [f"stance:{target}" for target in sorted(twice)] + (["spans"] if len(lists) > 1 else [])
        issues += [_contradiction(article_id, what) for what in unsettled]
        spans = lists.pop() if len(lists) == 1 else None
        stances = tuple(sorted(stance for stance in values if stance.target not in twice))
        applied = sum((d.spans is not None and spans is not None) or bool({*d.stances} & {*stances}) for d in said)
        decided[article_id] = Decided(
            spans=spans,
            stances=stances,
            decisions=applied,
            spans_by=_names(d for d in said if d.spans is not None) if spans is not None else (),
            stances_by={stance.target: _names(d for d in said if stance in d.stances) for stance in stances},
        )
    return decided, issues


def waiting(article_id: str, reason: str) -> Issue:
    """That the decisions on an article are not applied, and why."""
    fix = "have the article annotated, or list its spans in the decision"
    return Issue("warning", "decision", f"not applied: {reason}", "article", fix, article_id)


def _names(decisions: Iterable[Decision]) -> tuple[str, ...]:
    return tuple(sorted({decision.adjudicator for decision in decisions}))


def _canonical(spans: Iterable[Span], text: str, labels: Labels) -> tuple[Span, ...]:
    whole = labels.clitics == "expand"
    moved = {(canonical(text, span.start, span.end, whole_words=whole), span.label) for span in spans}
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
    fix = "the whole decision was left out: mend the ruling in Label Studio, or its line in decisions.jsonl"
    return Issue("error", "decision", message, where, fix, decision.article_id, decision.adjudicator)


def _contradiction(article_id: str, what: str) -> Issue:
    fix = "let the adjudicators agree, or keep one of them in decisions.jsonl; until then neither counts"
    return Issue("error", "decision", "decisions contradict each other", what, fix, article_id)
