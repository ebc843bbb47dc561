"""A batch has one article per group, spread over sources, months and lengths."""

import sys
import tracemalloc
from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.sampling import sample as module
from builder.corpus.sampling.hashing import combine_hashes, hash_strings
from builder.corpus.sampling.sample import CANDIDATES, LENGTHS, candidates, choose, restrict_to, sample
from builder.io.hashing import sha16
from builder.records import Article, BatchItem, Document, Group, StageCounts
from builder.schema.dataset import MIN_LENGTH

LONG = "خ" * MIN_LENGTH
DATES = (None, "", "2026-03", "2026-03-12T08:30:00+03:00", "2026-04-01", "2026-13-01", "١٢ مارس 2026", "2026-040")
SIZES = (MIN_LENGTH - 1, MIN_LENGTH, LENGTHS[0] - 1, *LENGTHS)


def row(name, *, group=None, source="x", date=None, size=MIN_LENGTH, reason=None):
    return (f"{name}-0", name, f"sha-{name}", group or f"{name}-0", source, date, size, reason)


def table(rows):
    return pa.table([pa.array(list(c), kind.type) for c, kind in zip(zip(*rows, strict=True), CANDIDATES, strict=True)]
                    if rows else [pa.array([], kind.type) for kind in CANDIDATES], CANDIDATES)  # fmt: skip


@st.composite
def pools(draw):
    names = draw(st.lists(st.text("abcdef", min_size=1, max_size=4), unique=True, max_size=25))
    own = [
        row(name, group=f"{draw(st.sampled_from(names))}-0", source=draw(st.sampled_from("xyz")),
            date=draw(st.sampled_from(DATES)), size=draw(st.sampled_from(SIZES)),
            reason=draw(st.sampled_from([None, None, "few Arabic letters", "repetition"])))
        for name in names
    ]  # fmt: skip
    taken = draw(st.sets(st.sampled_from(sorted({r[3] for r in own})), max_size=4)) if own else set()
    return own, draw(st.integers(1, 12)), draw(st.integers(0, 3)), taken


def one(text, seed):
    return int(hash_strings(pa.array([text]), seed)[0])


def key(words, seed):
    number = np.zeros(1, np.uint64)
    for word in words:
        number = combine_hashes(number, hash_strings(pa.array([word]), seed))
    return int(number[0])


def stratum(article):
    _, _, _, _, source, date, size, _ = article
    known = date and date[:7] != "2026-13" and date[:1] == "2" and date[7:8] in ("", "-")
    month = date[:7] if known else ""
    return source, month, "short" if size < LENGTHS[0] else "middle" if size < LENGTHS[1] else "long"


def naive(rows, size, seed, taken):
    """What became of each id, and the ids chosen, in order: article by article, with sorted lists."""
    fates, standing = {}, {}
    for article in sorted(rows, key=lambda r: (r[0] != r[3], r[0])):
        own, group, length, reason = article[0], article[3], article[6], article[7]
        if length < MIN_LENGTH:
            fates[own] = "too short"
        elif reason:
            fates[own] = f"filtered: {reason}"
        elif group in taken:
            fates[own] = "in an earlier batch"
        elif group in standing:
            fates[own] = "same group"
        else:
            standing[group] = article
    order = in_turn([standing[g] for g in sorted(standing, key=lambda g: one(g, seed))], 0, seed)
    fates |= {article[0]: "chosen" if n < size else "not chosen" for n, article in enumerate(order)}
    return [article[0] for article in order[:size]], fates


def in_turn(articles, depth, seed):
    """These articles, one of each source (month, band) in turn."""
    if depth == 3:
        return articles
    of = {}
    for article in articles:
        of.setdefault(stratum(article)[: depth + 1], []).append(article)
    own = {name: in_turn(members, depth + 1, seed) for name, members in of.items()}
    turns = [(turn, key(name, seed), article) for name, members in own.items() for turn, article in enumerate(members)]
    return [article for _, _, article in sorted(turns, key=lambda t: t[:2])]


@given(pools(), st.randoms(use_true_random=False), st.integers(1, 5))
def test_columns_equal_articles_one_by_one_in_any_order(pool, chance, chunks):
    rows, size, seed, taken = pool
    ids, fates = naive(rows, size, seed, taken)
    mixed_up = list(rows)
    chance.shuffle(mixed_up)
    pieces = pa.concat_tables([table(mixed_up[n::chunks]) for n in range(chunks)])
    for own in (table(rows), pieces):
        found = choose(own, "b", size, seed, taken)
        assert [item.article_id for item in found.items] == ids
        assert dict(zip(own["id"].to_pylist(), found.fates.to_pylist(), strict=True)) == fates
        assert found.account.balanced
        assert found.account.set_aside == {w: n for w, n in sorted(Counter(fates.values()).items()) if w != "chosen"}
    assert len({item.group_id for item in found.items}) == len(found.items) <= size
    assert not {item.group_id for item in found.items} & taken


