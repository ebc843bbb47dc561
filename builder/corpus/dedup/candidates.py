"""Candidate pairs of articles that share a key, and the connected components of a set of pairs.

An article is represented by its rank: by date, articles without a date last, then by id. The first article of those
that share a key therefore depends only on the articles, not on input order. A pair is one 64-bit number with the
smaller rank in its high half. n articles that share a key give about n pairs, each with the first article, and not n².
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from builder.corpus.dedup.minhash import IS_LONG
from builder.text.similarity import FEW_WORDS

Ranks = NDArray[np.uint32]

Pairs = NDArray[np.uint64]

NO_RANK = np.uint32(0xFFFFFFFF)
"""The rank of a row that is skipped, because an earlier article has the same text."""

MAX_RUN_ARTICLES = 4000
"""Number of articles; a winnowed run that more articles share is uninformative, so it is counted and skipped."""

ALL_PAIRS = 8
"""Number of articles; if at most so many share a winnowed run, all pairs of them are candidates."""

_HALF = np.uint64(32)

_LOW = np.uint64(0xFFFFFFFF)


def make_pairs(left: NDArray[np.generic], right: NDArray[np.generic]) -> Pairs:
    """Return the distinct pairs of two rank arrays, sorted, the smaller rank first; drop pairs of equal ranks.

    >>> make_pairs(np.array([5, 1, 2]), np.array([1, 5, 2])).tolist() == [(1 << 32) + 5]
    True
    """
    first, second = left.astype(np.uint64), right.astype(np.uint64)
    packed = np.minimum(first, second) << _HALF | np.maximum(first, second)
    pairs: Pairs = np.unique(packed[first != second])
    return pairs


def sides(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the smaller and the larger ranks of pairs."""
    return (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)


def pairs_with_same_key(keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks], most: int | None = None) -> Pairs:
    """Pair each article with the first one that has the same key; skip keys that more than `most` articles have."""
    shelf = _shelved(keys, ranks)
    owners, starts, lengths = shelf.owners, shelf.starts, shelf.lengths
    del shelf  # frees the keys
    keep = lengths > 1 if most is None else (lengths > 1) & (lengths <= most)
    chosen = np.repeat(keep, lengths)
    return make_pairs(np.repeat(owners[starts], lengths)[chosen], owners[chosen])


def frequent(keys: NDArray[np.uint64], most: int) -> NDArray[np.uint64]:
    """Return the keys that occur more than `most` times, sorted."""
    distinct, counts = np.unique(keys, return_counts=True)
    return distinct[counts > most]


def pairs_with_shared_run(
    values: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks], sizes: NDArray[np.int32]
) -> tuple[Pairs, int]:
    """Return the pairs that share a winnowed run, and the number of runs that are too frequent.

    `sizes` are the word counts by rank. Up to ALL_PAIRS articles that share a run are all paired. More articles are
    paired with the first of them and with the shortest of them, which the others may contain. A run of three words
    counts only if an article that has it is too short for runs of five.
    """
    shelf = _shelved(values, ranks)
    if not len(shelf.keys):
        return np.empty(0, np.uint64), 0
    several = shelf.lengths > 1
    owners, lengths = shelf.owners[np.repeat(several, shelf.lengths)], shelf.lengths[several]
    is_long = shelf.keys[shelf.starts[several]] & IS_LONG != 0
    del shelf  # frees the keys
    if not len(owners):
        return np.empty(0, np.uint64), 0
    words = sizes[owners]
    useful = is_long | np.logical_or.reduceat(words < FEW_WORDS, np.cumsum(lengths) - lengths)
    too_frequent = int((useful & (lengths > MAX_RUN_ARTICLES)).sum())
    useful &= lengths <= MAX_RUN_ARTICLES
    chosen = np.repeat(useful, lengths)
    return _run_pairs(owners[chosen], words[chosen], lengths[useful]), too_frequent


def _run_pairs(owners: Ranks, words: NDArray[np.int32], lengths: NDArray[np.int64]) -> Pairs:
    """Return the pairs of the articles of each run, whose numbers are `lengths`; `words` are their word counts."""
    if not len(owners):
        return np.empty(0, np.uint64)
    starts = np.cumsum(lengths) - lengths
    shortest = np.minimum.reduceat(words.astype(np.uint64) << _HALF | owners, starts) & _LOW
    pairs = [make_pairs(np.repeat(center, lengths), owners) for center in (owners[starts], shortest)]
    run = np.repeat(np.arange(len(lengths)), np.where(lengths <= ALL_PAIRS, lengths, 0))
    few = owners[np.repeat(lengths <= ALL_PAIRS, lengths)]
    for step in range(1, ALL_PAIRS):
        both = run[step:] == run[:-step]
        pairs.append(make_pairs(few[:-step][both], few[step:][both]))
    return np.unique(np.concatenate(pairs))


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """Ranks by key: the sorted keys, the rank of each, and the start and length of each run of a key."""

    keys: NDArray[np.uint64]
    owners: Ranks
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]


def _shelved(keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks]) -> _Shelf:
    """Group the ranks by key; leave out keys that occur once, which most do, before anything else is done.

    Each pair of key and rank occurs once. The rank replaces the lowest bits of the key, so that one sort is enough.
    """
    packed, bits = _packed(keys, ranks)
    packed.sort()
    same = packed[1:] >> bits == packed[:-1] >> bits
    packed = packed[np.append(same, False) | np.append(False, same)] if len(packed) else packed
    if len(packed):
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
    key = packed >> bits << bits
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.empty(0, np.int64)
    owners = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.uint32)
    return _Shelf(key, owners, starts, np.diff(np.append(starts, len(key))))


def _packed(keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks]) -> tuple[NDArray[np.uint64], np.uint64]:
    """Return each key with its lowest bits replaced by the rank, and the number of these bits; skip NO_RANK."""
    live = [rank != NO_RANK for rank in ranks]
    highest = max((int(rank[kept].max()) for rank, kept in zip(ranks, live, strict=True) if kept.any()), default=0)
    bits = np.uint64(max(highest.bit_length(), 1))
    parts = [key[kept] >> bits << bits | rank[kept] for key, rank, kept in zip(keys, ranks, live, strict=True)]
    return np.concatenate([np.empty(0, np.uint64), *parts]), bits


def components(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """Return the connected component of each of `count` ranks: the smallest rank that pairs connect it to.

    Each round hooks the larger root of a pair under the smaller one, then shortens all paths by pointer jumping
    (Shiloach and Vishkin 1982), so few rounds are needed.

    >>> components(make_pairs(np.array([3, 1]), np.array([1, 4])), 5).tolist()
    [0, 1, 2, 1, 1]
    """
    roots = np.arange(count)
    left, right = sides(pairs)
    while len(left):
        np.minimum.at(roots, np.maximum(left, right), np.minimum(left, right))
        while True:
            up = roots[roots]
            if np.array_equal(up, roots):
                break
            roots = up
        left, right = roots[left], roots[right]
        apart = left != right
        left, right = left[apart], right[apart]
    return roots
