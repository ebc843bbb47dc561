"""Adjudicators' decisions merged for each article, with an issue for each decision that cannot be applied. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from builder.annotation.adjudication.decision_faults import contradiction, faults_of
from builder.annotation.migration.retired import without_retired
from builder.records import Answer, Article, Confidence, Decision, Issue, Passage, Span, Stance
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span

IMPORTED = "import:"
"""Beginning of the name of an imported set, among adjudicators and as a source of pre-annotations."""

NONE = "(none)"
"""Stands for no answer: an annotator who marked nothing or did not answer, a passage that is no mention."""


@dataclass(frozen=True, slots=True)
class PassageRuling:
    """The labels that adjudicators gave a passage, and their names. Without labels it is no mention."""

    labels: frozenset[str]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MergedDecisions:
    """The merged decisions on one article.

    `decisions` counts the decisions applied. `spans` is a list of all spans of the article, which `passages` overrides.
    A passage in `contested` is left to the votes. `spans_by`, `stances_by` and `answers_by` name the adjudicators, the
    latter two by target and by question.
    """

    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    decisions: int = 0
    spans_by: tuple[str, ...] = ()
    stances_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    passages: Mapping[Passage, PassageRuling] = field(default_factory=dict)
    contested: frozenset[Passage] = frozenset()
    answers: tuple[Answer, ...] = ()
    answers_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def settles(self, passage: Passage) -> bool:
        """Return whether a decision says what a passage is."""
        return passage in self.passages or (self.spans is not None and passage not in self.contested)

    @property
    def settles_spans(self) -> bool:
        """Whether a decision says anything of the article's spans."""
        return self.spans is not None or bool(self.passages)

    def spans_over(self, voted: Iterable[Span]) -> tuple[Span, ...]:
        """Return the spans of the article, given those that the votes settled."""
        whole = [span for span in self.spans or () if _place(span) not in self.contested | self.passages.keys()]
        left = [span for span in voted if not self.settles(_place(span))]
        ruled = [Span(p.start, p.end, label) for p, ruling in self.passages.items() for label in sorted(ruling.labels)]
        return (*whole, *left, *ruled)

    @property
    def is_imported(self) -> bool:
        """Return whether imported sets alone decided."""
        passages = (ruling.names for ruling in self.passages.values())
        others = (*self.stances_by.values(), *self.answers_by.values(), *passages)
        names = [*self.spans_by, *(name for of in others for name in of)]
        return bool(names) and all(name.startswith(IMPORTED) for name in names)


def read_decisions(
    decisions: Sequence[Decision], articles: Mapping[str, Article], labels: Labels
) -> tuple[dict[str, MergedDecisions], list[Issue]]:
    """Merge valid decisions by article, and return an issue for each invalid or contradicting one.

    If decisions contradict each other on an article's spans, a passage, a stance or a question, none of them counts
    there. A decision on a passage goes before the same adjudicator's decision on all spans.
    """
    sound: dict[str, list[Decision]] = defaultdict(list)
    decisions, issues = without_retired(decisions, labels)
    for decision in decisions:
        faults = faults_of(decision, articles.get(decision.article_id), labels)
        issues += faults
        if not faults and not decision.is_empty:
            sound[decision.article_id].append(_canonical(decision, articles[decision.article_id].text, labels))
    decided = {article_id: _merged(valid) for article_id, valid in sound.items()}
    issues += [
        contradiction(article_id, where)
        for article_id, (_, contradictions) in decided.items()
        for where in contradictions
    ]
    return {article_id: merged for article_id, (merged, _) in decided.items()}, issues


def _merged(valid: Sequence[Decision]) -> tuple[MergedDecisions, list[str]]:
    """Merge the canonical decisions on one article; also return what they contradict each other on."""
    wholes = [d for d in valid if d.spans is not None and not d.scope]
    lists = {d.spans for d in wholes}
    spans = wholes[0].spans if len(lists) == 1 else None
    ruled = _ruled([d for d in valid if d.scope], wholes if spans is not None else [])
    passages = {passage: ruling for passage, ruling in ruled.items() if ruling}
    contested = frozenset(passage for passage, ruling in ruled.items() if not ruling)
    values = {stance for decision in valid for stance in decision.stances}
    twice = {target for target, count in Counter(stance.target for stance in values).items() if count > 1}
    stances = tuple(sorted(stance for stance in values if stance.target not in twice))
    answers, split = _answered(valid)
    merged = MergedDecisions(
        spans=spans,
        stances=stances,
        spans_by=_names(wholes) if spans is not None else (),
        stances_by={stance.target: _names(d for d in valid if stance in d.stances) for stance in stances},
        passages=passages,
        contested=contested,
        answers=answers,
        answers_by={one.question: _names(d for d in valid if one in d.answers) for one in answers},
    )
    unsettled = [f"stance:{target}" for target in sorted(twice)] + ["spans"] * (len(lists) > 1)
    unsettled += [f"span {passage.start}:{passage.end}" for passage in sorted(contested)]
    unsettled += split
    return replace(merged, decisions=sum(_applies(decision, merged) for decision in valid)), unsettled


