"""Groups against brute force, planted copies and additions, in any order and sharding."""

import random
import re
from itertools import combinations, pairwise

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.dedup.minhash import KEYS, NEEDED, sign
from builder.corpus.dedup.pipeline import find_groups, group
from builder.io.hashing import sha16
from builder.records import Article, Group
from builder.text.profiles import profile
from builder.text.similarity import FEW_WORDS, LEAST_CONTAINED

FOLD = profile("standard@1").fold
SYLLABLES = ("با", "كت", "رين", "صود", "مال", "عف", "حين", "دور", "لقا", "شين")


def article(name, text, title=None):
    return Article(name, name, 0, title, text, (), (), "standard@1+0", sha16(text))


def words(chance, count):
    return ["".join(chance.choices(SYLLABLES, k=4)) for _ in range(count)]


def edited(chance, text, share):
    return [w if chance.random() > share else "".join(chance.choices(SYLLABLES, k=4)) for w in text]


def runs(words, size):
    return {tuple(words[i : i + size]) for i in range(max(1, len(words) - size + 1))} if words else set()


def compared(left, right):
    """The kind and similarity of two texts by sets of tuples; None where they are not alike."""
    if left.strip() and left == right:
        return "exact", 1.0
    one, other = re.findall(r"\w+", left), re.findall(r"\w+", right)
    size = 3 if min(len(one), len(other)) < FEW_WORDS else 5
    a, b = runs(one, size), runs(other, size)
    if not a or not b:
        return None
    jaccard, inside = len(a & b) / len(a | b), len(a & b) / min(len(a), len(b))
    held = inside >= 0.8 and min(len(one), len(other)) >= LEAST_CONTAINED
    if jaccard >= 0.8:
        return "near", jaccard
    if held and min(len(a), len(b)) <= 0.8 * max(len(a), len(b)):
        return "contained", inside
    if jaccard >= 0.6:
        return "related", jaccard
    return ("contained", inside) if held else None


def oracle(articles):
    """The group of each article: what hangs together through all pairs that are alike."""
    texts = {a.id: FOLD(a.text) for a in articles}
    root = {name: name for name in texts}
    for a, b in combinations(sorted(texts), 2):
        if root[a] != root[b] and compared(texts[a], texts[b]):
            low, high = sorted((root[a], root[b]))
            root = {name: low if r == high else r for name, r in root.items()}
    return root


