"""What annotators who judged the same articles add up to: each pair of them, and each annotator against all others.

The counts of one annotator with the later ones are held at once. So memory grows with the articles of one annotator
and her partners, and not with all pairs of judgements.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.annotation.agreement.bootstrap import Floats
from builder.annotation.agreement.columns import Shared
from builder.annotation.columns import Bools, Ints
from builder.records import StageCounts

MOST = 1_000
"""Pairs of annotators; of more, those that have no article in common are left out."""

_EXACT = 1 << 24
"""Whole numbers below it are exact in 4 bytes."""

Weights = NDArray[np.uint16]
"""How often each resample draws each article."""


@dataclass(frozen=True, slots=True, eq=False)
class Partners:
    """The judgements of one annotator, and their pairs with those of later annotators, in the order of both."""

    mine: Ints
    one: Ints
    """The place in `mine` of the first judgement of each pair."""
    other: Ints
    """The second judgement of each pair."""
    begins: Ints
    """The first pair of each of `mine`."""


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """What is counted of pairs of judgements."""

    equal: Ints
    """The number of equal items of each pair."""
    first: Ints
    """Items of the first judgement that the second can be compared with (values x pairs)."""
    second: Ints
    """Items of the second judgement that the first can be compared with (values x pairs)."""


Count = Callable[[Partners], PairCounts]


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """What pairs of annotators add up to, or annotators against all others."""

    who: Sequence[str]
    """`a-1 a-2` for a pair, `a-1` for one annotator against the others."""
    sums: Floats
    """Of all articles, then in each resample, counted as in PairCounts ((1 + 2 values) x pairs x (1 + resamples))."""
    met: Ints
    """The number of articles in common."""
    telling: Ints
    """Of these, the number of articles with a count other than 0."""


def pairs_met(shared: Shared) -> StageCounts:
    """Return how many pairs of annotators are measured, and why others are left out."""
    people = len(shared.people.names)
    number = people * (people - 1) // 2
    met = sum(len(np.unique(shared.people.codes[own.other])) for own in _partners(shared)) if number > MOST else number
    return StageCounts("agree", "pairs of annotators", number, met,
                       {"no article in common": number - met} if number > met else {})  # fmt: skip


def pair_sums(shared: Shared, items: Ints, count: Count, weights: Weights) -> Iterator[PairSums]:
    """Yield what the pairs of each annotator with later ones add up to, then each annotator against all others.

    `items` (values x judgements) are the items of each judgement, of which `count` compares all or some; `weights` are
    articles x resamples. Of more than MOST pairs, those who did not meet are left out.
    """
    names, codes, values = shared.people.names, shared.people.codes, len(items)
    alone = _alone(shared, items, weights)
    against = np.zeros((1 + 2 * values, len(names), 1 + weights.shape[1]))
    told = np.zeros(len(codes), bool)
    is_crowd = len(names) * (len(names) - 1) // 2 > MOST
    for number, own in enumerate(_partners(shared)):
        met = np.bincount(codes[own.other], minlength=len(names))
        wanted = np.flatnonzero(met) if is_crowd else np.arange(number + 1, len(names))
        if not len(wanted):
            continue
        found, place = count(own), np.searchsorted(wanted, codes[own.other])
        counts = np.concatenate([found.equal[None], found.first, found.second])
        cells = _open_cells(own, place, counts, _Alone(alone[:, [number]], alone[:, wanted]))
        sums = cells.known
        sums[cells.is_open] = _drawn(cells.counts, weights, shared.article[own.mine])
        against[:, number] += sums.sum(axis=1)
        against[:, wanted] += np.concatenate([sums[:1], sums[1 + values :], sums[1 : 1 + values]])
        telling = counts.any(axis=0)
        told[own.mine[own.one[telling]]] = told[own.other[telling]] = True
        tells = np.bincount(place[telling], minlength=len(wanted))
        yield PairSums([f"{names[number]} {names[other]}" for other in wanted.tolist()], sums, met[wanted], tells)
    if len(names) > 2:
        met, tells = (np.bincount(each, minlength=len(names)) for each in (codes, codes[told]))
        yield PairSums(names, against, met, tells)


def _partners(shared: Shared) -> Iterator[Partners]:
    """Yield the partners of each annotator; the judgements of an article are in the order of their annotators."""
    order = np.argsort(shared.people.codes, kind="stable")
    cuts = np.searchsorted(shared.people.codes[order], np.arange(1, len(shared.people.names)))
    for mine in np.split(order, cuts) if len(order) else ():
        after = shared.first[1:][shared.article[mine]] - mine - 1
        begins, one = np.cumsum(after) - after, np.repeat(np.arange(len(mine)), after)
        yield Partners(mine, one, np.arange(len(one)) - begins[one] + mine[one] + 1, begins)


def _alone(shared: Shared, items: Ints, weights: Weights) -> Floats:
    """Return the sums of the items of each annotator (values x annotators x (1 + resamples))."""
    sums = np.zeros((len(items), len(shared.people.names), 1 + weights.shape[1]))
    for number, own in enumerate(_partners(shared)):
        sums[:, number] = _drawn(items[:, own.mine], weights, shared.article[own.mine])
    return sums


@dataclass(frozen=True, slots=True, eq=False)
class _Alone:
    """The sums of all items of one annotator, and of her partners, as _alone returns them."""

    mine: Floats
    theirs: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """The sums of an annotator and her partners that are known, and the counts of the others."""

    known: Floats
    """Columns x partners x (1 + resamples)."""
    is_open: Bools
    """Whether the sums are not known (columns x partners)."""
    counts: Ints
    """Open cells x judgements of the annotator."""


def _open_cells(own: Partners, place: Ints, counts: Ints, alone: _Alone) -> _Cells:
    """Return which counts of each partner, at her `place`, are to be added up in each resample.

    No count is above an annotator's items, so counts that add up to all her items are those of her items, which are
    added up in each resample already. In a crowd who all judge the same articles most counts are.
    """
    values, partners, resamples = alone.theirs.shape
    known = np.zeros((1 + 2 * values, partners, resamples))
    known[1 : 1 + values], known[1 + values :] = alone.mine, alone.theirs
    is_open = np.stack([np.bincount(place, each, partners) for each in counts]) != known[..., 0]
    row = np.cumsum(is_open).reshape(is_open.shape) - 1
    grid = np.zeros((np.count_nonzero(is_open), len(own.mine)), np.int64)
    for column in np.flatnonzero(is_open.any(axis=1)).tolist():
        chosen = is_open[column][place]
        grid[row[column, place[chosen]], own.one[chosen]] = counts[column, chosen]
    return _Cells(known, is_open, grid)


def _drawn(counts: Ints, weights: Weights, article: Ints) -> Floats:
    """Return the sums of rows of counts (rows x articles), then their sums in each resample (rows x (1 + resamples))."""
    most = int(counts.max(initial=0)) * len(weights)  # a resample draws as many articles as there are
    cells = counts.astype(np.float32 if most < _EXACT else np.float64)
    own = weights if len(article) == len(weights) else weights[article]  # nobody judges an article twice
    return np.concatenate([counts.sum(axis=1, dtype=np.float64)[:, None], cells @ own.astype(cells.dtype)], axis=1)
