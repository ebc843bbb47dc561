"""JSON as people have it: arrays, single objects, objects one after another, wrapped arrays, and what is wrong in them."""

import gzip
import json
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.readers import streams
from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.objects import records as json_records
from builder.corpus.readers.objects import shapes as json_shapes
from builder.records import Dropped, KhabarError
from builder.schema.dataset import Fields
from tests.conftest import SHARED

LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة"
RECORDS = [{"text": f"{LONG} {number}", "title": f"عنوان {number}", "id": number} for number in range(5)]
TEXTS = [record["text"] for record in RECORDS]
ARRAY = json.dumps(RECORDS, ensure_ascii=False)


def found(path, **fields):
    return [document.raw for document in read_documents([path], fields=Fields(**fields)).documents]


def refusal(*paths, **fields):
    with pytest.raises(KhabarError) as caught:
        read_documents(paths, fields=Fields(**fields))
    return [(issue.where.rpartition("/")[2], issue.message, issue.fix) for issue in caught.value.issues]


def small_blocks(size):
    """The blocks of a stream, cut into small ones."""

    def blocks(stream, encoding):
        text = "".join(streams.decoded_blocks(stream, encoding))
        yield from (text[place : place + size] for place in range(0, len(text), size))

    return blocks


SHAPES = {
    "array": ARRAY,
    "indented array": json.dumps(RECORDS, indent=4),
    "array, a comma too many": ARRAY[:-1] + ",\n]",
    "mark": "\ufeff" + ARRAY,
    "lines": "\n".join(json.dumps(record) for record in RECORDS),
    "one after another": "\n".join(json.dumps(record, indent=1) for record in RECORDS),
    "no space between": "".join(json.dumps(record) for record in RECORDS),
    "under a key": json.dumps({"status": "ok", "totalResults": 5, "articles": RECORDS}),
    "under two keys": json.dumps({"response": {"numFound": 5, "docs": RECORDS}}),
    "by id": json.dumps({str(record["id"]): record for record in RECORDS}),
}


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize(
    ("shape", "name"),
    [
        *((shape, name) for shape in SHAPES for name in ("a.json", "a.json.gz")),
        *((shape, "a.jsonl") for shape in ("array", "indented array", "mark", "lines", "one after another")),
    ],
)
def test_each_shape_is_read(tmp_path, monkeypatch, shape, name, chunk):
    monkeypatch.setattr(json_shapes, "CHUNK", chunk)
    monkeypatch.setattr(json_shapes, "decoded_blocks", small_blocks(chunk))
    content = SHAPES[shape].encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    reading = read_documents([tmp_path / name])

    assert [document.raw for document in reading.documents] == TEXTS
    assert [document.facts.extra for document in reading.documents] == [{"id": str(number)} for number in range(5)]
    assert len({document.origin for document in reading.documents}) == 5
    assert (reading.set_aside, reading.issues) == ((), ())


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "windows-1256"])
def test_arrays_are_read_in_each_encoding(tmp_path, encoding):
    (tmp_path / "a.json").write_bytes(ARRAY.encode(encoding))

    assert found(tmp_path / "a.json") == TEXTS


ANY = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(
    inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3), max_leaves=6)  # fmt: skip


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), ANY), min_size=1, max_size=6),
       st.integers(1, 40), st.sampled_from([None, 2]))  # fmt: skip
