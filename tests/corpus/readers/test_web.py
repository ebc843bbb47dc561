"""HTML pages: their raw text, their metadata, and hostile input."""

import hashlib
import socket
import sys
import time

import pytest

from builder.corpus.cleaning.clean import clean
from builder.corpus.readers import streams, web
from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.pages.extract import PageError, extract
from builder.io.hashing import sha16
from builder.records import Dropped, KhabarError
from builder.schema import load_schema
from builder.text.profiles import profile
from tests.conftest import ROOT

BODY = [
    "افتتح وزير الثقافة صباح اليوم المعرض السنوي للكتاب في مدينة السدر، بحضور عدد كبير من الكتّاب والناشرين.",
    "وقال الوزير في كلمته إن المعرض يضم أكثر من ثلاثمئة دار نشر من عشرين دولة، وإن أبوابه مفتوحة حتى نهاية الشهر.",
    "وأضاف أن الدخول مجاني للطلاب في جميع الأيام، وأن الحافلات تنطلق من وسط المدينة كل ساعة.",
]
SECOND = "أعلنت بلدية السدر أمس بدء صيانة الجسر القديم بعد أشهر من التأخير بسبب الأمطار الغزيرة."
PAGE = f"""<!DOCTYPE html>
<html lang="ar" dir="rtl"><head><meta charset="utf-8"><title>افتتاح معرض الكتاب | نسيم</title>
<meta property="og:title" content="افتتاح معرض الكتاب">
<meta property="article:published_time" content="2026-03-04T23:20:30+03:00">
<link rel="canonical" href="https://nasim.example/news/1">
<script>document.write("نص لا يكتبه أحد");</script></head>
<body><nav><ul><li><a href="/">الرئيسية</a></li><li><a href="/s">سياسة</a></li></ul></nav>
<article><h1>افتتاح معرض الكتاب</h1>
<p>{BODY[0]}</p><p>{BODY[1].replace("الوزير", "<b>الوزير</b>")}</p><div>{BODY[2]}</div>
<p>المصدر: وكالات</p>
<p>اقرأ أيضاً</p><p>صيانة الجسر القديم</p><p>{SECOND}</p>
</article><footer>جميع الحقوق محفوظة 2019</footer></body></html>
"""
LINES = ["افتتاح معرض الكتاب", *BODY, "المصدر: وكالات", "اقرأ أيضاً", "صيانة الجسر القديم", SECOND]


def page_of(*paragraphs, head=""):
    return (
        f"<html><head>{head}</head><body><article>{''.join(f'<p>{p}</p>' for p in paragraphs)}</article></body></html>"
    )


def test_page_gives_its_lines_and_metadata():
    page = extract(PAGE)

    assert page.text.split("\n") == LINES
    assert (page.title, page.url) == ("افتتاح معرض الكتاب", "https://nasim.example/news/1")
    assert (page.published_at, page.author) == ("2026-03-04T23:20:30+03:00", None)


@pytest.mark.parametrize("markup", ["".join(f"<p>{line}</p>" for line in BODY), page_of(*BODY)])
def test_fragment_is_read_like_a_page_without_guessing(markup):
    assert extract(f"{markup}<p>كتب في 3 مايو 2019</p>").text.split("\n")[:3] == BODY
    page = extract(markup)
    assert (page.text.split("\n"), page.title, page.url, page.published_at) == (BODY, None, None, None)


@pytest.mark.parametrize("markup", ["", "<html><body></body></html>", "<script>let x = 1</script>", "\0\0"])
def test_page_without_text_is_refused(markup):
    with pytest.raises(PageError) as caught:
        extract(markup)

    assert caught.value.reason == "no text in HTML"


