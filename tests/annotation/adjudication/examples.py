"""An article that people disagree about, and what they said of it."""

from builder.io.hashing import sha16
from builder.records import Article, Judgement, Stance
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue

TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة يعمل."
PORT, BOSS = ((TEXT.index(w), TEXT.index(w) + len(w)) for w in ("ميناء مرجانة", "المدير"))
TOWN = (TEXT.index("مرجانة"), PORT[1])
ARTICLE = Article("d-0", "d", 0, None, TEXT, (), (), "standard@1+0", sha16(TEXT))
LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=ar, en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, ar, key in (("FAC", "منشأة", "1"), ("GPE", "كيان", "2"), ("LOC", "موقع", "3"), ("OCC", "منصب", "4"))
    ),
    stances=Stances(
        values=tuple(StanceValue(name=n, ar=ar, en=n) for n, ar in (("favor", "مؤيد"), ("against", "معارض"))),
        targets=(StanceTarget(id="port", ar="ميناء مرجانة", en="port", keywords=("ميناء مرجانة",)),),
    ),
)


def judgement(who, *spans, article="d-0", at="2026-01-01T10:00:00Z", number=1, status="submitted", **stances):
    given = tuple(Stance(target, value) for target, value in sorted(stances.items()))
    return Judgement(
        article, sha16(TEXT), "b1", who, spans, given, status, 9.0, at, at, "g", "s", 4, number, "", ()
    )  # fmt: skip
