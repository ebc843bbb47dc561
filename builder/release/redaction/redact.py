"""What patterns find of persons in published text, replaced by placeholders; everything said of the text moves with it.

A placeholder is one token. A span that lies in a redaction becomes the placeholder, one that overlaps it in part is
widened to hold it; raw places of all others stay what they were. Offsets are code points, end exclusive. Pure.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate

from builder.io.hashing import sha16
from builder.records import Article, Confidence, Dispute, Document, Gold, Judgement, Span, StageCounts, Vote
from builder.release.redaction.pii import Found, Kind, find
from builder.text.aligned import AlignedText, unpacked

PLACEHOLDER: Mapping[Kind, str] = {
    "email": "REDACTED_EMAIL", "phone": "REDACTED_PHONE", "url": "REDACTED_URL", "mention": "REDACTED_MENTION",
    "iban": "REDACTED_IBAN", "ip": "REDACTED_IP",
}  # fmt: skip

PLACEHOLDERS = tuple(PLACEHOLDER.values())

WIDENED, BECAME, TWICE = "widened to hold a placeholder", "became a placeholder", "the same as another by now"

UNIT = "spans of gold and judgements, as they were"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Step:
    """Redactions of a text, sorted and disjoint, and where the placeholder of each begins after them."""

    found: tuple[Found, ...]
    begins: tuple[int, ...]

    def moved(self, start: int, end: int) -> Place:
        """Where a span of the text before is in the text after."""
        return self._edge(start, at_end=False), self._edge(end, at_end=True)

    def _edge(self, place: int, *, at_end: bool) -> int:
        index = bisect_right(self.found, place, key=lambda one: one.start) - 1
        if at_end:  # an end at the first character of a redaction is before it
            index = bisect_left(self.found, place, key=lambda one: one.start) - 1
        if index < 0:
            return place
        one, begin = self.found[index], self.begins[index]
        after = begin + len(PLACEHOLDER[one.kind])
        if at_end and place <= one.end:
            return after
        return begin if not at_end and place < one.end else after + place - one.end


def steps(text: str, kinds: Collection[Kind]) -> list[Step]:
    """Redactions of a text, one after the other, until nothing is found.

    >>> [step.found for step in steps("إلى a@b.example", ["email"])]
    [(Found(start=4, end=15, kind='email'),)]
    """
    made: list[Step] = []
    while found := find(text, kinds):
        shifts = accumulate((len(PLACEHOLDER[one.kind]) - (one.end - one.start) for one in found), initial=0)
        begins = tuple(one.start + shift for one, shift in zip(found, shifts, strict=False))
        made.append(Step(tuple(found), begins))
        text = _put(text, made[-1])
    return made


@dataclass(frozen=True, slots=True)
class Moved:
    """An article with its text redacted, and how places of its text before became those after."""

    article: Article
    before: str
    steps: tuple[Step, ...]

    def span(self, start: int, end: int) -> Place:
        """Where a span is by now."""
        for step in self.steps:
            start, end = step.moved(start, end)
        return start, end


@dataclass(frozen=True, slots=True)
class Redaction:
    """Articles by id, and how many of each kind were found in their texts and titles."""

    articles: Mapping[str, Moved]
    counts: Counter[str] = field(default_factory=Counter)


def _put(text: str, step: Step) -> str:
    pieces, done = [], 0
    for one in step.found:
        pieces += [text[done : one.start], PLACEHOLDER[one.kind]]
        done = one.end
    return "".join([*pieces, text[done:]])


def redacted(text: str, kinds: Collection[Kind], counts: Counter[str] | None = None) -> str:
    """A text with placeholders.

    >>> redacted("اكتب إلى desk@barq.example.", ["email"])
    'اكتب إلى REDACTED_EMAIL.'
    """
    for step in steps(text, kinds):
        if counts is not None:
            counts.update(one.kind for one in step.found)
        text = _put(text, step)
    return text


def redact(articles: Iterable[Article], documents: Sequence[Document], kinds: Collection[Kind]) -> Redaction:
    """Redact the texts and titles of articles, and the names that were read from their pages."""
    if not kinds:
        return Redaction({article.id: Moved(article, article.text_sha, ()) for article in articles})
    raws = {document.id: document.raw for document in documents}
    counts: Counter[str] = Counter()
    moved = {article.id: _article(article, raws[article.document_id], kinds, counts) for article in articles}
    return Redaction(moved, counts)


def _article(article: Article, raw: str, kinds: Collection[Kind], counts: Counter[str]) -> Moved:
    made = steps(article.text, kinds)
    aligned: AlignedText = unpacked(article.text, raw, article.edits) if made else AlignedText("", "")
    for step in made:
        counts.update(one.kind for one in step.found)
        aligned = aligned.replace((one.start, one.end, PLACEHOLDER[one.kind]) for one in step.found)
    drops = tuple(
        replace(drop, extracted={name: redacted(value, kinds) for name, value in drop.extracted.items()})
        if drop.extracted
        else drop
        for drop in article.drops
    )
    title = None if article.title is None else redacted(article.title, kinds, counts)
    new = replace(article, title=title, drops=drops)
    if made:
        new = replace(new, text=aligned.text, edits=aligned.packed(), text_sha=sha16(aligned.text))
    return Moved(new, article.text_sha, tuple(made))


def move(
    redaction: Redaction, judgements: Sequence[Judgement], golds: Sequence[Gold], disputes: Sequence[Dispute],
    kinds: Collection[Kind],
) -> tuple[list[Judgement], list[Gold], list[Dispute], StageCounts]:  # fmt: skip
    """Everything that was said of the articles, moved with their texts; the account says what became of the spans."""
    became: Counter[str] = Counter()
    if not kinds:
        return list(judgements), list(golds), list(disputes), StageCounts("redact", UNIT, 0, 0)
    new_judgements = []
    for judgement in judgements:
        said = replace(judgement, remark=redacted(judgement.remark, kinds))
        known = redaction.articles.get(judgement.article_id)
        if known and known.before == judgement.text_sha:
            spans = _spans(judgement.spans, known, became)
            said = replace(said, spans=spans, text_sha=known.article.text_sha)
        new_judgements.append(said)
    new_golds = []
    for gold in golds:
        known = redaction.articles.get(gold.article_id)
        new_golds.append(_gold(gold, known, became) if known and known.before == gold.text_sha else gold)
    new_disputes: dict[tuple[str, str], Dispute] = {}
    for dispute in disputes:
        known = redaction.articles.get(dispute.article_id)
        one = replace(dispute, what=_what(dispute.what, known)) if known else dispute
        new_disputes.setdefault((one.article_id, one.what), one)
    kept = became.pop("", 0)
    account = StageCounts("redact", UNIT, kept + became.total(), kept, dict(sorted(became.items())))  # fmt: skip
    return new_judgements, new_golds, list(new_disputes.values()), account


def _spans(spans: Iterable[Span], known: Moved, became: Counter[str]) -> tuple[Span, ...]:
    """Spans in their new places; of those that are the same by now, the first."""
    found: dict[tuple[int, int, str], Span] = {}
    for span in spans:
        start, end = known.span(span.start, span.end)
        key = (start, end, span.label)
        if key in found:
            became[TWICE] += 1
            continue
        became[_became(span, known)] += 1
        found[key] = replace(span, start=start, end=end)
    return tuple(found.values())


def _became(span: Span, known: Moved) -> str:
    start, end, said = span.start, span.end, ""
    for step in known.steps:
        for one in step.found:
            if one.start <= start and end <= one.end:
                return BECAME
            if start < one.end and one.start < end and not (start <= one.start and one.end <= end):
                said = WIDENED
        start, end = step.moved(start, end)
    return said


def _what(what: str, known: Moved) -> str:
    kind, *places = what.split(":")
    if kind != "span":
        return what
    start, end = known.span(int(places[0]), int(places[1]))
    return f"span:{start}:{end}"


def _gold(gold: Gold, known: Moved, became: Counter[str]) -> Gold:
    """A gold with all places moved; of votes or confidences that meet, the highest."""
    votes: dict[tuple[str, str], Vote] = {}
    for vote in gold.votes:
        what = _what(vote.what, known)
        before = votes.get((what, vote.answer))
        votes[what, vote.answer] = Vote(what, vote.answer, max(vote.count, before.count if before else 0))
    sure: dict[tuple[str, str], Confidence] = {}
    for one in gold.confidence:
        moved = replace(one, what=_what(one.what, known))
        other = sure.get((moved.what, moved.answer))
        sure[moved.what, moved.answer] = moved if other is None or other.value < moved.value else other
    spans = _spans(gold.spans, known, became)
    return replace(
        gold, text_sha=known.article.text_sha, spans=spans,
        votes=tuple(sorted(votes.values())), confidence=tuple(sorted(sure.values())),
    )  # fmt: skip
