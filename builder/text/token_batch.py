"""Vectorised tokenisation of many texts, and canonical boundaries of many spans (as tokens.py does one by one).

Words of Arabic letters, digits and marks, and most punctuation, are split with numpy. Any other chunk between two
spaces is passed to `tokenize`.
"""

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from builder.text.invisible import IGNORABLE
from builder.text.mapping.tables import looked_up
from builder.text.tokens import ARABIC, DIGIT, MARK, is_edge, is_seen, tokenize

Places = NDArray[np.int64]

PART = 200_000
"""Code points that are tokenised at once, unless one text is longer.

The system takes back the memory of larger arrays when they are freed, and giving it again takes longer than the work.
"""

_SPACE, _LETTER, _MARK, _ALONE, _QUOTE, _POINT, _OTHER, _IGNORABLE = range(8)

_CLASSES = {
    _LETTER: f"[{ARABIC}{DIGIT}]",
    _ALONE: '[،»«"()؛؟!]',  # always a token of its own
    _QUOTE: r"[“”‘’…–—\[\]{}]",  # a token of its own, unless a joiner follows
    _POINT: "[.:/,-]",  # a token of its own, unless a word follows: 3.5, 18:40, ق.م
    _MARK: f"[{MARK}]",
    _IGNORABLE: f"[{IGNORABLE}]",  # a mark too, except at the beginning of a word
    _SPACE: r"\s",
}


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The tokens of many texts, located in one joined text with a space after each.

    `starts` and `ends` are code points of the joined text. `sizes` is the length of each token in UTF-8 bytes, and
    `data` holds the UTF-8 bytes of all tokens. `begins` is the start of each text, plus a final sentinel (n + 1 values).
    """

    starts: Places
    ends: Places
    sizes: Places
    data: bytes
    begins: Places

    @property
    def cuts(self) -> Places:
        """Return the index of the first token of each text, plus a final sentinel (n + 1 values)."""
        return np.searchsorted(self.starts, self.begins)


def tokenize_batch(texts: Sequence[str]) -> Tokens:
    """Tokenise many texts; every visible character belongs to a token.

    >>> tokens = tokenize_batch(["بلغ ٣٫٥٪", "في (مرجانة)"])
    >>> tokens.starts.tolist(), tokens.begins.tolist(), tokens.cuts.tolist()
    ([0, 4, 9, 12, 13, 19], [0, 9, 21], [0, 2, 6])
    """
    begins = np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int64, len(texts) + 1)
    firsts = set(np.searchsorted(begins, np.arange(PART, begins[-1], PART)).tolist()) - {len(texts)}
    cuts = [0, *sorted(firsts), len(texts)]
    parts = [_tokenize(" ".join([*texts[low:high], ""])) for low, high in pairwise(cuts)]
    return Tokens(
        np.concatenate([part.starts + begins[low] for part, low in zip(parts, cuts, strict=False)]),
        np.concatenate([part.ends + begins[low] for part, low in zip(parts, cuts, strict=False)]),
        np.concatenate([part.sizes for part in parts]),
        b"".join([part.data for part in parts]),
        begins,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The tokens of a part of the joined text, with the fields of Tokens."""

    starts: Places
    ends: Places
    sizes: Places
    data: bytes


def _tokenize(joined: str) -> _Part:
    """Tokenise texts that are joined with a space after each."""
    units = _units(joined)
    classes = looked_up(_table(), units)
    ignorable = classes == _IGNORABLE
    word = (classes == _LETTER) | (classes == _MARK) | ignorable
    before, after = np.zeros(len(word), bool), np.zeros(len(word), bool)
    before[1:] = word[:-1]
    after[:-1] = word[1:]
    visible = classes != _SPACE
    starts = np.flatnonzero(visible & ~(word & before))
    ends = np.flatnonzero(visible & ~(word & after)) + 1
    odd = (classes == _OTHER) | ((classes == _POINT) & after) | (ignorable & ~before)
    if odd.any():
        starts, ends = _retokenize(joined, _chunks(np.flatnonzero(odd), visible), starts, ends)
    bytes_before = np.zeros(len(units) + 1, np.int64)
    np.cumsum(_widths(units), out=bytes_before[1:])
    if ignorable.any():
        visible = _covered(starts, ends, len(units))
    data = (
        units.take(np.flatnonzero(visible))
        .tobytes()
        .decode("utf-32-le", "surrogatepass")
        .encode("utf-8", "surrogatepass")
    )
    return _Part(starts, ends, bytes_before[ends] - bytes_before[starts], data)


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """The canonical boundaries of spans, -1 where nothing is left of one."""

    starts: Places
    ends: Places


