"""Inter-annotator agreement with confidence intervals: overall, pairwise, per batch and per week.

An undefined figure has the value None and a reason, never 0, 1 or NaN. The input is canonical judgements
(canonical.py), at most one for each annotator and article.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from builder.annotation.agreement import questions, spans, stances
from builder.annotation.agreement.bootstrap import Interval, PairFigure, Statistic, draw, intervals
from builder.annotation.agreement.columns import Marks, Shared, marks_of, shared_of
from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.pairs import Weights, pairs_met
from builder.annotation.agreement.questions import ALPHA_MASI
from builder.annotation.agreement.span_tables import span_tables
from builder.annotation.agreement.spans import UNITIZING, macro
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.columns import coded
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.records import Agreement, StageCounts
from builder.schema.labels import Labels

DIGITS = 6
"""Decimals to which figures are rounded, so that they are equal on every machine."""

_UNKNOWN, _PLAIN, _ZONED = range(3)
"""What is known of a time: nothing, a time without a zone, a time with one."""

_SHOWN = frozenset({SPAN_F1, macro(SPAN_F1), UNITIZING, macro(UNITIZING), ALPHA, ALPHA_MASI})

_LAYERS = {stances.UNIT: "stance", questions.UNIT: "questions"}
"""The layers of units; all others are those of entities."""


def agree(
    judgements: pa.Table,
    labels: Labels,
    lengths: Mapping[str, int],
    *,
    seed: int = 13,
    resamples: int = 1000,
    offers: Offers = EVERYTHING,
    pairs: bool = True,
) -> list[Agreement]:
    """Compute agreement over all judgements (batch "all"), and per batch and per week if there are several.

    `lengths` gives the length of each article's text in code points. For a label, only annotators count whose pages
    offered it, which `offers` tells.

    Layer "entities" has span F1 and unitizing alpha, for all labels (micro and macro) and for each label. F1
    compares the sets of (start, end, label) of every pair of annotators who judged the same article, with
    counts added up over pairs. Layer "stance" has alpha over (article, target), for all targets and for each
    target. An unpublished value is a value. `n` counts the articles, or the pairs of article and target, that
    at least two annotators judged. Layer "questions" has alpha over each question on the whole article. With `pairs`,
    strict F1, kappa and the share of equal answers are also computed between two annotators, and for one annotator
    against all others. An article belongs to the week of its last judgement.
    """
    shared = shared_of(judgements)
    articles = len(shared.sizes)
    marks = marks_of(shared, labels.entity_names, offers)
    tables = span_tables(shared, marks, labels, lengths)
    parts = spans.statistics(tables) + _of_answers(shared, labels)
    figures = _resampled(parts, articles, "all", "", seed, resamples)
    figures += _pairwise(shared, marks, labels, draw(articles, seed, resamples)) if articles and pairs else []
    batches, batch = coded(judgements["batch"]).names, coded(shared.table["batch"])
    for name in batches if len(batches) > 1 else []:
        several = shared.only(batch.among([name]) == 0)
        parts = spans.overall_statistics(several, labels, lengths, (SPAN_F1,), offers)
        parts += _of_answers(several, labels)
        figures += _resampled(parts, len(several.sizes), name, "", seed, resamples)
    weeks = _weeks(shared)
    strict = replace(tables, f1={SPAN_F1: tables.f1[SPAN_F1]})
    for week in sorted(filter(None, {*weeks})) if len({*weeks} - {""}) > 1 else []:
        chosen = np.array([of == week for of in weeks])
        rows = np.flatnonzero(chosen)
        parts = spans.statistics(strict.only(rows))
        parts += _of_answers(shared.only(chosen[shared.article]), labels)
        figures += _resampled(
            [part for part in parts if part.label == "all" or part.unit == questions.UNIT],
            len(rows),
            "all",
            week,
            seed,
            resamples,
        )
    return figures


def _of_answers(shared: Shared, labels: Labels) -> list[Statistic]:
    """Return alpha over stances, then over each question on the whole article."""
    return stances.overall_statistics(shared, labels) + questions.overall_statistics(shared, labels)


def pairs_account(judgements: pa.Table) -> StageCounts:
    """Return how many pairs of annotators `agree` measures: in a crowd, those who have an article in common."""
    return pairs_met(shared_of(judgements))


def headline(figure: Agreement) -> bool:
    """Return whether a figure is over all annotators and weeks, in a measure that the dataset card shows."""
    return figure.measure in _SHOWN and not figure.between and not figure.period


def _weeks(shared: Shared) -> list[str]:
    """Return the ISO week of each article's last judgement, or "" if the time of any is unknown."""
    written = coded(shared.table["created_at"])
    times = [_time(name) for name in written.names]
    moments = np.array([time.moment for time in times], np.int64)[written.codes]
    kinds = np.array([time.kind for time in times], np.int64)[written.codes]
    order = np.lexsort((-np.arange(len(moments)), moments, shared.article))  # of equal times the first counts
    last = order[shared.first[1:] - 1]
    begins = shared.first[:-1]
    if not len(begins):
        return []
    known = np.maximum.reduceat(kinds, begins) == np.minimum.reduceat(kinds, begins)
    known &= kinds[begins] != _UNKNOWN
    return [times[code].week if knows else "" for code, knows in zip(written.codes[last].tolist(), known, strict=True)]


@dataclass(frozen=True, slots=True)
class _Time:
    """A time as microseconds since 1970, whether its zone is known, and its ISO week."""

    moment: int = 0
    kind: int = _UNKNOWN
    week: str = ""


def _time(written: str) -> _Time:
    """Return what a server's timestamp says; one without a zone cannot be compared with one that has it."""
    try:
        time = datetime.fromisoformat(written)
    except ValueError:
        return _Time()
    year, week, _ = time.isocalendar()
    start = datetime(1970, 1, 1, tzinfo=UTC if time.tzinfo else None)
    return _Time((time - start) // timedelta(microseconds=1), _ZONED if time.tzinfo else _PLAIN, f"{year}-W{week:02}")


def _pairwise(shared: Shared, marks: Marks, labels: Labels, weights: Weights) -> list[Agreement]:
    """Return the figures of each pair of annotators, and of each annotator against all others."""
    found = spans.pairwise_figures(shared, marks, weights) + stances.pairwise_figures(shared, labels, weights)
    return [_figure(each, "all", each.value, each.interval, "all", each.between, "") for each in found]


def _resampled(
    parts: Sequence[Statistic], articles: int, batch: str, period: str, seed: int, resamples: int
) -> list[Agreement]:
    """Turn statistics of so many articles into agreement figures with bootstrap intervals."""
    found = zip(parts, intervals(parts, articles, seed, resamples), strict=True)
    return [_figure(part, part.label, part.value, interval, batch, "", period) for part, interval in found]


def _figure(
    part: Statistic | PairFigure,
    label: str,
    value: float | None,
    interval: Interval,
    batch: str,
    between: str,
    period: str,
) -> Agreement:
    low, high = interval if interval and value is not None else (None, None)
    layer = _LAYERS.get(part.unit, "entities")
    return Agreement(
        part.measure, layer, label, batch, _rounded(value), _rounded(low), _rounded(high), part.n, part.unit,
        "" if value is not None else part.why, between, period,
    )  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS) + 0.0
