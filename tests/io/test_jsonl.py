"""Records as JSON Lines."""

from dataclasses import replace

import pytest

from builder.io.jsonl import read_jsonl, write_jsonl
from builder.records import Judgement, KhabarError, Span, StageCounts, Stance


def test_jsonl_gives_back_equal_records(tmp_path):
    judgement = Judgement(
        "d-0", "t", "b", "a-1", (Span(0, 3, "PERS", "s0"),), (Stance("dam", "favor"),), "submitted", 1.5,
        "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z", "g", "s", 1, 2, "ملاحظة",
    )  # fmt: skip
    write_jsonl(tmp_path / "j.jsonl", [judgement])

    assert read_jsonl(tmp_path / "j.jsonl", Judgement) == [judgement]


def test_each_malformed_line_is_named(tmp_path):
    path = tmp_path / "j.jsonl"
    path.write_text('{"stage": "clean"}\n{"stage": 1\n')

    with pytest.raises(KhabarError) as caught:
        read_jsonl(path, StageCounts)

    assert {issue.where for issue in caught.value.issues} == {f"{path}:1", f"{path}:2"}


def test_empty_marked_fields_are_left_out_of_lines(tmp_path):
    old = Judgement("0-0", "s", "pilot", "a-1", (), (), "submitted", None, "", "", "", "", 1, 2)
    write_jsonl(tmp_path / "both.jsonl", [old, replace(old, origin="o-1", changed_by="a-2")])
    first, second = (tmp_path / "both.jsonl").read_text().splitlines()

    assert ("origin" in first, "changed_by" in first) == (False, False)
    assert second.endswith('"relations": [], "origin": "o-1", "changed_by": "a-2"}')
    assert [j.origin for j in read_jsonl(tmp_path / "both.jsonl", Judgement)] == ["", "o-1"]
