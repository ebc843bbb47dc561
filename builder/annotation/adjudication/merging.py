"""New decisions merged into those of a batch, and compared with what votes say by now. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from builder.records import Answer, AskedPage, Decision, Dispute, Gold, Issue, Passage, Span

Labelled = Mapping[Passage, frozenset[str]]
"""The labels of each marked passage."""


def merge_decisions(
    before: Iterable[Decision], fresh: Sequence[Decision], pages: Iterable[AskedPage]
) -> list[Decision]:
    """Merge new decisions into those of a batch, sorted.

    A new decision replaces what the same adjudicator decided on passages of the same text, and on stances and questions
    that were asked. Decisions on all spans and those of others stay.
    """
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for page in pages:
        asked[page.article_id, page.text_sha] |= {question.what for question in page.questions}
    replaced = {_whose(decision) for decision in fresh}
    kept = [_rest(old, asked[old.article_id, old.text_sha]) if _whose(old) in replaced else old for old in before]
    return sorted([*(old for old in kept if old), *fresh], key=order)


def merge_whole(before: Iterable[Decision], fresh: Sequence[Decision]) -> list[Decision]:
    """Merge decisions of rulings on whole articles, sorted: each replaces the same adjudicator's on the article.

    Decisions on passages stay.
    """
    replaced = {(decision.adjudicator, decision.article_id) for decision in fresh}
    kept = [old for old in before if old.scope or (old.adjudicator, old.article_id) not in replaced]
    return sorted([*kept, *fresh], key=order)


def closed_meanwhile(
    fresh: Iterable[Decision], pages: Iterable[AskedPage], golds: Iterable[Gold], disputes: Iterable[Dispute]
) -> list[Issue]:
    """Return a warning for each answer to a question that votes have settled otherwise since it was asked.

    `golds` and `disputes` are those of the votes alone.
    """
    asked = {(page.article_id, question.what) for page in pages for question in page.questions}
    closed = asked - {(dispute.article_id, dispute.what) for dispute in disputes}
    voted = {gold.article_id: _gold_answers(gold) for gold in golds}
    issues: list[Issue] = []
    for decision in fresh:
        for what, said in _decided_answers(decision):
            votes = voted.get(decision.article_id, {}).get(what, frozenset())
            if (decision.article_id, what) in closed and votes != said:
                issues.append(_closed(decision, what, label_names(votes), label_names(said)))
    return issues


def order(decision: Decision) -> tuple[object, ...]:
    """Return the sort key of a decision."""
    return (
        decision.article_id,
        decision.adjudicator,
        decision.text_sha,
        decision.spans is None,
        decision.spans or (),
        decision.stances,
        decision.note,
        decision.scope,
        decision.answers,
    )


def labels_by_passage(spans: Iterable[Span]) -> dict[Passage, frozenset[str]]:
    """Return the labels of each marked passage."""
    labels: dict[Passage, frozenset[str]] = {}
    for span in spans:
        place = Passage(span.start, span.end)
        labels[place] = labels.get(place, frozenset()) | {span.label}
    return labels


def label_names(labels: Collection[str]) -> str:
    """Return labels in words.

    >>> label_names({"LOC", "GPE"}), label_names(())
    ('GPE+LOC', 'no mention')
    """
    return "+".join(sorted(labels)) or "no mention"


def _closed(decision: Decision, what: str, votes: str, said: str) -> Issue:
    message = f"the dispute was closed meanwhile: votes now say {votes}; the ruling counts, which says {said}"
    fix = "if the votes are right, take this answer out of the decision in decisions.jsonl"
    return Issue("warning", "closed", message, what, fix, decision.article_id, decision.adjudicator)


def _gold_answers(gold: Gold) -> dict[str, frozenset[str]]:
    """Return the labels of each passage, and the values of each stance and question, by the subject of a vote."""
    answers = {place.what: labels for place, labels in labels_by_passage(gold.spans).items()}
    answers |= {f"stance:{stance.target}": frozenset({stance.value}) for stance in gold.stances}
    return answers | _values(gold.answers)


def _decided_answers(decision: Decision) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield what a decision says of each passage in its scope, of each stance and of each question."""
    labels = labels_by_passage(decision.spans or ())
    for passage in decision.scope:
        yield passage.what, labels.get(passage, frozenset())
    for stance in decision.stances:
        yield f"stance:{stance.target}", frozenset({stance.value})
    yield from _values(decision.answers).items()


def _values(answers: Iterable[Answer]) -> dict[str, frozenset[str]]:
    """Return all values of each question."""
    values: dict[str, frozenset[str]] = {}
    for answer in answers:
        values[answer.what] = values.get(answer.what, frozenset()) | {answer.value}
    return values


def _whose(decision: Decision) -> tuple[str, ...]:
    return decision.adjudicator, decision.article_id, decision.text_sha


def _rest(old: Decision, asked: Collection[str]) -> Decision | None:
    """Return what no page asked of a decision: all spans of its article, stances, answers; None if nothing is left."""
    spans = None if old.scope else old.spans
    stances = tuple(stance for stance in old.stances if f"stance:{stance.target}" not in asked)
    answers = tuple(answer for answer in old.answers if answer.what not in asked)
    left = replace(old, spans=spans, scope=(), stances=stances, answers=answers)
    return None if left.is_empty else left
