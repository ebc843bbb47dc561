"""Texts that occur in several splits of a dataset: equal, nearly equal, or one inside another."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from builder.records import Issue
from builder.release.splits import leakage
from builder.text.profiles import profile
from builder.text.shingles import words

WORDS = 5
"""A column is compared where half of its values have so many words: others are ids, labels or names."""

URL = re.compile(r"\w+://")

SHOWN = 60
"""Characters of a text that are shown."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A folder, or NAME/DATASET and its revision."""

    path: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how many distinct texts it has, how many stand in several splits, and how many pairs are alike.

    `shared` counts for each split the rows that share a text with the split `of`, and all its rows.
    """

    name: str
    texts: int
    repeated: int
    of: str
    shared: dict[str, tuple[int, int]]
    alike: dict[str, int]


@dataclass(frozen=True, slots=True)
class Audit:
    """What was compared, what was not and why, and an error for each leak; or what went wrong before."""

    columns: tuple[Column, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    trouble: str = ""


def audit(name: str, splits: Mapping[str, Sequence[str]]) -> tuple[Column, list[Issue]]:
    """Which texts of a column stand in several splits, equal, nearly so, or one inside another; case folded and more.

    >>> column, issues = audit("claim", {"train": ["عاد المطر", "هدأ البحر"], "test": ["عاد المطر"]})
    >>> column.repeated, column.shared, [issue.message for issue in issues]
    (1, {'test': (1, 1)}, ['the same text stands in train[0] and in test[0]: «عاد المطر»'])
    """
    fold = profile("standard@1").fold_batch
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for split, values in splits.items():
        for row, text in enumerate(fold(values)):
            if text:
                places[text][split].append(row)
    of = "train" if "train" in splits else max(splits, key=lambda split: len(splits[split]))
    shared = {
        split: (sum(len(where[split]) for where in places.values() if of in where and split in where), len(values))
        for split, values in splits.items()
        if split != of
    }
    texts = list(places)
    issues = [
        _issue(name, "the same text stands in " + _rows(places[text], splits), _written(places[text], splits))
        for text in texts
        if len(places[text]) > 1
    ]
    alike: dict[str, int] = defaultdict(int)
    for pair in leakage.pairs(texts):
        left, right = places[texts[pair.left]], places[texts[pair.right]]
        if len(left.keys() | right.keys()) > 1:
            alike[pair.kind] += 1
            two = (_rows(left, splits), _rows(right, splits))
            issues.append(_issue(name, leakage.SAID[pair.kind].format(*two, pair.similarity), _written(left, splits)))
    return Column(name, len(texts), sum(len(where) > 1 for where in places.values()), of, shared, dict(alike)), issues


def _written(where: Mapping[str, Sequence[int]], splits: Mapping[str, Sequence[str]]) -> str:
    """A text as it is written in the first row that has it."""
    split, rows = next(iter(where.items()))
    return splits[split][rows[0]]


def _issue(name: str, message: str, text: str) -> Issue:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
    return Issue("error", "leak", f"{message}: «{shown}»", where=name)


def _rows(where: Mapping[str, Sequence[int]], splits: Mapping[str, object]) -> str:
    named = [(split, row) for split in splits for row in where.get(split, [])[:3]]
    more = sum(map(len, where.values())) - len(named)
    return " and in ".join(f"{split}[{row}]" for split, row in named) + (f" and {more} more rows" if more else "")


def skip_reason(values: Mapping[str, Sequence[str | None]]) -> str | None:
    """Why a column is not one of texts."""
    texts = [value for rows in values.values() for value in rows if value]
    if not texts:
        return "there is nothing in it"
    if sum(bool(URL.match(text)) for text in texts) * 2 > len(texts):
        return "it holds addresses"
    enough = float(np.median(words(texts).counts)) >= WORDS
    return None if enough else f"half of the values have under {WORDS} words"
