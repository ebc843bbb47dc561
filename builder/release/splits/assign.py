"""Which split an article belongs to: for ever, and whole groups together.

How new groups find their split is builder.release.splits.strategies. Does not read or write the ledger of splits: the
caller keeps it.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.records import Article, Group, Issue, KhabarError, SplitAssignment
from builder.release.splits import leakage
from builder.release.splits.strategies import NAMES, STRATEGIES, Traits
from builder.schema.dataset import Splits

NO_TRAITS: Mapping[str, Traits] = {}

MOVE = (
    "an article never changes its split: take one of them down (`khabar takedown`); or, where this is to be a new first "
    "number, give both one split in annotations/splits.jsonl"
)


@dataclass(frozen=True, slots=True)
class Parted:
    """The split group of each article, the ledger of splits, and why an article has no split."""

    groups: tuple[Group, ...]
    ledger: tuple[SplitAssignment, ...]
    aside: Mapping[str, str]
    issues: tuple[Issue, ...]
    """A warning for each article that has no split."""


def part(
    chosen: Sequence[Article],
    groups: Sequence[Group],
    frozen: Mapping[str, str],
    shares: Splits,
    traits: Mapping[str, Traits],
    fold: Callable[[Sequence[str]], Sequence[str]],
) -> Parted:
    """Give each chosen article its split: articles that are alike, or in one duplicate group, share theirs.

    `frozen` is the ledger so far: what was published once holds its group's split, though it may be published no more.
    Raises Refused (exit code 1) with each pair that is alike and has stood in two splits already.
    """
    ids = [article.id for article in chosen]
    alike = leakage.pairs(fold([article.text for article in chosen]), fold([article.title or "" for article in chosen]))
    ours = {*ids, *frozen}
    known = [group for group in groups if group.article_id in ours]
    linked = [(ids[pair.left], ids[pair.right]) for pair in alike]
    name = leakage.united({group.article_id: group.group_id for group in known}, linked)
    assigned, aside = assign(name, shares, frozen, traits)
    found = leakage.across(alike, ids, [assigned.get(article, "") for article in ids], MOVE)
    if found:
        raise KhabarError(*found, exit_code=1)
    ledger = tuple(SplitAssignment(article, split) for article, split in sorted({**frozen, **assigned}.items()))
    return Parted(tuple(replace(group, group_id=name[group.article_id]) for group in known), ledger, aside,
                  tuple(_quarantined(article, why, name, frozen) for article, why in aside.items()))  # fmt: skip


def _quarantined(article: str, why: str, groups: Mapping[str, str], frozen: Mapping[str, str]) -> Issue:
    same = [f"{other} in {frozen[other]}" for other in sorted(frozen) if groups.get(other) == groups[article]]
    beside = f", as {' and '.join(same[:4])}" if same else ""
    return Issue("warning", "no split", f"article {article} stays out of the release: {why}{beside}", where=article,
                 article_id=article)  # fmt: skip


def assign(
    groups: Mapping[str, str], shares: Splits, frozen: Mapping[str, str], traits: Mapping[str, Traits] = NO_TRAITS
) -> tuple[dict[str, str], dict[str, str]]:
    """The split of each article, and the reason of each article that cannot have one.

    `groups` leads from article to group, `frozen` from article to the split it has had before, which
    it keeps. A group goes where its frozen members are; a new one where the strategy of `shares` sends it. New
    members of a group that is frozen in two splits get none. Raises Refused (exit code 2) where `frozen` names an
    unknown split.

    >>> split, aside = assign({"a-0": "g", "b-0": "g", "c-0": "h"}, Splits(), {"a-0": "test"})
    >>> split["b-0"], split["c-0"], aside
    ('test', 'train', {})
    """
    _refuse_unknown(frozen)
    members: dict[str, list[str]] = defaultdict(list)
    for article in sorted(groups):
        members[groups[article]].append(article)
    split = {article: frozen[article] for article in sorted(groups) if article in frozen}
    aside: dict[str, str] = {}
    new: dict[str, list[str]] = {}
    for group, articles in sorted(members.items()):
        homes = sorted({split[article] for article in articles if article in split}, key=NAMES.index)
        if len(homes) > 1:
            reason = f"its group bridges {' and '.join(homes)}"
            aside |= {article: reason for article in articles if article not in split}
        elif homes:
            split |= dict.fromkeys(articles, homes[0])
        else:
            new[group] = articles
    placed, homeless = STRATEGIES[shares.strategy](new, split, shares, traits)
    split |= {article: home for group, home in placed.items() for article in new[group]}
    aside |= {article: reason for group, reason in homeless.items() for article in new[group]}
    return dict(sorted(split.items())), dict(sorted(aside.items()))


def _refuse_unknown(frozen: Mapping[str, str]) -> None:
    issues = [
        Issue(
            "error",
            "splits",
            f"article {article} stands in split {name!r}; known: {', '.join(NAMES)}",
            where="annotations/splits.jsonl",
            fix="restore the file from git",
            article_id=article,
        )
        for article, name in sorted(frozen.items())
        if name not in NAMES
    ]
    if issues:
        raise KhabarError(*issues)
