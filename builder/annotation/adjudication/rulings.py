"""Decisions from rulings: what adjudicators answered on the pages that asked them.

Only answers to a page's questions are read. A settled mention that a ruling changed is an overrule, which counts only
if it is accepted. Offsets are code points of the article's text, end exclusive. Pure.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from builder.annotation.adjudication.asked import OTHER
from builder.annotation.adjudication.decisions import NONE
from builder.annotation.adjudication.merging import Labelled, label_names, labels_by_passage, order
from builder.records import (
    Answer,
    Article,
    AskedPage,
    Decision,
    Dispute,
    Dropped,
    Issue,
    Judgement,
    Passage,
    Severity,
    Span,
    Stance,
    passage_of,
    question_of,
)
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span


@dataclass(frozen=True, slots=True)
class RulingResult:
    """Result of reading rulings: sorted decisions, rulings set aside with the reason, and issues.

    `overrules` counts the settled mentions that rulings changed, `accepted` those of them that count.
    """

    decisions: tuple[Decision, ...]
    set_aside: tuple[Dropped, ...]
    issues: tuple[Issue, ...]
    overrules: int = 0
    accepted: int = 0


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What rulings are read with: the pages, the articles by id, labels.yaml, and the decisions collected before.

    An overrule is accepted if `accepts` says so, or if it was accepted before.
    """

    pages: Mapping[tuple[str, str, int], AskedPage]
    articles: Mapping[str, Article]
    labels: Labels
    before: Sequence[Decision] = ()
    accepts: bool = False


@dataclass(slots=True)
class _Reading:
    """What is read of one ruling."""

    ruling: Judgement
    text: str
    answers: dict[Passage, frozenset[str]] = field(default_factory=dict)
    stances: list[Stance] = field(default_factory=list)
    chosen: list[Answer] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    overrules: int = 0
    accepted: int = 0

    def warn(self, code: str, message: str, fix: str, *, error: bool = False) -> None:
        severity: Severity = "error" if error else "warning"
        self.issues.append(Issue(severity, code, message, "", fix, self.ruling.article_id, self.ruling.annotator))


def read_rulings(rulings: Sequence[Judgement], book: Rulebook) -> RulingResult:
    """Convert rulings to decisions: the latest submitted ruling of each adjudicator on each page.

    A decision holds all of an adjudicator's answers on one text.
    """
    aside: list[Dropped] = []
    readings: dict[tuple[str, str, str], list[_Reading]] = defaultdict(list)
    every: list[_Reading] = []
    issues: list[Issue] = []
    seen: set[tuple[str, str, str, int]] = set()
    for ruling in sorted(rulings, key=_moment, reverse=True):
        key = (ruling.annotator, ruling.article_id, ruling.text_sha, ruling.page)
        reason = "skipped" if ruling.status == "skipped" else "superseded" if key in seen else ""
        if not reason:
            seen.add(key)
            reason = _unusable(ruling, book)
            issues += [_ignored(ruling, reason)] if reason else []
        if not reason:
            reading = _read(ruling, book)
            every.append(reading)
            issues += reading.issues
            if reading.answers or reading.stances or reading.chosen:
                readings[key[:3]].append(reading)
            else:
                reason = "it answers nothing that was asked"
        if reason:
            aside.append(Dropped("rulings", f"ruling of {ruling.annotator} on article {ruling.article_id}", reason))
    return RulingResult(
        tuple(sorted((_decision(group) for group in readings.values()), key=order)),
        tuple(aside[::-1]),
        tuple(sorted(issues, key=lambda issue: (issue.article_id, issue.annotator, issue.message))),
        sum(reading.overrules for reading in every),
        sum(reading.accepted for reading in every),
    )


def _moment(ruling: Judgement) -> tuple[object, ...]:
    return ruling.article_id, ruling.annotator, ruling.page, ruling.updated_at, ruling.annotation_id


def _unusable(ruling: Judgement, book: Rulebook) -> str:
    """Return why nothing of a ruling can be read, or an empty string."""
    article = book.articles.get(ruling.article_id)
    if (ruling.article_id, ruling.text_sha, ruling.page) not in book.pages:
        return "nothing was asked about its article"
    return (
        "" if article and article.text_sha == ruling.text_sha else "the text of its article changed since it was sent"
    )


def _ignored(ruling: Judgement, reason: str) -> Issue:
    fix = "run `khabar adjudicate --send`, and rule on the present text"
    if reason.startswith("nothing"):
        fix = "restore annotations/<batch>/asked.jsonl"
    severity: Severity = "warning" if reason.startswith("nothing") else "error"
    return Issue(severity, "ruling", f"the ruling is ignored: {reason}", "", fix, ruling.article_id, ruling.annotator)


def _read(ruling: Judgement, book: Rulebook) -> _Reading:
    """Read one ruling against the page that it answers."""
    page = book.pages[ruling.article_id, ruling.text_sha, ruling.page]
    article = book.articles[ruling.article_id]
    reading = _Reading(ruling, article.text)
    shown = labels_by_passage(page.settled)
    canonical = _canonical(ruling.spans, article.text, book.labels)
    if len(canonical) < len(ruling.spans):
        message = f"{len(ruling.spans) - len(canonical)} of its marks hold no word of the text, and do not count"
        reading.warn("no-word", message, "open the task in Label Studio and delete them")
    marked = labels_by_passage(canonical)
    drawn = {place: marked[place] - shown.get(place, frozenset()) for place in marked}
    drawn = {place: labels for place, labels in drawn.items() if labels}
    several = {question.id for question in book.labels.questions if question.answers == "several"}
    for question in page.questions:
        _answer(reading, question, drawn, several)
    if reading.unanswered:
        message = f"{len(reading.unanswered)} of {len(page.questions)} disputes were not answered and stay open: {', '.join(reading.unanswered)}"
        reading.warn("unanswered", message, "open the task in Label Studio, answer them and press Update")
    _overrules(reading, shown, marked, _asked(page), book)
    return reading


