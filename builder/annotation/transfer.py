"""Transfer of annotations from an older version of a text to the present one, where their words are unchanged.

Offsets are code points, end exclusive. Tokens are aligned by their longest common runs (Ratcliff and
Obershelp, as implemented in difflib). A mention whose words, spaces or edges changed is stale and must be
annotated again. Pure.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import Match, SequenceMatcher

from builder.annotation.questions import known_answers, targets_for
from builder.records import Article, Dropped, Issue, Judgement, Prediction, Span
from builder.schema.labels import Labels
from builder.text.tokens import tokenize

MOST_PAIRS = 1_000_000
"""Most pairs of equal tokens that difflib compares. With more, only the common start and end are aligned."""

Tokens = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class TransferredSpans:
    """The result of a transfer: spans in the new text, sorted, and stale spans of the old text."""

    spans: tuple[Span, ...]
    stale: tuple[Span, ...]


def transfer_spans(old: str, new: str, spans: Iterable[Span]) -> TransferredSpans:
    """Transfer spans of the old text to the new one.

    A span is transferred if all its characters were, in one piece, and if each of its edges is inside a word in
    both texts or in neither. Otherwise it is stale. Raises ValueError for a span outside the old text.

    >>> transfer_spans("زار سالم مرجانة", "زار الوزير سالم ميناء", [Span(4, 8, "PERS"), Span(9, 15, "GPE")])
    TransferredSpans(spans=(Span(start=11, end=15, label='PERS', id=''),), stale=(Span(start=9, end=15, label='GPE', id=''),))
    """
    given = sorted(set(spans))
    for span in given:
        if not 0 <= span.start < span.end <= len(old):
            raise ValueError(f"span {span.start}:{span.end} is outside a text of {len(old)} code points")
    if old == new:
        return TransferredSpans(tuple(given), ())
    alignment = _places(old, new)
    offsets, before, after = alignment.offsets, alignment.inside_old, alignment.inside_new
    kept: list[Span] = []
    stale: list[Span] = []
    for span in given:
        start, length = offsets[span.start], span.end - span.start
        whole = start >= 0 and offsets[span.start : span.end] == list(range(start, start + length))
        if whole and all((a in before) == (b in after) for a, b in ((span.start, start), (span.end, start + length))):
            kept.append(replace(span, start=start, end=start + length))
        else:
            stale.append(span)
    return TransferredSpans(tuple(sorted(kept)), tuple(stale))


@dataclass(frozen=True, slots=True)
class TransferredJudgements:
    """Transferred judgements: predictions by (article, annotator), the number of spans read, and the stale spans."""

    predictions: dict[tuple[str, str], Prediction]
    taken: int
    stale: tuple[Dropped, ...]

    def warnings(self) -> list[Issue]:
        """Return a warning for each span that has no place in the present text."""
        return [
            Issue("warning", "stale-span", f"{span.reason}{f': {span.detail}' if span.detail else ''}", where=span.what)
            for span in self.stale
        ]


def transfer_judgements(
    judgements: Iterable[Judgement],
    articles: Mapping[str, Article],
    texts: Mapping[tuple[str, str], str],
    labels: Labels,
) -> TransferredJudgements:
    """Turn judgements on older texts into predictions on the present texts, named by the annotator's pseudonym.

    `texts` holds the older texts by (article id, text hash). Only an annotator's latest judgement of an article is
    transferred, and none if it was made on the present text. Its stances are kept for targets that the article
    is still asked about.
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
        carried = transfer_spans(old or "", article.text, (span for span, reason in reasons.items() if not reason))
        reasons |= dict.fromkeys(carried.stale, "its text changed")
        asked = {target.id for target in targets_for(article, labels)}
        stances = tuple(s for s in judgement.stances if s.target in asked and s.value in values)
        predictions[article_id, annotator] = Prediction(
            annotator,
            carried.spans,
            stances if old is not None else (),
            answers=known_answers(judgement.answers, labels) if old is not None else (),
        )
        aside += [
            Dropped("send", f"{article_id} {annotator} {span.start}-{span.end} {span.label}", f"stale: {reason}",
                     old[span.start : span.end][:80] if old and reason == "its text changed" else "")
            for span, reason in reasons.items() if reason
        ]  # fmt: skip
    return TransferredJudgements(predictions, taken, tuple(aside))


def _obstacle(span: Span, old: str | None, known: Collection[str]) -> str:
    """Return why a span cannot be transferred to another text, or ""."""
    if old is None:
        return "the server no longer has its text"
    if not 0 <= span.start < span.end <= len(old):
        return "out of bounds"
    return "" if span.label in known else "unknown label"


@dataclass(frozen=True, slots=True)
class _Alignment:
    """Where the characters of an old text are in a new one."""

    offsets: list[int]
    """The offset in the new text of each character of the old one, -1 if there is none."""
    inside_old: set[int]
    inside_new: set[int]
    """The offsets inside tokens, for each text."""


def _places(old: str, new: str) -> _Alignment:
    """Align two texts."""
    left, right = tokenize(old), tokenize(new)
    offsets = [-1] * len(old)

    def pair(start: int, to: int, length: int) -> None:
        offsets[start : start + length] = range(to, to + length)

    for a, b, size in _runs([old[s:e] for s, e in left], [new[s:e] for s, e in right]):
        for (start, end), (to, _) in zip(left[a : a + size], right[b : b + size], strict=True):
            pair(start, to, end - start)
        for step in range(1, size):
            gap, other = (left[a + step - 1][1], left[a + step][0]), (right[b + step - 1][1], right[b + step][0])
            if old[slice(*gap)] == new[slice(*other)]:
                pair(gap[0], other[0], gap[1] - gap[0])
    for (start, end), (to, stop) in _one_for_one(left, right, offsets):
        ahead = _common(old[start:end], new[to:stop])
        behind = _common(old[start + ahead : end][::-1], new[to + ahead : stop][::-1])
        pair(start, to, ahead)
        pair(end - behind, stop - behind, behind)
    return _Alignment(offsets, _inside(left), _inside(right))


def _runs(old: Sequence[str], new: Sequence[str]) -> list[Match]:
    """Return runs of equal tokens, in order."""
    counts = Counter(new)
    if sum(counts[token] for token in old) <= MOST_PAIRS:
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
        return [block for block in blocks if block.size]
    ahead = _common(old, new)
    behind = _common(old[ahead:][::-1], new[ahead:][::-1])
    return [Match(0, 0, ahead), Match(len(old) - behind, len(new) - behind, behind)]


def _one_for_one(left: Tokens, right: Tokens, offsets: Sequence[int]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return pairs of single tokens between aligned neighbours in both texts, where one word became another."""
    at = {start: number for number, (start, _) in enumerate(right)}
    numbers = [-1, *(at.get(offsets[start], -2) for start, _ in left), len(right)]
    return [
        (left[i], right[numbers[i] + 1])
        for i in range(len(left))
        if numbers[i + 1] == -2 and numbers[i] != -2 and numbers[i + 2] == numbers[i] + 2
    ]


def _common(left: Sequence[str], right: Sequence[str]) -> int:
    """Return the length of the common prefix."""
    return next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def _inside(tokens: Tokens) -> set[int]:
    """Return the offsets strictly inside tokens."""
    return {offset for start, end in tokens for offset in range(start + 1, end)}
