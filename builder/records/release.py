"""Records of a release: manifest, splits, takedowns."""

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class SplitAssignment:
    """The split that an article has, for ever: one line of annotations/splits.jsonl."""

    article_id: str
    split: str


@dataclass(frozen=True, slots=True)
class SplitBorder:
    """The date of the newest article that a split may hold, for ever: one line of annotations/borders.jsonl.

    Only train and validation have borders, and only where splits go by time. The date is ISO 8601 in UTC.
    """

    split: str
    newest: str


@dataclass(frozen=True, slots=True)
class Takedown:
    """An article that no release may hold any more: one line of annotations/takedowns.jsonl."""

    article_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """An annotator whose work no release may hold any more: one line of annotations/withdrawals.jsonl."""

    annotator: str
    reason: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line of annotations/releases.jsonl: a built version and the sha256 of its manifest."""

    version: str
    manifest: str


LEDGER = "releases.jsonl"
"""The file of annotations/ that names every version that was built."""

MANIFEST = "MANIFEST.json"
"""The file of a release folder that holds its Release."""

RELEASE_FORMAT = 2
"""The format of the releases that this version builds.

1: khabar 0.1, whose manifests have no `format`; an invisible character that follows no word is a token of its own.
2: an invisible character is part of a word, or belongs to no token.
3: `entities` has the column `labels_asked`. Only releases whose articles were asked for different labels have it.
4: there are the config `questions`, and `answers` in `annotations`. Only releases with questions on whole articles have it.
   It may have `labels_asked`, too.
"""

ASKED_FORMAT = 3
"""The format of a release with the column `labels_asked`."""


QUESTIONS_FORMAT = 4
"""The format of a release with questions on whole articles."""


def format_of(*, asked: bool, questions: bool) -> int:
    """Return the format of a release with or without `labels_asked` and questions on whole articles.

    >>> format_of(asked=False, questions=False), format_of(asked=True, questions=False), format_of(asked=True, questions=True)
    (2, 3, 4)
    """
    return QUESTIONS_FORMAT if questions else ASKED_FORMAT if asked else RELEASE_FORMAT


@dataclass(frozen=True, slots=True)
class Release:
    """The contents and inputs of a version; `commit` is empty until it is pushed."""

    version: str
    repo_id: str
    commit: str
    tool: str
    schema_hash: str
    profile: str
    inputs: dict[str, str]
    splits: dict[str, dict[str, int]]
    files: dict[str, str]
    edition: Literal["full", "standoff"] = "full"
    reading: dict[str, str] = field(default_factory=dict)
    """The names of the fields and the encoding with which the pages were read; empty in releases of earlier versions."""
    format: int = 1
    """The format of its rows; RELEASE_FORMAT describes each."""
