"""XML corpora: an element for each article, with or without a root, sound or damaged."""

import pytest

from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.objects import corpus_xml
from builder.records import KhabarError
from builder.schema.dataset import Fields
from tests.conftest import SHARED

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة"


def article(number, name="Nasim_{}", text=LONG, head="Headline"):
    name = name.format(number)
    return (f"<{name}>\n<ID>{number}</ID>\n<URL>https://nasim.example/{number}</URL>\n<{head}>عنوان {number}</{head}>\n"
            f"<Dateline>2015-03-0{number}</Dateline>\n<Text>{text} {number}</Text>\n</{name}>\n")  # fmt: skip


ARTICLES = [article(1), article(2)]
HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
SHAPES = {
    "a root": f"{HEAD}<Nasim>\n{''.join(ARTICLES)}</Nasim>",
    "no root": HEAD + article(1, "Nasim") + article(2, "Nasim"),
    "no declaration": f"<Nasim>{''.join(ARTICLES)}</Nasim>",
    "two levels": f"{HEAD}<!-- x -->\n<corpus><docs n='1'>{article(1, 'doc')}{article(2, 'doc')}</docs></corpus>",
    "a doctype": f'{HEAD}<!DOCTYPE Nasim [<!ENTITY a "lol">]>\n<Nasim>{"".join(ARTICLES)}</Nasim>',
    "misspelled": HEAD + article(1, "Nasim", head="Healine") + article(2, "Nasim", head="Healine"),
    "SGML": article(1, "DOC").upper() + article(2, "DOC").upper(),
}


def found(folder, content, encoding="utf-8", **fields):
    (folder / "nasim.xml").write_bytes(content.encode(encoding))
    return read_documents([folder / "nasim.xml"], fields=Fields(**fields))


@pytest.mark.parametrize("chunk", [5, 1 << 20])
@pytest.mark.parametrize("shape", SHAPES)
def test_articles_are_read_from_each_shape(tmp_path, monkeypatch, shape, chunk):
    blocks = corpus_xml.decoded_blocks

    def small(stream, encoding):
        text = "".join(blocks(stream, encoding))
        yield text[:300]  # what stands before the first article
        yield from (text[place : place + chunk] for place in range(300, len(text), chunk))

    monkeypatch.setattr(corpus_xml, "decoded_blocks", small)
    monkeypatch.setattr(corpus_xml, "CHUNK", chunk)
    reading = found(tmp_path, SHAPES[shape])

    assert [(d.raw, d.title, d.published_at, d.facts.extra) for d in reading.documents] == [
        (f"{LONG} {number}", f"عنوان {number}", f"2015-03-0{number}", {"ID": str(number)}) for number in (1, 2)
    ]
    assert [d.url.casefold() for d in reading.documents] == ["https://nasim.example/1", "https://nasim.example/2"]
    assert (reading.set_aside, reading.issues) == ((), ())


@pytest.mark.parametrize("encoding", ["windows-1256", "utf-16"])
def test_articles_are_read_in_each_encoding(tmp_path, encoding):
    assert [d.raw for d in found(tmp_path, SHAPES["a root"], encoding).documents] == [f"{LONG} 1", f"{LONG} 2"]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("سعر & خصم &amp; &nbsp;", "سعر & خصم & \N{NO-BREAK SPACE}"),
        ("قال 3 < 5", "قال 3 < 5"),
        ("<![CDATA[سعر & <خصم>]]>", "سعر & <خصم>"),
        ("سطر\nآخر\x0b", "سطر\nآخر\x0b"),
        ("<p>سطر</p><p>آخر</p>", "سطر\nآخر"),
        ("&lol;", "&lol;"),
    ],
)
def test_markup_and_bare_signs_in_a_text(tmp_path, written, read):
    (document,) = found(tmp_path, f"{HEAD}<n><a><ID>1</ID><Text>{written}</Text></a></n>").documents

    assert document.raw == read


def test_place_is_the_line_of_the_article(tmp_path):
    assert [d.origin for d in found(tmp_path, SHAPES["a root"]).documents] == ["nasim.xml:3", "nasim.xml:10"]


