"""Rules suggested from what recurs at the edges of a source's pages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.boilerplate import classify_lines
from builder.corpus.cleaning.counts import count_table, merge
from builder.corpus.cleaning.matching.examples import check_examples
from builder.corpus.cleaning.matching.rules import compile_rules
from builder.corpus.cleaning.suggest.describe import describe
from builder.corpus.cleaning.suggest.insert import insert_rules
from builder.corpus.cleaning.suggest.proposals import suggest_rules, wilson
from builder.io.hashing import sha16
from builder.io.parquet import to_table
from builder.io.yaml import parse_yaml
from builder.records import Document, KhabarError
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.corpus.cleaning.named import named, paragraph

pytestmark = pytest.mark.slow  # each test counts a crawl

FILE = (ROOT / "schema" / "boilerplate.yaml").read_text(encoding="utf-8")
SHIPPED = load_schema(ROOT / "schema").boilerplate
READY = compile_rules(SHIPPED)
STANDARD = profile("standard@1")


def document(text, source="nasim", **fields):
    return Document(
        sha16(text + source), source, None, None, fields.get("title"), text, "x.txt", author=fields.get("author")
    )


def page(n, top=(), bottom=(), source="nasim", last=""):
    """A page with two paragraphs of its own; the lines above and below, and the end of the last, are told the number."""
    lines = [*top, paragraph(n), f"وفي {named(n)} {paragraph(n)}{last}", *bottom]
    return document("\n".join(line.replace("{n}", str(n)).replace("{name}", named(n)) for line in lines), source)


def pages(number, top=(), bottom=(), source="nasim", last="", begin=0):
    return [page(n, top, bottom, source, last) for n in range(begin, begin + number)]


def proposed(documents, **options):
    return suggest_rules(lambda: iter(documents), STANDARD, READY, **options)


def pasted(proposals, text=FILE):
    for one in proposals:
        text = insert_rules(text, one.source, one.rules)
    return parse_yaml(text, Boilerplate, "boilerplate.yaml")


def left_by(boilerplate, documents):
    """The lines of the first document that the rules leave, with what they cut of them."""
    lines = documents[0].raw.split("\n")
    folded = STANDARD.fold_batch(["\n".join(lines)])[0].split("\n")
    decided = classify_lines(lines, folded, compile_rules(boilerplate), documents[0].source)
    return [
        line[max((p.end for p in one.cut if p.start == 0), default=0) : min((p.start for p in one.cut if p.start), default=len(line))].strip()
        for line, one in zip(lines, decided, strict=True) if one.role == "body"
    ]  # fmt: skip


def test_recurring_line_is_proposed_with_counts():
    (one,) = proposed([*pages(8, bottom=["نَسيم على مدار الساعة كلها"]), *pages(12, begin=8)])
    (rule,) = one.rules

    assert (one.source, one.kind, one.documents, one.of, one.share) == ("nasim", "line", 8, 20, 0.4)
    assert (one.matching, one.inside, one.warning, one.dropped) == (8, 0, "", None)
    assert (rule.match, rule.position, rule.takes, rule.evidence) == (
        "^نسيم علي مدار الساعه كلها$",
        "tail",
        "line",
        "hard",
    )
    assert one.examples == rule.examples.matches == ("نسيم على مدار الساعة كلها",)
    assert one.precision == pytest.approx(wilson(8, 8))


def test_numbers_addresses_and_signs_are_masked():
    bottom = ["للتواصل مع الكاتبة: sms{n} على bahr{n}@nasim.example.com", "** نسيم؛ العدد {n} من السنة العاشرة **"]
    found = proposed(pages(9, bottom=bottom))

    (rule, other) = (rule for one in found for rule in one.rules)
    assert re.search(rule.match, "للتواصل مع الكاتبه sms7 علي milh@nasim.example.com")
    assert re.search(other.match, "** نسيم؛ العدد 118 من السنه العاشره **")


def test_label_with_a_changing_rest():
    documents = [*pages(30, bottom=["رابط الحكاية في صحيفة نسيم: عودة سفينة {name}"]), *pages(30, begin=30)]
    (one,) = proposed(documents)

    assert (one.kind, one.documents, one.of) == ("label", 30, 60)
    assert re.search(one.rules[0].match, "رابط الحكايه في صحيفه نسيم: المناره تضيء")
    assert len(one.examples) == 3
    assert left_by(pasted([one]), documents) == documents[0].raw.split("\n")[:-1]


def test_words_of_speech_are_no_label():
    said = ["وقال القبطان العجوز أيضا: عدنا مع {name}"]
    inside = [
        document("\n".join([paragraph(n), said[0].replace("{name}", named(n)), paragraph(n + 500)])) for n in range(40)
    ]

    assert proposed([*pages(12, bottom=said, begin=100), *inside]) == []


def test_sentences_that_begin_alike_are_no_suffix():
    ended = pages(40, last=" ويذكر أن رحلة {name} كانت طويلة.", begin=100)

    assert proposed([*pages(9, last=" ويذكر أن رحلة {name} كانت قصيرة"), *ended]) == []


def test_dates_are_no_opening():
    assert proposed([*pages(9, bottom=["السبت {n} مارس 2026 سباق {name}"]), *pages(991, begin=9)]) == []


def test_signature_between_dashes():
    places = ["مرفأ السدر", "جزيرة الملح", "متابعات البحر", "خان اللؤلؤ"]
    lines = [[f"عين نسيم – {places[n % 4]}"] for n in range(24)]
    (one,) = proposed([page(n, top=line) for n, line in enumerate(lines)])

    assert (one.kind, one.documents) == ("field", 24)
    assert re.search(one.rules[0].match, "عين نسيم – قريه الصدف")
    assert not re.search(one.rules[0].match, "عين نسيم")


def test_prefix_of_the_first_paragraph():
    places = ["مرفأ السدر", "جزيرة الملح", "متابعات"]
    documents = [document(f"عين نسيم – {places[n % 3]}: {paragraph(n)}\n{paragraph(n + 500)}") for n in range(15)]
    (one,) = proposed(documents)

    assert (one.kind, one.rules[0].takes, one.documents) == ("prefix", "prefix", 15)
    assert left_by(pasted([one]), documents) == [paragraph(0), paragraph(500)]


@pytest.mark.parametrize("glue", [" ", ""])
def test_suffix_behind_the_last_sentence(glue):
    documents = [*pages(15, last=f"{glue}حكايات أخرى للكاتبة رحلة {{name}} إلى الجزر"), *pages(25, begin=15)]
    (one,) = proposed(documents)

    assert (one.kind, one.rules[0].takes, one.documents) == ("suffix", "suffix", 15)
    assert left_by(pasted([one]), documents) == left_by(SHIPPED, pages(1))


def test_first_word_before_a_changing_rest_needs_a_share():
    many = [*pages(10, bottom=["سمات {name}"]), *pages(40, begin=10)]
    few = [*pages(10, bottom=["سمات {name}"]), *pages(1490, begin=10)][:1500]

    assert [one.kind for one in proposed(many)] == ["opening"]
    assert {one.kind for one in proposed(few)} <= {"line"}


def test_neighbouring_lines_are_one_block():
    lines = ["للكاتبة رسائل تصل كل يوم", "تبدأ بالرقم {n} ثم الاسم", "88{n} - مرفأ تل", "77{n} - بحر تل"]
    (one,) = proposed([*pages(9, bottom=lines), *pages(9, begin=9)])

    assert (one.kind, len(one.rules), one.documents) == ("block", 4, 9)
    assert [rule.id for rule in one.rules] == [f"{one.id}-{k}" for k in range(1, 5)]
    assert one.examples[0].count("\n") == 3


def test_line_that_leads_to_another_is_not_proposed():
    assert proposed(pages(9, bottom=["وهذه أسماء الفائزين في السباق:", "{name} بحار"])) == []


@pytest.mark.parametrize(("line", "warning"), [("إلى اللقاء في رحلة أخرى", "formula"), ("عاش أهل البحر كلهم.", "sentence"), ("نسيم كل يوم وليلة", "")])  # fmt: skip
def test_lines_like_text_have_a_warning(line, warning):
    (one,) = proposed(pages(9, bottom=[line]))

    assert warning in one.warning
    assert bool(one.warning) == bool(warning)
    assert ("WARNING" in describe(one)) == bool(warning)


@pytest.mark.parametrize(("number", "least", "found"), [(5, 5, 1), (4, 5, 0), (4, 4, 1), (3, 3, 0)])
def test_line_needs_enough_documents(number, least, found):
    documents = [*pages(number, bottom=["راديو النورس الأزرق كل صباح"]), *pages(20, begin=number)]

    assert len(proposed(documents, min_documents=least)) == (found if wilson(number, number) >= 0.5 else 0)


def test_copies_of_a_page_count_once():
    once = pages(4, bottom=["راديو النورس الأزرق كل صباح"])
    copies = [document(one.raw.replace(" ", "  ") + "\n\n") for one in once]

    assert proposed([*once, *once, *copies]) == []
    assert proposed([*once, *copies], min_documents=4)[0].documents == 4


def test_each_source_is_counted_separately():
    line = ["راديو النورس الأزرق كل صباح"]
    documents = [*pages(4, bottom=line), *pages(4, bottom=line, source="barq")]

    assert proposed(documents) == []
    assert [(p.source, p.of) for p in proposed(documents, min_documents=4)] == [("barq", 4), ("nasim", 4)]


def test_what_a_rule_or_the_record_takes_is_not_proposed():
    bottom = ["شارك المقال", "تابعوا نسيم عبر Google News", "مقالات مشابهة"]
    signed = [document(f"سراج الكتاني البحري\n{one.raw}", author="سراج الكتاني البحري") for one in pages(9)]

    assert proposed(pages(9, bottom=bottom)) == []
    assert proposed(signed) == []


def test_counter_examples_come_from_inside_texts():
    line = "راديو النورس الأزرق كل صباح"
    inside = document("\n".join([paragraph(900), "راديو النورس القديم صمت أمس. " + paragraph(901), paragraph(902)]))
    wrong = document("\n".join([paragraph(910), line, paragraph(911)]))
    (near,) = proposed([*pages(9, bottom=[line]), inside])
    (matched,) = proposed([*pages(9, bottom=[line]), inside, wrong])

    assert near.counter_examples[0].startswith("راديو النورس القديم صمت أمس.")
    assert near.rules[0].examples.leaves == near.counter_examples[:1]
    assert (matched.matching, matched.inside, matched.counter_examples) == (10, 1, (line,))
    assert matched.precision == pytest.approx(wilson(9, 10))
    assert "no line inside the texts is like it" in describe(proposed(pages(9, bottom=[line]))[0])


def test_line_that_is_often_inside_texts_is_not_proposed():
    line = "راديو النورس الأزرق كل صباح"
    inside = [document("\n".join([paragraph(n), line, paragraph(n + 100)])) for n in range(100, 120)]

    assert proposed([*pages(9, bottom=[line]), *inside]) == []


def test_ids_are_stable_and_not_taken():
    line = ["راديو النورس الأزرق كل صباح"]
    (few,), (many,) = proposed(pages(9, bottom=line)), proposed(pages(19, bottom=line))
    (arabic,) = proposed(pages(9, bottom=line, source="1.نسيم.example"))
    taken = compile_rules(
        SHIPPED.model_copy(update={"lines": (*SHIPPED.lines, few.rules[0].model_copy(update={"match": "^x$"}))})
    )
    (other,) = suggest_rules(lambda: iter(pages(9, bottom=line)), STANDARD, taken)

    assert few.id == many.id
    assert few.id.startswith("nasim-line-")
    assert arabic.id.startswith("example-line-")
    assert other.id != few.id


def test_proposals_are_sorted_by_source_and_documents():
    both = ["راديو النورس الأزرق كل صباح"]
    documents = [
        *pages(9, top=both),
        *pages(12, bottom=["نسيم كل يوم وليلة"], begin=20),
        *pages(9, both, source="barq"),
    ]

    assert [(p.source, p.documents) for p in proposed(documents)] == [("barq", 9), ("nasim", 12), ("nasim", 9)]


def test_what_counts_drop_already_is_said():
    documents = [*pages(25, bottom=["راديو النورس الأزرق كل صباح"]), *pages(15, begin=25)]
    sightings = count_table(to_table(documents, Document), STANDARD).table
    counts = merge(STANDARD.id, sightings.num_rows, lambda: iter([sightings]))

    assert proposed(documents, counts=counts)[0].dropped == 1.0
    assert "dropped by counts already: 100%" in describe(proposed(documents, counts=counts)[0])


def test_applied_rules_take_the_lines_and_are_not_proposed_again():
    bottom = ["راديو النورس #{n} كل صباح", "- id: '\"%@`", "[نسيم]: {نعم} | *لا*", "\\d+ \u200fنسيم كل يوم\u200e"]
    documents = pages(9, bottom=bottom)
    boilerplate = pasted(proposed(documents))

    assert check_examples(boilerplate) == []
    assert left_by(boilerplate, documents) == left_by(SHIPPED, pages(1))
    assert suggest_rules(lambda: iter(documents), STANDARD, compile_rules(boilerplate)) == []


@given(
    st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4),
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.sampled_from(["standard@1", "light@1"]),
)
def test_any_line_gives_valid_rules_that_pass_their_examples(lines, source, name):
    documents = [document("\n".join([*lines, paragraph(n)]), source) for n in range(6)]
    found = suggest_rules(lambda: iter(documents), profile(name), READY)

    assert check_examples(pasted(found, "version: 1\n")) == []
    assert {p.documents for p in found} <= {6}


def test_no_documents_and_blank_pages_propose_nothing():
    assert proposed([]) == []
    assert proposed([document("\n \n"), document("")], min_documents=3) == []


RULE = """      - id: nasim-greeting
        match: '^صباح الخير من نسيم$'
        examples:
          matches: ['صباح الخير من نسيم']
          leaves: ['صباح الخير']
