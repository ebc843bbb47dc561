"""Exact comparison of candidate pairs, and the near-duplicate groups they form.

A pair is compared by the distinct runs of words of both texts: runs of five words, or of three if the shorter text has
fewer than 50 words.

Near, contained and related are defined in builder.text.similarity. A contained text of about the length of the other
(not clearly smaller) is called related if it is that too. A group is a connected component of such pairs. A group of an
earlier run keeps its name and its articles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import Pairs, components, make_pairs, sides
from builder.records import Dropped, Group, GroupKind
from builder.records.arrow import arrow_schema
from builder.text.shingles import HashedWords, shingles
from builder.text.similarity import FEW_WORDS, LONG, SHORT, clearly_smaller, contained, near, related

Places = NDArray[np.int64]

KINDS: tuple[GroupKind, ...] = ("exact", "near", "contained", "related")

NOTHING = len(KINDS)

AT_ONCE = 1 << 17
"""Number of runs of words that are compared at once, which bounds the memory."""

_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The articles of one part of the corpus, by rank; no article outside the part is similar to any of them."""

    ids: pa.StringArray
    twin: Places
    """The position of the first member with the same text."""
    heading: NDArray[np.uint64]
    """The hash of title and lead, or 0 if it identifies no story."""
    old: pa.StringArray
    """The group of an earlier run, or null."""
    counts: Places
    """The number of words of each article."""
    words: Callable[[NDArray[np.bool_]], HashedWords]
    """Read the 32-bit word hashes of the selected members; the others get no words, because all may not fit memory."""


@dataclass(frozen=True, slots=True, eq=False)
class _GroupAssignment:
    """The group of each member."""

    group: Places
    """The number of the group: for a new group the position of its root, for old groups numbers from len(members) on."""
    names: pa.StringArray
    """The name of each group number."""
    roots: Places
    """The position of the root of each member's group, or -1 if the root is not a member."""


@dataclass(frozen=True, slots=True, eq=False)
class SimilarPairs:
    """Similar pairs, with the index of their kind in KINDS and their similarity."""

    pairs: Pairs
    kind: Places
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Similarities:
    """Distinct pairs of different texts, sorted, and their similarities. The smaller text has fewer distinct runs."""

    pairs: Pairs
    jaccard: NDArray[np.float64]
    inside: NDArray[np.float64]
    """The share of the smaller text's runs that the larger one has."""
    part: NDArray[np.bool_]
    """Whether the smaller text has at most SAME of the number of runs of the larger."""


def group_members(
    members: Members, candidates: Pairs, known: Sequence[Similarities] = ()
) -> tuple[pa.Table, list[Dropped]]:
    """Return a table of Group rows, one for each member, sorted by article id, and remarks.

    A row compares an article with the root of its group, or if the two are not similar, with the most similar member.
    `similarity` is the Jaccard similarity; for a contained article it is the share of the shorter text. `known` has
    the results of `shares` for some of the candidates; the others are compared here. There is a remark for each group
    of new articles that is similar to several old groups.
    """
    count = len(members.ids)
    pairs = np.union1d(candidates, make_pairs(np.arange(count), members.twin))
    links = _compared(members, pairs, merge_similarities(known))
    stories, remarks = _assign_groups(members, links)
    rooted = stories.roots >= 0
    direct = _again(members, links, pairs, make_pairs(np.flatnonzero(rooted), stories.roots[rooted]))
    kind, similarity = _best(direct, links, stories, count)
    kinds = pa.DictionaryArray.from_arrays(kind.astype(np.int8), [*KINDS, "single"]).dictionary_decode()
    columns = [members.ids, stories.names.take(stories.group), pa.array(similarity), kinds]
    rows = pa.table(columns, schema=arrow_schema(Group))
    return rows.sort_by("article_id"), remarks


def compare_texts(twin: Places, words: Callable[[NDArray[np.bool_]], HashedWords], pairs: Pairs) -> Similarities:
    """Compare the texts of pairs whose texts differ; `twin` and `words` are fields of Members."""
    left, right = sides(pairs)
    different = make_pairs(twin[left], twin[right])
    needed = np.zeros(len(twin), bool)
    needed[np.concatenate(sides(different))] = True
    return _similarities(words(needed), different)


def merge_similarities(parts: Sequence[Similarities]) -> Similarities:
    """Merge several results into one, with each pair once."""
    empty = Similarities(np.empty(0, np.uint64), np.empty(0), np.empty(0), np.empty(0, bool))
    merged = [empty, *parts]
    pairs, first = np.unique(np.concatenate([result.pairs for result in merged]), return_index=True)
    return Similarities(
        pairs,
        np.concatenate([result.jaccard for result in merged])[first],
        np.concatenate([result.inside for result in merged])[first],
        np.concatenate([result.part for result in merged])[first],
    )


