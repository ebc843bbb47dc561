"""WARC and WET archives, and pages whose bytes are bad or cut off."""

import gzip
import io
import sys
import zlib
from types import SimpleNamespace

import pytest
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from builder.corpus.readers import archives
from builder.corpus.readers.documents import read_documents
from builder.records import KhabarError

BODY = [
    "افتتح وزير الثقافة صباح اليوم المعرض السنوي للكتاب في مدينة السدر، بحضور عدد كبير من الكتّاب والناشرين.",
    "وقال الوزير في كلمته إن المعرض يضم أكثر من ثلاثمئة دار نشر من عشرين دولة، وإن أبوابه مفتوحة حتى نهاية الشهر.",
    "وأضاف أن الدخول مجاني للطلاب في جميع الأيام، وأن الحافلات تنطلق من وسط المدينة كل ساعة.",
]
TEXT = "\n".join(BODY)
PAGE = "<html><head><title>المعرض</title></head><body><article>{}</article></body></html>".format(
    "".join(f"<p>{line}</p>" for line in BODY)
)
URL = "https://nasim.example/news/1"
DATE = "2026-03-04T05:06:07Z"


def record(body, *, kind="response", url=URL, http=(), status="200 OK", warc=(), content_type=None, compressed=True):
    """The bytes of one WARC record, with these HTTP headers and WARC headers."""
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=compressed)
    head = StatusAndHeaders(status, list(http), protocol="HTTP/1.1") if kind == "response" else None
    made = writer.create_warc_record(
        url, kind, io.BytesIO(body), http_headers=head, length=len(body) if head is None else None, warc_headers_dict={"WARC-Date": DATE, **dict(warc)},
        **({"warc_content_type": content_type} if content_type is not None else {}),
    )  # fmt: skip
    writer.write_record(made)
    made.raw_stream.close()
    return out.getvalue()


def read(tmp_path, content, name="a.warc.gz"):
    (tmp_path / name).write_bytes(content)
    return read_documents([tmp_path / name])


HTML = [("Content-Type", "text/html")]


def test_address_and_date_of_fetching_are_kept(tmp_path):
    (document,) = read(tmp_path, record(PAGE.encode(), http=HTML)).documents

    assert (document.raw, document.source, document.origin) == (TEXT, "nasim.example", "a.warc.gz:0")
    assert (document.facts.fetched_url, document.facts.fetched_at) == (URL, DATE)
    assert document.facts.extractor.startswith("trafilatura ")


@pytest.mark.parametrize("name", ["a.warc.wet.gz", "a.wet.gz", "a.wet", "a.warc.gz"])
def test_conversion_records_are_texts(tmp_path, name):
    packed = name.endswith(".gz")
    info = record(b"software: x", kind="warcinfo", content_type="application/warc-fields", compressed=packed)
    wet = record(TEXT.encode(), kind="conversion", content_type="text/plain", compressed=packed)
    reading = read(tmp_path, info + wet + record(BODY[0].encode(), kind="conversion", url="https://barq.example/2",
                                                 content_type="text/plain", compressed=packed), name)  # fmt: skip
    first, second = reading.documents

    assert (first.raw, first.url, first.source, first.title) == (TEXT, URL, "nasim.example", None)
    assert (first.facts.fetched_url, first.facts.fetched_at, first.facts.extractor) == (URL, DATE, None)
    assert (second.raw, second.source) == (BODY[0], "barq.example")
    assert [int(document.origin.rpartition(":")[2]) for document in reading.documents] == (
        [len(info), len(info + wet)] if not packed else [len(gzip.decompress(info)), len(gzip.decompress(info + wet))]
    )
    assert reading.set_aside == ()


@pytest.mark.parametrize("kind", ["metadata", "request", "revisit", "warcinfo"])
def test_other_records_are_skipped(tmp_path, kind):
    block = b"GET /news/1 HTTP/1.1\r\n\r\n" if kind == "request" else b"HTTP/1.1 200 OK\r\n\r\n"
    http = "application/http; msgtype=response"
    reading = read(tmp_path, record(block, kind=kind, content_type=http) + record(PAGE.encode(), http=HTML))

    assert (len(reading.documents), reading.taken) == (1, 1)


@pytest.mark.parametrize("charset", ["windows-1256", '"CP1256"', "Windows-1256; q=1"])
def test_charset_of_http_is_used(tmp_path, charset):
    page = PAGE.replace(BODY[0], "ذوق").replace(BODY[1], "").replace(BODY[2], "")
    http = [("Content-Type", f"text/html; charset={charset}")]
    (document,) = read(tmp_path, record(page.encode("windows-1256"), http=http)).documents

    assert (document.raw, document.encoding) == ("ذوق", "windows-1256, declared")


