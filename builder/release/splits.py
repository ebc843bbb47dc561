"""Which split an article belongs to: for ever, and whole groups together.

Does not read or write the ledger of splits: the caller keeps it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping

from builder.records import Issue, Refused
from builder.schema import Splits

NAMES = ("train", "validation", "test")


def assign(groups: Mapping[str, str], shares: Splits, frozen: Mapping[str, str]) -> tuple[dict[str, str], list[Issue]]:
    """The split of each article, and an error for each article that cannot have one.

    `groups` leads from article to group, `frozen` from article to the split it has had before, which
    it keeps. A group goes where its frozen members are; new groups go, in order of
    sha256(seed:group), to the split that lacks most articles of its share, and to an empty one while
    no more groups are left than splits are empty. New members of a group that is frozen in two
    splits get none. Raises Refused (exit code 2) where `frozen` names an unknown split.

    >>> split, issues = assign({"a-0": "g", "b-0": "g", "c-0": "h"}, Splits(), {"a-0": "test"})
    >>> split["b-0"], split["c-0"], issues
    ('test', 'train', [])
    """
    _refuse_unknown(frozen)
    members: dict[str, list[str]] = defaultdict(list)
    for article in sorted(groups):
        members[groups[article]].append(article)
    split = {article: frozen[article] for article in sorted(groups) if article in frozen}
    issues: list[Issue] = []
    new: list[str] = []
    for group, articles in sorted(members.items()):
        homes = sorted({split[article] for article in articles if article in split}, key=NAMES.index)
        if len(homes) > 1:
            issues += [_bridge(article, group, homes) for article in articles if article not in split]
        elif homes:
            split |= dict.fromkeys(articles, homes[0])
        else:
            new.append(group)
    new.sort(key=lambda group: hashlib.sha256(f"{shares.seed}:{group}".encode()).digest())
    counts = dict.fromkeys(NAMES, 0)
    for home in split.values():
        counts[home] += 1
    total = len(groups) - len(issues)
    for left, group in zip(range(len(new), 0, -1), new, strict=True):
        home = _neediest(counts, shares, total, left)
        split |= dict.fromkeys(members[group], home)
        counts[home] += len(members[group])
    return dict(sorted(split.items())), issues


def _neediest(counts: Mapping[str, int], shares: Splits, total: int, left: int) -> str:
    empty = [name for name in NAMES if not counts[name]]
    choice: Iterable[str] = empty if empty and left <= len(empty) else NAMES
    wanted = {"train": shares.train, "validation": shares.validation, "test": shares.test}
    return max(choice, key=lambda name: wanted[name] * total - counts[name])


def _bridge(article: str, group: str, homes: list[str]) -> Issue:
    return Issue(
        "error",
        "bridges splits",
        f"article {article} is a near-duplicate of articles in {' and '.join(homes)} (group {group})",
        where=article,
        fix="it stays out of the release: published articles never change their split",
        article_id=article,
    )


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
        raise Refused(*issues)


def leaks(texts: Mapping[str, Mapping[str, str]]) -> list[Issue]:
    """An error for each text that stands in two splits; `texts` leads from split to article to folded text.

    Only equal texts are found here, not similar ones.

    >>> [issue.message for issue in leaks({"train": {"a-0": "خبر"}, "test": {"b-0": "خبر"}})]
    ['the same text stands in train (a-0) and test (b-0)']
    """
    places: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for split in sorted(texts, key=NAMES.index):
        for article, text in sorted(texts[split].items()):
            places[text][split].append(article)
    return [
        Issue(
            "error",
            "leak",
            "the same text stands in " + " and ".join(f"{s} ({', '.join(a)})" for s, a in homes.items()),
            where=next(iter(homes.values()))[0],
            fix="run `khabar dedup`, and see annotations/splits.jsonl",
            article_id=next(iter(homes.values()))[0],
        )
        for homes in places.values()
        if len(homes) > 1
    ]
