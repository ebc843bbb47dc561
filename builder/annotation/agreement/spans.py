"""Agreement on spans: pairwise F1 in four matching modes, and Krippendorff's unitizing alpha.

Spans are compared as sets of (start, end, label), in code points, end exclusive. Nested spans count like others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats, Statistic
from builder.annotation.agreement.matching import matches
from builder.records import Judgement, Mark, mark_set
from builder.schema.labels import Labels

SPAN_F1 = "span F1, strict, pairwise"

SPAN_F1_EXACT = "span F1, exact, pairwise"

SPAN_F1_PARTIAL = "span F1, partial, pairwise"

SPAN_F1_TYPE = "span F1, type, pairwise"

MODES = (SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE)
"""Matching modes, named as in SemEval-2013 task 9 and nervaluate.

Strict: same edges and label. Exact: same edges. Partial: overlapping edges, which count one half unless they are
equal. Type: overlapping edges and the same label.
"""

UNITIZING = "Krippendorff's alpha, unitizing"

UNIT = "articles"


Edges = tuple[int, int]


Ratio = Callable[[Floats], tuple[Floats, Floats]]
"""A function from sums of rows (... x columns) to the numerator and denominator (...) of a figure."""


def macro(measure: str) -> str:
    """Return the name of a measure's mean over the labels for which it is defined."""
    return f"{measure}, macro"


def overall_statistics(
    shared: Sequence[Sequence[Judgement]], labels: Labels, lengths: Mapping[str, int], modes: Sequence[str] = MODES
) -> list[Statistic]:
    """Return F1 in these modes and unitizing alpha, each over all labels, as macro mean, and for each label.

    `shared` holds the judgements of each article, two or more. `lengths` gives the code points of each article's text.
    """
    marked = [[mark_set(judgement.spans) for judgement in judged] for judged in shared]
    names = labels.entity_names
    parts: list[Statistic] = []
    for mode, rows in _f1_rows(marked, names, modes).items():
        parts += _parts(mode, names, rows, rows[..., 1] > 0, _f1)
    rows, widths = _unitizing_rows(marked, [lengths[judged[0].article_id] for judged in shared], names)
    return parts + _parts(
        UNITIZING, names, rows, np.any(rows[..., : len(widths)] > 0, axis=2), partial(_unitizing, widths)
    )


def pairwise_statistics(shared: Sequence[Sequence[Judgement]]) -> list[Statistic]:
    """Return strict F1 of each pair of annotators, and of each annotator against all others (its pairs added up)."""
    names = sorted({judgement.annotator for judged in shared for judgement in judged})
    rows: dict[str, Floats] = {}
    for left, right in combinations(names, 2):
        rows[f"{left} {right}"] = np.zeros((len(shared), 2))
    for number, judged in enumerate(shared):
        marks = sorted((judgement.annotator, mark_set(judgement.spans)) for judgement in judged)
        for (left, left_marks), (right, right_marks) in combinations(marks, 2):
            counts = 2 * len(left_marks & right_marks), len(left_marks) + len(right_marks)
            rows[f"{left} {right}"][number] += counts
    met = {pair: sum(set(pair.split()) <= {j.annotator for j in judged} for judged in shared) for pair in rows}
    for name in names if len(names) > 2 else []:
        rows[name] = sum((rows[pair] for pair in rows if name in pair.split()), np.zeros((len(shared), 2)))
        met[name] = sum(name in {j.annotator for j in judged} for judged in shared)
    return [
        Statistic(SPAN_F1, "all", table, _of_all(_f1, 1), np.count_nonzero(table[:, 1]), met[who], UNIT,
             "neither marked a span" if met[who] else "no article in common", who)
        for who, table in rows.items()
    ]  # fmt: skip


def _credits(left: frozenset[Mark], right: frozenset[Mark], modes: Sequence[str]) -> Iterable[tuple[str, str, float]]:
    """Yield (mode, label, credit) for the matched marks of two annotators.

    A mark counts 1 if it matches, and one half in a partial match with other edges. The two marks of a strict match
    are yielded together.
    """
    for mark in left & right:
        yield SPAN_F1, mark[2], 2.0
    if len(modes) == 1:
        return
    for mode, pairs in zip(MODES[1:], matches(left, right), strict=True):
        for a, b in pairs:
            worth = 0.5 if mode == SPAN_F1_PARTIAL and a[:2] != b[:2] else 1.0
            yield mode, a[2], worth
            yield mode, b[2], worth


def _f1_rows(
    marked: Sequence[Sequence[frozenset[Mark]]], names: Sequence[str], modes: Sequence[str]
) -> dict[str, Floats]:
    """Return for each mode an array articles x labels x (credit, number of marks), added up over pairs of annotators."""
    columns = {name: column for column, name in enumerate(names)}
    rows: dict[str, Floats] = {mode: np.zeros((len(marked), len(names), 2)) for mode in modes}
    totals = np.zeros((len(marked), len(names)))
    for article, judged in enumerate(marked):
        for left, right in combinations(judged, 2):
            for mode, label, worth in _credits(left, right, modes):
                rows[mode][article, columns[label], 0] += worth
            for _, _, label in (*left, *right):
                totals[article, columns[label]] += 1
    for table in rows.values():
        table[..., 1] = totals
    return rows


