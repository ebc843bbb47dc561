"""Judgement by judgement, as plain loops: what the columns of builder.annotation.quality must equal."""

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from statistics import median

from builder.annotation.quality.annotators import FAST, FEW, LEAST
from builder.annotation.quality.repeats import REPEAT_REASON
from builder.annotation.quality.rules import changed, homeless, place, repeats, span_faults, stance_faults
from builder.annotation.quality.times import parse_time
from builder.annotation.questions import targets_by_article
from builder.records import Dropped, Issue, Span, count_by_reason
from builder.text.tokens import canonical_span

REPLACED = ("superseded", "replaced in a later batch")
CHANGED = "changed by another person"


@dataclass(frozen=True, slots=True)
class Form:
    """The canonical form of a judgement on an article's present text: its spans and answers, and what was asked."""

    placed: list
    answered: list
    asked: tuple[str, ...]


def read_forms(articles, labels):
    """Return a function that gives the form of a judgement, and works out each judgement's once."""
    asked = {name: tuple(t.id for t in found) for name, found in targets_by_article(articles.values(), labels).items()}
    edges = defaultdict(dict)
    known = {}

    def form(judgement):
        found = known.get(id(judgement))
        if found is None:
            name = judgement.article_id
            placed = _placed(judgement.spans, articles[name].text, labels, edges[name])
            made = Form(placed, _answered(judgement.stances, asked[name], labels), asked[name])
            found = known[id(judgement)] = (judgement, made)
        return found[1]

    return form


def check(judgements, articles, labels, link, forms=None):
    """Return every fault in the judgements, sorted by article and annotator; `link` gives a judgement's task URL.

    The contents of skipped and replaced judgements are not checked: the former hold no answers, the latter do
    not count. `forms` are those of read_forms, where they are needed again.
    """
    forms = forms or read_forms(articles, labels)
    reasoned = _told_apart(judgements, articles)
    earlier = defaultdict(list)
    for judgement, why in reasoned:
        if why in REPLACED:
            earlier[judgement.article_id, judgement.annotator].append(judgement)
    issues = []
    for judgement, why in reasoned:
        if why in {"skipped", *REPLACED}:
            continue
        article = articles.get(judgement.article_id)
        if why == CHANGED:
            faults = [changed(judgement)]
        elif article is None or why:
            faults = [homeless(judgement, article)]
        else:
            submitted = earlier.get((judgement.article_id, judgement.annotator), [])
            replaced = [previous for previous in submitted if previous.batch == judgement.batch]
            form = forms(judgement)
            found = faults_of(form.placed, form.answered, form.asked, article.text, labels)
            faults = [*repeats(judgement, replaced), *found]
        for severity, code, where, message, fix in faults:
            issues.append(
                Issue(
                    severity,
                    code,
                    message,
                    where,
                    fix,
                    judgement.article_id,
                    judgement.annotator,
                    link(judgement.batch, judgement.annotator, judgement.task_id),
                )
            )
    return issues


def canonicalise(judgements, articles, labels, forms=None):
    """Return the canonical judgements that count, sorted by article and annotator, with accounts and dropped items.

    Of each annotator the latest submitted judgement on an article's present text counts, by (updated_at,
    annotation_id). Its spans are trimmed, expanded to whole words, deduplicated and sorted. Only answers that
    labels.yaml defines are kept. The accounts cover the judgements, and the spans and stances of those kept.
    """
    forms = forms or read_forms(articles, labels)
    reasoned = _told_apart(judgements, articles)
    ledger = [Dropped("check", name_of(judgement), why) for judgement, why in reasoned if why]
    ready = []
    taken = Counter()
    lost = {"spans": [], "stances": []}
    for judgement in (judgement for judgement, why in reasoned if not why):
        form = forms(judgement)
        placed, answered = (form.placed, form.answered)
        taken.update(spans=len(placed), stances=len(answered))
        name = name_of(judgement)
        lost["spans"] += [Dropped("check", f"{place(s)} {s.label} in {name}", why) for s, _, why in placed if why]
        lost["stances"] += [
            Dropped("check", f"stance {s.target} in {name}", why, s.value) for s, why in answered if why
        ]
        spans = tuple(sorted((span for _, span, why in placed if span and (not why))))
        stances = tuple(sorted((stance for stance, why in answered if not why)))
        ready.append(replace(judgement, spans=spans, stances=stances))
    accounts = [count_by_reason("check", "judgements", len(judgements), len(judgements) - len(ledger), ledger)]
    accounts += [
        count_by_reason("check", unit, taken[unit], taken[unit] - len(lost[unit]), lost[unit]) for unit in lost
    ]
    return (ready, accounts, [*ledger, *lost["spans"], *lost["stances"]])


