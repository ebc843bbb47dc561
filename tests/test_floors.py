"""Floors of agreement: what stops a build, what lets it pass, and what the card says of it."""

import json
from dataclasses import replace

import pytest

from builder.annotation.agreement.spans import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.agreement.thresholds import LONGEST, accepted, shortfalls
from builder.commands.build import build
from builder.commands.clean import clean
from builder.commands.ingest import ingest
from builder.commands.verify import verify
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project import release_inputs
from builder.project.project import Project
from builder.records import Agreement, Judgement, KhabarError
from builder.schema.dataset import Floors
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each walks a project through several verbs

F1 = Agreement(SPAN_F1, "entities", "all", "all", 0.612, 0.55, 0.68, 20, "articles")
STANCE = Agreement(ALPHA, "stance", "all", "all", 0.41, None, None, 31, "pairs of article and target")
FLOORS = Floors(span_f1=0.6, stance_alpha=0.4)


@pytest.fixture(scope="module")
def labels():
    return Project(ROOT).schema.labels


def said(figures, labels, **floors):
    return [(issue.where, issue.message) for issue in shortfalls(figures, FLOORS.model_copy(update=floors), labels)]


def test_figures_at_their_floors_pass(labels):
    assert said([F1, STANCE], labels) == []
    assert said([F1, STANCE], labels, span_f1=0.612, stance_alpha=0.41) == []
    assert said([], labels, span_f1=None, stance_alpha=None) == []


def test_each_figure_below_its_floor_is_said_with_its_interval_in_every_batch(labels):
    second = replace(F1, batch="b2", value=0.5999, low=0.2, high=0.7)

    assert said([F1, second, STANCE], labels, stance_alpha=0.5) == [
        ("batch b2", f"{SPAN_F1}: 0.600 (95 % interval 0.200 to 0.700) is below the floor of 0.6"),
        ("batch all", f"{ALPHA}: 0.410 is below the floor of 0.5"),
    ]


def test_a_week_has_no_floor_of_its_own(labels):
    week = replace(F1, period="2026-W18", value=None, why="no article was judged by two annotators")

    assert said([F1, week, STANCE], labels) == []


def test_a_figure_that_is_undefined_or_was_not_measured_does_not_pass(labels):
    alone = replace(STANCE, value=None, why="no article was judged by two annotators")

    assert said([alone], labels) == [
        ("batch all", f"{SPAN_F1}: was not measured, so it does not reach the floor of 0.6"),
        ("batch all", f"{ALPHA}: undefined (no article was judged by two annotators), so it does not reach the floor of 0.4"),
    ]  # fmt: skip


def test_other_labels_measures_and_pairs_have_no_floor(labels):
    others = [replace(F1, label="PERS", value=0.0), replace(F1, measure="token kappa", value=0.0), replace(F1, between="a-1", value=0.0)]  # fmt: skip

    assert said([F1, STANCE, *others], labels) == []


def test_a_dataset_without_stances_has_no_floor_for_them(labels):
    assert said([F1], labels.model_copy(update={"stances": None})) == []


@pytest.mark.parametrize("reason", ["", "  ", "two\nlines", "x" * (LONGEST + 1), "a\N{RIGHT-TO-LEFT OVERRIDE}b"])
def test_a_reason_must_say_something_on_one_line(reason):
    with pytest.raises(KhabarError, match=f"takes a reason: one line of at most {LONGEST} characters") as caught:
        accepted((), reason)

    assert caught.value.exit_code == 2


@pytest.fixture
def annotated(project):
    """A project with the judgements of the repository's demonstration."""
    kept = ROOT / "annotations" / "demo"
    (project.annotations / "demo").mkdir()
    for name in ("batch", "judgements", "decisions"):
        (project.annotations / "demo" / f"{name}.jsonl").write_bytes((kept / f"{name}.jsonl").read_bytes())
    ingest(project, [ROOT / "examples" / "articles"])
    clean(project)
    return project


