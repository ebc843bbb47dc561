"""Pairs of texts that must not stand in two splits, found exactly: no pair above a threshold is missed.

Equal texts, near copies, texts that are contained in another (builder.text.similarity), equal titles. Texts come
search-folded.

Candidates come from the prefix principle (Chaudhuri, Ganti and Kaushik 2006): two sets of which the smaller, of n
shingles, shares at least k with the other, share one of its n - k + 1 rarest; then the shared ones are counted.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from builder.records import Issue
from builder.text.shingles import Hashes, shingles, words
from builder.text.similarity import FEW_WORDS, HEADING, LONG, SAME, SHORT, SLACK, TITLE_WORDS, contained, near

Kind = Literal["exact", "near", "contained", "related"]

Places = NDArray[np.int64]

BATCH = 2000
"""Texts whose words are looked at together."""

PARTS, PART = 16, np.uint64(60)
"""Shingles are looked at in so many parts, by the highest bits of their hashes."""

AT_ONCE = 1 << 22
"""Pairs of shingle and text that are looked at together: bounds the memory."""


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two texts by their places, left before right, and how alike they are: Jaccard, or the share that is contained."""

    left: int
    right: int
    kind: Kind
    similarity: float


def pairs(texts: Sequence[str], titles: Sequence[str] = ()) -> list[Pair]:
    """Every pair of these texts that is alike, sorted.

    Of equal texts each is paired with the first of them, which alone is compared with others; so with equal titles.
    `titles`, where given, are as many as texts. An empty text, or title, is like no other.

    >>> pairs(["خبر عاجل من الميناء", "رياضة", "خبر عاجل من الميناء"])
    [Pair(left=0, right=2, kind='exact', similarity=1.0)]
    """
    first: dict[str, int] = {}
    found = [
        Pair(first[text], place, "exact", 1.0)
        for place, text in enumerate(texts)
        if text and first.setdefault(text, place) != place
    ]
    places = list(first.values())
    alike = {pair for size in (LONG, SHORT) for pair in _alike([texts[place] for place in places], size)}
    found += [Pair(places[a], places[b], kind, similarity) for a, b, kind, similarity in alike]
    known = {(pair.left, pair.right) for pair in found}
    found += [pair for pair in _titled(titles) if (pair.left, pair.right) not in known]
    return sorted(found)


