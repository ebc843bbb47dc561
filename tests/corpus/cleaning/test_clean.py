"""Documents become articles: the fate of each line, exact raw offsets, and nothing lost."""

import json
import random
import re
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.clean import clean
from builder.corpus.readers.documents import read_documents
from builder.io.hashing import sha16
from builder.io.parquet import write_table
from builder.records import Article, Document, Dropped
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate
from builder.text.aligned import unpack_edits
from builder.text.profiles import profile
from tests.conftest import ROOT, SHARED
from tests.corpus.cleaning.books import check_books, fates, kept_lines

RULES = load_schema(ROOT / "schema").boilerplate
STANDARD = profile("standard@1")
PARAGRAPH = "وصلت السفينة الشراعية إلى مرفأ السدر عند الفجر، واستقبلها أهل الجزيرة بالأغاني والورود."


def document(raw, title=None, source="nasim"):
    return Document(sha16(raw), source, None, None, title, raw, "articles/01.txt")


def check_spans(page, done, seed):
    """Normalising the raw place of any span, without what was dropped inside it, gives the span."""
    chance = random.Random(seed)  # noqa: S311 - seeded test data
    for article in done.articles:
        aligned = unpack_edits(article.text, page.raw, article.edits)
        for _ in range(60):
            start = chance.randrange(len(article.text))
            low, high = aligned.raw_span(start, min(len(article.text), start + chance.randint(1, 60)))
            raw, at = [], low
            for drop in done.drops:
                if low <= drop.start < drop.end <= high:
                    raw.append(page.raw[at : drop.start])
                    at = drop.end
            text = STANDARD.apply("".join([*raw, page.raw[at:high]])).text
            start, end = aligned.text_span(low, high)  # half a ligature stands for the whole

            assert re.sub(" +", " ", re.sub(" *\n[ \n]*", "\n", text)) == article.text[start:end]


CASES = sorted((ROOT / "tests" / "cases" / "articles").glob("*.json"))


@pytest.fixture(scope="module")
def examples():
    reading = read_documents([ROOT / "examples" / "articles"])
    return {page.origin: page for page in reading.documents}


def origin(case):
    return case["file"].removeprefix("examples/") + (f":{case['record']}" if "record" in case else "")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_example_line_has_its_marked_fate(path, examples):
    case = json.loads(path.read_text(encoding="utf-8"))
    if not case["lines"]:
        assert origin(case) not in examples
        return
    page = examples[origin(case)]
    done = clean(page, STANDARD, RULES)
    rules_of = {
        "source": {"source"},
        "byline": {"byline", "byline-mark"},
        "marker": {"read-also", "may-like", "related"},
        "read_also": {"read-also-inline"},
        "embedded_headline": {"embedded-headline"},
        "link": {"link-list"},
        "share": {"share", "follow", "subscribe", "rights"},
        "credit": {"photo-credit"},
        "body": {0},
        "embedded_body": {1},
    }
    found = fates(page, done)

    assert {
        n: fate[0] in rules_of[kind]
        for n, fate, kind in ((m["line"], found[m["line"]], m["kind"]) for m in case["lines"])
    } == dict.fromkeys(found, True)
    check_books(page, done)
    check_spans(page, done, 3)


def test_sources_authors_and_datelines_are_extracted(examples):
    done = {name: clean(page, STANDARD, RULES) for name, page in examples.items()}
    fields = [
        dict(drop.extracted, rule=drop.rule) for drop in done["articles/sahel-news/01.txt"].drops if drop.extracted
    ]

    assert fields == [
        {"rule": "byline", "author": "نديم الشعفار"},
        {"rule": "dateline", "place": "مرجانة", "agency": "وكالة الساحل"},
        {"rule": "source", "source_name": "وكالة الساحل"},
    ]
    assert done["articles/sahel-news/01.txt"].articles[0].text.startswith("مرجانة – وكالة الساحل: ")


def test_page_without_body_is_dropped_with_its_contents(examples):
    done = clean(examples["articles/almidan/12.txt"], STANDARD, RULES)

    assert done.articles == ()
    assert done.issues == ()
    assert [(aside.stage, aside.what, aside.reason) for aside in done.set_aside] == [
        ("clean", "articles/almidan/12.txt", "no body")
    ]
    assert done.set_aside[0].detail.startswith("link-list 3, ")


@pytest.mark.parametrize("raw", ["\n \n", "\u200f\n\u00a0", "\u064b"])
def test_page_of_invisible_characters_has_no_lines(raw):
    done = clean(document(raw), STANDARD, RULES)

    assert (done.articles, done.lines, done.dropped_by_rule) == ((), 0, {})
    assert done.set_aside == (Dropped("clean", "articles/01.txt", "no body"),)


