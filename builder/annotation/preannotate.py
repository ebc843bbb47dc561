"""Pre-annotations: spans by article, and the lines that a pre-annotation program writes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.io.jsonl import MAX_LINE
from builder.records import Answer, Article, Dropped, Prediction, Span, Stance

MOST_SPANS = 10_000
"""Most spans a program may return for one article."""

KINDS = ("release:DIR", "gazetteer:FILE", 'command:"PROGRAM ARGUMENTS"')


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predicted spans by article id, the name of their origin, and the spans that could not be used.

    Published sets also give stances and answers to questions; `unused` are those that could not be used.
    """

    origin: str
    spans: Mapping[str, tuple[Span, ...]]
    set_aside: tuple[Dropped, ...] = ()
    stances: Mapping[str, tuple[Stance, ...]] = field(default_factory=dict)
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    unused: tuple[Dropped, ...] = ()

    @property
    def articles(self) -> frozenset[str]:
        """Return the articles of which anything is predicted."""
        return frozenset(name for of in (self.spans, self.stances, self.answers) for name, said in of.items() if said)

    def of(self, article_id: str) -> Prediction | None:
        """Return what is predicted of an article, which may be that it has no spans, or None for nothing at all."""
        spans, stances = self.spans.get(article_id, ()), self.stances.get(article_id, ())
        answers = self.answers.get(article_id, ())
        if article_id not in self.spans and not stances and not answers:
            return None
        return Prediction(self.origin, spans, stances, answers=answers)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProgramSpan(_Said):
    """A span in a program's answer."""

    start: Annotated[int, Field(ge=0)]
    end: int
    label: str


class ProgramAnswer(_Said):
    """A program's answer for one article, as one line of JSON."""

    id: str
    spans: Annotated[list[ProgramSpan], Field(max_length=MOST_SPANS)]


PROTOCOL = 'write {"id": ID, "spans": [{"start": 0, "end": 4, "label": "NAME"}]} for each article, in order'


def parse_program_line(line: bytes, article: Article, known: frozenset[str]) -> tuple[Span, ...]:
    """Parse one line of a program's output.

    Raises ValueError with what is wrong. The message never repeats the line itself.
    """
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE:,} bytes")
    try:
        answer = ProgramAnswer.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise ValueError(f"{at + ': ' if at else ''}{first['msg']}") from None
    if answer.id != article.id:
        raise ValueError(f"expected the answer for article {article.id}")
    for number, span in enumerate(answer.spans):
        if not span.start < span.end <= len(article.text):
            size = len(article.text)
            raise ValueError(f"spans.{number}: {span.start}:{span.end} is not a span in a text of {size} code points")
        if span.label not in known:
            raise ValueError(f"spans.{number}: unknown label; known: {', '.join(sorted(known))}")
    return tuple(sorted({Span(span.start, span.end, span.label) for span in answer.spans}))