def _unitizing_rows(
    marked: Sequence[Sequence[frozenset[Mark]]], sizes: Sequence[int], names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Return the counts from which unitizing alpha is computed (articles x labels x columns), and the unit lengths.

    Units of one label must not overlap, so of nested or crossing ones the outermost, then the first, counts. The
    columns of a label are, for each unit length, the number of units, then for each unit length the number of
    positions for it in the gaps between units. They are followed by twice the mean disagreement of two annotators,
    the length of the article, and that length times its number of annotators. See _unitizing.
    """
    units = [[_units(marks) for marks in judged] for judged in marked]
    lengths = sorted(
        {end - start for judged in units for by_label in judged for spans in by_label.values() for start, end in spans}
    )
    widths = np.array(lengths, dtype=np.int64)
    rows = np.zeros((len(marked), len(names), 2 * len(lengths) + 3))
    for article, (judged, size) in enumerate(zip(units, sizes, strict=True)):
        rows[article, :, -2], rows[article, :, -1] = size, size * len(judged)
        pairs = len(judged) * (len(judged) - 1)
        empty = len(judged) * np.maximum(size - widths + 1, 0)
        for column, name in enumerate(names):
            row, spans = rows[article, column], [by_label.get(name, []) for by_label in judged]
            if not any(spans):
                row[len(lengths) : 2 * len(lengths)] = empty
                continue
            gaps = [_gaps(edges, size) for edges in spans]
            free = np.array([end - start for edges in gaps for start, end in edges], dtype=np.int64)
            used = np.array([end - start for edges in spans for start, end in edges])
            row[: len(lengths)] = np.bincount(np.searchsorted(widths, used), minlength=len(lengths))
            row[len(lengths) : 2 * len(lengths)] = np.maximum(free[:, None] - widths + 1, 0).sum(axis=0)
            row[-3] = 2 * sum(_disagreement(spans[i], spans[j]) for i, j in combinations(range(len(spans)), 2)) / pairs
    return rows, widths.astype(float)


def _units(marks: Iterable[Mark]) -> dict[str, list[Edges]]:
    """Return the units of each label in order, without those that overlap an earlier one."""
    units: dict[str, list[Edges]] = defaultdict(list)
    for start, end, label in sorted(marks, key=lambda mark: (mark[0], -mark[1])):
        if not units[label] or start >= units[label][-1][1]:
            units[label].append((start, end))
    return units


def _gaps(units: Sequence[Edges], size: int) -> list[Edges]:
    """Return the sections of a text of `size` code points that no unit covers."""
    edges = [0, *(edge for unit in units for edge in unit), size]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _disagreement(left: Sequence[Edges], right: Sequence[Edges]) -> int:
    """Add up the squared distances between edges of overlapping units, and the squared lengths of unmatched units."""
    if left == right:
        return 0
    total, first, met = 0, 0, [False] * len(right)
    for start, end in left:
        while first < len(right) and right[first][1] <= start:
            first += 1
        after = first
        while after < len(right) and right[after][0] < end:
            total += (start - right[after][0]) ** 2 + (end - right[after][1]) ** 2
            met[after] = True
            after += 1
        if after == first:
            total += (end - start) ** 2
    return total + sum((end - start) ** 2 for (start, end), seen in zip(right, met, strict=True) if not seen)


def _parts(
    measure: str, names: Sequence[str], rows: Floats, telling: NDArray[np.bool_], ratio: Ratio
) -> list[Statistic]:
    """Return the figures of rows (articles x labels x columns): over all labels, macro mean, and each label.

    `telling` (articles x labels) marks where an article contributes to a label.
    """
    articles = len(rows)
    why = "nobody marked a span" if articles else "no article was judged by two annotators"
    flat = rows.reshape(articles, rows.shape[1] * rows.shape[2])
    count = int(np.count_nonzero(telling.any(axis=1)))
    parts = [
        Statistic(measure, "all", flat, _of_all(ratio, len(names)), count, articles, UNIT, why),
        Statistic(macro(measure), "all", flat, _mean(ratio, len(names)), count, articles, UNIT, why),
    ]
    for column, name in enumerate(names):
        count = int(np.count_nonzero(telling[:, column]))
        parts.append(Statistic(measure, name, rows[:, column], _of_all(ratio, 1), count, articles, UNIT, why))
    return parts


def _of_all(ratio: Ratio, labels: int) -> Callable[[Floats], Floats]:
    """Return the micro-averaged figure: the sum of the labels' numerators divided by that of their denominators."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(top.sum(axis=-1) / bottom.sum(axis=-1))

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
