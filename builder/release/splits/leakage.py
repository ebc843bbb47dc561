"""Train/test leakage: exact search for pairs of texts that must not be in different splits.

Pairs are equal texts, near-duplicates, texts contained in another, and equal titles, as builder.text.similarity
defines them. No pair above a threshold is missed. Callers pass search-folded texts.

Candidates come from prefix filtering (Chaudhuri, Ganti and Kaushik 2006): if the smaller of two sets has n shingles
and shares at least k with the other, then they share one of its n - k + 1 rarest shingles. The shared shingles of each
candidate pair are then counted.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from builder.io.lists import ranges
from builder.records import Issue
from builder.text.shingles import Hashes, hash_words, shingles
from builder.text.similarity import FEW_WORDS, HEADING, LONG, SAME, SHORT, SLACK, TITLE_WORDS, contained, near

Kind = Literal["exact", "near", "contained", "related"]

Places = NDArray[np.int64]

BATCH = 2000
"""Texts whose words are extracted at once."""

PARTS, PART = 16, np.uint64(60)
"""The number of parts in which shingles are processed, and the shift that gives the part of a hash: its highest bits."""

AT_ONCE = 1 << 22
"""Pairs of shingle and text that are processed at once; bounds the memory."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """The indices of two similar texts, left before right, and their Jaccard similarity or contained share."""

    left: int
    right: int
    kind: Kind
    similarity: float


def pairs(texts: Sequence[str], titles: Sequence[str] = ()) -> list[Pair]:
    """Find every pair of similar texts and return the pairs in order.

    Equal texts are each paired with the first of them, and only that one is compared with other texts. Equal titles
    are handled alike. `titles` is empty or as long as `texts`. An empty text or title matches nothing.

    >>> pairs(["خبر عاجل من الميناء", "رياضة", "خبر عاجل من الميناء"])
    [Pair(left=0, right=2, kind='exact', similarity=1.0)]
    """
    first: dict[str, int] = {}
    matches = [
        Pair(first[text], index, "exact", 1.0)
        for index, text in enumerate(texts)
        if text and first.setdefault(text, index) != index
    ]
    distinct = list(first.values())
    similar = {pair for size in (LONG, SHORT) for pair in _alike([texts[index] for index in distinct], size)}
    matches += [replace(pair, left=distinct[pair.left], right=distinct[pair.right]) for pair in similar]
    matched = {(pair.left, pair.right) for pair in matches}
    matches += [pair for pair in _titled(titles) if (pair.left, pair.right) not in matched]
    return sorted(matches)


def merge_groups(groups: Mapping[str, str], links: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Merge the groups of articles that a pair links, and return the group of each article.

    A group is named after its smallest article id.

    >>> merge_groups({"a": "a", "b": "b", "c": "b"}, [("a", "c")])
    {'a': 'a', 'b': 'a', 'c': 'a'}
    """
    root = {name: name for name in (*groups, *groups.values())}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for left, right in (*groups.items(), *links):
        low, high = sorted((find(left), find(right)))
        root[high] = low
    smallest: dict[str, str] = {}
    for article in sorted(groups):
        smallest.setdefault(find(article), article)
    return {article: smallest[find(article)] for article in groups}


MESSAGES: Mapping[Kind, str] = {
    "exact": "the same text is in {} and in {}",
    "near": "near-duplicate texts are in {} and in {}: they share {:.0%} of their shingles",
    "contained": "one of the texts in {} and in {} contains the other: they share {:.0%} of the shorter one's shingles",
}


def cross_split_errors(matches: Sequence[Pair], names: Sequence[str], splits: Sequence[str], fix: str) -> list[Issue]:
    """Return an error for each pair whose texts are in two splits; builder.release.splits.titles lists shared titles.

    `names` and `splits` are parallel to the texts; the split "" means that a text has none.

    >>> texts = ["خبر عاجل", "خبر عاجل"]
    >>> [issue.message for issue in cross_split_errors(pairs(texts), ["a-0", "b-0"], ["train", "test"], "")]
    ['the same text is in train (a-0) and in test (b-0)']
    """
    return [
        Issue("error", "leak",
              MESSAGES[pair.kind].format(*(f"{splits[at]} ({names[at]})" for at in (pair.left, pair.right)), pair.similarity),
              where=names[pair.left], fix=fix, article_id=names[pair.left])
        for pair in matches
        if pair.kind != "related" and are_apart(pair, splits)
    ]  # fmt: skip


