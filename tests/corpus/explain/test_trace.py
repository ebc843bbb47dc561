"""A page explained: every code point has one fate, shown in a terminal, JSON and HTML."""

import json
import re
import unicodedata
from dataclasses import replace
from html.parser import HTMLParser

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.clean import clean
from builder.corpus.explain.html import render_html, units
from builder.corpus.explain.text import as_json, format_lines
from builder.corpus.explain.trace import explain, rows
from builder.corpus.readers.documents import read_documents
from builder.io.hashing import sha16
from builder.schema import load_schema
from builder.text.invisible import is_invisible
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.corpus.explain.examples import CUTS, PARAGRAPH, RULES, SMALL, document
from tests.text.strategies import PAGES

STANDARD = profile("standard@1")
SAID = """\
articles/01.txt
document 41b3080b324024a9, source nasim, PROFILE
part 0: 41b3080b324024a9-0 «خبر»

   0:47  part 0     │ السدر – وصلت  السفينة قدما_FATHATAN_ إلى مرفأ_MARKS_ السدر.⟨CR⟩
                    │   read by dateline: place = السدر
                    │   SPACE at 13 → whitespace tidied
                    │   ARABIC FATHATAN at 26 → deleted
                    │   ARABIC SHADDA at 36 → deleted
                    │   ARABIC KASRA at 37 → deleted
                    │   U+000D CR at 45 → deleted
· 47:51  whitespace │ ⟨CR⟩⟨LF⟩ ⟨LF⟩
                    │   U+000D CR at 47 → deleted
                    │   SPACE at 49 → whitespace tidied
  51:78  part 0     │ ⟨RLM⟩⟨RLM⟩واستقبلها⟨NBSP⟩أهل الجز_TATWEEL_يرة. ⟨LF⟩
                    │   2 × RIGHT-TO-LEFT MARK at 51:53 → deleted
                    │   NO-BREAK SPACE at 62 → SPACE
                    │   ARABIC TATWEEL at 71 → deleted
                    │   SPACE at 76 → whitespace tidied
- 78:90  source     │ المصدر: نسيم⟨LF⟩
                    │   source_name = نسيم
· 91:92  whitespace │ ⟨LF⟩
- 92:97  share      │ شا_TATWEEL_رك

97 code points = 63 kept + 17 dropped + 9 changed + 8 whitespace tidied
    kept               63  part 0, 2 lines
    dropped             5  share, 1 line
    dropped            12  source, 1 line
    changed             2  RIGHT-TO-LEFT MARK → deleted
    changed             2  U+000D CR → deleted
    changed             1  ARABIC FATHATAN → deleted
    changed             1  ARABIC KASRA → deleted
    changed             1  ARABIC SHADDA → deleted
    changed             1  ARABIC TATWEEL → deleted
    changed             1  NO-BREAK SPACE → SPACE
    whitespace tidied   5  U+000A LF
    whitespace tidied   3  SPACE
    only read              dateline, 1 line"""


def explained(raw, table=STANDARD, rules=RULES, title=None, author=None):
    one = replace(document(raw, title), author=author)
    done = clean(one, table, rules)
    return explain(one, done.articles, table, done.drops), done


def check_books(explanation, done, raw):
    """The pieces part the raw page, what they put is the articles, and the counts add up."""
    pieces = explanation.pieces

    assert "".join(piece.raw for piece in pieces) == raw
    assert [piece.start for piece in pieces] == [0, *(piece.end for piece in pieces)][: len(pieces)]
    assert all(raw[piece.start : piece.end] == piece.raw for piece in pieces)
    assert sum(count.characters for count in explanation.counts) == explanation.characters == len(raw)
    for kind in ("kept", "changed", "dropped", "blank", "read"):
        assert explanation.total(kind) == sum(len(piece.raw) for piece in pieces if piece.kind == kind)
    for article in done.articles:
        own = [piece for piece in pieces if piece.part == article.part]
        assert "".join(piece.put for piece in own) == article.text
    assert all(piece.put == piece.raw for piece in pieces if piece.kind == "kept")
    assert all(piece.raw.isspace() and not piece.put for piece in pieces if piece.kind == "blank")
    found = {(p.start, p.end, p.rule, tuple(p.fields.items())) for p in pieces if p.kind in ("dropped", "read")}
    assert found == {(d.start, d.end, d.rule, tuple(d.extracted.items())) for d in done.drops}
    assert [piece for row in rows(pieces) for piece in row.pieces] == list(pieces)