def canonical_edges(
    texts: Sequence[str], text: Places, start: Places, end: Places, *, whole_words: bool = True
) -> Edges:
    """Return the canonical boundaries of many spans; `text` is the place of each span's text, which holds the span.

    >>> edges = canonical_edges(["قال", "قال «وبمرجانة» أمس"], np.array([0, 1, 1]), np.array([0, 4, 3]), np.array([2, 9, 4]))
    >>> edges.starts.tolist(), edges.ends.tolist()
    ([0, 5, -1], [3, 13, -1])
    """
    tokens, units = tokenize_batch(texts), _units(" ".join([*texts, ""]))
    solid = np.flatnonzero(~_chosen(units, is_edge))
    shift = tokens.begins[text]
    low, high = np.searchsorted(solid, shift + start), np.searchsorted(solid, shift + end) - 1
    left = np.flatnonzero(low <= high)
    starts, ends = np.full(len(text), -1), np.full(len(text), -1)
    if len(left):
        first, last = solid[low[left]], solid[high[left]]
        of_first, of_last = (np.searchsorted(tokens.starts, place, "right") - 1 for place in (first, last))
        bound = tokens.ends[of_last]
        if whole_words:
            first, bound = np.minimum(first, tokens.starts[of_first]), np.maximum(last + 1, bound)
        else:  # invisible characters after the last letter are a part of it
            seen = np.append(np.flatnonzero(_chosen(units, is_seen)), len(units))
            bound = np.minimum(bound, seen[np.searchsorted(seen, last + 1)])
        starts[left], ends[left] = first - shift[left], bound - shift[left]
    return Edges(starts, ends)


def _units(joined: str) -> NDArray[np.uint32]:
    return np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)


def _chosen(units: NDArray[np.uint32], chooses: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Return whether each code point is chosen."""
    present = np.flatnonzero(np.bincount(units, minlength=1))
    table = np.zeros(int(present.max(initial=0)) + 1, bool)
    table[present] = [chooses(chr(unit)) for unit in present.tolist()]
    return table[units]


def _chunks(odd: Places, visible: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the start and end of each stretch between two spaces that holds an odd character."""
    seen = visible.tobytes()
    chunks: list[tuple[int, int]] = []
    high = 0
    for at in odd.tolist():
        if at >= high:
            low, high = seen.rfind(0, 0, at) + 1, seen.find(0, at)
            chunks.append((low, high))
    return chunks


def _retokenize(joined: str, chunks: list[tuple[int, int]], starts: Places, ends: Places) -> tuple[Places, Places]:
    """Replace the tokens of these chunks by those of `tokenize`."""
    cache: dict[str, list[tuple[int, int]]] = {}
    new: list[tuple[int, int]] = []
    for low, high in chunks:
        chunk = joined[low:high]
        tokens = cache.get(chunk)
        if tokens is None:
            tokens = cache[chunk] = tokenize(chunk)
        new += [(low + start, low + end) for start, end in tokens]
    first, after = np.searchsorted(starts, np.array(chunks, np.int64).T)
    steps = np.zeros(len(starts) + 1, np.int8)
    steps[first] += 1
    steps[after] -= 1
    kept = np.cumsum(steps[:-1], dtype=np.int8) == 0
    starts, ends = starts[kept], ends[kept]
    inserted = np.array(new, np.int64).reshape(-1, 2).T
    indices = np.searchsorted(starts, inserted[0])
    return np.insert(starts, indices, inserted[0]), np.insert(ends, indices, inserted[1])


def _covered(starts: Places, ends: Places, length: int) -> NDArray[np.bool_]:
    """Return which code points belong to a token."""
    steps = np.zeros(length + 1, np.int8)
    steps[starts] += 1
    steps[ends] -= 1
    covered: NDArray[np.bool_] = np.cumsum(steps[:-1]) > 0
    return covered


def _widths(units: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Return the length of each code point in UTF-8 bytes."""
    return 1 + (units > 0x7F).view(np.uint8) + (units > 0x7FF).view(np.uint8) + (units > 0xFFFF).view(np.uint8)


@cache
def _table() -> NDArray[np.uint8]:
    """Return the character class of each code point."""
    table = np.full(sys.maxunicode + 1, _OTHER, np.uint8)
    characters = "".join(map(chr, range(sys.maxunicode + 1)))
    for number, pattern in _CLASSES.items():
        table[[match.start() for match in re.finditer(pattern, characters)]] = number
    return table