def _answer(reading: _Reading, question: Dispute, drawn: Labelled, several: Collection[str]) -> None:
    """Read the answer to one question: the choice, or a mark on exactly its passage; all choices where several may be."""
    passage, asked = passage_of(question.what), question_of(question.what)
    name = _quoted(reading.text, passage) if passage else asked or question.what.removeprefix("stance:")
    chosen = sorted({stance.value for stance in reading.ruling.stances if stance.target == question.what})
    said = [frozenset(() if answer == NONE else answer.split("+")) for answer in chosen if answer != OTHER]
    mark = drawn.get(passage) if passage else None
    twice = (len(chosen) > 1 and asked not in several) or bool(mark and said and mark != said[0])
    if twice:
        answers = [*chosen, *(["a mark in the text as " + label_names(mark)] if mark else [])]
        message = f"it answers {name} twice: {' and '.join(answers)}; the dispute stays open"
        reading.warn("twice", message, "open the task in Label Studio and keep one answer", error=True)
    elif asked and chosen:
        reading.chosen += [Answer(asked, value) for value in chosen]
    elif passage is None and chosen:
        reading.stances.append(Stance(question.what.removeprefix("stance:"), chosen[0]))
    elif passage and (said or mark):
        reading.answers[passage] = said[0] if said else mark or frozenset()
    elif passage and chosen:
        _other(reading, passage, name, drawn)
    else:
        reading.unanswered.append(name)


def _other(reading: _Reading, passage: Passage, name: str, drawn: Labelled) -> None:
    """Read the choice of another mark: the marks that overlap the passage, which is no mention itself."""
    marks = {
        place: labels for place, labels in drawn.items() if place.start < passage.end and passage.start < place.end
    }
    if marks:
        reading.answers |= {passage: frozenset()} | marks
    else:
        message = (
            f"it says that another mark is right than those given for {name}, and marks none; the dispute stays open"
        )
        reading.warn(
            "other", message, "open the task in Label Studio, mark the right words and press Update", error=True
        )


def _overrules(
    reading: _Reading, shown: Labelled, marked: Labelled, asked: Collection[Passage], book: Rulebook
) -> None:
    """Read the changes of settled mentions, each with a warning."""
    for place in sorted({*shown, *marked} - {*asked} - {*reading.answers}):
        was, now = shown.get(place, frozenset()), marked.get(place, frozenset())
        if was == now:
            continue
        reading.overrules += 1
        accepted = book.accepts or _accepted_before(reading.ruling, place, now, book.before)
        words = f"{_quoted(reading.text, place)} {place.start}:{place.end}"
        message = f"the ruling changes what was settled: {words} becomes {label_names(now)}, and was {label_names(was)}"
        if accepted:
            reading.accepted += 1
            reading.answers[place] = now
            reading.warn(
                "overrule", f"{message}; accepted", "to undo it, restore the mention in Label Studio and collect"
            )
        else:
            fix = "restore the mention in Label Studio, or run `khabar adjudicate --collect --accept-overrules`"
            reading.warn("overrule", f"{message}; it does not count", fix)


def _accepted_before(ruling: Judgement, place: Passage, now: frozenset[str], before: Iterable[Decision]) -> bool:
    """Return whether an adjudicator's earlier decision says the same of a passage."""
    return any(
        place in old.scope and labels_by_passage(old.spans or ()).get(place, frozenset()) == now
        for old in before
        if (old.adjudicator, old.article_id, old.text_sha) == (ruling.annotator, ruling.article_id, ruling.text_sha)
    )


def _decision(readings: Sequence[_Reading]) -> Decision:
    """Return the decision of one adjudicator's rulings on one text."""
    ruling = readings[0].ruling
    answers: dict[Passage, frozenset[str]] = {}
    for reading in readings[::-1]:
        answers |= reading.answers
    spans = tuple(Span(place.start, place.end, label) for place in sorted(answers) for label in sorted(answers[place]))
    return Decision(
        article_id=ruling.article_id,
        text_sha=ruling.text_sha,
        adjudicator=ruling.annotator,
        spans=spans if answers else None,
        stances=tuple(sorted({stance for reading in readings for stance in reading.stances})),
        note="\n".join(reading.ruling.remark for reading in readings[::-1] if reading.ruling.remark),
        scope=tuple(sorted(answers)),
        answers=tuple(sorted({answer for reading in readings for answer in reading.chosen})),
    )


def _asked(page: AskedPage) -> set[Passage]:
    return {passage for question in page.questions if (passage := passage_of(question.what))}


def _canonical(spans: Iterable[Span], text: str, labels: Labels) -> list[Span]:
    """Return the spans with canonical edges, without those that hold no word or lie outside the text."""
    whole = labels.clitics == "expand"
    inside = [span for span in spans if 0 <= span.start < span.end <= len(text)]
    edges = [(canonical_span(text, span.start, span.end, whole_words=whole), span.label) for span in inside]
    return [Span(*place, label) for place, label in edges if place]


def _quoted(text: str, passage: Passage) -> str:
    """Return the words of a passage, at most 60 characters of them, in quotation marks."""
    words = " ".join(text[passage.start : passage.end].split())
    return f"«{words if len(words) <= 60 else f'{words[:59]}…'}»"
