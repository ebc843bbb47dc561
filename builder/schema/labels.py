"""schema/labels.yaml: entity types, stance targets and values."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from builder.schema.fields import Colour, Key, Name, Part, Text


class EntityType(Part):
    """One kind of mention: `name` in exports, `ar` on the annotation page."""

    name: Name
    ar: Text
    en: Text
    colour: Colour
    key: Key
    definition: Text


class StanceValue(Part):
    """One answer to 'what does the article say of the target'; unpublished ones go to adjudication."""

    name: Name
    ar: Text
    en: Text
    published: bool = True


class StanceTarget(Part):
    """Something that articles take sides on; asked of an article that holds one of `keywords`."""

    id: Name
    ar: Text
    en: Text
    keywords: Annotated[tuple[Text, ...], Field(min_length=1)]


class Stances(Part):
    """The stance layer: a closed list of targets and of answers."""

    values: Annotated[tuple[StanceValue, ...], Field(min_length=2, max_length=5)]
    targets: Annotated[tuple[StanceTarget, ...], Field(min_length=1)]


class Labels(Part):
    """schema/labels.yaml."""

    version: Annotated[int, Field(ge=1)]
    entities: Annotated[tuple[EntityType, ...], Field(min_length=1, max_length=40)]
    clitics: Literal["expand", "strict", "segment"] = "expand"
    """Spans grow to whole words, clitics included; or stay as they were drawn, but for spaces and punctuation at
    their edges; with `segment` a release's tokens are then cut at the edges of spans, so that clitics stand alone."""
    stances: Stances | None = None

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        stances = self.stances
        columns: dict[str, list[str]] = {
            "entity name": [e.name for e in self.entities],
            "Arabic entity name": [e.ar for e in self.entities],
            "entity key": [e.key for e in self.entities],
            "stance value": [v.name for v in stances.values] if stances else [],
            "stance target": [t.id for t in stances.targets] if stances else [],
        }
        for what, names in columns.items():
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{what} given twice: {', '.join(twice)}")
        return self

    @property
    def entity_names(self) -> tuple[str, ...]:
        """Names of the entity types, in the order of the file."""
        return tuple(e.name for e in self.entities)

    @property
    def published_values(self) -> tuple[str, ...]:
        """Names of the stance values that a release may hold, in the order of the file."""
        return tuple(v.name for v in self.stances.values if v.published) if self.stances else ()

    @property
    def target_ids(self) -> tuple[str, ...]:
        """Ids of the stance targets, in the order of the file."""
        return tuple(t.id for t in self.stances.targets) if self.stances else ()
