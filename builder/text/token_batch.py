"""The tokens of many texts at once: the same as `tokenize` of each, and much faster.

Words of Arabic letters, digits and marks, and most punctuation, are told apart in numpy; what stands between
two spaces and holds anything else is asked of `tokenize`. Does not say what a token is: that is tokens.py.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from builder.text.tokens import ARABIC, DIGIT, MARK, tokenize

Places = NDArray[np.int64]

_SPACE, _LETTER, _MARK, _ALONE, _QUOTE, _POINT, _OTHER = range(7)

_CLASSES = {
    _LETTER: f"[{ARABIC}{DIGIT}]",
    _ALONE: '[،»«"()؛؟!]',  # a token, whatever stands beside it
    _QUOTE: r"[“”‘’…–—\[\]{}]",  # a token, unless a joiner follows
    _POINT: "[.:/,-]",  # a token, unless a word follows: 3.5, 18:40, ق.م
    _MARK: f"[{MARK}]",
    _SPACE: r"\s",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of many texts, as of one text in which a space stands after each.

    `starts` and `ends` are code points of that one text, `sizes` the bytes of each token in UTF-8, `data` those bytes
    of all tokens, and `begins` where each text begins: one more than there are texts.
    """

    starts: Places
    ends: Places
    sizes: Places
    data: bytes
    begins: Places

    @property
    def cuts(self) -> Places:
        """Which token is the first of each text; one more than there are texts."""
        return np.searchsorted(self.starts, self.begins)


def tokenize_batch(texts: Sequence[str]) -> Tokens:
    """The tokens of many texts; every character but white space is in one.

    >>> found = tokenize_batch(["بلغ ٣٫٥٪", "في (مرجانة)"])
    >>> found.starts.tolist(), found.begins.tolist(), found.cuts.tolist()
    ([0, 4, 9, 12, 13, 19], [0, 9, 21], [0, 2, 6])
    """
    begins = np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int64, len(texts) + 1)
    joined = " ".join([*texts, ""])
    units = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = _table().take(units)
    word = (classes == _LETTER) | (classes == _MARK)
    before, after = np.zeros(len(word), bool), np.zeros(len(word), bool)
    before[1:] = word[:-1]
    after[:-1] = word[1:]
    there = classes != _SPACE
    starts = np.flatnonzero(there & ~(word & before))
    ends = np.flatnonzero(there & ~(word & after)) + 1
    odd = (classes == _OTHER) | ((classes == _POINT) & after)
    odd[:-1] |= (classes[:-1] == _QUOTE) & (classes[1:] == _MARK)
    if odd.any():
        starts, ends = _asked(joined, np.flatnonzero(odd), np.flatnonzero(~there), starts, ends)
    bytes_before = np.zeros(len(units) + 1, np.int64)
    np.cumsum(_widths(units), out=bytes_before[1:])
    data = units[there].tobytes().decode("utf-32-le", "surrogatepass").encode("utf-8", "surrogatepass")
    return Tokens(starts, ends, bytes_before[ends] - bytes_before[starts], data, begins)


def _asked(joined: str, odd: Places, spaces: Places, starts: Places, ends: Places) -> tuple[Places, Places]:
    """Tokens anew between those spaces that have something odd between them."""
    chunks = np.unique(np.searchsorted(spaces, odd))
    highs = spaces[chunks]
    lows = np.where(chunks > 0, spaces[chunks - 1] + 1, 0)
    known: dict[str, list[tuple[int, int]]] = {}
    new: list[tuple[int, int]] = []
    for low, high in zip(lows.tolist(), highs.tolist(), strict=True):
        chunk = joined[low:high]
        found = known.get(chunk)
        if found is None:
            found = known[chunk] = tokenize(chunk)
        new += [(low + start, low + end) for start, end in found]
    at = np.searchsorted(lows, starts, "right") - 1
    settled = (at < 0) | (starts >= highs[at])
    put = np.array(new, np.int64).reshape(-1, 2).T
    starts, ends = starts[settled], ends[settled]
    places = np.searchsorted(starts, put[0])
    return np.insert(starts, places, put[0]), np.insert(ends, places, put[1])


def _widths(units: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Bytes of each code point in UTF-8."""
    return 1 + (units > 0x7F).view(np.uint8) + (units > 0x7FF).view(np.uint8) + (units > 0xFFFF).view(np.uint8)


@cache
def _table() -> NDArray[np.uint8]:
    table = np.full(sys.maxunicode + 1, _OTHER, np.uint8)
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    for number, pattern in _CLASSES.items():
        table[[found.start() for found in re.finditer(pattern, every)]] = number
    return table