def united(groups: Mapping[str, str], found: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The group of each article, after those that a pair links became one, which is named after its smallest article.

    >>> united({"a": "a", "b": "b", "c": "b"}, [("a", "c")])
    {'a': 'a', 'b': 'a', 'c': 'a'}
    """
    root = {name: name for name in (*groups, *groups.values())}

    def find(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for one, other in (*groups.items(), *found):
        low, high = sorted((find(one), find(other)))
        root[high] = low
    smallest: dict[str, str] = {}
    for article in sorted(groups):
        smallest.setdefault(find(article), article)
    return {article: smallest[find(article)] for article in groups}


SAID: Mapping[Kind, str] = {
    "exact": "the same text stands in {} and in {}",
    "near": "a copy stands in {} and in {}: {:.0%} of their runs of words are the same",
    "contained": "a text stands in {} and inside another in {}, or the other way round: {:.0%} of the runs of words of the "
    "shorter",
    "related": "the same title stands in {} and in {}",
}


def across(found: Sequence[Pair], names: Sequence[str], splits: Sequence[str], fix: str) -> list[Issue]:
    """An error for each pair whose texts, which are called `names`, stand in two splits; "" is no split.

    >>> two = ["خبر عاجل", "خبر عاجل"]
    >>> [issue.message for issue in across(pairs(two), ["a-0", "b-0"], ["train", "test"], "")]
    ['the same text stands in train (a-0) and in test (b-0)']
    """
    return [
        Issue("error", "leak",
              SAID[pair.kind].format(*(f"{splits[at]} ({names[at]})" for at in (pair.left, pair.right)), pair.similarity),
              where=names[pair.left], fix=fix, article_id=names[pair.left])
        for pair in found
        if splits[pair.left] != splits[pair.right] and splits[pair.left] and splits[pair.right]
    ]  # fmt: skip


def _titled(titles: Sequence[str]) -> Iterator[Pair]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, title in enumerate(titles):
        places[title].append(place)
    for title, same in places.items():
        if 1 < len(same) <= HEADING and words([title]).counts[0] >= TITLE_WORDS:
            yield from (Pair(same[0], other, "related", 1.0) for other in same[1:])


def _alike(texts: Sequence[str], size: int) -> Iterator[tuple[int, int, Kind, float]]:
    """Pairs of which the shorter text has at least FEW_WORDS words, where `size` is LONG; fewer, where SHORT."""
    keys, runs, bits, sizes, counts = _shared(texts, size)
    few = counts < FEW_WORDS
    owners = _texts(keys, bits)
    enough = np.maximum(np.ceil(SAME * sizes - SLACK).astype(np.int64), 1)
    able = np.bincount(owners, minlength=len(texts)) >= enough
    shelf = _Shelf(keys, bits, owners, np.bincount(owners, minlength=len(texts)))
    for left, right in _candidates(shelf, runs, sizes, enough, able):
        common = shelf.common(left, right)
        union, smaller = sizes[left] + sizes[right] - common, np.minimum(sizes[left], sizes[right])
        copies = near(common / union)
        inside = contained(common / smaller, np.minimum(counts[left], counts[right]))
        due = few[left] | few[right] if size == SHORT else True
        for at in np.flatnonzero((copies | inside) & due).tolist():
            share = float(common[at] / (union[at] if copies[at] else smaller[at]))
            yield int(left[at]), int(right[at]), "near" if copies[at] else "contained", share


def _shared(texts: Sequence[str], size: int) -> tuple[Hashes, Places, np.uint64, Places, Places]:
    """The shingles that several texts have, each with its text as one number, sorted; and how many texts have it.

    Then the bits of a text in such a number; how many distinct shingles each text has, shared or not; and how many words.
    """
    parts, bits, counts = _keys(texts, size)
    few = counts < FEW_WORDS
    sizes = np.zeros(len(texts), np.int64)
    kept: list[Hashes] = [np.empty(0, np.uint64)]
    often: list[Places] = [np.empty(0, np.int64)]
    for number in range(PARTS):  # not all at once: most shingles are of one text, and of no use
        found = np.concatenate([part[part >> PART == number] for part in parts])
        found.sort()
        found = found[_fresh(found)]
        texts_of = _texts(found, bits)
        sizes += np.bincount(texts_of, minlength=len(texts))
        starts, lengths = _runs(found >> bits)
        keep = lengths > 1
        if size == SHORT and len(found):  # what no shorter text has, none can share with one
            keep &= np.logical_or.reduceat(few[texts_of], starts)
        kept.append(found[np.repeat(keep, lengths)])
        often.append(np.repeat(lengths[keep], lengths[keep]))
    del parts
    return np.concatenate(kept), np.concatenate(often), bits, sizes, counts


@dataclass(frozen=True, slots=True, eq=False)
class _Shelf:
    """Shingles that several texts have: each with its text, as one number, sorted; and how many each text has."""

    keys: Hashes
    bits: np.uint64
    owners: Places
    held: Places

    def common(self, left: Places, right: Places) -> Places:
        """How many shingles the texts of each pair share."""
        swap = self.held[left] > self.held[right]
        small, large = np.where(swap, right, left), np.where(swap, left, right)
        order = np.argsort(self.owners, kind="stable")
        begins = np.cumsum(self.held) - self.held
        wanted = self.held[small]
        shingle = self.keys[order[_ranges(begins[small], wanted)]] >> self.bits << self.bits
        shingle |= np.repeat(large, wanted).astype(np.uint64)
        place = np.minimum(np.searchsorted(self.keys, shingle), max(len(self.keys) - 1, 0))
        pair = np.repeat(np.arange(len(left)), wanted)
        return np.bincount(pair[self.keys[place] == shingle], minlength=len(left))


def _keys(texts: Sequence[str], size: int) -> tuple[list[Hashes], np.uint64, Places]:
    """Every pair of shingle and text as one number, the text in its lowest bits, in parts; and words by text."""
    bits = np.uint64(max(len(texts) - 1, 1).bit_length())
    parts: list[Hashes] = [np.empty(0, np.uint64)]
    counts: list[Places] = [np.empty(0, np.int64)]
    for low in range(0, len(texts), BATCH):
        found = words(texts[low : low + BATCH])
        runs = shingles(found, size)
        text = np.arange(low, low + len(runs.counts), dtype=np.uint64)
        keys = (runs.hashes >> bits << bits) | np.repeat(text, runs.counts)
        parts.append(keys[np.repeat(found.counts >= FEW_WORDS, runs.counts)] if size == LONG else keys)
        counts.append(found.counts)
    return parts, bits, np.concatenate(counts)


def _texts(keys: Hashes, bits: np.uint64) -> Places:
    return (keys & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)


def _fresh(values: Hashes) -> NDArray[np.bool_]:
    """Which of these sorted values differ from the one before."""
    found = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=found[1:])
    return found


def _runs(values: Hashes) -> tuple[Places, Places]:
    """Where each run of equal ones of these sorted values begins, and how long it is."""
    starts = np.flatnonzero(_fresh(values))
    return starts, np.diff(np.append(starts, len(values)))


def _candidates(
    shelf: _Shelf, runs: Places, sizes: Places, enough: Places, able: NDArray[np.bool_]
) -> Iterator[tuple[Places, Places]]:
    """Pairs of a text and a larger one that has one of its rarest shingles, each pair once or more, left before right."""
    mine = np.flatnonzero(able[shelf.owners])
    mine = mine[np.lexsort((shelf.keys[mine], runs[mine], shelf.owners[mine]))]
    owner = shelf.owners[mine]
    first = np.searchsorted(owner, owner)  # what a text shares with none is rarer than all that it shares
    rank = np.arange(len(mine)) - first + (sizes - shelf.held)[owner]
    mine = mine[rank < (sizes - enough + 1)[owner]]
    starts = np.searchsorted(shelf.keys >> shelf.bits, shelf.keys[mine] >> shelf.bits)
    for low, high in _parts(runs[mine]):
        length = runs[mine[low:high]]
        one, other = np.repeat(shelf.owners[mine[low:high]], length), shelf.owners[_ranges(starts[low:high], length)]
        smaller = (sizes[one] < sizes[other]) | ((sizes[one] == sizes[other]) & (one < other))
        one, other = one[smaller], other[smaller]
        both = np.unique(np.minimum(one, other) * len(sizes) + np.maximum(one, other))
        left, right = both // len(sizes), both % len(sizes)
        for begin, end in _parts(np.minimum(shelf.held[left], shelf.held[right])):
            yield left[begin:end], right[begin:end]


def _parts(costs: Places) -> Iterator[tuple[int, int]]:
    """Ranges of which each costs about AT_ONCE."""
    cuts = np.flatnonzero(np.diff(np.cumsum(costs) // AT_ONCE)) + 1
    edges = [0, *cuts.tolist(), len(costs)]
    yield from ((low, high) for low, high in pairwise(edges) if low < high)


def _ranges(starts: Places, lengths: Places) -> Places:
    """The numbers of all ranges, one range after another.

    >>> _ranges(np.array([5, 1]), np.array([2, 3])).tolist()
    [5, 6, 1, 2, 3]
    """
    found: Places = np.arange(lengths.sum(), dtype=np.int64)
    found += np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    return found
