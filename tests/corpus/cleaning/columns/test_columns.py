"""Cleaning and counting by columns give what they give row by row, on ordinary pages and on odd ones."""

import random
from dataclasses import replace

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.counts import Counts, count_table, merge, no_counts
from builder.corpus.cleaning.stage import CleaningConfig, clean_table
from builder.io.parquet import from_table, to_table
from builder.records import Article, Document
from builder.schema import load_schema
from builder.schema.boilerplate import Boilerplate, LineRule, SourceRules
from builder.schema.profiles import OwnProfile
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.corpus.cleaning.newspapers import newspapers
from tests.corpus.cleaning.rows import clean_rows, count_rows
from tests.corpus.cleaning.sources import STANDARD, body, counted

SHIPPED = load_schema(ROOT / "schema").boilerplate
OWN = LineRule.model_validate(
    {"id": "own", "match": "^من البحر$", "evidence": "hard", "examples": {"matches": ["من البحر"], "leaves": ["البحر"]}}
)
RULES = SHIPPED.model_copy(update={"sources": {"barq": SourceRules(lines=(OWN,), off=("share",))}})
SPACED = profile(
    "spaced@1", OwnProfile(name="spaced@1", base="light@1", keep=("NO-BREAK SPACE",), replace={"BULLET": "EM SPACE"})
)
PROFILES = (STANDARD, profile("light@1"), SPACED)
KEPT = ROOT / "tests" / "cases" / "earlier" / "3003190"
LIGATURE = "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM}"

PIECES = (
    "\n", "\n", "\r\n", " ", "  ", "\t", "\N{NO-BREAK SPACE}", "\N{BULLET}", "\N{LINE SEPARATOR}", "\N{GRINNING FACE}",
    "\N{ARABIC TATWEEL}", "1447 ه\N{ARABIC TATWEEL}", "\N{ARABIC FATHA}", "ا\N{ARABIC FATHATAN}", "ي\N{ARABIC HAMZA ABOVE}",
    "\N{ARABIC LETTER KEHEH}تاب", LIGATURE, "\N{ZERO WIDTH NON-JOINER}", "\N{RIGHT-TO-LEFT MARK}", "الى ", "من البحر",
    "\nشارك المقال\n", "\nشارك\n", "\nاقرأ أيضاً\n", "\nجميع الحقوق محفوظة\n", "\nتابعونا\n", "\nالتعليقات\n",
    "\nصوت الجزر – نسيم\n", "نسيم – متابعات: ", "رابط الخبر في نسيم: ", "\nبقلم: سلمى الباهلي\n", "مرفأ السدر (نسيم): ",
    "وصلت السفينة عند الفجر واستقبلها أهل الجزيرة كلهم على رصيف المرفأ القديم.", "قال الربان إن البحر كان هادئا طوال الليل",
    ". (نسيم)", " مقالات أخرى للكاتب: المرفأ", " شارك الخبر", ":", "...", "- ", "3. ", "«", "».", "وعادت إلى المرفأ مع البحارة. " * 3,
)  # fmt: skip

TEXT = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=40).map("".join), st.text(st.sampled_from("اب .\n –:"), max_size=60)
)
MANY = counted(
    {
        ("head", "صوت الجزر نسيم"): 200, ("tail", "تابعونا"): 300, ("field", "نسيم"): 500, ("label", "رابط الخبر في نسيم"): 100,
        ("rest", "نسيم"): 100, ("lone tail", ""): 300, ("lone head", ""): 300, ("part", "صوت الجزر …"): 50,
        ("suffix", "وغنوا كلهم طول الليل هنا"): 90,
    }
)  # fmt: skip


LONG = "وصلت السفينة الى المرفأ القديم عند الفجر واستقبلها أهل الجزيرة كلهم على رصيفه وغنوا حتى طلعت الشمس"
BEGINS = (
    "",
    "",
    "نسيم – متابعات: ",
    "سلمى الباهلي: ",
    "رابط الخبر في نسيم: ",
    "مرفأ السدر (نسيم): ",
    "صوت الجزر\n",
    "سلمى الباهلي\n",
)
ENDS = (
    ".", ".", "", ". (نسيم)", ". نسيم", ".\nسلمى الباهلي", ".\nتابعونا", f".\nرابط الخبر في نسيم: {LONG}.", " وغنوا كلهم طول الليل هنا", ".»",
)  # fmt: skip
ARTICLE = st.builds(
    lambda begin, paragraphs, end: begin + ".\n".join(LONG[: 50 + 10 * size] for size in paragraphs) + end,
    st.sampled_from(BEGINS), st.lists(st.integers(0, 7), min_size=1, max_size=4), st.sampled_from(ENDS),
)  # fmt: skip


@st.composite
def pages(draw):
    """A batch of pages with odd texts, their counts, and what the records say of them."""
    made = []
    for number, raw in enumerate(draw(st.lists(st.one_of(TEXT, ARTICLE, ARTICLE), max_size=8))):
        title, author = (
            draw(st.sampled_from([None, "", "صوت الجزر", "من البحر"])),
            draw(st.sampled_from([None, "سلمى الباهلي"])),
        )
        made.append(Document(f"{number}", draw(st.sampled_from(["nasim", "barq"])), None, None, title, raw, f"page {number}",
                             author=author))  # fmt: skip
    old = replace(no_counts(), is_asked=False)
    return made, [draw(st.sampled_from([MANY, no_counts(), old])) for _ in made]


@given(pages(), st.sampled_from(PROFILES), st.sampled_from([RULES, Boilerplate(version=1)]))
@settings(max_examples=400, deadline=None)
def test_cleaning_by_columns_gives_what_it_gives_row_by_row(made, table, rules):
    some, counts = made

    assert clean_batch(some, table, rules, counts) == clean_rows(some, table, rules, counts)


