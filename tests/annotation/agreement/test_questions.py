"""Agreement on questions about whole articles, against alpha written plainly over pairs of answers."""

import csv
import json
from fractions import Fraction
from itertools import permutations

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.agreement.questions import ALPHA_MASI, UNIT, overall_statistics
from builder.annotation.agreement.stances import ALPHA
from builder.records import Answer, Judgement
from builder.schema.labels import AnswerValue
from tests.annotation.agreement.examples import ONE, SEVERAL
from tests.annotation.examples import LABELS
from tests.tables import agree
from tests.tables import shared as shared_judgements

VALUES = ONE.value_names
ASKING = LABELS.model_copy(update={"stances": None, "questions": (ONE, SEVERAL)})
SETS = st.lists(
    st.lists(st.frozensets(st.sampled_from(VALUES), max_size=4), min_size=3, max_size=3), min_size=1, max_size=12
)  # the answers of each of three annotators to each article; an empty one is none


def judged(number, annotator, question, values):
    return Judgement(
        f"{number:016x}-0", "0" * 16, "b1", annotator, (), (), "submitted", 1.0, "t", "t", "g", "s", 1, 1,
        answers=tuple(Answer(question, value) for value in sorted(values)),
    )  # fmt: skip


def shared_of(units, question):
    return shared_judgements([
        [judged(number, who, question, values) for who, values in zip("xyz", unit, strict=True)]
        for number, unit in enumerate(units)
    ])  # fmt: skip


def masi(one, other):
    """Passonneau 2006, as nltk.metrics.masi_distance states it, with the exact shares."""
    both, either = len(one & other), len(one | other)
    if one == other:
        m = Fraction(1)
    elif both == min(len(one), len(other)):
        m = Fraction(2, 3)
    elif both:
        m = Fraction(1, 3)
    else:
        m = Fraction(0)
    return 1 - Fraction(both, either) * m


def nominal(one, other):
    return Fraction(one != other)


def plain_alpha(units, distance):
    """Krippendorff's alpha: 1 - observed / expected, over ordered pairs of pairable answers."""
    pairable = [[value for value in unit if value] for unit in units]
    pairable = [unit for unit in pairable if len(unit) > 1]
    every = [value for unit in pairable for value in unit]
    expected = sum(distance(a, b) for a, b in permutations(every, 2))
    if not expected:
        return None
    observed = sum(sum(distance(a, b) for a, b in permutations(unit, 2)) / (len(unit) - 1) for unit in pairable)
    return float(1 - (len(every) - 1) * observed / expected)


@given(SETS)
def test_alpha_with_masi_equals_the_plain_formula(units):
    _, part = overall_statistics(shared_of(units, "topic"), ASKING)
    right = plain_alpha(units, masi)

    assert (part.measure, part.label, part.unit) == (ALPHA_MASI, "topic", UNIT)
    assert part.value == (None if right is None else pytest.approx(right))
    assert part.n == sum(sum(map(bool, unit)) > 1 for unit in units)


@given(SETS)
def test_nominal_alpha_equals_the_plain_formula_and_the_library(units):
    single = [[frozenset(sorted(values)[:1]) for values in unit] for unit in units]
    part, _ = overall_statistics(shared_of(single, "tone"), ASKING)
    right = plain_alpha(single, nominal)

    assert (part.measure, part.label) == (ALPHA, "tone")
    assert part.value == (None if right is None else pytest.approx(right))
    if right is not None:
        counts = np.array([[sum(value in answer for answer in unit) for value in VALUES] for unit in single])
        paired = counts[counts.sum(axis=1) > 1]
        assert krippendorff.alpha(value_counts=paired, level_of_measurement="nominal") == pytest.approx(right)


def test_the_example_of_masi():
    """A set inside another: 1 - 1/2 * 2/3; a set that shares one of three: 1 - 1/3 * 1/3."""
    a, ab, bc = frozenset("a"), frozenset("ab"), frozenset("bc")

    assert (masi(a, ab), masi(ab, bc), masi(a, bc), masi(a, a)) == (Fraction(2, 3), Fraction(8, 9), 1, 0)


@given(*(st.frozensets(st.sampled_from(VALUES), min_size=1) for _ in range(2)))
def test_the_oracle_is_nltks_distance_without_its_rounding(one, other):
    distance = pytest.importorskip("nltk.metrics.distance")

    assert float(masi(one, other)) == pytest.approx(distance.masi_distance(one, other), abs=0.0034)


def test_figures_have_a_layer_an_interval_and_a_reason():
    units = [(frozenset({"sport"}), frozenset({"sport", "culture"}), frozenset()), (frozenset({"economy"}),) * 3]
    judgements = [
        judged(number, who, "topic", values)
        for number, unit in enumerate(units)
        for who, values in zip("xyz", unit, strict=True)
    ]
    figures = {
        f.label: f for f in agree(judgements, ASKING, {f"{n:016x}-0": 10 for n in range(2)}) if f.layer == "questions"
    }

    assert figures["topic"].value == pytest.approx(plain_alpha(units, masi), abs=1e-6)
    assert figures["topic"].low is not None
    assert (figures["tone"].value, figures["tone"].why) == (None, "no article was answered by two annotators")


@pytest.mark.shared
def test_nominal_alpha_equals_a_published_study_per_batch(shared):
    """ConConCor as a question with one answer: 59 of 60 batches to the third decimal, and one that is undefined."""
    folder = shared / "agreement" / "conconcor"
    first = {}
    with (folder / "Annotations.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            first.setdefault((row["anonymised_participant_id"], row["extract_id"]), row["response"])
    names = {said: f"v{number}" for number, said in enumerate(sorted({*first.values()}))}
    values = tuple(AnswerValue(name=name, ar=name, en=name) for name in names.values())
    asking = ASKING.model_copy(update={"questions": (ONE.model_copy(update={"values": values}),)})
    numbers = {item: number for number, item in enumerate(sorted({item for _, item in first}))}
    found = {}
    for batch, people in json.loads((folder / "batches_annotators.json").read_text(encoding="utf-8")).items():
        own = [
            judged(numbers[item], who, "tone", {names[said]}) for (who, item), said in first.items() if who in people
        ]
        (part,) = overall_statistics(shared_judgements([own]), asking)
        found[batch] = part.value
    with (folder / "k_alpha_per_batch_4_options.csv").open(encoding="utf-8") as lines:
        published = {row["batch"]: row["k_alpha_4"] for row in csv.DictReader(lines)}

    assert (published.pop("batch_50"), found.pop("batch_50")) == ("zero division", None)
    assert len(found) == 59
    assert {b: round(v, 3) for b, v in found.items()} == pytest.approx(
        {b: float(v) for b, v in published.items()}, abs=1e-3
    )
