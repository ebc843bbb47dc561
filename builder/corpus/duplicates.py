"""Groups of articles that say the same in the same words.

Marks, never removes. Knows only search-folded text: spelling and marks do not tell copies apart.

MinHash with banding proposes pairs (Broder 1997; 14 bands of 8 rows, so that a pair of Jaccard
.72 is proposed half the time) and exact Jaccard over the same shingles decides. A shingle is
five words; three where a text has fewer than 50 words, as five would leave too few.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from builder.records import Article, Group, GroupKind

Shingles = NDArray[np.uint64]

SAME = 0.8
"""Jaccard similarity from which two texts are copies."""

LONG, SHORT = 5, 3
FEW_WORDS = 50
NEAR_FEW = 64
"""Texts of up to this many words may be copies of a text under FEW_WORDS: 50 / SAME, rounded up."""

BANDS, ROWS = 14, 8
_RANDOM = np.random.Generator(np.random.PCG64(20260301))  # PCG64's raw stream is the same in every numpy
_FACTORS = _RANDOM.bit_generator.random_raw(BANDS * ROWS) | np.uint64(1)
_OFFSETS = _RANDOM.bit_generator.random_raw(BANDS * ROWS)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def group(articles: Sequence[Article], fold: Callable[[str], str]) -> list[Group]:
    """One row for each article, sorted by article id; `fold` makes the key of a text.

    A group's id is its smallest article id, its root; `similarity` and `kind` compare with the
    root: "exact" is the same folded text, "near" is not, "single" is alone (similarity 1.0).
    """
    ordered = sorted(articles, key=lambda article: article.id)
    keys = [fold(article.text) for article in ordered]
    first: dict[str, int] = {}
    roots = [first.setdefault(key, i) for i, key in enumerate(keys)]
    words = {i: re.findall(r"\w+", keys[i]) for i in first.values()}
    for a, b in _candidates(words):
        left, right = _find(roots, a), _find(roots, b)
        if left != right and _similarity(words[a], words[b]) >= SAME:
            roots[max(left, right)] = min(left, right)
    of = [_find(roots, i) for i in range(len(ordered))]
    sizes = Counter(of)
    exact = {of[i] for i, key in enumerate(keys) if i != of[i] and key == keys[of[i]]}

    def row(i: int) -> Group:
        root = of[i]
        same = keys[i] == keys[root]
        kind: GroupKind = "single" if sizes[root] == 1 else "exact" if same and (i != root or root in exact) else "near"
        similarity = 1.0 if same else _similarity(words[first[keys[i]]], words[root])
        return Group(ordered[i].id, ordered[root].id, similarity, kind)

    return [row(i) for i in range(len(ordered))]


def _find(roots: list[int], i: int) -> int:
    while roots[i] != i:
        roots[i] = roots[roots[i]]
        i = roots[i]
    return i


@lru_cache(maxsize=200_000)
def _word_hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def shingles(words: Sequence[str], size: int) -> Shingles:
    """The distinct shingles of a text as sorted 64-bit hashes; a shorter text is one shingle."""
    if not words:
        return np.empty(0, np.uint64)
    size = min(size, len(words))
    hashes = np.fromiter((_word_hash(word) for word in words), np.uint64, len(words))
    mixed = np.zeros(len(words) - size + 1, np.uint64)
    for offset in range(size):
        mixed ^= hashes[offset : offset + len(mixed)]
        mixed *= _MIX
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed)


def _similarity(left: Sequence[str], right: Sequence[str]) -> float:
    size = SHORT if min(len(left), len(right)) < FEW_WORDS else LONG
    a, b = shingles(left, size), shingles(right, size)
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 0.0


def _signature(shingle: Shingles) -> NDArray[np.uint64]:
    """The smallest value under each of the 112 permutations (multiply-shift)."""
    permuted = (shingle[:, None] * _FACTORS + _OFFSETS) >> np.uint64(16)
    smallest: Shingles = permuted.min(axis=0)
    return smallest


def _candidates(words: dict[int, list[str]]) -> Iterator[tuple[int, int]]:
    """Pairs of texts that share a band, each pair perhaps more than once."""
    for size, least, most in ((SHORT, 1, NEAR_FEW), (LONG, FEW_WORDS, None)):
        buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        for i, text in words.items():
            if len(text) < least or (most is not None and len(text) > most):
                continue
            signature = _signature(shingles(text, size))
            for band in range(BANDS):
                key = (band, signature[band * ROWS : (band + 1) * ROWS].tobytes())
                for other in buckets[key]:
                    yield other, i
                buckets[key].append(i)
