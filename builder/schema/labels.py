"""Models of schema/labels.yaml: entity types, stance targets and values, questions on whole articles."""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol, Self, TypeVar

from pydantic import Field, model_validator

from builder.schema.fields import Colour, Key, Name, Part, Text, is_empty

SLOTS = 5
"""Maximum number of stance questions on the page."""

MOST_VALUES = 20

Formerly = Annotated[tuple[Name, ...], Field(exclude_if=is_empty)]
"""Earlier names of a label; `khabar schema migrate` gives their annotations its name."""

Retired = Annotated[bool, Field(exclude_if=is_empty)]
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
    """A subject on which articles take a stance.

    It is asked about articles that contain one of `keywords`, or about every article if it has none.
    """

    id: Name
    ar: Text
    en: Text
    keywords: tuple[Text, ...] = ()
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
    retired_values: Annotated[tuple[StanceValue, ...], Field(exclude_if=is_empty)] = ()
    retired_targets: Annotated[tuple[StanceTarget, ...], Field(exclude_if=is_empty)] = ()

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

    @model_validator(mode="after")
    def _asked(self) -> Self:
        always = [target.id for target in self.targets if not target.keywords]
        if len(always) > SLOTS:
            raise ValueError(f"{len(always)} targets have no keywords, and the page asks about {SLOTS} targets at most")
        return self


def _parted(named: Sequence[Named], retired: Sequence[Named]) -> tuple[tuple[Named, ...], tuple[Named, ...]]:
    """Return those in use, and the retired ones, of a list of labels.yaml and those retired in it before."""
    in_use = tuple(one for one in named if not one.retired)
    return in_use, (*retired, *(one for one in named if one.retired))


class AnswerValue(Part):
    """A possible answer to a question on the whole article."""

    name: Name
    ar: Text
    en: Text


class Question(Part):
    """A question on the whole article, asked about every article, with one answer or several from a closed list."""

    id: Name
    ar: Text
    en: Text
    answers: Literal["one", "several"] = "one"
    values: Annotated[tuple[AnswerValue, ...], Field(min_length=2, max_length=MOST_VALUES)]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for what, names in (("value", [v.name for v in self.values]), ("Arabic value", [v.ar for v in self.values])):
            if duplicates := _duplicates(names):
                raise ValueError(f"duplicate {what} of {self.id}: {', '.join(duplicates)}")
        return self

    @property
    def value_names(self) -> tuple[str, ...]:
        """Return the names of the values, in file order."""
        return tuple(value.name for value in self.values)


def _duplicates(names: Sequence[str]) -> list[str]:
    """Return the names that are there more than once, sorted."""
    return sorted({name for name in names if names.count(name) > 1})


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
    questions: Annotated[tuple[Question, ...], Field(exclude_if=is_empty)] = ()
    """Questions on the whole article. Without any, a dump of the labels is that of earlier versions."""
    retired_entities: Annotated[tuple[EntityType, ...], Field(exclude_if=is_empty)] = ()

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
            "question": [question.id for question in self.questions],
        }
        for what, names in columns.items():
            if duplicates := _duplicates(names):
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
