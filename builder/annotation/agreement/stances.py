"""Agreement on stances: Krippendorff's alpha over all annotators, Cohen's kappa between two.

A question is a pair of article and target. An unpublished value counts as a value. A missing answer is not counted.
"""

from collections.abc import Callable
from itertools import chain

import krippendorff
import numpy as np

from builder.annotation.agreement.bootstrap import Floats, Statistic
from builder.annotation.agreement.columns import Shared
from builder.annotation.agreement.pairs import Meeting, PairRows, pair_rows
from builder.annotation.columns import items
from builder.schema.labels import Labels

ALPHA = "Krippendorff's alpha, nominal"

KAPPA = "Cohen's kappa"

PERCENT = "share of equal answers"

UNIT = "pairs of article and target"

ROWS = 50_000
"""Pairs of judgements that are counted at once."""


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


def pairwise_statistics(shared: Shared, labels: Labels) -> list[Statistic]:
    """Return kappa and the share of equal answers of each pair of annotators, and of each against all others.

    Cohen 1960, "A coefficient of agreement for nominal scales". A row is the contingency table of the two
    annotators' answers. Against all others, it is the sum of the tables of all pairs with this annotator.
    """
    if labels.stances is None:
        return []
    pairs = pair_rows(shared)
    tables = _contingency(_given(shared, labels), pairs)
    parts: list[Statistic] = []
    for meeting in chain(pairs.pairs(), pairs.against_others()):
        is_pair = " " in meeting.who
        counts = (
            tables
            if is_pair
            else np.where(
                (pairs.left == pairs.names.index(meeting.who))[:, None, None], tables, tables.transpose(0, 2, 1)
            )
        )
        rows = meeting.added(counts.reshape(len(counts), -1))
        n = int(rows.sum())
        none = "no question was answered by both" if is_pair else "no question was answered by another too"
        why = "both gave only one value" if n else none
        parts.append(_part(KAPPA, "all", rows, _kappa, n, why, meeting))
        parts.append(_part(PERCENT, "all", rows, _percent, n, none, meeting))
    return parts


def _contingency(given: Floats, pairs: PairRows) -> Floats:
    """Return the table of the answers of each pair (rows of pairs x values of the first x values of the second)."""
    size = given.shape[3]
    tables = np.zeros((len(pairs.article), size, size))
    for begin in range(0, len(tables), ROWS):
        rows = slice(begin, begin + ROWS)
        one, other = (given[pairs.article[rows], place[rows]] for place in (pairs.first, pairs.second))
        tables[rows] = np.einsum("ntv,ntw->nvw", one, other)
    return tables


def _part(
    measure: str, label: str, rows: Floats, of: Callable[[Floats], Floats], n: int, why: str,
    meeting: Meeting | None = None,
) -> Statistic:  # fmt: skip
    """Return the statistic of a stance measure."""
    telling = int(np.count_nonzero(rows.any(axis=1)))
    who, articles = (meeting.who, meeting.articles) if meeting else ("", None)
    return Statistic(measure, label, rows, of, telling, n, UNIT, why, who, articles)


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


def _square(sums: Floats) -> Floats:
    """Turn flat rows into square contingency tables."""
    side = int(np.sqrt(sums.shape[-1]))
    return sums.reshape(*sums.shape[:-1], side, side)


def _kappa(sums: Floats) -> Floats:
    """Return Cohen's kappa of contingency tables, NaN if it is undefined."""
    table = _square(sums)
    total = table.sum(axis=(-2, -1))
    chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1)
    same = np.trace(table, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total**2 > chance, (same * total - chance) / (total**2 - chance), np.nan))


def _percent(sums: Floats) -> Floats:
    """Return the share of equal answers of contingency tables, NaN if there are none."""
    table = _square(sums)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1)))
