"""What recurs in a source: counted exactly, whatever the shards and passes, and enough by itself for the texts on it."""

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.cleaning import counts as counting
from builder.corpus.cleaning.clean import clean_batch
from builder.corpus.cleaning.columns.keys import key
from builder.corpus.cleaning.counts import (
    FEWEST,
    SIGHTINGS,
    Counts,
    as_records,
    count_table,
    from_records,
    merge,
    no_counts,
    union,
)
from builder.io.jsonl import read_jsonl
from builder.io.parquet import to_table
from builder.records import Document, EdgeCount, KhabarError
from builder.schema import load_schema
from tests.conftest import ROOT
from tests.corpus.cleaning.sources import GUESTS, NO_RULES, STANDARD, body, count, page, paragraph, source

RULES = load_schema(ROOT / "schema").boilerplate
LAST = 2**64 - 1


def same(first, second):
    return (first.profile, first.keys.tolist(), first.numbers.tolist()) == (
        second.profile,
        second.keys.tolist(),
        second.numbers.tolist(),
    )


def table(rows):
    columns = [pa.array([row[n] for row in rows], pa.uint64()) for n in (0, 1)]
    return pa.table(columns, schema=SIGHTINGS)


KEYS = st.one_of(st.integers(0, 5), st.integers(LAST - 3, LAST))
TABLES = st.lists(st.lists(st.tuples(KEYS, st.integers(0, 6)), max_size=20), max_size=5)


@given(TABLES, st.sampled_from([1, 3, 7, 5_000_000]))
def test_merge_counts_as_a_dictionary_of_sets_does(shards, at_once):
    beside = defaultdict(set)
    for rows in shards:
        for name, paragraph_beside in rows:
            beside[name].add(paragraph_beside)
    expected = {name: len(found) for name, found in sorted(beside.items()) if len(found) >= FEWEST}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(counting, "PASS", at_once)
        made = merge("standard@1", sum(map(len, shards)), lambda: iter([*map(table, shards)]))

    assert dict(zip(made.keys.tolist(), made.numbers.tolist(), strict=True)) == expected
    assert made.keys.tolist() == [*expected]
    assert [made.of(name) for name in (*range(7), LAST)] == [expected.get(name, 0) for name in (*range(7), LAST)]


def test_no_more_than_a_pass_is_held_at_once(monkeypatch):
    monkeypatch.setattr(counting, "PASS", 100)
    held = []
    of_pass = counting._of_pass
    monkeypatch.setattr(counting, "_of_pass", lambda *given: held.append(of_pass(*given)) or held[-1])
    chance = np.random.default_rng(3)
    rows = [table(list(zip(*chance.integers(0, 2**63, (2, 500)).tolist(), strict=True))) for _ in range(4)]
    merge("standard@1", 2000, lambda: iter(rows))

    assert len(held) == 21
    assert sum(map(len, held)) == 2000
    assert max(map(len, held)) < 160


def news(number):
    """A page with what recurs around it; every third has an author's line."""
    tail = ["تابعوا أخبار المرفأ على قناة نسيم", f"{GUESTS[number % 29]} – نسيم", "حقوق النشر محفوظة لنسيم"]
    return page([*(["نسيم – أخبار الجزر"] if number % 3 else []), *body(number, 2), *tail[: number % 4]])


def test_order_of_pages_and_shards_does_not_matter():
    pages = [news(number) for number in range(40)]
    shuffled = random.Random(5).sample(pages, len(pages))  # noqa: S311 - seeded test data

    assert len(count(pages).keys) > 5
    assert same(count(pages), count(shuffled, shards=7))


def test_copies_of_a_page_count_once_in_one_shard_and_in_many():
    pages = [news(number) for number in range(24)]

    assert same(count(pages), count(pages * 3))
    assert same(count(pages), count(pages * 3, shards=5))


def test_pages_that_end_alike_are_one_witness():
    pages = [page([paragraph(n), paragraph(99), "تابعوا أخبار المرفأ على قناة نسيم"]) for n in range(30)]
    name = key("nasim", "tail", "تابعوا اخبار المرفا علي قناه نسيم")

    assert count(pages).of(key("nasim", "page", "")) == 30
    assert count(pages).of(name) == 0
    assert count(source(30, tail=lambda _: ["تابعوا أخبار المرفأ على قناة نسيم"])).of(name) == 30


