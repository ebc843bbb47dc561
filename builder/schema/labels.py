"""Models of schema/labels.yaml: entity types, stance targets and stance values."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from builder.schema.fields import Colour, Key, Name, Part, Text

MOST_VALUES = 5


def _is_empty(value: object) -> bool:
    """Return whether a field is left out where labels are written, so that files of earlier versions keep their bytes."""
    return not value


Formerly = Annotated[tuple[Name, ...], Field(exclude_if=_is_empty)]
"""Earlier names of a label; `khabar schema migrate` gives their annotations its name."""

Retired = Annotated[bool, Field(exclude_if=_is_empty)]
"""Whether pages no longer offer a label, and releases no longer count it; its annotations stay."""


class EntityType(Part):
    """A type of entity mention: `name` in exports, `ar` on the annotation page."""

    name: Name
    ar: Text
    en: Text
    colour: Colour
    key: Key
    definition: Text
    formerly: Formerly = ()
    retired: Retired = False


class StanceValue(Part):
    """A possible stance of an article towards a target. Answers that are not published go to adjudication."""

    name: Name
    ar: Text
    en: Text
    published: bool = True
    formerly: Formerly = ()
    retired: Retired = False


class StanceTarget(Part):
    """A subject on which articles take a stance. It is asked about articles that contain one of `keywords`."""

    id: Name
    ar: Text
    en: Text
    keywords: Annotated[tuple[Text, ...], Field(min_length=1)]
    formerly: Formerly = ()
    retired: Retired = False

    @property
    def name(self) -> str:
        """Return the id, under the word that entity types and stance values use."""
        return self.id


class CanRetire(Protocol):
    """An entry of labels.yaml that may be retired."""

    @property
    def retired(self) -> bool:
        """Return whether it is retired."""


Named = TypeVar("Named", bound=CanRetire)


class Stances(Part):
    """The stance layer: a closed list of targets and of stance values, those in use apart from retired ones."""

    values: Annotated[tuple[StanceValue, ...], Field(min_length=1)]
    targets: Annotated[tuple[StanceTarget, ...], Field(min_length=1)]
    retired_values: Annotated[tuple[StanceValue, ...], Field(exclude_if=_is_empty)] = ()
    retired_targets: Annotated[tuple[StanceTarget, ...], Field(exclude_if=_is_empty)] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        values, retired_values = _parted(self.values, self.retired_values)
        targets, retired_targets = _parted(self.targets, self.retired_targets)
        if not 2 <= len(values) <= MOST_VALUES:
            raise ValueError(f"{len(values)} stance values are in use; 2 to {MOST_VALUES} are needed")
        if not targets:
            raise ValueError("all stance targets are retired; leave out `stances` to ask about none")
        self.__dict__.update(
            values=values, targets=targets, retired_values=retired_values, retired_targets=retired_targets
        )
        return self


def _parted(named: Sequence[Named], retired: Sequence[Named]) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Return those in use, and the retired ones, of a list of labels.yaml and those retired in it before."""
    in_use = tuple(one for one in named if not one.retired)
    return in_use, (*retired, *(one for one in named if one.retired))


class Labels(Part):
    """The content of schema/labels.yaml. `entities` has the types in use; retired ones are apart."""

    version: Annotated[int, Field(ge=1)]
    entities: Annotated[tuple[EntityType, ...], Field(min_length=1, max_length=40)]
    clitics: Literal["expand", "strict", "segment"] = "expand"
    """How spans treat clitics.

    `expand` extends spans to whole words, clitics included. `strict` keeps spans as drawn and only trims spaces and
    punctuation at their edges. `segment` is like `strict`, and also splits a release's tokens at the edges of spans,
    so that clitics become tokens of their own.
    """
    stances: Stances | None = None
    retired_entities: Annotated[tuple[EntityType, ...], Field(exclude_if=_is_empty)] = ()

    @model_validator(mode="after")
    def _apart(self) -> Self:
        entities, retired = _parted(self.entities, self.retired_entities)
        if not entities:
            raise ValueError("all entity types are retired; at least one must be in use")
        self.__dict__.update(entities=entities, retired_entities=retired)
        return self

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        stances = self.stances
        columns: dict[str, list[str]] = {
            "entity name": [e.name for e in (*self.entities, *self.retired_entities)],
            "Arabic entity name": [e.ar for e in self.entities],
            "entity key": [e.key for e in self.entities],
            "stance value": [v.name for v in (*stances.values, *stances.retired_values)] if stances else [],
            "stance target": [t.id for t in (*stances.targets, *stances.retired_targets)] if stances else [],
        }
        for what, names in columns.items():
            duplicates = sorted({name for name in names if names.count(name) > 1})
            if duplicates:
                raise ValueError(f"duplicate {what}: {', '.join(duplicates)}")
        return self

    @property
    def entity_names(self) -> tuple[str, ...]:
        """Return the names of the entity types, in file order."""
        return tuple(e.name for e in self.entities)

    @property
    def published_values(self) -> tuple[str, ...]:
        """Return the names of the stance values that a release may contain, in file order."""
        return tuple(v.name for v in self.stances.values if v.published) if self.stances else ()

    @property
    def target_ids(self) -> tuple[str, ...]:
        """Return the ids of the stance targets, in file order."""
        return tuple(t.id for t in self.stances.targets) if self.stances else ()

    @property
    def retired_names(self) -> frozenset[str]:
        """Return the names of the retired entity types."""
        return frozenset(e.name for e in self.retired_entities)

    @property
    def retired_targets(self) -> frozenset[str]:
        """Return the ids of the retired stance targets."""
        return frozenset(t.id for t in self.stances.retired_targets) if self.stances else frozenset()

    @property
    def retired_values(self) -> frozenset[str]:
        """Return the names of the retired stance values."""
        return frozenset(v.name for v in self.stances.retired_values) if self.stances else frozenset()