def test_page_becomes_a_document_with_its_file_hash(tmp_path):
    folder = tmp_path / "nasim"
    folder.mkdir()
    (folder / "01.html").write_text(PAGE, encoding="utf-8")
    (folder / "02.HTM").write_text(page_of(*BODY), encoding="utf-8")
    (folder / "03.html").write_text("<html><body><script>1</script></body></html>", encoding="utf-8")
    (folder / "04.txt").write_text("\n".join(BODY), encoding="utf-8")
    reading = read_documents([tmp_path])
    first, second = reading.documents

    assert (first.raw, first.source, first.origin) == (
        "\n".join(LINES), "nasim.example", f"{tmp_path.name}/nasim/01.html"
    )  # fmt: skip
    assert (first.title, first.url) == ("افتتاح معرض الكتاب", "https://nasim.example/news/1")
    assert (first.published_at, first.encoding) == ("2026-03-04T23:20:30+03:00", "utf-8")
    assert second.source == "nasim", "the folder is the last resort"
    assert first.html_sha == hashlib.sha256((folder / "01.html").read_bytes()).hexdigest()
    assert (second.id, second.title, second.url, second.published_at) == (sha16("\n".join(BODY)), None, None, None)
    assert reading.set_aside == (
        Dropped("ingest", f"{tmp_path.name}/nasim/03.html", "no text in HTML"),
        Dropped("ingest", f"{tmp_path.name}/nasim/04.txt", "same text twice", f"first at {second.origin}"),
    )
    assert (reading.taken, reading.issues) == (4, ())


@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="windows-1256">',
        "<META content='text/html; CHARSET = CP1256' http-equiv=Content-Type>",
        '<?xml version="1.0" encoding="Windows-1256"?>',
    ],
)
def test_declared_encoding_is_used(tmp_path, head):
    path = tmp_path / "a.html"
    path.write_bytes((head + page_of(BODY[0], "ذوق", head="<title>ذوق</title>")).encode("windows-1256"))
    reading = read_documents([path])

    (found,) = reading.documents
    assert (found.raw, found.title, found.encoding) == (f"{BODY[0]}\nذوق", "ذوق", "windows-1256, declared")
    assert reading.issues == ()


@pytest.mark.parametrize(
    ("encoding", "head", "said"),
    [
        ("utf-8", "", []),
        ("utf-8", '<meta charset="iso-8859-1">', []),
        ("utf-8", '<meta charset="windows-1256">', ["read as utf-8: its bytes are, though windows-1256 was declared"]),
        ("windows-1256", "", ["read as windows-1256: detected"]),
        ("windows-1256", '<meta charset="utf-8">', ["read as windows-1256: detected"]),
        ("utf-16-le", '<meta charset="utf-16">', ["read as utf-16-le: detected"]),
        ("utf-16", '<meta charset="utf-8">', []),
    ],
)
def test_bytes_override_a_wrong_declaration(tmp_path, encoding, head, said):
    path = tmp_path / "a.html"
    path.write_bytes(page_of(*BODY, head=head).encode(encoding))
    reading = read_documents([path])

    assert [d.raw for d in reading.documents] == ["\n".join(BODY)]
    assert [issue.message for issue in reading.issues] == said


