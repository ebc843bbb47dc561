"""The Dawid-Skene model against plain loops; crowd-kit is in live/test_crowd_kit.py."""

import math
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.dawid_skene import estimate, most_likely
from tests.annotation.examples import SETS, STANCE_VALUES, annotator_crowd


def by_loops(answers, rounds):
    """What Dawid and Skene write, as it is written: equations 2.3 to 2.5, from the shares of the votes."""
    values = sorted({value for told in answers.values() for value in told.values()})
    truth = {item: {v: Counter(told.values())[v] / len(told) for v in values} for item, told in answers.items() if told}
    for _ in range(rounds + 1):
        prior = {v: sum(shares[v] for shares in truth.values()) / len(truth) for v in values}
        seen = defaultdict(lambda: dict.fromkeys(values, 0.0))
        for item, shares in truth.items():
            for who, given_ in answers[item].items():
                for v in values:
                    seen[who, given_][v] += shares[v]
        errors = {}
        for who, given_ in seen:
            mine = [kept for (name, _), kept in seen.items() if name == who]
            errors[who, given_] = {
                v: max(seen[who, given_][v], 1e-10) / sum(max(k[v], 1e-10) for k in mine) for v in values
            }
        last, truth = truth, {}
        for item, told in answers.items():
            logs = {
                v: math.log(max(prior[v], 1e-10)) + sum(math.log(errors[who, g][v]) for who, g in told.items())
                for v in values
            }
            top = max(logs.values())
            whole = sum(math.exp(log - top) for log in logs.values())
            truth[item] = {v: math.exp(logs[v] - top) / whole for v in values}
    return last, prior, errors


def largest_difference(model, truth, prior, errors):
    found = [abs(model.posterior[item][v] - share) for item, shares in truth.items() for v, share in shares.items()]
    found += [abs(model.prior[v] - share) for v, share in prior.items()]
    found += [abs(model.confusion[who][true][g] - p) for (who, g), row in errors.items() for true, p in row.items()]
    return max(found)


@pytest.mark.parametrize("rounds", [1, 2, 25])
@pytest.mark.parametrize("name", SETS)
def test_each_round_equals_plain_loops(name, rounds):
    answers = annotator_crowd(*SETS[name])

    model = estimate(answers, rounds=rounds, tolerance=-math.inf)

    assert (model.rounds, model.converged) == (rounds, False)
    assert largest_difference(model, *by_loops(answers, rounds)) < 1e-9


FEW = st.dictionaries(
    st.tuples(st.sampled_from("123456"), st.sampled_from(["port", "metro"])),
    st.dictionaries(st.sampled_from("wxyz"), st.sampled_from(STANCE_VALUES), min_size=1),
    min_size=1,
)


@given(FEW, st.integers(1, 6))
def test_few_answers_equal_plain_loops(answers, rounds):
    model = estimate(answers, rounds=rounds, tolerance=-math.inf)

    assert largest_difference(model, *by_loops(answers, rounds)) < 1e-6


@pytest.mark.parametrize("name", SETS)
def test_estimate_runs_until_convergence(name):
    answers = annotator_crowd(*SETS[name])

    model, further = estimate(answers), estimate(answers, rounds=2000, tolerance=-math.inf)

    assert model.converged
    assert not further.converged
    assert max(abs(further.posterior[i][v] - p) for i, row in model.posterior.items() for v, p in row.items()) < 0.001


def test_reliable_annotator_outweighs_two_unreliable_ones():
    answers = {
        (f"d-{n}", "port"): {"x": v, "y": v, "z": "favor", "w": "favor"} for n, v in enumerate(STANCE_VALUES[:3] * 8)
    }
    answers["last", "port"] = {"x": "against", "z": "favor", "w": "favor"}

    model = estimate(answers)

    assert most_likely(model.posterior["last", "port"], 0.9) == ("against", 1.0)
    assert model.accuracy("x") > 0.95
    assert model.accuracy("z") < 0.5


def test_equally_likely_values_have_no_winner():
    model = estimate({("d", "port"): {"x": "favor", "y": "against"}, ("e", "port"): {"x": "against", "y": "favor"}})

    assert model.posterior["d", "port"] == {"against": 0.5, "favor": 0.5}
    assert most_likely(model.posterior["d", "port"], 0.0) is None
    assert most_likely({"favor": 0.5 + 1e-9, "against": 0.5 - 1e-9}, 0.0) is None
    assert most_likely({"favor": 0.8999994, "against": 0.1}, 0.9) is None
    assert most_likely({}, 0.0) is None


def test_unanswered_questions_have_no_posterior():
    empty = estimate({("d", "port"): {}})
    partly = estimate({("d", "port"): {}, ("e", "port"): {"x": "favor"}})

    assert (empty.posterior, empty.rounds, empty.converged) == ({}, 0, True)
    assert partly.posterior == {("e", "port"): {"favor": 1.0}}


@given(FEW, st.randoms(use_true_random=False))
def test_answer_order_changes_no_digit(answers, random):
    def mixed(mapping):
        return {key: mapping[key] for key in random.sample(list(mapping), len(mapping))}

    assert estimate(mixed({item: mixed(told) for item, told in answers.items()})) == estimate(answers)


@given(FEW)
def test_probabilities_sum_to_one(answers):
    model = estimate(answers)

    rows = [model.prior, *model.posterior.values(), *(row for one in model.confusion.values() for row in one.values())]
    assert all(sum(row.values()) == pytest.approx(1) for row in rows)
    assert all(0 <= model.accuracy(who) <= 1 + 1e-9 for who in model.confusion)