def with_floor(project, floor):
    settings = project.root / "schema" / "dataset.yaml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    changed = [f"  span_f1: {floor}" if line.startswith("  span_f1:") else line for line in lines]
    settings.write_text("\n".join(changed) + "\n", encoding="utf-8")
    return Project(project.root)


def card_of(project):
    return (project.release("1.0.0") / "README.md").read_text(encoding="utf-8")


def test_low_agreement_stops_the_build_and_leaves_what_was_built(annotated):
    build(annotated, "1.0.0")
    before = card_of(annotated)
    strict = with_floor(annotated, 0.99)
    figure = next(
        f for f in release_inputs.load_release_inputs(strict).agreement if (f.measure, f.label) == (SPAN_F1, "all")
    )

    with pytest.raises(KhabarError) as caught:
        build(strict, "1.0.0")

    assert caught.value.exit_code == 1
    (issue,) = caught.value.issues
    assert issue.message.startswith(f"{SPAN_F1}: {figure.value:.3f} (95 % interval ")
    assert issue.message.endswith("is below the floor of 0.99")
    assert "--accept-low-agreement" in issue.fix
    assert card_of(strict) == before


def test_a_reason_lets_it_pass_and_the_card_prints_it_with_the_figures_until_it_is_not_given(annotated):
    build(annotated, "1.0.0")
    plain = card_of(annotated)
    strict = with_floor(annotated, 0.99)

    report = build(strict, "1.0.0", accept="a pilot <b> | of new annotators")
    owned = card_of(strict)
    again = with_floor(annotated, 0.5)
    build(again, "1.0.0")

    assert report.facts["agreement"] == "1 floors not reached, and the card says why"
    assert "**Agreement does not reach the floors that were set for this dataset.**" in owned
    assert "is below the floor of 0.99 (batch all)." in owned
    assert "\n> a pilot &lt;b> \\| of new annotators\n" in owned
    assert "floor" not in plain
    assert card_of(again) == plain


def test_the_reason_is_kept_as_it_was_given_so_that_the_release_can_be_built_again(annotated):
    reason = "a pilot <b> | of new annotators"
    strict = with_floor(annotated, 0.99)
    build(strict, "1.0.0", accept=reason)
    folder = str(strict.release("1.0.0"))
    report = verify(strict, folder, base=strict.root, rehearse=False, progress=lambda _: None)

    assert json.loads((strict.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))["accepted"] == reason
    assert report.facts["rebuild"].startswith("done: ")


def test_a_reason_where_nothing_is_low_is_not_on_the_card(annotated):
    report = build(annotated, "1.0.0", accept="in case")

    assert report.facts["agreement"] == "reaches its floors: nothing to accept"
    assert "in case" not in card_of(annotated)
    assert json.loads((annotated.release("1.0.0") / "facts.json").read_text(encoding="utf-8"))["accepted"] == ""


def test_undefined_agreement_stops_the_build(annotated):
    path = annotated.annotations / "demo" / "judgements.jsonl"
    judgements = read_jsonl(path, Judgement)
    write_jsonl(path, [j for j in judgements if j.annotator == judgements[0].annotator])

    with pytest.raises(KhabarError) as caught:
        build(annotated, "1.0.0")

    assert caught.value.exit_code == 1
    assert [issue.message.split(": ", 1)[1].split(" (")[0] for issue in caught.value.issues] == ["undefined"] * 2


def test_the_command_says_the_figures_and_takes_the_reason(annotated, khabar):
    strict = with_floor(annotated, 0.99)

    refused = khabar("build", "1.0.0", cwd=strict.root)
    built = khabar("build", "1.0.0", "--accept-low-agreement", "a pilot", cwd=strict.root)

    assert refused.returncode == 1
    assert "error[below-floor]" in refused.stderr
    assert built.returncode == 0, built.stderr
    assert "> a pilot" in card_of(strict)
