"""Adjudication of judgements and decisions into gold annotations and open disputes. No tie is broken at random.

An answer becomes gold if enough annotators of the article gave it, if the Dawid and Skene model is confident
enough of it, or if an adjudicator decided it. The input is canonical judgements (canonical.py), at most one for
each annotator and article.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.adjudication.dawid_skene import Model
from builder.annotation.adjudication.decisions import MergedDecisions, not_applied_warning, read_decisions
from builder.annotation.adjudication.overriding import override, tally
from builder.annotation.adjudication.votes.voted import Voted, vote_on
from builder.annotation.columns import Bools, coded, of_articles
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.annotation.questions import targets_for
from builder.io.parquet import to_table
from builder.records import Article, Decision, Dispute, Gold, Issue, StageCounts
from builder.records.arrow import records_of
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True, eq=False)
class AdjudicationResult:
    """The result of adjudication; `golds` and `disputes` have the Arrow schemas of Gold and Dispute, by article.

    A gold annotation whose article has an open dispute holds only the settled answers. The release decides
    whether to publish it. `account` counts articles, `spans` counts the distinct labelled spans of the
    articles with gold. `model` is set if a model settled the stances.
    """

    golds: pa.Table
    disputes: pa.Table
    account: StageCounts
    spans: StageCounts
    applied: int
    issues: tuple[Issue, ...]
    model: Model | None = None

    def records(self, articles: Iterable[str]) -> tuple[list[Gold], list[Dispute]]:
        """Return the gold and the disputes of some articles as records."""
        golds, disputes = (of_articles(table, articles) for table in (self.golds, self.disputes))
        return records_of(golds, Gold), records_of(disputes, Dispute)


@dataclass(frozen=True, slots=True)
class _Case:
    """What votes alone make of an article with decisions, and the decisions."""

    gold: Gold
    disputes: list[Dispute]
    decision: MergedDecisions


@dataclass(frozen=True, slots=True)
class _Settled:
    """The gold of an article with decisions, its open disputes, and the counts of its labelled spans."""

    gold: Gold
    disputes: list[Dispute]
    spans: Counter[str]


def adjudicate(
    judgements: pa.Table,
    decisions: Sequence[Decision],
    articles: Mapping[str, Article],
    labels: Labels,
    rules: Adjudication,
    offers: Offers = EVERYTHING,
) -> AdjudicationResult:
    """Compute gold annotations and disputes for every article with judgements or decisions, sorted by article.

    Spans: a label becomes gold with the votes of `rules.votes` annotators of the article, or of more than
    half if `rules.votes` is not set. If as many annotators did not give the label, it is outvoted and only
    recorded in `votes`. Otherwise the boundaries are disputed. They are also disputed if as many annotators
    marked them but no label wins, or if two labels win that no annotator gave together.

    Stances: by majority, the value given by more than half of those who answered wins. By model, the value
    to which the Dawid and Skene model, fitted to all answers, assigns a probability of at least SURE wins.
    A tie is disputed, and so is a winning value that is not published.

    Questions on the whole article: by majority of those who answered, each value alone where several answers are
    allowed.

    A decision overrides the items it covers and closes their disputes: all spans of the article, or the passages of
    its scope, its stances, and its answers. Contradicting decisions are all ignored. An article with fewer than
    `rules.min_annotators` annotators gets no gold, unless a decision lists all its spans, or it is of an imported set.
    In that case only its decided stances and answers become gold.
    """
    voted = vote_on(judgements, articles, labels, rules, offers)
    decided, issues = read_decisions(decisions, articles, labels)
    reason = f"fewer than {rules.min_annotators} annotators"
    enough = voted.people >= rules.min_annotators
    settled: list[_Settled] = []
    applied = 0
    for case in _cases(voted, decided, articles, labels):
        decision, annotators = case.decision, case.gold.annotators
        adopted = decision.is_imported and not annotators
        if annotators < rules.min_annotators and decision.spans is None and not adopted:
            issues += [not_applied_warning(case.gold.article_id, reason)] if decision.decisions else []
            continue
        gold, still_open = override(case.gold, case.disputes, decision)
        settled.append(_Settled(gold, [] if adopted else still_open, tally(gold, still_open, decision)))
        applied += decision.decisions
    plain = enough & np.array([name not in decided for name in voted.ids], bool)
    golds, disputes = _tables(voted, plain, settled)
    known = len({*voted.ids, *decided})
    short = known - golds.num_rows
    issues.sort(key=lambda issue: (issue.article_id, issue.annotator, issue.where, issue.message))
    return AdjudicationResult(
        golds=golds,
        disputes=disputes,
        account=StageCounts("adjudicate", "articles", known, golds.num_rows, {reason: short} if short else {}),
        spans=_span_counts(voted, plain, settled),
        applied=applied,
        issues=tuple(issues),
        model=voted.model,
    )


def _cases(
    voted: Voted, decided: Mapping[str, MergedDecisions], articles: Mapping[str, Article], labels: Labels
) -> Iterator[_Case]:
    """Yield what the votes made of each article with decisions, sorted: its gold and its disputes."""
    rows = np.flatnonzero([name in decided for name in voted.ids])
    golds = {gold.article_id: gold for gold in records_of(voted.golds.take(rows), Gold)}
    disputes: dict[str, list[Dispute]] = {}
    for dispute in records_of(voted.disputes.filter(pa.array(np.isin(voted.disputed, rows))), Dispute):
        disputes.setdefault(dispute.article_id, []).append(dispute)
    for article_id in sorted(decided):
        if article_id in golds:
            yield _Case(golds[article_id], disputes.get(article_id, []), decided[article_id])
        else:
            gold, asked = _unjudged(articles[article_id], labels)
            yield _Case(gold, asked, decided[article_id])


def _unjudged(article: Article, labels: Labels) -> tuple[Gold, list[Dispute]]:
    """Return the gold of an article that nobody judged, in which everything that it asks is open."""
    asked = [f"stance:{target.id}" for target in targets_for(article, labels)]
    asked += [f"question:{question.id}" for question in labels.questions]
    gold = Gold(article.id, article.text_sha, (), (), "agreed", (), 0)
    return gold, [Dispute(article.id, what, {}) for what in asked]


def _tables(voted: Voted, plain: Bools, settled: Sequence[_Settled]) -> tuple[pa.Table, pa.Table]:
    """Return gold and disputes, by article: those of the votes on `plain` articles, and those under decisions."""
    golds, disputes = (
        table.filter(pa.array(rows)) for table, rows in ((voted.golds, plain), (voted.disputes, plain[voted.disputed]))
    )
    if settled:
        golds = _by_article(golds, to_table((one.gold for one in settled), Gold))
        disputes = _by_article(disputes, to_table((d for one in settled for d in one.disputes), Dispute))
    return golds, disputes


def _by_article(*tables: pa.Table) -> pa.Table:
    """Return the rows of tables sorted by article; those of an article stay in order."""
    table = pa.concat_tables(tables).combine_chunks()
    return table.take(np.argsort(coded(table["article_id"]).codes, kind="stable"))


def _span_counts(voted: Voted, plain: Bools, settled: Sequence[_Settled]) -> StageCounts:
    """Count the distinct labelled spans of the articles with gold."""
    counts = Counter({end: int(number[plain].sum()) for end, number in voted.spans.items()})
    for one in settled:
        counts += one.spans
    kept = counts.pop("gold", 0)
    dropped = {reason: number for reason, number in sorted(counts.items()) if number}
    return StageCounts("adjudicate", "spans", kept + sum(dropped.values()), kept, dropped)
