"""A batch: one of each group, spread over the sources, the same in any order."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.sample import MIN_CHARACTERS, sample
from builder.records import Account, Article, BatchItem, Group, sha16

LONG = "خ" * MIN_CHARACTERS


def article(name, text=LONG):
    return Article(f"{name}-0", name, 0, None, text, (), (), "standard@1+0", sha16(text))


def alone(articles):
    return [Group(a.id, a.id, 1.0, "single") for a in articles]


@st.composite
def pools(draw):
    names = draw(st.lists(st.text("abcdef", min_size=1, max_size=4), unique=True, max_size=20))
    articles = [article(name, draw(st.sampled_from([LONG, "قصير"]))) for name in names]
    roots = [draw(st.sampled_from(sorted(a.id for a in articles))) for _ in articles]
    groups = [Group(a.id, min(a.id, r), 1.0, "near") for a, r in zip(articles, roots, strict=True)]
    sources = {name: draw(st.sampled_from("xyz")) for name in names}
    taken = draw(st.sets(st.sampled_from(sorted({g.group_id for g in groups})))) if groups else set()
    return articles, groups, sources, draw(st.integers(1, 12)), draw(st.integers(0, 3)), taken


@given(pools(), st.randoms(use_true_random=False))
def test_the_account_balances_and_order_does_not_matter(pool, chance):
    articles, groups, sources, size, seed, taken = pool
    items, account = sample(articles, groups, sources, "b", size, seed, taken)
    shuffled, rows = list(articles), list(groups)
    chance.shuffle(shuffled)
    chance.shuffle(rows)

    assert account.balanced
    assert (account.taken, account.kept) == (len(articles), len(items))
    assert sample(shuffled, rows, sources, "b", size, seed, taken) == (items, account)
    assert len({item.group_id for item in items}) == len(items) <= size
    assert not {item.group_id for item in items} & set(taken)


@given(st.integers(1, 40), st.integers(0, 99))
def test_sources_differ_by_one_at_most_while_each_has_any(size, seed):
    articles = [article(f"{source}{n}") for source, count in (("x", 30), ("y", 5), ("z", 9)) for n in range(count)]
    sources = {a.document_id: a.document_id[0] for a in articles}
    items, _ = sample(articles, alone(articles), sources, "b", size, seed, ())
    counts = Counter(item.source for item in items)

    assert len(items) == size
    open_sources = [counts[s] for s, have in (("x", 30), ("y", 5), ("z", 9)) if counts[s] < have]
    assert max(open_sources) - min(open_sources) <= 1
    assert max(counts.values()) <= max(open_sources) + 1


def test_the_root_stands_for_its_group_or_the_next_that_is_long_enough():
    articles = [article("a"), article("b"), article("c", "قصير"), article("d"), article("e")]
    of = {"a": "a", "b": "a", "c": "c", "d": "c", "e": "c"}
    groups = [Group(f"{name}-0", f"{root}-0", 1.0, "near") for name, root in of.items()]
    items, account = sample(articles, groups, dict.fromkeys("abcde", "x"), "b", 9, 0, ())

    assert sorted(items, key=lambda item: item.article_id) == [
        BatchItem("b", "a-0", sha16(LONG), "a-0", "x"),
        BatchItem("b", "d-0", sha16(LONG), "c-0", "x"),
    ]
    assert account == Account("sample", "articles", 5, 2, {"same group": 2, "too short": 1})


def test_each_reason_is_counted():
    articles = [article(name) for name in "abcd"]
    items, account = sample(articles, alone(articles), dict.fromkeys("abcd", "x"), "b", 1, 0, {"a-0"})

    assert len(items) == 1
    assert account.set_aside == {"in an earlier batch": 1, "not chosen": 2}


def test_the_seed_decides_and_new_articles_do_not_reshuffle_the_rest():
    articles = [article(f"a{n:02}") for n in range(40)]
    sources = {a.document_id: "x" for a in articles} | {"new": "x"}
    order = [item.article_id for item in sample(articles, alone(articles), sources, "b", 40, 1, ())[0]]
    other = [item.article_id for item in sample(articles, alone(articles), sources, "b", 40, 2, ())[0]]
    more = [*articles, article("new")]
    grown = [item.article_id for item in sample(more, alone(more), sources, "b", 41, 1, ())[0]]

    assert order != other
    assert sorted(order) == sorted(other)
    assert [name for name in grown if name != "new-0"] == order
