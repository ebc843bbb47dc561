"""Each format against other libraries, broken records, and local and remote files."""

import csv
import gzip
import io
import json
import resource
import subprocess
import sys
from datetime import UTC, datetime

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from builder.corpus.readers import sources, streams
from builder.corpus.readers.documents import read, read_documents
from builder.corpus.readers.sources import plan
from builder.records import Dropped, KhabarError
from builder.schema.dataset import Fields
from tests.conftest import ROOT

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة\nوقال إن الدخول مجاني للطلاب."
CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def taken(*inputs, fields=None):
    """The texts, and what was set aside, of all that these inputs hold."""
    planned = plan([str(one) for one in inputs], fields or Fields())
    parts = [part for piece in planned.pieces for part in read(piece)]
    texts = [document.raw for part in parts for document in part.documents]
    return texts, [aside for part in parts for aside in part.set_aside]


def refusal(*inputs, fields=None):
    with pytest.raises(KhabarError) as caught:
        plan([str(one) for one in inputs], fields or Fields())
    assert caught.value.exit_code == 2
    return [(issue.message, issue.fix) for issue in caught.value.issues]


def zstd(content):
    return pa.Codec("zstd").compress(content, asbytes=True)


@given(st.lists(st.tuples(CELL, CELL), max_size=8), st.sampled_from(["csv", "tsv"]))
def test_csv_round_trip(tmp_path_factory, written, kind):
    path = tmp_path_factory.mktemp("csv") / f"a.{kind}"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t" if kind == "tsv" else ",", quoting=csv.QUOTE_ALL)
        writer.writerow(["title", "text"])
        writer.writerows(written)
    planned = plan([str(path)], Fields())
    documents = [one for piece in planned.pieces for part in read(piece) for one in part.documents]

    assert [(d.title, d.raw) for d in documents] == [(title or None, text) for title, text in written if text.strip()]


def test_csv_keeps_quotes_and_newlines_without_its_mark(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b"\xef\xbb\xbf" + 'title,text\nNone,"قال ""نعم""\nثم غادر"\nnan,None\n,NULL\n'.encode()
    )
    (document, word, null) = read_documents([tmp_path]).documents

    assert (document.title, document.raw, document.origin) == ("None", 'قال "نعم"\nثم غادر', f"{tmp_path.name}/a.csv:2")
    assert (word.title, word.raw, word.origin) == ("nan", "None", f"{tmp_path.name}/a.csv:4")
    assert (null.title, null.raw) == (None, "NULL")


def test_semicolons_and_windows_1256_are_detected(tmp_path):
    (tmp_path / "a.csv").write_bytes(f'text;title\n"{LONG}";عنوان\n'.encode("cp1256"))
    (document,) = read_documents([tmp_path]).documents

    assert (document.raw, document.title, document.encoding) == (LONG, "عنوان", "windows-1256, detected")


def test_each_broken_row_is_dropped_and_the_rest_read(tmp_path):
    (tmp_path / "a.csv").write_bytes(
        b'title,text\n1,one\n2,two,three\n3\n4,\xff\xfe\n\n"5"x,five\n6,six\n7,"seven\nnever closed\n8,eight\n'
    )
    texts, aside = taken(tmp_path / "a.csv")

    assert texts == ["one", "six"]
    assert aside == [
        Dropped("ingest", "a.csv:3", "columns", "3 columns, and the header has 2"),
        Dropped("ingest", "a.csv:4", "columns", "1 columns, and the header has 2"),
        Dropped("ingest", "a.csv:5", "not UTF-8", "the row holds bytes that are not UTF-8"),
        Dropped("ingest", "a.csv:7", "broken row", "lines 7 to 7 are no row: ',' expected after '\"'"),
        Dropped("ingest", "a.csv:9", "broken row", "lines 9 to 11 are no row: unexpected end of data"),
    ]


