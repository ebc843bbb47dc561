"""Models of schema/boilerplate.yaml: line rules that remove boilerplate, each with examples that test it.

A pattern is searched in the folded line: normalized by standard@1, folded by search@1, trimmed, with single spaces.
Folding changes characters as follows:

- Marks (harakat, shadda, superscript alef) and control characters are removed, and tatweel too, except behind a heh
  that is an abbreviation, as in 1447 هـ.
- أ إ آ ٱ become ا, ؤ becomes و, ئ and ى become ي, ة becomes ه. A lone ء stays.
- ی and ک become ي and ك in words whose other letters are Arabic.
- Arabic-Indic and Persian digits become 0 to 9. Latin capitals become small letters, which keep their accents.
- Presentation forms become their letters, and every kind of space becomes a space. Punctuation stays.

A folded line that is longer than the rule's `max_length` is never matched.
"""

from re import _constants as op  # type: ignore[attr-defined] # no other parser reads what `re` reads
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from builder.schema.fields import Name, Part, Pattern

Evidence = Literal["hard", "supporting"]
"""How much a matching line proves.

- `hard`: the line is not article text, whatever stands around it. It is dropped from any page.
- `supporting`: the line may be article text. In an article it is dropped only at the edges and only together with a
  second kind of evidence, such as recurrence in its source. In a dump, a page that lines of at least two `furniture`
  rules show to be more than the article, it is dropped at the rule's position.
"""


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

    `match` and `until` are searched in the whole folded line. A line of more than `max_length` code points is never
    matched. The action is one of:

    - `drop_to_end`: drop the line and everything after it.
    - `drop_line`: drop the line.
    - `drop_until`: drop the line and those below it, up to but excluding the first that `until` matches among the
      next `at_most` lines. If none matches, drop only the line.
    - `split_article`: treat what follows as an embedded article.
    """

    id: Name
    evidence: Evidence = "supporting"
    match: Pattern
    action: Literal["drop_to_end", "drop_line", "drop_until", "split_article"]
    until: Pattern | None = None
    at_most: Annotated[int, Field(ge=1, le=1000)] = 30
    max_length: Annotated[int, Field(ge=1)] = 80
    min_before: Annotated[int, Field(ge=0)] = 200
    furniture: bool = False
    """Whether the line belongs to the page around the article, if the rule is hard: two such rules make a page a dump."""
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
    """A rule that drops a line, or the part of a line that `match` matches.

    `takes` says what it drops: the whole line, a prefix or a suffix. The match of a prefix begins where the line begins
    (`^`), and the match of a suffix ends where the line ends (`$`). The examples are whole lines all the same. A folded
    line of more than `max_length` code points is never matched, so rules for prefixes and suffixes need a larger value.
    Named groups of `match` become extracted fields.
    """

    id: Name
    evidence: Evidence = "supporting"
    match: Pattern
    max_length: Annotated[int, Field(ge=1)] = 80
    position: Literal["head", "tail", "any"] = "any"
    takes: Literal["line", "prefix", "suffix"] = "line"
    extract_only: bool = False
    furniture: bool = False
    """Whether the line belongs to the page around the article, if the rule is hard: two such rules make a page a dump."""
    examples: Examples

    @model_validator(mode="after")
    def _anchored(self) -> Self:
        if self.takes == "line":
            return self
        if self.extract_only:
            raise ValueError(f"`extract_only` keeps the line, and `takes: {self.takes}` cuts it; remove one of them")
        parsed = list(parser.parse(self.match))
        anchor, sign = (parsed[0], "^") if self.takes == "prefix" else (parsed[-1], "$")
        if anchor != (op.AT, op.AT_BEGINNING if self.takes == "prefix" else op.AT_END):
            raise ValueError(
                f"`match` of a {self.takes} must be anchored with {sign} outside of all alternatives, as in "
                + ("^(?:a|b)" if self.takes == "prefix" else "(?:a|b)$")
            )
        return self


class ListRule(Part):
    """A rule that drops a list of links: at least `min_run` consecutive matching lines.

    A list between two paragraphs belongs to the article and is kept. With position `tail`, so is a list above the
    first paragraph. A folded line of more than `max_length` code points is never matched.
    """

    id: Name
    evidence: Evidence = "supporting"
    match: Pattern
    min_run: Annotated[int, Field(ge=1)] = 3
    max_length: Annotated[int, Field(ge=1)] = 200
    position: Literal["tail", "any"] = "any"
    examples: Examples


R = TypeVar("R", CutRule, LineRule, ListRule)


class SourceRules(Part):
    """Exceptions for one source: shared rules turned off, and its own rules, which are tried first.

    A source's own rule is `hard` evidence unless it says otherwise: whoever wrote it has seen the source's lines.
    """

    off: tuple[Name, ...] = ()
    cuts: tuple[CutRule, ...] = ()
    lines: tuple[LineRule, ...] = ()
    lists: tuple[ListRule, ...] = ()

    @field_validator("cuts", "lines", "lists")
    @classmethod
    def _hard_by_default(cls, rules: tuple[R, ...]) -> tuple[R, ...]:
        return tuple(
            rule if "evidence" in rule.model_fields_set else rule.model_copy(update={"evidence": "hard"})
            for rule in rules
        )


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
        ids = [rule.id for owner in owners for rule in rules_of(owner)]
        duplicates = sorted({rule_id for rule_id in ids if ids.count(rule_id) > 1})
        if duplicates:
            raise ValueError(f"duplicate rule id: {', '.join(duplicates)}")
        unknown = sorted({rule_id for source in self.sources.values() for rule_id in source.off} - set(ids))
        if unknown:
            raise ValueError(f"unknown rule id under `off`: {', '.join(unknown)}")
        return self

    def __hash__(self) -> int:
        return hash((self.version, self.cuts, self.lines, self.lists, frozenset(self.sources.items())))


def rules_of(owner: Boilerplate | SourceRules) -> list[CutRule | LineRule | ListRule]:
    """Return the rules that all sources share, or those of one source."""
    return [*owner.cuts, *owner.lines, *owner.lists]
