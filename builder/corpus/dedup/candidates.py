"""Pairs of articles that may be alike, from the keys that they share, and what hangs together through pairs.

An article is a number, its rank: the earliest first, those without a date last, then by id. So what comes first of
those that share a key hangs on what they are, not on where they stand. A pair is one number: the smaller rank in the
high half. Of n articles that share a key about n pairs are made, not n squared: each with the first of them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.corpus.dedup.minhash import IS_LONG
from builder.text.similarity import FEW_WORDS

Ranks = NDArray[np.uint32]

Pairs = NDArray[np.uint64]

NO_RANK = np.uint32(0xFFFFFFFF)
"""Stands for an article that is not looked at: an earlier one has the same text."""

FREQUENT = 4000
"""A winnowed run that more articles share says nothing of them: it is counted, and passed over."""

ALL_PAIRS = 8
"""Of up to this many articles that share a winnowed run each is paired with each."""

_HALF = np.uint64(32)

_LOW = np.uint64(0xFFFFFFFF)


def pairs_of(left: NDArray[np.generic], right: NDArray[np.generic]) -> Pairs:
    """Pairs of ranks, the smaller first, sorted, each once; none of an article with itself.

    >>> pairs_of(np.array([5, 1, 2]), np.array([1, 5, 2])).tolist() == [(1 << 32) + 5]
    True
    """
    one, other = left.astype(np.uint64), right.astype(np.uint64)
    packed = np.minimum(one, other) << _HALF | np.maximum(one, other)
    pairs: Pairs = np.unique(packed[one != other])
    return pairs


def sides(pairs: Pairs) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Both ranks of each pair."""
    return (pairs >> _HALF).astype(np.int64), (pairs & _LOW).astype(np.int64)


def same_key(keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks], most: int | None = None) -> Pairs:
    """Each article with the first that has the same key; a key that more than `most` have makes no pair."""
    sorted_keys, owners, starts, lengths = _shelved(keys, ranks)
    del sorted_keys
    keep = lengths > 1 if most is None else (lengths > 1) & (lengths <= most)
    chosen = np.repeat(keep, lengths)
    return pairs_of(np.repeat(owners[starts], lengths)[chosen], owners[chosen])


def frequent(keys: NDArray[np.uint64], most: int) -> NDArray[np.uint64]:
    """The keys that occur more often, sorted."""
    found, counts = np.unique(keys, return_counts=True)
    return found[counts > most]


def shared_runs(
    values: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks], sizes: NDArray[np.int32]
) -> tuple[Pairs, int]:
    """Pairs that share a winnowed run, and how many runs were too frequent; `sizes` are the words by rank.

    Of few articles each is paired with each; of more, with the first and with the shortest of them, which is the one
    that the others may contain. Runs of three words count where a text has too few for runs of five.
    """
    keys, owners, starts, lengths = _shelved(values, ranks)
    if not len(keys):
        return np.empty(0, np.uint64), 0
    words = sizes[owners]
    useful = (keys[starts] & IS_LONG != 0) | np.logical_or.reduceat(words < FEW_WORDS, starts)
    often = useful & (lengths > FREQUENT)
    useful &= (lengths > 1) & ~often
    chosen = np.repeat(useful, lengths)
    owners, words, lengths = owners[chosen], words[chosen], lengths[useful]
    if not len(owners):
        return np.empty(0, np.uint64), int(often.sum())
    starts = np.cumsum(lengths) - lengths
    shortest = np.minimum.reduceat(words.astype(np.uint64) << _HALF | owners, starts) & _LOW
    found = [pairs_of(np.repeat(center, lengths), owners) for center in (owners[starts], shortest)]
    run = np.repeat(np.arange(len(lengths)), np.where(lengths <= ALL_PAIRS, lengths, 0))
    few = owners[np.repeat(lengths <= ALL_PAIRS, lengths)]
    for step in range(1, ALL_PAIRS):
        both = run[step:] == run[:-step]
        found.append(pairs_of(few[:-step][both], few[step:][both]))
    return np.unique(np.concatenate(found)), int(often.sum())


def _shelved(
    keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks]
) -> tuple[NDArray[np.uint64], Ranks, NDArray[np.int64], NDArray[np.int64]]:
    """Keys in order with the ranks that have them, each once; where each run of equal keys begins, and its length.

    A rank stands in the lowest bits of its key, so that one sort of numbers does it.
    """
    packed, bits = _packed(keys, ranks)
    packed.sort()
    if len(packed):
        packed = packed[np.append(True, packed[1:] != packed[:-1])]
    key = packed >> bits << bits
    starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.empty(0, np.int64)
    owners = (packed & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.uint32)
    return key, owners, starts, np.diff(np.append(starts, len(key)))


def _packed(keys: Sequence[NDArray[np.uint64]], ranks: Sequence[Ranks]) -> tuple[NDArray[np.uint64], np.uint64]:
    live = [own != NO_RANK for own in ranks]
    most = max((int(own[at].max()) for own, at in zip(ranks, live, strict=True) if at.any()), default=0)
    bits = np.uint64(max(most.bit_length(), 1))
    parts = [key[at] >> bits << bits | own[at] for key, own, at in zip(keys, ranks, live, strict=True)]
    return np.concatenate([np.empty(0, np.uint64), *parts]), bits


def components(pairs: Pairs, count: int) -> NDArray[np.int64]:
    """The smallest number that hangs together with each of `count` numbers, through pairs.

    Each round hooks the larger root of a pair under the smaller one and then halves all ways up (Shiloach and
    Vishkin 1982), so that few rounds are needed.

    >>> components(pairs_of(np.array([3, 1]), np.array([1, 4])), 5).tolist()
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
