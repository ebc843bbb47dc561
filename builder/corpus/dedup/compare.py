"""How articles that may be alike are alike, exactly, and the groups that come of it.

Near, contained and related are what builder.text.similarity says; a contained text of about the length of the other
(not clearly smaller) is called related if it is that too. Whatever hangs together through such pairs is a group. A group of an earlier run keeps its name and its articles.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from builder.corpus.dedup.candidates import Pairs, components, pairs_of, sides
from builder.records import Dropped, Group, GroupKind
from builder.records.arrow import arrow_schema
from builder.text.shingles import Words, shingles
from builder.text.similarity import FEW_WORDS, LONG, SHORT, clearly_smaller, contained, near, related

Places = NDArray[np.int64]

KINDS: tuple[GroupKind, ...] = ("exact", "near", "contained", "related")

NOTHING = len(KINDS)

AT_ONCE = 1 << 17
"""Runs of words that are compared together: bounds the memory."""

_HALF = np.uint64(32)


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """Articles by rank, none of which is alike to an article that is not among them."""

    ids: pa.StringArray
    twin: Places
    """The first of them with the same text: its place."""
    heading: NDArray[np.uint64]
    """Title and lead as one number, 0 where they tell nothing."""
    old: pa.StringArray
    """The group of an earlier run, or null."""
    counts: Places
    """How many words each has."""
    words: Callable[[NDArray[np.bool_]], Words]
    """The words, 32 bits wide, of those that are asked for, as none of the others: together they may be very many."""


@dataclass(frozen=True, slots=True, eq=False)
class _Stories:
    """The group of each member as a number, which is the place of its root; or, of an old group, what follows the members.

    Then the names of these numbers, and the place of the root of each member, -1 where that is no member.
    """

    group: Places
    names: pa.StringArray
    roots: Places


@dataclass(frozen=True, slots=True, eq=False)
class Links:
    """Pairs that are alike, sorted, with the place of their kind in KINDS and their similarity."""

    pairs: Pairs
    kind: Places
    similarity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """Pairs of different texts, sorted, each once, and how much they have in common."""

    pairs: Pairs
    jaccard: NDArray[np.float64]
    inside: NDArray[np.float64]
    """The share of the runs of the smaller that the other has."""
    part: NDArray[np.bool_]
    """Whether the smaller is clearly smaller."""


def grouped(members: Members, candidates: Pairs, known: Sequence[Shares] = ()) -> tuple[pa.Table, list[Dropped]]:
    """Rows of Group, one for each member, sorted by id, and a remark for each new story that is alike to several old groups.

    A row compares with the root of its group; where it is not alike to that, with the member to which it is most.
    `similarity` is the Jaccard similarity, of what is contained the share of the shorter text. `known` is what `shares`
    gave for some of the candidates; the others are compared here.
    """
    count = len(members.ids)
    looked = np.union1d(candidates, pairs_of(np.arange(count), members.twin))
    links = _compared(members, looked, joined(known))
    stories, remarks = _stories(members, links)
    rooted = stories.roots >= 0
    direct = _again(members, links, looked, pairs_of(np.flatnonzero(rooted), stories.roots[rooted]))
    kind, similarity = _best(direct, links, stories, count)
    said = pa.DictionaryArray.from_arrays(kind.astype(np.int8), [*KINDS, "single"]).dictionary_decode()
    columns = [members.ids, stories.names.take(stories.group), pa.array(similarity), said]
    rows = pa.table(columns, schema=arrow_schema(Group))
    return rows.sort_by("article_id"), remarks


def shares(twin: Places, words: Callable[[NDArray[np.bool_]], Words], pairs: Pairs) -> Shares:
    """What the texts of these pairs have in common, where they are not the same; `words` as of Members."""
    left, right = sides(pairs)
    looked = pairs_of(twin[left], twin[right])
    needed = np.zeros(len(twin), bool)
    needed[np.concatenate(sides(looked))] = True
    return Shares(looked, *_shares(words(needed), looked))


def joined(parts: Sequence[Shares]) -> Shares:
    """All pairs of these, each once."""
    nothing = Shares(np.empty(0, np.uint64), np.empty(0), np.empty(0), np.empty(0, bool))
    pairs, first = np.unique(np.concatenate([nothing.pairs, *(one.pairs for one in parts)]), return_index=True)
    return Shares(
        pairs,
        np.concatenate([nothing.jaccard, *(one.jaccard for one in parts)])[first],
        np.concatenate([nothing.inside, *(one.inside for one in parts)])[first],
        np.concatenate([nothing.part, *(one.part for one in parts)])[first],
    )


def _compared(members: Members, pairs: Pairs, known: Shares) -> Links:
    """Those of these pairs that are alike."""
    left, right = sides(pairs)
    one, other = members.twin[left], members.twin[right]
    same = one == other
    jaccard, inside = np.ones(len(pairs)), np.ones(len(pairs))
    unknown = np.setdiff1d(_ordered(one[~same], other[~same]), known.pairs)
    looked = joined([known, shares(members.twin, members.words, unknown)])
    at = np.searchsorted(looked.pairs, _ordered(one[~same], other[~same]))
    jaccard[~same], inside[~same] = looked.jaccard[at], looked.inside[at]
    part = np.zeros(len(pairs), bool)
    part[~same] = looked.part[at]
    counts = np.minimum(members.counts[one], members.counts[other])
    headed = (members.heading[left] != 0) & (members.heading[left] == members.heading[right])
    held = contained(inside, counts)
    alike = [same, near(jaccard), held & part, related(jaccard), held, headed]
    kind = np.select(alike, [0, 1, 2, 3, 2, 3], NOTHING)
    similarity = np.where(kind == KINDS.index("contained"), inside, jaccard)
    found = kind < NOTHING
    return Links(pairs[found], kind[found], similarity[found])


def _again(members: Members, links: Links, looked: Pairs, wanted: Pairs) -> Links:
    """Those of the wanted pairs that are alike; those that were looked at are not looked at again."""
    known = np.isin(links.pairs, wanted)
    more = _compared(members, np.setdiff1d(wanted, looked), joined(()))
    return Links(
        np.concatenate([links.pairs[known], more.pairs]),
        np.concatenate([links.kind[known], more.kind]),
        np.concatenate([links.similarity[known], more.similarity]),
    )


def _ordered(one: Places, other: Places) -> Pairs:
    return np.minimum(one, other).astype(np.uint64) << _HALF | np.maximum(one, other).astype(np.uint64)


def _shares(words: Words, pairs: Pairs) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """The Jaccard similarity of each pair, the share of the runs of the smaller that the other has, and if it is clearly smaller."""
    left, right = sides(pairs)
    jaccard, inside = np.zeros(len(pairs)), np.zeros(len(pairs))
    part_of = np.zeros(len(pairs), bool)
    shorter = np.minimum(words.counts[left], words.counts[right])
    for size, due in ((LONG, shorter >= FEW_WORDS), (SHORT, shorter < FEW_WORDS)):
        where = np.flatnonzero(due)
        costs = words.counts[left[where]] + words.counts[right[where]] + 1
        for part in _portions(where, costs):
            common, small, both = _common(words, left[part], right[part], size)
            jaccard[part] = common / np.maximum(both - common, 1)
            inside[part] = common / np.maximum(small, 1)
            part_of[part] = clearly_smaller(small, both - small)
    return jaccard, inside, part_of


def _portions(items: Places, costs: Places) -> list[Places]:
    """The items in portions of which each costs about AT_ONCE."""
    cuts = np.flatnonzero(np.diff(np.cumsum(costs) // AT_ONCE)) + 1
    return [items[low:high] for low, high in pairwise([0, *cuts.tolist(), len(items)]) if low < high]


def _common(words: Words, left: Places, right: Places, size: int) -> tuple[Places, Places, Places]:
    """How many distinct runs both texts of each pair have, how many the smaller has, and how many both together.

    The runs of a text stand under its number in one sorted row of numbers, and then those of a pair under its own:
    what stands there twice is common.
    """
    needed, number = np.unique(np.concatenate([left, right]), return_inverse=True)
    own = _of(words, needed)
    runs = shingles(Words(own.hashes.astype(np.uint64), own.counts), size)
    bits = np.uint64(64 - max(len(needed) - 1, len(left) - 1, 1).bit_length())
    low = (np.uint64(1) << bits) - np.uint64(1)
    keys = np.repeat(np.arange(len(needed), dtype=np.uint64), runs.counts) << bits | (runs.hashes & low)
    keys.sort()
    keys = keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys
    counts = np.bincount((keys >> bits).astype(np.int64), minlength=len(needed))
    one, other = number[: len(left)], number[len(left) :]
    sets = Words(keys & low, counts)
    pair = np.repeat(np.arange(len(left), dtype=np.uint64), counts[one] + counts[other])
    mixed = pair << bits | _of(sets, np.column_stack([one, other]).ravel()).hashes
    mixed.sort(kind="stable")  # merges the two sorted halves of each pair, and does no more
    twice = mixed[1:][mixed[1:] == mixed[:-1]]
    common = np.bincount((twice >> bits).astype(np.int64), minlength=len(left))
    return common, np.minimum(counts[one], counts[other]), counts[one] + counts[other]


def _of(words: Words, texts: Places) -> Words:
    """Those of these texts, in this order."""
    begins, counts = np.cumsum(words.counts) - words.counts, words.counts[texts]
    at = np.arange(counts.sum()) + np.repeat(begins[texts] - (np.cumsum(counts) - counts), counts)
    return Words(words.hashes[at], counts)


def _stories(members: Members, links: Links) -> tuple[_Stories, list[Dropped]]:
    """The group of each member.

    New articles hang together through one another; such a story takes the name of the old group that it is alike to,
    of several that whose root is the earliest, or of its own first article. Old groups are never joined.
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
    present = np.full(len(places), count)
    np.minimum.at(present, group[~new] - count, np.flatnonzero(~new))
    first = np.where(places >= 0, places, present)
    touched: dict[int, set[int]] = {}
    for root, other in zip(story[fresh].tolist(), group[old].tolist(), strict=True):
        touched.setdefault(root, set()).add(other)
    joined = np.arange(len(names))
    remarks: list[Dropped] = []
    for root, groups in sorted(touched.items()):
        joined[root], *others = sorted(groups, key=lambda one: (first[one - count], names[one].as_py()))
        if others:
            said = ", ".join(names[one].as_py() for one in others)
            detail = f"joins group {names[joined[root]]}, and is alike to {said} too: old groups stay apart"
            remarks.append(Dropped("dedup", members.ids[root].as_py(), "bridge", detail))
    group = joined[group]
    return _Stories(group, names, np.append(np.arange(count), places)[group]), remarks


