"""Strategies that place new groups of articles in splits: random, by time, by source, by stance target.

A strategy takes the new groups with their articles, the splits of placed articles, the wanted shares, and the traits of
each article. It returns the split of each group, and the reason for each group that can have none.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from builder.records import user_error
from builder.schema.dataset import Splits

SPLIT_NAMES = ("train", "validation", "test")

Groups = Mapping[str, Sequence[str]]

Placement = tuple[dict[str, str], dict[str, str]]


@dataclass(frozen=True, slots=True)
class Traits:
    """The traits a strategy uses: source, date (ISO 8601 in UTC), and gold stances as target and value."""

    source: str
    date: str | None = None
    stances: tuple[tuple[str, str], ...] = ()


UNKNOWN = Traits("")


def by_chance(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placement:
    """Place groups by iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011) over sources and stances.

    Groups come in the order of sha256(seed:group). Each goes to the split with room for it that lacks most articles
    like its own, where rare strata weigh as much as frequent ones, or to the split that lacks most if none has room.
    Once as few groups are left as splits are empty, each goes to an empty one.
    """
    have = {name: Counter[object]() for name in SPLIT_NAMES}
    for article, home in split.items():
        have[home].update(_strata(traits.get(article, UNKNOWN)))
    strata = {group: _counted(articles, traits) for group, articles in new.items()}
    totals = Counter[object]()
    for counted in (*have.values(), *strata.values()):
        totals.update(counted)
    placed: dict[str, str] = {}
    ordered = sorted(new, key=lambda group: _rank(shares.seed, group))
    for left, group in zip(range(len(ordered), 0, -1), ordered, strict=True):
        empty = [name for name in SPLIT_NAMES if not have[name][ALL]]
        lacks = {name: getattr(shares, name) * totals[ALL] - have[name][ALL] for name in SPLIT_NAMES}
        roomy = [name for name in SPLIT_NAMES if lacks[name] >= len(new[group])]
        if empty and left <= len(empty):
            home = max(empty, key=lacks.__getitem__)
        elif roomy:
            home = max(
                roomy, key=lambda name: (_need(strata[group], have[name], totals, getattr(shares, name)), lacks[name])
            )
        else:
            home = max(SPLIT_NAMES, key=lacks.__getitem__)
        placed[group] = home
        have[home].update(strata[group])
    return placed, {}


ALL = "all"
"""The stratum that contains every article."""


def _strata(traits: Traits) -> list[object]:
    """Return the strata of an article."""
    return [ALL, ("source", traits.source), *(("stance", *stance) for stance in traits.stances)]


def _counted(articles: Iterable[str], traits: Mapping[str, Traits]) -> Counter[object]:
    """Count the strata of articles."""
    return Counter(stratum for article in articles for stratum in _strata(traits.get(article, UNKNOWN)))


def _need(strata: Counter[object], have: Counter[object], totals: Counter[object], share: float) -> float:
    """Return how much a split lacks of a group's strata, each as a share of the stratum's total."""
    return round(sum(count * (share - have[stratum] / totals[stratum]) for stratum, count in strata.items()), 9)


def by_time(new: Groups, borders: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placement:
    """Place the oldest groups in train and the newest in test; a group is dated by its newest article.

    Without `borders` the groups are placed by their shares. With them, later articles are newer, so test grows and the
    shares drift, but nothing in train is newer than what it is tested on.
    """
    newest = {group: max(traits.get(a, UNKNOWN).date or "" for a in articles) for group, articles in new.items()}
    placed: dict[str, str] = {}
    dated = sorted((date, group) for group, date in newest.items() if date)
    total, seen = sum(len(new[group]) for _, group in dated), 0
    for date, group in dated:
        if borders:
            placed[group] = next((name for name in SPLIT_NAMES[:2] if date <= borders.get(name, "")), "test")
        else:
            middle = (seen + len(new[group]) / 2) / total
            placed[group] = _at(middle, shares)
        seen += len(new[group])
    return placed, {group: "it has no date, and the split goes by time" for group, date in newest.items() if not date}


def time_borders(split: Mapping[str, str], traits: Mapping[str, Traits]) -> dict[str, str]:
    """Return the date of the newest article of train and of validation; a split without a dated article has none.

    >>> time_borders({"a-0": "train", "b-0": "test"}, {"a-0": Traits("s", "2026-02-01"), "b-0": Traits("s", "2026-03-01")})
    {'train': '2026-02-01'}
    """
    dates = {name: [traits.get(article, UNKNOWN).date or "" for article, home in split.items() if home == name]
             for name in SPLIT_NAMES[:2]}  # fmt: skip
    return {name: max(found) for name, found in dates.items() if any(found)}


def lateness(article: str, home: str, borders: Mapping[str, str], traits: Mapping[str, Traits]) -> str:
    """Return why an article is too new for the split of its group, or an empty string."""
    border, date = borders.get(home, ""), traits.get(article, UNKNOWN).date or ""
    if not border or date <= border:
        return ""
    return f"its group is in {home}, whose newest article is of {border[:10]}, and it is of {date[:10]}"


def _at(share: float, shares: Splits) -> str:
    """Return the split at a share of all articles, from oldest to newest."""
    if share <= shares.train:
        return "train"
    return "validation" if share <= shares.train + shares.validation else "test"


def by_source(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placement:
    """Place each source in one split, so that test has sources that training never saw."""
    return _place_by_key(new, split, shares, lambda article: [traits.get(article, UNKNOWN).source], "sources")


def by_target(new: Groups, split: Mapping[str, str], shares: Splits, traits: Mapping[str, Traits]) -> Placement:
    """Place each stance target in one split; an article follows the targets that it was annotated for."""
    return _place_by_key(
        new, split, shares, lambda article: [t for t, _ in traits.get(article, UNKNOWN).stances], "stance targets"
    )


def _place_by_key(
    new: Groups, split: Mapping[str, str], shares: Splits, keys_of: Callable[[str], Collection[str]], what: str
) -> Placement:
    """Place each key in one split, the most frequent key first; a group follows its keys.

    A group whose keys are in several splits, or that has no key, gets none. Raises KhabarError (exit code 2) if there are
    fewer keys than splits and no article has a split yet: a takedown may leave fewer keys, and blocks no later build.
    """
    homes: dict[str, set[str]] = defaultdict(set)
    have, sizes = Counter(split.values()), Counter[str]()
    for article, home in split.items():
        for key in keys_of(article):
            homes[key].add(home)
    keys = {group: sorted({key for article in articles for key in keys_of(article)}) for group, articles in new.items()}
    sizes.update(key for articles in new.values() for article in articles for key in {*keys_of(article)})
    if not split and len(sizes.keys() | homes.keys()) < len(SPLIT_NAMES):
        raise user_error(
            "splits",
            f"found {len(sizes.keys() | homes.keys())} {what}, but three splits need at least three",
            where="schema/dataset.yaml",
            fix="set another splits.strategy",
        )
    total = len(split) + sum(map(len, new.values()))
    fresh = sorted(sizes.keys() - homes.keys(), key=lambda key: (-sizes[key], _rank(shares.seed, key)))
    for left, key in zip(range(len(fresh), 0, -1), fresh, strict=True):
        empty = [name for name in SPLIT_NAMES if not have[name]]
        choice = empty if empty and left <= len(empty) else SPLIT_NAMES
        home = max(choice, key=lambda name: getattr(shares, name) * total - have[name])
        homes[key].add(home)
        have[home] += sizes[key]
    placed: dict[str, str] = {}
    aside: dict[str, str] = {}
    for group, group_keys in keys.items():
        candidates = sorted({home for key in group_keys for home in homes[key]}, key=SPLIT_NAMES.index)
        if len(candidates) == 1:
            placed[group] = candidates[0]
        else:
            aside[group] = f"its {what} stand in {' and '.join(candidates)}" if candidates else f"it has no {what}"
    return placed, aside


def _rank(seed: int, name: str) -> bytes:
    """Return a seeded hash of a name, by which names are ordered."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


STRATEGIES: Mapping[str, Callable[[Groups, Mapping[str, str], Splits, Mapping[str, Traits]], Placement]] = {
    "random": by_chance, "by_source": by_source, "by_target": by_target,
}  # fmt: skip
"""The strategies but `by_time`, which needs borders and not the splits of placed articles."""
