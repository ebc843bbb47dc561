"""Rules suggested from lines that recur in a source."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.boilerplate import classify_lines
from builder.corpus.cleaning.examples import check_examples
from builder.corpus.cleaning.rules import compile_rules
from builder.corpus.cleaning.suggest import Proposal, as_yaml, suggest_rules
from builder.io.hashing import sha16
from builder.io.yaml import parse_yaml
from builder.records import Document
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.profiles import profile
from tests.conftest import ROOT

FILE = (ROOT / "schema" / "boilerplate.yaml").read_text(encoding="utf-8")
RULES = load_schema(ROOT / "schema").boilerplate
FEW = {"source", "byline", "share", "published"}  # the others would take the lines that are to be learned
READY = compile_rules(
    RULES.model_copy(update={"lines": tuple(one for one in RULES.lines if one.id in FEW), "lists": ()})
)
STANDARD = profile("standard@1")
PARAGRAPH = "وصلت السفينة {} إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود الكثيرة."
WORDS = ["موج", "ريح", "مرفأ", "شراع", "منارة", "نورس", "لؤلؤ", "صدف", "رمل", "ملح"]


def document(text, source="nasim"):
    return Document(sha16(text + source), source, None, None, None, text, f"{source}/x.txt")


def paragraph(n):
    """One that no other number has, also when numbers are taken for one another."""
    return PARAGRAPH.format(named(n))


def named(n):
    return " ".join(WORDS[int(digit)] for digit in f"{n:03}")


def pages(number, *, top=(), bottom=(), source="nasim"):
    """Pages with a title and two paragraphs of their own; the lines above and below are told the number."""
    return [
        document(
            "\n".join(
                [
                    *(line.format(n) for line in top),
                    f"خبر {named(n)}",
                    paragraph(n),
                    f"وفي {named(n)} " + paragraph(n),
                    *(line.format(n) for line in bottom),
                ]
            ),
            source,
        )
        for n in range(number)
    ]


def proposed(documents, **limits):
    return suggest_rules(documents, STANDARD, READY, **limits)


def pasted(proposals):
    assert FILE.rstrip().endswith("sources: {}")
    text = FILE.rstrip().removesuffix(" {}") + "\n" + as_yaml(proposals)
    return parse_yaml(text, Boilerplate, "boilerplate.yaml")


def test_recurring_line_is_proposed_with_counts():
    documents = pages(8, bottom=["نَسيم على مدار الساعة"]) + pages(12)
    (one,) = proposed(documents)

    assert (one.source, one.folded, one.example) == ("nasim", "نسيم علي مدار الساعه", "نسيم على مدار الساعة")
    assert (one.documents, one.of, one.position, one.place, one.warning) == (8, 20, 1.0, "tail", "")
    assert (one.rule.id, one.rule.match) == ("nasim-learned-1", "^نسيم علي مدار الساعه$")
    assert (one.rule.position, one.rule.max_length) == ("tail", 20)
    assert one.rule.examples.matches == ("نسيم على مدار الساعة",)


def test_lines_differing_in_numbers_are_one():
    (one,) = proposed(pages(6, top=["العدد ٤{} - نسيم"]))

    assert (one.folded, one.rule.match) == ("العدد 0 - نسيم", r"^العدد \d+ \- نسيم$")
    assert (one.rule.position, one.place, one.documents) == ("head", "head", 6)
    assert one.rule.examples.matches == tuple(f"العدد ٤{n} - نسيم" for n in range(5))
    assert re.search(one.rule.match, "العدد 123 - نسيم")


def test_spellings_are_merged_and_the_most_frequent_shown():
    documents = [*pages(3, bottom=["إذاعة نسيم"]), *pages(12, bottom=["اذاعة نسيم"])[3:]]
    (one,) = proposed(documents)

    assert (one.documents, one.rule.examples.matches) == (12, ("اذاعة نسيم", "إذاعة نسيم"))


@pytest.mark.parametrize(
    ("number", "of", "limits", "found"),
    [(5, 5, {}, 1), (4, 4, {}, 0), (5, 100, {}, 1), (5, 101, {}, 0), (2, 9, {"min_documents": 2}, 1),
     (5, 101, {"min_share": 0.01}, 1), (9, 20, {"min_share": 0.5}, 0)],
)  # fmt: skip
def test_line_needs_enough_documents_and_a_share(number, of, limits, found):
    documents = [*pages(number, bottom=["راديو النورس"]), *pages(of)[number:]]

    assert len(proposed(documents, **limits)) == found


def test_line_counts_once_per_document_and_copies_once():
    twice = pages(4, top=["راديو النورس"], bottom=["راديو النورس"])
    copies = [document(one.raw.replace(" ", "  ") + "\n\n") for one in twice]

    assert proposed([*twice, *twice, *copies]) == []
    assert proposed([*twice, *copies], min_documents=4)[0].documents == 4


def test_each_source_is_counted_separately():
    documents = [*pages(4, bottom=["راديو النورس"]), *pages(4, bottom=["راديو النورس"], source="barq")]

    assert proposed(documents) == []
    assert [(p.source, p.of) for p in proposed(documents, min_documents=4)] == [("barq", 4), ("nasim", 4)]


def test_lines_that_a_rule_matches_are_not_proposed():
    bottom = ["المصدر: نسيم", "شارك المقال", "مقالات مشابهة", "كلام في آخر الصفحة"]

    assert proposed(pages(9, bottom=bottom)) == []


def test_line_between_paragraphs_gets_any_position():
    documents = [document(paragraph(n) + "\nإعلان\n" + paragraph(n + 1)) for n in range(0, 20, 2)]
    (one, *_) = proposed(documents)

    assert (one.folded, one.rule.position, one.place) == ("اعلان", "any", "middle")


def test_paragraph_like_line_is_marked():
    report = "وقالت وكالة نسيم إن السفينة ستبقى في المرفأ حتى تهدأ الريح الشمالية."
    (one,) = proposed(pages(7, bottom=[report]))

    assert one.warning == "looks like a paragraph; copies of one report may repeat it"
    assert "# WARNING: looks like a paragraph" in as_yaml([one])


def test_long_line_is_prose():
    report = "موج " * 40

    assert len(report.strip()) == 159
    assert len(proposed(pages(7, bottom=[report]))) == 1
    assert proposed(pages(7, bottom=[report + "وملح"])) == []


def test_trap_is_another_line_with_the_same_beginning():
    documents = [*pages(7, bottom=["راديو النورس"]), document("راديو الصباح\n" + paragraph(99))]

    assert proposed(documents)[0].rule.examples.leaves == ("راديو الصباح",)
    assert proposed(pages(7, bottom=["راديو النورس"]))[0].rule.examples.leaves == ("خبر موج موج موج",)
    alone = [document("راديو النورس\n" + "موج " * 50 + named(n)) for n in range(5)]
    assert proposed(alone)[0].rule.examples.leaves == ("«راديو النورس»",)


def test_ids_are_unused_and_named_after_the_source():
    taken = Boilerplate.model_validate(
        {**READY.boilerplate.model_dump(), "sources": {"x": {"lines": [plain("nasim-learned-1")]}}}
    )
    lines = ["راديو النورس", "راديو الموج"]
    documents = [p for source in ("nasim", "نسيم", "1.نسيم.example") for p in pages(6, bottom=lines, source=source)]
    found = suggest_rules(documents, STANDARD, compile_rules(taken))

    assert [(p.source, p.rule.id) for p in found] == [
        *(("1.نسيم.example", "example-learned-1"), ("1.نسيم.example", "example-learned-2")),
        *(("nasim", "nasim-learned-2"), ("nasim", "nasim-learned-3")),
        *(("نسيم", "source-learned-1"), ("نسيم", "source-learned-2")),
    ]


def plain(name):
    return {"id": name, "match": "^x$", "examples": {"matches": ["x"], "leaves": ["y"]}}


def test_most_frequent_first():
    documents = [*pages(9, bottom=["راديو النورس", "راديو الموج"])[:6], *pages(9, bottom=["راديو الموج"])[6:]]

    assert [(p.folded, p.documents) for p in proposed(documents)] == [("راديو الموج", 9), ("راديو النورس", 6)]


def test_pasted_rule_parses_and_matches_the_line():
    bottom = ["راديو النورس #{}", "- id: '\"%@`", "null", "12", "~", "[نسيم]: {{نعم}} | *لا*", "\\d+ \u200fنسيم\u200e"]
    documents = pages(9, bottom=bottom)
    found = proposed(documents)
    boilerplate = pasted(found)
    own = boilerplate.sources["nasim"].lines

    assert len(found) == len(bottom)
    assert check_examples(boilerplate) == []
    assert own == tuple(p.rule.model_copy(update={"evidence": "hard"}) for p in found)
    assert suggest_rules(documents, STANDARD, compile_rules(boilerplate)) == []
    assert as_yaml([]) == ""


def test_text_shows_counts_and_places():
    text = as_yaml(proposed(pages(6, bottom=["راديو النورس"])))

    assert text == (
        "  nasim:\n"
        "    lines:\n"
        "    # in 6 of 6 documents (100%), mostly in the tail of the page\n"
        "    - id: nasim-learned-1\n"
        "      match: ^راديو النورس$\n"
        "      max_length: 12\n"
        "      position: tail\n"
        "      examples:\n"
        "        matches:\n"
        "        - راديو النورس\n"
        "        leaves:\n"
        "        - خبر موج موج موج\n"
    )


@given(
    st.lists(st.text(min_size=1, max_size=12).filter(str.strip), min_size=1, max_size=4),
    st.text(min_size=1, max_size=8).filter(str.strip),
    st.sampled_from(["standard@1", "light@1"]),
)
def test_any_line_gives_a_valid_rule_that_passes_its_examples(lines, source, name):
    table = profile(name)
    documents = [document("\n".join([*lines, paragraph(n)]), source) for n in range(6)]
    found = suggest_rules(documents, table, READY)
    text = f"version: 1\nsources:\n{as_yaml(found)}" if found else "version: 1"
    boilerplate = parse_yaml(text, Boilerplate, "boilerplate.yaml")

    assert check_examples(boilerplate) == []
    assert {p.documents for p in found} <= {6}


def test_source_without_lines_proposes_nothing():
    assert proposed([]) == []
    assert proposed([document("\n \n"), document("")], min_documents=1) == []


def test_documents_are_read_once_in_any_number():
    assert [p.documents for p in proposed(iter(pages(600, bottom=["راديو النورس"])))] == [600]


def test_position_is_where_the_line_mostly_stands():
    rule = proposed(pages(6, bottom=["راديو النورس"]))[0].rule
    places = [Proposal("s", "x", "x", 1, 1, position, rule).place for position in (0.0, 0.33, 0.34, 0.66, 0.67, 1.0)]

    assert places == ["head", "head", "middle", "middle", "tail", "tail"]
    assert classify_lines(["راديو النورس"], ["راديو النورس"], READY, "nasim")[0].role == "body"
