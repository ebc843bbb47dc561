"""N-gram matching: search of strings for quotations of articles, that is five consecutive words.

A word is a maximal run of letters, digits and marks after folding (search@1), so spelling variants, marks, tatweel and
punctuation hide nothing. Addresses and redaction placeholders are ignored on both sides, and five words of one letter
each do not count. Words are compared by 64-bit hashes, and each match is verified by its letters.
"""

import re
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import NDArray

from builder.release.redaction.redact import PLACEHOLDERS

RUN = 5
"""Consecutive words that count as a quotation."""

BATCH = 500
"""Texts that are processed at once."""

Fold = Callable[[Sequence[str]], list[str]]

Hashes = NDArray[np.uint64]

Places = NDArray[np.int64]

_LEFT_OUT = re.compile("|".join([r"(?:https?://|www\.)\S+", *map(re.escape, PLACEHOLDERS)]))

_MULTIPLIER, _MODULUS = 0x9E3779B97F4A7C15, 1 << 64


@dataclass(frozen=True, slots=True)
class Match:
    """A quotation: the indices of the string and the passage, and the first word of the quotation in each, from 0."""

    string: int
    word: int
    passage: int
    passage_word: int


def quotes(strings: Sequence[str], passages: Sequence[str], fold: Fold) -> list[Match]:
    """Find the first quotation of each passage in each string, in order; `fold` folds many texts at once.

    >>> quotes(["قال: «وصل الوفد إلى المدينة»", "وصل الوفد"], ["أمس قال وصل الوفد الى المدينة."], lambda texts: [
    ...     text.replace("إ", "ا").replace("أ", "ا") for text in texts])
    [Match(string=0, word=0, passage=0, passage_word=1)]
    """
    wanted: dict[int, list[tuple[int, int]]] = {}
    for first, texts in _batches(strings, fold):
        runs = _runs(texts)
        real = runs.lengths > 2 * RUN - 1
        rows = zip(
            runs.hashes[real].tolist(), (runs.owners[real] + first).tolist(), runs.words[real].tolist(), strict=True
        )
        for value, string, word in rows:
            wanted.setdefault(value, []).append((string, word))
    if not wanted:
        return []
    known = np.array(sorted(wanted), np.uint64)
    matches: dict[tuple[int, int], Match] = {}
    for first, texts in _batches(passages, fold):
        runs = _runs(texts)
        at = np.searchsorted(known, runs.hashes).clip(max=len(known) - 1)
        hits = np.flatnonzero(known[at] == runs.hashes)
        columns = (column[hits].tolist() for column in (runs.hashes, runs.owners, runs.words))
        for value, owner, passage_word in zip(*columns, strict=True):
            for string, word in wanted[value]:
                match = Match(string, word, first + owner, passage_word)
                key = (string, first + owner)
                if (key not in matches or word < matches[key].word) and _equal(
                    strings[string], texts[owner], match, fold
                ):
                    matches[key] = match
    return [matches[key] for key in sorted(matches)]


def word_offsets(passage: str, word: int, fold: Fold) -> tuple[int, int] | None:
    """Return the start and end of five words of a passage, in code points; `word` is the index of the first.

    Returns None if folding splits or joins words, so that they cannot be located.
    """
    whole = words_of(passage, fold)[word : word + RUN]
    runs = groupby(range(len(passage)), lambda index: _may_be_of_a_word(passage[index]))
    extents = [(indices[0], indices[-1] + 1) for indices in (list(run) for inside, run in runs if inside)]
    located = [(folded, start, end) for start, end in extents for folded in words_of(passage[start:end], fold)]
    for first in range(len(located) - RUN + 1):
        if [folded for folded, _, _ in located[first : first + RUN]] == whole:
            return located[first][1], located[first + RUN - 1][2]
    return None


def _may_be_of_a_word(character: str) -> bool:
    """Return whether a character belongs to a word, or is an invisible one that folding removes from words."""
    return unicodedata.category(character)[0] in "LNM" or unicodedata.category(character) == "Cf"


