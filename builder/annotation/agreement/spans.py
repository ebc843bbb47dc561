"""How well annotators agree on spans: pairwise F1 in four modes, and Krippendorff's unitizing alpha.

Spans are sets of (start, end, label), in code points, end exclusive; nested ones count like any other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats, Part
from builder.records import Judgement
from builder.schema.labels import Labels

SPAN_F1 = "span F1, strict, pairwise"

SPAN_F1_EXACT = "span F1, exact, pairwise"

SPAN_F1_PARTIAL = "span F1, partial, pairwise"

SPAN_F1_TYPE = "span F1, type, pairwise"

MODES = (SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE)
"""Named as in SemEval-2013 task 9 and nervaluate: same edges and label; same edges; edges that overlap, for a
half; edges that overlap, with the same label."""

UNITIZING = "Krippendorff's alpha, unitizing"

UNIT = "articles"

Mark = tuple[int, int, str]

Edges = tuple[int, int]

Place = tuple[int, ...]

Ratio = Callable[[Floats], tuple[Floats, Floats]]
"""Sums of rows (... x columns) to the top and the bottom (...) of a figure."""


def macro(measure: str) -> str:
    """What the mean of a measure over the labels where it is defined is called."""
    return f"{measure}, macro"


def matches(one: Iterable[Mark], other: Iterable[Mark]) -> tuple[list[tuple[Mark, Mark]], ...]:
    """The pairs of two annotators' marks in each mode (exact, partial, type): no mark stands in two pairs of one.

    Marks pair with their equals first, then with marks of the same edges, then with the mark that they
    overlap most; where two overlap as much, the one of the same label, then the earlier. Strict pairs are
    the equal ones. Swapping the annotators swaps the pairs.

    >>> exact, partial, kind = matches([(0, 4, "PERS"), (5, 9, "GPE")], [(0, 4, "ORG"), (5, 12, "GPE")])
    >>> len(exact), len(partial), len(kind)
    (1, 2, 1)
    """
    mine, theirs = set(one), set(other)
    same = [(mark, mark) for mark in sorted(mine & theirs)]
    mine, theirs = mine - theirs, theirs - mine
    near = sorted(_overlaps(mine, theirs))
    exact = _greedy((a, b) for _, a, b in near if a[:2] == b[:2])
    overlap = _greedy((a, b) for _, a, b in near)
    kind = _greedy((a, b) for _, a, b in near if a[2] == b[2])
    return same + exact, same + overlap, same + kind


def over_all(
    shared: Sequence[Sequence[Judgement]], labels: Labels, lengths: Mapping[str, int], modes: Sequence[str] = MODES
) -> list[Part]:
    """F1 in these modes and unitizing alpha: over all labels, their macro mean, and each label.

    `shared` are the judgements of each article, two or more; `lengths` the code points of each article's text.
    """
    marked = [[_marks(judgement) for judgement in judged] for judged in shared]
    names = labels.entity_names
    parts: list[Part] = []
    for mode, rows in _f1_rows(marked, names, modes).items():
        parts += _parts(mode, names, rows, rows[..., 1] > 0, _f1)
    rows, widths = _unitizing_rows(marked, [lengths[judged[0].article_id] for judged in shared], names)
    return parts + _parts(
        UNITIZING, names, rows, np.any(rows[..., : len(widths)] > 0, axis=2), partial(_unitizing, widths)
    )


def between(shared: Sequence[Sequence[Judgement]]) -> list[Part]:
    """Strict F1 of each pair of annotators, and of each against all others: its pairs added up."""
    names = sorted({judgement.annotator for judged in shared for judgement in judged})
    rows: dict[str, Floats] = {}
    for one, other in combinations(names, 2):
        rows[f"{one} {other}"] = np.zeros((len(shared), 2))
    for place, judged in enumerate(shared):
        marks = sorted((judgement.annotator, _marks(judgement)) for judgement in judged)
        for (one, mine), (other, theirs) in combinations(marks, 2):
            rows[f"{one} {other}"][place] += (2 * len(mine & theirs), len(mine) + len(theirs))
    met = {pair: sum(set(pair.split()) <= {j.annotator for j in judged} for judged in shared) for pair in rows}
    for name in names if len(names) > 2 else []:
        rows[name] = sum((rows[pair] for pair in rows if name in pair.split()), np.zeros((len(shared), 2)))
        met[name] = sum(name in {j.annotator for j in judged} for judged in shared)
    return [
        Part(SPAN_F1, "all", table, _of_all(_f1, 1), np.count_nonzero(table[:, 1]), met[who], UNIT,
             "neither marked a span" if met[who] else "no article in common", who)
        for who, table in rows.items()
    ]  # fmt: skip


def _marks(judgement: Judgement) -> set[Mark]:
    return {(span.start, span.end, span.label) for span in judgement.spans}


def _overlaps(mine: Iterable[Mark], theirs: Iterable[Mark]) -> Iterable[tuple[Place, Mark, Mark]]:
    """Pairs of marks that overlap, with the place of each pair in the order of choice, the same from both sides."""
    for a in mine:
        for b in theirs:
            common = min(a[1], b[1]) - max(a[0], b[0])
            if common > 0:
                yield (a[:2] != b[:2], -common, a[2] != b[2], *sorted((a[0], b[0])), *sorted((a[1], b[1]))), a, b


def _greedy(pairs: Iterable[tuple[Mark, Mark]]) -> list[tuple[Mark, Mark]]:
    """The pairs whose two marks are in no earlier pair."""
    mine: set[Mark] = set()
    theirs: set[Mark] = set()
    chosen: list[tuple[Mark, Mark]] = []
    for a, b in pairs:
        if a not in mine and b not in theirs:
            mine.add(a)
            theirs.add(b)
            chosen.append((a, b))
    return chosen


def _credits(one: set[Mark], other: set[Mark], modes: Sequence[str]) -> Iterable[tuple[str, str, float]]:
    """What each mark of two annotators is worth: mode, label, 1 for a match, a half for a partial one."""
    for mark in one & other:
        yield SPAN_F1, mark[2], 2.0
    if len(modes) == 1:
        return
    for mode, pairs in zip(MODES[1:], matches(one, other), strict=True):
        for a, b in pairs:
            worth = 0.5 if mode == SPAN_F1_PARTIAL and a[:2] != b[:2] else 1.0
            yield mode, a[2], worth
            yield mode, b[2], worth


def _f1_rows(marked: Sequence[Sequence[set[Mark]]], names: Sequence[str], modes: Sequence[str]) -> dict[str, Floats]:
    """For each mode articles x labels x (credit of both annotators' marks, their number), over pairs of annotators."""
    columns = {name: place for place, name in enumerate(names)}
    rows: dict[str, Floats] = {mode: np.zeros((len(marked), len(names), 2)) for mode in modes}
    number = np.zeros((len(marked), len(names)))
    for place, judged in enumerate(marked):
        for one, other in combinations(judged, 2):
            for mode, label, worth in _credits(one, other, modes):
                rows[mode][place, columns[label], 0] += worth
            for _, _, label in (*one, *other):
                number[place, columns[label]] += 1
    for table in rows.values():
        table[..., 1] = number
    return rows


def _unitizing_rows(
    marked: Sequence[Sequence[set[Mark]]], sizes: Sequence[int], names: Sequence[str]
) -> tuple[Floats, Floats]:
    """Articles x labels x what unitizing alpha adds up: see _unitizing.

    Units of one label may not overlap: of nested or crossing ones the outermost, then the first, counts.
    Columns for a label: for each length in use (the second that is returned), how many units have it, and
    how many places gaps have for it; then the mean disagreement of two annotators, twice; the length of the
    article; and that of all that was judged of it.
    """
    units = [[_units(marks) for marks in judged] for judged in marked]
    lengths = sorted(
        {end - start for judged in units for found in judged for spans in found.values() for start, end in spans}
    )
    widths = np.array(lengths, dtype=np.int64)
    rows = np.zeros((len(marked), len(names), 2 * len(lengths) + 3))
    for place, (judged, size) in enumerate(zip(units, sizes, strict=True)):
        rows[place, :, -2], rows[place, :, -1] = size, size * len(judged)
        pairs = len(judged) * (len(judged) - 1)
        empty = len(judged) * np.maximum(size - widths + 1, 0)
        for column, name in enumerate(names):
            row, spans = rows[place, column], [found.get(name, []) for found in judged]
            if not any(spans):
                row[len(lengths) : 2 * len(lengths)] = empty
                continue
            gaps = [_gaps(found, size) for found in spans]
            free = np.array([end - start for found in gaps for start, end in found], dtype=np.int64)
            used = np.array([end - start for found in spans for start, end in found])
            row[: len(lengths)] = np.bincount(np.searchsorted(widths, used), minlength=len(lengths))
            row[len(lengths) : 2 * len(lengths)] = np.maximum(free[:, None] - widths + 1, 0).sum(axis=0)
            row[-3] = 2 * sum(_disagreement(spans[i], spans[j]) for i, j in combinations(range(len(spans)), 2)) / pairs
    return rows, widths.astype(float)


def _units(marks: Iterable[Mark]) -> dict[str, list[Edges]]:
    units: dict[str, list[Edges]] = defaultdict(list)
    for start, end, label in sorted(marks, key=lambda mark: (mark[0], -mark[1])):
        if not units[label] or start >= units[label][-1][1]:
            units[label].append((start, end))
    return units


def _gaps(units: Sequence[Edges], size: int) -> list[Edges]:
    edges = [0, *(edge for unit in units for edge in unit), size]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _disagreement(one: Sequence[Edges], other: Sequence[Edges]) -> int:
    """Squares of the distances of edges of units that overlap, and of the lengths of units that meet none."""
    if one == other:
        return 0
    total, place, met = 0, 0, [False] * len(other)
    for start, end in one:
        while place < len(other) and other[place][1] <= start:
            place += 1
        after = place
        while after < len(other) and other[after][0] < end:
            total += (start - other[after][0]) ** 2 + (end - other[after][1]) ** 2
            met[after] = True
            after += 1
        if after == place:
            total += (end - start) ** 2
    return total + sum((end - start) ** 2 for (start, end), seen in zip(other, met, strict=True) if not seen)


def _parts(measure: str, names: Sequence[str], rows: Floats, telling: NDArray[np.bool_], ratio: Ratio) -> list[Part]:
    """The figures of rows (articles x labels x columns): over all labels, their macro mean, and each label."""
    articles = len(rows)
    why = "nobody marked a span" if articles else "no article was judged by two annotators"
    flat = rows.reshape(articles, rows.shape[1] * rows.shape[2])
    told = int(np.count_nonzero(telling.any(axis=1)))
    parts = [
        Part(measure, "all", flat, _of_all(ratio, len(names)), told, articles, UNIT, why),
        Part(macro(measure), "all", flat, _mean(ratio, len(names)), told, articles, UNIT, why),
    ]
    for place, name in enumerate(names):
        told = int(np.count_nonzero(telling[:, place]))
        parts.append(Part(measure, name, rows[:, place], _of_all(ratio, 1), told, articles, UNIT, why))
    return parts


def _of_all(ratio: Ratio, labels: int) -> Callable[[Floats], Floats]:
    """The figure over labels: their tops added up, over their bottoms."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(top.sum(axis=-1) / bottom.sum(axis=-1))

    return of


def _mean(ratio: Ratio, labels: int) -> Callable[[Floats], Floats]:
    """The mean of the labels' figures, over the labels where it is defined."""

    def of(sums: Floats) -> Floats:
        top, bottom = ratio(_of_labels(sums, labels))
        defined = bottom > 0
        values = np.where(defined, top / np.where(defined, bottom, 1), 0).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            return np.asarray(values / defined.sum(axis=-1))

    return of


def _of_labels(sums: Floats, labels: int) -> Floats:
    return sums.reshape(*sums.shape[:-1], labels, -1)


def _f1(sums: Floats) -> tuple[Floats, Floats]:
    return sums[..., 0], sums[..., 1]


def _unitizing(widths: Floats, sums: Floats) -> tuple[Floats, Floats]:
    """Expected less observed disagreement, and expected: of a label's units on one continuum of all articles.

    Krippendorff 2004, "Measuring the reliability of qualitative text analysis data", Quality and Quantity 38,
    with the length of what was judged for m L, as not all annotators judge each article.
    """
    units, places = sums[..., : len(widths)], sums[..., len(widths) : 2 * len(widths)]
    apart, length, judged = np.moveaxis(sums[..., 2 * len(widths) :], -1, 0)
    others = (units.sum(axis=-1) - 1) / 3
    met = others * (units @ (2 * widths**3 - 3 * widths**2 + widths))
    alone = (units * places) @ widths**2
    free = judged * (judged - 1) - units @ (widths * (widths - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(units.any(axis=-1) & (free > 0), 2 * (met + alone) / (length * free), 0.0)
        return expected - np.where(expected > 0, apart / length**2, 0.0), expected
