"""Agreement on stances: Krippendorff's alpha over all annotators, Cohen's kappa between two.

A question is a pair of article and target. An unpublished value counts as a value. A missing answer is not counted.
"""

from collections.abc import Callable
from itertools import chain

import krippendorff
import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats, PairFigure, Statistic, pair_figures
from builder.annotation.agreement.columns import Shared
from builder.annotation.agreement.pairs import Partners, pair_sums
from builder.annotation.columns import Ints, items
from builder.schema.labels import Labels

ALPHA = "Krippendorff's alpha, nominal"

KAPPA = "Cohen's kappa"

PERCENT = "share of equal answers"

UNIT = "pairs of article and target"


def alpha(counts: Floats) -> float | None:
    """Compute Krippendorff's nominal alpha of a table of counts (units x values), or None if it is undefined.

    Units with fewer than two answers are left out, as they have no pairs (Krippendorff 2011, "Computing
    Krippendorff's Alpha-Reliability"). Alpha is undefined if fewer than two values are left.

    >>> alpha(np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 0.0]]))
    1.0
    >>> alpha(np.array([[2.0, 0.0], [3.0, 0.0]])) is None
    True
    """
    paired = counts[counts.sum(axis=1) >= 2]
    if np.count_nonzero(paired.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=paired, level_of_measurement="nominal"))


def overall_statistics(shared: Shared, labels: Labels) -> list[Statistic]:
    """Return alpha over all questions, and over each target's.

    A row holds the number of pairable answers of each value, then
    the agreement, both added up over the article's questions. The agreement of a question with m answers is the sum
    of n (n - 1) / (m - 1) over values, where n answers have that value.
    """
    if labels.stances is None:
        return []
    given = _given(shared, labels)
    counts = given.sum(axis=1)
    answers = counts.sum(axis=2, keepdims=True)
    paired = np.where(answers >= 2, counts, 0.0)
    agreed = paired * (paired - 1) / np.maximum(answers - 1, 1)
    rows = np.concatenate([paired, agreed.sum(axis=2, keepdims=True)], axis=2)
    parts: list[Statistic] = []
    targets = range(len(labels.target_ids))
    for label, chosen in (("all", list(targets)), *((labels.target_ids[target], [target]) for target in targets)):
        units = int(np.count_nonzero(paired[:, chosen].sum(axis=2)))
        why = "only one value was given" if units else "no question was answered by two annotators"
        parts.append(_part(ALPHA, label, rows[:, chosen].sum(axis=1), _alpha, units, why))
    return parts


def pairwise_figures(shared: Shared, labels: Labels, weights: NDArray[np.uint16]) -> list[PairFigure]:
    """Return kappa and the share of equal answers of each pair of annotators, and of each against all others.

    Cohen 1960, "A coefficient of agreement for nominal scales". Counted are the questions that both answered: how often
    each gave each value, and how often both gave one. Against all others, the counts of all pairs are added up.
    """
    if labels.stances is None:
        return []
    answers, values = _answers(shared, labels), len(labels.stances.values)

    def count(own: Partners) -> Ints:
        """Return the number of equal answers of each pair, then of each value of the first and of the second."""
        one, other = answers[:, own.mine[own.one]], answers[:, own.other]
        both = (one >= 0) & (other >= 0)
        given = [both & (side == value) for side in (one, other) for value in range(values)]
        return np.stack([each.sum(axis=0, dtype=np.int32) for each in (both & (one == other), *given)], axis=1)

    flipped = (0, *range(1 + values, 1 + 2 * values), *range(1, 1 + values))
    figures: list[PairFigure] = []
    for part in pair_sums(shared, count, flipped, weights):
        n = part.sums[:, 0, 1 : 1 + values].sum(axis=1).astype(int).tolist()
        none = [f"no question was answered by {'both' if ' ' in who else 'another too'}" for who in part.who]
        why = ["both gave only one value" if number else nothing for number, nothing in zip(n, none, strict=True)]
        kappa = pair_figures(KAPPA, UNIT, part.who, _kappa(part.sums), part.telling, n, why)
        share = pair_figures(PERCENT, UNIT, part.who, _percent(part.sums), part.telling, n, none)
        figures += chain.from_iterable(zip(kappa, share, strict=True))
    return figures


def _answers(shared: Shared, labels: Labels) -> NDArray[np.int8]:
    """Return the number of the value that each judgement gives (targets x judgements), -1 where it gives none."""
    values = [value.name for value in labels.stances.values] if labels.stances else []
    given, said = np.full((len(labels.target_ids), len(shared.article)), -1, np.int8), items(shared.table, "stances")
    given[said.strings("target").among([*labels.target_ids]), said.row] = said.strings("value").among(values)
    return given


def _part(measure: str, label: str, rows: Floats, of: Callable[[Floats], Floats], n: int, why: str) -> Statistic:
    """Return the statistic of a stance measure."""
    return Statistic(measure, label, rows, of, int(np.count_nonzero(rows.any(axis=1))), n, UNIT, why)


def _given(shared: Shared, labels: Labels) -> Floats:
    """Return an array articles x judgements x targets x values with 1 where a value was given."""
    values = [value.name for value in labels.stances.values] if labels.stances else []
    given = np.zeros((len(shared.sizes), int(shared.sizes.max(initial=0)), len(labels.target_ids), len(values)))
    said = items(shared.table, "stances")
    article = shared.article[said.row]
    target, value = said.strings("target").among([*labels.target_ids]), said.strings("value").among(values)
    given[article, said.row - shared.first[article], target, value] = 1
    return given


def _alpha(sums: Floats) -> Floats:
    """Return nominal alpha from sums of pairable answers and agreement, NaN if it is undefined."""
    counts, agreed = sums[..., :-1], sums[..., -1]
    total = counts.sum(axis=-1)
    expected = total**2 - (counts**2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - agreed) * (total - 1) / expected, np.nan))


def _kappa(sums: Floats) -> Floats:
    """Return Cohen's kappa of equal answers and of each side's values, NaN if it is undefined."""
    same, (left, right) = sums[..., 0], np.split(sums[..., 1:], 2, axis=-1)
    total, chance = left.sum(axis=-1), (left * right).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total**2 > chance, (same * total - chance) / (total**2 - chance), np.nan))


def _percent(sums: Floats) -> Floats:
    """Return the share of equal answers, NaN if there are none."""
    with np.errstate(invalid="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1 : (sums.shape[-1] + 1) // 2].sum(axis=-1))
