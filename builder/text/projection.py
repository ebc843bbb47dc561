"""TF-IDF vectors of unigrams and bigrams, reduced to 512 dimensions by sparse random projection.

The projection follows Achlioptas (2003), with signs and dimensions taken from hashes of the words. The dot product of
two vectors approximates the cosine similarity of their TF-IDF vectors. Texts must be folded (search@1). The same texts
give the same vectors on every machine, except for rounding.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from builder.text.shingles import hash_words, shingles

Vectors = NDArray[np.float32]

DIMENSIONS = 512
"""Dimensions of a vector. The dot product of unrelated texts is 0 with a deviation of about 1 / sqrt(SIZE) = 0.04."""

_SIGN, _PLACE = np.uint64(63), np.uint64(32)


def tfidf_vectors(texts: Sequence[str]) -> Vectors:
    """Return one row of unit length for each text, or zeros for a text without words (n x SIZE, float32).

    >>> rows = tfidf_vectors(["فاز فريق المرجان", "فاز فريق المرجان أمس", "هطل مطر غزير"])
    >>> bool(rows[0] @ rows[1] > 0.5 > rows[0] @ rows[2])
    True
    """
    unigrams = hash_words(texts)
    projected = np.zeros(len(texts) * DIMENSIONS, np.float64)
    for ngrams in (unigrams, shingles(unigrams, 2)):
        owners = np.repeat(np.arange(len(texts)), ngrams.counts)
        vocabulary, terms = np.unique(ngrams.hashes, return_inverse=True)
        keys, counts = np.unique(owners * len(vocabulary) + terms, return_counts=True)
        text, term = np.divmod(keys, max(len(vocabulary), 1))
        idf = np.log((1 + len(texts)) / (1 + np.bincount(term, minlength=len(vocabulary))))
        weights = (1 + np.log(counts)) * idf[term]
        hashes = vocabulary[term]
        signs = np.where(hashes >> _SIGN, 1.0, -1.0)
        cells = text * DIMENSIONS + ((hashes >> _PLACE) % np.uint64(DIMENSIONS)).astype(np.int64)
        projected += np.bincount(cells, weights * signs, minlength=len(projected))
    rows = projected.reshape(len(texts), DIMENSIONS)
    norms = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.asarray(rows / np.where(norms > 0, norms, 1), np.float32)
