"""Models of schema/boilerplate.yaml: line rules that remove boilerplate, each with examples that test it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from builder.schema.fields import Name, Part, Pattern


class Examples(Part):
    """Lines that a rule must match, and lines that it must not match."""

    matches: Annotated[tuple[str, ...], Field(min_length=1)]
    leaves: Annotated[tuple[str, ...], Field(min_length=1)]
    inside: tuple[str, ...] = ()
    """For `drop_until`: lines inside the box, which `until` must not match."""
    ends: tuple[str, ...] = ()
    """For `drop_until`: lines that end the box, which `until` must match."""


class CutRule(Part):
    """A rule for a line that ends the article or introduces foreign content.

    `match` and `until` are searched in the whole folded line (search@1, trimmed). The action is one of:

    - `drop_to_end`: drop the line and everything after it.
    - `drop_line`: drop the line.
    - `drop_until`: drop the line and those below it, up to but excluding the first that `until` matches among the
      next `at_most` lines. If none matches, drop only the line.
    - `split_article`: treat what follows as an embedded article.
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
                raise ValueError("drop_until needs `until`, and at least one line under `ends` in `examples`")
        elif self.until is not None or self.examples.inside or self.examples.ends:
            raise ValueError(
                f"`until` and the examples `inside` and `ends` belong to drop_until, not to {self.action}; remove them"
            )
        return self


class LineRule(Part):
    """A rule that drops a whole line. Named groups of `match` become extracted fields."""

    id: Name
    match: Pattern
    max_length: Annotated[int, Field(ge=1)] = 80
    position: Literal["head", "tail", "any"] = "any"
    extract_only: bool = False
    examples: Examples


class ListRule(Part):
    """A rule that drops a list of links: at least `min_run` consecutive matching lines.

    A list between two paragraphs belongs to the article and is kept. With position `tail`, so is a list above the
    first paragraph.
    """

    id: Name
    match: Pattern
    min_run: Annotated[int, Field(ge=1)] = 3
    max_length: Annotated[int, Field(ge=1)] = 200
    position: Literal["tail", "any"] = "any"
    examples: Examples


class SourceRules(Part):
    """Exceptions for one source: shared rules turned off, and its own rules, which are tried first."""

    off: tuple[Name, ...] = ()
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()


class Boilerplate(Part):
    """The content of schema/boilerplate.yaml."""

    version: Annotated[int, Field(ge=1)]
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()
    sources: dict[str, SourceRules] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        owners: list[Boilerplate | SourceRules] = [self, *self.sources.values()]
        ids = [rule.id for owner in owners for rules in (owner.cuts, owner.lines, owner.lists) for rule in rules]
        duplicates = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if duplicates:
            raise ValueError(f"duplicate rule id: {', '.join(duplicates)}")
        unknown = sorted({rule_id for source in self.sources.values() for rule_id in source.off} - set(ids))
        if unknown:
            raise ValueError(f"unknown rule id under `off`: {', '.join(unknown)}")
        return self

    def __hash__(self) -> int:
        return hash((self.version, self.cuts, self.lines, self.lists, frozenset(self.sources.items())))
