"""Annotator statistics and coverage of a batch: pace, answers to known articles, missing judgements.

The input is judgements that count (check.canonicalise). A warning is a reason to look at the work together,
not proof of bad work. Pure.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from builder.records import AnnotatorAssignment, Article, BatchItem, Decision, Issue, Judgement, Span, mark_set
from builder.schema.labels import Labels
from builder.text.tokens import canonical_span

LEAST = 10
"""Least number of articles shared with others before an annotator is compared with them."""

FAST = 1 / 3
"""Threshold of the median ratio of an annotator's time to the others', below which to warn."""

FEW = 1 / 2
"""Threshold of the same ratio for the number of spans."""


def pace_warnings(judgements: Iterable[Judgement]) -> list[Issue]:
    """Return a warning for each annotator who is much faster, or marks much less, than others on the same articles.

    On each article an annotator's figure is divided by the median of the others' figures. The median of these
    ratios is compared with the threshold, so neither long articles nor single breaks matter.
    """
    by_article: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_article[judgement.article_id].append(judgement)
    return [
        *_slow_or_few(by_article, lambda judgement: judgement.seconds, "fast-annotator", FAST, "seconds on an article"),
        *_slow_or_few(
            by_article, lambda judgement: float(len(judgement.spans)), "few-spans", FEW, "spans in an article"
        ),
    ]


def _slow_or_few(
    by_article: Mapping[str, Sequence[Judgement]],
    figure: Callable[[Judgement], float | None],
    code: str,
    threshold: float,
    unit: str,
) -> list[Issue]:
    """Return a warning for each annotator whose median ratio of a figure to the others' is below a threshold."""
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for judged in by_article.values():
        figures = [(judgement.annotator, value) for judgement in judged if (value := figure(judgement)) is not None]
        for who, value in figures:
            others = [value for other, value in figures if other != who]
            if others and median(others) > 0:
                pairs[who].append((value, median(others)))
    issues: list[Issue] = []
    for who, compared in sorted(pairs.items()):
        ratio = median(value / others for value, others in compared)
        if len(compared) >= LEAST and ratio < threshold:
            typical, typical_of_others = (
                median(value for value, _ in compared),
                median(others for _, others in compared),
            )
            message = (
                f"median {typical:.1f} {unit}, the others {typical_of_others:.1f}; "
                f"median ratio {ratio:.2f} over {len(compared)} articles"
            )
            fix = "review some of these articles with the annotator"
            issues.append(Issue("warning", code, message, "pace", fix, annotator=who))
    return issues


def known_missed(
    judgements: Iterable[Judgement], known: Iterable[Decision], articles: Mapping[str, Article], labels: Labels
) -> list[Issue]:
    """Return a warning for each annotator whose answers differ from the known ones, with counts."""
    whole = labels.clitics == "expand"
    sound = {
        decision.article_id: decision
        for decision in known
        if decision.article_id in articles and articles[decision.article_id].text_sha == decision.text_sha
    }
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    where: dict[str, list[str]] = defaultdict(list)
    for judgement in judgements:
        decision = sound.get(judgement.article_id)
        if decision is None:
            continue
        counts = _compared(judgement, decision, articles[judgement.article_id].text, whole_words=whole)
        seen[judgement.annotator].update(counts, articles=1)
        if counts["missed"] or counts["added"] or counts["differing"]:
            where[judgement.annotator].append(judgement.article_id)
    issues: list[Issue] = []
    for who, missed in sorted(where.items()):
        n = seen[who]
        message = (
            f"known answers: {n['missed']} of {n['spans']} spans missed, {n['added']} added, "
            f"{n['differing']} of {n['stances']} stances differ, in {len(missed)} of {n['articles']} articles: "
            + ", ".join(sorted(missed)[:3])
        )
        fix = "review these articles with the annotator; correct known.jsonl if it is wrong"
        issues.append(Issue("warning", "known-missed", message, "known.jsonl", fix, annotator=who))
    return issues


def _compared(judgement: Judgement, decision: Decision, text: str, *, whole_words: bool) -> Counter[str]:
    """Count the known spans and stances of an article, and the differences of a judgement from them."""
    counts: Counter[str] = Counter()
    if decision.spans is not None:
        right = {
            (*edges, span.label) for span in decision.spans if (edges := _edges(text, span, whole_words=whole_words))
        }
        given = mark_set(judgement.spans)
        counts.update(spans=len(right), missed=len(right - given), added=len(given - right))
    answers = {stance.target: stance.value for stance in judgement.stances}
    wrong = sum(answers.get(stance.target) != stance.value for stance in decision.stances)
    counts.update(stances=len(decision.stances), differing=wrong)
    return counts


def _edges(text: str, span: Span, *, whole_words: bool) -> tuple[int, int] | None:
    """Return a span's canonical edges, or None if it is out of bounds or has no words."""
    if not 0 <= span.start < span.end <= len(text):
        return None
    return canonical_span(text, span.start, span.end, whole_words=whole_words)


def coverage(
    batch: str,
    judgements: Iterable[Judgement],
    items: Sequence[BatchItem],
    assigned: Iterable[AnnotatorAssignment],
    overlap: int,
) -> list[Issue]:
    """Return warnings about a batch: articles with too few or too many annotators, and unassigned judgements."""
    judged: dict[str, set[str]] = defaultdict(set)
    for judgement in judgements:
        judged[judgement.article_id].add(judgement.annotator)
    asked: dict[str, set[str]] = defaultdict(set)
    for pair in assigned:
        asked[pair.article_id].add(pair.annotator)
    least = {item.article_id: len(asked[item.article_id]) if asked else overlap for item in items}
    few = [article for article, number in least.items() if len(judged[article]) < number]
    many = [article for article, number in least.items() if len(judged[article]) > number]
    where, of = f"batch {batch}", f"of {len(items)} articles have"
    issues: list[Issue] = []
    if few:
        missing = sum(least[article] - len(judged[article]) for article in few)
        message = f"{len(few)} {of} fewer annotators than they should ({missing} judgements are missing): {_some(few)}"
        issues.append(Issue("warning", "too-few-annotators", message, where, "wait, or remind the annotators"))
    if many:
        message = f"{len(many)} {of} more annotators than they should: {_some(many)}"
        issues.append(Issue("warning", "too-many-annotators", message, where, "no action needed: all of them count"))
    pairs = [(article, who) for article in least for who in judged[article] - asked[article]] if asked else []
    unasked = Counter(who for _, who in pairs)
    for who, number in sorted(unasked.items()):
        message = f"judged {number} articles that are not assigned to this annotator"
        fix = "check who used this annotator's account"
        issues.append(Issue("warning", "not-assigned", message, where, fix, annotator=who))
    return issues


def _some(names: Sequence[str]) -> str:
    """Return the first three names, and "..." if there are more."""
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