@given(pools(), st.lists(st.sampled_from("uvw"), min_size=1, max_size=4))
def test_added_group_replaces_at_most_one_choice(pool, more):
    rows, size, seed, taken = pool
    new = [row(f"{letter}{n}", source="xyzn"[n], date=DATES[n], size=SIZES[n]) for n, letter in enumerate(more)]
    before = {item.article_id for item in choose(table(rows), "b", size, seed, taken).items}
    after = {item.article_id for item in choose(table([*rows, *new]), "b", size, seed, taken).items}
    assert len(before - after) <= len(new)
    assert after - before <= {r[0] for r in [*rows, *new]}


@given(st.integers(1, 40), st.integers(0, 99))
def test_sources_differ_by_at_most_one(size, seed):
    rows = [row(f"{source}{n}", source=source) for source, have in (("x", 30), ("y", 5), ("z", 9)) for n in range(have)]
    found = choose(table(rows), "b", size, seed, ()).items
    counts = Counter(item.source for item in found)

    assert len(found) == size
    still = [counts[s] for s, have in (("x", 30), ("y", 5), ("z", 9)) if counts[s] < have]
    assert max(still) - min(still) <= 1
    assert max(counts.values()) <= max(still) + 1


@given(st.integers(1, 70), st.integers(0, 99))
def test_months_and_lengths_differ_by_at_most_one(size, seed):
    rows = [
        row(f"{source}{month}{length}{n}", source=source, date=f"2026-0{month}-07", size=length)
        for source in "xy" for month in (1, 2, 3) for length in (300, 900, 2500) for n in range(9)
    ]  # fmt: skip
    strata = {r[0]: stratum(r) for r in rows}
    chosen = [strata[item.article_id] for item in choose(table(rows), "b", size, seed, ()).items]
    for depth in (1, 2, 3):
        counts = Counter(own[:depth] for own in chosen)
        for above in {own[: depth - 1] for own in strata.values()}:
            same = [counts[name] for name in {own[:depth] for own in strata.values()} if name[:-1] == above]
            assert max(same) - min(same) <= 1


def test_unknown_date_is_its_own_month():
    rows = [row(f"a{n:02}", date="2026-03-01") for n in range(50)]
    rows += [row(f"b{n}", date=date) for n, date in enumerate([None, "", "قبل يومين", "2026-13-01"])]
    chosen = [item.article_id[0] for item in choose(table(rows), "b", 8, 1, ()).items]

    assert Counter(chosen) == {"a": 4, "b": 4}


def test_group_root_or_next_passing_member_is_chosen():
    rows = [
        row("b", group="b-0"), row("a", group="b-0"),
        row("c", group="c-0", size=10), row("d", group="c-0", reason="repetition"), row("f", group="c-0"),
        row("e", group="c-0"),
    ]  # fmt: skip
    found = choose(table(rows), "b", 9, 0, ())

    assert sorted(item.article_id for item in found.items) == ["b-0", "e-0"]
    aside = {"filtered: repetition": 1, "same group": 2, "too short": 1}
    assert found.account == StageCounts("sample", "articles", 6, 2, aside)
    assert found.fates.to_pylist() == [
        "chosen", "same group", "too short", "filtered: repetition", "same group", "chosen",
    ]  # fmt: skip


def test_records_and_columns_give_the_same_batch():
    texts = {"a": LONG, "b": LONG + "خ", "c": "قصير"}
    articles = [Article(f"{n}-0", n, 0, None, t, (), (), "standard@1+0", sha16(t)) for n, t in texts.items()]
    documents = [Document(n, f"source-{n}", None, "2026-03-01", None, "", n) for n in texts]
    groups = [Group(a.id, a.id, 1.0, "single") for a in articles]
    items, account = sample(articles, groups, documents, "b", 9, 0, {"b-0"})

    assert items == [BatchItem("b", "a-0", sha16(LONG), "a-0", "source-a")]
    assert account.set_aside == {"in an earlier batch": 1, "too short": 1}
    own = candidates(articles, groups, documents, {"a-0": "few Arabic letters"})
    found = choose(own, "b", 9, 0, ())
    assert [item.article_id for item in found.items] == ["b-0"]
    assert found.account.set_aside == {"filtered: few Arabic letters": 1, "too short": 1}


