"""How much a text repeats itself, over many texts at once: the measures of Gopher (Rae and others 2021, table A1).

Words are what white space parts. A run of n words is a duplicate where it stood in the text before; after one, the
next run is looked for behind it, so that nothing is counted twice. Shares are of a text's code points.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Shares = NDArray[np.float64]
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The words of many texts: a number for each by its form, its code points, how many each text has; and the forms."""

    codes: NDArray[np.int64]
    sizes: Counts
    counts: Counts
    forms: Sequence[str]

    @property
    def starts(self) -> Counts:
        """Where the words of each text begin."""
        return np.cumsum(self.counts) - self.counts


def words_of(texts: Sequence[str]) -> Words:
    """The words of these texts.

    >>> found = words_of(["خبر عاجل خبر", ""])
    >>> found.codes.tolist(), found.counts.tolist(), found.forms[:2]
    ([0, 1, 0], [3, 0], ['خبر', 'عاجل'])
    """
    split = pc.utf8_split_whitespace(pa.array([" ".join(text.split()) for text in texts], pa.large_string()))
    flat = split.flatten().dictionary_encode()
    filled = np.asarray(pc.greater(pc.utf8_length(flat.dictionary), 0))
    counts = np.asarray(pc.list_value_length(split)).astype(np.int64)
    codes = np.asarray(flat.indices).astype(np.int64)
    if not filled.all():  # a blank text has one word of no letters
        (blank,) = np.flatnonzero(~filled)
        counts[np.asarray([not text.strip() for text in texts])] = 0
        codes = codes[codes != blank]
    sizes = np.asarray(pc.utf8_length(flat.dictionary)).astype(np.int64)
    return Words(codes, sizes[codes], counts, flat.dictionary.to_pylist())


def top_runs(found: Words, size: int) -> Counts:
    """The code points of all places of the run of `size` words that stands most often in each text, with its spaces.

    >>> top_runs(words_of(["اقرأ أيضا خبر اقرأ أيضا"]), 2).tolist()
    [18]
    """
    runs, owners, lengths = _runs(found, size)
    best = np.zeros(len(found.counts), np.int64)
    if not len(runs):
        return best
    order = np.lexsort((runs, owners))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (runs[order][1:] != runs[order][:-1]) | (owners[order][1:] != owners[order][:-1])
    begins = np.flatnonzero(fresh)
    times = np.diff(np.append(begins, len(order)))
    firsts = np.minimum.reduceat(order, begins)
    owner = owners[firsts]
    chosen = np.lexsort((firsts, -times, owner))  # of those that stand as often, the one that stood first
    heads = chosen[np.unique(owner[chosen], return_index=True)[1]]
    best[owner[heads]] = (lengths[firsts] + size - 1)[heads] * times[heads]
    return best


def duplicate_runs(found: Words, sizes: Sequence[int]) -> dict[int, Counts]:
    """For each of these lengths, the code points of the runs of so many words that are duplicates, without spaces.

    >>> duplicate_runs(words_of(["وقال إن العمل بدأ وقال إن العمل انتهى"]), [3])[3].tolist()
    [11]
    """
    some: dict[int, Counts] = {size: np.zeros(len(found.counts), np.int64) for size in sizes}
    suspects: Counts = np.arange(len(found.counts))
    for size in sorted(sizes):  # what has no run of five twice has none of six
        runs, owners, lengths = _runs(found, size)
        suspects = np.intersect1d(suspects, _repeating(runs, owners), assume_unique=True)
        bounds = np.searchsorted(owners, [suspects, suspects + 1])
        for text, low, high in zip(suspects.tolist(), *bounds.tolist(), strict=True):
            some[size][text] = _duplicated(runs[low:high].tolist(), lengths[low:high].tolist(), size)
    return some


def _runs(found: Words, size: int) -> tuple[NDArray[np.uint64], Counts, Counts]:
    """Each run of `size` words as a number, its text, and the code points of its words."""
    every = np.repeat(np.arange(len(found.counts)), found.counts)
    count = max(len(found.codes) - size + 1, 0)
    values: NDArray[np.uint64] = np.zeros(count, np.uint64)
    lengths: Counts = np.zeros(count, np.int64)
    for offset in range(size):
        part = found.codes[offset : offset + count].astype(np.uint64) + np.uint64(1)
        values = (values ^ part) * _FACTOR
        values ^= values >> np.uint64(29)
        lengths += found.sizes[offset : offset + count]
    whole = every[:count] == every[size - 1 : size - 1 + count]
    return values[whole], every[:count][whole], lengths[whole]


def _repeating(runs: NDArray[np.uint64], owners: Counts) -> Counts:
    """The texts in which a run stands twice."""
    order = np.lexsort((runs, owners))
    again = (runs[order][1:] == runs[order][:-1]) & (owners[order][1:] == owners[order][:-1])
    found: Counts = np.unique(owners[order][1:][again])
    return found


def _duplicated(runs: Sequence[int], lengths: Sequence[int], size: int) -> int:
    known: set[int] = set()
    place = total = 0
    while place < len(runs):
        if runs[place] in known:
            total += lengths[place]
            place += size
        else:
            known.add(runs[place])
            place += 1
    return total
