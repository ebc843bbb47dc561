"""Check rules for one judgement. Each fault names its position and how to correct it.

The input is spans and stances with the reason each does not count, as check.py determines it. Pure.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from builder.records import Article, Judgement, Severity, Span, Stance
from builder.schema.labels import Labels

Placed = tuple[Span, Span | None, str]
"""A span as drawn, its canonical form if it has one, and the reason it does not count, or ""."""

Answered = tuple[Stance, str]
"""A stance, and the reason it does not count, or ""."""

Fault = tuple[Severity, str, str, str, str]
"""Severity, code, where, message, fix."""

_REDRAW = "open the task, delete the span and mark the words again"

_CHOOSE = "open the task and choose the stance again"


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


def faults_of(
    placed: Sequence[Placed], answered: Sequence[Answered], asked: Sequence[str], text: str, labels: Labels
) -> Iterator[Fault]:
    """Yield the faults of one judgement's spans and stances."""
    names = labels.entity_names
    for span, _, why in placed:
        if why or span.label not in names:
            yield from _span_faults(span, why, text, labels)
    canonical = [moved for _, moved, why in placed if moved and not why]
    yield from _crossings(canonical)
    yield from _two_labels(canonical, text)
    moves = [span for span, moved, _ in placed if moved and (span.start, span.end) != (moved.start, moved.end)]
    if moves:
        inside = "edges inside words, or " if labels.clitics == "expand" else ""
        message = f"{len(moves)} of {len(placed)} spans had {inside}spaces or punctuation at their edges"
        fix = "nothing need be done: whole words are counted" if inside else "nothing need be done: they are left out"
        where = "spans " + ", ".join(f"{span.start}:{span.end}" for span in moves[:5]) + (", ..." if moves[5:] else "")
        yield "warning", "span-edges", where, message, fix
    yield from _stance_faults(answered, asked, labels)


def _two_labels(spans: Sequence[Span], text: str) -> Iterator[Fault]:
    """Yield a warning for each pair of edges (start, end) that has several labels."""
    labels_at: dict[tuple[int, int], set[str]] = defaultdict(set)
    if len({(span.start, span.end) for span in spans}) < len(spans):
        for span in spans:
            labels_at[span.start, span.end].add(span.label)
    for (start, end), labels in sorted(labels_at.items()):
        if len(labels) > 1:
            message = f"{text[start:end]!r} is marked {' and '.join(sorted(labels))}"
            fix = "open the task and keep one of them, if the guidelines do not ask for both"
            yield "warning", "two-labels", f"span {start}:{end}", message, fix


def _span_faults(span: Span, why: str, text: str, labels: Labels) -> Iterator[Fault]:
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


def _crossings(spans: Iterable[Span]) -> Iterator[Fault]:
    """Yield a warning for each span that begins inside another and ends after it."""
    begun: list[tuple[int, int]] = []
    for span in sorted(spans, key=lambda s: (s.start, -s.end, s.label)):
        while begun and begun[0][0] <= span.start:
            heapq.heappop(begun)
        if begun and begun[0][0] < span.end:
            end, start = begun[0]
            message = f"crosses span {start}:{end}; spans may nest, not cross"
            yield (
                "warning",
                "crossing-spans",
                place(span),
                message,
                "open the task and mark one inside the other, or apart",
            )
        heapq.heappush(begun, (span.end, span.start))


def _stance_faults(answered: Sequence[Answered], asked: Sequence[str], labels: Labels) -> Iterator[Fault]:
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
