"""Stance agreement between two annotators against scikit-learn."""

import math
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, cohen_kappa_score

from builder.annotation.agreement.stances import KAPPA, PERCENT
from tests.annotation.agreement.examples import LABELS, VALUES, judgement
from tests.tables import stance_pair_statistics as pairwise_statistics

ANSWERS = st.lists(
    st.lists(st.sampled_from([None, *VALUES]), min_size=3, max_size=3), min_size=1, max_size=15
)  # an answer, or none, of each of three annotators


def shared(answers):
    return [
        [judgement(f"a{unit}", who, **({"port": value} if value else {})) for who, value in zip("xyz", given_, strict=True)]
        for unit, given_ in enumerate(answers)
    ]  # fmt: skip


def oracle(pairs):
    if not pairs:
        return None, None
    one, other = zip(*pairs, strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = cohen_kappa_score(one, other, labels=list(VALUES))
    return None if math.isnan(kappa) else pytest.approx(kappa), pytest.approx(accuracy_score(one, other))


@given(ANSWERS)
def test_kappa_and_percent_equal_scikit_learn(answers):
    found = {(part.measure, part.between): part for part in pairwise_statistics(shared(answers), LABELS)}

    for one, other in ((0, 1), (0, 2), (1, 2)):
        pairs = [(given_[one], given_[other]) for given_ in answers if given_[one] and given_[other]]
        kappa, percent = oracle(pairs)
        who = f"{'xyz'[one]} {'xyz'[other]}"

        assert (found[KAPPA, who].value, found[PERCENT, who].value) == (kappa, percent)
        assert found[KAPPA, who].n == len(pairs)


@given(ANSWERS)
def test_rest_pools_all_pairs_of_an_annotator(answers):
    found = {(part.measure, part.between): part.value for part in pairwise_statistics(shared(answers), LABELS)}

    for me in range(3):
        pairs = [
            (given_[me], given_[other])
            for given_ in answers
            for other in range(3)
            if other != me and given_[me] and given_[other]
        ]
        assert (found[KAPPA, "xyz"[me]], found[PERCENT, "xyz"[me]]) == oracle(pairs)


def test_undefined_kappa_has_a_reason():
    same = pairwise_statistics(shared([["favor", "favor", None]] * 3), LABELS)
    why = {(part.measure, part.between): (part.value, part.why) for part in same}

    assert why[KAPPA, "x y"] == (None, "both gave only one value")
    assert why[PERCENT, "x y"][0] == 1
    assert why[KAPPA, "x z"] == (None, "no question was answered by both")
    assert why[KAPPA, "z"] == (None, "no question was answered by another too")
    assert why[PERCENT, "z"] == (None, "no question was answered by another too")


def test_two_annotators_have_no_rest():
    pair = [judged[:2] for judged in shared([["favor", "against", None]])]

    assert {part.between for part in pairwise_statistics(pair, LABELS)} == {"x y"}
