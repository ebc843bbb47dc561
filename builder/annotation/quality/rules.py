"""The wording of faults in judgements. Each fault names its position and how to correct it. Pure."""

from collections.abc import Iterator, Sequence

from builder.records import Answer, Article, Judgement, Severity, Span, Stance
from builder.schema.labels import Labels

Answered = tuple[Stance, str]
"""A stance, and the reason it does not count, or ""."""

Ticked = tuple[Answer, str]
"""An answer to a question on the whole article, and the reason it does not count, or ""."""

Edges = tuple[int, int]
"""The start and end of a span."""

Fault = tuple[Severity, str, str, str, str]
"""Severity, code, where, message, fix."""

_REDRAW = "open the task, delete the span and mark the words again"

_CHOOSE = "open the task and choose the stance again"

_ANSWER = "open the task and answer the question again"


def place(span: Span) -> str:
    """Return a span's position as text, in code points, end exclusive.

    >>> place(Span(4, 9, "PERS"))
    'span 4:9'
    """
    return f"span {span.start}:{span.end}"


def homeless(judgement: Judgement, article: Article | None) -> Fault:
    """Return the fault of a judgement on a missing article, or on another version of its text."""
    if article is None:
        message = f"article {judgement.article_id} is not in this project"
        return "error", "unknown-article", "article", message, "run `khabar ingest` and `khabar clean` on its source"
    message = f"the text {judgement.text_sha} was judged, and the article's text is now {article.text_sha}"
    return "error", "stale-text", "text", message, "send the article again and have the present text annotated"


def changed(judgement: Judgement) -> Fault:
    """Return the fault of a judgement that another person changed last, which does not count until it is accepted."""
    message = f"changed last by {judgement.changed_by}, so it does not count as an answer of {judgement.annotator}"
    name = f"{judgement.article_id}/{judgement.annotator}"
    fix = f"have it answered again, or count it as it is: `khabar check --accept {name}`"
    return "error", "changed-by-another", "judgement", message, fix


def repeats(judgement: Judgement, earlier: Sequence[Judgement]) -> Iterator[Fault]:
    """Yield the fault of a judgement whose annotator submitted the article before in the same batch."""
    if earlier:
        several = len({one.origin for one in (judgement, *earlier)}) > 1
        name, *names = (f"{one.annotation_id}{f' of {one.origin}' * several}" for one in (judgement, *earlier))
        message = f"submitted {len(earlier) + 1} times: annotation {name} counts, not {', '.join(names)}"
        yield "warning", "superseded", "judgement", message, "delete the earlier ones, if the latest is right"


def labels_fault(edges: Edges, words: str, labels: Sequence[str]) -> Fault:
    """Return the fault of words with several labels, which are sorted."""
    message = f"{words!r} is marked {' and '.join(labels)}"
    fix = "open the task and keep one of them, if the guidelines do not ask for both"
    return "warning", "two-labels", f"span {edges[0]}:{edges[1]}", message, fix


def edges_fault(first: Sequence[Edges], moved: int, drawn: int, *, whole_words: bool) -> Fault:
    """Return the fault of so many spans, of all that were drawn, whose edges move; `first` has the first of them."""
    inside = "edges inside words, or " if whole_words else ""
    message = f"{moved} of {drawn} spans had {inside}spaces or punctuation at their edges"
    fix = "nothing need be done: whole words are counted" if inside else "nothing need be done: they are left out"
    where = "spans " + ", ".join(f"{start}:{end}" for start, end in first) + (", ..." if moved > len(first) else "")
    return "warning", "span-edges", where, message, fix


def crossing_fault(edges: Edges, crossed: Edges) -> Fault:
    """Return the fault of a span that begins inside another and ends after it."""
    message = f"crosses span {crossed[0]}:{crossed[1]}; spans may nest, not cross"
    fix = "open the task and mark one inside the other, or apart"
    return "warning", "crossing-spans", f"span {edges[0]}:{edges[1]}", message, fix


def span_faults(span: Span, why: str, text: str, labels: Labels) -> Iterator[Fault]:
    """Yield the faults of one span. A retired label is none."""
    names = labels.entity_names
    if why == "out of bounds":
        message = f"ends at or before its start ({span.start} >= {span.end})"
        if span.start < span.end:
            message = f"outside the text, which has {len(text)} code points"
        yield "error", "span-bounds", place(span), message, _REDRAW
    if span.label not in names and span.label not in labels.retired_names:
        message = f"unknown label {span.label!r}; known: {', '.join(names)}"
        yield "error", "unknown-label", place(span), message, "open the task and give the span a known label"
    if why == "nothing left":
        message = f"{text[span.start : span.end]!r} is only spaces or punctuation"
        yield "error", "empty-span", place(span), message, "open the task and delete the span"
    if why == "same span twice":
        message = f"the same words are marked {span.label} twice"
        yield "error", "span-twice", place(span), message, "open the task and delete one of them"


def stance_faults(answered: Sequence[Answered], asked: Sequence[str], labels: Labels) -> Iterator[Fault]:
    """Yield the faults of the stances, and of questions without an answer."""
    values = ", ".join(value.name for value in labels.stances.values) if labels.stances else ""
    reported: set[str] = set()
    stances = [stance for stance, _ in answered]
    for stance, why in answered:
        where = f"stance {stance.target}"
        if why == "unknown target":
            message = f"unknown target {stance.target!r}; known: {', '.join(labels.target_ids) or 'none'}"
            yield "error", "unknown-target", where, message, _CHOOSE
        elif why == "target not asked":
            message = "the article is not asked about this target: none of its keywords stands there"
            yield "error", "target-not-asked", where, message, "send the batch again, if the keywords have changed"
        elif why == "unknown value":
            yield "error", "unknown-stance", where, f"unknown stance {stance.value!r}; known: {values}", _CHOOSE
        elif why and not why.startswith("retired") and stance.target not in reported:
            reported.add(stance.target)
            given = ", ".join(sorted(s.value for s in stances if s.target == stance.target))
            yield "error", "stance-twice", where, f"answered more than once: {given}", _CHOOSE
    for target in asked:
        if all(stance.target != target for stance in stances):
            yield "error", "stance-missing", f"stance {target}", "the target was asked and not answered", _CHOOSE


def question_faults(answered: Sequence[Ticked], labels: Labels) -> Iterator[Fault]:
    """Yield the faults of the answers to questions on the whole article, and of questions without an answer."""
    questions = {question.id: question for question in labels.questions}
    crowded: set[str] = set()
    for answer, why in answered:
        where = f"question {answer.question}"
        if why == "unknown question":
            message = f"unknown question {answer.question!r}; known: {', '.join(questions) or 'none'}"
            yield "error", "unknown-question", where, message, _ANSWER
        elif why == "unknown value":
            known = ", ".join(questions[answer.question].value_names)
            yield "error", "unknown-answer", where, f"unknown answer {answer.value!r}; known: {known}", _ANSWER
        elif why == "same answer twice":
            yield "error", "answer-twice", where, f"answered {answer.value} twice", _ANSWER
        elif why and answer.question not in crowded:
            crowded.add(answer.question)
            given = ", ".join(sorted({one.value for one, _ in answered if one.question == answer.question}))
            yield "error", "too-many-answers", where, f"one answer was asked for, and several given: {given}", _ANSWER
    for name in questions:
        if all(answer.question != name for answer, _ in answered):
            yield "error", "question-missing", f"question {name}", "the question was not answered", _ANSWER
