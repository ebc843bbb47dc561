"""Texts as directions: texts that share rarer words point the same way.

Words and pairs of words are hashed, weighted by how few texts hold them, and thrown together into few numbers with
signs (the sparse random projection of Achlioptas 2003, by hash): the product of two texts' vectors is about the cosine
of their weighted words. Texts come folded. The same texts give the same vectors, on every machine but for rounding.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.text.shingles import shingles, words

Vectors = NDArray[np.float32]

SIZE = 512
"""Numbers of a vector: the product of two strangers is 0 within about 1 / sqrt(SIZE), .04."""

_SIGN, _PLACE = np.uint64(63), np.uint64(32)


def vectors(texts: Sequence[str]) -> Vectors:
    """A row of length 1 for each text; of a text without words, zeros.

    >>> found = vectors(["فاز فريق المرجان", "فاز فريق المرجان أمس", "هطل مطر غزير"])
    >>> bool(found[0] @ found[1] > 0.5 > found[0] @ found[2])
    True
    """
    single = words(texts)
    made = np.zeros(len(texts) * SIZE, np.float64)
    for found in (single, shingles(single, 2)):
        owners = np.repeat(np.arange(len(texts)), found.counts)
        held, terms = np.unique(found.hashes, return_inverse=True)
        keys, counts = np.unique(owners * len(held) + terms, return_counts=True)
        text, term = np.divmod(keys, max(len(held), 1))
        rare = np.log((1 + len(texts)) / (1 + np.bincount(term, minlength=len(held))))
        weights = (1 + np.log(counts)) * rare[term]
        hashes = held[term]
        signs = np.where(hashes >> _SIGN, 1.0, -1.0)
        places = text * SIZE + ((hashes >> _PLACE) % np.uint64(SIZE)).astype(np.int64)
        made += np.bincount(places, weights * signs, minlength=len(made))
    table = made.reshape(len(texts), SIZE)
    lengths = np.sqrt((table**2).sum(axis=1, keepdims=True))
    return np.asarray(table / np.where(lengths > 0, lengths, 1), np.float32)