class Page(HTMLParser):
    """What a browser would take the page for: its tags, and the text in its rows."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.rows, self.inside, self.titles = [], [], False, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        given = dict(attrs)
        if given.get("class") == "text":
            self.inside = True
            self.rows.append("")
        if tag == "mark" and self.inside:
            self.titles.append(given["title"])

    def handle_endtag(self, tag):
        self.inside &= tag != "p"

    def handle_data(self, data):
        if self.inside:
            self.rows[-1] += data


LINES = st.lists(
    st.one_of(PAGES, st.sampled_from([PARAGRAPH, "المصدر: نسيم", "شارك", "اقرأ أيضاً", "- خبر آخر", "خبر آخر", " \t ", ""])),
    max_size=12,
).flatmap(lambda parts: st.lists(st.sampled_from(["\n", "\r\n", "\n\n"]), min_size=len(parts), max_size=len(parts)).map(
    lambda ends: "".join(part + end for part, end in zip(parts, ends, strict=True))
))  # fmt: skip


@given(LINES)
def test_pieces_partition_any_page(raw):
    explanation, done = explained(raw)

    check_books(explanation, done, raw)


@given(st.text(max_size=80))
def test_pieces_partition_any_unicode_text(raw):
    try:
        raw.encode()
    except UnicodeEncodeError:
        return
    explanation, done = explained(raw)

    check_books(explanation, done, raw)


@pytest.mark.parametrize("name", ["light@1", "standard@1"])
@given(raw=LINES)
def test_hidden_characters_reach_no_output(name, raw):
    explanation, _ = explained(raw, profile(name), title=raw[:20])
    printed = "\n".join(format_lines(explanation, colour=False))
    coloured = "\n".join(format_lines(explanation, colour=True))
    written = render_html(explanation)

    assert not any(is_invisible(character) for character in printed.replace("\n", ""))
    assert click.unstyle(coloured) == printed
    assert not any(is_invisible(character) for character in written.replace("\n", ""))
    assert not any(is_invisible(character) for character in as_json(explanation))
    assert "".join(piece["raw"] for piece in json.loads(as_json(explanation))["pieces"]) == raw


@given(LINES)
def test_html_rows_hold_raw_text_and_marks_keep_their_letter(raw):
    explanation, _ = explained(raw)

    for row in rows(explanation.pieces):
        shown, whole = "".join(unit.raw for unit in units(row)), "".join(piece.raw for piece in row.pieces)
        assert shown in (whole, whole.removesuffix("\n"))
        assert all(unicodedata.category(unit.raw[0]) != "Mn" for unit in units(row)[1:])
        assert [p for u in units(row) for p in u.edits] == [p for p in row.pieces if p.kind in ("changed", "blank")]


def test_example_counts_balance():
    rules = load_schema(ROOT / "schema").boilerplate
    for one in read_documents([ROOT / "examples" / "articles"]).documents:
        done = clean(one, STANDARD, rules)

        check_books(explain(one, done.articles, STANDARD, done.drops), done, one.raw)


def test_small_page_in_a_terminal():
    explanation, _ = explained(SMALL, title="خبر")

    told = "\n".join(format_lines(explanation, colour=False)).replace(STANDARD.id, "PROFILE")
    marks = {"TATWEEL": "\N{ARABIC TATWEEL}", "FATHATAN": "\N{ARABIC FATHATAN}",
             "MARKS": "\N{ARABIC SHADDA}\N{ARABIC KASRA}"}  # fmt: skip
    assert told == re.sub("_([A-Z]+)_", lambda name: marks[name[1]], SAID)


def test_small_page_as_json():
    raw = f"{PARAGRAPH}\n\nالمصدر: نسي\N{ARABIC TATWEEL}م"
    size = len(PARAGRAPH)
    explanation, _ = explained(raw)
    plain = {"part": 0, "rule": "", "fields": {}}
    gone = {"put": "", "part": None, "rule": "", "fields": {}}

    assert json.loads(as_json(explanation)) == {
        "document_id": sha16(raw),
        "origin": "articles/01.txt",
        "source": "nasim",
        "title": None,
        "profile": STANDARD.id,
        "characters": size + 15,
        "parts": [{"number": 0, "article_id": f"{sha16(raw)}-0", "title": None}],
        "counts": [
            {"kind": "kept", "what": "part 0", "times": 1, "characters": size, "parts": 0},
            {"kind": "dropped", "what": "source", "times": 1, "characters": 13, "parts": 0},
            {"kind": "blank", "what": "U+000A", "times": 2, "characters": 2, "parts": 0},
        ],
        "pieces": [
            {"start": 0, "end": size, "line": 1, "kind": "kept", "raw": PARAGRAPH, "put": PARAGRAPH, **plain},
            {"start": size, "end": size + 1, "line": 1, "kind": "blank", "raw": "\n", **gone},
            {"start": size + 1, "end": size + 2, "line": 2, "kind": "blank", "raw": "\n", **gone},
            {
                "start": size + 2, "end": size + 15, "line": 3, "kind": "dropped", "raw": raw[size + 2 :], "put": "",
                "part": 0, "rule": "source", "fields": {"source_name": "نسيم"},
            },
        ],
    }  # fmt: skip


def test_kept_line_names_its_article():
    raw = f"{PARAGRAPH}\nالمصدر: نسيم\nاقرأ أيضاً\nعودة الحصاد إلى السدر\nالسدر – عاد الحصاد. {PARAGRAPH * 2}"
    explanation, done = explained(raw)

    check_books(explanation, done, raw)
    assert [part.title for part in explanation.parts] == [None, "عودة الحصاد إلى السدر"]
    assert [(row.kind, row.line, {p.part for p in row.pieces if p.put}) for row in rows(explanation.pieces)] == [
        ("kept", 1, {0}), ("dropped", 2, set()), ("dropped", 3, set()), ("dropped", 4, set()), ("kept", 5, {1}),
    ]  # fmt: skip
    assert f"part 1: {sha16(raw)}-1 «عودة الحصاد إلى السدر»" in list(format_lines(explanation, colour=False))
    assert render_html(explanation).count("المقال 1") == 3  # among the facts, beside its line, in the legend


AUTHOR = "واس – الرياض"


def test_prefix_that_names_the_author_is_cut_from_a_kept_line():
    raw = f"{AUTHOR}:  {PARAGRAPH}\n{PARAGRAPH}\nشارك"
    explanation, done = explained(raw, rules=CUTS, author=AUTHOR)
    first = rows(explanation.pieces)[0]

    check_books(explanation, done, raw)
    assert done.articles[0].text == f"{PARAGRAPH}\n{PARAGRAPH}"
    assert [(row.kind, row.line) for row in rows(explanation.pieces)] == [("kept", 1), ("kept", 2), ("dropped", 3)]
    assert [(piece.kind, piece.raw) for piece in first.pieces] == [
        ("dropped", f"{AUTHOR}:"), ("blank", "  "), ("kept", f"{PARAGRAPH}\n"),
    ]  # fmt: skip
    printed = list(format_lines(explanation, colour=False))
    assert printed[4:8] == [
        f"    0:103  part 0 │ {AUTHOR}:  {PARAGRAPH}",
        f"                  │   0:13 cut by record-author: {AUTHOR}:",
        "                  │   2 × SPACE at 13:15 → whitespace tidied",
        f"  103:191  part 0 │ {PARAGRAPH}⟨LF⟩",
    ]
    assert "    dropped             13  record-author, 1 part of a line" in printed
    assert "    dropped              4  share, 1 line" in printed


def test_suffix_is_cut_from_a_kept_line_in_html():
    raw = f"{PARAGRAPH}\n{PARAGRAPH} تابعنا على المنصة نسيم\nشارك"
    explanation, done = explained(raw, rules=CUTS)
    written = render_html(explanation)

    check_books(explanation, done, raw)
    assert [row.kind for row in rows(explanation.pieces)] == ["kept", "kept", "dropped"]
    assert '<del title="follow\n176:198">تابعنا على المنصة نسيم</del>' in written
    assert written.count('<code class="tag dropped">') == 2
    assert "<th>السطور وأجزاؤها</th>" in written
    assert "<del" not in render_html(explained(f"{PARAGRAPH}\nشارك", rules=CUTS)[0])


def test_line_loses_its_begin_and_its_end():
    raw = f"نسيم: {PARAGRAPH} تابعنا على المنصّة"
    explanation, done = explained(raw, rules=CUTS)
    printed = list(format_lines(explanation, colour=True))

    check_books(explanation, done, raw)
    assert done.articles[0].text == PARAGRAPH
    assert [(count.what, count.times, count.parts) for count in explanation.counts if count.kind == "dropped"] == [
        ("agency", 1, 1), ("follow", 1, 1),
    ]  # fmt: skip
    assert f"{click.style('نسيم:', fg='red')} {PARAGRAPH} {click.style('تابعنا على المنصّة', fg='red')}" in printed[4]


def test_line_that_is_all_cut_is_dropped():
    raw = f"{PARAGRAPH}\nتابعنا على المنصة"
    explanation, done = explained(raw, rules=CUTS)

    check_books(explanation, done, raw)
    assert [row.kind for row in rows(explanation.pieces)] == ["kept", "dropped"]


@given(LINES.filter(lambda raw: raw.strip()))
def test_pieces_partition_pages_with_cut_lines(raw):
    whole = f"{AUTHOR}: {PARAGRAPH}\n{raw}\n{PARAGRAPH} تابعنا على المنصة"
    explanation, done = explained(whole, rules=CUTS, author=AUTHOR)

    check_books(explanation, done, whole)
    for row in rows(explanation.pieces):
        assert (row.kind == "kept") == any(piece.put for piece in row.pieces)


def test_page_without_body_is_explained_by_its_drops():
    raw = "المصدر: نسيم\nشارك"
    explanation, done = explained(raw)

    check_books(explanation, done, raw)
    assert explanation.parts == ()
    assert "no article: cleaning left no body text" in list(format_lines(explanation, colour=False))
    assert "لم يبق من هذه الصفحة متن" in render_html(explanation)


def test_empty_page_has_no_pieces():
    explanation, _ = explained("")

    assert (explanation.pieces, explanation.counts) == ((), ())
    assert list(format_lines(explanation, colour=False))[-1].startswith("0 code points = 0 kept")


def test_characters_without_one_fate_are_an_error():
    one = document(f"{PARAGRAPH}\n{PARAGRAPH}")
    (article,) = clean(document(PARAGRAPH), STANDARD, RULES).articles
    short = replace(article, edits=(len(PARAGRAPH), len(PARAGRAPH) + 1, 0))

    with pytest.raises(ValueError, match=r"raw 88:175 is in no article, and no rule dropped it"):
        explain(one, [short], STANDARD)
    with pytest.raises(ValueError, match=r"raw 0:88 is covered twice"):
        explain(one, [*clean(one, STANDARD, RULES).articles] * 2, STANDARD)


HOSTILE = (
    "</p></article><script>window.hit = 1</script><img src=x onerror='window.hit = 2'> & \"مرفأ\" السدر.\n"
    "\x1b[31mأحمر\x1b[0m \x9b2J \x1b]0;title\x07 \N{RIGHT-TO-LEFT OVERRIDE}abc\N{POP DIRECTIONAL FORMATTING} "
    "\N{RIGHT-TO-LEFT ISOLATE}\0 \N{GRINNING FACE}\N{FAMILY}\N{ZERO WIDTH JOINER} &lt;b&gt; \ue000\n"
    'المصدر: <b onclick="x()">\N{LEFT-TO-RIGHT OVERRIDE}نسيم</b>'
)


def test_hostile_page_is_plain_text_in_terminal_and_html():
    explanation, done = explained(HOSTILE, title="</title><script>window.hit = 3</script>\x1b[2J")
    printed, written = "\n".join(format_lines(explanation, colour=False)), render_html(explanation)
    read = Page(written)

    check_books(explanation, done, HOSTILE)
    assert "\x1b" not in printed
    assert "⟨ESC⟩[31mأحمر⟨ESC⟩[0m ⟨CSI⟩2J ⟨ESC⟩]0;title⟨BEL⟩ ⟨RLO⟩abc⟨PDF⟩ ⟨RLI⟩⟨NUL⟩" in printed
    assert {"script", "img", "b", "link", "iframe"}.isdisjoint(read.tags)
    assert read.tags.count("article") == 1
    assert "window.hit = 1</script>" in read.rows[0]
    assert "⟨CSI⟩2J" in read.rows[1]
    assert "&lt;b&gt;" in read.rows[1]
    assert '<b onclick="x()">⟨LRO⟩نسيم</b>' in read.rows[2]


def test_each_edit_has_a_titled_mark():
    explanation, _ = explained(SMALL)
    read = Page(render_html(explanation))

    assert read.titles == [
        "␣ → ∅\nSPACE\n13:14",
        "◌\N{ARABIC FATHATAN} → ∅\nARABIC FATHATAN\n26:27",
        "◌\N{ARABIC SHADDA}\N{ARABIC KASRA} → ∅\nARABIC SHADDA, ARABIC KASRA\n36:38",
        "⟨CR⟩ → ∅\nU+000D CR\n45:46",
        "⟨CR⟩ → ∅\nU+000D CR\n47:48",
        "⟨LF⟩ → ∅\nU+000A LF\n48:49",
        "␣⟨LF⟩ → ∅\nSPACE, U+000A LF\n49:51",
        "⟨RLM⟩⟨RLM⟩ → ∅\n2 × RIGHT-TO-LEFT MARK\n51:53",
        "⟨NBSP⟩ → ␣\nNO-BREAK SPACE → SPACE\n62:63",
        "\N{ARABIC TATWEEL} → ∅\nARABIC TATWEEL\n71:72",
        "␣⟨LF⟩ → ∅\nSPACE, U+000A LF\n76:78",
        "⟨LF⟩ → ∅\nU+000A LF\n90:91",
        "⟨LF⟩ → ∅\nU+000A LF\n91:92",
    ]


def test_page_counts_rules_and_labels_dropped_ranges():
    explanation, _ = explained(f"{PARAGRAPH}\nشارك\n{PARAGRAPH}\nشارك")
    written = render_html(explanation)

    assert (
        "<td><code>share</code></td><td>" + '<span class="n">2</span></td><td><span class="n">8</span></td>' in written
    )
    assert written.count('<code class="tag dropped">share</code>') == 2
    assert '<span class="n">88:92</span>' in written
