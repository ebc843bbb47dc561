"""A dataset that grows: no article moves, nothing alike stands in two splits, the shares hold."""

import random
import re
from collections import Counter, defaultdict

import pytest

from builder.records import Article, Group, KhabarError, SplitBorder
from builder.release.splits.assign import split_articles
from builder.release.splits.strategies import Traits
from builder.schema.dataset import Splits

NAMES = ("train", "validation", "test")


def article(name, words, title=None):
    return Article(name, name, 0, title, " ".join(words), (), (), "standard@1+0", "")


def fold(texts):
    return list(texts)


def alone(articles):
    return [Group(one.id, one.id, 1.0, "single") for one in articles]


def grow(articles, frozen, **settings):
    traits = {one.id: Traits(f"s{int(one.id[1:5]) % 3}", f"2026-01-01T{int(one.id[1:5]) % 24:02}") for one in articles}
    return split_articles(articles, alone(articles), frozen, Splits(**settings), traits, fold)


def wave(number, vocabulary, earlier):
    """A thousand new articles, of which every tenth is a copy of an older one or of a new one, cut or changed."""
    draw = random.Random(number)  # noqa: S311 - the same texts each time
    made = []
    for n in range(1000):
        known = earlier + made
        words = draw.choices(vocabulary, k=draw.randint(60, 160))
        if n % 10 == 9:
            words = draw.choice(known).text.split()
            kind = draw.randint(0, 2)
            if kind == 1:
                words[draw.randrange(len(words))] = "تعديل"
            elif kind == 2:
                words += draw.choices(vocabulary, k=40)
        made.append(article(f"a{number * 1000 + n:04}-0", words))
    return made


def alike(one, other):
    size = 3 if min(len(one), len(other)) < 50 else 5
    a, b = ({tuple(text[i : i + size]) for i in range(len(text) - size + 1)} for text in (one, other))
    return len(a & b) >= 0.8 * min(len(a), len(b))


def straddling(articles, split):
    """Pairs in two splits that share a run of five words and are alike: through an index, not through khabar's own search."""
    index = defaultdict(set)
    words = {one.id: re.findall(r"\w+", one.text) for one in articles if one.id in split}
    for name, text in words.items():
        for i in range(len(text) - 4):
            index[tuple(text[i : i + 5])].add(name)
    near = {(a, b) for names in index.values() for a in names for b in names if a < b and split[a] != split[b]}
    return [(a, b) for a, b in near if alike(words[a], words[b])]


@pytest.mark.slow
def test_a_thousand_a_thousand_and_a_thousand_more():
    vocabulary = [f"كلمة{n}" for n in range(20000)]
    articles, ledger = [], {}
    for number in range(3):
        articles += wave(number, vocabulary, articles)
        parted = grow(articles, ledger)
        split = {one.article_id: one.split for one in parted.ledger}
        groups = {group.article_id: group.group_id for group in parted.groups}
        largest = max(Counter(groups.values()).values())
        counts = Counter(split.values())

        assert {name: split[name] for name in ledger} == ledger
        assert set(split) | set(parted.aside) == {one.id for one in articles}
        assert straddling(articles, split) == []
        for name, share in zip(NAMES, (0.7, 0.15, 0.15), strict=True):
            assert abs(counts[name] - share * len(split)) <= largest
        ledger = split

    a = next(one for one in articles if ledger.get(one.id) == "train")
    b = next(one for one in articles if ledger.get(one.id) == "test")
    bridge = article("a9999-0", (a.text + " " + b.text).split())
    parted = grow([*articles, bridge], ledger)

    assert {one.article_id: one.split for one in parted.ledger} == ledger
    assert parted.aside["a9999-0"] == "its group bridges train and test"
    (issue,) = (one for one in parted.issues if one.article_id == "a9999-0")
    assert issue.message.startswith("article a9999-0 stays out of the release: its group bridges train and test, as ")


def test_alike_articles_that_stood_in_two_splits_are_each_named():
    words = [f"كلمة{n}" for n in range(80)]
    articles = [article("a0001-0", words), article("a0002-0", [*words[:-1], "غيرها"]), article("a0003-0", words[::-1])]
    with pytest.raises(KhabarError) as caught:
        grow(articles, {"a0001-0": "train", "a0002-0": "test"})

    (issue,) = caught.value.issues
    assert (
        issue.message
        == "near-duplicate texts are in train (a0001-0) and in test (a0002-0): they share 97% of their shingles"
    )
    assert caught.value.exit_code == 1


def test_what_is_published_no_more_still_holds_its_groups_split():
    old, copy = article("a0001-0", ["خبر", "قديم"]), article("a0002-0", ["خبر", "آخر"])
    groups = [Group("a0001-0", "a0001-0", 1.0, "near"), Group("a0002-0", "a0001-0", 0.9, "near")]
    parted = split_articles([copy], groups, {"a0001-0": "test"}, Splits(), {}, fold)

    assert {one.article_id: one.split for one in parted.ledger} == {"a0001-0": "test", "a0002-0": "test"}
    assert old.id in {group.article_id for group in parted.groups}


def test_takedowns_below_the_limit_of_a_heading_block_no_build():
    title = "نشرة أخبار مرجانة المسائية"
    articles = [article(f"a{n:04}-0", [f"كلمة{n}{i}" for i in range(60)], title) for n in range(25)]
    first = grow(articles, {})
    ledger = {one.article_id: one.split for one in first.ledger}
    second = grow(articles[5:], ledger)
    split = {one.article_id: one.split for one in second.ledger}
    homes = {}
    for group in second.groups:
        homes.setdefault(group.group_id, set()).add(split[group.article_id])

    assert first.issues == ()
    assert split == ledger
    assert all(len(found) == 1 for found in homes.values())
    (issue,) = second.issues
    assert re.fullmatch(
        r"\d+ pairs of articles share a title across splits: such as in \w+ \(a0005-0\) and in \w+ \(.*\)",
        issue.message,
    )
    assert issue.severity == "warning"


def test_article_without_a_split_joins_no_published_groups():
    a, b = ([f"كلمة{start}{i}" for i in range(60)] for start in "١٢")
    articles = [article("a0001-0", a), article("a0002-0", b), article("a0000-0", a + b)]
    parted = grow(articles, {"a0001-0": "train", "a0002-0": "test"})

    assert parted.aside == {"a0000-0": "its group bridges train and test"}
    assert {group.article_id: group.group_id for group in parted.groups} == {
        name: name for name in ("a0000-0", "a0001-0", "a0002-0")
    }


def test_borders_of_time_are_returned_once_and_for_ever():
    articles = [article(f"a{n:04}-0", [f"كلمة{n}{i}" for i in range(60)]) for n in range(20)]
    traits = {one.id: Traits("s", f"2026-02-{1 + n:02}") for n, one in enumerate(articles)}
    first = split_articles(articles, alone(articles), {}, Splits(strategy="by_time"), traits, fold)
    borders = {border.split: border.newest for border in first.borders}
    ledger = {one.article_id: one.split for one in first.ledger}
    later = split_articles(articles[:5], alone(articles), ledger, Splits(strategy="by_time"), traits, fold, borders)

    assert first.borders == (SplitBorder("train", "2026-02-14"), SplitBorder("validation", "2026-02-17"))
    assert later.borders == first.borders
    assert split_articles(articles, alone(articles), {}, Splits(), traits, fold).borders == ()
