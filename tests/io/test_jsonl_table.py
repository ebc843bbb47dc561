"""The columnar reader of JSON Lines against the row reader: the same records, the same errors."""

import json

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from builder.io import jsonl_table
from builder.io.hashing import file_digest
from builder.io.jsonl import count_lines, read_lines, write_jsonl
from builder.io.jsonl_table import read_table_lines, write_table_lines
from builder.io.parquet import to_table
from builder.records import AnnotatorAssignment, Answer, BatchItem, Decision, Judgement, Span
from builder.records.arrow import arrow_schema, records_of

SPAN = {"start": 0, "end": 4, "label": "PERS", "id": "s0"}
LINE = {
    "article_id": "d-0", "text_sha": "t", "batch": "b", "annotator": "a-1", "spans": [SPAN],
    "stances": [{"target": "dam", "value": "favor"}], "status": "submitted", "seconds": 1.5,
    "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01", "guideline": "g", "schema": "s",
    "task_id": 1, "annotation_id": 2, "remark": "ملاحظة",
    "relations": [{"from_id": "s0", "to_id": "s0", "labels": ["of"], "direction": "left"}],
}  # fmt: skip
DECISION = {"article_id": "d-0", "text_sha": "t", "adjudicator": "a-9", "spans": None, "stances": []}

WRITTEN_SPANS = st.lists(st.builds(Span, st.integers(0, 9), st.integers(0, 9), st.text(max_size=2)), max_size=3).map(
    tuple
)
WRITTEN_ANSWERS = st.lists(st.builds(Answer, st.text(max_size=2), st.just("v")), max_size=2).map(tuple)


def dumped(**changes):
    return json.dumps(LINE | changes, ensure_ascii=False).encode()


def without(*names):
    return json.dumps({name: value for name, value in LINE.items() if name not in names}).encode()


def raw(name, text):
    """A line with the text of one value as it stands."""
    return dumped(**{name: "@"}).replace(b'"@"', text)


