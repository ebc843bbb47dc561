"""Canonical judgements, gold and agreement of a project."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.adjudication.adjudicate import AdjudicationResult, adjudicate
from builder.annotation.agreement.measure import agree
from builder.annotation.quality.canonical import canonicalise, read_form
from builder.annotation.quality.repeats import separate_repeats
from builder.annotation.quality.standing import names_of
from builder.annotation.reopen import restore_batches
from builder.project.annotations import (
    all_judgements,
    count_accepted,
    published_path,
    read_accepted,
    read_batch,
    read_collected,
    read_decisions,
    withdrawn,
)
from builder.project.project import Project
from builder.records import Agreement, Article, Dropped, Gold, StageCounts, count_by_reason


@dataclass(frozen=True, slots=True, eq=False)
class Submissions:
    """The judgements that a release may hold, and the account of the others."""

    table: pa.Table
    account: StageCounts
    set_aside: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True, eq=False)
class CanonicalJudgements:
    """The judgements that count, with canonical spans, and the accounts of the others."""

    table: pa.Table
    accounts: tuple[StageCounts, ...]


def without_repeats(project: Project, articles: Sequence[Article], every: pa.Table) -> Submissions:
    """Return the judgements that a release may hold, of `every` batch, without repeats, and the counts of the others."""
    gone = pc.is_in(every["annotator"], pa.array(sorted(withdrawn(project)), pa.string())).to_numpy()
    rows = np.flatnonzero(gone)
    named = zip(names_of(every, rows), every["batch"].take(rows).to_pylist(), strict=True)
    aside = [Dropped("check", f"{name} in batch {batch}", "withdrawn") for name, batch in named]
    own = count_accepted(every.filter(~gone) if len(rows) else every, read_accepted(project))
    once = separate_repeats(own, articles, project.schema.labels)
    aside += once.set_aside
    counts = count_by_reason("check", "submissions", every.num_rows, once.table.num_rows, aside)
    return Submissions(once.table, counts, tuple(aside))


def canonical_judgements(project: Project, articles: Sequence[Article]) -> CanonicalJudgements:
    """Return the judgements that count, with canonical spans, and the counts of the others, which are saved.

    Repeats appear only in the saved counts, because a release does not depend on them.
    """
    once = without_repeats(project, articles, all_judgements(read_collected(project).values()))
    found = canonicalise(read_form(once.table, articles, project.schema.labels))
    again = [once.account] if once.set_aside else []
    project.save_account("check", [*again, *found.accounts], [*once.set_aside, *found.dropped])
    reopened = {name for name in project.batches() if published_path(project, name).exists()}
    table = found.table
    if reopened:
        batches = {name: [item.article_id for item in read_batch(project, name)] for name in project.batches()}
        table = restore_batches(table, batches, reopened)
    return CanonicalJudgements(table, found.accounts)


def current_gold(project: Project, articles: Sequence[Article]) -> dict[str, Gold]:
    """Return the gold of the project's present annotations by article id, without saving any counts."""
    once = without_repeats(project, articles, all_judgements(read_collected(project).values()))
    table = canonicalise(read_form(once.table, articles, project.schema.labels)).table
    return {gold.article_id: gold for gold in compute_gold(project, articles, table).golds}


def compute_gold(project: Project, articles: Sequence[Article], judgements: pa.Table) -> AdjudicationResult:
    """Compute gold and disputes from these judgements and the project's decisions."""
    by_id = {article.id: article for article in articles}
    rules = project.schema.dataset.adjudication
    return adjudicate(judgements, read_decisions(project), by_id, project.schema.labels, rules)


def compute_agreement(project: Project, articles: Sequence[Article], judgements: pa.Table) -> tuple[Agreement, ...]:
    """Compute every figure of agreement of the canonical judgements."""
    return tuple(agree(judgements, project.schema.labels, {article.id: len(article.text) for article in articles}))
