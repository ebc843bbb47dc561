"""What is wrong with decisions: with one alone, and of several that contradict each other. Pure."""

from builder.annotation.questions import targets_for
from builder.records import Article, Decision, Issue, Passage
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span


def faults_of(decision: Decision, article: Article | None, labels: Labels) -> list[Issue]:
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
    issues += _scope_faults(decision, len(article.text))
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


def _scope_faults(decision: Decision, size: int) -> list[Issue]:
    """Return the errors of the scope of a decision on a text of `size` code points."""
    scope = decision.scope
    outside = [p for p in scope if not 0 <= p.start < p.end <= size]
    issues = [
        _issue(decision, f"scope {p.start}:{p.end}", f"outside the text, which has {size} code points") for p in outside
    ]
    if scope:
        beyond = [span for span in decision.spans or () if Passage(span.start, span.end) not in scope]
        issues += [_issue(decision, f"span {s.start}:{s.end}", "not one of the passages in its scope") for s in beyond]
    return issues


def _issue(decision: Decision, where: str, message: str) -> Issue:
    """Return an error about a decision, which is ignored as a whole."""
    fix = "the whole decision was ignored: correct the ruling in Label Studio, or its line in decisions.jsonl"
    return Issue("error", "decision", message, where, fix, decision.article_id, decision.adjudicator)


def contradiction(article_id: str, what: str) -> Issue:
    """Return an error about decisions of an article that contradict each other."""
    fix = "ask the adjudicators to agree, or keep one decision in decisions.jsonl; until then none counts"
    return Issue("error", "decision", "decisions contradict each other", what, fix, article_id)
