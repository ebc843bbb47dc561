"""Articles, judgements and crowds of annotators that tests of the annotation package share."""

from builder.annotation.report.page import page
from builder.records import Article, Judgement, Span, Stance
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue
from tests.tables import agree

VALUES = (("favor", "مؤيّد"), ("against", "معارض"), ("neutral", "محايد"))
TYPES = (("PERS", "شخص", "#b3261e"), ("GPE", "كيان", "#1d4ed8"), ("ORG", "منظمة", "#1f7a3d"))
LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=ar, en=name, colour=colour, key=str(place), definition="تعريف")
        for place, (name, ar, colour) in enumerate(TYPES)
    ),
    stances=Stances(
        values=tuple(StanceValue(name=name, ar=ar, en=name) for name, ar in VALUES),
        targets=tuple(
            StanceTarget(id=name, ar=ar, en=name, keywords=("هدف",))
            for name, ar in (("port", "الميناء"), ("dam", "السد"))
        ),
    ),
)
SENTENCES = ("زارت سلمى الراوي مرجانة صباح الأحد.", "وقال خالد البحري إن الميناء مفتوح.", "ثم عاد الوفد إلى السندية.")
TEXT = " ".join(SENTENCES)
HOSTILE = (
    "</title></style></script><script>window.hit = 1</script> <img src=http://127.0.0.1:9/x onerror=hit> "
    "$x ${x} {{title}} \" ' ` & &amp; \N{RIGHT-TO-LEFT OVERRIDE}abc\N{LEFT-TO-RIGHT EMBEDDING} \x1b[31m <!-- ]]>"
)


def article(number=0, text=TEXT, title="عنوان"):
    return Article(f"{number:016x}-0", f"{number:016x}", 0, title, text, (), (), "standard@1", "0" * 16)


def judgement(number, annotator, *spans, when="2026-11-22T10:00:00Z", batch="b1", remark="", **stances):
    return Judgement(
        f"{number:016x}-0", "0" * 16, batch, annotator, tuple(Span(*span) for span in sorted(spans)),
        tuple(Stance(t, v) for t, v in sorted(stances.items())), "submitted", 30.0, when, when, "g", "s", 1, 1, remark,
    )  # fmt: skip


def page_of(judgements, articles=None, labels=LABELS, figures=None, **options):
    articles = articles or {one.article_id: article(int(one.article_id[:16], 16)) for one in judgements}
    lengths = {one.id: len(one.text) for one in articles.values()}
    found = agree(judgements, labels, lengths, resamples=50) if figures is None else figures
    return page(found, judgements, articles, labels, title=options.pop("title", "مجموعة"), **options)


def hostile_page(said, name):
    """The page of a text, title, remark, label names, annotators and batches that all say this."""
    text = f"{said} {SENTENCES[0]}"
    labels = LABELS.model_copy(
        update={
            "entities": tuple(
                one.model_copy(update={"ar": f"{name}{place}"}) for place, one in enumerate(LABELS.entities)
            ),
            "stances": LABELS.stances.model_copy(
                update={
                    "targets": tuple(one.model_copy(update={"ar": name}) for one in LABELS.stances.targets),
                    "values": tuple(
                        one.model_copy(update={"ar": f"{name}{one.name}"}) for one in LABELS.stances.values
                    ),
                }
            ),
        }
    )
    articles = {article().id: article(text=text, title=said)}
    judgements = [
        judgement(0, "a-1", (0, 4, "PERS"), (2, 9, "GPE"), remark=said, batch=said, port="favor"),
        judgement(0, "a-2", (0, 4, "ORG"), remark=said, batch=said, port="against"),
    ]
    return page_of(judgements, articles, labels, title=said)


def crowd(people, types, number):
    """Many judgements of long texts, which agree on some spans, and labels with long names."""
    labels = LABELS.model_copy(
        update={
            "entities": tuple(
                EntityType.model_construct(
                    name=f"TYPE_{place}",
                    ar=f"{'نوع طويل الاسم ' * 6}{place}",
                    en="x",
                    colour="#1f7a3d",
                    key="1",
                    definition="x",
                )
                for place in range(types)
            )
        }
    )
    text = " ".join(SENTENCES * 12)
    articles = {one.id: one for one in (article(place, text) for place in range(number // 3))}
    judgements = [
        judgement(
            place, f"a-{(place + seat) % people:010d}",
            *{(40 * s, 40 * s + 9, f"TYPE_{(s + place + (seat == s % 3)) % types}") for s in range(15)},
            when=f"2026-{1 + place % 9:02}-11T00:00:00Z", remark="ملاحظة " * 200, port=VALUES[(place + seat) % 3][0],
        )
        for place in range(number // 3)
        for seat in range(3)
    ]  # fmt: skip
    return judgements, articles, labels


STANCE_VALUES = ("against", "favor", "neutral", "unclear")


def annotator_crowd(seed, items, people, values, each):
    """Answers of people who are right now and then: numbers of a linear congruence (Numerical Recipes), seeded."""
    state = seed

    def draw(below):
        nonlocal state
        state = (1664525 * state + 1013904223) % 2**32
        return (state >> 8) % below

    answers = {}
    skills = [50 + draw(45) for _ in range(people)]
    for item in range(items):
        true, first = draw(values), draw(people)
        told = {}
        for place in range(each):
            who = (first + place) % people
            told[f"a-{who}"] = STANCE_VALUES[true if draw(100) < skills[who] else draw(values)]
        answers[f"d-{item:03}", "port"] = told
    return answers


SETS = {"small": (1, 40, 3, 3, 3), "middle": (2, 120, 6, 4, 3), "large": (3, 300, 10, 4, 4)}