def test_wrong_charset_of_http_is_overruled_by_the_bytes(tmp_path):
    http = [("Content-Type", "text/html; charset=windows-1256")]
    reading = read(tmp_path, record(PAGE.encode(), http=http))

    assert [document.raw for document in reading.documents] == [TEXT]
    assert reading.issues[0].message.startswith(
        "read as utf-8: its bytes are, though windows-1256 was declared; 1 page,"
    )


@pytest.mark.parametrize("http", [[], [("Content-Type", "")], [("Content-Type", " ; charset=utf-8")]])
@pytest.mark.parametrize(
    "beginning", ["", "\n ", "<!DOCTYPE html>", "\N{ZERO WIDTH NO-BREAK SPACE}", '<?xml version="1.0"?>']
)
def test_page_without_a_content_type_is_known_by_its_beginning(tmp_path, http, beginning):
    (document,) = read(tmp_path, record((beginning + PAGE).encode(), http=http)).documents

    assert document.raw == TEXT


@pytest.mark.parametrize("body", [b"", b"\x89PNG\r\n", b"{}", b"<svg></svg>", b"plain words"])
def test_other_answer_without_a_content_type_is_set_aside(tmp_path, body):
    (aside,) = read(tmp_path, record(body)).set_aside

    assert (aside.reason, aside.detail) == ("not a page", "its type is not said")


def test_packed_answers_are_unpacked_or_named(tmp_path):
    packed = record(gzip.compress(PAGE.encode()), http=[*HTML, ("Content-Encoding", "gzip")])
    unknown = record(b"\x01\x02", http=[*HTML, ("Content-Encoding", "zstd")])
    reading = read(tmp_path, packed + unknown)

    assert [document.raw for document in reading.documents] == [TEXT]
    assert [(aside.reason, aside.detail) for aside in reading.set_aside] == [
        ("not unpacked", "its content encoding is zstd")
    ]


class Decompressor:
    """What brotli 1.2 offers: no other attribute can be set, and there is no `decompress`."""

    __slots__ = ("inner",)

    def __init__(self):
        self.inner = zlib.decompressobj()

    def process(self, data, output_buffer_limit=0):
        return self.inner.decompress(self.inner.unconsumed_tail + data, output_buffer_limit)


def test_brotli_is_unpacked_and_bounded(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", SimpleNamespace(Decompressor=Decompressor))
    monkeypatch.setattr(archives, "find_spec", lambda _name: True)
    monkeypatch.setattr(archives, "MAX_BYTES", 100_000)
    http = [*HTML, ("Content-Encoding", "br")]
    packed = [record(zlib.compress(text), http=http) for text in (PAGE.encode(), b"x" * 10_000_000)]
    reading = read(tmp_path, b"".join(packed) + record(PAGE.replace("<p>", "<p>. ").encode(), http=HTML))

    assert reading.documents[0].raw == TEXT
    assert len(reading.documents) == 2
    assert [aside.reason for aside in reading.set_aside] == ["too long"]


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.607, 0.65, 0.9])
def test_archive_cut_in_the_middle_keeps_the_pages_before(tmp_path, compressed, share):
    one = record(PAGE.encode(), http=HTML, compressed=compressed)
    two = record(BODY[0].encode(), http=[("Content-Type", "text/plain")], compressed=compressed)
    reading = read(tmp_path, one + two[: int(len(two) * share)], "a.warc.gz" if compressed else "a.warc")

    assert [document.raw for document in reading.documents] == [TEXT]
    assert [aside.reason for aside in reading.set_aside] == ["broken archive"]


def test_pages_cut_short_by_the_crawler_are_counted(tmp_path):
    cut = PAGE.encode()[: PAGE.encode().index(BODY[2].encode()) + 25]
    records = record(cut, http=HTML, warc=[("WARC-Truncated", "length")])
    reading = read(tmp_path, records + record(PAGE.encode(), http=HTML) + records)
    first = reading.documents[0]

    assert first.raw.split("\n")[:2] == BODY[:2]
    assert BODY[2].startswith(first.raw.split("\n")[2])
    assert "\N{REPLACEMENT CHARACTER}" not in first.raw
    assert first.encoding == "utf-8, damaged"
    assert [issue.message for issue in reading.issues] == [
        "the crawler cut it short (WARC-Truncated: length); 2 pages, first at :0",
        "some bytes are not UTF-8; they were read as the replacement character; 2 pages, first at :0",
    ]


BAD = b"\xd8"


@pytest.mark.parametrize(
    ("damaged", "lost"),
    [
        (PAGE.encode().replace("الوزير".encode(), "الوز".encode() + BAD, 1), 1),
        (PAGE.encode() + b"<footer>\xff\xfe\xfd\xc0</footer>", 0),
        (PAGE.encode().replace(b"<title>", b"<title>\xe1\xf3\xf2" * 20), 0),
        (PAGE.encode().replace(b"</html>", "ن".encode()[:1]), 0),
    ],
    ids=["in the text", "in the footer", "in the title", "cut in a letter"],
)
def test_page_with_a_few_bad_bytes_is_read(tmp_path, damaged, lost):
    reading = read(tmp_path, damaged, "a.html")
    (document,) = reading.documents

    assert document.raw.count("\N{REPLACEMENT CHARACTER}") == lost
    assert document.raw.split("\n")[1:] == BODY[1:] or lost
    assert document.encoding == "utf-8, damaged"
    assert [issue.code for issue in reading.issues] == ["encoding"]
    assert reading.set_aside == ()