def answers_of(judgement, article, labels):
    """Return the spans and stances of a judgement that count, in canonical form, sorted, spans without ids."""
    form = read_forms({article.id: article}, labels)(judgement)
    spans = sorted((replace(span, id="") for _, span, why in form.placed if span and (not why)))
    return (spans, sorted((stance for stance, why in form.answered if not why)))


def order(judgement):
    """Return a sort key by article and annotator, latest judgement last."""
    written = judgement.updated_at
    return (judgement.article_id, judgement.annotator, parse_time(written), written, judgement.annotation_id)


def name_of(judgement):
    """Return the name of a judgement in ledgers."""
    return f"judgement {judgement.annotation_id} of {judgement.annotator} on article {judgement.article_id}"


def _told_apart(judgements, articles):
    """Return the judgements in order, each with the reason it does not count, or "" if it does."""
    reasoned = []
    seen = {}
    for judgement in sorted(judgements, key=order, reverse=True):
        article = articles.get(judgement.article_id)
        key = (judgement.article_id, judgement.annotator)
        why = ""
        if judgement.status == "skipped":
            why = "skipped"
        elif article is None:
            why = "unknown article"
        elif judgement.text_sha != article.text_sha:
            why = "stale text"
        elif judgement.changed_by:
            why = CHANGED
        elif key in seen:
            why = REPLACED[seen[key] != judgement.batch]
        else:
            seen[key] = judgement.batch
        reasoned.append((judgement, why))
    return reasoned[::-1]


def _placed(spans, text, labels, edges):
    """Return each span as drawn, its canonical form if it has one, and the reason it does not count or "".

    `edges` are the canonical edges of the text that are known already; others are added.
    """
    placed = []
    seen = set()
    whole, names = (labels.clitics == "expand", labels.entity_names)
    for span in sorted(spans):
        start, end = (span.start, span.end)
        if not 0 <= start < end <= len(text):
            placed.append((span, None, "out of bounds"))
            continue
        if (start, end) not in edges:
            edges[start, end] = canonical_span(text, start, end, whole_words=whole)
        own = edges[start, end]
        moved = span if own == (start, end) else Span(*own, span.label, span.id) if own else None
        if span.label not in names:
            placed.append((span, moved, "retired label" if span.label in labels.retired_names else "unknown label"))
        elif moved is None:
            placed.append((span, None, "nothing left"))
        elif (moved.start, moved.end, moved.label) in seen:
            placed.append((span, moved, "same span twice"))
        else:
            seen.add((moved.start, moved.end, moved.label))
            placed.append((span, moved, ""))
    return placed


def _answered(stances, asked, labels):
    """Return each stance, sorted, with the reason it does not count or ""."""
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    given = sorted(stances)
    differing = Counter(stance.target for stance in set(given))
    answered = []
    for number, stance in enumerate(given):
        if stance.target in labels.retired_targets:
            why = "retired target"
        elif stance.target not in labels.target_ids:
            why = "unknown target"
        elif stance.target not in asked:
            why = "target not asked"
        elif stance.value in labels.retired_values:
            why = "retired value"
        elif stance.value not in values:
            why = "unknown value"
        elif differing[stance.target] > 1:
            why = "several answers"
        else:
            why = "same answer twice" if number and given[number - 1] == stance else ""
        answered.append((stance, why))
    return answered


def faults_of(placed, answered, asked, text, labels):
    """Yield the faults of one judgement's spans and stances."""
    names = labels.entity_names
    for span, _, why in placed:
        if why or span.label not in names:
            yield from span_faults(span, why, text, labels)
    canonical = [moved for _, moved, why in placed if moved and (not why)]
    yield from _crossings(canonical)
    yield from _two_labels(canonical, text)
    moves = [span for span, moved, _ in placed if moved and (span.start, span.end) != (moved.start, moved.end)]
    if moves:
        inside = "edges inside words, or " if labels.clitics == "expand" else ""
        message = f"{len(moves)} of {len(placed)} spans had {inside}spaces or punctuation at their edges"
        fix = "nothing need be done: whole words are counted" if inside else "nothing need be done: they are left out"
        where = "spans " + ", ".join(f"{span.start}:{span.end}" for span in moves[:5]) + (", ..." if moves[5:] else "")
        yield ("warning", "span-edges", where, message, fix)
    yield from stance_faults(answered, asked, labels)


