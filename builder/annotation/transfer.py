"""Judgements on an older text, carried over to the present one where their words are unchanged.

Offsets are code points, end exclusive. Tokens are aligned by the longest runs that both texts have
(Ratcliff and Obershelp, as difflib does it). Pure. Does not guess: a mention whose words, spaces or
edges changed is stale, and an annotator has to look again.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from builder.annotation.questions import targets_for
from builder.records import Article, Dropped, Judgement, Prediction, Span
from builder.schema.labels import Labels
from builder.text.tokens import tokenize

MOST_PAIRS = 1_000_000
"""Pairs of equal tokens that are looked at; beyond them only the common start and end are aligned."""

Tokens = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Carried:
    """Spans in the new text, sorted, and those of the old one that have no place in it."""

    spans: tuple[Span, ...]
    stale: tuple[Span, ...]


def carry(old: str, new: str, spans: Iterable[Span]) -> Carried:
    """Spans of the old text, where they stand in the new one.

    A span is carried over where all its characters are, in one piece, and where its edges stand
    inside a word as they did, or outside one. Raises ValueError for a span out of bounds of the old text.

    >>> carry("زار سالم مرجانة", "زار الوزير سالم ميناء", [Span(4, 8, "PERS"), Span(9, 15, "GPE")])
    Carried(spans=(Span(start=11, end=15, label='PERS', id=''),), stale=(Span(start=9, end=15, label='GPE', id=''),))
    """
    given = sorted(set(spans))
    for span in given:
        if not 0 <= span.start < span.end <= len(old):
            raise ValueError(f"span {span.start}:{span.end} is outside a text of {len(old)} code points")
    if old == new:
        return Carried(tuple(given), ())
    places, before, after = _places(old, new)
    kept: list[Span] = []
    stale: list[Span] = []
    for span in given:
        start, length = places[span.start], span.end - span.start
        whole = start >= 0 and places[span.start : span.end] == list(range(start, start + length))
        if whole and all((a in before) == (b in after) for a, b in ((span.start, start), (span.end, start + length))):
            kept.append(replace(span, start=start, end=start + length))
        else:
            stale.append(span)
    return Carried(tuple(sorted(kept)), tuple(stale))


@dataclass(frozen=True, slots=True)
class Moved:
    """Predictions by article and annotator, how many spans were taken, and those that have no place any more."""

    predictions: dict[tuple[str, str], Prediction]
    taken: int
    stale: tuple[Dropped, ...]


def carry_judgements(
    judgements: Iterable[Judgement],
    articles: Mapping[str, Article],
    texts: Mapping[tuple[str, str], str],
    labels: Labels,
) -> Moved:
    """Judgements on older texts as predictions on the present ones, named by the annotator's pseudonym.

    `texts` are the older ones by article and hash. The latest judgement of an annotator counts; one who has
    judged the present text too needs none. Stances go with it where the article is still asked.
    """
    latest: dict[tuple[str, str], Judgement] = {}
    for judgement in sorted(judgements, key=lambda j: (j.updated_at, j.annotation_id)):
        if judgement.article_id in articles:
            latest[judgement.article_id, judgement.annotator] = judgement
    values = {value.name for value in labels.stances.values} if labels.stances else set()
    known, taken = set(labels.entity_names), 0
    predictions: dict[tuple[str, str], Prediction] = {}
    aside: list[Dropped] = []
    for (article_id, annotator), judgement in sorted(latest.items()):
        article = articles[article_id]
        if judgement.text_sha == article.text_sha or judgement.status != "submitted":
            continue
        taken += len(judgement.spans)
        old = texts.get((article_id, judgement.text_sha))
        reasons = {span: _obstacle(span, old, known) for span in judgement.spans}
        carried = carry(old or "", article.text, (span for span, reason in reasons.items() if not reason))
        reasons |= dict.fromkeys(carried.stale, "its text changed")
        asked = {target.id for target in targets_for(article, labels)}
        stances = tuple(one for one in judgement.stances if one.target in asked and one.value in values)
        predictions[article_id, annotator] = Prediction(annotator, carried.spans, stances if old is not None else ())
        aside += [
            Dropped("send", f"{article_id} {annotator} {span.start}-{span.end} {span.label}", f"stale: {reason}",
                     old[span.start : span.end][:80] if old and reason == "its text changed" else "")
            for span, reason in reasons.items() if reason
        ]  # fmt: skip
    return Moved(predictions, taken, tuple(aside))


def _obstacle(span: Span, old: str | None, known: Collection[str]) -> str:
    """Why a span cannot be looked for in another text, or nothing."""
    if old is None:
        return "the server no longer has its text"
    if not 0 <= span.start < span.end <= len(old):
        return "out of bounds"
    return "" if span.label in known else "unknown label"


def _places(old: str, new: str) -> tuple[list[int], set[int], set[int]]:
    """The place in the new text of each character of the old one, or -1; and the offsets inside tokens of both."""
    left, right = tokenize(old), tokenize(new)
    places = [-1] * len(old)

    def pair(start: int, to: int, length: int) -> None:
        places[start : start + length] = range(to, to + length)

    for a, b, size in _runs([old[s:e] for s, e in left], [new[s:e] for s, e in right]):
        for (start, end), (to, _) in zip(left[a : a + size], right[b : b + size], strict=True):
            pair(start, to, end - start)
        for step in range(1, size):
            gap, other = (left[a + step - 1][1], left[a + step][0]), (right[b + step - 1][1], right[b + step][0])
            if old[slice(*gap)] == new[slice(*other)]:
                pair(gap[0], other[0], gap[1] - gap[0])
    for (start, end), (to, stop) in _one_for_one(left, right, places):
        ahead = _common(old[start:end], new[to:stop])
        behind = _common(old[start + ahead : end][::-1], new[to + ahead : stop][::-1])
        pair(start, to, ahead)
        pair(end - behind, stop - behind, behind)
    return places, _inside(left), _inside(right)


def _runs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Runs of equal tokens as (place in old, place in new, length), in order."""
    there = Counter(new)
    if sum(there[token] for token in old) <= MOST_PAIRS:
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return [(a, b, size) for a, b, size in blocks if size]
    ahead = _common(old, new)
    behind = _common(old[ahead:][::-1], new[ahead:][::-1])
    return [(0, 0, ahead), (len(old) - behind, len(new) - behind, behind)]


def _one_for_one(left: Tokens, right: Tokens, places: Sequence[int]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Tokens that stand alone between aligned neighbours in both texts: one word that became another."""
    at = {start: number for number, (start, _) in enumerate(right)}
    numbers = [-1, *(at.get(places[start], -2) for start, _ in left), len(right)]
    return [
        (left[i], right[numbers[i] + 1])
        for i in range(len(left))
        if numbers[i + 1] == -2 and numbers[i] != -2 and numbers[i + 2] == numbers[i] + 2
    ]


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How long the common start is."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _inside(tokens: Tokens) -> set[int]:
    return {place for start, end in tokens for place in range(start + 1, end)}
