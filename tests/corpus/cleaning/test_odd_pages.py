"""Sources and pages at their limits: copies, huge lines, nothing but blank lines, nothing but boilerplate."""

import json
import tracemalloc

import pytest

from builder.commands.clean import clean as clean_project
from builder.commands.ingest import ingest
from builder.corpus.cleaning.clean import clean
from builder.corpus.cleaning.counts import count_table, merge
from builder.io.parquet import to_table
from builder.project.corpus import read_articles
from builder.records import Document
from builder.schema import load_schema
from tests.conftest import ROOT
from tests.corpus.cleaning.books import check_books
from tests.corpus.cleaning.sources import NO_RULES, STANDARD, body, count, drops, page, paragraph, source
from tests.news import lines, news

RULES = load_schema(ROOT / "schema").boilerplate
LINE = "نسيم صوت الجزر البعيدة"
MEGABYTE = 1_000_000


def test_a_source_of_one_page_has_no_evidence():
    document = page([LINE, *body(1), LINE])
    counts = count([document])

    assert counts.keys.tolist() == []
    assert drops(document, counts) == []


def test_no_documents_have_no_counts():
    assert count([]).digest == ""


def equal_pages(number, at_once=5_000):
    """Count a source of equal pages, some at once."""
    table = to_table([page([LINE, *body(1), LINE])] * at_once, Document)
    tables = [count_table(table, STANDARD).table for _ in range(number // at_once)]
    return tables, merge(STANDARD.id, sum(one.num_rows for one in tables), lambda: iter(tables))


def check_equal(number):
    tables, counts = equal_pages(number)

    assert counts.keys.tolist() == []
    assert max(one.num_rows for one in tables) < 30  # of a page, whatever the number of its copies
    assert drops(page([LINE, *body(1), LINE]), counts) == []


def test_copies_of_a_page_are_no_evidence():
    check_equal(10_000)


@pytest.mark.slow
def test_a_hundred_thousand_equal_pages_are_no_evidence():
    check_equal(100_000)


@pytest.mark.slow
def test_memory_of_counting_is_flat_in_the_number_of_copies():
    peaks = []
    for number in (1_000, 4_000):
        tracemalloc.start()
        equal_pages(number, at_once=500)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < 1.2 * peaks[0] + 100_000


@pytest.mark.slow
def test_equal_pages_of_a_crawl_are_one_document(project, tmp_path):
    ingest(project, [lines(tmp_path / "nasim.jsonl", [f"{news(1)}\n{LINE}"] * 20_000)])
    report = clean_project(project)
    (article,) = read_articles(project)

    assert article.text.endswith(LINE)
    assert (report.counts.few, report.counts.sources) == (1, 1)
    assert str(report.counts).startswith("none: too few pages")


HUGE = {
    "words": "وصلت السفينة إلى المرفأ ",
    "letters": "ا",
    "dashes": "نسيم – ",
    "hyphens": "- ",
    "colons": "قال: ",
    "addresses": "bahr@nasim.example.com ",
    "dots": "...",
    "bullets": "• رابط ",
    "numbers": "12 ",
    "marks": "شَ\u0640",
    "ligatures": "\ufdf2",
    "brackets": "(نسيم) ",
    "read also": "اقرأ أيضاً: ",
    "source": "المصدر: نسيم ",
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name == "words" else pytest.mark.slow) for name in HUGE]
)
def test_a_line_of_a_megabyte_stays(name):
    line = (HUGE[name] * (MEGABYTE // len(HUGE[name]))).strip()
    documents = [
        page([LINE, line, LINE], author="طلال الكتاني", title="عودة المنارة"),
        page([line]),
        page([*body(1), line]),
    ]
    counts = count([*source(24, tail=lambda _: [LINE]), *documents])
    done = [clean(document, STANDARD, RULES, counts) for document in documents]

    assert [len(one.articles) for one in done] == [1, 1, 1]
    assert all(len(one.articles[0].text) > 0.3 * MEGABYTE for one in done)


@pytest.mark.parametrize(
    "raw",
    ["\n" * MEGABYTE, " \n\u00a0\n" * 1000, "\u200f\n" * 1000, "\r\n" * 1000, ""],
    ids=["ends", "blank", "marks", "crlf", "none"],
)
def test_a_page_of_blank_lines_has_no_text(raw):
    document = page([raw])
    counts = count([*source(24, tail=lambda _: [LINE]), document])
    done = clean(document, STANDARD, RULES, counts)

    assert (done.articles, done.lines, done.drops, done.dropped_by_rule) == ((), 0, (), {})
    assert [aside.reason for aside in done.set_aside] == ["no body"]


@pytest.mark.parametrize("title", ["عودة المنارة", "شارك", LINE])
def test_a_page_of_its_title_keeps_it(title):
    counts = count(source(24, head=lambda _: [LINE], tail=lambda _: [LINE]))
    done = clean(page([title], title=title, author=title), STANDARD, NO_RULES, counts)

    assert [article.text for article in done.articles] == [title]


def test_a_page_of_its_authors_name_before_a_colon_keeps_it():
    name = "طلال عبد الله الكتاني:"
    done = clean(page([name], author=name), STANDARD, NO_RULES)

    assert [article.text for article in done.articles] == [name]


def test_a_page_of_many_short_lines_keeps_them():
    document = page([f"سطر {number} من القصيدة" for number in range(50_000)])
    counts = count([*source(24, tail=lambda _: [LINE]), document])
    done = clean(document, STANDARD, RULES, counts)

    assert done.kept_lines == 50_000


def test_control_characters_are_counted():
    documents = source(24, tail=lambda _: ["نسيم\x00صوت \ue000 الجزر"])

    assert len(count(documents).keys) >= 2
    check_books(documents[0], clean(documents[0], STANDARD, RULES, count(documents)))


@pytest.mark.slow
def test_a_corpus_of_boilerplate_is_listed_with_sizes(project, tmp_path, khabar):
    pages = [
        f"المصدر: وكالة {where}\nتصوير: {who}\n(انتهى)"
        for where, who in zip("ابتثجحخدذرزسشصضطظعغفقكلمن", "نملكقفغعظطضصشسزرذدخحجثتبا", strict=True)
    ]
    path = lines(tmp_path / "nasim.jsonl", pages)
    assert khabar("ingest", path, cwd=project.root).returncode == 0
    done = khabar("clean", "--json", cwd=project.root)
    plain = khabar("clean", cwd=project.root)
    report = json.loads(done.stdout)
    aside = report["set_aside"]

    assert done.returncode == plain.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr + plain.stderr
    assert len(aside) == len(pages)
    assert {one["reason"] for one in aside} == {"no body"}
    assert all(one["detail"].endswith(" characters") and "source 1" in one["detail"] for one in aside)
    assert read_articles(project) == []


@pytest.mark.slow
def test_a_corpus_whose_every_line_recurs_keeps_its_texts(project, tmp_path):
    """All lines of some pages recur, and nothing of them would be left: they stay."""
    pages = [*(f"{paragraph(n)}\n{LINE}" for n in range(24)), LINE, f"{LINE}\n{LINE}"]
    ingest(project, [lines(tmp_path / "nasim.jsonl", pages)])
    clean_project(project)
    texts = sorted(article.text for article in read_articles(project))

    assert len(texts) == len(pages)
    assert {text for text in texts if LINE in text} == {LINE, f"{LINE}\n{LINE}"}