def same(tmp_path, content, record=Judgement):
    """Read a file in both ways, and return whether Arrow parsed it."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    rows, issues = read_lines(path, record)
    found, said = read_table_lines(path, record)

    assert said == issues
    assert repr(records_of(found.table, record)) == repr([one for _, one in rows])
    assert found.numbers.tolist() == [number for number, _ in rows]
    assert found.table.schema == arrow_schema(record)
    found.table.validate(full=True)
    return jsonl_table._columns(content, record) is not None


PLAIN = {
    "empty": b"",
    "one": dumped(),
    "no end of line": dumped() + b"\n" + dumped(),
    "blank lines": b"\n" + dumped() + b"\n\n\n" + dumped(annotation_id=3) + b"\n\n",
    "carriage returns": dumped() + b"\r\n\r\n" + dumped() + b"\r\n",
    "no optional field": without("remark", "relations"),
    "some optional fields": without("remark") + b"\n" + dumped(origin="o-1", changed_by="a-2"),
    "no answers": dumped(spans=[], stances=[], relations=[]),
    "a span without id": dumped(spans=[{"start": 1, "end": 2, "label": "PERS"}, SPAN]),
    "null seconds": dumped(seconds=None) + b"\n" + dumped(),
    "whole seconds": dumped(seconds=30),
    "the greatest number": dumped(annotation_id=(1 << 63) - 1, task_id=-(1 << 63)),
    "escaped NUL": dumped(remark="\0"),
    "escaped key": dumped().replace(b'"remark"', b'"rem\\u0061rk"'),
    "other order": json.dumps(dict(reversed(LINE.items()))).encode(),
    "no spaces": json.dumps(LINE, separators=(",", ":")).encode(),
    "null without spaces": json.dumps(LINE | {"seconds": None}, separators=(",", ":")).encode(),
    "emoji": dumped(remark="😀\N{ZERO WIDTH JOINER}"),
    "surrogate pair": raw("remark", b'"\\ud83d\\ude00"'),
}
ODD = {
    "blanks around": b"  " + dumped() + b" \n",
    "a blank line of spaces": dumped() + b"\n  \n" + dumped(),
    "BOM": b"\xef\xbb\xbf" + dumped(),
    "two on a line": dumped() + b" " + dumped(),
    "one on two lines": dumped().replace(b', "schema"', b',\n"schema"'),
    "two lines exchange braces": dumped() + b"{\n}" + dumped()[1:],
    "conflict": b"<<<<<<< ours\n" + dumped() + b"\n=======\n" + dumped() + b"\n>>>>>>> theirs\n",
    "null": b"null\n" + dumped(),
    "a number": b"5",
    "a list": b"[" + dumped() + b"]",
    "extra field": dumped(mood="x"),
    "extra field of a span": dumped(spans=[SPAN | {"mood": 1}]),
    "key twice": dumped()[:-1] + b', "remark": "x"}',
    "key of a span twice": dumped().replace(b'"id": "s0"', b'"id": "s0", "id": "s1"'),
    "missing field": without("annotator"),
    "missing seconds": without("seconds"),
    "missing and null seconds": without("seconds") + b"\n" + dumped(seconds=None),
    "null remark": dumped(remark=None),
    "null remark behind an escape": dumped(remark=None).replace(b'"remark"', b'"rem\\u0061rk"'),
    "null annotator": dumped(annotator=None),
    "null spans": dumped(spans=None),
    "null span": dumped(spans=[None, SPAN]),
    "null start": dumped(spans=[SPAN | {"start": None}]),
    "null id": dumped(spans=[SPAN | {"id": None}]),
    "null label of a relation": dumped(relations=[{"from_id": "a", "to_id": "b", "labels": [None]}]),
    "the word null": dumped(remark='"seconds": null'),
    "unknown status": dumped(status="done"),
    "float": dumped(annotation_id=1.0),
    "float of a span": dumped(spans=[SPAN | {"start": 0.5}]),
    "exponent": raw("annotation_id", b"1e2"),
    "more than 64 bits": dumped(annotation_id=1 << 63),
    "more than 64 bits in a span": dumped(spans=[SPAN, SPAN | {"end": -(1 << 63) - 1}]),
    "text for a number": dumped(annotation_id="2"),
    "number for a text": dumped(remark=5),
    "truth for a number": dumped(annotation_id=True),
    "object for a list": dumped(spans={}),
    "too large a float": raw("seconds", b"1e999"),
    "leading zero": raw("annotation_id", b"01"),
    "lone surrogate": raw("remark", b'"\\ud800"'),
    "not UTF-8": raw("remark", b'"\xff"'),
    "surrogate in UTF-8": raw("remark", b'"\xed\xa0\x80"'),
    "NUL": dumped() + b"\n\0" + dumped(),
    "NUL in a text": raw("remark", b'"\0"'),
    "a tab in a text": raw("remark", b'"\t"'),
    "comma at the end": dumped(spans=[SPAN]).replace(b"}], ", b"},], ", 1),
    "half a line": dumped()[:40],
    "comment": dumped() + b"//}",
    "vertical tab": b"\x0b" + dumped(),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_plain_files_are_parsed_by_arrow(tmp_path, name):
    assert same(tmp_path, PLAIN[name])


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_read_line_by_line(tmp_path, name):
    assert not same(tmp_path, ODD[name])


@pytest.mark.parametrize("spans", [None, [], [SPAN], [SPAN | {"start": 1.5}]])
def test_decisions_without_spans_differ_from_those_with_none(tmp_path, spans):
    lines = [json.dumps(DECISION | {"spans": spans}), json.dumps(DECISION | {"spans": [SPAN]})]
    lines += [json.dumps({name: value for name, value in DECISION.items() if name != "spans"})]

    assert same(tmp_path, "\n".join(lines).encode(), Decision) is (spans != [SPAN | {"start": 1.5}])


def test_other_records_are_read_alike(tmp_path):
    item = {"batch": "b", "article_id": "d-0", "text_sha": "t", "group_id": "g", "source": "s"}
    asked = {"batch": "b", "article_id": "d-0", "annotator": "a-1", "why": "overlap"}

    assert same(tmp_path, json.dumps(item).encode(), BatchItem)
    assert same(tmp_path, json.dumps(asked).encode(), AnnotatorAssignment)
    assert not same(tmp_path, json.dumps(asked | {"why": "x"}).encode(), AnnotatorAssignment)


def test_a_number_that_no_table_holds_is_an_error_with_its_place(tmp_path):
    (tmp_path / "lines.jsonl").write_bytes(dumped() + b"\n" + ODD["more than 64 bits in a span"])
    _, (issue,) = read_table_lines(tmp_path / "lines.jsonl", Judgement)

    assert (issue.where, issue.message) == (
        f"{tmp_path / 'lines.jsonl'}:2", "not a Judgement: spans.1.end: more than 64 bits")  # fmt: skip


def test_a_line_longer_than_the_maximum_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr("builder.io.jsonl.MAX_LINE", 1_000)
    monkeypatch.setattr(jsonl_table, "MAX_LINE", 1_000)

    assert not same(tmp_path, dumped() + b"\n" + dumped(remark="م" * 1_000) + b"\n")
    assert same(tmp_path, dumped() + b"\n" + dumped(remark="x" * 300) + b"\n")


def test_a_line_longer_than_a_block_is_parsed(tmp_path, monkeypatch):
    monkeypatch.setattr(jsonl_table, "BLOCK", 64)

    assert same(tmp_path, b"\n".join([dumped(), dumped(remark="م" * 5_000), dumped()]))


def test_an_absent_file_has_no_lines(tmp_path):
    found, issues = read_table_lines(tmp_path / "lines.jsonl", Judgement)

    assert (found.table.num_rows, len(found.numbers), issues) == (0, 0, [])
    assert found.table.schema == arrow_schema(Judgement)


@pytest.mark.parametrize("content", [PLAIN["blank lines"], ODD["conflict"], dumped() + b"\r\n" + dumped() + b"\n"])
def test_reading_notes_the_digest_and_the_lines(tmp_path, monkeypatch, content):
    path = tmp_path / "lines.jsonl"
    path.write_bytes(content)
    digest, lines = file_digest(path), count_lines(path)
    noted = {}
    monkeypatch.setattr("builder.io.jsonl.note_digest", lambda name, _, made: noted.update({name: made}))
    read_table_lines(path, Judgement)

    assert noted == {path: digest, ("lines", path): str(lines)}


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ["null", '"id": null', "2026-01-01", "}\n{"]
)
NUMBERS = st.integers(-(1 << 64), 1 << 64) | st.integers(-2, 9) | st.floats() | st.none() | TEXTS
SPANS = st.lists(st.fixed_dictionaries({"start": st.integers(0, 9), "end": NUMBERS, "label": TEXTS}, optional={"id": TEXTS}),
                 max_size=3)  # fmt: skip
CHANGES = st.fixed_dictionaries(
    {}, optional={"spans": SPANS, "seconds": NUMBERS, "remark": TEXTS, "annotation_id": NUMBERS, "origin": TEXTS,
                  "created_at": TEXTS, "mood": TEXTS, "relations": st.none() | st.just([])},
)  # fmt: skip
LINES = st.builds(
    lambda changes, gone, ascii_only: json.dumps(
        {name: value for name, value in (LINE | changes).items() if name not in gone}, ensure_ascii=ascii_only
    ).encode(),
    CHANGES | st.just({}),
    st.sets(st.sampled_from([*LINE]), max_size=1),
    st.booleans(),
) | st.sampled_from([*PLAIN.values(), *ODD.values()])
BREAKS = st.tuples(st.integers(0, 2_000), st.sampled_from([b"", b"}", b"{", b'"', b"\n", b"\r", b"\0", b"\\", b",", b"]",
                   b"[", b" ", b"null", b"-0", b"\xff", b"\xef\xbb\xbf", b"1e5", b"\xc2\xa0", b"//", b"'"]), st.integers(0, 2))  # fmt: skip


@given(st.lists(LINES, max_size=4), st.lists(BREAKS, max_size=2), st.sampled_from([b"\n", b"\r\n", b"\n\n", b" "]))
@example([PLAIN["one"]], [], b"\n")
def test_whatever_stands_in_a_file_both_readers_say_the_same(tmp_path_factory, lines, breaks, between):
    content = between.join(lines)
    for place, inserted, lost in breaks:
        at = place % (len(content) + 1)
        content = content[:at] + inserted + content[at + lost :]

    same(tmp_path_factory.mktemp("lines"), content)


@given(st.lists(CHANGES, max_size=5))
def test_tables_give_back_the_records_that_they_were_made_of(tmp_path_factory, changes):
    path = tmp_path_factory.mktemp("lines") / "lines.jsonl"
    path.write_text("\n".join(json.dumps(LINE | one) for one in changes), encoding="utf-8")
    rows = [one for _, one in read_lines(path, Judgement)[0]]
    found = read_table_lines(path, Judgement)[0].table

    assert repr(records_of(found, Judgement)) == repr(rows)
    assert repr(records_of(pa.concat_tables([found, found]).slice(len(rows)), Judgement)) == repr(rows)


@given(st.lists(st.builds(Judgement, *[st.text(max_size=3)] * 4, spans=WRITTEN_SPANS, stances=st.just(()), status=st.just("skipped"),
                          seconds=st.none() | st.floats(0, 9), created_at=st.just("t"), updated_at=st.just("t"),
                          guideline=st.just("g"), schema=st.just("s"), task_id=st.integers(0, 9),
                          annotation_id=st.just(1), answers=WRITTEN_ANSWERS), max_size=4))  # fmt: skip
@example([])
def test_tables_are_written_as_their_records_are(tmp_path_factory, records):
    folder = tmp_path_factory.mktemp("written")
    write_jsonl(folder / "rows.jsonl", records)
    table = to_table(records, Judgement)
    write_table_lines(folder / "table.jsonl", pa.concat_tables([table[:1], table[1:]]), Judgement)

    assert (folder / "table.jsonl").read_bytes() == (folder / "rows.jsonl").read_bytes()
