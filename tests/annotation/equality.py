"""Comparison of what is computed of judgements as columns with what plain loops compute."""

from dataclasses import replace

from builder.annotation.migration.offered import EVERYTHING
from builder.annotation.quality.standing import SKIPPED
from builder.project.annotations import read_decisions, read_judgements
from builder.project.corpus import read_articles
from builder.schema.dataset import Adjudication
from tests.annotation.adjudication import reference as votes
from tests.annotation.agreement import reference as agreement
from tests.annotation.quality import reference
from tests.tables import adjudicate, agree, canonicalise, check, separate_repeats

RULES = (
    Adjudication(min_annotators=2),
    Adjudication(min_annotators=1, votes=2),
    Adjudication(min_annotators=3, stance="dawid-skene"),
)


def link(*task):
    return f"http://127.0.0.1/{task}"


def same(judgements, decisions, articles, labels, resamples=5, offers=EVERYTHING):
    """Compare the canonical form, the faults, every figure and the gold with those of the loops; return the results."""
    once = separate_repeats(judgements, articles, labels)
    assert once == reference.separate_repeats(judgements, articles, labels)
    assert check(once[0], articles, labels, link) == reference.check(once[0], articles, labels, link)
    canonical = canonicalise(once[0], articles, labels)
    assert canonical == reference.canonicalise(once[0], articles, labels)
    lengths = {article.id: len(article.text) for article in articles.values()}
    figures = agree(canonical[0], labels, lengths, resamples=resamples, offers=offers)
    assert figures == agreement.agree(canonical[0], labels, lengths, resamples=resamples, offers=offers)
    found = []
    for rules in RULES:
        gold = adjudicate(canonical[0], decisions, articles, labels, rules, offers)
        assert gold == votes.adjudicate(canonical[0], decisions, articles, labels, rules, offers)
        found.append(gold)
    return found


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
