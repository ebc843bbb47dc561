"""Invented articles, and judgements of them with every oddity that check, agreement and adjudication know."""

import random
import re
from dataclasses import replace

from builder.annotation.migration.offered import Offers
from builder.io.hashing import sha16
from builder.records import Article, Decision, Judgement, Passage, Relation, Span, Stance

WORDS = ("مرجانة", "الميناء", "وزير", "قال", "٣٫٥٪", "ق.م", "«سد»", "،", "ـ", "و\N{ZERO WIDTH NON-JOINER}هي", "12/3", "A.B.",
         "سد السنديان", "ميناء مرجانة", "مترو العاصمة", "\n", "  ", "قـال", "مـ\N{ARABIC FATHA}", "😀")  # fmt: skip
TIMES = ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00.5Z", "2026-03-01T13:00:00+03:00", "2026-03-12T08:00:00Z",
         "2026-03-12", "?", "")  # fmt: skip
LABELS = ("PERS", "FAC", "GPE", "ORG", "")
TARGETS = ("port", "metro", "dam", "sea")
VALUES = ("favor", "against", "unclear", "maybe")
VERSIONS = ("s", "s", "older", "oldest")
OFFERS = Offers(
    {"older": frozenset(LABELS[:2]), "oldest": frozenset(LABELS[:1])},
    {"older": frozenset(TARGETS[:2]), "oldest": frozenset()}, frozenset(TARGETS[:3]),
)  # fmt: skip
"""What the pages of earlier versions of the labels offered."""


def articles(number, seed=1):
    """Invented articles by id, of words that tokenise in odd ways."""
    draw = random.Random(seed)  # noqa: S311 - invented articles
    made = {}
    for place in range(number):
        text = " ".join(draw.choices(WORDS, k=draw.randint(1, 60)))
        name = f"{place:04}-0"
        made[name] = Article(name, f"{place:04}", 0, None, text, (), (), "standard@1+0", sha16(text))
    return made


def judgements(of, seed=2):
    """One to five annotators of each article, some of whom judge again, skip, or are changed by another person."""
    draw = random.Random(seed)  # noqa: S311 - invented articles
    made = []
    for article in of.values():
        common = [_span(draw, article) for _ in range(draw.randint(0, 9))]
        for who in draw.sample(range(7), draw.randint(0, 5)):
            first = _judgement(draw, article, f"a-{who}", common, len(made) + 1)
            made.append(first)
            while draw.random() < 0.25:
                made.append(_another(draw, article, first, common, len(made) + 1))
    draw.shuffle(made)
    return made


def _another(draw, article, first, common, number):
    """The same person's judgement of the same article: a repeat, or a new one, in this batch or a later one."""
    later = {"batch": draw.choice(("b1", "b2", "b3")), "updated_at": draw.choice(TIMES), "annotation_id": number}
    if draw.random() < 0.5:
        return replace(first, remark=draw.choice((first.remark, "", "x")), **later)
    return replace(_judgement(draw, article, first.annotator, common, number), **later)


def _judgement(draw, article, who, common, number):
    spans = [replace(span, id=f"r{place}") for place, span in enumerate(common) if draw.random() < 0.8]
    spans += [_span(draw, article) for _ in range(draw.choice((0, 0, 1, 4)))]
    spans += draw.choices(spans, k=draw.choice((0, 0, 1))) if spans else []
    draw.shuffle(spans)
    stances = [Stance(draw.choice(TARGETS), draw.choice(VALUES)) for _ in range(draw.randint(0, 4))]
    odd = draw.random()
    return Judgement(
        article.id if odd > 0.03 else "gone-0", article.text_sha if odd < 0.95 else "0" * 16, draw.choice(("b1", "b1", "b2")),
        who, tuple(spans), tuple(stances), "skipped" if 0.05 < odd < 0.1 else "submitted",
        draw.choice((None, 1.0, 30.0, 31.5, 60.0)), draw.choice(TIMES), draw.choice(TIMES), draw.choice(("g", "h")), draw.choice(VERSIONS),
        draw.randint(0, 3), number, draw.choice(("", "", "x")), draw.choice(((), (Relation("r0", "r1", ("of",)),))),
        draw.choice(("", "o-1", "o-2")), "a-9" if 0.1 < odd < 0.15 else "",
    )  # fmt: skip


def _span(draw, article):
    size = len(article.text)
    start = draw.randint(-1, size) if draw.random() < 0.05 else draw.randrange(max(size, 1))
    end = (
        start + draw.choice((-1, 0, 1, 2, 5, 9, 30)) if draw.random() < 0.1 else min(start + draw.randint(1, 12), size)
    )
    return Span(start, end, draw.choice(LABELS[:3]) if draw.random() < 0.95 else draw.choice(LABELS))


def decisions_on(articles):
    """Decisions on some articles: of spans, passages, stances, of both, and two that contradict each other."""
    made = []
    for number, article in enumerate(articles.values()):
        spans = (Span(0, len(article.text), "GPE"), Span(0, 3, "PERS"))
        words = [word.span() for word in re.finditer(r"\w+", article.text)]
        made += [Decision(article.id, article.text_sha, "a-9", spans)] if number % 5 == 0 else []
        made += (
            [Decision(article.id, article.text_sha, "a-9", None, (Stance("port", "favor"),))] if number % 7 == 0 else []
        )
        made += [Decision(article.id, article.text_sha, "a-8", spans[:1])] if number % 25 == 0 else []
        scope = tuple(Passage(start, end) for start, end in words[number % 3 :: 3])
        marks = tuple(Span(place.start, place.end, "LOC") for place in scope[::2])
        made += [Decision(article.id, article.text_sha, "a-7", marks, scope=scope)] if scope and number % 4 == 0 else []
        made += (
            [Decision(article.id, article.text_sha, "a-6", (), scope=scope[:1])] if scope and number % 8 == 0 else []
        )
    return made
