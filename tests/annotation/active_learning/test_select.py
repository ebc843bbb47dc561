"""Which articles to annotate next."""

import random
from dataclasses import replace

import pytest

from builder.annotation.active_learning.select import select_articles
from builder.io.hashing import sha16
from builder.records import Article, Gold, Judgement, KhabarError, Span, Stance
from builder.schema import load_schema

PLAIN = "هطل المطر صباح اليوم على التلال. ثم هبت ريح خفيفة. ثم صفا الجو."
PEOPLE = ["رامز الصفصافي", "هالة المرجوني", "أسيل النوارسي", "صفوان الزيتاوني", "أدهم الشراعاتي"]
MATCH = "انتهت المباراة بفوز الفريق الأزرق على ضيفه بهدف في الدقيقة الأخيرة."


@pytest.fixture(scope="module")
def labels(request):
    return load_schema(request.config.rootpath / "schema").labels


def article(name, text):
    return Article(f"{name}-0", name, 0, None, text, (), (), "standard@1+0", sha16(text))


def gold(one, *mentions, stances=()):
    spans = tuple(sorted(Span(one.text.index(m), one.text.index(m) + len(m), label) for m, label in mentions))
    return Gold(one.id, one.text_sha, spans, tuple(stances), "agreed", (), 2)


def said(one, annotator, spans=(), stances=()):
    return Judgement(one.id, one.text_sha, "b1", annotator, tuple(spans), tuple(stances), "submitted", None, "", "",
                     "g", "s", 0, 0)  # fmt: skip


@pytest.fixture(scope="module")
def past():
    """What was annotated: weather without mentions, visits of persons, and one event."""
    visits = [article(f"v{n}", f"زار {name} مدينة مرجانة أمس.") for n, name in enumerate(PEOPLE)]
    rain = [article(f"p{n}", f"{PLAIN} ويوم {n}.") for n in range(8)]
    event = article("e", "افتتح مهرجان السنديان أبوابه مساء.")
    golds = [gold(v, (name, "PERS"), ("مرجانة", "GPE")) for v, name in zip(visits, PEOPLE, strict=True)]
    golds += [gold(p) for p in rain] + [gold(event, ("مهرجان السنديان", "EVENT"))]
    return [*visits, *rain, event], golds


def ids(choices):
    return [choice.article_id for choice in choices]


def test_uncertain_articles_come_first_with_reasons(past, labels):
    pool = [article(f"c{n}", f"{PLAIN} ويوم {n + 20}.") for n in range(6)]
    pool += [article("u", "زار طارق زيتونة فريق بلدية مدينة صنوبر أمس.")]
    chosen = select_articles(pool, *past, [], labels, 2, 13)

    assert ids(chosen)[0] == "u-0"
    assert chosen[0].parts["unsure of entities"] == 1
    assert chosen[0].score == pytest.approx(sum(chosen[0].parts.values()) / len(chosen[0].parts), abs=1e-4)
    assert chosen[0].alike < chosen[1].alike


def test_rare_labels_come_before_frequent_ones(past, labels):
    pool = [article(f"c{n}", f"زار {name} مدينة مرجانة مساء.") for n, name in enumerate(PEOPLE)]
    pool += [article("r", "افتتح مهرجان السنديان أبوابه أمس.")]
    chosen = {choice.article_id: choice for choice in select_articles(pool, *past, [], labels, 9, 13)}

    assert chosen["r-0"].parts["rare labels"] == 1
    assert "EVENT" in chosen["r-0"].expected
    assert "EVENT" not in chosen["c0-0"].expected


