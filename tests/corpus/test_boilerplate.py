"""The rule engine over lines, and the rules that khabar ships."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.boilerplate import Verdict, check_examples, judge
from builder.schema import Boilerplate, load_schema
from builder.strict_yaml import parse_yaml
from builder.text.profiles import profile
from tests.conftest import ROOT

RULES = load_schema(ROOT / "schema").boilerplate
FOLD = profile("standard@1").fold
PARAGRAPH = "وصلت السفينة الشراعية إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود."
BODY = [PARAGRAPH, "وقال الربان إن الرياح كانت رفيقة طوال الطريق، وإن أحداً من البحارة لم يمرض.", PARAGRAPH]
HEADLINE = "بائع الورد الأخير يروي حكايته"
LINKS = ["• " + HEADLINE, "- كم يبلغ طول الجسر؟", "* المنارة تعود إلى العمل"]


def fates(lines, rules=RULES, source="nasim"):
    return [(v.part, v.rule) if v.role == "body" else v.rule for v in judge(lines, rules, source, FOLD)]


def rule(**fields):
    examples = {"examples": {"matches": ["x"], "leaves": ["y"]}}
    return {"id": "own", **examples, **fields}


def test_every_shipped_rule_takes_its_examples_and_leaves_its_traps():
    assert check_examples(RULES) == []


def test_every_shipped_rule_has_two_examples_and_two_traps():
    thin = [
        r.id
        for r in (*RULES.cuts, *RULES.lines, *RULES.lists)
        if min(len(r.examples.matches), len(r.examples.leaves)) < 2
    ]

    assert thin == []


def test_an_example_that_a_rule_fails_is_reported():
    bad = rule(match="^اقرا", examples={"matches": ["إقرأ", "قال"], "leaves": ["قال: اقرأ", "أقرأُ"]})
    issues = check_examples(Boilerplate.model_validate({"version": 1, "sources": {"s": {"lines": [bad]}}}))

    assert [(issue.where, issue.message) for issue in issues] == [
        ("schema/boilerplate.yaml: own", "does not match its example 'قال'"),
        ("schema/boilerplate.yaml: own", "takes 'أقرأُ', which it must leave"),
    ]


def test_a_line_longer_than_a_rule_allows_is_not_matched():
    text = "version: 1\nlines:\n  - {id: own, match: '^xx', max_length: 3, examples: {matches: [xxx], leaves: [xxxx]}}"

    assert check_examples(parse_yaml(text, Boilerplate, "b")) == []


@pytest.mark.parametrize("marker", ["اقرأ أيضاً", "إقرأ أيضا :", "أقرأ ايضاً", "شاهد أيضًا", "طالع المزيد", "قد يهمك"])
def test_a_headline_and_a_paragraph_below_a_marker_are_an_article_of_their_own(marker):
    lines = [*BODY, marker, HEADLINE, PARAGRAPH, "وانتهت الرحلة.", "المصدر: نسيم", "مقالات مشابهة", *LINKS]
    verdicts = judge(lines, RULES, "nasim", FOLD)

    assert [v.part for v in verdicts if v.role == "body"] == [0, 0, 0, 1, 1]
    assert verdicts[4] == Verdict("headline", 1, "embedded-headline", {"title": HEADLINE})
    assert verdicts[7] == Verdict("drop", 1, "source", {"source_name": "نسيم"})
    assert fates(lines)[8:] == ["related", "link-list", "link-list", "link-list"]
    assert {v.part for v in verdicts[8:]} == {0}


def test_a_single_headline_before_a_paragraph_is_taken_for_an_embedded_article():
    """A page does not say whether its own article goes on here: the text is kept, as another part."""
    assert fates([*BODY, "اقرأ أيضا", HEADLINE, PARAGRAPH])[3:] == ["read-also", "embedded-headline", (1, "")]


def test_a_byline_may_stand_between_headline_and_paragraph():
    lines = [*BODY, "اقرأ أيضا", HEADLINE, "كتب: سراج الكتاني", PARAGRAPH]

    assert fates(lines)[3:] == ["read-also", "embedded-headline", "byline", (1, "")]


@pytest.mark.parametrize(
    "links",
    [
        LINKS,
        LINKS[:1],
        [HEADLINE, "كم يبلغ طول الجسر؟"],
        [HEADLINE, "نسيم البحر: قطيعة طويلة بين أهل الجزيرة والصيادين القادمين من المرافئ البعيدة"],
    ],
)
def test_links_below_a_marker_go_and_the_article_goes_on_at_the_next_paragraph(links):
    found = fates([*BODY, "اقرأ أيضا", *links, PARAGRAPH, "وانتهت الرحلة"])

    assert found[3] == "read-also"
    assert all(isinstance(fate, str) for fate in found[3:-2])
    assert found[-2:] == [(0, ""), (0, "")]


@pytest.mark.parametrize(("line", "fate"), [(PARAGRAPH, (0, "")), ("تابعنا على نسيم", "follow")])
def test_a_paragraph_or_a_line_of_a_rule_is_no_headline(line, fate):
    assert fates([*BODY, "اقرأ أيضا", line, PARAGRAPH])[3:] == ["read-also", fate, (0, "")]


def test_an_embedded_article_has_a_head_and_a_tail_of_its_own():
    dateline = "السدر – نسيم: " + PARAGRAPH
    lines = [*BODY, "(نسيم)", "اقرأ أيضا", HEADLINE, dateline, "(نسيم)", PARAGRAPH]

    assert fates(lines)[3:] == [
        *("agency-credit", "read-also", "embedded-headline", (1, "dateline"), (1, ""), (1, "")),
    ]


def test_nothing_begins_again_below_the_end_of_the_article():
    lines = [*BODY, "مقالات مشابهة", "اقرأ أيضا", HEADLINE, PARAGRAPH, "المصدر: نسيم"]

    assert fates(lines)[3:] == ["related", "related", "related", "related", "source"]


def test_two_articles_can_be_embedded_one_after_the_other():
    lines = [*BODY, "اقرأ أيضا", HEADLINE, PARAGRAPH, "شاهد أيضا", "المنارة تعود", PARAGRAPH]

    assert fates(lines)[4:] == ["embedded-headline", (1, ""), "read-also", "embedded-headline", (2, "")]


def test_a_cut_above_the_body_takes_only_itself_and_its_list():
    lines = ["مقالات مشابهة", *LINKS[:2], "خبر قصير", *BODY, "مقالات مشابهة", "سطر عابر", PARAGRAPH]

    assert fates(lines) == [
        *("related", "link-list", "link-list", (0, ""), (0, ""), (0, ""), (0, "")),
        *("related", "related", "related"),
    ]


def test_a_marker_with_its_headline_behind_it_drops_one_line():
    lines = [BODY[0], "اقرأ أيضاً: بائع الورد الأخير", *BODY]

    assert fates(lines) == [(0, ""), "read-also-inline", (0, ""), (0, ""), (0, "")]


def test_a_list_inside_an_article_is_its_own_and_stays():
    assert fates([*BODY, *LINKS, PARAGRAPH]) == [(0, "")] * 7
    assert fates([*BODY, *LINKS]) == [(0, "")] * 3 + ["link-list"] * 3
    assert fates([*LINKS, *BODY]) == ["link-list"] * 3 + [(0, "")] * 3
    assert fates([*BODY, *LINKS[:2]]) == [(0, "")] * 5


def test_what_is_extracted_keeps_its_spelling():
    lines = ["كتبت – لُبانة الزعفرانيّ", "السِّدر – وكالة أنباء الجزيرة: " + PARAGRAPH, "المصدر : صدى إحسان"]
    found = [v.extracted for v in judge(lines, RULES, "nasim", FOLD)]

    assert found == [
        {"author": "لُبانة الزعفرانيّ"},
        {"place": "السِّدر", "agency": "وكالة أنباء الجزيرة"},
        {"source_name": "صدى إحسان"},
    ]
    assert fates(lines) == ["byline", (0, "dateline"), "source"]


def test_a_dateline_is_read_only_above_the_first_paragraph():
    dateline = "السدر – نسيم: " + PARAGRAPH

    assert fates([dateline, dateline]) == [(0, "dateline"), (0, "")]


def test_head_and_tail_are_told_by_paragraphs():
    rules = Boilerplate.model_validate(
        {"version": 1, "lines": [rule(id="top", match="^علم$", position="head"), rule(match="^ورد$", position="tail")]}
    )

    assert fates(["علم", "ورد", *BODY, "علم", "ورد"], rules) == ["top", (0, ""), *[(0, "")] * 4, "own"]


def test_a_source_turns_rules_off_and_adds_its_own():
    own = {"off": ["source", "link-list", "related"], "lines": [rule(match="^من ضفافنا$")]}
    rules = RULES.model_copy(
        update={"sources": Boilerplate.model_validate({"version": 1, "sources": {"d": own}}).sources}
    )
    lines = [*BODY, "المصدر: نسيم", "من ضفافنا", "مقالات مشابهة", *LINKS]

    assert fates(lines, rules, "d")[3:] == [(0, ""), "own", (0, ""), (0, ""), (0, ""), (0, "")]
    assert fates(lines, rules, "e")[3:] == ["source", (0, ""), "related", *["link-list"] * 3]


@pytest.mark.parametrize(
    "line",
    [
        "قال المصدر: لن نتراجع عن القرار",
        "شاهد عيان روى أن السفينة عادت",
        "للمزيد من التعاون وقّع البلدان اتفاقاً",
        "شارك الوزير في افتتاح المعرض",
        "كتب جديدة في معرض الخريف",
        "تابعنا سير المباراة من المدرجات",
        "حمل الصيادون شباكهم",
        "- أهلاً بكم، قال الربان.",
        "المصدر: سنعلن النتائج غداً.",
    ],
)
def test_prose_that_looks_like_boilerplate_stays(line):
    assert fates([*BODY, line, PARAGRAPH]) == [(0, "")] * 5
    assert fates([*BODY, line]) == [(0, "")] * 4


SOME = st.sampled_from([*BODY, *LINKS, HEADLINE, "اقرأ أيضا", "مقالات مشابهة", "المصدر: نسيم", "شارك المقال", "علم"])


@given(st.lists(SOME, max_size=14))
def test_each_line_has_one_verdict_and_each_part_one_headline(lines):
    verdicts = judge(lines, RULES, "nasim", FOLD)
    headlines = [v.part for v in verdicts if v.role == "headline"]

    assert len(verdicts) == len(lines)
    assert headlines == list(range(1, len(headlines) + 1))
    assert {v.part for v in verdicts if v.role == "body"} <= {0, *headlines}
    assert all(v.rule for v in verdicts if v.role != "body")
    assert set(headlines) <= {v.part for v in verdicts if v.role == "body"}