def test_parts_have_own_titles_drops_and_edits():
    raw = f"{PARAGRAPH}\r\n{PARAGRAPH}\r\n{PARAGRAPH}\r\n اقرأ أيضاً: \r\n عودة\u00a0\u00a0المَنارة \r\n\r\n{PARAGRAPH}\r\nالمصدر: نسيم\r\nشارك المقال"
    first, second = clean(document(raw, "عنوان الصفحة"), STANDARD, RULES).articles

    assert (first.title, first.part, first.text) == ("عنوان الصفحة", 0, "\n".join([PARAGRAPH] * 3))
    assert (second.title, second.part, second.text) == ("عودة المنارة", 1, PARAGRAPH)
    assert [raw[d.start : d.end] for d in first.drops] == [" اقرأ أيضاً: "]
    assert [(raw[d.start : d.end], d.rule) for d in second.drops] == [
        (" عودة\u00a0\u00a0المَنارة ", "embedded-headline"),
        ("المصدر: نسيم", "source"),
        ("شارك المقال", "share"),
    ]
    assert kept_lines(document(raw), second) == [(raw.rindex(PARAGRAPH), raw.rindex(PARAGRAPH) + len(PARAGRAPH))]


def test_first_embedded_article_holds_drops_without_main_body():
    cuts = [{**cut.model_dump(), "min_before": 0} for cut in RULES.cuts]
    rules = Boilerplate.model_validate({**RULES.model_dump(), "cuts": cuts})
    done = clean(document(f"شارك المقال\nاقرأ أيضا\nعودة المنارة\n{PARAGRAPH}"), STANDARD, rules)

    assert [(article.part, [drop.rule for drop in article.drops]) for article in done.articles] == [
        (1, ["share", "read-also", "embedded-headline"])
    ]
    assert done.set_aside == ()


def test_page_that_loses_most_characters_is_flagged():
    links = "\n".join(f"• رحلة السفينة إلى المرفأ رقم {n} كما رواها الربان" for n in range(12))
    (issue,) = clean(document(f"{PARAGRAPH}\nمقالات مشابهة\n{links}"), STANDARD, RULES).issues

    assert (issue.severity, issue.code, issue.where) == ("warning", "mostly-boilerplate", "articles/01.txt")
    assert issue.message == "cleaning removed 87% of the page's characters: link-list 12, related 1"
    assert clean(document(f"{PARAGRAPH}\n{links}"), STANDARD, RULES).issues == ()  # a list of the article
    assert clean(document(f"{PARAGRAPH}\n{PARAGRAPH}\nشارك المقال"), STANDARD, RULES).issues == ()


PIECES = [
    PARAGRAPH, "علم", "  خبر   قصير ", "\u00a0وذكرت\u200f الصحيفة", "قـــدماً\tمضى", "\ufefb\ufdf2", "• رابط", "- رابط آخر",
    "* ثالث", "اقرأ أيضاً:", "مقالات مشابهة", "المصدر: نسيم", "شارك المقال", "\u200f", "", " ", "\u064b", "📚 كتاب",
    "مرجانة – نسيم: " + PARAGRAPH, "إقرأ أيضا: رابط",
]  # fmt: skip
PAGES = st.lists(
    st.tuples(st.sampled_from(PIECES), st.sampled_from(["\n", "\r\n", "\r", "\u2028", "\n\n"])), max_size=14
)


@given(PAGES, st.booleans())
def test_no_line_is_lost_or_counted_twice(pieces, zero):
    rules = RULES
    if zero:
        rules = RULES.model_copy(update={"cuts": tuple(c.model_copy(update={"min_before": 0}) for c in RULES.cuts)})
    page = document("".join(line + end for line, end in pieces))

    check_books(page, clean(page, STANDARD, rules))


@given(st.text(st.sampled_from("ابةى ً\u0651\u0640\u200f\r\n\u2028\u00a0•-:.ab١\ufefb"), max_size=60))
def test_any_text_maps_back_to_raw(raw):
    page = document(raw)
    done = clean(page, STANDARD, RULES)

    check_books(page, done)
    check_spans(page, done, 1)


