"""Which documents are read, which are dropped, and the exact error messages."""

import json
import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.readers import streams
from builder.corpus.readers import text as plain
from builder.corpus.readers.documents import read_documents
from builder.corpus.readers.objects import lines as lines_of
from builder.corpus.readers.sources import READ
from builder.io.hashing import sha16
from builder.records import Document, Dropped, Facts, KhabarError

TEXT = "افتتح الوزير المعرض."
RAW = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


def refusal(*paths):
    with pytest.raises(KhabarError) as caught:
        read_documents(paths)
    assert caught.value.exit_code == 2
    return [(issue.where.rpartition("/")[2], issue.message) for issue in caught.value.issues]


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def test_text_file_takes_source_from_its_folder(tmp_path):
    folder = tmp_path / "articles" / "nasim"
    folder.mkdir(parents=True)
    (folder / "01.txt").write_text(TEXT, encoding="utf-8")
    (tmp_path / "articles" / "02.TXT").write_text(TEXT + " ", encoding="utf-8")
    reading = read_documents([tmp_path / "articles"])

    assert reading.documents == (
        Document(sha16(TEXT + " "), "articles", None, None, None, TEXT + " ", "articles/02.TXT"),
        Document(sha16(TEXT), "nasim", None, None, None, TEXT, "articles/nasim/01.txt"),
    )
    assert (reading.set_aside, reading.taken) == ((), 2)


def test_json_line_keeps_known_fields(tmp_path):
    record = {"text": TEXT, "title": "المعرض", "url": "u", "published_at": "2026-01-01", "source": "nasim", "id": 7}
    path = lines(tmp_path / "barq.jsonl", record, {"text": TEXT + "!", "title": None})
    reading = read_documents([path])

    assert reading.documents == (
        Document(
            sha16(TEXT), "nasim", "u", "2026-01-01", "المعرض", TEXT, "barq.jsonl:1", facts=Facts(extra={"id": "7"})
        ),
        Document(sha16(TEXT + "!"), "barq", None, None, None, TEXT + "!", "barq.jsonl:2"),
    )


