"""Thresholds of agreement: which figures fall short, and reasons to accept them."""

from dataclasses import replace

import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.questions import ALPHA_MASI, UNIT
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.agreement.thresholds import LONGEST, accepted, shortfalls
from builder.project.project import Project
from builder.records import Agreement, KhabarError
from builder.schema.dataset import Floors
from tests.annotation.agreement.examples import ONE, SEVERAL
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


F1 = Agreement(SPAN_F1, "entities", "all", "all", 0.612, 0.55, 0.68, 20, "articles")
STANCE = Agreement(ALPHA, "stance", "all", "all", 0.41, None, None, 31, "pairs of article and target")
FLOORS = Floors(span_f1=0.6, stance_alpha=0.4)


@pytest.fixture(scope="module")
def labels():
    return Project(ROOT).schema.labels


def messages(figures, labels, **floors):
    return [(issue.where, issue.message) for issue in shortfalls(figures, FLOORS.model_copy(update=floors), labels)]


def test_figures_at_their_floors_pass(labels):
    assert messages([F1, STANCE], labels) == []
    assert messages([F1, STANCE], labels, span_f1=0.612, stance_alpha=0.41) == []
    assert messages([], labels, span_f1=None, stance_alpha=None) == []


def test_low_figures_are_named_with_interval_and_batch(labels):
    second = replace(F1, batch="b2", value=0.5999, low=0.2, high=0.7)

    assert messages([F1, second, STANCE], labels, stance_alpha=0.5) == [
        ("batch b2", f"{SPAN_F1}: 0.600 (95 % interval 0.200 to 0.700) is below the floor of 0.6"),
        ("batch all", f"{ALPHA}: 0.410 is below the floor of 0.5"),
    ]


def test_single_weeks_have_no_floor(labels):
    week = replace(F1, period="2026-W18", value=None, why="no article was judged by two annotators")

    assert messages([F1, week, STANCE], labels) == []


def test_undefined_and_unmeasured_figures_fall_short(labels):
    alone = replace(STANCE, value=None, why="no article was judged by two annotators")

    assert messages([alone], labels) == [
        ("batch all", f"{SPAN_F1}: was not measured, so it does not reach the floor of 0.6"),
        ("batch all", f"{ALPHA}: undefined (no article was judged by two annotators), so it does not reach the floor of 0.4"),
    ]  # fmt: skip


def test_other_labels_measures_and_pairs_have_no_floor(labels):
    others = [replace(F1, label="PERS", value=0.0), replace(F1, measure="token kappa", value=0.0), replace(F1, between="a-1", value=0.0)]  # fmt: skip

    assert messages([F1, STANCE, *others], labels) == []


def test_dataset_without_stances_has_no_stance_floor(labels):
    assert messages([F1], labels.model_copy(update={"stances": None})) == []


def test_each_question_reaches_its_floor(labels):
    asked = labels.model_copy(update={"stances": None, "questions": (ONE, SEVERAL)})
    tone = Agreement(ALPHA, "questions", "tone", "all", 0.31, 0.2, 0.4, 20, UNIT)
    topic = Agreement(ALPHA_MASI, "questions", "topic", "b2", None, None, None, 0, UNIT, "only one answer was given")

    assert messages([F1, tone, topic], asked) == []
    assert messages([F1, tone, replace(topic, value=0.3)], asked, question_alpha=0.3) == []
    assert messages([F1, tone, topic], asked, question_alpha=0.5) == [
        ("batch all", f"{ALPHA}, question tone: 0.310 (95 % interval 0.200 to 0.400) is below the floor of 0.5"),
        ("batch b2", f"{ALPHA_MASI}, question topic: undefined (only one answer was given), so it does not reach the floor of 0.5"),
    ]  # fmt: skip
    assert messages([F1, tone], asked, question_alpha=0.3) == [
        ("batch all", f"{ALPHA_MASI}, question topic: was not measured, so it does not reach the floor of 0.3")
    ]


def test_a_dump_without_a_floor_of_questions_is_that_of_earlier_versions():
    assert FLOORS.model_dump_json() == '{"span_f1":0.6,"stance_alpha":0.4}'


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * (LONGEST + 1), "a\N{RIGHT-TO-LEFT OVERRIDE}b"])
def test_reason_is_one_short_line(reason):
    with pytest.raises(KhabarError, match=f"takes a reason: one line of at most {LONGEST} characters") as caught:
        accepted((), reason)

    assert caught.value.exit_code == 2