def words_of(text: str, fold: Fold) -> list[str]:
    """Return the folded words of a text, without addresses and placeholders.

    >>> words_of("قال: «وصل REDACTED_EMAIL» https://barq.example/1", list)
    ['قال', 'وصل']
    """
    (folded,) = fold([_LEFT_OUT.sub(" ", text)])
    words = _words([folded])
    return [folded[start:end] for start, end in zip(words.starts.tolist(), words.ends.tolist(), strict=True)]


def _equal(string: str, folded: str, match: Match, fold: Fold) -> bool:
    """Return whether the words of a match are equal, not only their hashes; `folded` is the folded passage."""
    words, low = _words([folded]), match.passage_word
    starts, ends = words.starts[low : low + RUN].tolist(), words.ends[low : low + RUN].tolist()
    passage_words = [folded[start:end] for start, end in zip(starts, ends, strict=True)]
    return words_of(string, fold)[match.word : match.word + RUN] == passage_words


def _batches(texts: Sequence[str], fold: Fold) -> Iterator[tuple[int, list[str]]]:
    """Yield batches of folded texts with the index of the first, without addresses and placeholders."""
    for start in range(0, len(texts), BATCH):
        yield start, fold([_LEFT_OUT.sub(" ", text) for text in texts[start : start + BATCH]])


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """The start and end of each word of joined texts, the index of its text, and the code points of the joined text."""

    starts: Places
    ends: Places
    owners: Places
    units: NDArray[np.uint32]


def _words(texts: Sequence[str]) -> _Words:
    """Locate the words of texts that are joined by spaces."""
    joined = " ".join([*texts, ""])
    units = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
    inside = np.zeros(len(units) + 2, np.int8)
    inside[1:-1] = _table().take(units)
    edges = np.diff(inside)
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    begins = np.fromiter(accumulate((len(text) + 1 for text in texts), initial=0), np.int64, len(texts) + 1)
    return _Words(starts, ends, np.searchsorted(begins, starts, "right") - 1, units)


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Runs of RUN consecutive words: the hash of each, the index of its text, its first word there and its length.

    Lengths are in code points with one space between words.
    """

    hashes: Hashes
    owners: Places
    words: Places
    lengths: Places


def _runs(texts: Sequence[str]) -> _Runs:
    """Hash every run of RUN consecutive words of a text."""
    words = _words(texts)
    starts, ends, owners = words.starts, words.ends, words.owners
    count = max(0, len(starts) - RUN + 1)
    hashes = _word_hashes(words)
    runs: Hashes = np.zeros(count, np.uint64)
    for offset in range(RUN):
        runs = _mixed(runs * np.uint64(_MULTIPLIER) + hashes[offset : offset + count])
    whole = owners[:count] == owners[RUN - 1 :] if count else np.zeros(0, bool)
    firsts = np.searchsorted(owners, owners[:count])
    lengths = sum((ends[offset : offset + count] - starts[offset : offset + count] for offset in range(RUN)), np.zeros(count, np.int64)) + RUN - 1  # fmt: skip
    return _Runs(runs[whole], owners[:count][whole], (np.arange(count) - firsts)[whole], lengths[whole])


def _word_hashes(words: _Words) -> Hashes:
    """Return a polynomial hash of each word, from prefix sums; 64-bit arithmetic wraps."""
    units = words.units
    powers, inverses = _powers(1 << max(10, len(units).bit_length()))
    sums = np.zeros(len(units) + 1, np.uint64)
    np.cumsum(_mixed(units.astype(np.uint64)) * powers[: len(units)], out=sums[1:])
    return _mixed((sums[words.ends] - sums[words.starts]) * inverses[words.starts])


@cache
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """Return the powers of an odd number, and those of its inverse."""
    inverse = pow(_MULTIPLIER, -1, _MODULUS)
    factors = np.full((2, size), [[_MULTIPLIER], [inverse]], np.uint64)
    factors[:, 0] = 1
    powers = np.cumprod(factors, axis=1, dtype=np.uint64)
    return powers[0], powers[1]


def _mixed(values: Hashes) -> Hashes:
    """Apply the finalizer of SplitMix64 (Steele, Lea and Flood 2014)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


@cache
def _table() -> NDArray[np.int8]:
    """Return for every code point whether it belongs to words: letters, digits and marks."""
    return np.fromiter((unicodedata.category(chr(code))[0] in "LNM" for code in range(sys.maxunicode + 1)), np.int8)
