"""Labels, and judgements with given spans and stances."""

from builder.records import Judgement, Stance
from builder.schema.labels import AnswerValue, EntityType, Labels, Question, Stances, StanceTarget, StanceValue

VALUES = ("favor", "against", "neutral", "unclear")
LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, key in (("PERS", "1"), ("GPE", "2"), ("ORG", "3"))
    ),
    stances=Stances(
        values=tuple(StanceValue(name=name, ar="قيمة", en=name, published=name != "unclear") for name in VALUES),
        targets=tuple(StanceTarget(id=name, ar="هدف", en=name, keywords=("هدف",)) for name in ("port", "dam")),
    ),
)
QUESTION_VALUES = tuple(
    AnswerValue(name=name, ar=name, en=name) for name in ("politics", "economy", "sport", "culture")
)
ONE = Question(id="tone", ar="النبرة", en="tone", values=QUESTION_VALUES)
SEVERAL = Question(id="topic", ar="الموضوع", en="topic", answers="several", values=QUESTION_VALUES)


def judgement(article, annotator, *spans, batch="b1", **stances):
    return Judgement(
        article, "0" * 16, batch, annotator, tuple(spans), tuple(Stance(t, v) for t, v in sorted(stances.items())),
        "submitted", 30.0, "t", "t", "g", "s", 1, 1,
    )  # fmt: skip
