"""Canonical judgements, gold and agreement of a project."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from builder.annotation.adjudication.adjudicate import AdjudicationResult, adjudicate
from builder.annotation.agreement.measure import agree
from builder.annotation.migration.offered import UNASKED, without_unasked
from builder.annotation.quality.check import canonicalise, name_of
from builder.annotation.quality.repeats import separate_repeats
from builder.annotation.reopen import restore_batches
from builder.project.annotations import (
    count_accepted,
    published_path,
    read_accepted,
    read_batch,
    read_decisions,
    read_judgements,
    withdrawn,
)
from builder.project.migration.state import read_offers
from builder.project.project import Project
from builder.records import Agreement, Article, Dropped, Gold, Judgement, StageCounts, count_by_reason


def without_repeats(
    project: Project, articles: Mapping[str, Article], every: Sequence[Judgement]
) -> tuple[list[Judgement], StageCounts, list[Dropped]]:
    """Return the judgements that a release may hold, of `every` batch, without repeats, and the counts of the others."""
    gone = withdrawn(project)
    own = count_accepted((one for one in every if one.annotator not in gone), read_accepted(project))
    aside = [
        Dropped("check", f"{name_of(one)} in batch {one.batch}", "withdrawn") for one in every if one.annotator in gone
    ]
    once, repeated = separate_repeats(own, articles, project.schema.labels)
    aside += repeated
    return once, count_by_reason("check", "submissions", len(every), len(once), aside), aside


def canonical_judgements(project: Project, articles: Sequence[Article]) -> tuple[list[Judgement], list[StageCounts]]:
    """Return the judgements that count, with canonical spans, and the counts of the others, which are saved.

    Repeats appear only in the saved counts, because a release does not depend on them.
    """
    by_id = {article.id: article for article in articles}
    once, again, repeated = without_repeats(project, by_id, read_judgements(project))
    judgements, accounts, aside = canonicalise(once, by_id, project.schema.labels)
    project.save_account("check", [again, *accounts] if repeated else accounts, [*repeated, *aside])
    reopened = {name for name in project.batches() if published_path(project, name).exists()}
    if reopened:
        batches = {name: [item.article_id for item in read_batch(project, name)] for name in project.batches()}
        judgements = restore_batches(judgements, batches, reopened)
    return judgements, accounts


def current_gold(project: Project, articles: Sequence[Article]) -> dict[str, Gold]:
    """Return the gold of the project's present annotations by article id, without saving any counts."""
    once, _, _ = without_repeats(project, {article.id: article for article in articles}, read_judgements(project))
    judgements, _, _ = canonicalise(once, {article.id: article for article in articles}, project.schema.labels)
    return {gold.article_id: gold for gold in compute_gold(project, articles, judgements).golds}


def compute_gold(project: Project, articles: Sequence[Article], judgements: Sequence[Judgement]) -> AdjudicationResult:
    """Compute gold and disputes from these judgements and the project's decisions."""
    by_id = {article.id: article for article in articles}
    rules, labels, offers = project.schema.dataset.adjudication, project.schema.labels, read_offers(project)
    asked = without_unasked(judgements, offers, labels.entity_names, rules.min_annotators)
    result = adjudicate(asked.judgements, read_decisions(project), by_id, labels, rules, offers)
    return replace(result, spans=with_reason(result.spans, UNASKED, asked.left_out))


def with_reason(account: StageCounts, reason: str, number: int) -> StageCounts:
    """Return an account with so many more records that were set aside for a reason."""
    if not number:
        return account
    return replace(account, taken=account.taken + number, set_aside={**account.set_aside, reason: number})


def compute_agreement(
    project: Project, articles: Sequence[Article], judgements: Sequence[Judgement]
) -> tuple[Agreement, ...]:
    """Compute every figure of agreement of the canonical judgements."""
    lengths = {article.id: len(article.text) for article in articles}
    return tuple(agree(judgements, project.schema.labels, lengths, offers=read_offers(project)))