@given(st.lists(st.tuples(st.none() | CELL, CELL), max_size=8))
def test_parquet_round_trip_and_nulls_are_no_text(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    moment = datetime(2026, 3, 3, 18, 42, tzinfo=UTC)
    pq.write_table(
        pa.table({
            "body": pa.array([text for text, _ in written], pa.string()),
            "meta": pa.array([{"source": source} for _, source in written], pa.struct([("source", pa.string())])),
            "date": pa.array([moment] * len(written), pa.timestamp("ms", "UTC")),
        }), path)  # fmt: skip
    fields = Fields(text="body", source="meta.source", published_at="date")
    planned = plan([str(path)], fields)
    parts = [part for piece in planned.pieces for part in read(piece)]
    found = [(d.raw, d.source, d.published_at) for part in parts for d in part.documents]

    said = "2026-03-03T18:42:00+00:00"
    assert found == [(text, source or "a", said) for text, source in written if text and text.strip()]
    reasons = [aside.reason for part in parts for aside in part.set_aside]
    assert reasons == ["no text" if text is None else "empty" for text, _ in written if not (text and text.strip())]


def test_parquet_value_not_utf_8_costs_its_row(tmp_path):
    broken = pa.array([b"one", b"\xff", b"three"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")

    assert taken(tmp_path) == (
        ["one", "three"],
        [Dropped("ingest", f"{tmp_path.name}/a.parquet:2", "not UTF-8", "not UTF-8 at byte 0 of a value")],
    )


def test_invalid_parquet_costs_only_itself(tmp_path):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 is not all")
    (tmp_path / "b.txt").write_text("خبر", encoding="utf-8")
    texts, (aside,) = taken(tmp_path)

    assert texts == ["خبر"]
    assert (aside.what, aside.reason) == (f"{tmp_path.name}/a.parquet", "cannot be read")


RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>نسيم</title>
<item><title>المعرض</title><link>https://nasim.example/1</link><pubDate>Tue, 03 Mar 2026 18:42:00 +0300</pubDate>
<description>موجز</description><content:encoded><![CDATA[<p>افتتح <b>الوزير</b> المعرض.</p><script>x()</script><p>ثم غادر &amp; عاد.</p>]]></content:encoded></item>
<item><title>بلا نص</title></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>برق</title><entry><title type="html">الميناء</title>
<link rel="self" href="https://barq.example/self"/><link rel="alternate" href="https://barq.example/2"/>
<updated>2026-03-04T00:00:00Z</updated><published>2026-03-03T00:00:00Z</published>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>وصلت</p><p>السفينة</p></div></content></entry></feed>"""


def test_feed_entries_are_records(tmp_path):
    (tmp_path / "a.rss").write_text(RSS, encoding="utf-8")
    (tmp_path / "b.atom").write_text(ATOM, encoding="utf-8")
    reading = read_documents([tmp_path])

    assert [(d.raw, d.title, d.url, d.published_at, d.source) for d in reading.documents] == [
        (
            "افتتح الوزير المعرض.\nثم غادر & عاد.",
            "المعرض",
            "https://nasim.example/1",
            "2026-03-03T18:42:00+03:00",
            "نسيم",
        ),
        ("وصلت\nالسفينة", "الميناء", "https://barq.example/2", "2026-03-03T00:00:00Z", "برق"),
    ]
    assert reading.set_aside == (Dropped("ingest", f"{tmp_path.name}/a.rss:2", "no text", "the row has no text"),)


def test_feed_text_may_be_another_element(tmp_path):
    (tmp_path / "a.rss").write_text(RSS, encoding="utf-8")

    assert taken(tmp_path, fields=Fields(text="description"))[0] == ["موجز"]


def test_feed_entities_are_never_expanded(tmp_path):
    bomb = '<!DOCTYPE b [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>' + RSS.partition("\n")[2].replace("موجز", "&b;")
    (tmp_path / "a.rss").write_text(bomb, encoding="utf-8")
    (tmp_path / "b.xml").write_text("<items><note>خبر</note></items>", encoding="utf-8")
    (tmp_path / "c.xml").write_text("<rss><item>", encoding="utf-8")
    texts, aside = taken(tmp_path)

    assert texts == []
    assert [(one.reason, one.detail) for one in aside] == [
        ("entities in a feed", "the feed declares entities, which are not expanded"),
        ("no text field", "no field `text` in its one record; it has note (1)"),
        ("truncated", "the feed ends in the middle of this entry"),
    ]


def warc(*answers, compressed=True):
    out = io.BytesIO()
    writer = WARCWriter(out, gzip=compressed)
    writer.write_record(writer.create_warcinfo_record("a.warc", {"software": "none"}))
    for url, status, kind, body in answers:
        head = StatusAndHeaders(status, [("Content-Type", kind)], protocol="HTTP/1.1")
        record = writer.create_warc_record(url, "response", io.BytesIO(body), http_headers=head)
        writer.write_record(record)
        record.raw_stream.close()
    return out.getvalue()


PAGE = f"<html><head><title>المعرض</title></head><body><article><p>{LONG}</p><p>{LONG}</p></article></body></html>"


@pytest.mark.parametrize("compressed", [True, False])
def test_archive_pages_are_records(tmp_path, compressed):
    pages = warc(
        ("https://nasim.example/1", "200 OK", "text/html; charset=utf-8", PAGE.encode()),
        ("https://nasim.example/2", "404 Not Found", "text/html", b"<p>no</p>"),
        ("https://nasim.example/3", "200 OK", "image/png", b"\x89PNG"),
        ("https://nasim.example/4", "200 OK", "text/plain", LONG.encode()),
        compressed=compressed,
    )
    (tmp_path / f"a.warc{'.gz' if compressed else ''}").write_bytes(pages)
    reading = read_documents([tmp_path])

    assert [(d.url, d.source) for d in reading.documents] == [
        ("https://nasim.example/1", "nasim.example"),
        ("https://nasim.example/4", "nasim.example"),
    ]
    assert [LONG.split("\n", maxsplit=1)[0] in d.raw for d in reading.documents] == [True, True]
    assert [(one.reason, one.detail) for one in reading.set_aside] == [
        ("not a page", "answered with status 404"),
        ("not a page", "its type is image/png"),
    ]


def test_truncated_archive_keeps_earlier_pages(tmp_path):
    one = ("https://nasim.example/1", "200 OK", "text/html", PAGE.encode())
    whole, first = warc(one, one), len(warc(one))
    (tmp_path / "a.warc.gz").write_bytes(whole[: first + 40])
    texts, aside = taken(tmp_path)

    assert len(texts) == 1
    assert [one.reason for one in aside] == ["broken archive"]


def records(count):
    return "".join(
        json.dumps({"text": f"خبر رقم {number}"}, ensure_ascii=False) + "\n" for number in range(count)
    ).encode()


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_compressed_files_are_read_up_to_a_truncation(tmp_path, suffix, pack):
    content = "".join(
        json.dumps({"text": f"{number} {number * 7919 % 104729:x} خبر"}) + "\n" for number in range(40_000)
    )
    packed = pack(content.encode())
    (tmp_path / f"a.jsonl.{suffix}").write_bytes(packed)
    (tmp_path / f"b.jsonl.{suffix}").write_bytes(packed[: len(packed) * 2 // 3])
    whole, nothing = taken(tmp_path / f"a.jsonl.{suffix}")
    part, (aside,) = taken(tmp_path / f"b.jsonl.{suffix}")

    assert (len(whole), nothing) == (40_000, [])
    assert 0 < len(part) < 40_000
    assert part == whole[: len(part)]
    assert (aside.what, aside.reason) == (f"b.jsonl.{suffix}:{len(part)}", "truncated")
    assert aside.detail.endswith(f"stream ends in the middle, after {len(part)}")


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_compression_bomb_is_not_unpacked(tmp_path, suffix, pack):
    (tmp_path / f"a.jsonl.{suffix}").write_bytes(pack(b'{"text": "one"}\n' + bytes(400_000_000)))
    (tmp_path / f"b.txt.{suffix}").write_bytes(pack(bytes(60_000_000)))
    texts, aside = taken(tmp_path)

    assert texts == ["one"]
    assert [one.reason for one in aside] == ["too long", "decompression bomb", "too long"]


@pytest.mark.slow
def test_line_of_200_megabytes_is_skipped_in_little_memory(tmp_path):
    path = tmp_path / "a.jsonl"
    with path.open("wb") as out:
        out.write(b'{"text": "one"}\n{"text": "')
        for _ in range(200):
            out.write(b"x" * 1_000_000)
        out.write(b'"}\n{"text": "three"}\n')
    texts, aside = measured(path)

    assert texts == ["one", "three"]
    assert aside == [["a.jsonl:2:1", "too long"]]


def measured(path, most=300_000_000):
    """What a process of its own reads of a file, with no more memory than that."""
    code = (
        "import json, resource, sys\n"
        "from builder.corpus.readers.documents import read\nfrom builder.corpus.readers.sources import plan\n"
        "from builder.schema.dataset import Fields\n"
        "parts = [part for piece in plan([sys.argv[1]], Fields()).pieces for part in read(piece)]\n"
        "print(json.dumps([[d.raw for part in parts for d in part.documents],\n"
        "  [[a.what, a.reason] for part in parts for a in part.set_aside]]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, check=True, capture_output=True, text=True)
    found, peak = done.stdout.strip().split("\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # a child begins with what its parent had
    assert int(peak) * 1024 < most + before * 1024
    return json.loads(found)


def test_files_are_read_through_fsspec(tmp_path):
    store = fsspec.filesystem("memory")
    store.pipe("/crawl/a.jsonl.gz", gzip.compress(records(3)))
    store.pipe("/crawl/deep/b.txt", LONG.encode())
    store.pipe("/crawl/c.pdf", b"%PDF")
    try:
        planned = plan(["memory://crawl"], Fields())
        parts = [part for piece in planned.pieces for part in read(piece)]

        assert [(d.origin, d.source) for part in parts for d in part.documents] == [
            ("crawl/a.jsonl.gz:1", "a"), ("crawl/a.jsonl.gz:2", "a"), ("crawl/a.jsonl.gz:3", "a"),
            ("crawl/deep/b.txt", "deep"),
        ]  # fmt: skip
        assert planned.set_aside == (Dropped("ingest", "crawl/c.pdf", f"not {sources.READ}"),)
        assert refusal("memory://nowhere") == [("there is no such file or folder", "check the address")]
    finally:
        store.rm("/crawl", recursive=True)


def test_path_outside_its_folder_is_not_read():
    store = fsspec.filesystem("memory")
    store.pipe("/crawl/a.txt", LONG.encode())
    store.pipe("/crawl/deep/../../etc/b.txt", LONG.encode())
    try:
        planned = plan(["memory://crawl"], Fields())

        assert [file.origin for piece in planned.pieces for file in piece.files] == ["crawl/a.txt"]
        assert planned.set_aside == (Dropped("ingest", "crawl/deep/../../etc/b.txt", "path climbs out of its folder"),)
    finally:
        store.store.clear()


def test_unsupported_address_is_refused():
    ((message, _),) = refusal("gopher://host/a.txt")

    assert message.startswith("gopher:// cannot be used") or "gopher" in message


def test_piece_keeps_its_name_until_a_file_changes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.txt").write_text(name)
    (first,) = plan([str(tmp_path)], Fields()).pieces
    (again,) = plan([str(tmp_path)], Fields()).pieces
    (tmp_path / "b.txt").write_text("other")
    (changed,) = plan([str(tmp_path)], Fields()).pieces
    (mapped,) = plan([str(tmp_path)], Fields(title="headline")).pieces

    assert first == again
    assert len({first.name, changed.name, mapped.name}) == 3


def test_small_files_share_a_piece_and_big_ones_are_split(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "HEAVY", 100)
    monkeypatch.setattr(sources, "MANY", 3)
    for number in range(7):
        (tmp_path / f"{number}.txt").write_text("x" * (90 if number == 1 else 10))
    pieces = plan([str(tmp_path)], Fields()).pieces

    assert [len(piece.files) for piece in pieces] == [2, 3, 2]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_split_file_reads_like_the_whole(tmp_path, monkeypatch, kind):
    texts = [f"خبر {number} " + "ب" * (number % 57) for number in range(400)] + ["", "آخر"]
    if kind == "jsonl":
        lines = [json.dumps({"text": text}) for text in texts]
        lines[200] = "{broken"
        (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    else:
        pq.write_table(
            pa.table({"text": [*texts[:200], None, *texts[201:]]}), tmp_path / "a.parquet", row_group_size=16
        )

    def found():
        parts = [part for piece in plan([str(tmp_path)], Fields()).pieces for part in read(piece)]
        aside = [(one.what, one.reason, one.detail) for part in parts for one in part.set_aside]
        return [(d.raw, d.origin) for part in parts for d in part.documents], aside

    whole = found()
    monkeypatch.setattr(streams, "CHUNK", 512)
    monkeypatch.setattr(sources, "HEAVY", 900)
    pieces = plan([str(tmp_path)], Fields()).pieces

    assert found() == whole
    assert len(whole[0]) == 400
    assert len(pieces) > 5
    assert len({piece.name for piece in pieces}) == len(pieces)


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv", b"id,body\n1,x\n", "id, body"),
        ("a.tsv", b"id\tbody\n1\tx\n", "id, body"),
        ("a.csv.gz", gzip.compress(b"id,body\n1,x\n", mtime=0), "id, body"),
        ("a.csv", b"", "none"),
    ],
)
def test_table_without_its_column_is_refused_early(tmp_path, name, content, columns):
    (tmp_path / name).write_bytes(content)

    assert refusal(tmp_path) == [
        (
            f"no column text; it has {columns}",
            "name its columns under `fields:` in schema/dataset.yaml, such as `text: body`"
            if columns == "none"
            else "write `text: body` under `fields:` in schema/dataset.yaml",
        )
    ]
