"""The gold of a release, voted again from the annotations that it publishes."""

import re

import pytest

from builder.commands.build import build
from builder.project.project import Project
from tests.builders import fresh, judge, kept, walk
from tests.editions import PAGES
from tests.tampering import copy_of, edit_json, edit_rows, listed, messages, recheck, render

pytestmark = pytest.mark.slow  # builds releases


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    project = fresh(tmp_path_factory.mktemp("gold") / "project")
    kept(project)
    build(project, "1.0.0")
    return project.release("1.0.0")


@pytest.fixture
def copy(folder, tmp_path):
    return copy_of(folder, tmp_path / "release")


def voted(rows):
    """A row whose spans no adjudicator decided."""
    return next(row for row in rows if not row["adjudicated"] and len(row["spans"]) > 1)


def found(copy):
    render(copy)
    return [message.partition(": ")[2] for message in messages(recheck(copy))]


def test_confidence_that_is_not_the_share_of_the_votes(copy):
    edit_rows(copy, "entities", lambda rows: voted(rows)["spans"][0].update(confidence=0.123))

    assert found(copy) == ["`spans.confidence` is not what the votes of `annotations` give, in 1 rows"]


def test_article_whose_votes_settle_it_has_a_row(copy):
    edit_rows(copy, "entities", lambda rows: rows.remove(voted(rows)))

    assert "`id` is not in `entities`, although its votes settle its spans, in 1 rows" in found(copy)


def test_number_of_annotators(copy):
    edit_rows(copy, "entities", lambda rows: rows[0].update(n_annotators=7))

    assert found(copy) == ["`n_annotators` is not the number of its annotations, in 1 rows"]


def test_gold_that_no_longer_says_it_was_decided(copy):
    edit_rows(copy, "entities", lambda rows: [row.update(adjudicated=False) for row in rows])

    assert any("`adjudicated` is not true, although its votes leave questions open" in one for one in found(copy))


def test_stance_that_lost_its_vote(copy):
    def change(rows):
        row = next(row for row in rows if not row["adjudicated"])
        row["stance"] = (row["stance"] + 1) % 2

    edit_rows(copy, "stance", change)

    assert found(copy) == ["`stance` is not what the votes of `annotations` give, in 1 rows"]


def test_other_rules_give_other_gold(copy):
    edit_json(copy, "facts.json", lambda plain: plain["dataset"]["adjudication"].update(votes=3))

    assert any("what the votes of `annotations` give" in one or "leave questions open" in one for one in found(copy))


@pytest.mark.parametrize(
    ("rules", "names"),
    [("{min_annotators: 1, votes: 1}", set()), ("{stance: dawid-skene}", {"stance.stance", "stance.confidence"})],
)
def test_gold_under_other_rules(tmp_path, rules, names):
    project = fresh(tmp_path / "project")
    settings = project.root / "schema" / "dataset.yaml"
    written = settings.read_text(encoding="utf-8")
    assert "\n  min_annotators: 2 " in written
    body = re.sub(r"adjudication:\n(?:  .*\n)+", f"adjudication: {rules}\n", written)
    settings.write_text(body, encoding="utf-8")
    project = Project(project.root)
    walk(project, [PAGES])
    judge(project)
    build(project, "1.0.0", accept="few annotators")
    checks = recheck(project.release("1.0.0"))

    assert messages(checks) == []
    assert {"stance.stance", "stance.confidence"} & listed(checks) == names