def test_sources_are_counted_apart():
    line = "تابعوا أخبار المرفأ على قناة نسيم"
    both = [*source(24, tail=lambda _: [line]), *(page([*body(n), line], "barq") for n in range(100, 102))]
    found = count(both)

    assert found.of(key("nasim", "page", "")) == 24
    assert found.of(key("barq", "page", "")) == 0


def test_no_line_is_kept_only_hashes():
    rows = as_records(count(source(24, tail=lambda _: ["تابعوا أخبار المرفأ على قناة نسيم"])))

    assert rows
    assert {len(row.key) for row in rows} == {16}
    assert {row.profile for row in rows} == {STANDARD.id}


@given(st.dictionaries(st.integers(0, LAST), st.integers(1, 10**9), max_size=12))
def test_records_lead_back_to_the_counts(rows):
    keys = sorted(rows)
    made = Counts(STANDARD.id, np.array(keys, np.uint64), np.array([rows[name] for name in keys], np.int64))
    back = from_records(as_records(made), STANDARD.id, "counts.jsonl")

    assert same(back, made)
    assert back.digest == made.digest
    assert from_records(as_records(made)[::-1], STANDARD.id, "counts.jsonl").digest == made.digest
    assert (made.digest == "") is (not rows)


def test_counts_of_another_profile_are_refused():
    rows = [EdgeCount("0" * 16, 3, "light@1+0a1b2c3d"), EdgeCount("1" * 16, 3, STANDARD.id)]
    with pytest.raises(KhabarError) as caught:
        from_records(rows, STANDARD.id, "counts.jsonl")
    (issue,) = caught.value.issues

    assert caught.value.exit_code == 2
    assert (issue.code, issue.where) == ("other-profile", "counts.jsonl")
    assert issue.message == (
        f"these counts are of pages normalized with light@1+0a1b2c3d, and this project's profile is {STANDARD.id}"
    )
    assert issue.fix == ("use counts of a project with the same profile, or count again with `khabar clean --recount`")


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("", 3),
        ("0" * 15, 3),
        ("0" * 17, 3),
        ("G" * 16, 3),
        ("A" * 16, 3),
        ("0" * 16 + "\n", 3),
        ("0" * 16, 0),
        ("0" * 16, -1),
    ],
)
def test_lines_that_are_no_counts_are_refused(name, number):
    with pytest.raises(KhabarError) as caught:
        from_records(
            [EdgeCount("f" * 16, 3, "standard@1"), EdgeCount(name, number, "standard@1")], "standard@1", "c.jsonl"
        )
    (issue,) = caught.value.issues

    assert (caught.value.exit_code, issue.code, issue.where) == (2, "broken-counts", "c.jsonl")
    assert issue.message.startswith("1 lines are no counts, such as ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"key": "00"', "not an EdgeCount: Invalid JSON"),
        ('{"key": "0000000000000000", "profile": "standard@1"}', "not an EdgeCount: pages: is missing"),
        (
            '{"key": "0000000000000000", "pages": "3", "profile": "standard@1"}',
            "pages: Input should be a valid integer",
        ),
        ('{"key": "0000000000000000", "pages": 3, "profile": "standard@1", "line": "x"}', "line: unknown field"),
    ],
)
def test_broken_lines_are_named(tmp_path, line, message):
    path = tmp_path / "counts.jsonl"
    path.write_text(
        '{"key": "0000000000000001", "pages": 3, "profile": "standard@1"}\n' + line + "\n", encoding="utf-8"
    )
    with pytest.raises(KhabarError) as caught:
        read_jsonl(path, EdgeCount)

    assert caught.value.issues[0].where == f"{path}:2"
    assert message in caught.value.issues[0].message


COUNTS = st.dictionaries(st.integers(0, 9), st.integers(3, 9), max_size=6)


def made_of(rows):
    keys = sorted(rows)
    return Counts("standard@1", np.array(keys, np.uint64), np.array([rows[name] for name in keys], np.int64))


@given(COUNTS, COUNTS)
def test_union_keeps_the_larger_count(first, second):
    both = union(made_of(first), made_of(second))

    assert same(
        both, made_of({name: max(first.get(name, 0), second.get(name, 0)) for name in first.keys() | second.keys()})
    )
    assert same(both, union(made_of(second), made_of(first)))
    assert same(union(made_of(first), no_counts()), made_of(first))


@given(COUNTS, st.sets(st.integers(0, 12)))
def test_only_keeps_what_is_wanted(rows, wanted):
    assert same(made_of(rows).only(wanted), made_of({name: rows[name] for name in rows.keys() & wanted}))


