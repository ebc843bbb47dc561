"""The author of a record, in each format, and values that are no author."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from builder.corpus.readers.documents import read, read_documents
from builder.corpus.readers.rows import LONGEST_AUTHOR
from builder.corpus.readers.sources import plan
from builder.records import KhabarError
from builder.schema.dataset import Fields

TEXT = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة، وقال إن الدخول مجاني للطلاب."
NAME, OTHER = "لُبانة الزعفرانيّ", "نديم الشعفار"
BOTH = f"{NAME}، {OTHER}"


def authors(path, fields=None):
    reading = read_documents([path], fields=fields)
    assert (reading.set_aside, reading.issues) == ((), ())
    return [document.author for document in reading.documents]


def lines(path, *values, key="author"):
    """A JSON Lines file, one record for each value."""
    records = [{"text": f"{TEXT} {number}", key: value} for number, value in enumerate(values)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


@pytest.mark.parametrize("key", ["author", "authors", "byline", "creator", "writer", "كاتب", "الكاتب"])
def test_author_is_read_under_its_usual_names(tmp_path, key):
    assert authors(lines(tmp_path / "a.jsonl", NAME, key=key)) == [NAME]


def test_first_usual_name_with_a_value_wins(tmp_path):
    records = [{"text": TEXT, "creator": OTHER, "author": NAME}, {"text": TEXT + "!", "creator": OTHER, "author": " "}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, records)), encoding="utf-8")

    assert authors(tmp_path / "a.jsonl") == [NAME, OTHER]


def test_mapped_name_is_the_only_one(tmp_path):
    record = {"text": TEXT, "author": OTHER, "meta": {"by": NAME}}
    (tmp_path / "a.jsonl").write_text(json.dumps(record), encoding="utf-8")

    assert authors(tmp_path / "a.jsonl", Fields(author="meta.by")) == [NAME]
    assert authors(tmp_path / "a.jsonl", Fields(author="meta.none")) == [None]


def test_name_of_another_field_is_no_author(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": TEXT, "creator": "نسيم"}), encoding="utf-8")
    (document,) = read_documents([tmp_path / "a.jsonl"], fields=Fields(source="creator")).documents

    assert (document.source, document.author) == ("نسيم", None)


def test_lists_and_objects_are_joined(tmp_path):
    people = [{"@type": "Person", "name": NAME}, {"name": OTHER}]

    assert authors(lines(tmp_path / "a.jsonl", [NAME, OTHER, NAME], people, people[0])) == [BOTH, BOTH, NAME]


def test_whitespace_is_trimmed_and_a_long_author_is_cut(tmp_path):
    found = authors(lines(tmp_path / "a.jsonl", f"\n  {NAME.replace(' ', '  ')}\t", "ا" * 5000))

    assert found == [NAME, "ا" * LONGEST_AUTHOR]


def test_values_without_a_name_give_none_and_cost_no_record(tmp_path):
    values = (None, "", " \n", "—", [], [None, " "], {}, {"name": 7}, 7, True, {"id": NAME}, [[NAME]], "ab\ud800")

    assert authors(lines(tmp_path / "a.jsonl", *values)) == [None] * len(values)


@pytest.mark.parametrize("kind", ["csv", "tsv"])
def test_author_of_a_table_row(tmp_path, kind):
    cut = {"csv": ",", "tsv": "\t"}[kind]
    rows = [("text", "author"), (TEXT, NAME), (f"{TEXT}!", "")]
    (tmp_path / f"a.{kind}").write_text("\n".join(cut.join(row) for row in rows), encoding="utf-8")

    assert authors(tmp_path / f"a.{kind}") == [NAME, None]


def test_author_of_a_parquet_row(tmp_path):
    person = pa.list_(pa.struct([("name", pa.string())]))
    people = pa.array([[{"name": NAME}, {"name": OTHER}], None], person)
    pq.write_table(pa.table({"text": [TEXT, f"{TEXT}!"], "authors": people}), tmp_path / "a.parquet")
    pq.write_table(pa.table({"text": [f"{TEXT}?"], "meta": [{"by": NAME}]}), tmp_path / "b.parquet")

    assert authors(tmp_path / "a.parquet") == [BOTH, None]
    assert authors(tmp_path / "b.parquet", Fields(author="meta.by")) == [NAME]


def test_author_of_a_hub_row(tmp_path):
    address = f"hub://json?data_files={lines(tmp_path / 'a.jsonl', [NAME, OTHER])}"
    parts = [part for piece in plan([address], Fields()).pieces for part in read(piece)]

    assert [document.author for part in parts for document in part.documents] == [BOTH]


def test_mapped_author_must_be_a_column(tmp_path):
    (tmp_path / "a.csv").write_text(f"text,author\n{TEXT},{NAME}\n", encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        read_documents([tmp_path / "a.csv"], fields=Fields(author="by"))

    assert [issue.message for issue in caught.value.issues] == ["no column by; it has text, author"]


ITEM = "<item><description>{}</description>{}</item>"
RSS = '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><author>نسيم</author>{}</channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"><entry><content>{}</content>{}</entry></feed>'
PERSON = "<author><uri>https://barq.example/1</uri><name>{}</name><email>a@barq.example</email></author>"


def test_author_of_a_feed_entry(tmp_path):
    creators = f"<author>desk@barq.example (نسيم)</author><dc:creator><![CDATA[{NAME}]]></dc:creator>"
    people = ("<author>desk@barq.example</author>", creators, "<dc:creator> </dc:creator>", "")
    items = "".join(ITEM.format(f"{TEXT} {number}", person) for number, person in enumerate(people))
    (tmp_path / "a.rss").write_text(RSS.format(items), encoding="utf-8")
    (tmp_path / "b.atom").write_text(ATOM.format(TEXT, PERSON.format(NAME) + PERSON.format(OTHER)), encoding="utf-8")

    assert authors(tmp_path / "a.rss") == ["desk@barq.example", NAME, None, None]
    assert authors(tmp_path / "b.atom") == [BOTH]
    assert authors(tmp_path / "a.rss", Fields(author="author"))[1] == NAME
    assert authors(tmp_path / "a.rss", Fields(author="creator")) == [None, NAME, None, None]


def test_feed_source_may_be_its_author_element(tmp_path):
    (tmp_path / "a.rss").write_text(RSS.format(ITEM.format(TEXT, "<author>نسيم</author>")), encoding="utf-8")
    (document,) = read_documents([tmp_path / "a.rss"], fields=Fields(source="author")).documents

    assert (document.source, document.author) == ("نسيم", None)


def test_author_of_a_page(tmp_path):
    page = "<html><head>{}</head><body><article><p>{}</p><p>{}</p></article></body></html>"
    people = [{"@type": "Person", "name": name} for name in (OTHER, "سلمى الندى")]
    news = {"@context": "https://schema.org", "@type": "NewsArticle", "headline": "المعرض", "author": people}
    head = f'<script type="application/ld+json">{json.dumps(news)}</script>'
    (tmp_path / "a.html").write_text(page.format(head, TEXT, TEXT + "!"), encoding="utf-8")
    (tmp_path / "b.html").write_text(page.format("", TEXT, TEXT + "?"), encoding="utf-8")

    assert authors(tmp_path / "a.html") == [f"{OTHER}، سلمى الندى"]
    assert authors(tmp_path / "b.html") == [None]
