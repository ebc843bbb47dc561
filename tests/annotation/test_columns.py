"""What is computed of judgements as columns, from the canonical form to gold, equals what plain loops compute."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.migration.offered import EVERYTHING
from builder.commands.init import init
from builder.project.project import Project
from tests.annotation import oddities
from tests.annotation.equality import of_project, same
from tests.annotation.quality.examples import LABELS
from tests.builders import kept

pytestmark = pytest.mark.slow  # each test compares with plain loops


@pytest.mark.parametrize("number", [150, pytest.param(2_000, marks=pytest.mark.slow)])
def test_invented_articles_with_every_oddity(number):
    articles = oddities.articles(number)
    found = same(oddities.judgements(articles), oddities.decisions_on(articles), articles, LABELS)

    assert {gold.source for one in found for gold in one.golds} == {"agreed", "majority", "model", "adjudicated"}
    assert all(one.disputes for one in found)
    assert found[-1].account.set_aside
    assert {"in dispute", "outvoted", "overruled by a decision"} == {*found[-1].spans.set_aside}


@pytest.mark.parametrize("number", [150, pytest.param(2_000, marks=pytest.mark.slow)])
def test_invented_articles_of_pages_that_did_not_offer_every_label(number):
    articles = oddities.articles(number)
    judgements, decisions = oddities.judgements(articles), oddities.decisions_on(articles)
    found = same(judgements, decisions, articles, LABELS, offers=oddities.OFFERS)
    every = same(judgements, decisions, articles, LABELS)

    for asked, whole in zip(found, every, strict=True):
        pairs = [*zip(asked.golds, whole.golds, strict=True)]
        assert [one.spans for one, _ in pairs] != [other.spans for _, other in pairs]
        assert asked.disputes != whole.disputes
        assert all({*map(place, one.votes)} >= {*map(place, other.votes)} for one, other in pairs)


def place(vote):
    return vote.what, vote.answer


@given(st.integers(1, 6), st.integers(0, 9_999), st.sampled_from([EVERYTHING, oddities.OFFERS]))
def test_any_few_articles(number, seed, offers):
    articles = oddities.articles(number, seed)
    same(
        oddities.judgements(articles, seed + 1),
        oddities.decisions_on(articles),
        articles,
        LABELS,
        resamples=2,
        offers=offers,
    )


@pytest.mark.slow
def test_the_demonstration(tmp_path):
    project = Project(tmp_path / "project")
    init(project.root, card=str)
    kept(project)

    of_project(project)
