"""Agreement judgement by judgement, as plain loops: what the columns of builder.annotation.agreement must equal."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations

import numpy as np

from builder.annotation.agreement import spans, stances
from builder.annotation.agreement.bootstrap import Statistic
from builder.annotation.agreement.matching import MODES, SPAN_F1, SPAN_F1_PARTIAL, matches
from builder.annotation.agreement.measure import _rounded
from builder.annotation.agreement.span_tables import SpanTables
from builder.annotation.migration.offered import EVERYTHING
from builder.records import Agreement, mark_set
from tests.tables import stance_statistics


@dataclass(frozen=True, slots=True)
class Paired(Statistic):
    """A statistic of a pair of annotators, or of one against all others."""

    between: str = ""


def agree(
    judgements,
    labels,
    lengths,
    *,
    seed=13,
    resamples=1000,
    offers=EVERYTHING,
):
    """Return what measure.agree returns."""
    by_article = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        by_article[judgement.article_id].append(judgement)
    shared = [judged for judged in by_article.values() if len(judged) > 1]
    figures = _resampled(_over_all(shared, labels, lengths, offers), "all", "", seed, resamples)
    pairs = span_pairs(shared, offers) + stance_pairs(shared, labels)
    figures += _resampled(pairs, "all", "", seed, resamples)
    batches = sorted({judgement.batch for judgement in judgements})
    for batch in batches if len(batches) > 1 else []:
        of_batch = [[j for j in judged if j.batch == batch] for judged in shared]
        parts = _over_all([judged for judged in of_batch if len(judged) > 1], labels, lengths, offers, (SPAN_F1,))
        figures += _resampled(parts, batch, "", seed, resamples)
    weeks = sorted({week for judged in shared if (week := _week(judged))})
    for week in weeks if len(weeks) > 1 else []:
        parts = _over_all([judged for judged in shared if _week(judged) == week], labels, lengths, offers, (SPAN_F1,))
        figures += _resampled([part for part in parts if part.label == "all"], "all", week, seed, resamples)
    return figures


def _over_all(shared, labels, lengths, offers, modes=MODES):
    """Return the statistics of both layers over all annotators, before resampling."""
    return span_statistics(shared, labels, lengths, modes, offers) + stance_statistics(shared, labels)


def _resampled(parts, batch, period, seed, resamples):
    """Turn statistics into agreement figures with bootstrap intervals."""
    figures = []
    for part, interval in zip(parts, intervals(parts, seed, resamples), strict=True):
        value = part.value
        low, high = interval if interval and value is not None else (None, None)
        layer = "stance" if part.unit == stances.UNIT else "entities"
        figures.append(Agreement(
            part.measure, layer, part.label, batch, _rounded(value), _rounded(low), _rounded(high), part.n, part.unit,
            "" if value is not None else part.why, getattr(part, "between", ""), period,
        ))  # fmt: skip
    return figures


def asked_for(judgement, names, offers):
    """The labels that a judgement was asked for. One that it has was asked for."""
    return {*names} - offers.lacks(judgement.schema, names) | {span.label for span in judgement.spans}


def of_labels(marks, labels):
    return {mark for mark in marks if mark[2] in labels}


def span_statistics(shared, labels, lengths, modes, offers=EVERYTHING):
    names = labels.entity_names
    asked = [[asked_for(judgement, names, offers) for judgement in judged] for judged in shared]
    people = [{name: n for name in names if (n := sum(name in own for own in judges)) > 1} for judges in asked]
    marked = [
        [of_labels(mark_set(judgement.spans), several) for judgement in judged]
        for judged, several in zip(shared, people, strict=True)
    ]
    sizes = [lengths[judged[0].article_id] for judged in shared]
    rows, widths = _unitizing_rows(marked, sizes, names, people)
    several = np.array([[name in own for name in names] for own in people], bool).reshape(len(shared), len(names))
    return spans.statistics(SpanTables(names, _f1_rows(marked, names, modes, asked), rows, widths, several))


def span_pairs(shared, offers=EVERYTHING):
    """Return strict F1 of each pair of annotators, and of each annotator against all others (its pairs added up)."""
    names = sorted({judgement.annotator for judged in shared for judgement in judged})
    rows = {}
    for left, right in combinations(names, 2):
        rows[f"{left} {right}"] = np.zeros((len(shared), 2))
    for number, judged in enumerate(shared):
        for left, right in combinations(sorted(judged, key=lambda judgement: judgement.annotator), 2):
            left_marks, right_marks = mark_set(left.spans), mark_set(right.spans)
            labels = {label for *_, label in left_marks | right_marks}
            left_marks, right_marks = (
                of_labels(left_marks, asked_for(right, labels, offers)),
                of_labels(right_marks, asked_for(left, labels, offers)),
            )
            counts = 2 * len(left_marks & right_marks), len(left_marks) + len(right_marks)
            rows[f"{left.annotator} {right.annotator}"][number] += counts
    met = {pair: sum(set(pair.split()) <= {j.annotator for j in judged} for judged in shared) for pair in rows}
    for name in names if len(names) > 2 else []:
        rows[name] = sum((rows[pair] for pair in rows if name in pair.split()), np.zeros((len(shared), 2)))
        met[name] = sum(name in {j.annotator for j in judged} for judged in shared)
    return [
        Paired(SPAN_F1, "all", table, spans._of_all(spans._f1, 1), np.count_nonzero(table[:, 1]), met[who], spans.UNIT,
             "neither marked a span" if met[who] else "no article in common", who)
        for who, table in rows.items()
    ]  # fmt: skip


def _credits(left, right, modes):
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


def _f1_rows(marked, names, modes, asked):
    """Return for each mode an array articles x labels x (credit, number of marks), added up over pairs of annotators."""
    columns = {name: column for column, name in enumerate(names)}
    rows = {mode: np.zeros((len(marked), len(names), 2)) for mode in modes}
    totals = np.zeros((len(marked), len(names)))
    for article, judged in enumerate(marked):
        for (one, may_one), (other, may_other) in combinations(zip(judged, asked[article], strict=True), 2):
            left, right = of_labels(one, may_other), of_labels(other, may_one)
            for mode, label, worth in _credits(left, right, modes):
                rows[mode][article, columns[label], 0] += worth
            for _, _, label in (*left, *right):
                totals[article, columns[label]] += 1
    for table in rows.values():
        table[..., 1] = totals
    return rows


def _unitizing_rows(marked, sizes, names, people):
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
        for column, name in enumerate(names):
            row, spans = rows[article, column], [by_label.get(name, []) for by_label in judged]
            asked = people[article].get(name, 0)
            row[-2], row[-1] = (size, size * asked) if asked else (0, 0)
            pairs = asked * (asked - 1)
            if not any(spans):
                row[len(lengths) : 2 * len(lengths)] = asked * np.maximum(size - widths + 1, 0)
                continue
            silent = [[]] * (asked - sum(map(bool, spans)))
            spans = [edges for edges in spans if edges] + silent
            gaps = [_gaps(edges, size) for edges in spans]
            free = np.array([end - start for edges in gaps for start, end in edges], dtype=np.int64)
            used = np.array([end - start for edges in spans for start, end in edges])
            row[: len(lengths)] = np.bincount(np.searchsorted(widths, used), minlength=len(lengths))
            row[len(lengths) : 2 * len(lengths)] = np.maximum(free[:, None] - widths + 1, 0).sum(axis=0)
            row[-3] = 2 * sum(_disagreement(spans[i], spans[j]) for i, j in combinations(range(len(spans)), 2)) / pairs
    return rows, widths.astype(float)


def _units(marks):
    """Return the units of each label in order, without those that overlap an earlier one."""
    units = defaultdict(list)
    for start, end, label in sorted(marks, key=lambda mark: (mark[0], -mark[1])):
        if not units[label] or start >= units[label][-1][1]:
            units[label].append((start, end))
    return units


def _gaps(units, size):
    """Return the sections of a text of `size` code points that no unit covers."""
    edges = [0, *(edge for unit in units for edge in unit), size]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _disagreement(left, right):
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


def stance_pairs(shared, labels):
    if labels.stances is None:
        return []
    names = sorted({judgement.annotator for judged in shared for judgement in judged})
    given = _given(shared, labels, names)
    size = len(labels.stances.values)
    tables = {
        (left, right): np.einsum("dtv,dtw->dvw", given[:, left], given[:, right])
        for left, right in combinations(range(len(names)), 2)
    }
    wanted = [(f"{names[left]} {names[right]}", table) for (left, right), table in tables.items()]
    for number, name in enumerate(names if len(names) > 2 else []):
        as_left = [table for pair, table in tables.items() if pair[0] == number]
        as_right = [table.transpose(0, 2, 1) for pair, table in tables.items() if pair[1] == number]
        wanted.append((name, sum(as_left + as_right, np.zeros((len(shared), size, size)))))
    parts = []
    for who, table in wanted:
        n, rows = int(table.sum()), table.reshape(len(shared), -1)
        none = "no question was answered by both" if " " in who else "no question was answered by another too"
        parts.append(_part(stances.KAPPA, "all", rows, _kappa, n, "both gave only one value" if n else none, who))
        parts.append(_part(stances.PERCENT, "all", rows, _percent, n, none, who))
    return parts


def _part(measure, label, rows, of, n, why, who):
    return Paired(measure, label, rows, of, int(np.count_nonzero(rows.any(axis=1))), n, stances.UNIT, why, who)


def _square(sums):
    side = int(np.sqrt(sums.shape[-1]))
    return sums.reshape(*sums.shape[:-1], side, side)


def _kappa(sums):
    """Return Cohen's kappa of contingency tables, NaN if it is undefined."""
    table = _square(sums)
    total = table.sum(axis=(-2, -1))
    chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1)
    same = np.trace(table, axis1=-2, axis2=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total**2 > chance, (same * total - chance) / (total**2 - chance), np.nan))


