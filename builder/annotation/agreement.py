"""How well annotators agree, with intervals: strict span F1 and nominal alpha.

Undefined is said, never given as 0, 1 or NaN. Expects canonical judgements (check.py), one for
each annotator and article. Intervals are 95 % percentile bootstrap (Efron and Tibshirani 1993,
chapter 13) over documents, as the judgements of one article are not independent.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import krippendorff
import numpy as np
from numpy.typing import NDArray

from builder.records import Agreement, Judgement, Span
from builder.schema import Labels

Floats = NDArray[np.float64]
SPAN_F1 = "span F1, strict, pairwise"
ALPHA = "Krippendorff's alpha, nominal"
DIGITS = 6
"""Decimals of a figure, so that it is the same on every machine."""
_CELLS = 4_000_000
"""Cells of the resampling matrix that are held at once."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """One figure, and what resampling needs: summable counts, a row for each article that two judged."""

    label: str
    value: float | None
    why: str
    n: int
    rows: Floats


def agree(judgements: Sequence[Judgement], labels: Labels, *, seed: int = 13, resamples: int = 1000) -> list[Agreement]:
    """Agreement over all judgements (batch "all"), and over each batch where there are several.

    Layer "entities": F1 over the sets of (start, end, label) of every pair of annotators who judged
    the same article, counts added up over pairs; for all labels and for each. Layer "stance": alpha
    over (article, target), for all targets and for each; an unpublished value is a value. `n` counts
    the articles, or the pairs of article and target, that at least two judged.
    """
    batches = sorted({judgement.batch for judgement in judgements})
    figures = _of_batch("all", judgements, labels, seed, resamples)
    for batch in batches if len(batches) > 1 else []:
        figures += _of_batch(batch, [j for j in judgements if j.batch == batch], labels, seed, resamples)
    return figures


def alpha(counts: Floats) -> float | None:
    """Krippendorff's alpha, nominal, of a table units x values of how often each was given; None when undefined.

    Units with fewer than two answers pair with nothing and are left out (Krippendorff 2011,
    "Computing Krippendorff's Alpha-Reliability"). Undefined where fewer than two values are left.

    >>> alpha(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]]))
    1.0
    >>> alpha(np.array([[2.0, 0.0], [3.0, 0.0]])) is None
    True
    """
    paired = counts[counts.sum(axis=1) >= 2]
    if np.count_nonzero(paired.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=paired, level_of_measurement="nominal"))


def _of_batch(
    batch: str, judgements: Sequence[Judgement], labels: Labels, seed: int, resamples: int
) -> list[Agreement]:
    by_article: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        by_article[judgement.article_id].append(judgement)
    shared = [found for found in by_article.values() if len(found) > 1]
    figures: list[Agreement] = []
    for measure, layer, unit, parts in (
        (SPAN_F1, "entities", "articles", _span_counts(shared, labels)),
        (ALPHA, "stance", "pairs of article and target", _stance_counts(shared, labels)),
    ):
        intervals = _intervals(measure, parts, seed, resamples)
        for part, (low, high) in zip(parts, intervals, strict=True):
            value = None if part.value is None else round(part.value, DIGITS)
            figures.append(Agreement(measure, layer, part.label, batch, value, low, high, part.n, unit, part.why))
    return figures


def _marks(spans: Sequence[Span]) -> set[tuple[int, int, str]]:
    return {(span.start, span.end, span.label) for span in spans}


def _span_counts(shared: Sequence[Sequence[Judgement]], labels: Labels) -> list[_Counts]:
    """Rows are (2 x marked by both, marked by either annotator), summed over pairs of annotators."""
    names = labels.entity_names
    columns = {name: place for place, name in enumerate(names)}
    rows = np.zeros((len(shared), len(names), 2))
    for place, judged in enumerate(shared):
        for one, other in combinations([_marks(j.spans) for j in judged], 2):
            for _, _, name in one & other:
                rows[place, columns[name], 0] += 2
            for _, _, name in (*one, *other):
                rows[place, columns[name], 1] += 1
    tables = [("all", rows.sum(axis=1)), *((name, rows[:, column]) for name, column in columns.items())]
    parts: list[_Counts] = []
    for label, table in tables:
        both, either = table.sum(axis=0)
        why = "" if either else "nobody marked a span" if shared else "no article was judged by two annotators"
        parts.append(_Counts(label, float(both / either) if either else None, why, len(shared), table))
    return parts


def _stance_counts(shared: Sequence[Sequence[Judgement]], labels: Labels) -> list[_Counts]:
    """Rows are each value's pairable answers, then the agreement, summed over an article's units.

    The agreement of a unit with m answers, n of them equal, is the sum of n (n - 1) / (m - 1).
    """
    if labels.stances is None:
        return []
    values = {value.name: column for column, value in enumerate(labels.stances.values)}
    targets = {target: column for column, target in enumerate(labels.target_ids)}
    counts = np.zeros((len(shared), len(targets), len(values)))
    for place, judged in enumerate(shared):
        for stance in (stance for judgement in judged for stance in judgement.stances):
            counts[place, targets[stance.target], values[stance.value]] += 1
    answers = counts.sum(axis=2, keepdims=True)
    paired = np.where(answers >= 2, counts, 0.0)
    agreed = paired * (paired - 1) / np.maximum(answers - 1, 1)
    rows = np.concatenate([paired, agreed.sum(axis=2, keepdims=True)], axis=2)
    parts: list[_Counts] = []
    for label, chosen in (("all", list(targets.values())), *((name, [column]) for name, column in targets.items())):
        table = paired[:, chosen].reshape(-1, len(values))
        units = int(np.count_nonzero(table.sum(axis=1)))
        value = alpha(table)
        why = "no question was answered by two annotators" if not units else "only one value was given"
        parts.append(_Counts(label, value, "" if value is not None else why, units, rows[:, chosen].sum(axis=1)))
    return parts


def _values(measure: str, sums: Floats) -> Floats:
    """The figure for each row of summed counts, NaN where it is undefined."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if measure == SPAN_F1:
            return np.asarray(sums[..., 0] / sums[..., 1])
        counts, agreed = sums[..., :-1], sums[..., -1]
        total = counts.sum(axis=-1)
        expected = (total**2 - (counts**2).sum(axis=-1)) / (total - 1)
        return np.asarray(np.where(expected > 0, 1 - (total - agreed) / expected, np.nan))