def _compared(members: Members, pairs: Pairs, known: Similarities) -> SimilarPairs:
    """Compare the pairs that are not in `known`, and return the similar ones."""
    left, right = sides(pairs)
    left_text, right_text = members.twin[left], members.twin[right]
    same = left_text == right_text
    texts = _ordered(left_text[~same], right_text[~same])
    jaccard, inside = np.ones(len(pairs)), np.ones(len(pairs))
    unknown = np.setdiff1d(texts, known.pairs)
    compared = merge_similarities([known, compare_texts(members.twin, members.words, unknown)])
    at = np.searchsorted(compared.pairs, texts)
    jaccard[~same], inside[~same] = compared.jaccard[at], compared.inside[at]
    part = np.zeros(len(pairs), bool)
    part[~same] = compared.part[at]
    counts = np.minimum(members.counts[left_text], members.counts[right_text])
    same_heading = (members.heading[left] != 0) & (members.heading[left] == members.heading[right])
    held = contained(inside, counts)
    conditions = [same, near(jaccard), held & part, related(jaccard), held, same_heading]
    kind = np.select(conditions, [0, 1, 2, 3, 2, 3], NOTHING)
    similarity = np.where(kind == KINDS.index("contained"), inside, jaccard)
    similar = kind < NOTHING
    return SimilarPairs(pairs[similar], kind[similar], similarity[similar])


def _again(members: Members, links: SimilarPairs, compared: Pairs, wanted: Pairs) -> SimilarPairs:
    """Return the wanted pairs that are similar; compare only those not among the `compared` pairs, whose links are given."""
    known = np.isin(links.pairs, wanted)
    more = _compared(members, np.setdiff1d(wanted, compared), merge_similarities(()))
    return SimilarPairs(
        np.concatenate([links.pairs[known], more.pairs]),
        np.concatenate([links.kind[known], more.kind]),
        np.concatenate([links.similarity[known], more.similarity]),
    )


def _ordered(left: Places, right: Places) -> Pairs:
    """Return the pairs of two position arrays, the smaller position first, in the given order."""
    return np.minimum(left, right).astype(np.uint64) << _HALF | np.maximum(left, right).astype(np.uint64)


def _similarities(words: HashedWords, pairs: Pairs) -> Similarities:
    """Return the similarities of pairs of positions in `words`."""
    left, right = sides(pairs)
    jaccard, inside = np.zeros(len(pairs)), np.zeros(len(pairs))
    is_part = np.zeros(len(pairs), bool)
    shorter = np.minimum(words.counts[left], words.counts[right])
    for size, applies in ((LONG, shorter >= FEW_WORDS), (SHORT, shorter < FEW_WORDS)):
        chosen = np.flatnonzero(applies)
        costs = words.counts[left[chosen]] + words.counts[right[chosen]] + 1
        for portion in _portions(chosen, costs):
            runs = _common(words, left[portion], right[portion], size)
            jaccard[portion] = runs.common / np.maximum(runs.total - runs.common, 1)
            inside[portion] = runs.common / np.maximum(runs.smaller, 1)
            is_part[portion] = clearly_smaller(runs.smaller, runs.total - runs.smaller)
    return Similarities(pairs, jaccard, inside, is_part)


