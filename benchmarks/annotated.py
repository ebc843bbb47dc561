"""Synthetic annotated articles for the release benchmark: seeded and of any number.

Articles are assembled from sentences of corpora.py, with their noise, so that no article resembles another. Each
sentence has mentions, some of them nested, and each judgement misses or shifts a few. Equal spans and votes are
shared objects, which keeps the input small, so that the memory of the build itself can be measured.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from corpora import ROOT, news

from builder.io.hashing import sha16
from builder.records import Article, Confidence, Document, Gold, Group, Judgement, Span, Stance, Vote
from builder.schema import load_schema
from builder.schema.labels import Labels
from builder.text.profiles import profile
from builder.text.tokens import sentences, tokenize

STANDARD = profile("standard@1")
LABELS = load_schema(ROOT / "schema").labels
SENTENCES = 20_000
LENGTH = 2_000
"""Code points of an article."""
EVERY = 100
"""Code points of text per mention, which gives 20 mentions per article."""
NESTED, MISSED = 0.15, 0.1
ANNOTATORS = ("a-1", "a-2", "a-3")
Mention = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence as scraped and as cleaned, with its packed edits and its mentions."""

    raw: str
    text: str
    packed: tuple[int, ...]
    mentions: tuple[Mention, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some annotated articles as records, with the split of each."""

    articles: Sequence[Article]
    documents: Sequence[Document]
    groups: Sequence[Group]
    golds: Sequence[Gold]
    judgements: Sequence[Judgement]
    splits: Mapping[str, str]


def parts(count: int, seed: int, size: int) -> Iterator[Part]:
    """Generate `count` articles with 20 mentions and three judgements each, in three splits, `size` at once."""
    dice = random.Random(seed)  # noqa: S311 - seeded material
    pool = _pool(LABELS, dice)
    for start in range(0, count, size):
        rows = [_article(number, pool, LABELS, dice) for number in range(start, min(start + size, count))]
        ids = [article.id for article, _, _, _ in rows]
        yield Part(
            [article for article, _, _, _ in rows],
            [document for _, document, _, _ in rows],
            [Group(article_id, f"g-{article_id}", 1.0, "single") for article_id in ids],
            [gold for _, _, gold, _ in rows],
            [judgement for _, _, _, judgements in rows for judgement in judgements],
            dict(zip(ids, dice.choices(["train", "validation", "test"], [70, 15, 15], k=len(ids)), strict=True)),
        )


def _pool(labels: Labels, dice: random.Random) -> list[Sentence]:
    """Generate the sentences from which articles are assembled."""
    pool: list[Sentence] = []
    for text in news(8_000_000, dice.randrange(1 << 30)):
        lines = [text[start:end] for start, end in sentences(text)]
        for aligned in STANDARD.apply_batch(lines):
            if 40 < len(aligned.text) < 400:
                mentions = tuple(_mentions(aligned.text, labels, dice))
                pool.append(Sentence(aligned.raw, aligned.text, aligned.packed(), mentions))
        if len(pool) >= SENTENCES:
            break
    return pool


def _mentions(text: str, labels: Labels, dice: random.Random) -> list[Mention]:
    """Draw disjoint mentions of one to three words; some have a nested mention in their last word."""
    tokens = [(start, end) for start, end in tokenize(text) if end - start > 1]
    mentions: list[Mention] = []
    chosen = sorted(
        dice.sample(range(0, len(tokens), 4), min(len(tokens[::4]), max(1, round(len(text) / EVERY / 1.15))))
    )
    for first in chosen:
        last = min(first + dice.randrange(3), len(tokens) - 1)
        mentions.append((tokens[first][0], tokens[last][1], dice.choice(labels.entity_names)))
        if last > first and dice.random() < NESTED * 3 / 2:
            mentions.append((*tokens[last], dice.choice(labels.entity_names)))
    return sorted(mentions)


def _article(
    number: int, pool: Sequence[Sentence], labels: Labels, dice: random.Random
) -> tuple[Article, Document, Gold, list[Judgement]]:
    """Generate one article with its document, gold and judgements."""
    raw, text, packed, spans = _joined(pool, dice)
    document_id, sha = f"{number:016x}", sha16(text)
    date = f"2026-{1 + number % 12:02}-{1 + number % 28:02}T08:30:00+03:00"
    source = f"source-{number % 12}"
    url, origin = f"https://{source}.example/{document_id}", f"{source}/{document_id}.txt"
    document = Document(document_id, source, url, date, text[:60], raw, origin)
    article = Article(f"{document_id}-0", document_id, 0, text[:60], text, packed, (), STANDARD.id, sha)
    target = dice.choice(labels.target_ids)
    answers = [Stance(target, dice.choice(labels.published_values)) for _ in ANNOTATORS]
    judgements = [
        Judgement(
            article.id, sha, "b1", annotator, _seen(spans, dice), (answer,), "submitted", 30.5, "", "", "g1", "s1", 0, 0
        )
        for annotator, answer in zip(ANNOTATORS, answers, strict=True)
    ]
    votes = [_vote(span.start, span.end, span.label) for span in spans]
    confidence = [_sure(span.start, span.end, span.label) for span in spans]
    votes += [Vote(f"stance:{target}", answers[0].value, 3)]
    confidence += [Confidence(f"stance:{target}", answers[0].value, "majority", 1.0)]
    gold = Gold(article.id, sha, spans, (answers[0],), "majority", tuple(votes), 3, tuple(confidence))
    return article, document, gold, judgements


@cache
def _vote(start: int, end: int, label: str) -> Vote:
    return Vote(f"span:{start}:{end}", label, 3)


@cache
def _sure(start: int, end: int, label: str) -> Confidence:
    return Confidence(_vote(start, end, label).what, label, "majority", 1.0)


@cache
def _span(start: int, end: int, label: str) -> Span:
    return Span(start, end, label)


def _joined(pool: Sequence[Sentence], dice: random.Random) -> tuple[str, str, tuple[int, ...], tuple[Span, ...]]:
    """Join sentences to an article, and return its raw text, text, packed edits and spans."""
    raws: list[str] = []
    texts: list[str] = []
    packed: list[int] = []
    spans: list[Span] = []
    size = unchanged = 0
    while size < LENGTH:
        sentence = dice.choice(pool)
        spans += [_span(size + start, size + end, label) for start, end, label in sentence.mentions]
        triples = list(sentence.packed)
        tail = len(sentence.text) - sum(triples[0::3]) - sum(triples[2::3]) + 1
        if triples:
            triples[0] += unchanged
        unchanged = tail if triples else unchanged + tail
        packed += triples
        raws.append(sentence.raw)
        texts.append(sentence.text)
        size += len(sentence.text) + 1
    return "\n".join(raws), "\n".join(texts), tuple(packed), tuple(spans)


def _seen(spans: Sequence[Span], dice: random.Random) -> tuple[Span, ...]:
    """Simulate one annotator's spans: some mentions are missed, some end a character early."""
    marked = []
    for span in spans:
        if dice.random() >= MISSED:
            early = dice.random() < MISSED and span.end - span.start > 2
            marked.append(_span(span.start, span.end - 1, span.label) if early else span)
    return tuple(marked)