def are_apart(pair: Pair, splits: Sequence[str]) -> bool:
    """Return whether the texts of a pair are in two splits."""
    return bool(splits[pair.left] and splits[pair.right]) and splits[pair.left] != splits[pair.right]


def _titled(titles: Sequence[str]) -> Iterator[Pair]:
    """Yield the pairs of articles with equal titles."""
    articles_of: dict[str, list[int]] = defaultdict(list)
    for index, title in enumerate(titles):
        articles_of[title].append(index)
    for title, same in articles_of.items():
        if 1 < len(same) <= HEADING and hash_words([title]).counts[0] >= TITLE_WORDS:
            yield from (Pair(same[0], other, "related", 1.0) for other in same[1:])


def _alike(texts: Sequence[str], size: int) -> Iterator[Pair]:
    """Yield the near-duplicate and contained pairs of distinct texts, by shingles of `size` words.

    With LONG shingles these are the pairs whose shorter text has at least FEW_WORDS words, with SHORT ones all others.
    """
    shared = _shared(texts, size)
    sizes, counts = shared.sizes, shared.counts
    few = counts < FEW_WORDS
    owners = _texts(shared.keys, shared.bits)
    enough = np.maximum(np.ceil(SAME * sizes - SLACK).astype(np.int64), 1)
    able = np.bincount(owners, minlength=len(texts)) >= enough
    shelf = _ShingleIndex(shared.keys, shared.bits, owners, np.bincount(owners, minlength=len(texts)))
    for left, right in _candidates(shelf, shared.often, sizes, enough, able):
        common = shelf.common(left, right)
        union, smaller = sizes[left] + sizes[right] - common, np.minimum(sizes[left], sizes[right])
        copies = near(common / union)
        inside = contained(common / smaller, np.minimum(counts[left], counts[right]))
        due = few[left] | few[right] if size == SHORT else True
        for at in np.flatnonzero((copies | inside) & due).tolist():
            share = float(common[at] / (union[at] if copies[at] else smaller[at]))
            yield Pair(int(left[at]), int(right[at]), "near" if copies[at] else "contained", share)


@dataclass(frozen=True, slots=True, eq=False)
class _SharedShingles:
    """The shingles that occur in several texts, and the sizes of all texts."""

    keys: Hashes
    """Pairs of shingle and text, each packed into one number, sorted."""
    often: Places
    """The number of texts that have the shingle of each pair."""
    bits: np.uint64
    """The bits that a text takes in the packed number."""
    sizes: Places
    """The distinct shingles of each text, shared or not."""
    counts: Places
    """The words of each text."""


def _shared(texts: Sequence[str], size: int) -> _SharedShingles:
    """Extract the shingles that occur in several texts."""
    packs = _keys(texts, size)
    bits, counts = packs.bits, packs.counts
    few = counts < FEW_WORDS
    sizes = np.zeros(len(texts), np.int64)
    kept: list[Hashes] = [np.empty(0, np.uint64)]
    often: list[Places] = [np.empty(0, np.int64)]
    for number in range(PARTS):  # in parts, because most shingles occur in one text only and are dropped
        packed = np.concatenate([part[part >> PART == number] for part in packs.parts])
        packed.sort()
        packed = packed[_fresh(packed)]
        texts_of = _texts(packed, bits)
        sizes += np.bincount(texts_of, minlength=len(texts))
        starts, lengths = _runs(packed >> bits)
        keep = lengths > 1
        if size == SHORT and len(packed):  # a pair needs a short text, so drop shingles that no short text has
            keep &= np.logical_or.reduceat(few[texts_of], starts)
        kept.append(packed[np.repeat(keep, lengths)])
        often.append(np.repeat(lengths[keep], lengths[keep]))
    del packs  # frees the parts
    return _SharedShingles(np.concatenate(kept), np.concatenate(often), bits, sizes, counts)


