"""Invented articles of a release with every oddity that its tables know, drawn from a seed."""

import random

from builder.io.hashing import sha16
from builder.records import Article, Confidence, Dispute, Document, Drop, Gold, Group, Judgement, Span, Stance, Vote
from builder.release.splits.strategies import SPLIT_NAMES
from builder.text.profiles import profile
from tests.release.material import Material

PIECES = [
    "مرجانة", "وبلدية", "قدمـا", "و", "\N{ARABIC FATHATAN}", "\N{ARABIC TATWEEL}", "\N{RIGHT-TO-LEFT MARK}", "\N{NO-BREAK SPACE}",
    "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM}", "\N{GRINNING FACE}", " ", " ", " ", "  ", "،", ". ", "\n", "3.5", "Ab",
]  # fmt: skip
DATES = [None, "2026-03-03T18:42:00+03:00", "2026-03-03T18:42:00.123456Z", "2026-03-04", "أمس", "", "1447-01-01"]
VALUES = ["favor", "against", "neutral", "unclear"]
TARGETS = ["metro", "dam"]


def odd_material(count, labels, seed=1):
    """The inputs of a release's tables, of this many articles."""
    dice = random.Random(seed)  # noqa: S311 - seeded material
    made = [page(number, labels.entity_names, dice) for number in range(count)]
    homes = {article.id: dice.choice([*SPLIT_NAMES, *SPLIT_NAMES, ""]) for _, article, *_ in made}
    unknown = Gold("d-gone-0", "t", (), (), "majority", (), 2)
    return Material(
        tuple(article for _, article, *_ in made),
        tuple(document for document, *_ in made),
        tuple(Group(article.id, f"g-{article.id}", 1.0, "single") for _, article, *_ in made),
        {article_id: home for article_id, home in homes.items() if home},
        tuple(one for _, _, _, judgements, _ in made for one in judgements),
        (*(gold for _, _, gold, _, _ in made if gold), unknown),
        tuple(one for *_, disputes in made for one in disputes),
        labels,
        {article_id: "it was late" for article_id, home in homes.items() if not home and dice.random() < 0.5},
    )


def page(number, names, dice):
    """A document, its article, its gold or none, its judgements and its disputes."""
    aligned = profile("standard@1").apply("".join(dice.choices(PIECES, k=dice.choice([1, 3, 10, 60]))))
    sha, name = sha16(aligned.text), f"d{number:05}"
    document = Document(name, dice.choice(["barq", "sahel"]), dice.choice([None, "https://barq.example/1"]),
                        dice.choice(DATES), dice.choice([None, "خبر"]), aligned.raw, "x")  # fmt: skip
    drops = (Drop(0, 0, "byline", {"author": "سلمى", "source_name": "برق"}),) if dice.random() < 0.3 else ()
    article = Article(f"{name}-0", name, 0, dice.choice([None, "خبر"]), aligned.text, aligned.packed(), drops,
                      "standard@1", sha)  # fmt: skip
    gold = None if dice.random() < 0.2 else settled(article, names, dice)
    judgements = [
        Judgement(article.id, sha if dice.random() < 0.9 else "old", "b1", annotator, spans(aligned.text, names, dice),
                  answers(dice), dice.choice(["submitted", "skipped"]), dice.choice([None, 1.5]), "", "", "g", "s", 1, 2,
                  dice.choice(["", "؟"]))
        for annotator in dice.choice([(), ("a-1",), ("a-2", "a-1"), ("a-3", "a-2", "a-1")])
    ]  # fmt: skip
    question = dice.choice(["", "", "", "", "span:0:1", "stance:metro"])
    return document, article, gold, judgements, [Dispute(article.id, question, {"a-1": "ORG"})] if question else []


def settled(article, names, dice):
    own, said = spans(article.text, names, dice), answers(dice)
    votes = [Vote(f"stance:{one.target}", one.value, dice.randint(0, 3)) for one in said if dice.random() < 0.9]
    sure = [
        Confidence(f"span:{s.start}:{s.end}", s.label, "majority", dice.random()) for s in own if dice.random() < 0.7
    ]
    sure += [Confidence(f"stance:{one.target}", one.value, "majority", 0.5) for one in said[:1]]
    decided = dice.choice([(), (), ("spans",), ("span:0:1",), ("stance:metro",)])
    sha = article.text_sha if dice.random() < 0.9 else "old"
    return Gold(article.id, sha, own, said, "majority", tuple(votes), 2, tuple(sure), decided)


def spans(text, names, dice):
    """Spans anywhere, nested, crossing, equal but for the label, and of no token."""
    if not text:
        return ()
    edges = [sorted(dice.sample(range(len(text) + 1), 2)) for _ in range(dice.choice([0, 1, 2, 6]))]
    return tuple({Span(start, end, dice.choice(names)) for start, end in edges})


def answers(dice):
    return tuple(Stance(target, dice.choice(VALUES)) for target in dice.sample(TARGETS, dice.randint(0, 2)))
