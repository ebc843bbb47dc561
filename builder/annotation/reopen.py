"""What a release says of its articles, as a batch that is looked at again: on the present texts, and as predictions.

Offsets are code points of an article's text, end exclusive. Pure: reading a release is release's affair.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.annotation.questions import targets_for
from builder.annotation.transfer import carry
from builder.records import (
    GOLD,
    AnnotatorAssignment,
    Article,
    Dropped,
    Judgement,
    Prediction,
    PublishedAnnotation,
    Span,
)
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True)
class Placed:
    """Answers on the present texts, sorted; how many spans were taken, and those that have no place any more."""

    answers: tuple[PublishedAnnotation, ...]
    taken: int
    set_aside: tuple[Dropped, ...]


def disputed(answers: Iterable[PublishedAnnotation], open_or_decided: Collection[str]) -> set[str]:
    """The articles whose annotators did not all answer the same, and those that a decision settled or nothing did.

    >>> one, other = PublishedAnnotation("x-0", "", "1.0.0", "a-1", (Span(0, 3, "PERS"),)), PublishedAnnotation("x-0", "", "1.0.0", "a-2")
    >>> disputed([one, other], ()), disputed([one, replace(other, spans=one.spans)], ())
    ({'x-0'}, set())
    """
    said: dict[str, set[object]] = defaultdict(set)
    for one in answers:
        if one.who != GOLD:
            said[one.article_id].add((frozenset(_places(one.spans)), frozenset(one.stances)))
    return {article for article, versions in said.items() if len(versions) > 1} | {*open_or_decided}


def _places(spans: Iterable[Span]) -> Iterable[tuple[int, int, str]]:
    return ((span.start, span.end, span.label) for span in spans)


def place(answers: Iterable[PublishedAnnotation], articles: Mapping[str, Article], texts: Mapping[str, str]) -> Placed:
    """Answers moved to the present texts of their articles; `texts` are the published ones of those that differ.

    As carry.py does it: a span whose words or edges changed is set aside, never guessed.
    """
    placed: list[PublishedAnnotation] = []
    taken = 0
    aside: list[Dropped] = []
    for one in sorted(answers, key=lambda one: (one.article_id, one.who)):
        article = articles[one.article_id]
        spans = tuple(sorted({replace(span, id="") for span in one.spans}))
        taken += len(spans)
        if one.article_id in texts:
            carried = carry(texts[one.article_id], article.text, spans)
            aside += [
                Dropped("reopen", f"{one.article_id} {one.who} {s.start}-{s.end} {s.label}", "its text changed")
                for s in carried.stale
            ]
            spans = carried.spans
        placed.append(replace(one, text_sha=article.text_sha, spans=spans, stances=tuple(sorted(one.stances))))
    return Placed(tuple(placed), taken, tuple(aside))


def assigned(
    batch: str, answers: Iterable[PublishedAnnotation], annotators: Collection[str]
) -> list[AnnotatorAssignment]:
    """Each article to those of these annotators who judged it."""
    pairs = sorted({(one.article_id, one.who) for one in answers if one.who in annotators})
    return [AnnotatorAssignment(batch, article, who, "overlap") for article, who in pairs]


def at_home(
    judgements: Iterable[Judgement], batches: Mapping[str, Sequence[str]], reopened: Collection[str]
) -> list[Judgement]:
    """Judgements of a reopened batch, said to be of the batch whose article it was; all others as they are.

    `batches` are the articles of each. So a judgement that was revised stands in its row, and is measured with those
    of the other annotators of its article.
    """
    home = {one: batch for batch in sorted(batches, reverse=True) if batch not in reopened for one in batches[batch]}
    return [replace(j, batch=home.get(j.article_id, j.batch)) if j.batch in reopened else j for j in judgements]


def predictions(
    answers: Sequence[PublishedAnnotation], articles: Mapping[str, Article], labels: Labels
) -> dict[tuple[str, str], Prediction]:
    """Answers as predictions by article and who says it, named `a-0123456789 v1.2.0` or `gold v1.2.0`.

    Only labels, questions and values that labels.yaml knows, and only where the article's text is still the one.
    """
    known = set(labels.entity_names)
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    made: dict[tuple[str, str], Prediction] = {}
    for one in answers:
        article = articles.get(one.article_id)
        if article is None or article.text_sha != one.text_sha:
            continue
        asked = {target.id for target in targets_for(article, labels)}
        spans = tuple(s for s in one.spans if s.label in known and 0 <= s.start < s.end <= len(article.text))
        stances = tuple(stance for stance in one.stances if stance.target in asked and stance.value in values)
        made[one.article_id, one.who] = Prediction(f"{one.who} v{one.version}", spans, stances, judged=True)
    return made
