"""What makes two texts alike: the one definition, which the crawl's groups, the splits of a release and its card go by.

Texts are search-folded. They are compared by their distinct runs of LONG words; of SHORT, where the shorter text has
fewer than FEW_WORDS, as longer ones would leave too few.
- exact: the same text
- near: a Jaccard similarity of SAME or more
- contained: a share of SAME or more of the runs of the shorter text stands in the other, and the shorter has
  LEAST_CONTAINED words or more
- related: the same title; in the crawl with the same lead, or a Jaccard similarity of RELATED or more

How pairs are found is no part of this: builder.corpus.dedup.minhash searches a crawl, builder.release.splits.leakage a release.
"""

import numpy as np
from numpy.typing import NDArray

Shares = NDArray[np.float64]

Counts = NDArray[np.int64]

Flags = NDArray[np.bool_]

LONG, SHORT = 5, 3
"""Words of a run."""

FEW_WORDS = 50
"""Pairs of which the shorter text has fewer words are compared by runs of SHORT words."""

SAME, RELATED = 0.8, 0.6
"""Jaccard similarity from which two texts are copies, and share of the shorter from which it is contained; related."""

SLACK = 1e-9
"""What floating point may take off a share that is reached exactly."""

LEAST_CONTAINED = 20
"""Words that a text must have to count as contained: a shorter one is in others by chance."""

TITLE_WORDS, LEAD_WORDS = 4, 12
"""Words that a title must have to tell a story from another; words at the beginning of a text that are its lead."""

HEADING = 20
"""A title, or title and lead, that more articles share is the heading of a series, not of a story."""

BANDS, ROWS = 14, 8
"""Of MinHash, by which a crawl is searched."""

_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def near(jaccard: Shares) -> Flags:
    """Tell which pairs of this Jaccard similarity are copies.

    >>> near(np.array([0.79, 0.8, 1.0])).tolist()
    [False, True, True]
    """
    flags: Flags = jaccard >= SAME - SLACK
    return flags


def contained(inside: Shares, words: Counts) -> Flags:
    """Tell where the shorter text is inside the other, by the share of its runs that are and the words that it has.

    >>> contained(np.array([0.8, 0.8, 0.79]), np.array([20, 19, 400])).tolist()
    [True, False, False]
    """
    flags: Flags = (inside >= SAME - SLACK) & (words >= LEAST_CONTAINED)
    return flags


def related(jaccard: Shares) -> Flags:
    """Tell which pairs of this Jaccard similarity say the same in part.

    >>> related(np.array([0.59, 0.6])).tolist()
    [False, True]
    """
    flags: Flags = jaccard >= RELATED - SLACK
    return flags


def clearly_smaller(small: Counts, large: Counts) -> Flags:
    """Tell where one text has so many fewer runs than the other that it is a part of it rather than a copy.

    >>> clearly_smaller(np.array([80, 81]), np.array([100, 100])).tolist()
    [True, False]
    """
    flags: Flags = small <= SAME * large + SLACK
    return flags


def told() -> str:
    """Say on a card which articles of a release are alike.

    >>> told()[:59]
    'Alike are equal texts after folding, near copies (Jaccard s'
    """
    same = f"{SAME:g}".removeprefix("0")
    return (
        f"Alike are equal texts after folding, near copies (Jaccard similarity of their runs of {_WORDS[LONG]} words at "
        f"least {same}), texts of which {same} is in another, and equal titles of {_WORDS[TITLE_WORDS]} words or more."
    )


def searched() -> str:
    """Say on a card how the crawl was searched for what is alike.

    >>> searched()
    'MinHash (14 bands of 8 rows) and exact comparison'
    """
    return f"MinHash ({BANDS} bands of {ROWS} rows) and exact comparison"
