"""What a command reads of the batches, loaded once, and the canonical judgements, gold and agreement that follow."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.adjudication.adjudicate import AdjudicationResult, adjudicate
from builder.annotation.agreement.measure import agree
from builder.annotation.migration.asked import UNASKED, without_unasked
from builder.annotation.migration.offered import Offers
from builder.annotation.quality.canonical import canonicalise, read_form
from builder.annotation.quality.repeats import separate_repeats
from builder.annotation.quality.standing import names_of
from builder.annotation.reopen import restore_batches
from builder.project.annotations import (
    change_of,
    published_path,
    read_accepted,
    read_batch_table,
    read_collected,
    read_decisions,
    read_imports,
    taken_down,
    withdrawn,
)
from builder.project.batches import batch_articles
from builder.project.migration.state import read_offers
from builder.project.project import Project
from builder.records import (
    AcceptedChange,
    Agreement,
    Article,
    Decision,
    Dropped,
    Gold,
    Judgement,
    StageCounts,
    count_by_reason,
)
from builder.records.arrow import arrow_schema, records_of
from builder.schema.loading import Schema


@dataclass(frozen=True, slots=True, eq=False)
class BatchInputs:
    """What a command reads of the batches, loaded once."""

    schema: Schema
    articles: Sequence[Article]
    collected: Mapping[str, pa.Table]
    """The judgements of each batch, as they were collected."""
    items: Mapping[str, pa.Table]
    """The articles of each batch."""
    reopened: frozenset[str]
    """The batches that a published release was made into."""
    imported: frozenset[str]
    """The batches that are imported sets."""
    accepted: frozenset[AcceptedChange]
    withdrawn: frozenset[str]
    """The annotators whose work no later release may contain."""
    offers: Offers
    """The labels and targets that the pages of judgements offered."""


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
    submissions: Submissions
    dropped: tuple[Dropped, ...]


def load_batch_inputs(project: Project, without: Collection[str] = ()) -> BatchInputs:
    """Load what a command reads of the batches, `without` some articles.

    Raises KhabarError with every malformed line, and where cleaning is out of date.
    """
    names = project.batches()
    return BatchInputs(
        project.schema,
        [article for article in batch_articles(project) if article.id not in without],
        read_collected(project),
        {name: read_batch_table(project, name) for name in names},
        frozenset(name for name in names if published_path(project, name).exists()),
        frozenset(one.name for one in read_imports(project)),
        read_accepted(project),
        frozenset(withdrawn(project)),
        read_offers(project),
    )


def without_repeats(inputs: BatchInputs) -> Submissions:
    """Return the judgements that a release may hold, of all batches, without repeats, and the counts of the others."""
    every = all_judgements(inputs.collected.values())
    gone = np.isin(every["annotator"].to_numpy(), sorted(inputs.withdrawn))
    rows = np.flatnonzero(gone)
    named = zip(names_of(every, rows), every["batch"].take(rows).to_pylist(), strict=True)
    aside = [Dropped("check", f"{name} in batch {batch}", "withdrawn") for name, batch in named]
    once = separate_repeats(own_judgements(inputs, every), inputs.articles, inputs.schema.labels)
    aside += once.set_aside
    counts = count_by_reason("check", "submissions", every.num_rows, once.table.num_rows, aside)
    return Submissions(once.table, counts, tuple(aside))


def own_judgements(inputs: BatchInputs, table: pa.Table) -> pa.Table:
    """Return the judgements of people who have not withdrawn; accepted changes are no longer marked."""
    gone = pc.is_in(table["annotator"], pa.array(sorted(inputs.withdrawn), pa.string()))
    return count_accepted(table.filter(pc.invert(gone)), inputs.accepted)


def all_judgements(tables: Iterable[pa.Table]) -> pa.Table:
    """Return the judgements of several batches as one table."""
    return pa.concat_tables([arrow_schema(Judgement).empty_table(), *tables]).combine_chunks()


def count_accepted(judgements: pa.Table, accepted: Collection[AcceptedChange]) -> pa.Table:
    """Return the judgements; a change by another person that the lead annotator accepted is no longer marked."""
    changed = np.flatnonzero(pc.not_equal(judgements["changed_by"], ""))
    marked = records_of(judgements.take(changed), Judgement)
    counting = changed[np.array([change_of(judgement) in accepted for judgement in marked], bool)]
    if not len(counting):
        return judgements
    place, mask = judgements.column_names.index("changed_by"), np.zeros(judgements.num_rows, bool)
    mask[counting] = True
    column = pc.if_else(pa.array(mask), "", judgements["changed_by"])
    return judgements.set_column(place, judgements.schema.field(place), column)


def canonical_judgements(inputs: BatchInputs) -> CanonicalJudgements:
    """Return the judgements that count, with canonical spans, and the accounts of the others."""
    once = without_repeats(inputs)
    found = canonicalise(read_form(once.table, inputs.articles, inputs.schema.labels))
    table = found.table
    if inputs.reopened:
        table = restore_batches(table, inputs.items, inputs.reopened)
    return CanonicalJudgements(table, found.accounts, once, found.dropped)


def save_accounts(project: Project, found: CanonicalJudgements) -> None:
    """Save the accounts of judgements. Repeats appear only there, because a release does not depend on them."""
    once = found.submissions
    again = [once.account] if once.set_aside else []
    project.save_account("check", [*again, *found.accounts], [*once.set_aside, *found.dropped])


def current_gold(project: Project) -> dict[str, Gold]:
    """Return the gold of the project's present annotations by article id, without saving any counts."""
    inputs = load_batch_inputs(project, without=taken_down(project))
    once = without_repeats(inputs)
    table = canonicalise(read_form(once.table, inputs.articles, inputs.schema.labels)).table
    golds = records_of(compute_gold(inputs, read_decisions(project), table).golds, Gold)
    return {gold.article_id: gold for gold in golds}


def compute_gold(inputs: BatchInputs, decisions: Sequence[Decision], judgements: pa.Table) -> AdjudicationResult:
    """Compute gold and disputes from canonical judgements and decisions."""
    by_id, offers = {article.id: article for article in inputs.articles}, inputs.offers
    labels, rules = inputs.schema.labels, inputs.schema.dataset.adjudication
    asked = without_unasked(judgements, offers, labels.entity_names, rules.min_annotators)
    result = adjudicate(asked.table, decisions, by_id, labels, rules, offers)
    return replace(result, spans=_with_reason(result.spans, UNASKED, asked.left_out))


def _with_reason(account: StageCounts, reason: str, number: int) -> StageCounts:
    """Return an account with so many more records that were set aside for a reason."""
    if not number:
        return account
    return replace(account, taken=account.taken + number, set_aside={**account.set_aside, reason: number})


def compute_agreement(inputs: BatchInputs, judgements: pa.Table) -> tuple[Agreement, ...]:
    """Compute every figure of agreement of canonical judgements."""
    lengths = {article.id: len(article.text) for article in inputs.articles}
    return tuple(agree(judgements, inputs.schema.labels, lengths, offers=inputs.offers))