def _best(direct: Links, links: Links, stories: _Stories, count: int) -> tuple[Places, NDArray[np.float64]]:
    """The kind of each member and its similarity, with the root if it can be; a root has the strongest of its group."""
    kind, similarity = np.full(count, NOTHING), np.ones(count)
    left, right = sides(direct.pairs)
    own = stories.roots[right] == left  # a root comes first of those of its run, but an old one may be younger
    for member, root, at in ((right, left, own), (left, right, ~own)):
        kind[member[at]], similarity[member[at]] = direct.kind[at], direct.similarity[at]
        np.minimum.at(kind, root[at], direct.kind[at])
    left, right = sides(links.pairs)
    within = stories.group[left] == stories.group[right]
    one = np.concatenate([left[within], right[within]])
    other = np.concatenate([right[within], left[within]])
    which, share = np.tile(links.kind[within], 2), np.tile(links.similarity[within], 2)
    unsaid = np.flatnonzero(kind[one] == NOTHING)
    order = unsaid[np.lexsort((other[unsaid], -share[unsaid], which[unsaid], one[unsaid]))]
    first = order[np.append(True, one[order][1:] != one[order][:-1])] if len(order) else order
    kind[one[first]] = which[first]
    rooted = np.arange(count) == stories.roots
    similarity[one[first]] = np.where(rooted[one[first]], 1.0, share[first])
    return kind, similarity
