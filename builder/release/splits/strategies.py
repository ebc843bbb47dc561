"""Where new groups of articles go: by chance, by time, by source, by target of stance.

A strategy takes new groups with their articles, the splits that articles have already, the shares that are wanted,
and what is known of each article. It gives the split of each group, or the reason why it can have none.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.records import user_error
from builder.schema.dataset import Splits

NAMES = ("train", "validation", "test")

Groups = Mapping[str, Sequence[str]]

Placed = tuple[dict[str, str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Traits:
    """What a split may go by: an article's source, its date (ISO 8601 in UTC), its gold stances as target and value."""

    source: str
    date: str | None = None
    stances: tuple[tuple[str, str], ...] = ()


UNKNOWN = Traits("")


def by_chance(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placed:
    """In order of sha256(seed:group), each to the split with room for it that lacks most articles like its own.

    That is iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) over sources and stances, a rare one
    weighing as much as a frequent one; where no split has room, to the one that lacks most. While no more groups are
    left than splits are empty, to an empty one.
    """
    have = {name: Counter[object]() for name in NAMES}
    for article, home in split.items():
        have[home].update(_strata(traits.get(article, UNKNOWN)))
    strata = {group: _counted(articles, traits) for group, articles in new.items()}
    every = Counter[object]()
    for counted in (*have.values(), *strata.values()):
        every.update(counted)
    placed: dict[str, str] = {}
    ordered = sorted(new, key=lambda group: _rank(shares.seed, group))
    for left, group in zip(range(len(ordered), 0, -1), ordered, strict=True):
        empty = [name for name in NAMES if not have[name][ALL]]
        lacks = {name: getattr(shares, name) * every[ALL] - have[name][ALL] for name in NAMES}
        roomy = [name for name in NAMES if lacks[name] >= len(new[group])]
        if empty and left <= len(empty):
            home = max(empty, key=lacks.__getitem__)
        elif roomy:
            home = max(
                roomy, key=lambda name: (_need(strata[group], have[name], every, getattr(shares, name)), lacks[name])
            )
        else:
            home = max(NAMES, key=lacks.__getitem__)
        placed[group] = home
        have[home].update(strata[group])
    return placed, {}


ALL = "all"
"""The stratum of every article."""


def _strata(one: Traits) -> list[object]:
    return [ALL, ("source", one.source), *(("stance", *stance) for stance in one.stances)]


def _counted(articles: Iterable[str], traits: Mapping[str, Traits]) -> Counter[object]:
    return Counter(stratum for article in articles for stratum in _strata(traits.get(article, UNKNOWN)))


def _need(own: Counter[object], have: Counter[object], every: Counter[object], share: float) -> float:
    """How much a split lacks of the strata of a group, of each as a part of all that there is of it."""
    return round(sum(count * (share - have[stratum] / every[stratum]) for stratum, count in own.items()), 9)


def by_time(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placed:
    """The oldest to train, the newest to test; a group goes by its newest article.

    Once there are dated articles in train and validation, their newest ones are the borders for good: what comes later
    is newer, so that test grows and the shares drift, but nothing in train is newer than what it is tested on.
    """
    newest = {group: max(traits.get(a, UNKNOWN).date or "" for a in articles) for group, articles in new.items()}
    placed: dict[str, str] = {}
    borders = [max((traits.get(a, UNKNOWN).date or "" for a, home in split.items() if home == name), default="")
               for name in NAMES[:2]]  # fmt: skip
    dated = sorted((date, group) for group, date in newest.items() if date)
    total, seen = sum(len(new[group]) for _, group in dated), 0
    for date, group in dated:
        if any(borders):
            placed[group] = next((name for name, border in zip(NAMES, borders, strict=False) if date <= border), "test")
        else:
            middle = (seen + len(new[group]) / 2) / total
            placed[group] = _at(middle, shares)
        seen += len(new[group])
    return placed, {group: "it has no date, and the split goes by time" for group, date in newest.items() if not date}


def _at(share: float, shares: Splits) -> str:
    if share <= shares.train:
        return "train"
    return "validation" if share <= shares.train + shares.validation else "test"


def by_source(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placed:
    """Each source to one split, so that test asks for sources that were never trained on."""
    return _whole(new, split, shares, lambda article: [traits.get(article, UNKNOWN).source], "sources")


def by_target(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placed:
    """Each stance target to one split; an article goes where the targets that it was asked about are."""
    return _whole(
        new, split, shares, lambda article: [t for t, _ in traits.get(article, UNKNOWN).stances], "stance targets"
    )


def _whole(
    new: Groups, split: Mapping[str, str], shares: Splits, keys_of: Callable[[str], Collection[str]], what: str
) -> Placed:
    """Give each key to one split, the most frequent first; a group follows its keys, and has none where they part."""
    homes: dict[str, set[str]] = defaultdict(set)
    have, sizes = Counter(split.values()), Counter[str]()
    for article, home in split.items():
        for key in keys_of(article):
            homes[key].add(home)
    keys = {group: sorted({key for article in articles for key in keys_of(article)}) for group, articles in new.items()}
    sizes.update(key for articles in new.values() for article in articles for key in {*keys_of(article)})
    if len(sizes.keys() | homes.keys()) < len(NAMES):
        raise user_error(
            "splits",
            f"there are {len(sizes.keys() | homes.keys())} {what}, and three splits need three at least",
            where="schema/dataset.yaml",
            fix="choose another strategy for splits",
        )
    total = len(split) + sum(map(len, new.values()))
    fresh = sorted(sizes.keys() - homes.keys(), key=lambda key: (-sizes[key], _rank(shares.seed, key)))
    for left, key in zip(range(len(fresh), 0, -1), fresh, strict=True):
        empty = [name for name in NAMES if not have[name]]
        choice = empty if empty and left <= len(empty) else NAMES
        home = max(choice, key=lambda name: getattr(shares, name) * total - have[name])
        homes[key].add(home)
        have[home] += sizes[key]
    placed: dict[str, str] = {}
    aside: dict[str, str] = {}
    for group, own in keys.items():
        there = sorted({home for key in own for home in homes[key]}, key=NAMES.index)
        if len(there) == 1:
            placed[group] = there[0]
        else:
            aside[group] = f"its {what} stand in {' and '.join(there)}" if there else f"it has no {what}"
    return placed, aside


def _rank(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


STRATEGIES: Mapping[str, Callable[[Groups, Mapping[str, str], Splits, Mapping[str, Traits]], Placed]] = {
    "random": by_chance, "by_time": by_time, "by_source": by_source, "by_target": by_target,
}  # fmt: skip