@pytest.mark.parametrize("name", ["a.html", "a.warc.gz"])
def test_page_with_many_bad_bytes_is_set_aside(tmp_path, name):
    damaged = PAGE.encode().replace("ا".encode(), BAD + "ا".encode())
    content = damaged if name == "a.html" else record(damaged, http=HTML)
    with pytest.raises(KhabarError) as caught:
        read(tmp_path, content, name)

    (issue,) = caught.value.issues
    assert (
        issue.message
        == f"not UTF-8 at byte {damaged.index(BAD * 1 + 'ا'.encode()[:1])} of the page, and more than 1% of its text is lost"
    )


def test_bad_bytes_in_utf_16_are_replaced(tmp_path):
    content = b"\xff\xfe" + PAGE.encode("utf-16-le").replace("الوزير".encode("utf-16-le"), b"\x00\xd8" * 2, 1)
    (document,) = read(tmp_path, content, "a.html").documents

    assert document.encoding == "utf-16-le, damaged"
    assert document.raw.count("\N{REPLACEMENT CHARACTER}") in (1, 2)


def test_plain_page_with_many_bad_bytes_is_set_aside(tmp_path):
    good = record(TEXT.encode(), kind="conversion", content_type="text/plain")
    bad = record(BODY[0].encode() + BAD * 5, kind="conversion", content_type="text/plain")
    reading = read(tmp_path, good + bad, "a.wet.gz")

    assert [document.raw for document in reading.documents] == [TEXT]
    assert [(aside.what, aside.reason) for aside in reading.set_aside] == [
        (f"a.wet.gz:{len(gzip.decompress(good))}", "not UTF-8")
    ]


def test_oversized_page_of_an_archive_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_BYTES", len(PAGE.encode()))
    reading = read(tmp_path, record(PAGE.encode(), http=HTML) + record(PAGE.encode() + b"x", http=HTML))

    assert len(reading.documents) == 1
    assert [aside.reason for aside in reading.set_aside] == ["too long"]


def test_controls_in_headers_do_not_reach_the_terminal(tmp_path):
    odd = "\x1b[2J" + "x" * 500
    answers = (
        record(b"x", http=[("Content-Type", odd)]),
        record(b"x", http=HTML, status=f"{odd.replace(' ', '')} OK"),
        record(b"x", http=[*HTML, ("Content-Encoding", odd)]),
        record(PAGE.encode(), http=HTML, warc=[("WARC-Truncated", odd)]),
    )
    reading = read(tmp_path, b"".join(answers))
    said = [*(aside.detail for aside in reading.set_aside), *(issue.message for issue in reading.issues)]

    assert len(said) == 4
    assert all(message.isprintable() and len(message) < 200 for message in said)


def test_archive_without_the_html_extra_reads_its_texts(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "trafilatura", None)
    monkeypatch.setitem(sys.modules, "trafilatura.utils", None)
    plain = record(TEXT.encode(), kind="conversion", content_type="text/plain")
    reading = read(tmp_path, record(PAGE.encode(), http=HTML) * 3 + plain)

    assert [document.raw for document in reading.documents] == [TEXT]
    assert [aside.reason for aside in reading.set_aside] == ["html extra missing"] * 3
    assert [(issue.message, issue.fix) for issue in reading.issues] == [
        ("its pages need the html extra; 3 pages, first at :0", "pip install 'khabar[html]'")
    ]


def test_record_of_another_length_is_reported_and_costs_no_other(tmp_path, capfd):
    one = record(PAGE.encode(), http=HTML, compressed=False)
    two = record(BODY[0].encode(), http=[("Content-Type", "text/plain")], compressed=False)
    reading = read(tmp_path, one[:-4] + b"\0\0\r\n\r\n" + two, "a.warc")

    assert [document.raw for document in reading.documents] == [TEXT, BODY[0]]
    assert [issue.code for issue in reading.issues] == ["archive"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("junk", [b"\x1b[2J\0\r\n", b"x" * 5000 + b"\r\n", b"WARC/9\r\n"])
def test_archive_with_junk_between_records_ends_there(tmp_path, junk):
    one = record(PAGE.encode(), http=HTML, compressed=False)
    reading = read(tmp_path, one + junk + one, "a.warc")
    (issue,) = reading.issues

    assert [document.raw for document in reading.documents] == [TEXT]
    assert [aside.reason for aside in reading.set_aside] == ["broken archive"]
    assert issue.message.isprintable()
    assert len(issue.message) < 200