def test_each_begin_with_each_end_gives_the_same_by_columns_and_row_by_row():
    some = [
        Document(f"{begin}{end}{author}", "nasim", None, None, None, f"{begin}{LONG}.\n{LONG}{end}", "page", author=author)
        for begin in BEGINS for end in ENDS for author in (None, "سلمى الباهلي")
    ]  # fmt: skip
    for rules in (RULES, Boilerplate(version=1)):
        made = clean_batch(some, STANDARD, rules, [MANY] * len(some))

        assert made == clean_rows(some, STANDARD, rules, [MANY] * len(some))
        assert {each.rule for one in made for each in one.drops} >= {
            "recurring-prefix",
            "recurring-suffix",
            "recurring-label",
        }


SHOWN = (
    "\n", "\n", "\n", " ", " – ", " - ", "|", "-", "_", ": ", "* * *", "«", "…", ".", "12", "٣", "²", "نسيم", "مرفأ السدر", LONG, f"{LONG}.",
    "\N{GRINNING FACE}", "\N{MATHEMATICAL BOLD CAPITAL A}", "\N{MATHEMATICAL BOLD DIGIT ONE}", "\N{COMBINING ACUTE ACCENT}",
    "bahr@nasim.example.com", " www.nasim.example ", "nasim.com", "https://nasim.example", " address ", "رابط الخبر: ",
    " وغنوا كلهم طول الليل", ". (نسيم)", "\n- ",
)  # fmt: skip
SHOWING = st.lists(st.sampled_from(SHOWN), max_size=50).map("".join)


def in_order(table):
    return table.sort_by([("key", "ascending"), ("beside", "ascending")])


@given(st.lists(st.tuples(SHOWING, st.sampled_from(["nasim", "barq"])), max_size=6), st.sampled_from(PROFILES))
@settings(max_examples=500, deadline=None)
def test_what_odd_pages_show_is_the_same_by_columns_and_row_by_row(made, table):
    columns = pa.table({"raw": [raw for raw, _ in made], "source": [source for _, source in made]},
                       schema=pa.schema({"raw": pa.string(), "source": pa.string()}))  # fmt: skip

    assert in_order(count_table(columns, table).table) == count_rows(columns, table)


@given(pages(), st.sampled_from(PROFILES))
@settings(max_examples=200, deadline=None)
def test_counting_by_columns_gives_what_it_gives_row_by_row(made, table):
    columns = to_table(made[0], Document)

    assert in_order(count_table(columns, table).table) == count_rows(columns, table)


def check_table(some, table, rules, counts):
    """The stage's table has the articles of the rows, and says of them what the rows say."""
    made = clean_table(to_table(some, Document), CleaningConfig(table, rules, counts))
    rows = clean_rows(some, table, rules, [counts] * len(some))
    lines, kept = sum(row.lines for row in rows), sum(row.kept_lines for row in rows)

    assert from_table(made.table.select([*to_table([], Article).column_names]), Article) == [
        article for row in rows for article in row.articles
    ]
    assert made.set_aside == tuple(each for row in rows for each in row.set_aside)
    assert made.issues == tuple(each for row in rows for each in row.issues)
    assert (made.counts.get("lines", 0), made.counts.get("kept", 0)) == (lines, kept)


def test_the_stage_gives_the_rows_of_odd_pages():
    raws = [path.read_text(encoding="utf-8") for path in sorted((KEPT / "pages").glob("*/*.txt"))]
    raws += ["", " \n\n", *("".join(PIECES[first:]) for first in range(0, len(PIECES), 3))]
    raws = [changed for raw in raws for changed in (raw, f"{raw} \N{GRINNING FACE}", raw.replace("\n", "\r\n"))]
    some = [Document(f"{n}", ["nasim", "barq"][n % 2], None, None, None, raw, f"{n}") for n, raw in enumerate(raws)]

    check_table(some, STANDARD, RULES, MANY)
    check_table([], STANDARD, RULES, MANY)


def test_a_cut_inside_a_ligature_takes_the_ligature_whole():
    raw = "\n".join([f"نسيم:{LIGATURE}{body(1)[0]}", *body(1, 3)])
    one = Document("1", "nasim", None, None, None, raw, "1", author="نسيم")
    rules = Boilerplate.model_validate({"version": 1, "lines": [
        {"id": "half", "match": "^نسيم:ل", "takes": "prefix", "evidence": "hard", "max_length": 9999,
         "examples": {"matches": ["نسيم:لا"], "leaves": ["نسيم"]}}]})  # fmt: skip
    (done,) = clean_batch([one, one], STANDARD, rules)[1:]

    assert done == clean_rows([one], STANDARD, rules, [no_counts()])[0]
    assert done.articles[0].text.startswith("ا")


@pytest.mark.shared
@pytest.mark.slow
def test_real_newspapers_give_the_same_by_columns_and_row_by_row():
    chance = random.Random(21)  # noqa: S311 - seeded test data
    some = chance.sample(newspapers(), 3_000)
    columns = to_table(some, Document)
    tables = [count_table(columns, STANDARD).table]

    assert in_order(*tables) == count_rows(columns, STANDARD)
    counts = merge(STANDARD.id, tables[0].num_rows, lambda: iter(tables))
    assert isinstance(counts, Counts)
    assert clean_batch(some, STANDARD, SHIPPED, [counts] * len(some)) == clean_rows(
        some, STANDARD, SHIPPED, [counts] * len(some)
    )
    check_table(some, STANDARD, SHIPPED, counts)
    assert isinstance(columns, pa.Table)
