"""The order of judgements that their names do not tell apart."""

from dataclasses import replace
from itertools import permutations

from tests.release.material import build_tables


def test_judgements_with_the_same_names_are_ordered_by_what_they_say(material):
    first = material.judgements[0]
    wanted = [
        replace(first, spans=(), remark="أ", seconds=9.0),
        replace(first, spans=(), remark="ب", seconds=None),
        replace(first, spans=(), remark="ب", seconds=2.0),
        replace(first, seconds=1.0),
    ]
    for judgements in permutations(wanted):
        rows = build_tables(replace(material, judgements=judgements)).tables["annotations"]["train"].to_pylist()

        assert [(row["remark"], row["seconds"]) for row in rows] == [("أ", 9.0), ("ب", None), ("ب", 2.0), ("", 1.0)]


def test_stances_of_a_row_are_sorted_by_target_and_value(material):
    first = material.judgements[0]
    given = tuple(replace(first.stances[0], target=target) for target in ("metro", "dam"))
    rows = build_tables(replace(material, judgements=(replace(first, stances=given),))).tables["annotations"]["train"]

    assert [one["target"] for one in rows["stances"][0].as_py()] == ["dam", "metro"]