def test_rarely_judged_targets_come_first(labels):
    asked = [article(f"m{n}", f"يرى الكاتب أن المترو مشروع نافع {n}.") for n in range(6)]
    golds = [gold(a, stances=[Stance("metro", "favor" if n % 2 else "against")]) for n, a in enumerate(asked)]
    pool = [article(f"c{n}", f"يرى الكاتب أن المترو مشروع كبير {n}.") for n in range(4)]
    pool += [article("law", "يرى الكاتب أن قانون الإعلام مشروع كبير."), article("none", PLAIN)]
    chosen = {choice.article_id: choice for choice in select_articles(pool, asked, golds, [], labels, 9, 13)}

    assert chosen["law-0"].parts["rare stances"] == 1
    assert chosen["law-0"].expected == ("press-law",)
    assert chosen["none-0"].parts["rare stances"] == 0
    assert chosen["none-0"].parts["unsure of stances"] == 0


def test_articles_like_disputed_ones_come_first(past, labels):
    annotated, golds = past
    match = article("match", MATCH)
    judged = [said(match, "a", [Span(20, 26, "ORG")]), said(match, "b", [Span(20, 26, "NORP")])]
    judged += [said(one, who) for one in annotated[5:9] for who in "ab"]
    pool = [article("like", f"{MATCH} وفرح الجمهور."), *(article(f"c{n}", f"{PLAIN} ويوم {n + 20}.") for n in range(5))]
    chosen = {c.article_id: c for c in select_articles(pool, [*annotated, match], golds, judged, labels, 9, 13)}

    assert chosen["like-0"].parts["disputed"] == 1
    assert chosen["like-0"].disputed_like == "match-0"
    assert chosen["c0-0"].disputed_like == ""


def test_copies_do_not_fill_a_batch(past, labels):
    text = "زار طارق زيتونة فريق بلدية مدينة صنوبر أمس."
    pool = [article(f"u{n}", text) for n in range(4)] + [article("w", "التقت سلمى الصنوبري وفدا من بلدة نخيل اليوم.")]
    chosen = select_articles(pool, *past, [], labels, 2, 13)

    assert len({choice.article_id[0] for choice in chosen}) == 2


def test_one_article_per_group_and_none_of_annotated_groups(past, labels):
    annotated, golds = past
    pool = [article(name, f"زار طارق زيتونة بلدية {name} أمس.") for name in "abcd"]
    groups = {"a-0": "a-0", "b-0": "a-0", "c-0": annotated[0].id}
    chosen = select_articles([*pool, annotated[3]], annotated, golds, [], labels, 9, 13, groups)

    assert sorted(ids(chosen)) == ["a-0", "d-0"]
    assert select_articles(annotated, annotated, golds, [], labels, 9, 13) == []


def test_choice_ignores_input_order(past, labels):
    annotated, golds = past
    pool = [article(f"c{n}", f"{PLAIN if n % 3 else MATCH} زار {PEOPLE[n % 5]} بلدة {n}.") for n in range(20)]
    judged = [said(one, who, [Span(0, 3, label)]) for one in annotated for who, label in (("a", "PERS"), ("b", "ORG"))]
    first = select_articles(pool, annotated, golds, judged, labels, 8, 13)
    dice = random.Random(1)  # noqa: S311 - a shuffle
    shuffled = [dice.sample(rows, len(rows)) for rows in (pool, annotated, golds, judged)]

    assert select_articles(pool, annotated, golds, judged, labels, 8, 13) == first
    assert select_articles(*shuffled, labels, 8, 13) == first
    assert [choice.article_id for choice in select_articles(pool, annotated, golds, judged, labels, 4, 13)] == ids(
        first
    )[:4]


def test_no_gold_on_current_texts_is_refused(past, labels):
    annotated, golds = past
    old = [replace(one, text_sha="0" * 16) for one in golds]
    for none in ([], old):
        with pytest.raises(KhabarError) as refused:
            select_articles([article("c", PLAIN)], annotated, none, [], labels, 1, 13)
        assert refused.value.exit_code == 1
        assert [(i.code, i.message, i.fix) for i in refused.value.issues] == [(
            "no-gold", "there is no gold to learn from",
            "sample and annotate a batch first; `khabar adjudicate` shows its gold",
        )]  # fmt: skip
