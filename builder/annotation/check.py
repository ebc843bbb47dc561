"""Every fault in the judgements that Label Studio lets through, and the judgements that count.

`check` tells people what to mend; `canonicalise` makes what agreement and votes are measured on,
with an account of all that was left behind. Does not change a file: collected judgements stay as they are.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from builder.annotation.tasks import targets_for
from builder.records import Account, Article, Issue, Judgement, SetAside, Severity, Span, Stance, tally
from builder.schema import Labels
from builder.text.tokens import canonical

Link = Callable[[Judgement], str]
Placed = tuple[Span, Span | None, str]
"""A span as drawn, the canonical one, and why it does not count ("" where it does)."""
Answered = tuple[Stance, str]
"""A stance, and why it does not count ("" where it does)."""
Fault = tuple[Severity, str, str, str, str]
"""Severity, code, where, message, fix."""

_REDRAW = "open the task, delete the span and mark the words again"
_CHOOSE = "open the task and choose the stance again"


def check(judgements: Sequence[Judgement], articles: Mapping[str, Article], labels: Labels, link: Link) -> list[Issue]:
    """Every fault in the judgements, sorted by article and annotator; `link` leads to a judgement's task.

    Skipped judgements hold no answers, and those that a later one replaces no longer count: their
    contents are not checked.
    """
    told = _told_apart(judgements, articles)
    earlier: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for judgement, why in told:
        if why == "superseded":
            earlier[judgement.article_id, judgement.annotator].append(judgement)
    issues: list[Issue] = []
    for judgement, why in told:
        if why in {"skipped", "superseded"}:
            continue
        article = articles.get(judgement.article_id)
        if article is None or why:
            faults = [_homeless(judgement, article)]
        else:
            replaced = earlier.get((judgement.article_id, judgement.annotator), [])
            faults = [*_repeats(judgement, replaced), *_faults(judgement, article, labels)]
        for severity, code, where, message, fix in faults:
            issues.append(
                Issue(severity, code, message, where, fix, judgement.article_id, judgement.annotator, link(judgement))
            )
    return issues


def canonicalise(
    judgements: Sequence[Judgement], articles: Mapping[str, Article], labels: Labels
) -> tuple[list[Judgement], list[Account], list[SetAside]]:
    """The judgements that count, sorted by article and annotator, ready for measuring and voting.

    Of each annotator the latest submitted judgement on an article's present text, by
    (updated_at, annotation_id); spans trimmed and grown to whole words, each once, sorted; only
    answers that labels.yaml knows. Accounts of judgements, and of the spans and stances in those kept.
    """
    told = _told_apart(judgements, articles)
    ledger = [SetAside("check", _name(judgement), why) for judgement, why in told if why]
    ready: list[Judgement] = []
    taken: Counter[str] = Counter()
    lost: dict[str, list[SetAside]] = {"spans": [], "stances": []}
    for judgement in (judgement for judgement, why in told if not why):
        article = articles[judgement.article_id]
        placed = _placed(judgement.spans, article.text, labels)
        answered = _answered(judgement.stances, _asked(article, labels), labels)
        taken.update(spans=len(placed), stances=len(answered))
        name = _name(judgement)
        lost["spans"] += [SetAside("check", f"{_at(s)} {s.label} in {name}", why) for s, _, why in placed if why]
        lost["stances"] += [
            SetAside("check", f"stance {s.target} in {name}", why, s.value) for s, why in answered if why
        ]
        spans = tuple(sorted(span for _, span, why in placed if span and not why))
        stances = tuple(sorted(stance for stance, why in answered if not why))
        ready.append(replace(judgement, spans=spans, stances=stances))
    accounts = [tally("check", "judgements", len(judgements), len(judgements) - len(ledger), ledger)]
    accounts += [tally("check", unit, taken[unit], taken[unit] - len(lost[unit]), lost[unit]) for unit in lost]
    return ready, accounts, [*ledger, *lost["spans"], *lost["stances"]]


def _order(judgement: Judgement) -> tuple[str, str, str, int]:
    return judgement.article_id, judgement.annotator, judgement.updated_at, judgement.annotation_id


def _name(judgement: Judgement) -> str:
    return f"judgement {judgement.annotation_id} of {judgement.annotator} on article {judgement.article_id}"


def _at(span: Span) -> str:
    return f"span {span.start}:{span.end}"


def _told_apart(judgements: Iterable[Judgement], articles: Mapping[str, Article]) -> list[tuple[Judgement, str]]:
    """The judgements in order, each with why it does not count ("" where it does)."""
    told: list[tuple[Judgement, str]] = []
    seen: set[tuple[str, str]] = set()
    for judgement in sorted(judgements, key=_order, reverse=True):
        article = articles.get(judgement.article_id)
        key = (judgement.article_id, judgement.annotator)
        why = ""
        if judgement.status == "skipped":
            why = "skipped"
        elif article is None:
            why = "unknown article"
        elif judgement.text_sha != article.text_sha:
            why = "stale text"
        elif key in seen:
            why = "superseded"
        else:
            seen.add(key)
        told.append((judgement, why))
    return told[::-1]


def _placed(spans: Iterable[Span], text: str, labels: Labels) -> list[Placed]:
    placed: list[Placed] = []
    seen: set[tuple[int, int, str]] = set()
    for span in sorted(spans):
        if not 0 <= span.start < span.end <= len(text):
            placed.append((span, None, "out of bounds"))
            continue
        edges = canonical(text, span.start, span.end)
        moved = replace(span, start=edges[0], end=edges[1]) if edges else None
        if span.label not in labels.entity_names:
            placed.append((span, moved, "unknown label"))
        elif moved is None:
            placed.append((span, None, "nothing left"))
        elif (moved.start, moved.end, moved.label) in seen:
            placed.append((span, moved, "same span twice"))
        else:
            seen.add((moved.start, moved.end, moved.label))
            placed.append((span, moved, ""))
    return placed


def _asked(article: Article, labels: Labels) -> tuple[str, ...]:
    return tuple(target.id for target in targets_for(article, labels))


def _answered(stances: Iterable[Stance], asked: Sequence[str], labels: Labels) -> list[Answered]:
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    given = sorted(stances)
    differing = Counter(stance.target for stance in set(given))
    answered: list[Answered] = []
    for place, stance in enumerate(given):
        if stance.target not in labels.target_ids:
            why = "unknown target"
        elif stance.target not in asked:
            why = "target not asked"
        elif stance.value not in values:
            why = "unknown value"
        elif differing[stance.target] > 1:
            why = "several answers"
        else:
            why = "same answer twice" if place and given[place - 1] == stance else ""
        answered.append((stance, why))
    return answered


def _homeless(judgement: Judgement, article: Article | None) -> Fault:
    if article is None:
        message = f"article {judgement.article_id} is not in this project"
        return "error", "unknown-article", "article", message, "run `khabar ingest` and `khabar clean` on its source"
    message = f"the text {judgement.text_sha} was judged, and the article's text is now {article.text_sha}"
    return "error", "stale-text", "text", message, "send the article again and have the present text annotated"


def _repeats(judgement: Judgement, earlier: Sequence[Judgement]) -> Iterator[Fault]:
    if earlier:
        numbers = ", ".join(str(one.annotation_id) for one in earlier)
        message = f"submitted {len(earlier) + 1} times: annotation {judgement.annotation_id} counts, not {numbers}"
        yield "warning", "superseded", "judgement", message, "delete the earlier ones, if the latest is right"


def _faults(judgement: Judgement, article: Article, labels: Labels) -> Iterator[Fault]:
    placed = _placed(judgement.spans, article.text, labels)
    for span, _, why in placed:
        yield from _span_faults(span, why, article.text, labels)
    yield from _crossings([moved for _, moved, why in placed if moved and not why])
    moves = sum((span.start, span.end) != (moved.start, moved.end) for span, moved, _ in placed if moved)
    if moves:
        message = f"{moves} of {len(placed)} spans had edges inside words, or spaces or punctuation at their edges"
        yield "warning", "span-edges", "spans", message, "nothing need be done: whole words are counted"
    yield from _stance_faults(judgement.stances, _asked(article, labels), labels)


def _span_faults(span: Span, why: str, text: str, labels: Labels) -> Iterator[Fault]:
    if why == "out of bounds":
        message = f"ends at or before its start ({span.start} >= {span.end})"
        if span.start < span.end:
            message = f"outside the text, which has {len(text)} code points"
        yield "error", "span-bounds", _at(span), message, _REDRAW
    if span.label not in labels.entity_names:
        message = f"unknown label {span.label!r}; known: {', '.join(labels.entity_names)}"
        yield "error", "unknown-label", _at(span), message, "open the task and give the span a known label"
    if why == "nothing left":
        message = f"{text[span.start : span.end]!r} is only spaces or punctuation"
        yield "error", "empty-span", _at(span), message, "open the task and delete the span"
    if why == "same span twice":
        message = f"the same words are marked {span.label} twice"
        yield "error", "span-twice", _at(span), message, "open the task and delete one of them"


def _crossings(spans: Iterable[Span]) -> Iterator[Fault]:
    """One warning for each span that begins inside another and ends after it."""
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
                _at(span),
                message,
                "open the task and mark one inside the other, or apart",
            )
        heapq.heappush(begun, (span.end, span.start))


def _stance_faults(stances: Sequence[Stance], asked: Sequence[str], labels: Labels) -> Iterator[Fault]:
    values = ", ".join(value.name for value in labels.stances.values) if labels.stances else ""
    told: set[str] = set()
    for stance, why in _answered(stances, asked, labels):
        where = f"stance {stance.target}"
        if why == "unknown target":
            message = f"unknown target {stance.target!r}; known: {', '.join(labels.target_ids) or 'none'}"
            yield "error", "unknown-target", where, message, _CHOOSE
        elif why == "target not asked":
            message = "the article is not asked about this target: none of its keywords stands there"
            yield "error", "target-not-asked", where, message, "send the batch again, if the keywords have changed"
        elif why == "unknown value":
            yield "error", "unknown-stance", where, f"unknown stance {stance.value!r}; known: {values}", _CHOOSE
        elif why and stance.target not in told:
            told.add(stance.target)
            given = ", ".join(sorted(s.value for s in stances if s.target == stance.target))
            yield "error", "stance-twice", where, f"answered more than once: {given}", _CHOOSE
    for target in asked:
        if all(stance.target != target for stance in stances):
            yield "error", "stance-missing", f"stance {target}", "the target was asked and not answered", _CHOOSE