@given(RAW)
def test_raw_text_is_never_changed(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("raw")
    (folder / "a.txt").write_bytes(raw.encode())
    lines(folder / "b.jsonl", {"text": raw + "\r\n"})
    reading = read_documents([folder])

    expected = [text for text in (raw.removeprefix("\ufeff"), raw + "\r\n") if text.strip()]
    assert [document.raw for document in reading.documents] == expected
    assert reading.taken == 2


def test_byte_order_mark_is_removed(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    (tmp_path / "b.jsonl").write_bytes(b"\xef\xbb\xbf" + json.dumps({"text": "\ufeff" + TEXT}).encode())

    assert [document.raw for document in read_documents([tmp_path]).documents] == [TEXT, "\ufeff" + TEXT]


def test_every_dropped_record_has_a_reason(tmp_path):
    folder, outside = tmp_path / "in", tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    outside.mkdir()
    (outside / "secret.txt").write_text("سر", encoding="utf-8")
    (folder / "a.txt").write_text(TEXT, encoding="utf-8")
    (folder / "b.txt").write_text(" \n\t", encoding="utf-8")
    (folder / "c.pdf").write_text("%PDF", encoding="utf-8")
    lines(folder / "d.jsonl", {"text": TEXT}, {"text": ""})
    (folder / "e.txt").symlink_to(outside / "secret.txt")
    (folder / "f").symlink_to(outside)
    (folder / "g.txt").symlink_to(folder / "a.txt")
    (folder / "sub" / "h.txt").symlink_to(tmp_path / "nowhere.txt")
    reading = read_documents([folder])

    assert [document.origin for document in reading.documents] == ["in/a.txt"]
    assert sorted(reading.set_aside, key=lambda one: one.what) == [
        Dropped("ingest", "in/b.txt", "empty"),
        Dropped("ingest", "in/c.pdf", f"not {READ}"),
        Dropped("ingest", "in/d.jsonl:1", "same text twice", "first at in/a.txt"),
        Dropped("ingest", "in/d.jsonl:2", "empty"),
        Dropped("ingest", "in/e.txt", "link not followed"),
        Dropped("ingest", "in/f", "link not followed"),
        Dropped("ingest", "in/g.txt", "same text twice", "first at in/a.txt"),
        Dropped("ingest", "in/sub/h.txt", "link not followed"),
    ]
    assert reading.taken == 9


def test_all_errors_of_all_paths_come_at_once(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.md").write_text("-")
    (tmp_path / "page.pdf").write_text("-")
    (tmp_path / "rows.csv").write_text("id,body\n1,خبر\n", encoding="utf-8")

    assert refusal(tmp_path / "empty", tmp_path / "none", tmp_path / "page.pdf", tmp_path / "rows.csv") == [
        ("empty", f"the folder holds no {READ} file"),
        ("none", "there is no such file or folder"),
        ("page.pdf", f"not a {READ} file or a folder"),
        ("rows.csv", "no column text; it has id, body"),
    ]


def test_invalid_utf_8_is_named_with_its_place(tmp_path):
    (tmp_path / "bad.txt").write_bytes("سطر\nقال ".encode() + b"\xe6\xe4")

    assert refusal(tmp_path / "bad.txt") == [("bad.txt:2:5", "not UTF-8 at byte 14 of the file")]


@pytest.mark.parametrize(
    ("line", "place", "message"),
    [
        (b'{"text": "\xd8\xa7', "2:10", "not JSON: Unterminated string starting at"),
        (b'{"text": "\xff"}', "2:11", "not UTF-8 at byte 26 of the file"),
        (b'\xef\xbb\xbf{"text": "t"}', "2:1", "not JSON: Unexpected UTF-8 BOM"),
        (b'["text"]', "2:1", "a JSON list, not an object"),
        (b'{"title": "t"}', "2:1", "the line has no text"),
        (b'{"text": null}', "2:1", "the line has no text"),
        (b'{"text": 5}', "2:1", "text is a JSON int, not a string"),
        (b'{"text": "t", "url": ["u"]}', "2:1", "url is a JSON list, not a string"),
        (rb'{"text": "ab\ud800"}', "2:1", "text holds half a surrogate pair at character 2"),
        (rb'{"text": "t", "source": "\udc00"}', "2:1", "source holds half a surrogate pair at character 0"),
        (b"[" * 100_000, "2:1", "not JSON: maximum recursion depth exceeded while decoding a JSON array"),
        (b'{"text": "t", "n": ' + b"1" * 5000 + b"}", "2:1", "not JSON: Exceeds the limit (4300 digits)"),
    ],
)
def test_bad_json_line_is_named_and_others_are_checked(tmp_path, line, place, message):
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "one"}\n' + line + b'\n{"text": 1}\n{"text": "two"}\n')
    reading = read_documents([tmp_path])
    first, last = reading.issues

    assert [document.raw for document in reading.documents] == ["one", "two"]
    assert (first.severity, first.where) == ("warning", f"{tmp_path}/a.jsonl:{place}")
    assert first.message.startswith(message)
    assert (last.where, last.message) == (f"{tmp_path}/a.jsonl:3:1", "text is a JSON int, not a string")
    assert [one.detail for one in reading.set_aside] == [first.message, last.message]
    assert reading.taken == 4


def test_surrogate_pair_is_one_character(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(rb'{"text": "\ud83d\ude00"}')

    assert read_documents([tmp_path]).documents[0].raw == "\N{GRINNING FACE}"


def test_too_long_file_or_line_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(plain, "MAX_BYTES", 40)
    monkeypatch.setattr(lines_of, "MAX_BYTES", 40)
    monkeypatch.setattr(streams, "MAX_BYTES", 40)
    (tmp_path / "a.txt").write_text("x" * 41)
    (tmp_path / "b.jsonl").write_text('{"text": "t"}\n{"text": "' + "x" * 40 + '"}\n{"text": "u"}\n')
    (tmp_path / "c.txt").write_text("x" * 40)
    reading = read_documents([tmp_path])

    assert [document.raw for document in reading.documents] == ["t", "u", "x" * 40]
    assert reading.set_aside == (
        Dropped("ingest", f"{tmp_path.name}/a.txt", "too long", "more than 40 bytes in one text file"),
        Dropped("ingest", f"{tmp_path.name}/b.jsonl:2:1", "too long", "a line longer than 40 bytes"),
    )


def test_unreadable_file_is_an_error(tmp_path):
    (tmp_path / "a.txt").symlink_to("/proc/self/mem")  # reading its first page fails, for root too

    assert refusal(tmp_path / "a.txt") == [("a.txt", "cannot be read: Input/output error")]


def test_reading_order_follows_paths_and_names(tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.txt").write_text(name)

    assert [d.raw for d in read_documents([tmp_path]).documents] == ["a", "b", "c"]
    given_first = [tmp_path / "c.txt", tmp_path]
    assert [d.raw for d in read_documents(given_first).documents] == ["c", "a", "b"]


LONG = "افتتح وزير الثقافة صباح اليوم المعرض السنوي في العاصمة\nوقال إن الدخول مجاني للطلاب."


def warnings(reading):
    return [(issue.severity, issue.code, issue.where.rpartition("/")[2], issue.message) for issue in reading.issues]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "windows-1256"])
def test_encodings_are_recorded_and_detected_ones_reported(tmp_path, encoding):
    record = {"text": LONG, "title": "المعرض"}
    (tmp_path / "a.txt").write_bytes(f"{LONG}\r\n".encode(encoding))
    (tmp_path / "b.jsonl").write_bytes(f"{json.dumps(record, ensure_ascii=False)}\n\n".encode(encoding))
    reading = read_documents([tmp_path])
    said = encoding if encoding == "utf-8" else f"{encoding}, detected"

    assert [(d.raw, d.title, d.origin.rpartition("/")[2], d.encoding) for d in reading.documents] == [
        (f"{LONG}\r\n", None, "a.txt", said),
        (LONG, "المعرض", "b.jsonl:1", said),
    ]
    detected = [("warning", "encoding", name, f"read as {encoding}: detected") for name in ("a.txt", "b.jsonl")]
    assert warnings(reading) == (detected if encoding != "utf-8" else [])
    assert all("--encoding" in issue.fix for issue in reading.issues)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_mark_or_declaration_needs_no_warning(tmp_path, encoding):
    (tmp_path / "a.txt").write_bytes(f"\ufeff{TEXT}".encode(encoding))
    (tmp_path / "b.jsonl").write_bytes(f"\ufeff{json.dumps({'text': LONG})}\r\n".encode(encoding))
    marked = read_documents([tmp_path])
    (tmp_path / "c.txt").write_bytes(TEXT.encode(encoding))
    declared = read_documents([tmp_path / "c.txt"], encoding)

    assert [(d.raw, d.encoding) for d in marked.documents] == [(TEXT, f"{encoding}, mark"), (LONG, f"{encoding}, mark")]
    assert [(d.raw, d.encoding) for d in declared.documents] == [(TEXT, f"{encoding}, declared")]
    assert (marked.issues, declared.issues) == ((), ())


def test_declaration_decides_short_text_but_not_against_utf_8(tmp_path):
    (tmp_path / "a.txt").write_bytes(TEXT.encode("windows-1256"))
    (tmp_path / "b.txt").write_text(LONG, encoding="utf-8")
    reading = read_documents([tmp_path], "windows-1256")

    assert refusal(tmp_path / "a.txt") == [("a.txt:1:1", "not UTF-8 at byte 0 of the file")]
    assert [(d.raw, d.encoding) for d in reading.documents] == [
        (TEXT, "windows-1256, declared"),
        (LONG, "utf-8, detected"),
    ]
    assert warnings(reading) == [
        ("warning", "encoding", "b.txt", "read as utf-8: its bytes are, though windows-1256 was declared")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_file_cut_in_a_letter_is_read_and_reported(tmp_path, encoding):
    cut = LONG.removesuffix(".").encode(encoding)[:-1]
    (tmp_path / "a.txt").write_bytes(cut)
    reading = read_documents([tmp_path], encoding)

    assert [(d.raw, d.encoding) for d in reading.documents] == [
        (f"{LONG[:-2]}\N{REPLACEMENT CHARACTER}", f"{encoding}, damaged")
    ]
    assert warnings(reading) == [
        ("warning", "damaged", "a.txt", f"1 places are not {encoding.upper()}; each became a replacement character")
    ]


def test_bad_bytes_cost_a_line_only_above_a_share(tmp_path):
    good = json.dumps({"text": LONG}, ensure_ascii=False).encode()
    few, many = good.replace("مجاني".encode(), b"\xe3\xcc"), good.replace("المعرض".encode(), b"\xc7\xe1" * 9)
    (tmp_path / "a.jsonl").write_bytes(b"\n".join([good, few, many]))
    reading = read_documents([tmp_path])

    assert [(d.origin.rpartition(":")[2], d.encoding) for d in reading.documents] == [
        ("1", "utf-8"), ("2", "utf-8, damaged"),
    ]  # fmt: skip
    assert [(one.what.partition(":")[2], one.reason) for one in reading.set_aside] == [("3:41", "not UTF-8")]
    assert [issue.message for issue in reading.issues if issue.code == "damaged"] == [
        "1 records hold bytes that are not valid, the first of them at 2; each such place became a replacement character"
    ]


def test_utf_16_with_half_its_letters_lost_is_refused_at_its_place(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\xd8\x41\x00")

    assert refusal(tmp_path) == [("a.txt:1:2", "not UTF-16-LE at byte 2 of the file")]


def test_bad_line_in_windows_1256_is_named(tmp_path):
    good = json.dumps({"text": LONG}, ensure_ascii=False)
    (tmp_path / "a.jsonl").write_bytes(f"{good}\n{{}}\n".encode("windows-1256"))

    assert [(one.what, one.reason) for one in read_documents([tmp_path]).set_aside] == [
        (f"{tmp_path.name}/a.jsonl:2", "no text")
    ]


def test_mojibake_is_read_unchanged_and_reported(tmp_path):
    spoiled = LONG.encode().decode("windows-1256")
    (tmp_path / "a.txt").write_text(spoiled, encoding="utf-8")
    lines(tmp_path / "b.jsonl", {"text": TEXT}, {"text": f"{TEXT} {spoiled}"})
    reading = read_documents([tmp_path])
    first, second = reading.issues

    assert [d.raw for d in reading.documents] == [spoiled, TEXT, f"{TEXT} {spoiled}"]
    assert (first.code, first.where) == ("mojibake", str(tmp_path / "a.txt"))
    assert first.message == (
        "99% of the text is UTF-8 that was read as windows-1256, from character 0: «ط§ظپطھطھط\N{MIDDLE DOT}»"
    )
    assert first.fix == "read the source again as UTF-8, or undo it with `iconv -f UTF-8 -t WINDOWS-1256`"
    assert second.where == f"{tmp_path / 'b.jsonl'}:2:1"
    assert f"from character {len(TEXT) + 1}:" in second.message


VISUAL = "\ufe8f\ufe8e\ufe98\ufedb"


def test_visual_order_is_dropped_and_logical_order_read(tmp_path):
    (tmp_path / "a.txt").write_text(f"{VISUAL} {VISUAL}\n", encoding="utf-8")
    (tmp_path / "b.txt").write_text(f"{VISUAL[::-1]} {VISUAL[::-1]}\n", encoding="utf-8")
    (tmp_path / "c.txt").write_text(f"{LONG * 4}\n{VISUAL} {VISUAL}\n", encoding="utf-8")
    reading = read_documents([tmp_path])
    aside = "100% of its letters stand last letter first, from character 0: «" + VISUAL + "»"

    assert [d.origin.rpartition("/")[2] for d in reading.documents] == ["b.txt", "c.txt"]
    assert reading.set_aside == (Dropped("ingest", f"{tmp_path.name}/a.txt", "visual order", aside),)
    assert reading.taken == 3
    assert [issue.code for issue in reading.issues] == ["visual-order"]


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_nan_is_a_missing_value(tmp_path, name):
    rows = [{"text": "خبر", "title": math.nan, "url": math.nan, "source": "نسيم"}, {"text": math.nan, "title": "عنوان"}]
    if name == "a.jsonl":
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    else:
        pq.write_table(
            pa.table({"text": ["خبر"], "title": [math.nan], "url": [math.nan], "source": ["نسيم"]}), tmp_path / name
        )
    reading = read_documents([tmp_path / name])
    (document,) = reading.documents

    assert (document.title, document.url, document.source) == (None, None, "نسيم")
    assert {dropped.reason for dropped in reading.set_aside} <= {"no text"}


def test_source_may_be_an_object_with_a_name(tmp_path):
    sources = [{"id": None, "name": "نسيم"}, {"id": 7, "name": None}, {"id": 7}]
    lines = [json.dumps({"text": f"خبر {number}", "source": source}) for number, source in enumerate(sources)]
    (tmp_path / "crawl.jsonl").write_text("\n".join(lines), encoding="utf-8")
    reading = read_documents([tmp_path / "crawl.jsonl"])

    assert [document.source for document in reading.documents] == ["نسيم", "crawl"]
    assert [dropped.detail for dropped in reading.set_aside] == ["source is a JSON object, not a string"]


def test_field_that_is_an_object_is_refused_with_the_line_to_write(tmp_path):
    record = {"title": {"rendered": "عنوان"}, "text": "خبر"}
    (tmp_path / "a.jsonl").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(KhabarError) as caught:
        read_documents([tmp_path / "a.jsonl"])

    (issue,) = caught.value.issues
    assert issue.message == "title is a JSON object, not a string"
    assert issue.fix == "write `title: title.rendered` under `fields:` in schema/dataset.yaml"
