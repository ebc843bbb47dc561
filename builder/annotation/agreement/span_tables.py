"""The counts that span agreement adds up over articles: matched marks, and units of Krippendorff's alpha."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats
from builder.annotation.agreement.columns import Marks, Shared, marks_of, one_to_one
from builder.annotation.agreement.matching import MODES, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE
from builder.annotation.columns import Ints, overlapping, same_as_above
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True)
class SpanTables:
    """What span agreement adds up over articles: a row of counts for each article and label."""

    names: Sequence[str]
    f1: Mapping[str, Floats]
    """For each matching mode, articles x labels x (credit, number of marks), added up over pairs of annotators."""
    unitizing: Floats
    widths: Floats
    """The unit lengths to which the columns of `unitizing` belong."""
    asked: NDArray[np.bool_]
    """Whether two annotators or more of an article were asked for a label (articles x labels)."""

    def only(self, articles: NDArray[np.int64]) -> "SpanTables":
        """Return the tables of some articles."""
        f1 = {mode: rows[articles] for mode, rows in self.f1.items()}
        return SpanTables(self.names, f1, self.unitizing[articles], self.widths, self.asked[articles])


def span_tables(
    shared: Shared,
    labels: Labels,
    lengths: Mapping[str, int],
    modes: Sequence[str] = MODES,
    offers: Offers = EVERYTHING,
) -> SpanTables:
    """Count what span agreement rests on; parameters as in overall_statistics."""
    names = labels.entity_names
    marks = marks_of(shared, names, offers)
    sizes = np.array([lengths[name] for name in shared.names], np.int64)
    rows, widths = _unitizing_rows(marks, sizes, len(names))
    return SpanTables(names, _f1_rows(marks, names, modes), rows, widths, marks.people > 0)


def _f1_rows(marks: Marks, names: Sequence[str], modes: Sequence[str]) -> dict[str, Floats]:
    """Return for each mode an array articles x labels x (credit, number of marks), added up over pairs of annotators.

    A mark counts 1 if it matches, and one half in a partial match with other edges. Of equal marks, each pair counts.
    """
    shape = len(marks.judges), len(names)
    cells = marks.article * len(names) + marks.label

    def summed(cell: Ints, worth: Floats | Ints) -> Floats:
        return np.bincount(cell, worth, shape[0] * shape[1]).reshape(shape).astype(float)

    begins = np.flatnonzero(~same_as_above(marks.article, marks.start, marks.end, marks.label))
    alike = np.diff(np.append(begins, len(cells)))
    strict = summed(cells[begins], alike * (alike - 1))
    totals = summed(cells, marks.people[marks.article, marks.label] - 1)
    credit = {mode: strict.copy() for mode in modes}
    if len(modes) > 1:
        for found in _inexact(marks, np.repeat(np.arange(len(begins)), alike), names):
            credit[found.mode] += summed(found.cell, found.worth)
    return {mode: np.stack([worth, totals], axis=2) for mode, worth in credit.items()}


@dataclass(frozen=True, slots=True, eq=False)
class _Matched:
    """Marks that match in a mode: the cell of each in (articles x labels), and its worth."""

    mode: str
    cell: Ints
    worth: Floats


def _inexact(marks: Marks, kind: Ints, names: Sequence[str]) -> Iterator[_Matched]:
    """Yield the matches of marks that are not equal.

    `kind` numbers the different marks. See matching.matches for the order of preference.
    """
    ranks, judges = np.argsort(np.argsort(np.array(names, object))), int(marks.judges.sum())
    held = np.sort(marks.judge * (len(kind) + 1) + kind)
    for one, other in overlapping(marks.article, marks.start, marks.end):
        apart = (marks.judge[one] != marks.judge[other]) & (kind[one] != kind[other])
        apart &= marks.asked[marks.judge[one], marks.label[other]] & marks.asked[marks.judge[other], marks.label[one]]
        a, b = one[apart], other[apart]
        free = ~(
            _is_held(held, marks.judge[b], kind[a], len(kind)) | _is_held(held, marks.judge[a], kind[b], len(kind))
        )
        a, b = a[free], b[free]
        a, b = np.where(marks.judge[a] < marks.judge[b], (a, b), (b, a))
        order = _preference(marks, ranks, a, b)
        a, b = a[order], b[order]
        left, right = (x * judges + y for x, y in ((a, marks.judge[b]), (b, marks.judge[a])))
        same_edges = (marks.start[a] == marks.start[b]) & (marks.end[a] == marks.end[b])
        same_label = marks.label[a] == marks.label[b]
        for mode, may in ((SPAN_F1_EXACT, same_edges), (SPAN_F1_PARTIAL, None), (SPAN_F1_TYPE, same_label)):
            rows = np.arange(len(a)) if may is None else np.flatnonzero(may)
            rows = rows[one_to_one(left[rows], right[rows])]
            both = np.concatenate([a[rows], b[rows]])
            worth = np.where(same_edges[rows], 1.0, 0.5) if mode == SPAN_F1_PARTIAL else np.ones(len(rows))
            yield _Matched(mode, marks.article[both] * len(names) + marks.label[both], np.tile(worth, 2))


def _is_held(held: Ints, judge: Ints, kind: Ints, kinds: int) -> NDArray[np.bool_]:
    """Return whether each judge has marked the same; `held` are the sorted keys of all judges' marks."""
    wanted = judge * (kinds + 1) + kind
    places = np.minimum(np.searchsorted(held, wanted), max(len(held) - 1, 0))
    return held[places] == wanted if len(held) else np.zeros(len(wanted), bool)


