"""Strategies: by chance and like the whole, by time, by source, by target."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.records import KhabarError
from builder.release.splits.assign import assign
from builder.release.splits.strategies import SPLIT_NAMES, Traits, time_borders
from builder.schema.dataset import Splits

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
DAYS = st.integers(1, 28).map(lambda day: f"2026-02-{day:02}T00:00:00+00:00")
DATED = st.dictionaries(st.integers(0, 300).map(lambda n: f"a{n}-0"), st.tuples(DAYS, st.integers(0, 60)), max_size=60)


def singles(traits):
    return {article: article for article in traits}


def test_each_source_and_each_stance_is_shared_out_as_the_whole_is():
    sources, values = ["المرفأ"] * 6 + ["النورس"] * 3 + ["السارية"], ["favor", "against", "neutral", "neutral"]
    traits = {f"a{n}-0": Traits(sources[n % 10], None, (("port", values[n % 4]),)) for n in range(1000)}
    split, _ = assign(singles(traits), Splits(), {}, traits)

    assert Counter(split.values()) == {"train": 700, "validation": 150, "test": 150}
    for stratum in {(one.source, *one.stances) for one in traits.values()}:
        mine = Counter(split[a] for a, one in traits.items() if (one.source, *one.stances) == stratum)
        assert all(abs(mine[name] - SHARES[name] * mine.total()) <= 6 for name in SPLIT_NAMES), (stratum, mine)
    for source in set(sources):
        mine = Counter(split[a] for a, one in traits.items() if one.source == source)
        assert all(abs(mine[name] - SHARES[name] * mine.total()) <= 2 for name in SPLIT_NAMES), (source, mine)


@given(DATED)
def test_by_time_nothing_in_train_is_newer_than_what_it_is_tested_on(dated):
    traits = {article: Traits("s", date) for article, (date, _) in dated.items()}
    groups = {article: f"g{group}" for article, (_, group) in dated.items()}
    split, aside = assign(groups, Splits(strategy="by_time"), {}, traits)
    newest = {name: max((dated[a][0] for a, b in groups.items() if b == name), default="") for name in groups.values()}
    ordered = sorted(groups, key=lambda article: (newest[groups[article]], groups[article]))
    places = [SPLIT_NAMES.index(split[article]) for article in ordered]

    assert aside == {}
    assert places == sorted(places)
    train = [newest[groups[a]] for a in split if split[a] == "train"]
    test = [newest[groups[a]] for a in split if split[a] == "test"]
    assert max(train, default="") <= min(test, default="3")


def test_by_time_later_articles_are_tested_on_and_the_borders_stay():
    traits = {f"a{day:02}-0": Traits("s", f"2026-02-{day:02}") for day in range(1, 21)}
    first, _ = assign(singles(traits), Splits(strategy="by_time"), {}, traits)
    traits |= {"late-0": Traits("s", "2026-03-01"), "early-0": Traits("s", "2026-01-01"), "undated-0": Traits("s")}
    second, aside = assign(singles(traits), Splits(strategy="by_time"), first, traits)

    assert Counter(first.values()) == {"train": 14, "validation": 3, "test": 3}
    assert {article: second[article] for article in first} == first
    assert (second["late-0"], second["early-0"]) == ("test", "train")
    assert aside == {"undated-0": "it has no date, and the split goes by time"}


def test_by_time_a_late_member_of_an_old_group_stays_out_and_moves_no_border():
    traits = {f"a{day:02}-0": Traits("s", f"2026-02-{day:02}") for day in range(1, 21)}
    first, _ = assign(singles(traits), Splits(strategy="by_time"), {}, traits)
    borders = time_borders(first, traits)
    traits |= {"follow-up-0": Traits("s", "2026-06-01"), "newer-0": Traits("s", "2026-03-01")}
    groups = singles(traits) | {"follow-up-0": "a01-0"}
    second, aside = assign(groups, Splits(strategy="by_time"), first, traits, borders)

    assert borders == {"train": "2026-02-14", "validation": "2026-02-17"}
    assert aside == {
        "follow-up-0": "its group is in train, whose newest article is of 2026-02-14, and it is of 2026-06-01"
    }
    assert second["newer-0"] == "test"
    assert second == assign(groups, Splits(strategy="by_time"), first, traits)[0], (
        "a ledger without borders has the same"
    )


def test_by_time_a_takedown_of_the_newest_article_moves_no_border():
    traits = {f"a{day:02}-0": Traits("s", f"2026-02-{day:02}") for day in range(1, 21)}
    first, _ = assign(singles(traits), Splits(strategy="by_time"), {}, traits)
    borders = time_borders(first, traits)
    left = {name: one for name, one in traits.items() if name != "a14-0"} | {"new-0": Traits("s", "2026-02-14")}
    second, _ = assign(singles(left), Splits(strategy="by_time"), first, left, borders)

    assert second["new-0"] == "train"


def test_by_source_keeps_sources_in_one_split():
    traits = {f"a{n:03}-0": Traits(f"s{n % 10}") for n in range(100)}
    groups = singles(traits)
    split, aside = assign(groups, Splits(strategy="by_source"), {}, traits)
    homes = {(one.source, split[article]) for article, one in traits.items()}

    assert aside == {}
    assert len(homes) == 10
    assert Counter(split.values()) == {"train": 70, "validation": 20, "test": 10}
    train, test = (next(s for s, name in homes if name == wanted) for wanted in ("train", "test"))
    traits |= {"n1-0": Traits(train), "n2-0": Traits(test), "n3-0": Traits(test)}
    again, aside = assign(
        groups | {"n1-0": "g", "n2-0": "g", "n3-0": "n3-0"}, Splits(strategy="by_source"), split, traits
    )
    assert again == split | {"n3-0": "test"}
    assert aside == dict.fromkeys(("n1-0", "n2-0"), "its sources stand in train and test")


def test_by_target_an_article_goes_where_its_targets_are():
    traits = {f"a{n:02}-0": Traits("s", None, ((f"t{n % 6}", "favor"),)) for n in range(60)}
    split, _ = assign(singles(traits), Splits(strategy="by_target"), {}, traits)
    homes = {(one.stances[0][0], split[article]) for article, one in traits.items()}
    assert len(homes) == 6
    assert {name for _, name in homes} == set(SPLIT_NAMES)

    train, test = (next(t for t, name in homes if name == wanted) for wanted in ("train", "test"))
    traits |= {"both-0": Traits("s", None, ((train, "favor"), (test, "against"))), "none-0": Traits("s")}
    again, aside = assign(singles(traits), Splits(strategy="by_target"), split, traits)
    assert again == split
    assert aside == {"both-0": "its stance targets stand in train and test", "none-0": "it has no stance targets"}


@pytest.mark.parametrize(("strategy", "what"), [("by_source", "sources"), ("by_target", "stance targets")])
def test_fewer_sources_or_targets_than_splits_are_refused(strategy, what):
    traits = {f"a{n}-0": Traits(f"s{n % 2}", None, ((f"t{n % 2}", "favor"),)) for n in range(10)}
    with pytest.raises(KhabarError) as caught:
        assign(singles(traits), Splits(strategy=strategy), {}, traits)

    (issue,) = caught.value.issues
    assert issue.message == f"found 2 {what}, but three splits need at least three"
    assert issue.where == "schema/dataset.yaml"
    assert caught.value.exit_code == 2
