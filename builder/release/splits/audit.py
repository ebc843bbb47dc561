"""Texts that occur in several splits of a dataset: equal, nearly equal, or one inside another."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from builder.records import Issue
from builder.release.splits import leakage
from builder.text.profiles import profile
from builder.text.shingles import hash_words

WORDS = 5
"""Minimum median length in words of a column of texts. Shorter values are texts if most of them differ."""

SHORT = 2
"""Minimum median length in words of a column of short texts, such as titles; single words are ids or labels."""

URL = re.compile(r"\w+://")

_LINKED = re.compile(
    r"(?:https?\s?:\s?/\s?/|www\.|pic\.twitter\.com/)\s?\S+(?:\s/\s\S+)*|(?<![\w.])@\s?\w+(?:\s_\s\w+)*", re.IGNORECASE
)
"""Addresses and mentions, also where a tokenizer has put spaces into them."""

_DATES = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun am pm utc gmt t z "
    "يناير فبراير مارس ابريل مايو يونيو يونيه يوليو يوليه اغسطس سبتمبر اكتوبر نوفمبر ديسمبر "
    "كانون الثاني شباط اذار نيسان ايار حزيران تموز اب ايلول تشرين الاول "
    "محرم صفر ربيع الاخر جمادي الاولي الاخره رجب شعبان رمضان شوال ذو القعده الحجه "
    "الاحد الاثنين الثلاثاء الاربعاء الخميس الجمعه السبت ص م ه هـ الساعه بتوقيت غرينتش"
)
"""Words of dates, in the letters of search@1."""

_DATE_WORDS = frozenset(_DATES.split())

_WORD = re.compile(r"[^\W\d_]+")

_NUMBER = re.compile(r"\d+")

SHOWN = 60
"""Characters of a text that a message shows."""


@dataclass(frozen=True, slots=True)
class AuditRequest:
    """The dataset to audit: a folder, or NAME/DATASET and its revision."""

    path: str
    revision: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """The leaks of one column: distinct texts, texts that are in several splits, and pairs of similar texts by kind.

    `shared` maps each split to the number of its rows whose text is also in the split `of`, and the number of all its
    rows.
    """

    name: str
    texts: int
    repeated: int
    of: str
    shared: dict[str, tuple[int, int]]
    alike: dict[str, int]


@dataclass(frozen=True, slots=True)
class Audit:
    """The columns that were compared, those that hold no texts with the reason, and an error for each fault.

    Faults are leaks, and columns of texts that could not be compared.

    `trouble` is the error that stopped the audit, or empty.
    """

    columns: tuple[Column, ...] = ()
    skipped: dict[str, str] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    trouble: str = ""


def audit(name: str, splits: Mapping[str, Sequence[str]]) -> tuple[Column, list[Issue]]:
    """Find the texts of a column that are in several splits: equal, near-duplicate or contained texts.

    Texts are compared as `comparable` returns them.

    >>> column, issues = audit("claim", {"train": ["عاد المطر", "هدأ البحر"], "test": ["عاد المطر"]})
    >>> column.repeated, column.shared, [issue.message for issue in issues]
    (1, {'test': (1, 1)}, ['the same text is in train[0] and in test[0]: «عاد المطر»'])
    """
    rows_of: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for split, values in splits.items():
        for row, text in enumerate(comparable(values)):
            if text:
                rows_of[text][split].append(row)
    of = "train" if "train" in splits else max(splits, key=lambda split: len(splits[split]))
    shared = {
        split: (sum(len(rows[split]) for rows in rows_of.values() if of in rows and split in rows), len(values))
        for split, values in splits.items()
        if split != of
    }
    texts = list(rows_of)
    issues = [
        _issue(name, "the same text is in " + _rows(rows_of[text], splits), _written(rows_of[text], splits))
        for text in texts
        if len(rows_of[text]) > 1
    ]
    alike: dict[str, int] = defaultdict(int)
    for pair in leakage.pairs(texts):
        left, right = rows_of[texts[pair.left]], rows_of[texts[pair.right]]
        if len(left.keys() | right.keys()) > 1:
            alike[pair.kind] += 1
            sides = (_rows(left, splits), _rows(right, splits))
            issues.append(
                _issue(name, leakage.MESSAGES[pair.kind].format(*sides, pair.similarity), _written(left, splits))
            )
    return Column(name, len(texts), sum(len(rows) > 1 for rows in rows_of.values()), of, shared, dict(alike)), issues


def comparable(texts: Sequence[str]) -> list[str]:
    """Fold texts (`search@1`) without addresses, mentions, and white space at their edges or twice in a row.

    A text without a word becomes empty, which is compared with nothing.

    >>> comparable(["عادَ  المطر https://t.co/Ab @barq ", "عاد المطرُ"])
    ['عاد المطر', 'عاد المطر']
    """
    plain = [_LINKED.sub(" ", text) for text in texts]
    folded = (" ".join(text.split()) for text in profile("search@1").fold_batch(plain))
    return [text if _WORD.search(text) else "" for text in folded]


def uncompared(name: str, message: str, fix: str) -> Issue:
    """Return the error for texts that could not be compared."""
    return Issue("error", "not-compared", message, where=name, fix=fix)


def _written(rows_by_split: Mapping[str, Sequence[int]], splits: Mapping[str, Sequence[str]]) -> str:
    """Return a text as it is written in the first row that has it."""
    split, rows = next(iter(rows_by_split.items()))
    return splits[split][rows[0]]


def _issue(name: str, message: str, text: str) -> Issue:
    """Return the error for a leak in the column `name`; the message shows the start of `text`."""
    shown = " ".join(text.split())
    shown = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
    return Issue("error", "leak", f"{message}: «{shown}»", where=name)


def _rows(rows_by_split: Mapping[str, Sequence[int]], splits: Mapping[str, object]) -> str:
    """Return the rows of a text as words, such as `train[0] and in test[2]`; at most three of a split are named."""
    shown = [(split, row) for split in splits for row in rows_by_split.get(split, [])[:3]]
    rest = sum(map(len, rows_by_split.values())) - len(shown)
    return " and in ".join(f"{split}[{row}]" for split, row in shown) + (f" and {rest} more rows" if rest else "")


def skip_reason(values: Mapping[str, Sequence[str | None]]) -> str | None:
    """Return why a column does not hold texts, or None if it does.

    >>> skip_reason({"train": ["Mon Mar 02 10:00:01 2026", "2 مارس 2026 10:30"]})
    'it holds dates'
    """
    texts = [value for rows in values.values() for value in rows if value and not value.isspace()]
    if not texts:
        return "there is nothing in it"
    if sum(bool(URL.match(text)) for text in texts) * 2 > len(texts):
        return "it holds addresses"
    if sum(map(_is_date, profile("search@1").fold_batch(texts))) * 2 > len(texts):
        return "it holds dates"
    if float(np.median(hash_words(texts).counts)) >= WORDS:
        return None
    words = [sum(map(bool, map(_WORD.search, text.split()))) for text in texts]
    if float(np.median(words)) >= SHORT and len(set(texts)) * 2 > len(texts):
        return None
    return "it holds labels, names or ids"


def _is_date(folded: str) -> bool:
    """Return whether a text holds several numbers, and no words but those of dates."""
    return len(_NUMBER.findall(folded)) > 1 and _DATE_WORDS.issuperset(_WORD.findall(folded))