EDGE = [
    "تابعوا أخبار المرفأ على قناة نسيم", "نسيم – أخبار الجزر", "رابط الخبر: عودة السفينة", "شارك", "المصدر: نسيم", "وكالات",
    "حقوق النشر محفوظة لنسيم", "السدر – متابعات", "والله الموفق", "ودمتم سالمين", "تصدر عن دار الضفاف للنشر مساء الخميس",
    "bahr@nasim.example.com", "هاتف 0123 456", "طلال الكتاني", "الغار", "قال الربان: لن نعود", "* * *", "وصول السفينة",
    "تصدر عن دار الضفاف للنشر مساء الأحد", "سراج الزعفراني – الغار", "قال الربان: سنعود غداً", "التعليقات", "اقرأ أيضاً",
]  # fmt: skip
SIGNS = ["", "نسيم – متابعات: ", "نسيم – متابعات: ", "طلال الكتاني: ", "قال: "]
ENDS = ["", "", " شارك الخبر مع أصدقائك على قناة نسيم", "تابعوا أخبار المرفأ على قناة نسيم مساء اليوم"]


@st.composite
def pages_of(draw, number):
    """A page of the source: recurring lines around its own paragraphs, in any order, and sometimes inside."""
    texts = body(number, draw(st.integers(0, 3)))
    if texts:
        texts[0] = draw(st.sampled_from(SIGNS)) + texts[0]
        texts[-1] = f"{texts[-1]} {paragraph(3000 + number)}{draw(st.sampled_from(ENDS))}"
    lines = st.lists(st.sampled_from(EDGE), max_size=3)
    inside = draw(lines) if draw(st.integers(0, 5)) == 0 else []
    return page(
        [*draw(lines), *texts[:1], *inside, *texts[1:], *draw(lines)],
        title=draw(st.sampled_from([None, "وصول السفينة", "عودة المنارة"])),
        author=draw(st.sampled_from([None, "طلال الكتاني"])),
    )


def recurring(number):
    """A page of a source in which each line of EDGE recurs somewhere."""
    chance = random.Random(number)  # noqa: S311 - seeded test data
    texts = body(number)
    texts[0] = chance.choice(SIGNS) + texts[0]
    texts[-1] = f"{texts[-1]} {paragraph(3000 + number)}{chance.choice(ENDS)}"
    return page([*chance.sample(EDGE, chance.randrange(3)), *texts, *chance.sample(EDGE, chance.randrange(4))])


SOURCE = [recurring(number) for number in range(150)]
ALL = count(SOURCE)


@settings(max_examples=60)
@given(st.tuples(*(pages_of(number) for number in range(2))), st.sampled_from([RULES, NO_RULES]))
def test_the_keys_that_a_text_rested_on_are_enough_for_it(pages, rules):
    whole = clean_batch(pages, STANDARD, rules, [ALL] * 2)
    used = [ALL.only(done.evidence) for done in whole]
    together = ALL.only(set().union(*(done.evidence for done in whole)))

    assert clean_batch(pages, STANDARD, rules, used) == whole
    assert clean_batch(pages, STANDARD, rules, [together] * 2) == whole


def test_the_law_of_counts_holds_on_each_page_of_the_source():
    whole = clean_batch(SOURCE, STANDARD, RULES, [ALL] * len(SOURCE))
    rules = {drop.rule for done in whole for drop in done.drops}
    used = [ALL.only(done.evidence) for done in whole]

    assert rules >= {"recurs", "recurring-prefix", "recurring-suffix"}  # else the law says little here
    assert clean_batch(SOURCE, STANDARD, RULES, used) == whole
    assert clean_batch(SOURCE, STANDARD, RULES) != whole


def test_a_batch_of_the_first_version_asks_for_no_evidence():
    pages = [page([*body(1, 2), "صحيفة الضفاف"])]
    (before,) = clean_batch(pages, STANDARD, RULES, [replace(no_counts(STANDARD.id), is_asked=False)])
    (now,) = clean_batch(pages, STANDARD, RULES, [no_counts(STANDARD.id)])

    assert before.dropped_by_rule == {"agency-named": 1}
    assert now.dropped_by_rule == {}


def test_a_page_without_lines_is_a_page():
    tables = count_table(to_table([page([" ", ""])], Document), STANDARD).table

    assert tables.num_rows == 1