def _portions(items: Places, costs: Places) -> list[Places]:
    """Split the items into consecutive portions that cost about AT_ONCE each."""
    cuts = np.flatnonzero(np.diff(np.cumsum(costs) // AT_ONCE)) + 1
    return [items[low:high] for low, high in pairwise([0, *cuts.tolist(), len(items)]) if low < high]


@dataclass(frozen=True, slots=True, eq=False)
class _RunCounts:
    """Numbers of distinct runs of words for each pair: common to both texts, of the smaller text, and the sum of both."""

    common: Places
    smaller: Places
    total: Places


def _common(words: HashedWords, left: Places, right: Places, size: int) -> _RunCounts:
    """Count distinct runs of `size` words for each pair.

    The hashes of all runs go into one array, each with the number of its text in the high bits; sorting it removes
    repeated runs. The runs of both texts of a pair are then sorted under the number of the pair, so that common runs
    are neighbours.
    """
    needed, number = np.unique(np.concatenate([left, right]), return_inverse=True)
    needed_words = _of(words, needed)
    runs = shingles(HashedWords(needed_words.hashes.astype(np.uint64), needed_words.counts), size)
    bits = np.uint64(64 - max(len(needed) - 1, len(left) - 1, 1).bit_length())
    low = (np.uint64(1) << bits) - np.uint64(1)
    keys = np.repeat(np.arange(len(needed), dtype=np.uint64), runs.counts) << bits | (runs.hashes & low)
    keys.sort()
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    counts = np.bincount((keys >> bits).astype(np.int64), minlength=len(needed))
    left_text, right_text = number[: len(left)], number[len(left) :]
    sets = HashedWords(keys & low, counts)
    total = counts[left_text] + counts[right_text]
    pair = np.repeat(np.arange(len(left), dtype=np.uint64), total)
    merged = pair << bits | _of(sets, np.column_stack([left_text, right_text]).ravel()).hashes
    merged.sort(kind="stable")  # the halves of each pair are sorted already, so a stable sort only merges them
    twice = merged[1:][merged[1:] == merged[:-1]]
    common = np.bincount((twice >> bits).astype(np.int64), minlength=len(left))
    return _RunCounts(common, np.minimum(counts[left_text], counts[right_text]), total)


def _of(words: HashedWords, texts: Places) -> HashedWords:
    """Return the words of the given texts, in the given order."""
    begins, counts = np.cumsum(words.counts) - words.counts, words.counts[texts]
    at = np.arange(counts.sum()) + np.repeat(begins[texts] - (np.cumsum(counts) - counts), counts)
    return HashedWords(words.hashes[at], counts)


def _assign_groups(members: Members, links: SimilarPairs) -> tuple[_GroupAssignment, list[Dropped]]:
    """Return the group of each member, and a remark for each story that is similar to several old groups.

    A story is a connected component of new articles. It joins the old group that it is similar to; of several, the
    one with the earliest root. A story that is similar to no old group becomes a group named after its first article.
    Old groups are never merged.
    """
    count = len(members.ids)
    new = members.old.is_null().to_numpy(zero_copy_only=False)
    left, right = sides(links.pairs)
    story = components(links.pairs[new[left] & new[right]], count)
    known = members.old.dictionary_encode()
    names = pa.concat_arrays([members.ids, known.dictionary])
    places = pc.index_in(known.dictionary, value_set=members.ids).fill_null(-1).to_numpy()
    group = np.where(new, story, known.indices.fill_null(0).to_numpy() + count)
    mixed = new[left] != new[right]
    fresh, old = np.where(new[left], left, right)[mixed], np.where(new[left], right, left)[mixed]
    earliest = np.full(len(places), count)
    np.minimum.at(earliest, group[~new] - count, np.flatnonzero(~new))
    first = np.where(places >= 0, places, earliest)
    old_groups: dict[int, set[int]] = {}
    for root, number in zip(story[fresh].tolist(), group[old].tolist(), strict=True):
        old_groups.setdefault(root, set()).add(number)
    target = np.arange(len(names))
    remarks: list[Dropped] = []
    for root, numbers in sorted(old_groups.items()):
        target[root], *others = sorted(numbers, key=lambda number: (first[number - count], names[number].as_py()))
        if others:
            other_names = ", ".join(names[number].as_py() for number in others)
            detail = f"joins group {names[target[root]]}, and is alike to {other_names} too: old groups stay apart"
            remarks.append(Dropped("dedup", members.ids[root].as_py(), "bridge", detail))
    group = target[group]
    return _GroupAssignment(group, names, np.append(np.arange(count), places)[group]), remarks


def _best(
    direct: SimilarPairs, links: SimilarPairs, stories: _GroupAssignment, count: int
) -> tuple[Places, NDArray[np.float64]]:
    """Return the kind and the similarity of each member.

    They are those of its link to the root (`direct`), else those of its strongest link within the group. The kind of a
    root is the strongest kind of its links, and its similarity is 1.
    """
    kind, similarity = np.full(count, NOTHING), np.ones(count)
    left, right = sides(direct.pairs)
    root_is_left = stories.roots[right] == left  # a new root has the lowest rank of its group, an old one may not
    for member, root, at in ((right, left, root_is_left), (left, right, ~root_is_left)):
        kind[member[at]], similarity[member[at]] = direct.kind[at], direct.similarity[at]
        np.minimum.at(kind, root[at], direct.kind[at])
    left, right = sides(links.pairs)
    within = stories.group[left] == stories.group[right]
    member = np.concatenate([left[within], right[within]])
    other = np.concatenate([right[within], left[within]])
    link_kind, share = np.tile(links.kind[within], 2), np.tile(links.similarity[within], 2)
    open_links = np.flatnonzero(kind[member] == NOTHING)
    order = open_links[np.lexsort((other[open_links], -share[open_links], link_kind[open_links], member[open_links]))]
    best = order[np.append(True, member[order][1:] != member[order][:-1])] if len(order) else order
    kind[member[best]] = link_kind[best]
    is_root = np.arange(count) == stories.roots
    similarity[member[best]] = np.where(is_root[member[best]], 1.0, share[best])
    return kind, similarity
