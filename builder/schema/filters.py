"""`filters:` of schema/dataset.yaml: what an article must be to be chosen for annotation."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from builder.schema.fields import Part


class Filters(Part):
    """An article that does not pass stays in the crawl with its reason, and comes back when its filter goes."""

    arabic: Annotated[float, Field(ge=0, le=1)] = 0.5
    """The least share of a text's letters that are of the Arabic script."""
    language: bool = False
    """Whether the text must be in Arabic, of any dialect, and not Persian, Urdu or another of the script."""
    least_words: Annotated[int, Field(ge=0)] = 0
    most_words: Annotated[int | None, Field(ge=1)] = None
    preset: Literal["none", "fineweb2-arabic"] = "none"
    """Named rules against repetition and pages that are no prose."""
    per_source: Annotated[int | None, Field(ge=1)] = None
    """How many articles of one source may be chosen from, at most."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.most_words is not None and self.most_words < self.least_words:
            raise ValueError(f"most_words is {self.most_words}, less than least_words, {self.least_words}")
        return self
