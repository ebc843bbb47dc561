"""Checks of collected judgements for faults that Label Studio lets through, and their canonical form.

`check` reports what people should correct. `canonicalise` produces the judgements from which agreement and votes
are computed, and accounts for everything it drops. Collected files are never changed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from builder.annotation.quality.rules import Answered, Fault, Placed, changed, faults_of, homeless, place, repeats
from builder.annotation.questions import targets_by_article
from builder.records import Article, Dropped, Issue, Judgement, Span, StageCounts, Stance, count_by_reason
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span

Link = Callable[[Judgement], str]


@dataclass(frozen=True, slots=True)
class Form:
    """The canonical form of a judgement on an article's present text: its spans and answers, and what was asked."""

    placed: list[Placed]
    answered: list[Answered]
    asked: tuple[str, ...]


Forms = Callable[[Judgement], Form]

Edges = dict[tuple[int, int], tuple[int, int] | None]
"""The canonical edges of spans of one text, or None where nothing is left of a span."""

REPLACED = ("superseded", "replaced in a later batch")
"""Reasons for dropping a judgement when the same annotator judged the article again."""

CHANGED = "changed by another person"
"""Reason for dropping a judgement whose answers are last of somebody else than its annotator."""


def read_forms(articles: Mapping[str, Article], labels: Labels) -> Forms:
    """Return a function that gives the form of a judgement, and works out each judgement's once."""
    asked = {name: tuple(t.id for t in found) for name, found in targets_by_article(articles.values(), labels).items()}
    edges: dict[str, Edges] = defaultdict(dict)
    known: dict[int, tuple[Judgement, Form]] = {}

    def form(judgement: Judgement) -> Form:
        found = known.get(id(judgement))
        if found is None:
            name = judgement.article_id
            placed = _placed(judgement.spans, articles[name].text, labels, edges[name])
            made = Form(placed, _answered(judgement.stances, asked[name], labels), asked[name])
            found = known[id(judgement)] = judgement, made  # with the judgement, so that no other gets its id
        return found[1]

    return form


def check(
    judgements: Sequence[Judgement],
    articles: Mapping[str, Article],
    labels: Labels,
    link: Link,
    forms: Forms | None = None,
) -> list[Issue]:
    """Return every fault in the judgements, sorted by article and annotator; `link` gives a judgement's task URL.

    The contents of skipped and replaced judgements are not checked: the former hold no answers, the latter do
    not count. `forms` are those of read_forms, where they are needed again.
    """
    forms = forms or read_forms(articles, labels)
    reasoned = _told_apart(judgements, articles)
    earlier: dict[tuple[str, str], list[Judgement]] = defaultdict(list)
    for judgement, why in reasoned:
        if why in REPLACED:
            earlier[judgement.article_id, judgement.annotator].append(judgement)
    issues: list[Issue] = []
    faults: list[Fault]
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
                Issue(severity, code, message, where, fix, judgement.article_id, judgement.annotator, link(judgement))
            )
    return issues


def canonicalise(
    judgements: Sequence[Judgement], articles: Mapping[str, Article], labels: Labels, forms: Forms | None = None
) -> tuple[list[Judgement], list[StageCounts], list[Dropped]]:
    """Return the canonical judgements that count, sorted by article and annotator, with accounts and dropped items.

    Of each annotator the latest submitted judgement on an article's present text counts, by (updated_at,
    annotation_id). Its spans are trimmed, expanded to whole words, deduplicated and sorted. Only answers that
    labels.yaml defines are kept. The accounts cover the judgements, and the spans and stances of those kept.
    """
    forms = forms or read_forms(articles, labels)
    reasoned = _told_apart(judgements, articles)
    ledger = [Dropped("check", name_of(judgement), why) for judgement, why in reasoned if why]
    ready: list[Judgement] = []
    taken: Counter[str] = Counter()
    lost: dict[str, list[Dropped]] = {"spans": [], "stances": []}
    for judgement in (judgement for judgement, why in reasoned if not why):
        form = forms(judgement)
        placed, answered = form.placed, form.answered
        taken.update(spans=len(placed), stances=len(answered))
        name = name_of(judgement)
        lost["spans"] += [Dropped("check", f"{place(s)} {s.label} in {name}", why) for s, _, why in placed if why]
        lost["stances"] += [
            Dropped("check", f"stance {s.target} in {name}", why, s.value) for s, why in answered if why
        ]
        spans = tuple(sorted(span for _, span, why in placed if span and not why))
        stances = tuple(sorted(stance for stance, why in answered if not why))
        ready.append(replace(judgement, spans=spans, stances=stances))
    accounts = [count_by_reason("check", "judgements", len(judgements), len(judgements) - len(ledger), ledger)]
    accounts += [
        count_by_reason("check", unit, taken[unit], taken[unit] - len(lost[unit]), lost[unit]) for unit in lost
    ]
    return ready, accounts, [*ledger, *lost["spans"], *lost["stances"]]


def answers_of(judgement: Judgement, article: Article, labels: Labels) -> tuple[list[Span], list[Stance]]:
    """Return the spans and stances of a judgement that count, in canonical form, sorted, spans without ids."""
    form = read_forms({article.id: article}, labels)(judgement)
    spans = sorted(replace(span, id="") for _, span, why in form.placed if span and not why)
    return spans, sorted(stance for stance, why in form.answered if not why)


def order(judgement: Judgement) -> tuple[str, str, datetime, str, int]:
    """Return a sort key by article and annotator, latest judgement last."""
    written = judgement.updated_at
    return judgement.article_id, judgement.annotator, parse_time(written), written, judgement.annotation_id


def parse_time(written: str) -> datetime:
    """Parse a server's timestamp, as comparing the strings would misorder fractions of seconds and time zones.

    A timestamp without a zone is in UTC. A string that is not a timestamp becomes the earliest time.

    >>> parse_time("2026-03-01T10:00:00.5Z") > parse_time("2026-03-01T13:00:00+03:00") > parse_time("?")
    True
    """
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def is_exact(judgement: Judgement) -> bool:
    """Return whether the time of creation has a fraction of a second, which two servers do not share by chance."""
    return parse_time(judgement.created_at).microsecond != 0


def name_of(judgement: Judgement) -> str:
    """Return the name of a judgement in ledgers."""
    return f"judgement {judgement.annotation_id} of {judgement.annotator} on article {judgement.article_id}"


def _told_apart(judgements: Iterable[Judgement], articles: Mapping[str, Article]) -> list[tuple[Judgement, str]]:
    """Return the judgements in order, each with the reason it does not count, or "" if it does."""
    reasoned: list[tuple[Judgement, str]] = []
    seen: dict[tuple[str, str], str] = {}
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


def _placed(spans: Iterable[Span], text: str, labels: Labels, edges: Edges) -> list[Placed]:
    """Return each span as drawn, its canonical form if it has one, and the reason it does not count or "".

    `edges` are the canonical edges of the text that are known already; others are added.
    """
    placed: list[Placed] = []
    seen: set[tuple[int, int, str]] = set()
    whole, names = labels.clitics == "expand", labels.entity_names
    for span in sorted(spans):
        start, end = span.start, span.end
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


def _answered(stances: Iterable[Stance], asked: Sequence[str], labels: Labels) -> list[Answered]:
    """Return each stance, sorted, with the reason it does not count or ""."""
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    given = sorted(stances)
    differing = Counter(stance.target for stance in set(given))
    answered: list[Answered] = []
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