def _two_labels(spans, text):
    """Yield a warning for each pair of edges (start, end) that has several labels."""
    labels_at = defaultdict(set)
    if len({(span.start, span.end) for span in spans}) < len(spans):
        for span in spans:
            labels_at[span.start, span.end].add(span.label)
    for (start, end), labels in sorted(labels_at.items()):
        if len(labels) > 1:
            message = f"{text[start:end]!r} is marked {' and '.join(sorted(labels))}"
            fix = "open the task and keep one of them, if the guidelines do not ask for both"
            yield ("warning", "two-labels", f"span {start}:{end}", message, fix)


def _crossings(spans):
    """Yield a warning for each span that begins inside another and ends after it."""
    begun = []
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


def separate_repeats(judgements, articles, labels):
    """Separate judgements into those that count, in their order, and repeats, returned as set aside.

    A judgement is a repeat if the same annotator's previous judgement of the article is in another batch, has the
    same spans and stances in canonical form, and was made under the same guidelines and labels. A judgement with a
    new remark or relation is not a repeat. Skipping an article that was skipped before is one.
    """
    batches = defaultdict(set)
    for judgement in judgements:
        batches[judgement.article_id, judgement.annotator].add(judgement.batch)
    several = [j for j in judgements if len(batches[j.article_id, j.annotator]) > 1 and _is_of(j, articles)]
    counting = {}
    repeated = set()
    for judgement in sorted(several, key=order):
        key = (judgement.article_id, judgement.annotator, judgement.status)
        before, article = (counting.get(key), articles[judgement.article_id])
        if before and before.batch != judgement.batch and _repeats(judgement, before, article, labels):
            repeated.add(id(judgement))
        else:
            counting[key] = judgement
    aside = [
        Dropped("check", f"{name_of(j)} in batch {j.batch}", REPEAT_REASON) for j in judgements if id(j) in repeated
    ]
    return ([judgement for judgement in judgements if id(judgement) not in repeated], aside)


def _is_of(judgement, articles):
    """Return whether a judgement was made on an article's present text."""
    article = articles.get(judgement.article_id)
    return article is not None and article.text_sha == judgement.text_sha


def _repeats(later, earlier, article, labels):
    """Return whether a later judgement adds nothing to an earlier one by the same annotator."""
    return (
        (later.guideline, later.schema) == (earlier.guideline, earlier.schema)
        and later.remark in ("", earlier.remark)
        and (later.relations in ((), earlier.relations))
        and (later.status == "skipped" or answers_of(later, article, labels) == answers_of(earlier, article, labels))
    )


def pace_warnings(judgements):
    """Return a warning for each annotator who is much faster, or marks much less, than others on the same articles.

    On each article an annotator's figure is divided by the median of the others' figures. The median of these
    ratios is compared with the threshold, so neither long articles nor single breaks matter.
    """
    by_article = defaultdict(list)
    for judgement in judgements:
        by_article[judgement.article_id].append(judgement)
    return [
        *_slow_or_few(by_article, lambda judgement: judgement.seconds, "fast-annotator", FAST, "seconds on an article"),
        *_slow_or_few(
            by_article, lambda judgement: float(len(judgement.spans)), "few-spans", FEW, "spans in an article"
        ),
    ]


def _slow_or_few(by_article, figure, code, threshold, unit):
    """Return a warning for each annotator whose median ratio of a figure to the others' is below a threshold."""
    pairs = defaultdict(list)
    for judged in by_article.values():
        figures = [(judgement.annotator, value) for judgement in judged if (value := figure(judgement)) is not None]
        for who, value in figures:
            others = [value for other, value in figures if other != who]
            if others and median(others) > 0:
                pairs[who].append((value, median(others)))
    issues = []
    for who, compared in sorted(pairs.items()):
        ratio = median((value / others for value, others in compared))
        if len(compared) >= LEAST and ratio < threshold:
            typical, typical_of_others = (
                median((value for value, _ in compared)),
                median((others for _, others in compared)),
            )
            message = f"median {typical:.1f} {unit}, the others {typical_of_others:.1f}; median ratio {ratio:.2f} over {len(compared)} articles"
            fix = "review some of these articles with the annotator"
            issues.append(Issue("warning", code, message, "pace", fix, annotator=who))
    return issues