def _applies(decision: Decision, merged: MergedDecisions) -> bool:
    """Return whether anything of a decision counts."""
    whole = decision.spans is not None and not decision.scope and merged.spans is not None
    said = {*decision.stances, *decision.answers} & {*merged.stances, *merged.answers}
    return whole or bool({*decision.scope} & merged.passages.keys()) or bool(said)


def _answered(valid: Sequence[Decision]) -> tuple[tuple[Answer, ...], list[str]]:
    """Return the answers to questions that decisions agree on, and the questions that they contradict each other on."""
    given: dict[str, set[frozenset[Answer]]] = defaultdict(set)
    for decision in valid:
        for question in {answer.what for answer in decision.answers}:
            given[question].add(frozenset(answer for answer in decision.answers if answer.what == question))
    agreed = (answer for lists in given.values() if len(lists) == 1 for answers in lists for answer in answers)
    return tuple(sorted(agreed)), sorted(question for question, lists in given.items() if len(lists) > 1)


def _ruled(scoped: Sequence[Decision], wholes: Sequence[Decision]) -> dict[Passage, PassageRuling | None]:
    """Return what decisions say of each passage in the scope of one; None if they contradict each other."""
    ruled: dict[Passage, PassageRuling | None] = {}
    for passage in sorted({passage for decision in scoped for passage in decision.scope}):
        special = [decision for decision in scoped if passage in decision.scope]
        names = {decision.adjudicator for decision in special}
        on_it = [*special, *(decision for decision in wholes if decision.adjudicator not in names)]
        answers = {
            frozenset(span.label for span in decision.spans or () if _place(span) == passage) for decision in on_it
        }
        ruled[passage] = PassageRuling(answers.pop(), _names(on_it)) if len(answers) == 1 else None
    return ruled


def _place(span: Span) -> Passage:
    return Passage(span.start, span.end)


def decided_answers(decision: MergedDecisions) -> list[Confidence]:
    """Return a confidence of 1 for each decided answer, naming the adjudicators who decided it.

    Contradicting decisions were dropped before, so the adjudicators of an answer all agree on it.
    """
    by = f"decision of {', '.join(decision.spans_by)}"
    whole = [span for span in decision.spans or () if _place(span) not in decision.contested | decision.passages.keys()]
    sure = [Confidence(_place(span).what, span.label, by, 1.0) for span in whole]
    for passage, ruling in decision.passages.items():
        by = f"decision of {', '.join(ruling.names)}"
        sure += [Confidence(passage.what, label, by, 1.0) for label in sorted(ruling.labels) or [NONE]]
    for stance in decision.stances:
        by = f"decision of {', '.join(decision.stances_by[stance.target])}"
        sure.append(Confidence(f"stance:{stance.target}", stance.value, by, 1.0))
    for answer in decision.answers:
        by = f"decision of {', '.join(decision.answers_by[answer.question])}"
        sure.append(Confidence(answer.what, answer.value, by, 1.0))
    return sure


def not_applied_warning(article_id: str, reason: str) -> Issue:
    """Return a warning that an article's decisions are not applied, with the reason."""
    fix = "have the article annotated, or list its spans in the decision"
    return Issue("warning", "decision", f"not applied: {reason}", "article", fix, article_id)


def _names(decisions: Iterable[Decision]) -> tuple[str, ...]:
    """Return the adjudicators of decisions, sorted and without duplicates."""
    return tuple(sorted({decision.adjudicator for decision in decisions}))


def _canonical(decision: Decision, text: str, labels: Labels) -> Decision:
    """Return the decision with canonical edges, spans and scope sorted and without duplicates."""
    whole = labels.clitics == "expand"

    def moved(start: int, end: int) -> Passage | None:
        edges = canonical_span(text, start, end, whole_words=whole)
        return Passage(*edges) if edges else None

    spans = {(moved(span.start, span.end), span.label) for span in decision.spans or ()}
    scope = {moved(passage.start, passage.end) for passage in decision.scope}
    return replace(
        decision,
        spans=None
        if decision.spans is None
        else tuple(sorted(Span(place.start, place.end, label) for place, label in spans if place)),
        scope=tuple(sorted(place for place in scope if place)),
    )
