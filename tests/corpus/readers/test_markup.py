"""Records whose text is the HTML of a page: `fields: {html: ...}`."""

import csv
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.readers.documents import read, read_documents
from builder.corpus.readers.sources import plan, with_sources
from builder.io.yaml import parse_yaml
from builder.records import Dropped, KhabarError
from builder.release.editions.reading import change_fields, record_reading, recorded_fields
from builder.schema.dataset import Fields
from builder.schema.sources import Sources

TITLE = "صيانة الجسر القديم في السدر"
BODY = "أعلنت بلدية السدر أمس بدء صيانة الجسر القديم بعد أشهر من التأخير بسبب الأمطار الغزيرة التي عرفتها المنطقة."
PAGE = f"""<html><head><meta property="og:title" content="{TITLE} | نسيم">
<meta property="article:published_time" content="2026-03-04T23:20:30+03:00"><meta name="author" content="سلمى الندى">
<link rel="canonical" href="https://nasim.example/n/7"></head><body><nav><a href="/">الرئيسية</a></nav>
<article><h1>{TITLE}</h1><p>{BODY}</p><p>{BODY.replace("أمس", "اليوم")}</p></article></body></html>"""
ROW = {"markup": PAGE, "url": "https://www.nasim.example/n/7?utm_source=x", "id": "1"}


def jsonl(path):
    path.write_text(json.dumps(ROW, ensure_ascii=False) + "\n", encoding="utf-8")


def table(path):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, ROW)
        writer.writeheader()
        writer.writerow(ROW)


def parquet(path):
    pq.write_table(pa.table({name: [value] for name, value in ROW.items()}), path)


@pytest.mark.parametrize(("name", "write"), [("a.jsonl", jsonl), ("a.csv", table), ("a.parquet", parquet)])
def test_field_of_markup_is_read_as_a_page(tmp_path, name, write):
    write(tmp_path / name)
    reading = read_documents([tmp_path / name], fields=Fields(html="markup"))
    (document,) = reading.documents

    assert document.raw.split("\n") == [TITLE, BODY, BODY.replace("أمس", "اليوم")]
    assert (document.title, document.author, document.source) == (TITLE, "سلمى الندى", "nasim.example")
    assert (document.url, document.facts.fetched_url) == ("https://nasim.example/n/7", ROW["url"])
    assert (document.published_at, document.facts.date_from) == ("2026-03-04T23:20:30+03:00", "article:published_time")
    assert len(document.html_sha) == 64
    assert "trafilatura" in document.facts.extractor


def test_fields_of_the_record_take_the_place_of_the_pages(tmp_path):
    row = ROW | {"title": "عنوان", "published_at": "2026-03-05", "source": "نسيم", "author": "نديم الشعفار", "x": 1}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (document,) = read_documents([tmp_path / "a.jsonl"], fields=Fields(html="markup")).documents

    assert (document.title, document.published_at, document.source) == ("عنوان", "2026-03-05", "نسيم")
    assert (document.author, document.facts.date_from) == ("نديم الشعفار", "field")


def test_markup_without_text_is_set_aside(tmp_path):
    rows = ["<p></p>", "", "  ", "<script>1</script>", "<p>x</p>" * 100_001]
    lines = [json.dumps({"markup": row}) for row in rows] + [json.dumps({"text": "نص"})]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    piece = plan([str(tmp_path / "a.jsonl")], Fields(html="markup")).pieces[0]
    (batch,) = read(piece)

    assert [aside.reason for aside in batch.set_aside] == [
        "no text in HTML", "empty", "empty", "no text in HTML", "HTML not read", "no text"
    ]  # fmt: skip
    assert isinstance(batch.set_aside[0], Dropped)


def test_text_and_html_are_not_both_mapped():
    with pytest.raises(KhabarError) as caught:
        parse_yaml("html: markup\ntext: body\n", Fields, "dataset.yaml")

    assert "`html` takes the place of `text`; write one of them" in caught.value.issues[0].message


def test_table_without_the_column_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("body\nنص\n", encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        plan([str(tmp_path / "a.csv")], Fields(html="markup"))

    assert "no column markup" in caught.value.issues[0].message


def test_pages_are_read_by_the_rules_of_their_source(tmp_path):
    page = PAGE.replace(
        "<article>", '<div class="more"><p>موضوع آخر لا صلة له بالخبر، وهو طويل كأنه فقرة منه.</p></div><article>'
    )
    (tmp_path / "a.html").write_text(page.replace("T23:20:30+03:00", " 23:20:30"), encoding="utf-8")
    sources = Sources(sources={"nasim.example": {
        "name": "نسيم", "body": "//article/p[1]", "strip": "//div[@class='more']", "zone": "Asia/Riyadh",
    }})  # fmt: skip
    (plain,) = plan([str(tmp_path / "a.html")], Fields()).pieces
    ruled = with_sources(plain, sources)
    (batch,) = read(ruled)
    (document,) = batch.documents

    assert document.raw == BODY
    assert (document.source, document.published_at) == ("نسيم", "2026-03-04T23:20:30+03:00")
    assert ruled.name != plain.name, "changed rules read the pages anew"
    assert with_sources(plain, Sources()) is plain


def test_hydrate_may_name_the_markup():
    assert change_fields(Fields(), ["html=markup"]) == Fields(html="markup")
    assert change_fields(Fields(html="markup"), ["text=body"]) == Fields(text="body")
    assert recorded_fields(record_reading(Fields(html="markup"), [])) == Fields(html="markup")


@pytest.mark.parametrize("encoding", ["utf-8", "cp1256", "utf-16"])
def test_column_of_bytes_is_decoded_as_a_page(tmp_path, encoding):
    pq.write_table(pa.table({"markup": [PAGE.encode(encoding)], "url": [ROW["url"]]}), tmp_path / "a.parquet")
    (document,) = read_documents([tmp_path / "a.parquet"], fields=Fields(html="markup")).documents

    assert (document.title, document.raw.split("\n")[1]) == (TITLE, BODY)


def test_column_of_bytes_that_are_no_text_is_refused(tmp_path):
    pq.write_table(pa.table({"text": [b"\xfd\xfe" * 20, BODY.encode()]}), tmp_path / "a.parquet")
    reading = read_documents([tmp_path / "a.parquet"])

    assert [document.raw for document in reading.documents] == [BODY]
    assert [dropped.reason for dropped in reading.set_aside] == ["not UTF-8"]


def test_feed_beside_a_field_of_markup_is_read_from_its_own_elements(tmp_path):
    jsonl(tmp_path / "a.jsonl")
    (tmp_path / "b.rss").write_text(
        f"<rss><channel><title>نسيم</title><item><title>سوق</title><description>{BODY} هنا</description></item></channel></rss>",
        encoding="utf-8",
    )
    reading = read_documents([tmp_path / "a.jsonl", tmp_path / "b.rss"], fields=Fields(html="markup"))

    assert [document.title for document in reading.documents] == [TITLE, "سوق"]
    assert reading.set_aside == ()


def test_entities_of_a_title_beside_markup_are_decoded(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(ROW | {"title": "سوق &#8211; <b>السدر</b>"}) + "\n", encoding="utf-8")
    (document,) = read_documents([tmp_path / "a.jsonl"], fields=Fields(html="markup")).documents

    assert document.title == "سوق \N{EN DASH} السدر"