def _intervals(
    measure: str, parts: Sequence[_Counts], seed: int, resamples: int
) -> list[tuple[float | None, float | None]]:
    """The middle 95 % of each figure over resampled articles; none where fewer than two say anything."""
    articles = len(parts[0].rows) if parts else 0
    if articles < 2:
        return [(None, None)] * len(parts)
    numbers = np.random.default_rng(seed)
    drawn: list[list[Floats]] = [[] for _ in parts]
    for start in range(0, resamples, step := max(1, _CELLS // articles)):
        size = min(step, resamples - start)
        picks = numbers.integers(articles, size=(size, articles)) + np.arange(size)[:, None] * articles
        weights = np.bincount(picks.ravel(), minlength=size * articles).reshape(size, articles).astype(float)
        for part, values in zip(parts, drawn, strict=True):
            values.append(_values(measure, weights @ part.rows))
    return [_middle(part, np.concatenate(values)) for part, values in zip(parts, drawn, strict=True)]


def _middle(part: _Counts, values: Floats) -> tuple[float | None, float | None]:
    defined = values[~np.isnan(values)]
    if part.value is None or np.count_nonzero(part.rows.any(axis=1)) < 2 or not len(defined):
        return None, None
    low, high = np.percentile(defined, (2.5, 97.5))
    return round(float(low), DIGITS), round(float(high), DIGITS)
