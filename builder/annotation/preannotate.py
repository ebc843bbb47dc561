"""Pre-annotations: spans by article, and the lines that a pre-annotation program writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from builder.io.jsonl import MAX_LINE
from builder.records import Article, Dropped, Span

MOST_SPANS = 10_000
"""Spans that a program may give for one article."""

KINDS = ("release:DIR", "gazetteer:FILE", 'command:"PROGRAM ARGUMENTS"')


@dataclass(frozen=True, slots=True)
class Predicted:
    """Spans by article id, the name of where they are from, and what could not be used."""

    origin: str
    spans: Mapping[str, tuple[Span, ...]]
    set_aside: tuple[Dropped, ...] = ()


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SaidSpan(_Said):
    """One span in a program's answer."""

    start: Annotated[int, Field(ge=0)]
    end: int
    label: str


class SaidLine(_Said):
    """A program's answer for one article: one line of JSON."""

    id: str
    spans: Annotated[list[SaidSpan], Field(max_length=MOST_SPANS)]


PROTOCOL = 'write {"id": ID, "spans": [{"start": 0, "end": 4, "label": "NAME"}]} for each article, in order'


def parse_program_line(line: bytes, article: Article, known: frozenset[str]) -> tuple[Span, ...]:
    """One line of a program's answer; raises ValueError that says what is wrong, never what was written."""
    if len(line) > MAX_LINE:
        raise ValueError(f"longer than {MAX_LINE:,} bytes")
    try:
        said = SaidLine.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise ValueError(f"{at + ': ' if at else ''}{first['msg']}") from None
    if said.id != article.id:
        raise ValueError(f"not of article {article.id}, whose turn it is")
    for number, span in enumerate(said.spans):
        if not span.start < span.end <= len(article.text):
            size = len(article.text)
            raise ValueError(f"spans.{number}: {span.start}:{span.end} is not a span of {size} code points")
        if span.label not in known:
            raise ValueError(f"spans.{number}: not a label; there are {', '.join(sorted(known))}")
    return tuple(sorted({Span(span.start, span.end, span.label) for span in said.spans}))