def test_array_is_read_whatever_the_blocks(tmp_path_factory, written, chunk, indent):
    folder = tmp_path_factory.mktemp("json")
    records = [{"text": text, "other": other} for text, other in written]
    (folder / "a.json").write_text(json.dumps(records, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_shapes, "CHUNK", chunk)
        patch.setattr(json_shapes, "decoded_blocks", small_blocks(chunk))
        reading = read_documents([folder / "a.json"])

    texts = list(dict.fromkeys(text for text, _ in written if text.strip()))
    assert [document.raw for document in reading.documents] == texts
    assert reading.taken == len(written)


def test_place_is_line_and_column(tmp_path):
    (tmp_path / "a.json").write_text('[\n  {"text": "one"}, {"text": "two"},\n\n {"text": 3}]', encoding="utf-8")
    reading = read_documents([tmp_path / "a.json"])

    assert [document.origin for document in reading.documents] == ["a.json:2:3", "a.json:2:20"]
    assert reading.set_aside == (Dropped("ingest", "a.json:4:2", "not a string", "text is a JSON int, not a string"),)


FIRST, LAST = '{"text": "one"}', '{"text": "two"}'


@pytest.mark.parametrize(
    ("bad", "place", "reason"),
    [
        ("{bad}", "1:20", "not JSON"),
        ('{"text": "raw\nline}', "1:32", "not JSON"),
        ('{"text": "x" "y"}', "1:32", "not JSON"),
        ('{"n": ' + "1" * 5000 + "}", "1:19", "not JSON"),
        ('{"n": ' + "[" * 100_000 + "}", "1:19", "not JSON"),
        ("5", "1:19", "not an object"),
        ("null", "1:19", "not an object"),
        ('["x"]', "1:19", "not an object"),
        ('{"title": "x"}', "1:19", "no text"),
        ('{"text": ""}', "1:19", "empty"),
    ],
)
def test_bad_element_costs_only_itself(tmp_path, bad, place, reason):
    (tmp_path / "a.json").write_text(f"[{FIRST}, {bad}, {LAST}]", encoding="utf-8")
    reading = read_documents([tmp_path / "a.json"])

    assert [document.raw for document in reading.documents] == ["one", "two"]
    assert [(one.what, one.reason) for one in reading.set_aside] == [(f"a.json:{place}", reason)]


@pytest.mark.parametrize("cut", [1, 8, 40])
@pytest.mark.parametrize("packed", [False, True])
def test_records_before_a_cut_are_read(tmp_path, cut, packed):
    content = "[" + ",\n".join(json.dumps({**record, "n": record["id"] * 7919**9}) for record in RECORDS) + "]"
    path = tmp_path / ("a.json.gz" if packed else "a.json")
    path.write_bytes(gzip.compress(content.encode())[:-cut] if packed else content.encode()[:-cut])
    reading = read_documents([path])

    assert len(reading.documents) >= 3
    assert [document.raw for document in reading.documents] == TEXTS[: len(reading.documents)]
    assert [one.reason for one in reading.set_aside] in (["truncated"], ["not JSON"], ["not JSON", "truncated"])


def test_invalid_bytes_cost_an_element_only_above_a_share(tmp_path):
    few = ARRAY.encode().replace("صباح".encode(), b"\xd5\xc8", 1)
    (tmp_path / "a.json").write_bytes(few.replace(f"{LONG} 3".encode(), b"\xc7\xe1" * 9))
    reading = read_documents([tmp_path / "a.json"])

    assert [document.encoding for document in reading.documents] == ["utf-8, damaged", "utf-8", "utf-8", "utf-8"]
    assert [one.reason for one in reading.set_aside] == ["not UTF-8"]
    assert [issue.code for issue in reading.issues] == ["unreadable", "damaged"]


def test_too_long_element_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setattr(json_shapes, "MAX_BYTES", 100)
    monkeypatch.setattr(json_shapes, "CHUNK", 16)
    monkeypatch.setattr(json_shapes, "decoded_blocks", small_blocks(16))
    (tmp_path / "a.json").write_text(f'[{FIRST}, {{"text": "{"x" * 500}"}}, {LAST}]', encoding="utf-8")
    reading = read_documents([tmp_path / "a.json"])

    assert [document.raw for document in reading.documents] == ["one", "two"]
    assert [one.reason for one in reading.set_aside] == ["too long"]


@pytest.mark.parametrize("content", ["", " \n", "[]", "[ ]\n"])
def test_file_without_records_is_counted(tmp_path, content):
    (tmp_path / "a.json").write_text(content)

    assert read_documents([tmp_path / "a.json"]).set_aside == (
        Dropped("ingest", "a.json", "no records", "the file holds no records"),
    )


def test_paragraphs_are_joined_and_nested_fields_are_mapped(tmp_path):
    record = {"page": {"body": ["سطر", "آخر"], "by": "سلمى", "n": 3}, "k": None, "lang": "ar"}
    (tmp_path / "a.json").write_text(json.dumps([record]), encoding="utf-8")
    (document,) = read_documents([tmp_path], fields=Fields(text="page.body", author="page.by")).documents

    assert (document.raw, document.author) == ("سطر\nآخر", "سلمى")
    assert document.facts.extra == {"page": '{"n": 3}', "lang": "ar"}


def test_extra_fields_are_bounded_and_printable(tmp_path):
    record = {
        "text": "نص",
        "long": "x" * 30_000,
        "k\x1b[31m": "v",
        "half": "\ud800",
        **{f"n{n}": n for n in range(200)},
    }
    (tmp_path / "a.json").write_text(json.dumps([record]), encoding="utf-8")
    (document,) = read_documents([tmp_path]).documents
    extra = document.facts.extra

    assert (extra["long"], extra["k\\x1b[31m"], extra["half"]) == ("(left out: 30,000 characters)", "v", "?")
    assert (len(extra), extra["…"]) == (101, "103")


def test_text_under_another_name_is_one_fault_for_all_files(tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.json").write_text(json.dumps([{"content": LONG, "url": "u"}] * 4), encoding="utf-8")
    (tmp_path / "one.json").write_text(json.dumps({"meta": {"content": LONG}}), encoding="utf-8")

    assert refusal(tmp_path) == [
        ("0.json", "no field `text` in any of its first 4 records; they have content (4), url (4); so it is in 2 more files",
         "write `text: content` under `fields:` in schema/dataset.yaml"),
        ("one.json", "no field `text` in its one record; it has meta.content (1)",
         "write `text: meta.content` under `fields:` in schema/dataset.yaml"),
    ]  # fmt: skip
    assert found(tmp_path / "0.json", text="content") == [LONG]


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_long_file_without_a_text_is_not_read_to_its_end(tmp_path, monkeypatch, name):
    monkeypatch.setattr(json_records, "LOOK", 3)
    lines = "\n".join(['{"body": "x"}'] * 9)
    (tmp_path / name).write_text(f"[{lines.replace(chr(10), ',')}]" if name == "a.json" else lines)

    assert [message for _, message, _ in refusal(tmp_path)] == [
        "no field `text` in any of its first 3 records; they have body (3)"
    ]


def test_few_records_without_a_text_are_each_set_aside(tmp_path):
    (tmp_path / "a.json").write_text('[{"title": "x"}, {"text": "one"}, {"title": "y"}]', encoding="utf-8")

    assert [(one.what, one.reason) for one in read_documents([tmp_path / "a.json"]).set_aside] == [
        ("a.json:1:2", "no text"), ("a.json:1:35", "no text"),
    ]  # fmt: skip


def test_names_in_messages_are_printable(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"k\x1b[31m\u202e": "x"}]))
    ((_, message, fix),) = refusal(tmp_path)

    assert message == "no field `text` in its one record; it has k\\x1b[31m\\u202e (1)"
    assert "text: NAME" in fix


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "text": "وصل سالم", "label": [[4, 8, "PER"]]},
        {"text": "وصل سالم", "spans": [{"start": 4, "end": 8, "label": "PER"}], "answer": "accept"},
        {"id": 1, "data": {"text": "وصل سالم"}, "annotations": [{"id": 2, "result": []}]},
        {"text": "وصل سالم", "mentions": [{"text": "سالم", "type": "PER", "start_offset": 4, "end_offset": 8}]},
        {"file": "a.txt", "lines": [{"line": 1, "start": 0, "end": 8, "label": "body", "text": "وصل سالم"}]},
        {"text": "وصل سالم", "entities": [{"id": 9, "label": "PER", "start_offset": 4, "end_offset": 8}]},
    ],
)
@pytest.mark.parametrize("shape", ["lines", "array", "one"])
def test_annotated_records_are_refused_with_a_word_on_import(tmp_path, record, shape):
    path = tmp_path / ("a.jsonl" if shape == "lines" else "a.json")
    path.write_text(json.dumps([record, record]) if shape == "array" else json.dumps(record) + "\n")
    ((_, message, fix),) = refusal(path)

    assert message == "the file holds annotations, not articles"
    assert "khabar import" in fix


