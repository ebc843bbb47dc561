"""Records of the versions of schema/labels.yaml: what pages offered, and the names that annotations have for it now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from builder.records.annotation import OMIT_EMPTY

Layer = Literal["entities", "targets", "values"]
"""A list of labels.yaml: entity types, stance targets or stance values."""

LAYERS: tuple[Layer, ...] = ("entities", "targets", "values")


@dataclass(frozen=True, slots=True)
class OfferedName:
    """A label that pages offered: its name on the page, and the name that annotations have for it now."""

    shown: str
    name: str
    meaning: str = ""
    """A hash of what it meant: of the definition, or of the Arabic name where there is none."""
    formerly: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True)
class LabelVersion:
    """What pages offered under one version of labels.yaml: one file of annotations/schemas/.

    `version` is the hash that judgements name, and `number` counts the versions in the order of their use.
    """

    version: str
    number: int
    entities: tuple[OfferedName, ...]
    targets: tuple[OfferedName, ...] = ()
    values: tuple[OfferedName, ...] = ()
    questions: tuple[str, ...] = field(default=(), metadata=OMIT_EMPTY)
    """The ids of the questions on the whole article. They are not migrated."""

    def layer(self, layer: Layer) -> tuple[OfferedName, ...]:
        """Return the names of one layer."""
        return {"entities": self.entities, "targets": self.targets, "values": self.values}[layer]

    def now(self, layer: Layer) -> frozenset[str]:
        """Return the present names of what was offered."""
        return frozenset(one.name for one in self.layer(layer))

    def renamed(self, layer: Layer) -> dict[str, str]:
        """Return the present name of each label of the page that has another one now."""
        return {one.shown: one.name for one in self.layer(layer) if one.shown != one.name}


LabelVersions = Mapping[str, LabelVersion]
"""The known versions of labels.yaml by their hashes."""


@dataclass(frozen=True, slots=True)
class Requeued:
    """An article to be annotated again, and why: one line of annotations/requeue.jsonl."""

    article_id: str
    why: str
