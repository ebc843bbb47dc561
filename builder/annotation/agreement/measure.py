"""Inter-annotator agreement with confidence intervals: overall, pairwise, per batch and per week.

An undefined figure has the value None and a reason, never 0, 1 or NaN. The input is canonical judgements
(check.py), at most one for each annotator and article.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from builder.annotation.agreement import spans, stances
from builder.annotation.agreement.bootstrap import Statistic, intervals
from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.span_tables import span_tables
from builder.annotation.agreement.spans import UNITIZING, macro
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.records import Agreement, Judgement
from builder.schema.labels import Labels

DIGITS = 6
"""Decimals to which figures are rounded, so that they are equal on every machine."""

_SHOWN = frozenset({SPAN_F1, macro(SPAN_F1), UNITIZING, macro(UNITIZING), ALPHA})


def agree(
    judgements: Sequence[Judgement],
    labels: Labels,
    lengths: Mapping[str, int],
    *,
    seed: int = 13,
    resamples: int = 1000,
    offers: Offers = EVERYTHING,
) -> list[Agreement]:
    """Compute agreement over all judgements (batch "all"), and per batch and per week if there are several.

    `lengths` gives the length of each article's text in code points. For a label, only annotators count whose pages
    offered it, which `offers` tells.

    Layer "entities" has span F1 and unitizing alpha, for all labels (micro and macro) and for each label. F1
    compares the sets of (start, end, label) of every pair of annotators who judged the same article, with
    counts added up over pairs. Layer "stance" has alpha over (article, target), for all targets and for each
    target. An unpublished value is a value. `n` counts the articles, or the pairs of article and target, that
    at least two annotators judged. Strict F1, kappa and the share of equal answers are also computed between
    two annotators, and for one annotator against all others. An article belongs to the week of its last judgement.
    """
    by_article: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        by_article[judgement.article_id].append(judgement)
    shared = [judged for judged in by_article.values() if len(judged) > 1]
    tables = span_tables(shared, labels, lengths, offers=offers)
    parts = spans.statistics(tables) + stances.overall_statistics(shared, labels)
    figures = _resampled(parts, len(shared), "all", "", seed, resamples)
    pairs = spans.pairwise_statistics(shared, offers) + stances.pairwise_statistics(shared, labels)
    figures += _resampled(pairs, len(shared), "all", "", seed, resamples)
    batches = sorted({judgement.batch for judgement in judgements})
    for batch in batches if len(batches) > 1 else []:
        of_batch = [[j for j in judged if j.batch == batch] for judged in shared]
        several = [judged for judged in of_batch if len(judged) > 1]
        parts = spans.overall_statistics(several, labels, lengths, (SPAN_F1,), offers)
        parts += stances.overall_statistics(several, labels)
        figures += _resampled(parts, len(several), batch, "", seed, resamples)
    weeks = [_week(judged) for judged in shared]
    strict = replace(tables, f1={SPAN_F1: tables.f1[SPAN_F1]})
    for week in sorted(filter(None, {*weeks})) if len({*weeks} - {""}) > 1 else []:
        rows = np.array([number for number, of in enumerate(weeks) if of == week])
        parts = spans.statistics(strict.only(rows))
        parts += stances.overall_statistics([shared[number] for number in rows], labels)
        figures += _resampled([part for part in parts if part.label == "all"], len(rows), "all", week, seed, resamples)
    return figures


def headline(figure: Agreement) -> bool:
    """Return whether a figure is over all annotators and weeks, in a measure that the dataset card shows."""
    return figure.measure in _SHOWN and not figure.between and not figure.period


def _week(judged: Sequence[Judgement]) -> str:
    """Return the ISO week of an article's last judgement, or "" if the time of any is unknown."""
    try:
        year, week, _ = max(datetime.fromisoformat(judgement.created_at) for judgement in judged).isocalendar()
    except (ValueError, TypeError):  # exports made elsewhere may mix times with and without a time zone
        return ""
    return f"{year}-W{week:02}"


def _resampled(
    parts: Sequence[Statistic], articles: int, batch: str, period: str, seed: int, resamples: int
) -> list[Agreement]:
    """Turn statistics of so many articles into agreement figures with bootstrap intervals."""
    figures: list[Agreement] = []
    for part, interval in zip(parts, intervals(parts, articles, seed, resamples), strict=True):
        value = part.value
        low, high = interval if interval and value is not None else (None, None)
        layer = "stance" if part.unit == stances.UNIT else "entities"
        figures.append(Agreement(
            part.measure, layer, part.label, batch, _rounded(value), _rounded(low), _rounded(high), part.n, part.unit,
            "" if value is not None else part.why, part.between, period,
        ))  # fmt: skip
    return figures


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0