@pytest.mark.parametrize(
    "record", [{"label": "رياضة"}, {"labels": ["رياضة"]}, {"segments": [{"start": 1, "end": 4}]}, {"spans": []}]
)
def test_records_with_labels_and_no_spans_are_read(tmp_path, record):
    (tmp_path / "a.json").write_text(json.dumps([{"text": LONG, **record}]))

    assert found(tmp_path / "a.json") == [LONG]


@pytest.mark.slow
def test_array_of_200_megabytes_is_read_in_little_memory(tmp_path, measured):
    with (tmp_path / "a.json").open("w", encoding="utf-8") as out:
        out.write("[")
        for number in range(2_000):
            out.write(("," if number else "") + json.dumps({"text": f"{number} " + "x" * 100_000}))
        out.write("]")

    assert measured(tmp_path / "a.json", 300_000_000) == 2_000


@pytest.mark.shared
def test_shared_json_files_are_read():
    cases = SHARED.parent / "cases" / "20-json-and-corpus-xml"

    assert len(found(cases / "list.json")) == 3
    assert len(found(cases / "one.json", text="maintext")) == 1
    ((_, _, fix),) = refusal(cases / "one.json")
    assert fix == "write `text: maintext` under `fields:` in schema/dataset.yaml"


@pytest.mark.shared
@pytest.mark.slow
def test_shared_zips_are_read_as_they_are():
    folder = SHARED / "pages" / "saudinewsnet"
    reading = read_documents([folder], fields=Fields(text="content", published_at="date_extracted"))
    with zipfile.ZipFile(folder / "2015-07-21.zip") as archive:
        first = json.loads(archive.read("2015-07-21.json"))[0]

    assert reading.taken == 31_030
    assert (reading.documents[0].raw, reading.documents[0].source) == (first["content"], first["source"])
    assert {one.reason for one in reading.set_aside} == {"empty", "same text twice"}