def test_missing_extra_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    for name in ("a.html", "b.htm"):
        (tmp_path / name).write_text(PAGE, encoding="utf-8")
    (tmp_path / "c.txt").write_text("سطر", encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        read_documents([tmp_path])

    assert caught.value.exit_code == 2
    (issue,) = caught.value.issues
    assert (issue.where, issue.message, issue.fix) == (
        str(tmp_path / "a.html"), "needs the html extra", "pip install 'khabar[html]'"
    )  # fmt: skip


def test_rules_apply_to_page_text(tmp_path):
    path = tmp_path / "nasim.html"
    path.write_text(PAGE, encoding="utf-8")
    (document,) = read_documents([path]).documents
    cleaned = clean(document, profile("standard@1"), load_schema(ROOT / "schema").boilerplate)
    main, embedded = cleaned.articles
    dropped = [(drop.rule, document.raw[drop.start : drop.end]) for drop in cleaned.drops]

    assert main.text.split("\n") == [BODY[0].replace("\N{ARABIC SHADDA}", ""), *BODY[1:]]
    assert (embedded.title, embedded.text) == (LINES[-2], SECOND)
    assert dropped == [
        ("record-title", LINES[0]),
        ("source", LINES[4]),
        ("read-also", LINES[5]),
        ("embedded-headline", LINES[6]),
    ]


def test_page_makes_no_requests(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        (tmp_path / "a.html").write_text(
            f'<?xml version="1.0"?><!DOCTYPE html SYSTEM "{address}/dtd" [<!ENTITY x SYSTEM "{address}/entity">'
            f'<!ENTITY f SYSTEM "file:///etc/passwd">]><html><head><base href="{address}/">'
            f'<link rel="stylesheet" href="{address}/css"><link rel="canonical" href="{address}/page">'
            f'<meta http-equiv="refresh" content="0;url={address}"><script src="{address}/js"></script></head>'
            f'<body><article><p>{BODY[0]} &x; &f;</p><img src="{address}/img"><iframe src="{address}/frame"></iframe>'
            f'<object data="{address}/object"></object><p>{BODY[1]}</p></article></body></html>',
            encoding="utf-8",
        )
        (document,) = read_documents([tmp_path]).documents
        with pytest.raises(TimeoutError):
            server.accept()

    assert "root:" not in document.raw
    assert BODY[1] in document.raw


ENTITIES = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
BOMB = f'<!DOCTYPE html [<!ENTITY a0 "{"ا" * 100}">{ENTITIES}]><html><body><p>{BODY[0]} &a11;</p></body></html>'


@pytest.mark.slow
@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 10_000 + BODY[0] + "</div>" * 10_000,
        "<b><i><p>" * 10_000 + BODY[0],
        "<table><tr><td>" * 10_000 + BODY[0],
        '<a href="' * 100_000,
        "<!--" * 100_000,
        "<" * 1_000_000,
        "<p>" + " " * 5_000_000 + BODY[0],
        "<p>" + f"{BODY[0]}<br>" * 20_000,
        '<meta name="date" content="' + "2026-" * 200_000 + '">' + BODY[0],
        '<script type="application/ld+json">' + '{"@type":"Article","author":{"name":"' * 50_000 + "</script>",
        BOMB,
    ],
    ids=range(11),
)
def test_hostile_page_ends_within_seconds(markup):
    began = time.perf_counter()
    try:
        text = extract(markup).text
    except PageError:
        text = ""

    assert time.perf_counter() - began < 30
    assert len(text) <= 2 * len(markup)


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ("<p>x</p>" * 100_001, "more than 100,000 elements in one page"),
        (f"<p {' '.join(f'a{n}=1' for n in range(1001))}>", "more than 1,000 attributes in one element"),
        (
            f'<!-- <x y=" --><p {" ".join(f"a{n}" for n in range(300_000))}>"',
            "more than 1,000 attributes in one element",
        ),
    ],
)
def test_page_beyond_a_limit_is_dropped(tmp_path, markup, message):
    (tmp_path / "a.html").write_text(markup, encoding="utf-8")
    reading = read_documents([tmp_path])

    assert reading.taken == 1
    assert reading.set_aside == (Dropped("ingest", f"{tmp_path.name}/a.html", "HTML not read", message),)


def test_page_that_breaks_the_parser_stops_no_other(tmp_path):
    (tmp_path / "a.html").write_text("<svg><html/>", encoding="utf-8")  # an assert in lxml.html
    (tmp_path / "b.html").write_text(PAGE, encoding="utf-8")
    reading = read_documents([tmp_path])

    assert [d.raw for d in reading.documents] == ["\n".join(LINES)]
    assert [one.what for one in reading.set_aside] == [f"{tmp_path.name}/a.html"]


def test_oversized_page_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(web, "MAX_BYTES", 40)
    monkeypatch.setattr(streams, "MAX_BYTES", 40)
    (tmp_path / "a.html").write_text("x" * 41)
    with pytest.raises(KhabarError, match="more than 40 bytes in one HTML file"):
        read_documents([tmp_path])
