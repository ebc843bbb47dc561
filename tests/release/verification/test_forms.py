"""Values of no form that khabar gives: each passed `verify` once, in a release whose every other file was made to agree."""

import math

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.tampering import copy_of, edit_json, edit_rows, messages, recheck, render, shard, sign

pytestmark = pytest.mark.slow  # makes a release

SPLITS = ("train", "validation", "test")


@pytest.fixture
def copy(full, tmp_path):
    return copy_of(full, tmp_path / "release")


def edit(copy, config, change):
    """Change every row of a config for which `change` does anything."""
    for split in SPLITS:
        edit_rows(copy, config, lambda rows: [change(row) for row in rows], split)


def said(copy):
    render(copy)
    return [message.partition(": ")[2] for message in messages(recheck(copy))]


@pytest.mark.parametrize(
    ("config", "name", "value", "wanted"),
    [
        ("annotations", "annotator", "huda salem", "`annotator` is not a pseudonym"),
        ("annotations", "batch", "../../x", "`batch` is not the name of a batch"),
        ("annotations", "guideline", "\x1b[31m", "`guideline` is not a version"),
        ("annotations", "schema", "\N{RIGHT-TO-LEFT OVERRIDE}", "`schema` is not a version"),
        ("annotations", "seconds", -3.0, "`seconds` is not a number of seconds"),
        ("annotations", "seconds", math.inf, "`seconds` is not a number of seconds"),
        ("annotations", "seconds", math.nan, "`seconds` is not a number of seconds"),
        ("annotations", "remark", "اسألوا huda@nasim.example", "`remark` is not without what is redacted"),
        ("annotations", "remark", "هاتف 0599123456", "`remark` is not without what is redacted"),
        ("articles", "profile", "../standard@1", "`profile` is not the name of a profile"),
    ],
)
def test_value_of_another_form(copy, config, name, value, wanted):
    edit_rows(copy, config, lambda rows: rows[-1].update({name: value}))

    assert said(copy) == [f"{wanted}, in 1 rows"]


def test_zone_that_is_none(copy):
    for config in ("articles", "entities", "stance"):
        edit(copy, config, lambda row: row["published_zone"] and row.update(published_zone="+99:99"))

    assert said(copy) == ["`published_zone` is not an offset from UTC, in 10 rows"]


def test_document_that_is_a_path(copy):
    edit_rows(copy, "articles", lambda rows: rows[0].update(document_id="../../../etc/x"))

    assert said(copy) == ["`document_id` is not 16 hexadecimal digits, in 1 rows"]


def test_places_of_raw_pages_that_run_backwards(copy):
    edit_rows(
        copy,
        "entities",
        lambda rows: rows[0]["spans"][0].update(raw_start=rows[0]["spans"][0]["raw_end"]),
    )

    assert said(copy) == ["`spans.raw_start` is not a place before `raw_end`, in 1 rows"]


def test_group_that_is_named_after_no_article(copy):
    group = pq.read_table(shard(copy, "articles"))["split_group"][0].as_py()
    for config in ("articles", "entities", "stance"):
        edit(copy, config, lambda row: row.update(split_group="0" * 16 + "-0") if row["split_group"] == group else None)

    assert len(found := said(copy)) == 1
    assert found[0].startswith("`split_group` is not the first article of its group, in ")


def test_annotator_who_votes_twice(copy):
    voted = {}

    def judge(rows):
        row = next(row for row in rows if row["stances"])
        voted.update(id=f"{row['article_id']}:{row['stances'][0]['target']}", value=row["stances"][0]["value"])
        row["stances"].insert(0, row["stances"][0])

    def count(rows):
        row = next(row for row in rows if row["id"] == voted["id"])
        row["label_counts"][voted["value"]] += 1
        row["n_annotators"] += 1
        row["soft_label"] = [number / row["n_annotators"] for number in row["label_counts"]]

    edit_rows(copy, "annotations", judge)
    edit_rows(copy, "stance", count)

    assert said(copy) == ["`stances.target` is not named once, in 1 rows"]


def test_answer_about_a_target_that_nobody_asked_for(copy):
    def judge(rows):
        next(row for row in rows if row["stances"])["stances"].append({"target": "zzz", "value": 0})

    edit_rows(copy, "annotations", judge)

    assert said(copy) == ["`stances.target` is not a target of labels.yaml, in 1 rows"]


def test_address_in_a_text_whose_addresses_were_redacted(copy):
    edit_json(copy, "facts.json", lambda plain: plain["dataset"].update(redact=["email"]))
    edit_json(copy, "facts.json", lambda plain: plain.update(redacted={"email": 0}))
    edit_rows(copy, "articles", lambda rows: rows[0].update(title="huda@nasim.example"))

    assert "`title` is not without what is redacted, in 1 rows" in said(copy)


def test_column_that_carries_a_note(copy):
    path = shard(copy, "entities")
    table = pq.ParquetFile(path).read()
    field = table.schema.field("title").with_metadata({"note": "huda@nasim.example"})
    pq.write_table(table.cast(table.schema.set(table.schema.get_field_index("title"), field)), path)
    sign(copy)

    assert any("its metadata hold more than the features of its columns" in one for one in messages(recheck(copy)))


def test_two_columns_of_one_name(copy):
    path = shard(copy, "entities")
    table = pq.ParquetFile(path).read()
    pq.write_table(table.append_column("text", pa.array(["x"] * len(table))), path)
    sign(copy)

    assert [check.name for check in recheck(copy) if check.state == "failed"] == ["columns"]
