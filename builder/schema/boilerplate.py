"""schema/boilerplate.yaml: rules over lines, each with its examples."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from builder.schema.fields import Name, Part, Pattern


class Examples(Part):
    """Lines that a rule must match, and lines that it must leave alone."""

    matches: Annotated[tuple[str, ...], Field(min_length=1)]
    leaves: Annotated[tuple[str, ...], Field(min_length=1)]
    inside: tuple[str, ...] = ()
    """For `drop_until`: lines of the box, which `until` must leave alone."""
    ends: tuple[str, ...] = ()
    """For `drop_until`: lines that end the box, which `until` must match."""


class CutRule(Part):
    """A line that ends the article, or stands above what is not of it.

    `match` is searched on the whole folded line (search@1, trimmed), and so is `until`. What goes:
    all that follows; the line; the line and all up to, not including, the first that `until` matches
    among the `at_most` lines below it, or else the line alone; or what follows is an embedded article.
    """

    id: Name
    match: Pattern
    action: Literal["drop_to_end", "drop_line", "drop_until", "split_article"]
    until: Pattern | None = None
    at_most: Annotated[int, Field(ge=1, le=1000)] = 30
    max_length: Annotated[int, Field(ge=1)] = 80
    min_before: Annotated[int, Field(ge=0)] = 200
    examples: Examples

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.action == "drop_until":
            if self.until is None or not self.examples.ends:
                raise ValueError("drop_until needs `until`, and in `examples` lines that it `ends` at")
        elif self.until is not None or self.examples.inside or self.examples.ends:
            raise ValueError(
                f"`until`, and examples `inside` and at `ends`, belong to drop_until, not to {self.action}"
            )
        return self


class LineRule(Part):
    """A whole line that is dropped; named groups of `match` become extracted fields."""

    id: Name
    match: Pattern
    max_length: Annotated[int, Field(ge=1)] = 80
    position: Literal["head", "tail", "any"] = "any"
    extract_only: bool = False
    examples: Examples


class ListRule(Part):
    """A run of at least `min_run` neighbouring lines that match: a list of links.

    Between two paragraphs a list is the article's own; with position `tail`, also above the first.
    """

    id: Name
    match: Pattern
    min_run: Annotated[int, Field(ge=1)] = 3
    max_length: Annotated[int, Field(ge=1)] = 200
    position: Literal["tail", "any"] = "any"
    examples: Examples


class SourceRules(Part):
    """What one source does differently: rules turned off, and its own, which are tried first."""

    off: tuple[Name, ...] = ()
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()


class Boilerplate(Part):
    """schema/boilerplate.yaml."""

    version: Annotated[int, Field(ge=1)]
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()
    sources: dict[str, SourceRules] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        owners: list[Boilerplate | SourceRules] = [self, *self.sources.values()]
        ids = [rule.id for own in owners for rules in (own.cuts, own.lines, own.lists) for rule in rules]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"rule id given twice: {', '.join(twice)}")
        unknown = sorted({i for own in self.sources.values() for i in own.off} - set(ids))
        if unknown:
            raise ValueError(f"no rule to turn off: {', '.join(unknown)}")
        return self

    def __hash__(self) -> int:
        return hash((self.version, self.cuts, self.lines, self.lists, frozenset(self.sources.items())))
