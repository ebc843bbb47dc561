"""The JSON that is made of columns is what `json` writes of each record."""

import json
from hashlib import sha256

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.io.json_rows import JsonForm, digest_of_sorted, json_rows, write_table_lines
from builder.io.jsonl import write_jsonl
from builder.io.parquet import to_table
from builder.io.plain import to_plain
from builder.records import Answer, Confidence, Decision, Dispute, Gold, Judgement, Passage, Span, Stance, Vote

TEXT = st.text(
    st.sampled_from('ab"\\/\n\t\x7f\N{NULL}\N{LINE SEPARATOR}\N{ARABIC LETTER ALEF}\N{GRINNING FACE}'), max_size=4
)
NUMBER = st.integers(-(2**63), 2**63 - 1)
FLOAT = st.floats(allow_nan=True, allow_infinity=True)


def some(kind):
    return st.lists(kind, max_size=3).map(tuple)


SPAN = st.builds(Span, NUMBER, NUMBER, TEXT, TEXT)
STANCE = st.builds(Stance, TEXT, TEXT)
ANSWER = st.builds(Answer, TEXT, TEXT)
RECORDS = {
    Judgement: st.builds(
        Judgement, TEXT, TEXT, TEXT, TEXT, some(SPAN), some(STANCE), TEXT, st.none() | FLOAT, TEXT, TEXT, TEXT, TEXT,
        NUMBER, NUMBER, remark=TEXT, origin=TEXT, changed_by=TEXT, answers=some(ANSWER), page=st.integers(0, 2),
    ),
    Gold: st.builds(
        Gold, TEXT, TEXT, some(SPAN), some(STANCE), TEXT, some(st.builds(Vote, TEXT, TEXT, NUMBER)), NUMBER,
        some(st.builds(Confidence, TEXT, TEXT, TEXT, FLOAT)), some(TEXT), some(ANSWER),
    ),
    Dispute: st.from_type(Dispute),
    Decision: st.builds(
        Decision, TEXT, TEXT, TEXT, st.none() | some(SPAN), some(STANCE), TEXT, some(st.builds(Passage, NUMBER, NUMBER)),
        some(ANSWER),
    ),
    Stance: STANCE,
}  # fmt: skip
FORMS = [JsonForm(sort_keys, ascii_) for sort_keys in (False, True) for ascii_ in (False, True)]


@pytest.mark.parametrize("record", RECORDS)
@given(data=st.data())
@settings(max_examples=60)
def test_rows_are_what_json_writes(record, data):
    made, first = data.draw(st.lists(RECORDS[record], max_size=6)), data.draw(st.integers(0, 3))
    for form in FORMS:
        rows = [
            row for texts in json_rows(to_table(made, record).slice(first), record, form) for row in texts.to_pylist()
        ]

        plain = [to_plain(one) for one in made[first:]]
        assert rows == [json.dumps(one, sort_keys=form.sort_keys, ensure_ascii=form.ensure_ascii) for one in plain]


def test_slices_of_tables_and_several_parts(monkeypatch):
    monkeypatch.setattr("builder.io.json_rows.ROWS", 2)
    made = [Judgement(f"a{n}", "t", "b", "w", (Span(n, n + 1, "ORG"),) * n, (), "submitted", None, "", "", "", "", n, n)
            for n in range(7)]  # fmt: skip

    parts = [texts.to_pylist() for texts in json_rows(to_table(made, Judgement).slice(1, 5), Judgement)]

    assert [len(part) for part in parts] == [2, 2, 1]
    assert [row for part in parts for row in part] == [json.dumps(to_plain(one)) for one in made[1:6]]


def test_files_are_the_same(tmp_path):
    made = [Stance("سد", "favor"), Stance("dam", "against")]
    write_jsonl(tmp_path / "records.jsonl", made)

    table = pa.concat_tables([to_table(made[:1], Stance), to_table(made[1:], Stance)])
    write_table_lines(tmp_path / "table.jsonl", table, Stance)
    write_table_lines(tmp_path / "empty.jsonl", to_table([], Stance), Stance)

    assert (tmp_path / "table.jsonl").read_bytes() == (tmp_path / "records.jsonl").read_bytes()
    assert (tmp_path / "empty.jsonl").read_bytes() == b""


def test_digest_is_that_of_the_sorted_list(monkeypatch):
    monkeypatch.setattr("builder.io.json_rows.ROWS", 2)
    made = [Stance(target, value) for target in ("سد", "b", "\N{GRINNING FACE}", "a") for value in ("y", "x")]
    ordered = sorted(map(to_plain, made), key=lambda one: json.dumps(one, sort_keys=True))
    expected = json.dumps(ordered, ensure_ascii=False, sort_keys=True).encode()

    assert digest_of_sorted(to_table(made, Stance), Stance) == sha256(expected).hexdigest()
    assert digest_of_sorted(to_table([], Stance), Stance) == sha256(b"[]").hexdigest()
