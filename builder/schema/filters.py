"""Model of `filters:` in schema/dataset.yaml: the quality filters an article must pass to be sampled."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from builder.schema.fields import Part


class Filters(Part):
    """Quality filters. A failing article stays in the corpus with the reason, and becomes eligible if the filter goes."""

    article_pages: bool = False
    """Whether pages that call themselves something else than an article are left out."""
    no_paywall: bool = False
    """Whether pages that say they are not accessible for free are left out."""
    respect_tdm: bool = False
    """Whether pages that reserve text and data mining are left out."""
    arabic: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Minimum share of the text's letters that are in Arabic script."""
    language: bool | None = None
    """Whether the text must be in Arabic (any dialect), not in Persian, Urdu or another language of the script.

    Null asks it of the pages that were read from HTML.
    """
    least_words: Annotated[int, Field(ge=0)] = 0
    most_words: Annotated[int | None, Field(ge=1)] = None
    preset: Literal["none", "fineweb2-arabic"] = "none"
    """A named set of rules against repetitive text and pages that are not prose."""
    per_source: Annotated[int | None, Field(ge=1)] = None
    """Maximum number of eligible articles per source."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.most_words is not None and self.most_words < self.least_words:
            raise ValueError(f"most_words ({self.most_words}) is less than least_words ({self.least_words})")
        return self
