"""What is computed of judgements as columns, from the canonical form to gold, equals what plain loops compute."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.quality.standing import SKIPPED
from builder.commands.init import init
from builder.project.annotations import read_decisions, read_judgements
from builder.project.corpus import read_articles
from builder.project.project import Project
from builder.records import Decision, Span, Stance
from builder.schema.dataset import Adjudication
from tests.annotation import oddities
from tests.annotation.adjudication import reference as votes
from tests.annotation.agreement import reference as agreement
from tests.annotation.quality import reference
from tests.annotation.quality.examples import LABELS
from tests.builders import kept
from tests.tables import adjudicate, agree, canonicalise, check, separate_repeats

RULES = (
    Adjudication(min_annotators=2),
    Adjudication(min_annotators=1, votes=2),
    Adjudication(min_annotators=3, stance="dawid-skene"),
)


def link(*task):
    return f"http://127.0.0.1/{task}"


def same(judgements, decisions, articles, labels, resamples=5):
    """Compare the canonical form, the faults, every figure and the gold with those of the loops; return the results."""
    once = separate_repeats(judgements, articles, labels)
    assert once == reference.separate_repeats(judgements, articles, labels)
    assert check(once[0], articles, labels, link) == reference.check(once[0], articles, labels, link)
    canonical = canonicalise(once[0], articles, labels)
    assert canonical == reference.canonicalise(once[0], articles, labels)
    lengths = {article.id: len(article.text) for article in articles.values()}
    figures = agree(canonical[0], labels, lengths, resamples=resamples)
    assert figures == agreement.agree(canonical[0], labels, lengths, resamples=resamples)
    found = []
    for rules in RULES:
        gold = adjudicate(canonical[0], decisions, articles, labels, rules)
        assert gold == votes.adjudicate(canonical[0], decisions, articles, labels, rules)
        found.append(gold)
    return found


def decisions_on(articles):
    """Decisions on some articles: of spans, of stances, of both, and two that contradict each other."""
    made = []
    for number, article in enumerate(articles.values()):
        spans = (Span(0, len(article.text), "GPE"), Span(0, 3, "PERS"))
        made += [Decision(article.id, article.text_sha, "a-9", spans)] if number % 5 == 0 else []
        made += (
            [Decision(article.id, article.text_sha, "a-9", None, (Stance("port", "favor"),))] if number % 7 == 0 else []
        )
        made += [Decision(article.id, article.text_sha, "a-8", spans[:1])] if number % 25 == 0 else []
    return made


@pytest.mark.parametrize("number", [150, pytest.param(2_000, marks=pytest.mark.slow)])
def test_invented_articles_with_every_oddity(number):
    articles = oddities.articles(number)
    found = same(oddities.judgements(articles), decisions_on(articles), articles, LABELS)

    assert {gold.source for one in found for gold in one.golds} == {"agreed", "majority", "model", "adjudicated"}
    assert all(one.disputes for one in found)
    assert found[-1].account.set_aside
    assert {"in dispute", "outvoted", "overruled by a decision"} == {*found[-1].spans.set_aside}


@given(st.integers(1, 6), st.integers(0, 9_999))
def test_any_few_articles(number, seed):
    articles = oddities.articles(number, seed)
    same(oddities.judgements(articles, seed + 1), decisions_on(articles), articles, LABELS, resamples=2)


def of_project(project):
    """Compare the judgements of a project as they are, and with a second batch of repeats and changes."""
    articles, judgements = {one.id: one for one in read_articles(project)}, read_judgements(project)
    decisions, labels = read_decisions(project), project.schema.labels
    assert judgements
    same(judgements, decisions, articles, labels)
    again = [replace(one, batch="again", updated_at="2027-01-01T00:00:00Z") for one in judgements]
    fewer = [replace(one, spans=one.spans[::2], status=SKIPPED if number % 9 == 0 else one.status)
             for number, one in enumerate(again[::3])]  # fmt: skip
    same([*judgements, *again[1::3], *fewer], decisions, articles, labels)


@pytest.mark.slow
def test_the_demonstration(tmp_path):
    project = Project(tmp_path / "project")
    init(project.root, card=str)
    kept(project)

    of_project(project)
