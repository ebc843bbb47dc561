"""What changed between two releases: each kind of change in one fixture, and nothing that is not accounted for."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import Group, Span, Stance
from builder.release.diff import html as diff_page
from builder.release.diff import text as diff_lines
from builder.release.diff.compare import compare, side_of
from builder.release.diff.records import ReleaseId
from builder.release.diff.rows import differing, join, unequal, unique_keys
from builder.release.diff.spans import AlignedMention, Mention, pair_spans
from builder.release.tables.build import non_empty
from builder.release.tables.features import arrow_schema, convert_labels, features
from tests.release.material import build_tables

GOLDEN = Path(__file__).with_name("diff.golden.json")
HOSTILE = "<img src=x onerror=alert(1)>\N{RIGHT-TO-LEFT OVERRIDE}&"


def renormalised(article):
    """The article as a profile would have it that takes the first two characters of the page away."""
    text = article.text[2:]
    edits = (0, 2, 0, article.edits[0] - 2, *article.edits[1:])
    return replace(article, text=text, text_sha=sha16(text), edits=edits)


@pytest.fixture
def later(material, schema):
    """The material with one change of each kind; which is which stands beside it."""
    articles, golds = list(material.articles), list(material.golds)
    judgements = list(material.judgements)
    occ, gpe = golds[0].spans
    golds[0] = replace(golds[0], spans=(replace(occ, label="ORG"), gpe))  # relabelled
    golds[1] = replace(golds[1], spans=golds[1].spans[:1], stances=(Stance("metro", "against"),))  # removed; answered
    golds[2] = replace(golds[2], spans=(replace(occ, end=occ.end - 7), gpe), stances=())  # moved; no stance
    golds[3] = replace(
        golds[3], spans=(*golds[3].spans, Span(0, 5, "EVENT")), stances=(*golds[3].stances, Stance("dam", "neutral"))
    )  # both added
    articles[4] = renormalised(articles[4])
    shifted = tuple(Span(s.start - 2, s.end - 2, s.label) for s in golds[4].spans)
    golds[4] = replace(golds[4], text_sha=articles[4].text_sha, spans=shifted)
    judgements[12:15] = [replace(j, text_sha=articles[4].text_sha, spans=shifted) for j in judgements[12:15]]
    splits = material.splits | {"d05-0": "train"}  # resplit
    articles[7] = replace(articles[7], title=HOSTILE)  # retitled
    judgements[0] = replace(judgements[0], remark="لست واثقا", stances=(Stance("metro", "against"),))  # changed
    judgements[1] = replace(judgements[1], annotator="a-9")  # one removed, one added
    new, page = replace(articles[6], id="d09-0", document_id="d09", title="خبر جديد"), material.documents[6]
    gold = replace(golds[6], article_id="d09-0")
    said = [replace(j, article_id="d09-0") for j in judgements if j.article_id == "d06-0"]
    return replace(
        material,
        articles=[a for a in articles if a.id != "d06-0"] + [new],  # removed, added
        documents=(*material.documents, replace(page, id="d09")),
        groups=(*material.groups, Group("d09-0", "g-d09-0", 1.0, "single")),
        splits={a: s for a, s in splits.items() if a != "d06-0"} | {"d09-0": "test"},
        judgements=[j for j in judgements if j.article_id != "d06-0"] + said,
        golds=[g for g in golds if g.article_id != "d06-0"] + [gold],
        labels=renamed(material.labels),
    )


def renamed(labels):
    """Labels with a new one in front, so that the number of each other is another."""
    event = labels.entities[0].model_copy(update={"name": "AAA"})
    return labels.model_copy(update={"entities": (event, *labels.entities)})


def side(material, version="1.0.0", card="# card 1.0.0\n"):
    about = ReleaseId(version, "khabar/demo-news", "0" * 64, "full")
    return side_of(about, non_empty(build_tables(material).tables), card)


@pytest.fixture
def sides(material, later):
    return side(material), side(later, "2.0.0", "# card 2.0.0\nOne line more.\n")


def test_one_of_each_kind_of_change_gives_the_exact_report(sides):
    found = json.loads(diff_lines.as_json(compare(*sides)))

    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_the_report_is_the_same_whichever_order_the_material_had(material, later, sides):
    backwards = replace(
        later, articles=later.articles[::-1], golds=later.golds[::-1], judgements=later.judgements[::-1]
    )

    assert compare(side(material), side(backwards, "2.0.0", sides[1].card)) == compare(*sides)


def test_the_other_way_round_all_is_mirrored(sides):
    assert mirrored(compare(*sides)) == without_titles(compare(*sides[::-1]))


def test_a_release_does_not_differ_from_itself(sides):
    assert_empty(compare(sides[1], sides[1]))


def test_a_card_alone_can_change(material):
    diff = compare(side(material), side(material, "1.0.1", "# card 1.0.1\nOne line more.\n"))

    assert diff.same_tables
    assert (diff.card.added, diff.card.removed) == (1, 0)


def test_a_column_that_came_went_or_has_another_type_is_named(sides):
    old, new = copied(sides[0]), copied(sides[0])
    old["articles"]["train"] = old["articles"]["train"].drop_columns(["author"])
    new["articles"]["train"] = new["articles"]["train"].drop_columns(["url"])
    place = new["articles"]["train"].schema.get_field_index("part")
    numbers = new["articles"]["train"]["part"].cast(pa.int64())
    new["articles"]["train"] = new["articles"]["train"].set_column(place, "part", numbers)
    for tables in (old, new):
        tables["articles"] = {"train": tables["articles"]["train"].replace_schema_metadata(None)}

    diff = compare(side_of(sides[0].about, old, ""), side_of(sides[0].about, new, ""))

    assert [(one.config, one.column, one.old, one.new) for one in diff.features] == [
        ("articles", "author", "", "string"),
        ("articles", "part", "int32", "int64"),
        ("articles", "url", "string", ""),
    ]
    assert diff.columns == ()


def copied(one):
    """The tables of a side."""
    tables = {}
    for config, splits in one.rows.items():
        whole = pa.table({name: one.read(config, name) for name in one.schemas[config].names}, one.schemas[config])
        start = 0
        tables[config] = {}
        for split, count in splits.items():
            tables[config][split] = whole.slice(start, count)
            start += count
    return tables


def assert_empty(diff):
    assert diff.same_tables
    assert (diff.card.added, diff.card.removed) == (0, 0)
    for name in ("articles_added", "articles_removed", "resplit", "texts", "fields", "spans", "stances", "judgements"):
        assert getattr(diff, name) == ()
    assert all(one.before == one.after == one.unchanged for one in diff.rows)
    assert all(one.before == one.after == one.kept for one in diff.labels)


def without_titles(diff):
    return replace(diff, titles={})


SWAPPED = {"added": "removed", "removed": "added"}


def mirrored(diff):
    """The same changes, seen from the other release."""

    def turned(one, *extra):
        kind = {"kind": SWAPPED.get(one.kind, one.kind)} if hasattr(one, "kind") else {}
        return replace(one, old=one.new, new=one.old, **kind)

    def order(one):
        return (one.article_id, getattr(one, "annotator", ""), getattr(one, "target", ""), getattr(one, "batch", ""),
                one.kind, getattr(one, "columns", ()))  # fmt: skip

    texts = tuple(
        replace(t, old_sha=t.new_sha, new_sha=t.old_sha, old_length=t.new_length, new_length=t.old_length,
                old_words=t.new_words, new_words=t.old_words)
        for t in diff.texts
    )  # fmt: skip
    rows = tuple(
        replace(
            t,
            before=t.after,
            after=t.before,
            moved_in=t.moved_out,
            moved_out=t.moved_in,
            added=t.removed,
            removed=t.added,
        )
        for t in diff.rows
    )
    labels = tuple(
        replace(t, before=t.after, after=t.before, relabelled_from=t.relabelled_to, relabelled_to=t.relabelled_from,
                removed=t.added, added=t.removed, went=t.came, came=t.went)
        for t in diff.labels
    )  # fmt: skip
    judgements = (replace(one, kind=SWAPPED.get(one.kind, one.kind)) for one in diff.judgements)
    return replace(
        diff, old=diff.new, new=diff.old, rows=rows, labels=labels, features=tuple(map(turned, diff.features)),
        card=replace(diff.card, added=diff.card.removed, removed=diff.card.added),
        articles_added=diff.articles_removed, articles_removed=diff.articles_added,
        resplit=tuple(map(turned, diff.resplit)), texts=texts, fields=tuple(map(turned, diff.fields)),
        spans=tuple(map(turned, diff.spans)), stances=tuple(sorted(map(turned, diff.stances), key=order)),
        judgements=tuple(sorted(judgements, key=order)), titles={},
    )  # fmt: skip


WORDS = ("خبر", "من", "مرجانة", "😀")
SPAN = st.tuples(st.integers(0, 3), st.integers(1, 3), st.sampled_from(["ORG", "GPE"]))
ARTICLE = st.fixed_dictionaries({
    "split": st.sampled_from(["train", "validation", "test"]),
    "title": st.sampled_from([None, "أ", "ب"]),
    "text": st.lists(st.sampled_from(WORDS), min_size=2, max_size=3).map(" ".join),
    "spans": st.lists(SPAN, max_size=3),
    "stance": st.none() | st.sampled_from(["favor", "against"]),
    "annotators": st.lists(st.sampled_from(["a-1", "a-2"]), max_size=3),
})  # fmt: skip
CORPUS = st.dictionaries(st.sampled_from(["d1-0", "d2-0", "d3-0", "d4-0"]), ARTICLE, min_size=1)


def made(schema, corpus, version="1.0.0"):
    """A side of a drawn corpus: rows as `build_tables` has them, but for what they are checked for."""
    rows = {config: {} for config in features(schema.labels)}

    def put(config, split, **row):
        rows[config].setdefault(split, []).append(row)

    names = schema.labels.entity_names
    for article, one in sorted(corpus.items()):
        spans = [
            {"start": start, "end": start + size, "label": names.index(label), "text": one["text"][start : start + size],
             "raw_start": start, "raw_end": start + size}
            for start, size, label in sorted(one["spans"])
        ]  # fmt: skip
        common = {"title": one["title"], "text": one["text"]}
        put("articles", one["split"], id=article, text_sha=sha16(one["text"]), **common)
        put("entities", one["split"], id=article, spans=spans, **common)
        if one["stance"]:
            number = schema.labels.published_values.index(one["stance"])
            put("stance", one["split"], id=f"{article}:dam", article_id=article, target="dam", stance=number, **common)
        for annotator in one["annotators"]:
            put("annotations", one["split"], article_id=article, annotator=annotator, batch="b1", spans=spans[:1])
    tables = {
        config: {
            split: pa.Table.from_pylist(found[split], schema=arrow_schema(features(schema.labels)[config]))
            for split in ("train", "validation", "test")
            if split in found
        }
        for config, found in rows.items()
        if found
    }
    return side_of(ReleaseId(version, "a/b", "", "full"), tables, "")


@given(CORPUS, CORPUS)
def test_every_row_and_every_span_of_both_releases_is_accounted_for_once(schema, one, two):
    old, new = made(schema, one), made(schema, two, "2.0.0")
    diff = compare(old, new)

    assert all(tally.balanced for tally in (*diff.rows, *diff.labels))
    assert Counter((t.config, t.split, t.before) for t in diff.rows if t.before) == Counter(
        (config, split, count) for config, splits in old.rows.items() for split, count in splits.items()
    )
    for corpus, name in ((one, "before"), (two, "after")):
        spans = Counter(label for article in corpus.values() for _, _, label in article["spans"])
        stances = Counter(f"dam {article['stance']}" for article in corpus.values() if article["stance"])
        told = {t.label: getattr(t, name) for t in diff.labels if getattr(t, name)}
        assert told == spans + stances
    assert {p.article_id for p in diff.articles_added} == two.keys() - one.keys()
    assert {p.article_id for p in diff.articles_removed} == one.keys() - two.keys()
    both = one.keys() & two.keys()
    assert {r.article_id for r in diff.resplit} == {a for a in both if one[a]["split"] != two[a]["split"]}
    assert {t.article_id for t in diff.texts} == {a for a in both if one[a]["text"] != two[a]["text"]}
    assert {s.article_id for s in diff.spans} == {a for a in both if sorted(one[a]["spans"]) != sorted(two[a]["spans"])}
    assert diff.same_tables == (one == two or rows_of(old) == rows_of(new))


def rows_of(one):
    return {
        config: {split: table.to_pylist() for split, table in splits.items()} for config, splits in copied(one).items()
    }


@pytest.mark.slow
@given(CORPUS, CORPUS)
def test_any_two_releases_differ_the_same_way_from_both_sides(schema, one, two):
    old, new = made(schema, one), made(schema, two, "2.0.0")

    assert mirrored(compare(old, new)) == without_titles(compare(new, old))
    assert_empty(compare(new, new))


PLACED = st.lists(st.builds(lambda start, size, label: AlignedMention(start, start + size, Mention(start, start + size, label)),
                            st.integers(0, 6), st.integers(1, 4), st.sampled_from("AB")), max_size=6)  # fmt: skip


@given(PLACED, PLACED)
def test_spans_are_paired_one_to_one_by_place_label_or_overlap(old, new):
    pairs = pair_spans(old, new)

    assert Counter(p.old for p in pairs if p.old) == Counter(one.mention for one in old)
    assert Counter(p.new for p in pairs if p.new) == Counter(one.mention for one in new)
    for pair in pairs:
        if pair.kind == "kept":
            assert pair.old == pair.new
        elif pair.kind == "relabelled":
            assert (pair.old.start, pair.old.end) == (pair.new.start, pair.new.end)
            assert pair.old.label != pair.new.label
        elif pair.kind == "moved":
            assert pair.old.label == pair.new.label
            assert max(pair.old.start, pair.new.start) < min(pair.old.end, pair.new.end)
    gone = [p.old for p in pairs if p.kind == "removed"]
    come = [p.new for p in pairs if p.kind == "added"]
    assert not any(a.label == b.label and max(a.start, b.start) < min(a.end, b.end) for a in gone for b in come)
    assert not {(a.start, a.end) for a in gone} & {(b.start, b.end) for b in come}


VALUES = st.none() | st.lists(st.none() | st.floats() | st.just(0.5), max_size=3)


@given(st.lists(st.tuples(VALUES, VALUES), max_size=8))
def test_arrow_finds_the_rows_that_python_finds(pairs):
    old, new = (pa.array([pair[place] for pair in pairs], pa.list_(pa.float64())) for place in (0, 1))

    assert unequal(old, new).tolist() == [repr(a) != repr(b) and not _zeros(a, b) for a, b in pairs]


def _zeros(one, other):
    """Whether two lists differ in the sign of a zero alone, which compares as equal."""
    return one is not None and other is not None and repr(_unsigned(one)) == repr(_unsigned(other))


def _unsigned(values):
    return [0.0 if value == 0 else value for value in values]


def test_rows_that_share_a_key_are_told_apart_by_their_order():
    old, new = (unique_keys([pa.chunked_array([keys])]) for keys in (["a", "b", "b"], ["b", "a", "b", "b"]))
    joined = join(old, new)

    assert list(zip(joined.old.tolist(), joined.new.tolist(), strict=True)) == [(0, 1), (1, 0), (2, 2)]
    assert (joined.removed.tolist(), joined.added.tolist()) == ([], [3])


def test_label_numbers_are_compared_by_their_names():
    names = [{"_type": "ClassLabel", "names": n.split()} for n in ("A B C", "C A")]
    tags = pa.array([[0, 1], None, [2, -1, None]], pa.list_(pa.int64()))

    assert convert_labels(tags, [names[0]], [names[1]]).to_pylist() == [[1, 2], None, [0, -1, None]]


def test_the_page_shows_hostile_texts_and_runs_none(sides):
    html = diff_page.page(compare(*sides))

    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img" not in html
    assert "<script" not in html
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert '<span class="step major">' in html
    assert '<bdi class="was">رئيس بلدية مرجانة</bdi> <code>OCC</code> <code>13:30</code>' in html


def test_the_page_and_the_lines_are_bounded_and_say_what_they_leave_out(sides):
    diff = compare(*sides)
    long = replace(diff.fields[0], new="ب" * 5000)
    many = replace(diff, fields=(long,) * 1000, titles={})
    told = list(diff_lines.lines(many))

    html = diff_page.page(many)
    assert html.count("…</bdi>") == diff_page.SHOWN
    assert 'و<span class="n">800</span> غيرها لا تظهر هنا.' in html
    assert sum("d07-0 title" in line for line in told) == diff_lines.LISTED
    assert "    and 990 more: -v shows all" in told
    assert sum("d07-0 title" in line for line in diff_lines.lines(many, every=True)) == 1000


def test_the_terminal_gets_no_character_that_it_would_obey(sides):
    told = "\n".join(diff_lines.lines(compare(*sides), every=True))

    assert "<img src=x onerror=alert(1)>⟨RLO⟩&" in told
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in told


@pytest.mark.parametrize("shuffled", [False, True])
def test_many_rows_in_another_order_are_compared_by_their_keys(shuffled):
    ids = [f"d{number:05}" for number in range(20_000)]
    values = [[number, None] for number in range(20_000)]
    order = np.random.default_rng(13).permutation(20_000) if shuffled else np.arange(20_000)
    there = [values[place] for place in order]
    there[7] = [-1, None]
    joined = join(pa.array(ids), pa.array([ids[place] for place in order]))
    kind = pa.list_(pa.int64())
    old = pa.chunked_array([values[:9000], values[9000:]], kind)

    mask = differing(old, pa.chunked_array([there], kind), joined, ("list", "list"))[""]
    assert np.flatnonzero(mask).tolist() == [order[7]]
