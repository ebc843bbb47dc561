"""Which annotator gets which article."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.assignment import assign, working_order
from builder.records import KhabarError
from builder.schema.dataset import Dataset

LICENCE = {"text": "cc0-1.0", "annotations": "cc0-1.0"}


def dataset_of(**fields):
    return Dataset(**{"format": 1, "repo_id": "a/b", "title": "t", "licence": LICENCE, "shared": 0} | fields)


def ids(number, start=0):
    return [f"{place:016x}-0" for place in range(start, start + number)]


def people(number):
    return [f"a-{place:010x}" for place in range(number)]


def given_to(assigned):
    found = {}
    for one in assigned:
        found.setdefault(one.article_id, set()).add(one.annotator)
    return found


def kinds_of(assigned):
    return {one.article_id: one.why for one in assigned}


def loads_of(assigned, annotators):
    load = Counter(one.annotator for one in assigned)
    return [load[name] for name in annotators]


cases = st.tuples(st.integers(0, 60), st.integers(1, 7), st.integers(1, 7), st.integers(0, 9), st.integers())


@given(cases, st.floats(0, 1), st.sets(st.integers(0, 59), max_size=5))
def test_each_article_gets_its_annotators_and_loads_are_even(case, shared, known_places):
    number, extra, overlap, calibration, seed = case
    articles, annotators = ids(number), people(overlap + extra - 1)
    known = {articles[place] for place in known_places if place < number}
    rules = dataset_of(overlap=overlap, shared=shared, calibration=calibration, sampling={"seed": seed})
    assigned = assign("b", articles, annotators, rules, known)
    kinds, judges = kinds_of(assigned), given_to(assigned)
    rest = number - len(known) - min(calibration, number - len(known))
    load = loads_of(assigned, annotators)

    assert set(judges) == set(articles)
    assert len(assigned) == len({(one.article_id, one.annotator) for one in assigned})
    assert all(len(judges[a]) == (overlap if kinds[a] == "overlap" else len(annotators)) for a in articles)
    assert max(load) - min(load) <= 1
    assert {a for a in articles if kinds[a] == "known"} == known
    assert Counter(kinds.values())["calibration"] == min(calibration, number - len(known))
    assert Counter(kinds.values())["shared"] == int(shared * rest + 0.5)
    assert assigned == sorted(assigned, key=lambda one: (one.article_id, one.annotator))


@given(cases, st.randoms())
def test_file_order_does_not_matter(case, random):
    number, extra, overlap, calibration, seed = case
    articles, annotators = ids(number), people(overlap + extra)
    rules = dataset_of(overlap=overlap, shared=0.2, calibration=calibration, sampling={"seed": seed})
    mixed, others = random.sample(articles, number), random.sample(annotators, len(annotators))

    assert assign("b", mixed, others, rules) == assign("b", articles, annotators, rules)


@given(cases, st.integers(0, 30), st.integers(0, 3))
def test_assignments_survive_new_articles_and_annotators(case, more, newcomers):
    number, extra, overlap, calibration, seed = case
    rules = dataset_of(overlap=overlap, shared=0.1, calibration=calibration, sampling={"seed": seed})
    before = assign("b", ids(number), people(overlap + extra), rules)
    after = assign("b", ids(number + more), people(overlap + extra + newcomers), rules, before=before)
    kinds, judges = kinds_of(after), given_to(after)

    assert set(before) <= set(after)
    assert all(len(judges[a]) == overlap for a in kinds if kinds[a] == "overlap")
    assert all(len(judges[a]) == overlap + extra + newcomers for a in kinds if kinds[a] != "overlap")


@given(cases)
def test_assigning_again_changes_nothing(case):
    number, extra, overlap, calibration, seed = case
    rules = dataset_of(overlap=overlap, shared=0.1, calibration=calibration, sampling={"seed": seed})
    first = assign("b", ids(number), people(overlap + extra), rules)

    assert assign("b", ids(number), people(overlap + extra), rules, before=first) == first


def test_newcomer_gets_added_articles_until_loads_are_even():
    rules = dataset_of(overlap=1)
    before = assign("b", ids(10), people(2), rules)
    after = assign("b", ids(25), people(3), rules, before=before)

    assert loads_of(before, people(2)) == [5, 5]
    assert sorted(loads_of(after, people(3))) == [8, 8, 9]


def test_newly_known_article_goes_to_all():
    rules = dataset_of(overlap=1)
    before = assign("b", ids(4), people(3), rules)
    after = assign("b", ids(4), people(3), rules, known={ids(4)[2]}, before=before)

    assert given_to(after)[ids(4)[2]] == set(people(3))
    assert kinds_of(after)[ids(4)[2]] == "known"
    assert {(one.article_id, one.annotator) for one in before} <= {(one.article_id, one.annotator) for one in after}


def test_seed_changes_the_assignment():
    one, other = (assign("b", ids(40), people(4), dataset_of(overlap=2, sampling={"seed": n})) for n in (1, 2))

    assert one != other


def test_every_pair_of_annotators_meets():
    assigned = assign("b", ids(60), people(4), dataset_of(overlap=2))
    pairs = Counter(frozenset(judges) for judges in given_to(assigned).values())

    assert len(pairs) == 6
    assert min(pairs.values()) >= 4


def test_calibration_comes_first_and_known_articles_are_mixed_in():
    known = set(ids(4, start=26))
    rules = dataset_of(overlap=1, calibration=3)
    assigned = assign("b", ids(30), people(2), rules, known)
    kinds = kinds_of(assigned)
    order = working_order(assigned, people(2)[0], 13)
    places = [place for place, article in enumerate(order) if article in known]

    assert [kinds[article] for article in order[:3]] == ["calibration"] * 3
    assert "calibration" not in {kinds[article] for article in order[3:]}
    assert sorted(order) == sorted(one.article_id for one in assigned if one.annotator == people(2)[0])
    assert places != list(range(len(order) - 4, len(order)))
    assert places != [3, 4, 5, 6]


def test_fewer_annotators_than_overlap_are_refused():
    with pytest.raises(KhabarError) as caught:
        assign("b", ids(3), people(2), dataset_of(overlap=3))

    assert str(caught.value) == "each article needs 3 annotators, but there are only 2"
    assert caught.value.issues[0].fix == "invite more, or lower `overlap` in schema/dataset.yaml"
