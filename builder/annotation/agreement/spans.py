"""Agreement on spans: pairwise F1 in four matching modes, and Krippendorff's unitizing alpha.

Spans are compared as sets of (start, end, label), in code points, end exclusive. Nested spans count like others.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats, PairFigure, Statistic, pair_figures
from builder.annotation.agreement.columns import Marks, Shared, marks_of
from builder.annotation.agreement.matching import MODES, SPAN_F1
from builder.annotation.agreement.pairs import PairCounts, Partners, Weights, pair_sums
from builder.annotation.agreement.span_tables import SpanTables, span_tables
from builder.annotation.columns import Ints, same_as_above
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.io.lists import ranges
from builder.schema.labels import Labels

UNITIZING = "Krippendorff's alpha, unitizing"

UNIT = "articles"


Ratio = Callable[[Floats], tuple[Floats, Floats]]
"""A function from sums of rows (... x columns) to the numerator and denominator (...) of a figure."""


def macro(measure: str) -> str:
    """Return the name of a measure's mean over the labels for which it is defined."""
    return f"{measure}, macro"


def overall_statistics(
    shared: Shared,
    labels: Labels,
    lengths: Mapping[str, int],
    modes: Sequence[str] = MODES,
    offers: Offers = EVERYTHING,
) -> list[Statistic]:
    """Return F1 in these modes and unitizing alpha, each over all labels, as macro mean, and for each label.

    `lengths` gives the code points of each article's text.
    """
    return statistics(span_tables(shared, marks_of(shared, labels.entity_names, offers), labels, lengths, modes))


def statistics(tables: SpanTables) -> list[Statistic]:
    """Return the statistics that tables of counts give."""
    parts: list[Statistic] = []
    for mode, rows in tables.f1.items():
        parts += _parts(mode, tables, rows, rows[..., 1] > 0, _f1)
    telling = np.any(tables.unitizing[..., : len(tables.widths)] > 0, axis=2)
    return parts + _parts(UNITIZING, tables, tables.unitizing, telling, partial(_unitizing, tables.widths))


def pairwise_figures(shared: Shared, marks: Marks, weights: Weights) -> list[PairFigure]:
    """Return strict F1 of each pair of annotators, and of each annotator against all others (its pairs added up).

    Marks of a label that one of two annotators was not asked for do not count between them.
    """
    ends = np.append(
        np.flatnonzero(~same_as_above(marks.article, marks.start, marks.end, marks.label)), len(marks.judge)
    )
    after = np.repeat(ends[1:], np.diff(ends)) - np.arange(len(marks.judge)) - 1
    by_judge = np.argsort(marks.judge, kind="stable")
    made = np.bincount(marks.judge, minlength=len(shared.article))
    first, asked = np.cumsum(made) - made, _asked_of(marks, made)

    def count(own: Partners) -> PairCounts:
        """Return the equal marks of each pair, and those of each of both."""
        drawn = by_judge[ranges(first[own.mine], made[own.mine])]
        place = np.repeat(np.arange(len(own.mine)), made[own.mine])
        same = ranges(drawn + 1, after[drawn])
        of, left = (np.repeat(each, after[drawn]) for each in (place, marks.judge[drawn]))
        equal = np.bincount(own.begins[of] + marks.judge[same] - left - 1, minlength=len(own.one))
        one = own.mine[own.one]
        return PairCounts(equal, asked(one, own.other)[None], asked(own.other, one)[None])

    figures: list[PairFigure] = []
    for part in pair_sums(shared, made[None], count, weights):
        why = ["neither marked a span" if met else "no article in common" for met in part.met.tolist()]
        equal, ours, theirs = part.sums
        with np.errstate(invalid="ignore"):
            values = 2 * equal / (ours + theirs)
        figures += pair_figures(SPAN_F1, UNIT, part.who, values, part.telling, part.met.tolist(), why)
    return figures


def _asked_of(marks: Marks, made: Ints) -> Callable[[Ints, Ints], Ints]:
    """Return a function that counts the marks of judges, of the labels that the other of each pair was asked for."""
    if marks.asked.all():
        return lambda one, _: made[one]
    own = np.zeros(marks.asked.shape, np.int64)
    np.add.at(own, (marks.judge, marks.label), 1)
    return lambda one, other: (own[one] * marks.asked[other]).sum(axis=1)


def _parts(measure: str, tables: SpanTables, rows: Floats, telling: NDArray[np.bool_], ratio: Ratio) -> list[Statistic]:
    """Return the figures of rows (articles x labels x columns): over all labels, macro mean, and each label.

    `telling` (articles x labels) marks where an article contributes to a label.
    """
    articles, names = len(rows), tables.names
    why = "nobody marked a span" if articles else "no article was judged by two annotators"
    flat = rows.reshape(articles, rows.shape[1] * rows.shape[2])
    count = int(np.count_nonzero(telling.any(axis=1)))
    parts = [
        Statistic(measure, "all", flat, _of_all(ratio, len(names)), count, articles, UNIT, why),
        Statistic(macro(measure), "all", flat, _mean(ratio, len(names)), count, articles, UNIT, why),
    ]
    for column, name in enumerate(names):
        count, asked = int(np.count_nonzero(telling[:, column])), int(np.count_nonzero(tables.asked[:, column]))
        own = why if asked or not articles else "no article had two annotators who were asked for it"
        parts.append(Statistic(measure, name, flat, _of_label(ratio, len(names), column), count, asked, UNIT, own))
    return parts


def _of_all(ratio: Ratio, labels: int) -> Callable[[Floats], Floats]:
    """Return the micro-averaged figure: the sum of the labels' numerators divided by that of their denominators."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(top.sum(axis=-1) / bottom.sum(axis=-1))

    return of


def _of_label(ratio: Ratio, labels: int, column: int) -> Callable[[Floats], Floats]:
    """Return the figure of one label."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels)[..., column, :])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(top / bottom)

    return of


def _mean(ratio: Ratio, labels: int) -> Callable[[Floats], Floats]:
    """Return the macro-averaged figure: the mean over the labels for which it is defined."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels))
        defined = bottom > 0
        values = np.where(defined, top / np.where(defined, bottom, 1), 0).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            return np.asarray(values / defined.sum(axis=-1))

    return of


def _of_labels(sums: Floats, labels: int) -> Floats:
    """Split the last axis into labels x columns."""
    return sums.reshape(*sums.shape[:-1], labels, -1)


def _f1(sums: Floats) -> tuple[Floats, Floats]:
    """Return the credit and the number of marks, the numerator and denominator of F1."""
    return sums[..., 0], sums[..., 1]


def _unitizing(widths: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """Return expected minus observed disagreement, and expected disagreement, of a label's units.

    All articles form one continuum. Krippendorff 2004, "Measuring the reliability of qualitative text analysis
    data", Quality and Quantity 38, with the total judged length in place of m L, as not all annotators judge each
    article.
    """
    units, positions = sums[..., : len(widths)], sums[..., len(widths) : 2 * len(widths)]
    apart, length, judged = np.moveaxis(sums[..., 2 * len(widths) :], -1, 0)
    others = (units.sum(axis=-1) - 1) / 3
    met = others * (units @ (2 * widths**3 - 3 * widths**2 + widths))
    alone = (units * positions) @ widths**2
    free = judged * (judged - 1) - units @ (widths * (widths - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(units.any(axis=-1) & (free > 0), 2 * (met + alone) / (length * free), 0.0)
        return expected - np.where(expected > 0, apart / length**2, 0.0), expected
