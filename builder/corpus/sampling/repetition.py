"""Repetition measures of many texts at once: the n-gram measures of Gopher (Rae and others 2021, table A1).

Words are separated by white space. An n-gram is a duplicate if it occurred earlier in the text. The search continues
after a duplicate, so that no word is counted twice. Sizes are in code points.
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
    """The words of many texts, one after another.

    `codes` has the index in `forms` of each word, `sizes` its code points, and `counts` the words of each text.
    """

    codes: NDArray[np.int64]
    sizes: Counts
    counts: Counts
    forms: Sequence[str]

    @property
    def starts(self) -> Counts:
        """Return the index of the first word of each text."""
        return np.cumsum(self.counts) - self.counts


def words_of(texts: Sequence[str]) -> Words:
    """Split texts into words.

    >>> words = words_of(["خبر عاجل خبر", ""])
    >>> words.codes.tolist(), words.counts.tolist(), words.forms[:2]
    ([0, 1, 0], [3, 0], ['خبر', 'عاجل'])
    """
    split = pc.utf8_split_whitespace(pa.array([" ".join(text.split()) for text in texts], pa.large_string()))
    flat = split.flatten().dictionary_encode()
    filled = np.asarray(pc.greater(pc.utf8_length(flat.dictionary), 0))
    counts = np.asarray(pc.list_value_length(split)).astype(np.int64)
    codes = np.asarray(flat.indices).astype(np.int64)
    if not filled.all():  # Arrow splits a blank text into one empty word
        (blank,) = np.flatnonzero(~filled)
        counts[np.asarray([not text.strip() for text in texts])] = 0
        codes = codes[codes != blank]
    sizes = np.asarray(pc.utf8_length(flat.dictionary)).astype(np.int64)
    return Words(codes, sizes[codes], counts, flat.dictionary.to_pylist())


def top_runs(words: Words, size: int) -> Counts:
    """Return, for each text, the code points of all occurrences of its most frequent n-gram, spaces included.

    `size` is the n of the n-grams.

    >>> top_runs(words_of(["اقرأ أيضا خبر اقرأ أيضا"]), 2).tolist()
    [18]
    """
    found = _ngrams(words, size)
    ngrams, owners = found.hashes, found.owners
    best = np.zeros(len(words.counts), np.int64)
    if not len(ngrams):
        return best
    order = np.lexsort((ngrams, owners))
    fresh = np.ones(len(order), bool)
    fresh[1:] = (ngrams[order][1:] != ngrams[order][:-1]) | (owners[order][1:] != owners[order][:-1])
    begins = np.flatnonzero(fresh)
    times = np.diff(np.append(begins, len(order)))
    firsts = np.minimum.reduceat(order, begins)
    owner = owners[firsts]
    chosen = np.lexsort((firsts, -times, owner))  # among equally frequent n-grams, the one that occurs first
    heads = chosen[np.unique(owner[chosen], return_index=True)[1]]
    best[owner[heads]] = (found.lengths[firsts] + size - 1)[heads] * times[heads]
    return best


def duplicate_runs(words: Words, sizes: Sequence[int]) -> dict[int, Counts]:
    """Return, for each n of `sizes`, the code points of each text's duplicate n-grams, without spaces.

    >>> duplicate_runs(words_of(["وقال إن العمل بدأ وقال إن العمل انتهى"]), [3])[3].tolist()
    [11]
    """
    totals: dict[int, Counts] = {size: np.zeros(len(words.counts), np.int64) for size in sizes}
    suspects: Counts = np.arange(len(words.counts))
    for size in sorted(sizes):  # a text that repeats no 5-gram repeats no 6-gram
        found = _ngrams(words, size)
        suspects = np.intersect1d(suspects, _repeating(found), assume_unique=True)
        bounds = np.searchsorted(found.owners, [suspects, suspects + 1])
        for text, low, high in zip(suspects.tolist(), *bounds.tolist(), strict=True):
            totals[size][text] = _duplicated(found.hashes[low:high].tolist(), found.lengths[low:high].tolist(), size)
    return totals


@dataclass(frozen=True, slots=True, eq=False)
class _Ngrams:
    """The hash of each n-gram of some texts, the index of its text, and the code points of its words."""

    hashes: NDArray[np.uint64]
    owners: Counts
    lengths: Counts


def _ngrams(words: Words, size: int) -> _Ngrams:
    """Return every n-gram of `size` words."""
    texts = np.repeat(np.arange(len(words.counts)), words.counts)
    count = max(len(words.codes) - size + 1, 0)
    hashes: NDArray[np.uint64] = np.zeros(count, np.uint64)
    lengths: Counts = np.zeros(count, np.int64)
    for offset in range(size):
        codes = words.codes[offset : offset + count].astype(np.uint64) + np.uint64(1)
        hashes = (hashes ^ codes) * _FACTOR
        hashes ^= hashes >> np.uint64(29)
        lengths += words.sizes[offset : offset + count]
    within = texts[:count] == texts[size - 1 : size - 1 + count]  # drop n-grams that span two texts
    return _Ngrams(hashes[within], texts[:count][within], lengths[within])


def _repeating(found: _Ngrams) -> Counts:
    """Return the texts in which an n-gram occurs twice."""
    ngrams, owners = found.hashes, found.owners
    order = np.lexsort((ngrams, owners))
    again = (ngrams[order][1:] == ngrams[order][:-1]) & (owners[order][1:] == owners[order][:-1])
    texts: Counts = np.unique(owners[order][1:][again])
    return texts


def _duplicated(ngrams: Sequence[int], lengths: Sequence[int], size: int) -> int:
    """Return the code points of the duplicate n-grams of one text."""
    known: set[int] = set()
    position = total = 0
    while position < len(ngrams):
        if ngrams[position] in known:
            total += lengths[position]
            position += size
        else:
            known.add(ngrams[position])
            position += 1
    return total