def _percent(sums):
    """Return the share of equal answers of contingency tables, NaN if there are none."""
    table = _square(sums)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1)))


def _given(shared, labels, names=()):
    """Return an array articles x annotators x targets x values with 1 where a value was given.

    Without `names` the second axis is the number of the judgement in its article.
    """
    stances = labels.stances
    values = {value.name: column for column, value in enumerate(stances.values)} if stances else {}
    targets = {target: column for column, target in enumerate(labels.target_ids)}
    people = {name: column for column, name in enumerate(names)}
    most = len(names) or max((len(judged) for judged in shared), default=0)
    given = np.zeros((len(shared), most, len(targets), len(values)))
    for article, judged in enumerate(shared):
        for number, judgement in enumerate(judged):
            row = given[article, people[judgement.annotator] if people else number]
            for stance in judgement.stances:
                row[targets[stance.target], values[stance.value]] = 1
    return given


_CELLS = 4_000_000


def intervals(parts, seed, resamples):
    """Compute the 95 % interval of each part's figure, over the resamples in which it is defined.

    The interval is None if fewer than two articles contribute to the figure. The rows of all parts must belong
    to the same articles.
    """
    articles = len(parts[0].rows) if parts else 0
    chosen = [number for number, part in enumerate(parts) if part.telling > 1]
    bounds = [None] * len(parts)
    if not chosen or not resamples:
        return bounds
    random = np.random.default_rng(seed)
    drawn = {number: [] for number in chosen}
    for start in range(0, resamples, step := max(1, _CELLS // articles)):
        size = min(step, resamples - start)
        picks = random.integers(articles, size=(size, articles)) + np.arange(size)[:, None] * articles
        weights = np.bincount(picks.ravel(), minlength=size * articles).reshape(size, articles).astype(float)
        for number in chosen:
            drawn[number].append(parts[number].of(weights @ parts[number].rows))
    for number, values in drawn.items():
        bounds[number] = _middle(np.concatenate(values))
    return bounds


def _middle(values):
    """Return the 2.5th and 97.5th percentile of the values that are not NaN, or None if all are."""
    defined = values[~np.isnan(values)]
    if not len(defined):
        return None
    low, high = np.percentile(defined, (2.5, 97.5))
    return float(low), float(high)


def _week(judged):
    """Return the ISO week of an article's last judgement, or "" if the time of any is unknown."""
    try:
        year, week, _ = max(datetime.fromisoformat(judgement.created_at) for judgement in judged).isocalendar()
    except (ValueError, TypeError):  # exports made elsewhere may mix times with and without a time zone
        return ""
    return f"{year}-W{week:02}"
