"""What judgements say of annotators and of the work as a whole: pace, known answers, who is still missing.

Pure, over judgements that count (check.canonicalise). A warning is a reason to look and to talk, never a verdict.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import median

from builder.records import AnnotatorAssignment, Article, BatchItem, Decision, Issue, Judgement, Span
from builder.schema.labels import Labels
from builder.text.tokens import canonical

LEAST = 10
"""Articles that an annotator must share with others before they are compared."""

FAST = 1 / 3
"""A median time below this share of the others' is worth a look."""

FEW = 1 / 2
"""The same of the number of spans."""


def paces(judgements: Iterable[Judgement]) -> list[Issue]:
    """A warning for each annotator who is much faster, or marks much less, than the others on the same articles.

    On each article an annotator's figure is divided by the median of the others'; of these ratios the median
    is taken, so that neither long articles nor a coffee break count.
    """
    by_article: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in judgements:
        by_article[judgement.article_id].append(judgement)
    found = _slow_or_few(by_article, lambda one: one.seconds, "fast-annotator", FAST, "seconds on an article")
    return found + _slow_or_few(by_article, lambda one: float(len(one.spans)), "few-spans", FEW, "spans in an article")


def _slow_or_few(
    by_article: Mapping[str, Sequence[Judgement]],
    figure: Callable[[Judgement], float | None],
    code: str,
    floor: float,
    unit: str,
) -> list[Issue]:
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for same in by_article.values():
        figures = [(one.annotator, value) for one in same if (value := figure(one)) is not None]
        for who, own in figures:
            others = [value for other, value in figures if other != who]
            if others and median(others) > 0:
                pairs[who].append((own, median(others)))
    issues: list[Issue] = []
    for who, compared in sorted(pairs.items()):
        ratio = median(own / others for own, others in compared)
        if len(compared) >= LEAST and ratio < floor:
            mine, theirs = median(own for own, _ in compared), median(others for _, others in compared)
            message = (
                f"median {mine:.1f} {unit}, the others {theirs:.1f}; "
                f"median ratio {ratio:.2f} over {len(compared)} articles"
            )
            issues.append(
                Issue("warning", code, message, "pace", "look at some of the articles together", annotator=who)
            )
    return issues


def known_missed(
    judgements: Iterable[Judgement], known: Iterable[Decision], articles: Mapping[str, Article], labels: Labels
) -> list[Issue]:
    """A warning for each annotator whose answers differ from the known ones, with counts."""
    whole = labels.clitics == "expand"
    sound = {
        one.article_id: one
        for one in known
        if one.article_id in articles and articles[one.article_id].text_sha == one.text_sha
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
    for who, places in sorted(where.items()):
        n = seen[who]
        message = (
            f"known answers: {n['missed']} of {n['spans']} spans missed, {n['added']} added, "
            f"{n['differing']} of {n['stances']} stances differ, in {len(places)} of {n['articles']} articles: "
            + ", ".join(sorted(places)[:3])
        )
        fix = "look at these articles together; mend known.jsonl where it is wrong"
        issues.append(Issue("warning", "known-missed", message, "known.jsonl", fix, annotator=who))
    return issues


def _compared(judgement: Judgement, decision: Decision, text: str, *, whole_words: bool) -> Counter[str]:
    counts: Counter[str] = Counter()
    if decision.spans is not None:
        right = {
            (*edges, span.label) for span in decision.spans if (edges := _edges(text, span, whole_words=whole_words))
        }
        given = {(span.start, span.end, span.label) for span in judgement.spans}
        counts.update(spans=len(right), missed=len(right - given), added=len(given - right))
    said = {stance.target: stance.value for stance in judgement.stances}
    wrong = sum(said.get(stance.target) != stance.value for stance in decision.stances)
    counts.update(stances=len(decision.stances), differing=wrong)
    return counts


def _edges(text: str, span: Span, *, whole_words: bool) -> tuple[int, int] | None:
    if not 0 <= span.start < span.end <= len(text):
        return None
    return canonical(text, span.start, span.end, whole_words=whole_words)


def coverage(
    batch: str,
    judgements: Iterable[Judgement],
    items: Sequence[BatchItem],
    assigned: Iterable[AnnotatorAssignment],
    overlap: int,
) -> list[Issue]:
    """Articles of a batch that too few or too many annotators judged, and judgements of who was not asked."""
    judged: dict[str, set[str]] = defaultdict(set)
    for judgement in judgements:
        judged[judgement.article_id].add(judgement.annotator)
    asked: dict[str, set[str]] = defaultdict(set)
    for one in assigned:
        asked[one.article_id].add(one.annotator)
    least = {item.article_id: len(asked[item.article_id]) if asked else overlap for item in items}
    few = [one for one, number in least.items() if len(judged[one]) < number]
    many = [one for one, number in least.items() if len(judged[one]) > number]
    where, of = f"batch {batch}", f"of {len(items)} articles have"
    issues: list[Issue] = []
    if few:
        missing = sum(least[one] - len(judged[one]) for one in few)
        message = f"{len(few)} {of} fewer annotators than they should ({missing} judgements are missing): {_some(few)}"
        issues.append(Issue("warning", "too-few-annotators", message, where, "wait, or remind the annotators"))
    if many:
        message = f"{len(many)} {of} more annotators than they should: {_some(many)}"
        issues.append(
            Issue("warning", "too-many-annotators", message, where, "nothing need be done: all of them count")
        )
    unasked = Counter(who for one in least for who in judged[one] - asked[one]) if asked else Counter[str]()
    for who, number in sorted(unasked.items()):
        message = f"judged {number} articles that are not assigned to this annotator"
        issues.append(Issue("warning", "not-assigned", message, where, "see whose account was used", annotator=who))
    return issues


def _some(names: Sequence[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
