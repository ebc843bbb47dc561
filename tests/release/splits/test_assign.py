"""Splits: frozen for ever, groups whole, shares kept, nothing empty."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.records import KhabarError
from builder.release.splits.assign import assign
from builder.release.splits.strategies import SPLIT_NAMES
from builder.schema.dataset import Splits

GROUPS = st.dictionaries(
    st.integers(0, 200).map(lambda n: f"a{n}-0"), st.integers(0, 40).map(lambda n: f"g{n}"), max_size=80
)
FROZEN = st.dictionaries(st.integers(0, 200).map(lambda n: f"a{n}-0"), st.sampled_from(SPLIT_NAMES), max_size=60)


def singles(count):
    return {f"a{n}-0": f"g{n}" for n in range(count)}


@given(GROUPS, FROZEN, st.randoms())
def test_the_order_of_the_input_changes_nothing(groups, frozen, random):
    shuffled = list(groups.items())
    random.shuffle(shuffled)

    assert assign(dict(shuffled), Splits(), dict(reversed(frozen.items()))) == assign(groups, Splits(), frozen)


@given(GROUPS, FROZEN)
def test_articles_keep_or_inherit_splits_or_are_named(groups, frozen):
    split, issues = assign(groups, Splits(), frozen)
    named = set(issues)

    assert set(split) | named == set(groups)
    assert not set(split) & named
    assert {a: split[a] for a in groups if a in frozen} == {a: frozen[a] for a in groups if a in frozen}
    for group in set(groups.values()):
        members = [a for a in groups if groups[a] == group]
        homes = {frozen[a] for a in members if a in frozen}
        if len(homes) < 2:
            assert len({split[a] for a in members}) == 1
        else:
            assert {a for a in members if a not in frozen} <= named


@given(st.integers(3, 60), st.integers(0, 99))
def test_three_groups_are_enough_for_three_splits(count, seed):
    split, _ = assign(singles(count), Splits(seed=seed), {})

    assert set(split.values()) == set(SPLIT_NAMES)


@given(GROUPS, st.integers(0, 99))
def test_splits_are_within_two_groups_of_their_shares(groups, seed):
    shares = Splits(train=0.5, validation=0.3, test=0.2, seed=seed)
    split, _ = assign(groups, shares, {})
    largest = max(Counter(groups.values()).values(), default=0)
    counts = Counter(split.values())

    for name in SPLIT_NAMES:
        assert abs(counts[name] - getattr(shares, name) * len(groups)) <= 2 * largest + 1


def test_a_hundred_single_articles_split_as_the_shares_say():
    split, _ = assign(singles(100), Splits(), {})

    assert Counter(split.values()) == {"train": 70, "validation": 15, "test": 15}


def test_growing_moves_no_article_and_keeps_the_shares():
    ledger = {}
    for size in (40, 400, 1000):
        split, issues = assign(singles(size), Splits(), ledger)

        assert issues == {}
        assert {a: split[a] for a in ledger} == ledger
        assert abs(Counter(split.values())["train"] - 0.7 * size) <= 1
        ledger = split


def test_another_seed_gives_another_split():
    assert assign(singles(30), Splits(seed=1), {}) != assign(singles(30), Splits(seed=2), {})


def test_article_between_frozen_splits_is_left_out():
    groups = {"a-0": "g", "b-0": "g", "new-0": "g"}
    split, aside = assign(groups, Splits(), {"a-0": "train", "b-0": "test"})

    assert split == {"a-0": "train", "b-0": "test"}
    assert aside == {"new-0": "its group bridges train and test"}


def test_a_ledger_with_an_unknown_split_is_refused():
    with pytest.raises(KhabarError) as caught:
        assign({}, Splits(), {"a-0": "dev", "b-0": "train"})

    (issue,) = caught.value.issues
    assert issue.message == "article a-0 has the unknown split 'dev'; known: train, validation, test"
    assert caught.value.exit_code == 2