@dataclass(frozen=True, slots=True, eq=False)
class _ShingleIndex:
    """An inverted index of shared shingles: sorted packed pairs, the text of each pair, and the pairs of each text."""

    keys: Hashes
    bits: np.uint64
    owners: Places
    held: Places

    def common(self, left: Places, right: Places) -> Places:
        """Count the shingles that the texts of each pair share."""
        swap = self.held[left] > self.held[right]
        small, large = np.where(swap, right, left), np.where(swap, left, right)
        order = np.argsort(self.owners, kind="stable")
        begins = np.cumsum(self.held) - self.held
        wanted = self.held[small]
        shingle = self.keys[order[ranges(begins[small], wanted)]] >> self.bits << self.bits
        shingle |= np.repeat(large, wanted).astype(np.uint64)
        index = np.minimum(np.searchsorted(self.keys, shingle), max(len(self.keys) - 1, 0))
        pair = np.repeat(np.arange(len(left)), wanted)
        return np.bincount(pair[self.keys[index] == shingle], minlength=len(left))


@dataclass(frozen=True, slots=True, eq=False)
class _PackedShingles:
    """Pairs of shingle and text, each packed into one number: in parts, with the bits of a text and each text's words."""

    parts: list[Hashes]
    bits: np.uint64
    counts: Places


def _keys(texts: Sequence[str], size: int) -> _PackedShingles:
    """Pack every pair of shingle and text into one number, with the text in the lowest bits."""
    bits = np.uint64(max(len(texts) - 1, 1).bit_length())
    parts: list[Hashes] = [np.empty(0, np.uint64)]
    counts: list[Places] = [np.empty(0, np.int64)]
    for low in range(0, len(texts), BATCH):
        text_words = hash_words(texts[low : low + BATCH])
        runs = shingles(text_words, size)
        text = np.arange(low, low + len(runs.counts), dtype=np.uint64)
        keys = (runs.hashes >> bits << bits) | np.repeat(text, runs.counts)
        parts.append(keys[np.repeat(text_words.counts >= FEW_WORDS, runs.counts)] if size == LONG else keys)
        counts.append(text_words.counts)
    return _PackedShingles(parts, bits, np.concatenate(counts))


def _texts(keys: Hashes, bits: np.uint64) -> Places:
    """Return the text of each packed pair."""
    return (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)


def _fresh(values: Hashes) -> NDArray[np.bool_]:
    """Return which of these sorted values differ from the previous one."""
    is_first = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return is_first


def _runs(values: Hashes) -> tuple[Places, Places]:
    """Return the start and length of each run of equal values in these sorted values."""
    starts = np.flatnonzero(_fresh(values))
    return starts, np.diff(np.append(starts, len(values)))


def _candidates(
    shelf: _ShingleIndex, runs: Places, sizes: Places, enough: Places, able: NDArray[np.bool_]
) -> Iterator[tuple[Places, Places]]:
    """Yield candidate pairs in batches, maybe with repeats: a text and a larger one that has one of its rarest shingles."""
    prefix = np.flatnonzero(able[shelf.owners])
    prefix = prefix[np.lexsort((shelf.keys[prefix], runs[prefix], shelf.owners[prefix]))]
    owner = shelf.owners[prefix]
    first = np.searchsorted(owner, owner)
    # The shingles that a text shares with no other are not on the shelf, but rank as its rarest.
    rank = np.arange(len(prefix)) - first + (sizes - shelf.held)[owner]
    prefix = prefix[rank < (sizes - enough + 1)[owner]]
    starts = np.searchsorted(shelf.keys >> shelf.bits, shelf.keys[prefix] >> shelf.bits)
    for low, high in _parts(runs[prefix]):
        length = runs[prefix[low:high]]
        text, other = np.repeat(shelf.owners[prefix[low:high]], length), shelf.owners[ranges(starts[low:high], length)]
        smaller = (sizes[text] < sizes[other]) | ((sizes[text] == sizes[other]) & (text < other))
        text, other = text[smaller], other[smaller]
        left, right = np.divmod(np.unique(np.minimum(text, other) * len(sizes) + np.maximum(text, other)), len(sizes))
        for begin, end in _parts(np.minimum(shelf.held[left], shelf.held[right])):
            yield left[begin:end], right[begin:end]


def _parts(costs: Places) -> Iterator[tuple[int, int]]:
    """Yield index ranges that cost about AT_ONCE each."""
    edges = [0, *(np.flatnonzero(np.diff(np.cumsum(costs) // AT_ONCE)) + 1).tolist(), len(costs)]
    yield from ((low, high) for low, high in pairwise(edges) if low < high)
