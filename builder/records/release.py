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
"""


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