def test_restriction_keeps_some_and_counts_balance():
    found = choose(table([row(name) for name in "abcdef"]), "b", 4, 1, {"f-0"})
    wanted = [item.article_id for item in found.items][2:0:-1]
    items, account = restrict_to(found, wanted)

    assert [item.article_id for item in items] == wanted
    assert account == StageCounts("sample", "articles", 6, 2, {"in an earlier batch": 1, "not chosen": 3})


def test_seed_decides_and_new_articles_do_not_reshuffle():
    rows = [row(f"a{n:02}") for n in range(40)]
    order = [item.article_id for item in choose(table(rows), "b", 40, 1, ()).items]
    other = [item.article_id for item in choose(table(rows), "b", 40, 2, ()).items]
    grown = [item.article_id for item in choose(table([*rows, row("new")]), "b", 41, 1, ()).items]

    assert order != other
    assert sorted(order) == sorted(other)
    assert [name for name in grown if name != "new-0"] == order


@given(st.lists(st.one_of(st.none(), st.text(max_size=6)), max_size=30), st.integers(0, 2**64), st.integers(1, 4))
def test_hash_depends_only_on_string_and_seed(texts, seed, block):
    whole = hash_strings(pa.array(texts, pa.string()), seed)
    pieces = pa.chunked_array([pa.array(["قبل", *texts[:3]]).slice(1), pa.array(texts[3:], pa.large_string())[:0].cast(
        pa.string()), pa.array(texts[3:], pa.string())])  # fmt: skip
    assert whole.tolist() == hash_strings(pieces, seed).tolist() == [one(text or "", seed) for text in texts]
    assert len(set(whole.tolist())) == len({text or "" for text in texts})


@pytest.mark.slow
def test_million_candidates_create_no_python_objects():
    count = 1_000_000
    numbers = pa.array(np.arange(count)).cast(pa.string())
    ids = pc.binary_join_element_wise(numbers, "0", "-")
    dates = pc.binary_join_element_wise("2026-0", pa.array(np.arange(count) % 9 + 1).cast(pa.string()), "-05", "")
    own = pa.table([
        ids, numbers, numbers, ids.take(pa.array(np.arange(count) // 3 * 3)), pa.array(np.arange(count) % 50).cast(
            pa.string()), dates, pa.array(np.arange(count) % 3000), pa.nulls(count, pa.string()),
    ], CANDIDATES)  # fmt: skip
    tracemalloc.start()
    found = choose(own, "b", 500, 13, {"0-0"})
    counted = sys.getallocatedblocks()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(found.items) == 500
    assert found.account.balanced
    assert peak < 120 * count, "bytes of Python and numpy at the peak: a few columns of numbers"
    again = choose(own, "b", 500, 13, {"0-0"})
    assert sys.getallocatedblocks() - counted < 50_000, "objects that stay: the batch, not the candidates"
    assert again.items == found.items


def test_equal_hashes_are_ordered_by_name(monkeypatch):
    monkeypatch.setattr(module, "hash_strings", lambda strings, _: np.zeros(len(strings), np.uint64))
    rows = [row(name) for name in "cadb"]
    assert [item.article_id for item in choose(table(rows), "b", 3, 1, ()).items] == ["a-0", "b-0", "c-0"]


def test_a_lower_floor_lets_short_articles_in():
    rows = [row("a", size=19), row("b", size=20)]
    found = choose(table(rows), "b", 9, 0, (), min_length=20)

    assert [item.article_id for item in found.items] == ["b-0"]
    assert found.account.set_aside == {"too short": 1}


@given(pools())
def test_without_one_of_each_group_every_article_is_a_group_of_its_own(pool):
    rows, size, seed, _ = pool
    taken = {rows[0][0]} if rows else set()
    alone = choose(table(rows), "b", size, seed, taken, one_of_each_group=False)
    single = choose(table([(r[0], r[1], r[2], r[0], *r[4:]) for r in rows]), "b", size, seed, taken)
    group_of = {r[0]: r[3] for r in rows}

    assert [item.article_id for item in alone.items] == [item.article_id for item in single.items]
    assert [item.group_id for item in alone.items] == [group_of[item.article_id] for item in alone.items]
    assert alone.account == single.account