def test_cut_file_keeps_earlier_articles(tmp_path):
    reading = found(tmp_path, SHAPES["a root"][:-40])

    assert [d.raw for d in reading.documents] == [f"{LONG} 1"]
    assert [(one.what, one.reason) for one in reading.set_aside] == [("nasim.xml:10:1", "truncated")]


def test_elements_may_be_mapped(tmp_path):
    (document,) = found(
        tmp_path, f"{HEAD}<n><a><ID>7</ID><Body>{LONG}</Body><H>ع</H></a></n>", text="Body", title="H"
    ).documents

    assert (document.raw, document.title, document.facts.extra) == (LONG, "ع", {"ID": "7"})


def test_articles_without_a_text_are_one_fault(tmp_path):
    with pytest.raises(KhabarError) as caught:
        found(tmp_path, f"{HEAD}<n><a><ID>7</ID><Story>{LONG}</Story></a><a><ID>8</ID></a></n>")

    assert [issue.message for issue in caught.value.issues] == [
        "no field `text` in any of its first 2 records; they have ID (2), Story (1)"
    ]


@pytest.mark.parametrize("piece", ["<a>", "<a><b>x</b>", "</a>", "<", "<a><![CDATA[", "&amp;", "<!--"])
def test_hostile_markup_takes_little_time(tmp_path, piece):
    (tmp_path / "a.xml").write_text(f"{HEAD}<root>" + piece * 100_000, encoding="utf-8")
    (tmp_path / "b.txt").write_text(LONG, encoding="utf-8")

    assert [d.raw for d in read_documents([tmp_path]).documents][-1] == LONG


@pytest.mark.shared
def test_shared_corpus_is_read():
    reading = read_documents([SHARED.parent / "cases" / "20-json-and-corpus-xml" / "corpus.xml"])

    assert [(d.url, d.published_at) for d in reading.documents] == [
        ("https://nasim.example/1", "2015-03-03"), ("https://nasim.example/2", "2015-03-04"),
    ]  # fmt: skip


def test_bad_bytes_are_replaced_and_reported_up_to_a_share_of_the_article(tmp_path):
    bad = [
        article(1).encode().replace("المعرض".encode(), b"\xff", 1),
        article(2).encode().replace(LONG.encode(), b"\xff" * 30),
    ]
    (tmp_path / "nasim.xml").write_bytes(b"<Nasim>" + b"".join(bad) + article(3).encode() + b"</Nasim>")
    reading = read_documents([tmp_path / "nasim.xml"])

    assert [document.encoding for document in reading.documents] == ["utf-8, damaged", "utf-8"]
    assert [dropped.reason for dropped in reading.set_aside] == ["not UTF-8"]
    assert "damaged" in [issue.code for issue in reading.issues]


def test_elements_inside_a_field_are_lines(tmp_path):
    items = "<items><item><title>عنوان</title><content><value>{}</value><value n='2'>{} &lt;3</value></content></item></items>"
    (document,) = found(tmp_path, items.format(LONG, LONG)).documents

    assert document.raw == f"{LONG}\n{LONG} <3"
    (marked,) = found(tmp_path, items.format(f"<p>{LONG} أ</p>", f"{LONG} ب")).documents
    assert marked.raw == f"{LONG} أ\n{LONG} ب <3"


def test_field_of_markup_is_read_as_a_page(tmp_path):
    page = f"<html><body><nav>الرئيسية</nav><article><h1>الجسر</h1><p>{LONG}.</p><p>{LONG} أمس.</p></article></body></html>"
    docs = f"<docs><doc><url>https://nasim.example/n/1</url><page><![CDATA[{page}]]></page></doc></docs>"
    (document,) = found(tmp_path, docs, html="page").documents

    assert (document.raw, document.title) == (f"الجسر\n{LONG}.\n{LONG} أمس.", "الجسر")


def test_article_without_text_is_called_an_element(tmp_path):
    reading = found(tmp_path, f"<a>{article(1)}<b><ID>1</ID></b></a>")

    assert [dropped.detail for dropped in reading.set_aside] == ["the element has no text"]
    assert "elements under `fields:`" in reading.issues[0].fix


def test_xml_without_a_whole_element_is_named_so(tmp_path):
    with pytest.raises(KhabarError) as caught:
        found(tmp_path, "<corpus><doc><a>" * 9)

    assert caught.value.issues[-1].message == "the XML is no feed, and it holds no whole article"
