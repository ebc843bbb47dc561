"""Assignment of articles to splits: permanent, and by whole groups.

builder.release.splits.strategies places new groups. The caller stores the ledger of splits.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.records import Article, Group, Issue, KhabarError, Leak, SplitAssignment, SplitBorder
from builder.release.splits import leakage, titles
from builder.release.splits.strategies import SPLIT_NAMES, STRATEGIES, Traits, by_time, lateness, time_borders
from builder.schema.dataset import Splits

NO_TRAITS: Mapping[str, Traits] = {}

NO_BORDERS: Mapping[str, str] = {}

MOVE = (
    "an article never changes its split: remove one of the two (`khabar takedown`), or, for a new major version, give "
    "both the same split in annotations/splits.jsonl"
)


@dataclass(frozen=True, slots=True)
class SplitResult:
    """The split group of each article, the ledger of splits, and the reason why an article has no split."""

    groups: tuple[Group, ...]
    ledger: tuple[SplitAssignment, ...]
    borders: tuple[SplitBorder, ...]
    """The borders of splits by time, once set for ever; none with other strategies."""
    aside: Mapping[str, str]
    issues: tuple[Issue, ...]
    """A warning for each article that has no split, and one for the titles that two splits share."""
    leaks: tuple[Leak, ...] = ()
    """Similar articles that an imported set published in different splits."""


def split_articles(
    chosen: Sequence[Article],
    groups: Sequence[Group],
    frozen: Mapping[str, str],
    shares: Splits,
    traits: Mapping[str, Traits],
    fold: Callable[[Sequence[str]], Sequence[str]],
    borders: Mapping[str, str] = NO_BORDERS,
    published: Collection[str] = (),
) -> SplitResult:
    """Assign each chosen article to a split; similar articles and those of one duplicate group share it.

    Articles in `published` keep the splits in which an imported set published them, and their leaks are listed.

    `frozen` is the ledger so far, and `borders` the dates that it keeps for splits by time; a ledger of an earlier
    version of khabar has none, and gets those of its articles. An article that was published once keeps its group in its
    split, even if it is no longer published. Raises KhabarError (exit code 1) with each pair of similar articles that are
    already in two splits; articles that share only a title are not similar texts, and are listed.
    """
    ids = [article.id for article in chosen]
    alike = leakage.pairs(fold([article.text for article in chosen]), fold([article.title or "" for article in chosen]))
    ours = {*ids, *frozen}
    known = [group for group in groups if group.article_id in ours]
    linked = [(ids[pair.left], ids[pair.right]) for pair in alike]
    name = leakage.merge_groups({group.article_id: group.group_id for group in known}, linked)
    assigned, aside = assign(name, shares, frozen, traits, borders)
    homes = [assigned.get(article, "") for article in ids]
    own = {*published}
    others = [pair for pair in alike if not {ids[pair.left], ids[pair.right]} <= own]
    leaking = leakage.cross_split_errors(others, ids, homes, MOVE)
    if leaking:
        raise KhabarError(*leaking, exit_code=1)
    ledger = tuple(SplitAssignment(article, split) for article, split in sorted({**frozen, **assigned}.items()))
    if shares.strategy == "by_time":
        borders = borders or time_borders(frozen, traits) or time_borders(assigned, traits)
    issues = [_quarantined(article, why, name, frozen) for article, why in aside.items()]
    return SplitResult(
        _within_splits(known, name, assigned, own), ledger,
        tuple(SplitBorder(*pair) for pair in sorted(borders.items())), aside,
        (*issues, *titles.shared_titles(others, ids, homes)),
        leaks_of({article: name[article] for article in ids if article in own}, assigned),
    )  # fmt: skip


def _within_splits(
    groups: Sequence[Group], name: Mapping[str, str], split: Mapping[str, str], published: Collection[str]
) -> tuple[Group, ...]:
    """Name each group after its smallest article in the same split; groups of an imported set show its leaks.

    An article without a split may link articles of two splits, which then are in no published group together.
    """
    smallest: dict[tuple[str, str], str] = {}
    for article in sorted(name):
        smallest.setdefault((name[article], split.get(article, "")), article)
    imported = {name[article] for article in published if article in name}
    return tuple(
        replace(group, group_id=found if found in imported else smallest[found, split.get(group.article_id, "")])
        for group in groups
        for found in [name[group.article_id]]
    )


def leaks_of(groups: Mapping[str, str], splits: Mapping[str, str]) -> tuple[Leak, ...]:
    """Return the groups whose articles stand in several splits; `groups` maps articles to groups.

    >>> leaks_of({"a-0": "g", "b-0": "g", "c-0": "h"}, {"a-0": "train", "b-0": "test", "c-0": "test"})
    (Leak(splits={'a-0': 'train', 'b-0': 'test'}),)
    """
    members: dict[str, dict[str, str]] = defaultdict(dict)
    for article, group in sorted(groups.items()):
        members[group][article] = splits[article]
    return tuple(Leak(found) for _, found in sorted(members.items()) if len({*found.values()}) > 1)


def _quarantined(article: str, why: str, groups: Mapping[str, str], frozen: Mapping[str, str]) -> Issue:
    """Return the warning for an article that gets no split."""
    same = [f"{other} in {frozen[other]}" for other in sorted(frozen) if groups.get(other) == groups[article]]
    neighbours = f", as {' and '.join(same[:4])}" if same else ""
    return Issue("warning", "no split", f"article {article} stays out of the release: {why}{neighbours}", where=article,
                 article_id=article)  # fmt: skip


def assign(
    groups: Mapping[str, str], shares: Splits, frozen: Mapping[str, str], traits: Mapping[str, Traits] = NO_TRAITS,
    borders: Mapping[str, str] = NO_BORDERS,
) -> tuple[dict[str, str], dict[str, str]]:  # fmt: skip
    """Return the split of each article, and the reason for each article that cannot have one.

    `groups` maps articles to groups, `frozen` maps articles to the split they already have and keep. A group follows
    its frozen members. The strategy of `shares` places a new group. If a group is frozen in two splits, its new members
    get none. An article that is newer than the border of its group's split gets none either. Raises KhabarError (exit code 2) if `frozen` names an unknown split.

    >>> split, aside = assign({"a-0": "g", "b-0": "g", "c-0": "h"}, Splits(), {"a-0": "test"})
    >>> split["b-0"], split["c-0"], aside
    ('test', 'train', {})
    """
    _refuse_unknown(frozen)
    limits = (borders or time_borders(frozen, traits)) if shares.strategy == "by_time" else NO_BORDERS
    members: dict[str, list[str]] = defaultdict(list)
    for article in sorted(groups):
        members[groups[article]].append(article)
    split = {article: frozen[article] for article in sorted(groups) if article in frozen}
    aside: dict[str, str] = {}
    new: dict[str, list[str]] = {}
    for group, articles in sorted(members.items()):
        homes = sorted({split[article] for article in articles if article in split}, key=SPLIT_NAMES.index)
        if len(homes) > 1:
            reason = f"its group bridges {' and '.join(homes)}"
            aside |= {article: reason for article in articles if article not in split}
        elif homes:
            late = {a: why for a in articles if a not in split and (why := lateness(a, homes[0], limits, traits))}
            aside |= late
            split |= {article: homes[0] for article in articles if article not in late}
        else:
            new[group] = articles
    if shares.strategy == "by_time":
        placed, homeless = by_time(new, limits, shares, traits)
    else:
        placed, homeless = STRATEGIES[shares.strategy](new, split, shares, traits)
    split |= {article: home for group, home in placed.items() for article in new[group]}
    aside |= {article: reason for group, reason in homeless.items() for article in new[group]}
    return dict(sorted(split.items())), dict(sorted(aside.items()))


def _refuse_unknown(frozen: Mapping[str, str]) -> None:
    """Raise KhabarError for each article whose split is unknown."""
    issues = [
        Issue(
            "error",
            "splits",
            f"article {article} has the unknown split {name!r}; known: {', '.join(SPLIT_NAMES)}",
            where="annotations/splits.jsonl",
            fix="restore the file from git",
            article_id=article,
        )
        for article, name in sorted(frozen.items())
        if name not in SPLIT_NAMES
    ]
    if issues:
        raise KhabarError(*issues)
