"""Definitions of near-duplicate texts, shared by the groups of a crawl, the splits of a release and its card.

Texts are search-folded and compared by their distinct shingles (word n-grams). A shingle has LONG words, or SHORT if the
shorter text has fewer than FEW_WORDS.
- exact: equal texts
- near: a Jaccard similarity of at least SAME
- contained: at least SAME of the shingles of the shorter text are in the other, and the shorter text has at least
  LEAST_CONTAINED words
- related: equal titles; in a crawl also with equal leads, or a Jaccard similarity of at least RELATED

Candidate pairs come from elsewhere: builder.corpus.dedup.minhash searches a crawl, builder.release.splits.leakage a
release.
"""

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]

Counts = NDArray[np.int64]

Flags = NDArray[np.bool_]

LONG, SHORT = 5, 3
"""Words of a shingle."""

FEW_WORDS = 50
"""Pairs whose shorter text has fewer words are compared by shingles of SHORT words."""

SAME, RELATED = 0.8, 0.6
"""Thresholds: SAME for near copies and contained texts, RELATED for related ones."""

SLACK = 1e-9
"""Tolerance for the rounding error of a share that equals a threshold."""

LEAST_CONTAINED = 20
"""Minimum words of a contained text; shorter texts occur in others by chance."""

TITLE_WORDS, LEAD_WORDS = 4, 12
"""Minimum words of a title that identifies a story; number of words in a lead."""

HEADING = 20
"""Maximum articles with one title, or title and lead; more are a series, not a story."""

BANDS, ROWS = 14, 8
"""Bands and rows of the MinHash index of a crawl."""

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def near(jaccard: Shares) -> Flags:
    """Return which pairs are near copies, by their Jaccard similarity.

    >>> near(np.array([0.79, 0.8, 1.0])).tolist()
    [False, True, True]
    """
    flags: Flags = jaccard >= SAME - SLACK
    return flags


def contained(inside: Shares, words: Counts) -> Flags:
    """Return which shorter texts are contained in the other, by the share of their shingles there and their words.

    >>> contained(np.array([0.8, 0.8, 0.79]), np.array([20, 19, 400])).tolist()
    [True, False, False]
    """
    flags: Flags = (inside >= SAME - SLACK) & (words >= LEAST_CONTAINED)
    return flags


def related(jaccard: Shares) -> Flags:
    """Return which pairs are related, by their Jaccard similarity.

    >>> related(np.array([0.59, 0.6])).tolist()
    [False, True]
    """
    flags: Flags = jaccard >= RELATED - SLACK
    return flags


def clearly_smaller(small: Counts, large: Counts) -> Flags:
    """Return which pairs have so different numbers of shingles that one is a part of the other, not a copy.

    >>> clearly_smaller(np.array([80, 81]), np.array([100, 100])).tolist()
    [True, False]
    """
    flags: Flags = small <= SAME * large + SLACK
    return flags


def card_sentence() -> str:
    """Return the sentence of a card that defines which articles are alike.

    >>> card_sentence()[:59]
    'Alike are equal texts after folding, near copies (Jaccard s'
    """
    same = f"{SAME:g}".removeprefix("0")
    return (
        f"Alike are equal texts after folding, near copies (Jaccard similarity of their runs of {_WORDS[LONG]} words at "
        f"least {same}), texts of which {same} is in another, and equal titles of {_WORDS[TITLE_WORDS]} words or more."
    )


def search_method() -> str:
    """Return the words of a card for the method that searches a crawl.

    >>> search_method()
    'MinHash (14 bands of 8 rows) and exact comparison'
    """
    return f"MinHash ({BANDS} bands of {ROWS} rows) and exact comparison"
