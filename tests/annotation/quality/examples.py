"""An article, labels and judgements on them, sound and faulty."""

from dataclasses import replace

from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import Article, Judgement, Span, Stance
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue

TEXT = "زار الوزير «ميناء مرجانة»، يوم الثلاثاء.\nوقال إن مترو العاصمة تأخر."
LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, key in (("PERS", "1"), ("FAC", "2"), ("GPE", "3"))
    ),
    stances=Stances(
        values=tuple(
            StanceValue(name=n, ar="قيمة", en=n, published=n != "unclear") for n in ("favor", "against", "unclear")
        ),
        targets=tuple(
            StanceTarget(id=name, ar=words, en=name, keywords=(words,))
            for name, words in (("port", "ميناء مرجانة"), ("metro", "مترو العاصمة"), ("dam", "سد السنديان"))
        ),
    ),
)
ARTICLE = Article("d-0", "d", 0, None, TEXT, (), (), "standard@1+0", sha16(TEXT))
ARTICLES = {ARTICLE.id: ARTICLE}
BOTH = (Stance("metro", "against"), Stance("port", "favor"))
PORT, TOWN = (TEXT.index("ميناء"), TEXT.index("»")), (TEXT.index("مرجانة"), TEXT.index("»"))


def judgement(*spans, stances=BOTH, annotation=1, annotator="a-1", updated="2026-03-01T10:00:00Z", **fields):
    made = Judgement(
        "d-0", ARTICLE.text_sha, "b1", annotator, tuple(spans), tuple(stances), "submitted", 30.0,
        updated, updated, "g", "s", 7, annotation,
    )  # fmt: skip
    return replace(made, **fields)


SPANS = st.builds(Span, st.integers(-2, 70), st.integers(-2, 70), st.sampled_from(["PERS", "GPE", "ORG"]))
STANCES = st.builds(
    Stance, st.sampled_from(["port", "metro", "dam", "sea"]), st.sampled_from(["favor", "against", "x"])
)
JUDGEMENTS = st.lists(
    st.builds(
        judgement,
        stances=st.lists(STANCES, max_size=4),
        annotation=st.integers(1, 5),
        annotator=st.sampled_from(["a-1", "a-2"]),
        updated=st.sampled_from(["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"]),
        article_id=st.sampled_from(["d-0", "x-0"]),
        text_sha=st.sampled_from([ARTICLE.text_sha, "0" * 16]),
        status=st.sampled_from(["submitted", "submitted", "skipped"]),
        spans=st.lists(SPANS, max_size=6).map(tuple),
    ),
    max_size=6,
    unique_by=lambda j: (j.article_id, j.annotator, j.annotation_id),
)  # fmt: skip