@pytest.fixture(scope="module")
def planted():
    """60 texts of 20 to 300 words, most with copies that differ a little or much, parts of them, and longer ones."""
    chance = random.Random(5)  # noqa: S311 - seeded test data
    articles = []
    for number in range(60):
        text = words(chance, chance.randint(20, 300))
        copies = [
            edited(chance, text, chance.choice((0, 0.005, 0.01, 0.03, 0.06))) for _ in range(chance.randint(0, 3))
        ]
        if number % 4 == 0:
            copies += [words(chance, 150) + text + words(chance, 100), text[len(text) // 2 :]]
        articles += [article(f"{number:02}-{i}", " ".join(t)) for i, t in enumerate([text, *copies])]
    return articles


def of(rows):
    return {row.article_id: row.group_id for row in rows}


@pytest.mark.slow
def test_groups_equal_brute_force(planted):
    found = group(planted)

    assert of(found) == oracle(planted)
    assert [row.article_id for row in found] == sorted(a.id for a in planted)
    assert {row.kind for row in found} == {"single", "exact", "near", "contained", "related"}


def test_row_compares_article_with_root_or_nearest_member(planted):
    texts = {a.id: FOLD(a.text) for a in planted}
    order = ("exact", "near", "contained", "related")
    rows = group(planted)
    members = {root: [row.article_id for row in rows if row.group_id == root] for root in {r.group_id for r in rows}}
    for row in rows:
        others = [name for name in members[row.group_id] if name != row.article_id]
        alike = {name: compared(texts[row.article_id], texts[name]) for name in others}
        kinds = [found[0] for found in alike.values() if found]
        if not others:
            assert (row.kind, row.similarity) == ("single", 1.0)
        elif row.article_id == row.group_id:
            assert (row.kind, row.similarity) == (min(kinds, key=order.index), 1.0)
        elif alike[row.group_id]:
            assert (row.kind, row.similarity) == (alike[row.group_id][0], pytest.approx(alike[row.group_id][1]))
        else:
            assert any(
                found and (row.kind, row.similarity) == (found[0], pytest.approx(found[1])) for found in alike.values()
            )


def test_every_copy_above_nine_tenths_is_found():
    chance = random.Random(9)  # noqa: S311 - seeded test data
    texts = [words(chance, chance.randint(15, 400)) for _ in range(300)]
    copies = [[*text[: len(text) // 2], *words(chance, 1), *text[len(text) // 2 :]] for text in texts]
    articles = [article(f"a{n:03}", " ".join(text)) for n, text in enumerate(texts)]
    articles += [article(f"b{n:03}", " ".join(text)) for n, text in enumerate(copies)]
    alike = [n for n in range(300) if compared(" ".join(texts[n]), " ".join(copies[n]))[1] >= 0.9]
    found = of(group(articles))

    assert len(alike) > 150
    assert [n for n in alike if found[f"b{n:03}"] != f"a{n:03}"] == []


@pytest.mark.slow
@given(st.randoms(use_true_random=False), st.integers(1, 9))
@settings(max_examples=10, deadline=None)
def test_order_and_shards_do_not_matter(planted, tmp_path_factory, chance, shards):
    shuffled = list(planted)
    chance.shuffle(shuffled)
    folder = tmp_path_factory.mktemp("shards")

    assert sharded(folder, [shuffled[n::shards] for n in range(shards)]) == group(planted)


def sharded(folder, shards, earlier=None, dates=None, pmap=map):
    """The rows of `find` over these shards of articles."""
    keys = []
    for number, shard in enumerate(shards):
        columns = {"id": [a.id for a in shard], "text": [a.text for a in shard], "title": [a.title for a in shard]}
        columns["published_at"] = [(dates or {}).get(a.id) for a in shard]
        keys.append(f"{folder}/keys-{number}.parquet")
        table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        pq.write_table(sign(table), keys[-1])
    found = find_groups(keys, earlier or {}, pmap, str(folder))
    rows = pa.concat_tables([pq.read_table(path) for path in found.paths]).to_pylist() if found.paths else []
    assert found.taken == len(rows) + sum(one.reason == "same-id" for one in found.set_aside)
    return sorted((Group(**row) for row in rows), key=lambda row: row.article_id)


def test_worker_order_does_not_matter(planted, tmp_path):
    def backwards(function, items):
        return iter([function(item) for item in [*items][::-1]])

    assert sharded(tmp_path, [planted[:70], planted[70:]], pmap=backwards) == group(planted)


@pytest.mark.slow
@pytest.mark.parametrize(("pairs", "pieces"), [(1, 64), (5, 64), (5, 3), (40, 64)])
def test_pairs_compared_in_separate_tasks_give_the_same(planted, tmp_path, monkeypatch, pairs, pieces):
    whole = group(planted)
    monkeypatch.setattr("builder.corpus.dedup.pipeline.PAIRS", pairs)
    monkeypatch.setattr("builder.corpus.dedup.pipeline.PIECES", pieces)
    tasks = []

    def noted(function, items):
        items = [*items]
        tasks.append((function.func.__name__, len(items)))
        return map(function, items)

    assert sharded(tmp_path, [planted[:70], planted[70:]], pmap=noted) == whole
    assert 1 < dict(tasks)["_compared"] <= pieces


def test_files_may_be_in_an_object_store(planted):
    import fsspec

    store, folder = fsspec.filesystem("memory"), "memory://groups"
    table = pa.table({"id": [a.id for a in planted], "text": [a.text for a in planted]})
    with store.open("/groups/keys.parquet", "wb") as file:
        pq.write_table(sign(table), file)
    found = find_groups([f"{folder}/keys.parquet"], {}, map, folder)
    rows = [row for path in found.paths for row in pq.read_table(fsspec.open(path, "rb").open()).to_pylist()]

    assert {row["article_id"]: row["group_id"] for row in rows} == of(group(planted))
    assert not store.exists("/groups/scratch")


def test_root_is_earliest_then_smallest_id():
    text = " ".join(words(random.Random(1), 40))  # noqa: S311 - seeded test data
    articles = [article(name, text) for name in ("a", "b", "c", "d")]
    dates = {"b": "2026-03-02", "c": "2026-03-01T23:30:00-05:00", "d": "2026-03-02T00:00:00Z", "a": "yesterday"}

    assert set(of(group(articles, dates)).values()) == {"b"}
    assert set(of(group(articles)).values()) == {"a"}


def test_additions_rename_no_group_and_move_no_article(planted):
    chance = random.Random(3)  # noqa: S311 - seeded test data
    mixed = list(planted)
    chance.shuffle(mixed)
    dates = {a.id: f"2026-01-{chance.randint(1, 28):02}" for a in mixed}
    kept, known, cuts = {}, [], [0, 40, 80, 120, len(mixed)]
    for low, high in pairwise(cuts):
        known = known + mixed[low:high]
        now = of(group(known, dates, kept))
        assert {name: now[name] for name in kept} == kept
        assert set(now) == {a.id for a in known}
        fresh = set(now.values()) - set(kept.values())
        assert fresh <= {a.id for a in mixed[low:high]}
        kept = now

    assert len(set(kept.values())) < len(kept) - 20


def test_older_article_joins_existing_group():
    text = " ".join(words(random.Random(1), 40))  # noqa: S311 - seeded test data
    rows = group([article("b", text), article("a", text)], {"a": "2020-01-01", "b": "2026-01-01"}, {"b": "b"})

    assert rows == [Group("a", "b", 1.0, "exact"), Group("b", "b", 1.0, "exact")]


def test_bridge_joins_earlier_group_and_old_groups_stay_apart(tmp_path):
    chance = random.Random(4)  # noqa: S311 - seeded test data
    one, two = words(chance, 80), words(chance, 80)
    articles = [article("a", " ".join(one)), article("b", " ".join(two)), article("c", " ".join(one + two))]
    earlier, dates = {"a": "a", "b": "b"}, {"a": "2026-01-02", "b": "2026-01-01", "c": "2025-01-01"}
    rows = group(articles, dates, earlier)
    sharded(tmp_path, [articles], earlier, dates)
    found = find_groups([f"{tmp_path}/keys-0.parquet"], earlier, map, str(tmp_path))

    assert of(rows) == {"a": "a", "b": "b", "c": "b"}
    assert [(row.kind, row.similarity) for row in rows] == [("single", 1.0), ("contained", 1.0), ("contained", 1.0)]
    assert [(one.what, one.reason) for one in found.set_aside] == [("c", "bridge")]
    assert found.set_aside[0].detail == "joins group b, and is alike to a too: old groups stay apart"


def test_group_without_its_root_keeps_its_name():
    text = " ".join(words(random.Random(1), 40))  # noqa: S311 - seeded test data

    assert of(group([article("b", text), article("c", text)], None, {"b": "gone"})) == {"b": "gone", "c": "gone"}


def test_duplicate_article_id_is_dropped(tmp_path, planted):
    shards = [planted[:50], planted[40:]]
    assert of(sharded(tmp_path, shards)) == of(group(planted))

    found = find_groups([f"{tmp_path}/keys-0.parquet", f"{tmp_path}/keys-1.parquet"], {}, map, str(tmp_path))
    assert sorted(one.what for one in found.set_aside) == sorted(a.id for a in planted[40:50])
    assert found.taken == len(planted) + 10


def test_same_title_and_lead_are_related_unless_a_series():
    chance = random.Random(6)  # noqa: S311 - seeded test data
    lead = words(chance, 12)
    texts = [" ".join(lead + words(chance, 100)) for _ in range(21)]
    title = "المجلس البلدي يعلن قراره"
    two = group([article("a", texts[0], title), article("b", texts[1], title)])

    assert [(row.group_id, row.kind) for row in two] == [("a", "related")] * 2
    assert two[1].similarity < 0.2
    assert {row.kind for row in group([article("a", texts[0], title), article("b", texts[1], title + " اليوم")])} == {
        "single"
    }
    assert {
        row.kind for row in group([article("a", texts[0], "قرار المجلس"), article("b", texts[1], "قرار المجلس")])
    } == {"single"}
    assert {row.kind for row in group([article(f"{n:02}", text, title) for n, text in enumerate(texts)])} == {"single"}


def test_containment_needs_twenty_words():
    chance = random.Random(7)  # noqa: S311 - seeded test data
    short = words(chance, LEAST_CONTAINED)
    around = " ".join(words(chance, 200) + short + words(chance, 200))
    found = group([article("a", around), article("b", " ".join(short))])

    assert found == [Group("a", "a", 1.0, "contained"), Group("b", "a", 1.0, "contained")]
    assert {row.kind for row in group([article("a", around), article("b", " ".join(short[1:]))])} == {"single"}


@pytest.mark.slow
def test_three_thousand_copies_make_one_group(tmp_path):
    chance = random.Random(8)  # noqa: S311 - seeded test data
    text = words(chance, 120)
    copies = [article(f"{n:04}", " ".join(edited(chance, text, 0.005))) for n in range(3000)]
    rows = sharded(tmp_path, [copies[::2], copies[1::2]])
    found = find_groups([f"{tmp_path}/keys-0.parquet", f"{tmp_path}/keys-1.parquet"], {}, map, str(tmp_path))

    assert {row.group_id for row in rows} == {"0000"}
    assert found.counts["candidates"] < 30 * len(copies)


def test_widely_shared_run_is_counted_and_makes_no_pair(monkeypatch, tmp_path):
    chance = random.Random(8)  # noqa: S311 - seeded test data
    tail = words(chance, 30)
    articles = [article(f"{n:02}", " ".join(words(chance, 60) + tail)) for n in range(40)]
    monkeypatch.setattr("builder.corpus.dedup.candidates.MAX_RUN_ARTICLES", 39)
    sharded(tmp_path, [articles])
    found = find_groups([f"{tmp_path}/keys-0.parquet"], {}, map, str(tmp_path))

    assert found.counts["runs too frequent"] > 0
    assert found.counts["single"] == 40


def test_spelling_and_marks_do_not_hide_a_copy():
    text = "أعلنت وزارة الصحة في مدينة السدر إطلاق حملة كبرى لتلقيح الأطفال على مدى شهر كامل " * 3
    noisy = text.replace("أ", "ا").replace("ة", "ه").replace("ى", "ي").replace("ملة", "مْلة").replace("دين", "ديـن")

    assert group([article("a", text), article("b", noisy)]) == [
        Group("a", "a", 1.0, "exact"),
        Group("b", "a", 1.0, "exact"),
    ]


def test_wire_copy_with_dateline_and_cut_end_is_near():
    chance = random.Random(1)  # noqa: S311 - seeded test data
    text = words(chance, 200)
    copy = ["السدر", "نسيم", *text[:185]]
    first, second = group([article("a", " ".join(text)), article("b", "، ".join(copy))])

    assert (first.kind, second.kind, second.group_id) == ("near", "near", "a")
    assert 0.8 <= second.similarity < 1


def test_copies_around_the_short_text_boundary_are_found():
    chance = random.Random(2)  # noqa: S311 - seeded test data
    text = words(chance, FEW_WORDS - 1)
    longer = [*text, *words(chance, 2)]

    assert set(of(group([article("a", " ".join(text)), article("b", " ".join(longer))])).values()) == {"a"}


@pytest.mark.parametrize("text", ["!", "كلمة", "كلمة أخرى", "خبر \N{BOOKS}"])
def test_tiny_texts_group_only_when_equal(text):
    rows = group([article("a", text), article("b", text), article("c", text + " وزيادة")])

    assert [(row.group_id, row.kind) for row in rows] == [("a", "exact"), ("a", "exact"), ("c", "single")]


@pytest.mark.parametrize("text", ["", " \n", "\N{ARABIC FATHA}\N{ARABIC TATWEEL}\N{ARABIC SHADDA}"])
def test_empty_texts_match_nothing(text):
    assert {row.kind for row in group([article("a", text), article("b", text)])} == {"single"}


def test_no_articles_give_no_groups(tmp_path):
    assert group([]) == []
    assert find_groups([], {}, map, str(tmp_path)).paths == ()
    assert sharded(tmp_path, [[]]) == []


@pytest.mark.slow
@given(
    st.lists(
        st.text(alphabet="ابتـ\N{ARABIC FATHA}. \n\N{BOOKS}\N{MATHEMATICAL BOLD SMALL A}_1", max_size=60), max_size=6
    )
)
@settings(max_examples=50, deadline=None)
def test_row_of_keys_depends_only_on_its_text(texts):
    table = pa.table({"id": [str(n) for n in range(len(texts))], "text": pa.array(texts, pa.string())})
    together = sign(table)
    alone = [sign(table.slice(n, 1)) for n in range(len(texts))]

    assert together.equals(pa.concat_tables(alone) if alone else KEYS.empty_table())
    assert together["words"].to_pylist() == [len(re.findall(r"\w+", FOLD(text))) for text in texts]
    assert set(NEEDED) >= set(table.column_names)
