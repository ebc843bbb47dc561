"""The rule engine over lines, and the shipped rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from builder.corpus.cleaning import boilerplate
from builder.corpus.cleaning.boilerplate import classify_batch, classify_lines
from builder.corpus.cleaning.counts import no_counts
from builder.corpus.cleaning.decisions import LineDecision
from builder.corpus.cleaning.evidence import Evidence
from builder.corpus.cleaning.matching.examples import check_examples
from builder.corpus.cleaning.matching.rules import compile_rules
from builder.corpus.cleaning.page import _NUMBER, _SIGNS, begins_article, link_text, paragraphs, read_page
from builder.io.yaml import parse_yaml
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.corpus.cleaning.marked import lean

SHIPPED = load_schema(ROOT / "schema").boilerplate
RULES = lean(SHIPPED)
FOLD = profile("standard@1").fold
PARAGRAPH = "وصلت السفينة الشراعية إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود."
BODY = [PARAGRAPH, "وقال الربان إن الرياح كانت رفيقة طوال الطريق، وإن أحداً من البحارة لم يمرض.", PARAGRAPH]
HEADLINE = "بائع الورد الأخير يروي حكايته"
STORY = "يجلس بائع الورد عند باب السوق كل صباح، ويقول إن المدينة كانت تشتري منه ألف وردة في اليوم."
LINKS = ["• " + HEADLINE, "- كم يبلغ طول الجسر؟", "* المنارة تعود إلى العمل"]
LONELY = "صيادو الضفاف يبدأون موسم اللؤلؤ"
"""A headline that nothing else on a page speaks of."""


def fold(lines):
    return FOLD("\n".join(lines)).split("\n")


def every_rule_acts(source="nasim"):
    """As in a dump, or in any page of khabar 0.1: what each rule does, whatever the page."""
    return Evidence(no_counts(), source, is_asked=False)


def verdicts_of(lines, rules=RULES, source="nasim"):
    return classify_lines(lines, fold(lines), compile_rules(rules), source, every_rule_acts(source))


def fates(lines, rules=RULES, source="nasim"):
    return [(v.part, v.rule) if v.role == "body" else v.rule for v in verdicts_of(lines, rules, source)]


def with_own(source, **own):
    return Boilerplate.model_validate({**RULES.model_dump(), "sources": {source: own}})


def rule(**fields):
    examples = {"examples": {"matches": ["x"], "leaves": ["y"]}}
    return {"id": "own", **examples, **fields}


def test_shipped_rules_match_examples_and_leave_traps():
    assert check_examples(RULES) == []


def test_shipped_rules_have_two_examples_and_two_traps():
    thin = [
        r.id
        for r in (*RULES.cuts, *RULES.lines, *RULES.lists)
        if min(len(r.examples.matches), len(r.examples.leaves)) < 2
    ]

    assert thin == []


def test_failed_example_is_reported():
    bad = rule(match="^اقرا", examples={"matches": ["إقرأ", "قال"], "leaves": ["قال: اقرأ", "أقرأُ"]})
    issues = check_examples(Boilerplate.model_validate({"version": 1, "sources": {"s": {"lines": [bad]}}}))

    assert [(issue.where, issue.message) for issue in issues] == [
        ("schema/boilerplate.yaml: own", "does not match its example 'قال'"),
        ("schema/boilerplate.yaml: own", "matches 'أقرأُ' (folded: 'اقرا'), which is listed under `leaves`"),
    ]


def test_line_above_max_length_is_not_matched():
    text = "version: 1\nlines:\n  - {id: own, match: '^xx', max_length: 3, examples: {matches: [xxx], leaves: [xxxx]}}"

    assert check_examples(parse_yaml(text, Boilerplate, "b")) == []


@pytest.mark.parametrize("marker", ["اقرأ أيضاً", "إقرأ أيضا :", "أقرأ ايضاً", "شاهد أيضًا", "طالع المزيد", "قد يهمك"])
def test_headline_and_paragraph_below_marker_are_an_embedded_article(marker):
    lines = [*BODY, marker, HEADLINE, PARAGRAPH, "وانتهت الرحلة.", "المصدر: نسيم", "مقالات مشابهة", *LINKS]
    verdicts = verdicts_of(lines)

    assert [v.part for v in verdicts if v.role == "body"] == [0, 0, 0, 1, 1]
    assert verdicts[4] == LineDecision("headline", 1, "embedded-headline", {"title": HEADLINE})
    assert verdicts[7] == LineDecision("drop", 1, "source", {"source_name": "نسيم"})
    assert fates(lines)[8:] == ["related", "link-list", "link-list", "link-list"]
    assert {v.part for v in verdicts[8:]} == {0}


def test_headline_repeated_in_next_paragraph_begins_an_article():
    assert fates([*BODY, "اقرأ أيضا", HEADLINE, STORY])[3:] == ["read-also", "embedded-headline", (1, "")]


def test_headline_unrelated_to_next_paragraph_is_a_link():
    assert fates([*BODY, "اقرأ أيضا", LONELY, PARAGRAPH])[3:] == ["read-also", "read-also", (0, "")]


def test_headline_with_few_new_words_begins_another_part():
    assert fates([*BODY, "اقرأ أيضا", "السفينة والورود", PARAGRAPH])[3:] == ["read-also", "embedded-headline", (1, "")]


def test_words_used_above_do_not_begin_an_article():
    headline = "السفينة الشراعية تصل الضفاف وتنقل لؤلؤ الصيادين"

    assert fates([*BODY, "اقرأ أيضا", headline, PARAGRAPH])[3:] == ["read-also", "read-also", (0, "")]


@pytest.mark.parametrize("links", [LINKS, ["• " + HEADLINE + "!"], ["3. «" + HEADLINE + "»"], [HEADLINE]])
def test_headline_recurring_among_links_begins_an_article(links):
    lines = [*BODY, "اقرأ أيضا", HEADLINE, "سطر قصير", "وآخر", "مقالات مشابهة", *links]

    assert fates(lines)[3:7] == ["read-also", "embedded-headline", (1, ""), (1, "")]
    assert fates(lines[: -len(links)])[3:7] == ["read-also"] * 4


def test_all_recurring_links_are_links():
    lines = [*BODY, "اقرأ أيضا", HEADLINE, LONELY, PARAGRAPH, "مقالات مشابهة", "• " + HEADLINE, "• " + LONELY]

    assert fates(lines)[3:7] == ["read-also"] * 3 + [(0, "")]


@pytest.mark.parametrize(
    ("above", "below"),
    [([], ["كتب: سراج الكتاني"]), ([], ["نُشر في: 12/3/2026"]), (["المصدر: نسيم"], []), (["(انتهى)"], [])],
)
def test_closed_article_above_or_byline_below_begins_an_article(above, below):
    found = fates([*BODY, *above, "اقرأ أيضا", LONELY, *below, PARAGRAPH])

    assert found[-1] == (1, "")
    assert found[3 + len(above) :][:2] == ["read-also", "embedded-headline"]


def test_dateline_below_headline_begins_an_article():
    dateline = "السدر – نسيم: " + PARAGRAPH

    assert fates([*BODY, "اقرأ أيضا", LONELY, dateline])[4:] == ["embedded-headline", (1, "dateline")]


def test_line_taken_by_a_cut_is_no_headline():
    lines = [*BODY, "اقرأ أيضا", "شاهد أيضا: " + HEADLINE, STORY]

    assert fates(lines)[3:] == ["read-also", "read-also-inline", (0, "")]


def test_byline_may_follow_an_embedded_headline():
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
def test_links_go_and_article_resumes_at_next_paragraph(links):
    found = fates([*BODY, "اقرأ أيضا", *links, PARAGRAPH, "وانتهت الرحلة"])

    assert found[3] == "read-also"
    assert all(isinstance(fate, str) for fate in found[3:-2])
    assert found[-2:] == [(0, ""), (0, "")]


@pytest.mark.parametrize(("line", "fate"), [(PARAGRAPH, (0, "")), ("تابعنا على نسيم", "follow")])
def test_paragraph_or_ruled_line_is_no_headline(line, fate):
    assert fates([*BODY, "اقرأ أيضا", line, PARAGRAPH])[3:] == ["read-also", fate, (0, "")]


def test_embedded_article_has_its_own_head_and_tail():
    dateline = "السدر – نسيم: " + PARAGRAPH
    lines = [*BODY, "(نسيم)", "اقرأ أيضا", HEADLINE, dateline, "(نسيم)", PARAGRAPH]

    assert fates(lines)[3:] == [
        *("agency-credit", "read-also", "embedded-headline", (1, "dateline"), (1, ""), (1, "")),
    ]


def test_nothing_begins_after_the_end_of_the_article():
    lines = [*BODY, "التعليقات", "اقرأ أيضا", HEADLINE, PARAGRAPH, "المصدر: نسيم"]

    assert fates(lines)[3:] == ["comments", "comments", "comments", "comments", "source"]


def test_two_consecutive_embedded_articles():
    lines = [*BODY, "اقرأ أيضا", HEADLINE, STORY, "شاهد أيضا", "المنارة تعود", PARAGRAPH]

    assert fates(lines)[4:] == ["embedded-headline", (1, ""), "read-also", "embedded-headline", (2, "")]


def test_cut_above_the_body_takes_only_itself_and_its_list():
    lines = ["مقالات مشابهة", *LINKS[:2], "خبر قصير", *BODY, "مقالات مشابهة", "سطر عابر", PARAGRAPH]

    assert fates(lines) == [
        *("related", "link-list", "link-list", (0, ""), (0, ""), (0, ""), (0, "")),
        *("related", "embedded-headline", (1, "")),
    ]


def test_inline_marker_drops_one_line():
    lines = [BODY[0], "اقرأ أيضاً: بائع الورد الأخير", *BODY]

    assert fates(lines) == [(0, ""), "read-also-inline", (0, ""), (0, ""), (0, "")]


def test_list_inside_an_article_stays():
    assert fates([*BODY, *LINKS, PARAGRAPH]) == [(0, "")] * 7
    assert fates([*BODY, *LINKS]) == [(0, "")] * 3 + ["link-list"] * 3
    assert fates([*LINKS, *BODY]) == [(0, "")] * 6
    assert fates([*BODY, *LINKS[:2]]) == [(0, "")] * 5


def test_extracted_values_keep_their_spelling():
    lines = ["كتبت – لُبانة الزعفرانيّ", "السِّدر – وكالة أنباء الجزيرة: " + PARAGRAPH, "المصدر : صدى إحسان"]
    found = [v.extracted for v in verdicts_of(lines)]

    assert found == [
        {"author": "لُبانة الزعفرانيّ"},
        {"place": "السِّدر", "agency": "وكالة أنباء الجزيرة"},
        {"source_name": "صدى إحسان"},
    ]
    assert fates(lines) == ["byline", (0, "dateline"), "source"]


def test_dateline_is_read_only_above_first_paragraph():
    dateline = "السدر – نسيم: " + PARAGRAPH

    assert fates([dateline, dateline]) == [(0, "dateline"), (0, "")]


def test_head_and_tail_are_found_by_paragraphs():
    rules = Boilerplate.model_validate(
        {"version": 1, "lines": [rule(id="top", match="^علم$", position="head"), rule(match="^ورد$", position="tail")]}
    )

    assert fates(["علم", "ورد", *BODY, "علم", "ورد"], rules) == ["top", (0, ""), *[(0, "")] * 4, "own"]


def test_source_turns_rules_off_and_adds_its_own():
    rules = with_own(
        "d",
        off=["source", "link-list", "related"],
        cuts=[rule(id="own-cut", match="^قبل أن تذهب$".translate({ord("أ"): "ا"}), action="drop_to_end")],
        lines=[rule(id="own-line", match="^من ضفافنا$")],
        lists=[rule(id="own-list", match="^~", min_run=2)],
    )
    lines = [*BODY, "المصدر: نسيم", "من ضفافنا", "مقالات مشابهة", *LINKS, "~ موج", "~ ريح", "قبل أن تذهب", "سطر"]

    assert fates(lines, rules, "d")[3:] == [
        *((0, ""), "own-line", (0, ""), (0, ""), (0, ""), (0, "")),
        *("own-list", "own-list", "own-cut", "own-cut"),
    ]
    assert fates(lines, rules, "e")[3:] == ["source", (0, ""), "related", *["link-list"] * 3, *["related"] * 4]


def test_source_rule_precedes_shipped_rule():
    rules = with_own("d", lines=[rule(match="^المصدر")], cuts=[rule(id="mine", match="^مقالات", action="drop_line")])

    assert fates([*BODY, "المصدر: نسيم", "مقالات مشابهة", "سطر"], rules, "d")[3:] == ["own", "mine", (0, "")]


def test_turning_off_an_unknown_rule_is_an_error():
    with pytest.raises(ValidationError, match="unknown rule id under `off`: relatd"):
        with_own("d", off=["relatd"])


def test_duplicate_id_in_a_source_is_an_error():
    with pytest.raises(ValidationError, match="duplicate rule id: related"):
        with_own("d", lists=[rule(id="related", match="^~")])


BOX = ["تخطى الأكثر قراءة وواصل القراءة", "الأكثر قراءة", PARAGRAPH, "المصدر: نسيم", "• سطر"]
BOX_END = "الأكثر قراءة نهاية"


def test_box_ends_and_article_resumes():
    found = fates([BODY[0], *BOX, BOX_END, *BODY])

    assert found == [(0, ""), *["skip-box"] * 5, "skip-box-end", (0, ""), (0, ""), (0, "")]


def test_box_without_reachable_end_loses_only_its_title():
    title, *rest = BOX

    assert fates([BODY[0], title, *BODY, *BODY]) == [(0, ""), "skip-box", *[(0, "")] * 6]
    assert fates([*BODY, title, *BODY * 5, BOX_END])[3:6] == ["skip-box", (0, ""), (0, "")]
    assert fates([*BODY, title, *(BODY * 5)[1:], BOX_END])[3:] == ["skip-box"] * 15 + ["skip-box-end"]
    assert fates([BODY[0], title, *rest[1:]])[:3] == [(0, ""), "skip-box", (0, "")]


def test_box_length_is_limited_by_its_rule():
    box = rule(match="^علم$", action="drop_until", until="^ورد$", at_most=2)
    box["examples"]["ends"] = ["ورد"]
    rules = Boilerplate.model_validate({"version": 1, "cuts": [box]})

    assert fates(["علم", "سطر", "ورد", "علم", "سطر", "سطر", "ورد"], rules) == [
        *("own", "own", (0, "")),
        *("own", (0, ""), (0, ""), (0, "")),
    ]


def test_article_may_end_and_begin_around_a_box():
    lines = [*BODY, "اقرأ أيضا", HEADLINE, *BOX, BOX_END, STORY]

    assert fates(lines)[3:] == ["read-also", "embedded-headline", *["skip-box"] * 5, "skip-box-end", (1, "")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"action": "drop_until", "until": "^x"}, "drop_until needs"),
        ({"action": "drop_until", "examples": {"matches": ["x"], "leaves": ["y"], "ends": ["z"]}}, "drop_until needs"),
        ({"action": "drop_line", "until": "^x"}, "belong to drop_until, not to drop_line"),
        ({"action": "drop_until", "until": "(", "examples": {"matches": ["x"], "leaves": ["y"]}}, "not a regular expr"),
    ],
)
def test_cut_has_an_end_exactly_when_it_drops_until(fields, message):
    with pytest.raises(ValidationError, match=message):
        Boilerplate.model_validate({"version": 1, "cuts": [rule(match="^x", **fields)]})


def test_box_end_examples_are_checked():
    examples = {"matches": ["علم"], "leaves": ["سطر"], "inside": ["موج", "ريح"], "ends": ["ورد", "زهر"]}
    box = rule(match="^علم$", action="drop_until", until="^(?:ورد|ريح)$", at_most=2, examples=examples)

    assert [issue.message for issue in check_examples(Boilerplate.model_validate({"version": 1, "cuts": [box]}))] == [
        "`until` does not match 'زهر', which is listed under `ends`",
        "`until` matches 'ريح', which is listed under `inside`",
        "`at_most` (2) must exceed the number of lines under `inside` (2)",
    ]


NUMBERED = ["1. بائع الورد الأخير", "٢- كم يبلغ طول الجسر؟", "3) المنارة تعود إلى العمل"]


def test_numbered_list_goes_only_below_a_marker():
    assert fates([*BODY, "مقالات مشابهة", *NUMBERED])[3:] == ["related"] * 4
    assert fates([*BODY, *NUMBERED]) == [(0, "")] * 6


@pytest.mark.parametrize("items", [NUMBERED, LINKS])
def test_list_introduced_by_prose_stays(items):
    assert fates([*BODY, "وقال الربان إن البحارة جاؤوا من هذه المرافئ:", *items]) == [(0, "")] * 7
    assert fates([*BODY, "وأيضاً:", *LINKS])[4:] == ["link-list"] * 3


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
def test_prose_like_boilerplate_stays(line):
    assert fates([*BODY, line, PARAGRAPH]) == [(0, "")] * 5
    assert fates([*BODY, line]) == [(0, "")] * 4


MARKERS = ["اقرأ أيضا", "مقالات مشابهة", "المصدر: نسيم", "شارك المقال", "شاهد أيضا: علم", BOX[0], BOX_END, "(نسيم)"]
SOME = st.sampled_from([*BODY, STORY, *LINKS, *NUMBERED, HEADLINE, LONELY, *MARKERS, "علم"])
EVERY = (*RULES.cuts, *RULES.lines, *RULES.lists)
LETTERS = "اقرايضتلموصدكن عبهش.:•-(1©#x"


@given(st.lists(SOME, max_size=14))
def test_each_line_has_one_verdict_and_each_part_one_headline(lines):
    verdicts = verdicts_of(lines)
    headlines = [v.part for v in verdicts if v.role == "headline"]

    assert len(verdicts) == len(lines)
    assert headlines == list(range(1, len(headlines) + 1))
    assert {v.part for v in verdicts if v.role == "body"} <= {0, *headlines}
    assert all(v.rule for v in verdicts if v.role != "body")
    assert set(headlines) <= {v.part for v in verdicts if v.role == "body"}


@given(st.lists(SOME, min_size=4, max_size=60))
def test_words_said_above_are_found_in_lines_or_gathered(lines):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boilerplate, "FEW_MARKERS", 0)
        gathered = verdicts_of(lines)
        patch.setattr(boilerplate, "FEW_MARKERS", len(lines))
        assert verdicts_of(lines) == gathered


@given(st.text("اب 0.•-_–«3)", min_size=1))
def test_link_text_is_the_same_for_letters_alone(line):
    numbered = _NUMBER.match(line)
    assert link_text(line) == _SIGNS.sub(" ", _NUMBER.sub("", line, count=1) if numbered else line).strip()


@given(st.lists(st.text(LETTERS, min_size=1).map(lambda line: " ".join(line.split()) or "ا"), max_size=8))
def test_any_lines_have_one_verdict_each(lines):
    assert len(verdicts_of(lines)) == len(lines)


def candidates_of(rules, line):
    [[one]] = compile_rules(rules).candidates([("nasim", [line])])
    return [ready.rule.id for ready in (*one.cuts, *one.lines, *one.lists)]


@pytest.mark.parametrize("shipped", EVERY, ids=lambda shipped: shipped.id)
def test_candidates_include_every_matching_rule(shipped):
    def seen(lines):
        return [" ".join(FOLD(line).split()) for line in lines]

    assert all(shipped.id in candidates_of(RULES, line) for line in seen(shipped.examples.matches))


def test_batch_of_sources_equals_pages_one_by_one():
    rules = with_own("d", off=["source"], lines=[rule(match="^عوده")])
    pages = [["المصدر: نسيم", "عودة السفينة"], [], ["عودة السفينة", *BODY, "المصدر: نسيم"]]
    sources = ["d", "nasim", "nasim"]
    seen = [fold(lines) if lines else [] for lines in pages]

    together = classify_batch(pages, seen, compile_rules(rules), [every_rule_acts(source) for source in sources])

    assert together == [
        classify_lines(*one, compile_rules(rules), source, every_rule_acts(source))
        for *one, source in zip(pages, seen, sources, strict=True)
    ]
    assert [v.rule for v in together[0]] == ["", "own"]
    assert [v.rule for v in together[2]] == ["", "", "", "", "source"]


def test_unmatched_line_is_tried_by_no_rule():
    assert candidates_of(RULES, FOLD("عادت السفينة إلى المرفأ بعد رحلة طويلة في بحر هادئ.")) == []


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        ("ا" * 120, True), ("ا" * 119, False), ("ا" * 60 + ".", True), ("ا" * 59 + ".", False), ("ا" * 60 + "….»", True),
        ("ا" * 60 + "؟", False), ("• " + "ا" * 130, False), ("- " + "ا" * 70 + ".", False), ("", False), ("»" * 80, False),
        ("." + "»" * 80, False), ("ا" * 59 + ".»" + "»" * 9, False),
    ],
)  # fmt: skip
def test_paragraph_is_long_or_ends_like_a_sentence(line, is_one):
    assert paragraphs([line]) == [is_one]


def test_equal_rules_are_compiled_once():
    again = Boilerplate.model_validate(RULES.model_dump())

    assert compile_rules(RULES) is compile_rules(again)
    assert compile_rules(RULES) is not compile_rules(with_own("d", off=["source"]))


def test_extracted_text_keeps_its_marks():
    (verdict,) = verdicts_of(["كَتَبَتْ – لُبانةُ الزعفرانيُّ"])

    assert verdict.extracted == {"author": "لُبانةُ الزعفرانيُّ"}


@pytest.mark.parametrize("make", [
    lambda n: ["اقرأ أيضا", HEADLINE, "كتب: سراج الكتاني"] * n,
    lambda n: [*BODY, *[BOX[0]] * n],
    lambda n: [*BODY, *["مقالات مشابهة"] * n],
    lambda n: [*BODY, *(["اقرأ أيضا", HEADLINE, PARAGRAPH] * n)],
    lambda n: ["• موج"] * n,
    lambda n: ["المصدر: نسيم"] * n,
])  # fmt: skip
def test_work_per_line_is_bounded(make, monkeypatch):
    """The work per line does not grow with the page: counted, not timed."""

    def steps(n):
        lines = make(n)
        seen = fold(lines)
        count = 0

        class Counted(list):
            def __getitem__(self, index):
                nonlocal count
                count += 1
                return super().__getitem__(index)

        classify_lines(lines, Counted(seen), compile_rules(RULES), "nasim")
        return count / len(lines)

    assert steps(400) <= 1.5 * steps(100) + 1


def test_huge_line_and_huge_page_are_judged():
    huge = "موج " * 250_000

    assert fates([*BODY, huge.strip(), "المصدر: نسيم"])[3:] == [(0, ""), "source"]
    assert len(verdicts_of(["علم"] * 100_000)) == 100_000


def test_empty_page_has_no_verdicts():
    assert classify_lines([], [""], compile_rules(RULES), "nasim") == []


def test_no_article_begins_below_the_last_line():
    lines = ["اقرا ايضا"]
    (candidates,) = compile_rules(RULES).candidates([("nasim", lines)])

    assert not begins_article(read_page(lines, candidates, paragraphs(lines)), 1, set())
