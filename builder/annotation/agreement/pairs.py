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
from builder.annotation.columns import Ints
from builder.records import StageCounts

MOST = 1_000
"""Pairs of annotators; of more, those that have no article in common are left out."""

_EXACT = 1 << 24
"""Whole numbers below it are exact in 4 bytes."""


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


Count = Callable[[Partners], Ints]
"""A function that counts each pair of judgements (pairs x columns)."""


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """What pairs of annotators add up to, or annotators against all others."""

    who: Sequence[str]
    """`a-1 a-2` for a pair, `a-1` for one annotator against the others."""
    sums: Floats
    """Of all articles, then in each resample (pairs x (1 + resamples) x columns)."""
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


def pair_sums(shared: Shared, count: Count, flipped: Sequence[int], weights: NDArray[np.uint16]) -> Iterator[PairSums]:
    """Yield what the pairs of each annotator with later ones add up to, then each annotator against all others.

    `flipped` orders the columns as if the second annotator were the first; `weights` are articles x resamples. Of more
    than MOST pairs, those who did not meet are left out.
    """
    names, codes = shared.people.names, shared.people.codes
    against = np.zeros((len(names), 1 + weights.shape[1], len(flipped)))
    told = np.zeros(len(codes), bool)
    for number, own in enumerate(_partners(shared)):
        is_crowd = len(names) * (len(names) - 1) // 2 > MOST
        wanted: Ints = np.unique(codes[own.other]) if is_crowd else np.arange(number + 1, len(names))
        if not len(wanted):
            continue
        counts, place = count(own), np.searchsorted(wanted, codes[own.other])
        sums = _sums(weights[shared.article[own.mine]], own, place, counts, len(wanted))
        against[number] += sums.sum(axis=0)
        against[wanted] += sums[..., flipped]
        telling = counts.any(axis=1)
        told[own.mine[own.one[telling]]] = told[own.other[telling]] = True
        met, tells = (np.bincount(each, minlength=len(wanted)) for each in (place, place[telling]))
        yield PairSums([f"{names[number]} {names[other]}" for other in wanted.tolist()], sums, met, tells)
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


def _sums(weights: NDArray[np.uint16], own: Partners, place: Ints, counts: Ints, partners: int) -> Floats:
    """Return the sums of the counts of each partner (partners x (1 + resamples) x columns)."""
    most = int(counts.max(initial=0)) * max(int(weights.sum(axis=0, dtype=np.int64).max(initial=0)), len(own.mine))
    grid = np.zeros((len(own.mine), partners, counts.shape[1]), np.float32 if most < _EXACT else np.float64)
    grid[own.one, place] = counts
    flat = grid.reshape(len(own.mine), -1)
    drawn = weights.T.astype(grid.dtype) @ flat
    sums = np.concatenate([flat.sum(axis=0, dtype=np.float64)[None], drawn]).reshape(-1, *grid.shape[1:])
    return np.asarray(sums.transpose(1, 0, 2), np.float64)
