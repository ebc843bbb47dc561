"""Redaction of PII in published text: matches become placeholders, and spans, votes and disputes move with the text.

A placeholder is one token. A span inside a redaction becomes the placeholder; one that partly overlaps it is widened to
include it. All other spans keep their place in the raw page. Offsets are code points, end exclusive.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from builder.io.hashing import sha16
from builder.records import Article, Confidence, Dispute, Document, Gold, Judgement, Span, StageCounts, Vote
from builder.release.redaction.pii import Kind, PiiMatch, find_pii
from builder.text.aligned import AlignedText, unpack_edits

PLACEHOLDER: Mapping[Kind, str] = {
    "email": "REDACTED_EMAIL", "phone": "REDACTED_PHONE", "url": "REDACTED_URL", "mention": "REDACTED_MENTION",
    "iban": "REDACTED_IBAN", "ip": "REDACTED_IP",
}  # fmt: skip

PLACEHOLDERS = tuple(PLACEHOLDER.values())

WIDENED, BECAME, MERGED = "widened to hold a placeholder", "became a placeholder", "the same as another by now"

UNIT = "spans of gold and judgements, as they were"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """One pass of redaction: its matches, sorted and disjoint, and the start of each placeholder in the new text."""

    found: tuple[PiiMatch, ...]
    begins: tuple[int, ...]

    def moved(self, start: int, end: int) -> Place:
        """Map a span of the old text to the new text."""
        return self._edge(start, at_end=False), self._edge(end, at_end=True)

    def _edge(self, offset: int, *, at_end: bool) -> int:
        """Map the start or the end of a span; an edge inside a redaction moves to the edge of the placeholder."""
        index = bisect_right(self.found, offset, key=lambda match: match.start) - 1
        if at_end:  # an exclusive end at the first character of a redaction does not touch it
            index = bisect_left(self.found, offset, key=lambda match: match.start) - 1
        if index < 0:
            return offset
        match, begin = self.found[index], self.begins[index]
        after = begin + len(PLACEHOLDER[match.kind])
        if at_end and offset <= match.end:
            return after
        return begin if not at_end and offset < match.end else after + offset - match.end


def steps(text: str, kinds: Collection[Kind]) -> list[Step]:
    """Redact a text repeatedly until nothing is found, and return each step.

    >>> [step.found for step in steps("إلى a@b.example", ["email"])]
    [(PiiMatch(start=4, end=15, kind='email'),)]
    """
    made: list[Step] = []
    while matches := find_pii(text, kinds):
        shifts = accumulate((len(PLACEHOLDER[match.kind]) - (match.end - match.start) for match in matches), initial=0)
        begins = tuple(match.start + shift for match, shift in zip(matches, shifts, strict=False))
        made.append(Step(tuple(matches), begins))
        text = _put(text, made[-1])
    return made


@dataclass(frozen=True, slots=True)
class RedactedArticle:
    """A redacted article, the hash of its text before, and the steps that map old offsets to new ones."""

    article: Article
    before: str
    steps: tuple[Step, ...]

    def span(self, start: int, end: int) -> Place:
        """Map a span of the old text to the redacted text."""
        for step in self.steps:
            start, end = step.moved(start, end)
        return start, end


@dataclass(frozen=True, slots=True)
class Redaction:
    """Redacted articles by id, and the number of matches of each kind in their texts and titles."""

    articles: Mapping[str, RedactedArticle]
    counts: Counter[str] = field(default_factory=Counter)


def _put(text: str, step: Step) -> str:
    """Replace the matches of a step by their placeholders."""
    pieces, done = [], 0
    for match in step.found:
        pieces += [text[done : match.start], PLACEHOLDER[match.kind]]
        done = match.end
    return "".join([*pieces, text[done:]])


def redact_text(text: str, kinds: Collection[Kind], counts: Counter[str] | None = None) -> str:
    """Return a text with its matches replaced by placeholders; `counts` counts them by kind.

    >>> redact_text("اكتب إلى desk@barq.example.", ["email"])
    'اكتب إلى REDACTED_EMAIL.'
    """
    for step in steps(text, kinds):
        if counts is not None:
            counts.update(match.kind for match in step.found)
        text = _put(text, step)
    return text


def redact(articles: Iterable[Article], documents: Sequence[Document], kinds: Collection[Kind]) -> Redaction:
    """Redact the texts and titles of articles, and the names that were extracted from their pages."""
    if not kinds:
        return Redaction({article.id: RedactedArticle(article, article.text_sha, ()) for article in articles})
    raws = {document.id: document.raw for document in documents}
    counts: Counter[str] = Counter()
    moved = {article.id: _article(article, raws[article.document_id], kinds, counts) for article in articles}
    return Redaction(moved, counts)


def redact_authors(documents: Sequence[Document], kinds: Collection[Kind]) -> list[Document]:
    """Redact the authors that records name; the pages themselves stay as they are."""
    return [
        replace(document, author=redact_text(document.author, kinds)) if document.author and kinds else document
        for document in documents
    ]


def _article(article: Article, raw: str, kinds: Collection[Kind], counts: Counter[str]) -> RedactedArticle:
    """Redact one article, and count its matches."""
    made = steps(article.text, kinds)
    aligned: AlignedText = unpack_edits(article.text, raw, article.edits) if made else AlignedText("", "")
    for step in made:
        counts.update(match.kind for match in step.found)
        aligned = aligned.replace((match.start, match.end, PLACEHOLDER[match.kind]) for match in step.found)
    drops = tuple(
        replace(drop, extracted={name: redact_text(value, kinds) for name, value in drop.extracted.items()})
        if drop.extracted
        else drop
        for drop in article.drops
    )
    title = None if article.title is None else redact_text(article.title, kinds, counts)
    new = replace(article, title=title, drops=drops)
    if made:
        new = replace(new, text=aligned.text, edits=aligned.packed(), text_sha=sha16(aligned.text))
    return RedactedArticle(new, article.text_sha, tuple(made))


@dataclass(frozen=True, slots=True)
class MovedAnnotations:
    """Judgements, gold and disputes on the redacted texts, and what became of their spans.

    The account counts the spans that were kept, widened, replaced by a placeholder, or merged.
    """

    judgements: list[Judgement]
    golds: list[Gold]
    disputes: list[Dispute]
    spans: StageCounts


def move_annotations(
    redaction: Redaction, judgements: Sequence[Judgement], golds: Sequence[Gold], disputes: Sequence[Dispute],
    kinds: Collection[Kind],
) -> MovedAnnotations:  # fmt: skip
    """Move judgements, gold and disputes with the redacted texts of their articles."""
    became: Counter[str] = Counter()
    if not kinds:
        return MovedAnnotations([*judgements], [*golds], [*disputes], StageCounts("redact", UNIT, 0, 0))
    new_judgements = []
    for judgement in judgements:
        new_judgement = replace(judgement, remark=redact_text(judgement.remark, kinds))
        known = redaction.articles.get(judgement.article_id)
        if known and known.before == judgement.text_sha:
            spans = _spans(judgement.spans, known, became)
            new_judgement = replace(new_judgement, spans=spans, text_sha=known.article.text_sha)
        new_judgements.append(new_judgement)
    new_golds = []
    for gold in golds:
        known = redaction.articles.get(gold.article_id)
        new_golds.append(_gold(gold, known, became) if known and known.before == gold.text_sha else gold)
    new_disputes: dict[tuple[str, str], Dispute] = {}
    for dispute in disputes:
        known = redaction.articles.get(dispute.article_id)
        new_dispute = replace(dispute, what=_what(dispute.what, known)) if known else dispute
        new_disputes.setdefault((new_dispute.article_id, new_dispute.what), new_dispute)
    kept = became.pop("", 0)
    account = StageCounts("redact", UNIT, kept + became.total(), kept, dict(sorted(became.items())))  # fmt: skip
    return MovedAnnotations(new_judgements, new_golds, list(new_disputes.values()), account)


def _spans(spans: Iterable[Span], known: RedactedArticle, became: Counter[str]) -> tuple[Span, ...]:
    """Move spans; of spans that become equal, keep the first."""
    kept: dict[tuple[int, int, str], Span] = {}
    for span in spans:
        start, end = known.span(span.start, span.end)
        key = (start, end, span.label)
        if key in kept:
            became[MERGED] += 1
            continue
        became[_became(span, known)] += 1
        kept[key] = replace(span, start=start, end=end)
    return tuple(kept.values())


def _became(span: Span, known: RedactedArticle) -> str:
    """Return what redaction did to a span: BECAME, WIDENED, or empty if it only moved."""
    start, end, effect = span.start, span.end, ""
    for step in known.steps:
        for match in step.found:
            if match.start <= start and end <= match.end:
                return BECAME
            if start < match.end and match.start < end and not (start <= match.start and match.end <= end):
                effect = WIDENED
        start, end = step.moved(start, end)
    return effect


def _what(what: str, known: RedactedArticle) -> str:
    """Move the span that a vote or dispute is about; stances are returned unchanged."""
    kind, *offsets = what.split(":")
    if kind != "span":
        return what
    start, end = known.span(int(offsets[0]), int(offsets[1]))
    return f"span:{start}:{end}"


def _gold(gold: Gold, known: RedactedArticle, became: Counter[str]) -> Gold:
    """Move the spans, votes and confidences of gold; of votes or confidences that become equal, keep the highest."""
    votes: dict[tuple[str, str], Vote] = {}
    for vote in gold.votes:
        what = _what(vote.what, known)
        before = votes.get((what, vote.answer))
        votes[what, vote.answer] = Vote(what, vote.answer, max(vote.count, before.count if before else 0))
    sure: dict[tuple[str, str], Confidence] = {}
    for confidence in gold.confidence:
        moved = replace(confidence, what=_what(confidence.what, known))
        other = sure.get((moved.what, moved.answer))
        sure[moved.what, moved.answer] = moved if other is None or other.value < moved.value else other
    spans = _spans(gold.spans, known, became)
    return replace(
        gold, text_sha=known.article.text_sha, spans=spans,
        votes=tuple(sorted(votes.values())), confidence=tuple(sorted(sure.values())),
        decided=tuple(_what(what, known) for what in gold.decided),
    )  # fmt: skip
