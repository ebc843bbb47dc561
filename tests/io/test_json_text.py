"""Columns as JSON text are the lines of their records."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from builder.io.json_text import write_table_lines
from builder.io.jsonl import write_jsonl
from builder.io.parquet import to_table
from builder.records import Answer, Confidence, Decision, Dispute, Gold, Judgement, Passage, Span, Stance, Vote

WORDS = st.text(st.characters(codec="utf-8"), max_size=4)
NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)
SPANS = st.lists(st.builds(Span, NUMBERS, NUMBERS, WORDS, WORDS), max_size=3).map(tuple)
STANCES = st.lists(st.builds(Stance, WORDS, WORDS), max_size=2).map(tuple)
ANSWERS = st.lists(st.builds(Answer, WORDS, WORDS), max_size=2).map(tuple)
SURE = st.builds(Confidence, WORDS, WORDS, WORDS, st.floats(allow_nan=False))
GOLD = st.builds(
    Gold, WORDS, WORDS, SPANS, STANCES, st.just("agreed"), st.lists(st.builds(Vote, WORDS, WORDS, NUMBERS)).map(tuple),
    NUMBERS, st.lists(SURE, max_size=2).map(tuple), st.lists(WORDS, max_size=2).map(tuple), ANSWERS,
)  # fmt: skip
PLACES = st.lists(st.builds(Passage, NUMBERS, NUMBERS), max_size=2).map(tuple)
KINDS = {
    Gold: GOLD,
    Dispute: st.builds(Dispute, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=3)),
    Decision: st.builds(Decision, WORDS, WORDS, WORDS, st.none() | SPANS, STANCES, WORDS, PLACES, ANSWERS),
    Judgement: st.builds(Judgement, WORDS, seconds=st.none() | st.floats(allow_nan=False), page=NUMBERS, answers=ANSWERS,
                         origin=WORDS, changed_by=st.just(""), task_id=NUMBERS, annotation_id=NUMBERS, spans=SPANS),
}  # fmt: skip
ROWS = st.sampled_from([*KINDS]).flatmap(lambda kind: st.tuples(st.just(kind), st.lists(KINDS[kind], max_size=5)))


@given(ROWS, st.integers(0, 5), st.sampled_from([1, 2, 4_096]))
def test_lines_of_a_table_are_those_of_its_records(tmp_path_factory, rows, first, part):
    kind, records = rows
    folder = tmp_path_factory.getbasetemp()
    write_jsonl(folder / "records.jsonl", records[first:])
    with patch("builder.io.json_text.PART", part):
        write_table_lines(folder / "table.jsonl", to_table(records, kind).slice(first), kind)

    assert (folder / "table.jsonl").read_bytes() == (folder / "records.jsonl").read_bytes()