def _preference(marks: Marks, ranks: NDArray[np.intp], a: Ints, b: Ints) -> NDArray[np.intp]:
    """Return the order in which pairs of marks are matched, which does not depend on which annotator is the first."""
    edges = [np.minimum(marks.start[a], marks.start[b]), np.maximum(marks.start[a], marks.start[b]),
             np.minimum(marks.end[a], marks.end[b]), np.maximum(marks.end[a], marks.end[b])]  # fmt: skip
    differ = (marks.start[a] != marks.start[b]) | (marks.end[a] != marks.end[b])
    others = marks.label[a] != marks.label[b]
    alone = [marks.start[a], marks.end[a], ranks[marks.label[a]], marks.start[b], marks.end[b], ranks[marks.label[b]]]
    order: NDArray[np.intp] = np.lexsort((*reversed(alone), *reversed(edges), others, edges[1] - edges[2], differ))
    return order


def _unitizing_rows(marks: Marks, sizes: Ints, labels: int) -> tuple[Floats, Floats]:
    """Return the counts from which unitizing alpha is computed (articles x labels x columns), and the unit lengths.

    Units of one label must not overlap, so of nested or crossing ones the outermost, then the first, counts. The
    columns of a label are, for each unit length, the number of units, then for each unit length the number of
    positions for it in the gaps between units. They are followed by twice the mean disagreement of two annotators,
    the length of the article, and that length times its number of annotators. See _unitizing.
    """
    units = _units(marks)
    widths, width = np.unique(units.end - units.start, return_inverse=True)
    articles, count = len(sizes), len(widths)
    cells, cell = articles * labels, units.article * labels + units.label
    rows = np.zeros((cells, 2 * count + 3))
    rows[:, :count] = np.bincount(cell * max(count, 1) + width.reshape(-1), minlength=cells * count).reshape(
        cells, count
    )
    gaps, of_gap = _gaps(units, sizes, cell)
    judges = marks.people.reshape(-1)
    size = np.where(judges > 0, np.repeat(sizes, labels), 0)
    people = judges - np.bincount(cell[~same_as_above(units.judge, units.label)], minlength=cells)
    for column, wide in enumerate(widths.tolist(), count):
        rows[:, column] = people * np.maximum(size - wide + 1, 0)
        rows[:, column] += np.bincount(of_gap, np.maximum(gaps - wide + 1, 0), cells)
    rows[:, -3] = 2 * _disagreements(units, cell, cells) / np.maximum(judges * (judges - 1), 1)
    rows[:, -2], rows[:, -1] = size, size * judges
    return rows.reshape(articles, labels, 2 * count + 3), widths.astype(float)


def _units(marks: Marks) -> Marks:
    """Return the units of each judge and label, sorted so; without marks that overlap an earlier one of both."""
    order = np.lexsort((-marks.end, marks.start, marks.label, marks.judge))
    article, judge, start, end, label = (
        column[order] for column in (marks.article, marks.judge, marks.start, marks.end, marks.label)
    )
    follows = same_as_above(judge, label)
    group = np.cumsum(~follows) - 1
    inside = follows.copy()
    inside[1:] &= start[1:] < end[:-1]
    kept = np.ones(len(order), bool)
    last = (-1, 0)
    for row in np.flatnonzero(np.isin(group, group[inside])).tolist():  # few: most labels are not nested in themselves
        mine = int(group[row])
        if last[0] == mine and start[row] < last[1]:
            kept[row] = False
        else:
            last = mine, int(end[row])
    article, judge, start, end, label = (column[kept] for column in (article, judge, start, end, label))
    return Marks(article, judge, start, end, label, marks.judges, marks.asked, marks.people)


def _gaps(units: Marks, sizes: Ints, cell: Ints) -> tuple[Ints, Ints]:
    """Return the lengths of the sections that units leave free, and the cell of each; judges without units have none."""
    follows = same_as_above(units.judge, units.label)
    before = units.start - np.where(follows, np.roll(units.end, 1), 0)
    ends = np.append(~follows[1:], True) if len(follows) else follows
    after = (sizes[units.article] - units.end)[ends]
    return np.concatenate([before, after]), np.concatenate([cell, cell[ends]])


def _disagreements(units: Marks, cell: Ints, cells: int) -> Floats:
    """Add up for each cell, over pairs of annotators, the squared distances between edges of overlapping units.

    The squared lengths of units that overlap none of the other annotator are added.
    """
    order = np.lexsort((units.start, cell))
    cell, judge, start, end = (column[order] for column in (cell, units.judge, units.start, units.end))
    total, met, judges = np.zeros(cells), np.zeros(len(order), np.int64), int(units.judges.sum())
    for one, other in overlapping(cell, start, end):
        apart = (start[one] - start[other]) ** 2 + (end[one] - end[other]) ** 2
        total += np.bincount(cell[one], apart, cells)
        beside = np.unique(np.concatenate([one, other]) * judges + judge[np.concatenate([other, one])])
        met += np.bincount(beside // judges, minlength=len(met))
    alone = (units.people[units.article[order], units.label[order]] - 1 - met) * (end - start) ** 2
    return total + np.bincount(cell, alone, cells)