PARTS = [
    "مرجانة – نسيم: ", "كتب طلال الكتاني: ", "قال: ", "نسيم | متابعات : ", "", " شارك الخبر", " اقرأ أيضاً", "\u200fشارك",
    "المصدر: نسيم", ".", "…", "ﷲ", " ", "\u00a0", "\u064b", "»", "مقالات أخرى للكاتب ", "(نسيم)",
]  # fmt: skip
PART_RULES = Boilerplate.model_validate({
    "version": 1,
    "lines": [
        {"id": "head", "evidence": "hard", "takes": "prefix", "max_length": 300, "match": "^(?:نسيم|مرجانه|كتب)[^:]*:",
         "examples": {"matches": ["نسيم:"], "leaves": ["قال:"]}},
        {"id": "tail", "evidence": "hard", "takes": "suffix", "max_length": 300, "match": "(?:شارك|اقرا|مقالات اخري|الله|المصدر).*$",
         "examples": {"matches": ["شارك"], "leaves": ["قال"]}},
        {"id": "source", "evidence": "hard", "match": "^المصدر: نسيم$",
         "examples": {"matches": ["المصدر: نسيم"], "leaves": ["قال"]}},
    ],
})  # fmt: skip


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PARTS), st.sampled_from([PARAGRAPH, "علم", "", "\ufefb\ufdf2", "ختم القبطان حديثا"]),
            st.sampled_from(PARTS), st.sampled_from(["\n", "\r\n", "\u2028", "\n\n"]),
        ), max_size=8,
    ),
    st.sampled_from([None, "طلال الكتاني", "كتب طلال الكتاني"]),
)  # fmt: skip
def test_parts_of_lines_and_what_is_kept_are_the_whole_line(pieces, author):
    page = replace(document("".join(map("".join, pieces))), author=author)
    done = clean(page, STANDARD, PART_RULES)

    check_books(page, done)
    check_spans(page, done, 2)


def test_a_part_of_a_line_leads_back_to_its_place():
    raw = f"عنوان الصفحة\r\n\u200f نسيم\u00a0– مَرجانة : \u200f{PARAGRAPH}\r\n{PARAGRAPH} شاركـ الخبر \r\n"
    page = document(raw)
    done = clean(page, STANDARD, PART_RULES)
    (article,) = done.articles

    assert article.text == f"عنوان الصفحة\n{PARAGRAPH}\n{PARAGRAPH}"
    assert [(raw[drop.start : drop.end], drop.rule) for drop in done.drops] == [
        ("نسيم\u00a0– مَرجانة :", "head"),
        ("شاركـ الخبر", "tail"),
    ]
    assert (done.lines, done.kept_lines, done.dropped_by_rule) == (3, 3, {})
    assert done.cut_by_rule == {"head": 1, "tail": 1}
    check_books(page, done)
    check_spans(page, done, 5)


def test_cleaning_is_deterministic_under_each_profile(examples):
    for page in examples.values():
        assert clean(page, STANDARD, RULES) == clean(page, STANDARD, RULES)
        light = clean(page, profile("light@1"), RULES)
        assert light.dropped_by_rule == clean(page, STANDARD, RULES).dropped_by_rule
        assert all(article.profile.startswith("light@1+") for article in light.articles)


@pytest.mark.shared
def test_scraped_page_matches_its_gold_lines():
    (page,) = read_documents([SHARED / "articles" / "scraped-000.txt"]).documents
    gold = json.loads((SHARED / "articles" / "scraped-000.gold.json").read_text(encoding="utf-8"))
    done = clean(page, STANDARD, RULES)
    main, embedded = done.articles
    lines = {line["start"]: line for line in gold["lines"] if line["label"] != "blank"}
    kept = {
        line["start"]: part
        for part, article in enumerate((main, embedded))
        for start, end in kept_lines(page, article)
        for line in lines.values()
        if line["start"] <= start and end == line["end"] and page.raw[line["start"] : start].strip() == ""
    }
    dropped = {(drop.start, drop.end): drop for drop in done.drops}

    assert len(kept) == done.kept_lines == 17
    assert done.lines == len(lines) == 31
    for start, line in lines.items():
        drop = dropped.get((start, line["end"]))
        match line["label"]:
            case "body_article_1":
                assert (kept[start], drop) == (0, None)
            case "body_article_2":
                assert (kept[start], drop) == (1, None)
            case "metadata_source":
                assert drop.extracted == {"source_name": gold["source_name"]}
            case "article_2_headline":
                assert (drop.rule, embedded.title) == ("embedded-headline", line["text"])
                assert drop in embedded.drops
            case "boilerplate_section_marker":
                assert drop.rule in {"read-also", "related"}
            case "link_list_item":
                assert drop.rule == "link-list"
    assert done.dropped_by_rule == {
        "embedded-headline": 1, "link-list": 10, "read-also": 1, "related": 1, "source": 1
    }  # fmt: skip
    check_books(page, done)
    check_spans(page, done, 0)


def test_edits_are_small_in_parquet(examples, tmp_path):
    """At most 3 % of the text's bytes, on pages that are noisier than news."""
    articles = [one for page in examples.values() for one in clean(page, STANDARD, RULES).articles]
    write_table(tmp_path / "articles.parquet", articles, Article)

    with pq.ParquetFile(tmp_path / "articles.parquet") as file:
        columns = [file.metadata.row_group(0).column(i) for i in range(file.metadata.num_columns)]
    edits = sum(one.total_compressed_size for one in columns if one.path_in_schema.startswith("edits"))

    assert sum(len(one.edits) // 3 for one in articles) > 300
    assert edits <= 0.03 * sum(len(one.text.encode()) for one in articles)