"""
LAYOUTS = [
    "version: 1\n",
    "version: 1",
    "version: 1\nsources: {}\n",
    "version: 1\nsources: {}  # none yet\n# the end\n",
    "version: 1\nsources:\n  barq:\n    off: []\n\n# below\nlists: []\n",
    "version: 1\nsources:\n  nasim: {}\n  barq: {}\n",
    "version: 1\nsources:\n  nasim:\n    off: []  # all are used\n  barq: {}\n",
    "version: 1\nsources:\n  nasim:\n    lines: []\n    off: []\n",
    f"# top\nversion: 1\nsources:\n  nasim:\n    lines:\n      # ours\n{RULE}      # behind\n\n    off: []\n  barq: {{}}\n",
    "version: 1\nsources:\n    'nasim':\n        lines:\n        - id: a\n          match: x\n          examples: {matches: [x], leaves: [y]}\n",
]  # fmt: skip


@pytest.mark.parametrize("text", LAYOUTS)
def test_rules_are_inserted_into_any_layout_and_nothing_else_changes(text):
    (one,) = proposed(pages(9, bottom=["راديو النورس الأزرق كل صباح"]))
    made = insert_rules(text, "nasim", one.rules, "a comment")
    before, after = (parse_yaml(whole, Boilerplate, "x") for whole in (text, made))

    assert after.sources["nasim"].lines == (
        *(before.sources["nasim"].lines if "nasim" in before.sources else ()),
        *one.rules,
    )
    assert after.model_copy(update={"sources": {}}) == before.model_copy(update={"sources": {}})
    assert "# a comment" in made
    rest = iter(made.splitlines())
    gone = [line for line in text.splitlines() if "{}" not in line and "[]" not in line and line not in rest]
    assert gone == []
    assert [c for c in re.findall(r"# .*", text) if c not in made] == []


@pytest.mark.parametrize(
    "text", ["version: 1\nsources: {nasim: {off: []}}\n", "version: 1\nsources:\n  nasim: {off: []}\n"]
)
def test_layout_in_one_line_is_refused(text):
    (one,) = proposed(pages(9, bottom=["راديو النورس الأزرق كل صباح"]))

    with pytest.raises(KhabarError, match="laid out"):
        insert_rules(text, "nasim", one.rules)
