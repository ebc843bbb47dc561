"""Records of imported sets: what was imported, and the tokens as they were published."""

from dataclasses import dataclass, field
from typing import Literal

from builder.records.report import StageCounts


@dataclass(frozen=True, slots=True)
class ImportedSet:
    """A published set that was imported: one line of annotations/imports.jsonl."""

    name: str
    """The batch, and the source of its documents."""
    kind: str
    """The format: conll, table, brat, jsonl or labelstudio."""
    source: str
    """What the set is called."""
    url: str
    licence_text: str
    licence_annotations: str
    citation: str
    role: Literal["gold", "judgement", "prediction"]
    splits: Literal["as-published", "ours"]
    files: dict[str, str]
    """The sha256 of each file, by its name."""
    map: str
    """The sha256 of annotations/<name>/import.yaml, the map with which they were read."""
    accounts: tuple[StageCounts, ...] = ()
    repairs: tuple[str, ...] = field(default=())
    """What was repaired, and each odd tag with what became of it."""


@dataclass(frozen=True, slots=True)
class PublishedText:
    """Where an imported article stands in its set, and its tokens: one line of annotations/<name>/published.jsonl.

    `tokens` has one token a line, and an empty line after each sentence; it is empty for formats without tokens.
    """

    article_id: str
    text_sha: str
    published_id: str
    file: str
    line: int
    tokens: str = ""
    annotated: bool = True
    """Whether somebody looked for mentions in it. Where nobody did, no mention is not the same as none."""


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """A published line that was not taken as it stands: one line of annotations/<name>/changed.jsonl."""

    file: str
    line: int
    was: str
    became: str
    reason: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A group of similar articles that an imported set published in several splits: the split of each, by its id."""

    splits: dict[str, str]
