"""The functions over tables of judgements, for tests that have records."""

from dataclasses import dataclass

import numpy as np

from builder.annotation.adjudication import adjudicate as adjudication
from builder.annotation.adjudication.dawid_skene import Model
from builder.annotation.agreement import measure, spans, stances
from builder.annotation.agreement.columns import marks_of, shared_of
from builder.annotation.migration import asked
from builder.annotation.migration.offered import EVERYTHING
from builder.annotation.quality import annotators, canonical, repeats
from builder.annotation.quality import check as checks
from builder.io.parquet import to_table
from builder.project.judgements import canonical_judgements, load_batch_inputs, save_accounts
from builder.records import BatchItem, Dispute, Gold, Issue, Judgement, StageCounts
from builder.records.arrow import arrow_schema, records_of


def table_of(judgements):
    """Judgements as a table."""
    return to_table(judgements, Judgement)


def form_of(judgements, articles, labels):
    """The form of judgements on articles by id."""
    return canonical.read_form(table_of(judgements), [*articles.values()], labels)


def check(judgements, articles, labels, link):
    """Every fault in the judgements."""
    return checks.check(form_of(judgements, articles, labels), link)


def canonicalise(judgements, articles, labels):
    """The canonical judgements, the accounts, and what was dropped."""
    found = canonical.canonicalise(form_of(judgements, articles, labels))
    return records_of(found.table, Judgement), [*found.accounts], [*found.dropped]


def separate_repeats(judgements, articles, labels):
    """The judgements that count, and the repeats."""
    found = repeats.separate_repeats(table_of(judgements), [*articles.values()], labels)
    return records_of(found.table, Judgement), [*found.set_aside]


def pace_warnings(judgements):
    """Warnings of annotators who are faster, or mark less, than others."""
    return annotators.pace_warnings(table_of(judgements))


def known_missed(judgements, known, articles, labels):
    """Warnings of annotators whose answers differ from known ones."""
    return annotators.known_missed(table_of(judgements), known, articles, labels)


def coverage(batch, judgements, items, assigned, overlap):
    """Warnings of articles with too few or too many annotators."""
    return annotators.coverage(batch, table_of(judgements), to_table(items, BatchItem), assigned, overlap)


def agree(judgements, labels, lengths, **options):
    """Every figure of agreement."""
    return measure.agree(table_of(judgements), labels, lengths, **options)


@dataclass(frozen=True)
class Settled:
    """The result of adjudication as records."""

    golds: tuple[Gold, ...]
    disputes: tuple[Dispute, ...]
    account: StageCounts
    spans: StageCounts
    applied: int
    issues: tuple[Issue, ...]
    model: Model | None = None


def settled_of(result):
    """The result of adjudication, whose tables become records."""
    assert result.golds.schema == arrow_schema(Gold)
    assert result.disputes.schema == arrow_schema(Dispute)
    golds, disputes = (
        tuple(records_of(table, kind)) for table, kind in ((result.golds, Gold), (result.disputes, Dispute))
    )
    return Settled(golds, disputes, result.account, result.spans, result.applied, result.issues, result.model)


def adjudicate(judgements, decisions, articles, labels, rules, offers=EVERYTHING):
    """Gold and disputes."""
    return settled_of(adjudication.adjudicate(table_of(judgements), decisions, articles, labels, rules, offers))


def asked_of(judgements, *given):
    """The labels that enough annotators of each article were asked for."""
    return asked.asked_of(table_of(judgements), *given)


def without_unasked(judgements, *given):
    """The judgements without spans of labels that too few were asked for, and how many are left out."""
    found = asked.without_unasked(table_of(judgements), *given)
    return records_of(found.table, Judgement), found.left_out


def shared(judged):
    """The judgements of each article, two or more, as columns."""
    return shared_of(table_of(judgement for own in judged for judgement in own))


def overall_statistics(judged, *given):
    """Span agreement over all annotators."""
    return spans.overall_statistics(shared(judged), *given)


def pairwise_statistics(judged, labels):
    """Span agreement of each pair of annotators."""
    found, _, weights = _drawn(judged, labels)
    return spans.pairwise_figures(found, marks_of(found, labels.entity_names), weights)


def stance_statistics(judged, labels):
    """Stance agreement over all annotators."""
    return stances.overall_statistics(shared(judged), labels)


def stance_pair_statistics(judged, labels):
    """Stance agreement of each pair of annotators."""
    return stances.pairwise_figures(*_drawn(judged, labels))


def _drawn(judged, labels):
    found = shared(judged)
    return found, labels, np.ones((len(found.sizes), 1), np.uint16)


def project_judgements(project, without=()):
    """The canonical judgements of a project, whose accounts are saved."""
    found = canonical_judgements(load_batch_inputs(project, without))
    save_accounts(project, found)
    return records_of(found.table, Judgement)