COLUMNS = {name: {str(row): record[name] for row, record in enumerate(RECORDS)} for name in ("text", "title", "id")}
SPLIT = {"columns": ["title", "text"], "index": [*range(5)], "data": [[one["title"], one["text"]] for one in RECORDS]}


@pytest.mark.parametrize("table", [COLUMNS, SPLIT])
def test_table_of_pandas_is_read_by_rows(tmp_path, table):
    (tmp_path / "a.json").write_text(json.dumps(table), encoding="utf-8")
    documents = read_documents([tmp_path / "a.json"]).documents

    assert [(document.raw, document.title) for document in documents] == [
        (one["text"], one["title"]) for one in RECORDS
    ]
    (tmp_path / "a.json").write_text(json.dumps(table).replace('"text"', '"maintext"'), encoding="utf-8")
    assert refusal(tmp_path / "a.json")[0][2] == "write `text: maintext` under `fields:` in schema/dataset.yaml"
    assert found(tmp_path / "a.json", text="maintext") == TEXTS


@pytest.mark.parametrize("join", ["][", "]\n[\n", "],["])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_arrays_one_after_another_are_all_read(tmp_path, monkeypatch, join, chunk):
    monkeypatch.setattr(json_shapes, "decoded_blocks", small_blocks(chunk))
    arrays = [json.dumps(RECORDS[:2]), json.dumps(RECORDS[2:])]
    (tmp_path / "a.json").write_text("[" + join.join(array[1:-1] for array in arrays) + "]", encoding="utf-8")
    reading = read_documents([tmp_path / "a.json"])

    assert ([document.raw for document in reading.documents], reading.set_aside) == (TEXTS, ())


ARTICLE = f"{LONG} وقال. " * 9


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ({"title": {"rendered": "أ"}, "content": {"rendered": f"<p>{ARTICLE}</p>"}}, "html: content.rendered"),
        ({"title": "أ", "maintext": ARTICLE}, "text: maintext"),
        ({"title": "أ", "comment_text": LONG}, "text: comment_text"),
        ({"question": LONG, "answer": ARTICLE, "description": "وصف"}, "text: answer"),
        ({"title": "أ", "description": LONG[:40]}, "text: description"),
        ({"title": "أ", "page": f"<html><body>{ARTICLE}</body></html>"}, "html: page"),
        ({"title": "أ", "paragraphs": [ARTICLE, ARTICLE]}, "text: paragraphs"),
    ],
)
@pytest.mark.parametrize("shape", ["array", "keys", "one"])
def test_line_to_write_names_the_likeliest_field(tmp_path, record, line, shape):
    shapes = {"array": [record] * 3, "keys": {f"خبر {number}": record for number in range(4)}, "one": record}
    (tmp_path / "a.json").write_text(json.dumps(shapes[shape]), encoding="utf-8")
    ((_, _, fix),) = refusal(tmp_path / "a.json")

    assert fix == f"write `{line}` under `fields:` in schema/dataset.yaml"


def test_missing_field_of_markup_is_named_as_one(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([{"x": 1}]), encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        read_documents([tmp_path / "a.json"], fields=Fields(html="markup"))

    assert caught.value.issues[0].fix.startswith("write `html: NAME`")


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_tabs_and_newlines_in_strings_are_kept(tmp_path, monkeypatch, name, chunk):
    monkeypatch.setattr(json_shapes, "decoded_blocks", small_blocks(chunk))
    text = f"{LONG}\t{LONG}" if name == "a.jsonl" else f"{LONG}\n\t{LONG}"
    lines = [json.dumps({"text": f"{text} {number}"}).replace(r"\t", "\t").replace(r"\n", "\n") for number in range(3)]
    (tmp_path / name).write_text(
        "[" + ",\n".join(lines) + "]" if name == "a.json" else "\n".join(lines), encoding="utf-8"
    )

    assert found(tmp_path / name) == [f"{text} {number}" for number in range(3)]


@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_unclosed_string_costs_only_its_element(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(json_shapes, "decoded_blocks", small_blocks(chunk))
    lines = [json.dumps(record, ensure_ascii=False) for record in RECORDS]
    lines[1] = f'{{"text": "{LONG}}}'
    (tmp_path / "a.json").write_text("[\n" + ",\n".join(lines) + "\n]", encoding="utf-8")
    reading = read_documents([tmp_path / "a.json"])

    assert [document.raw for document in reading.documents] == [TEXTS[0], *TEXTS[2:]]
    assert [dropped.reason for dropped in reading.set_aside] == ["not JSON"]
