"""Payload schemas: pydantic models of the Label Studio JSON that khabar reads. They check types, not meaning."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_RESULTS = 20_000
"""Maximum number of results in one annotation; more is malicious or corrupt input."""


class Shape(BaseModel):
    """Base of all payload models: unused fields are ignored, and types are not coerced."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Offset = Annotated[int, Field(ge=-(2**31), lt=2**31)]

Id = Annotated[int, Field(ge=0, lt=2**63)]

Word = Annotated[str, Field(max_length=200)]

Region = Annotated[str, Field(pattern=r"^[\w.:#~ -]{0,200}$")]
"""Id of a result. The pattern excludes `@`, so that no e-mail passes."""

Remark = Annotated[str, Field(max_length=10_000)]


class LsTarget(Shape):
    """One stance question of a task: the id of its target."""

    id: Word


class LsBefore(Shape):
    """What the page of an answer had, for an answer that was not saved since `until`."""

    schema_version: Annotated[Word, Field(alias="schema")]
    guideline: Word
    until: Word


class LsData(Shape):
    """The fields of a task's data that identify its article."""

    article_id: Word
    text_sha: Word
    batch: Word
    guideline: Word
    schema_version: Annotated[Word, Field(alias="schema")]
    targets: list[LsTarget]
    text: str | None = None
    page: Annotated[int, Field(ge=0, lt=10_000)] = 0
    before: dict[str, LsBefore] = {}
    """What the pages of answers had that were given before an update of the task, by annotation id."""


class LsTask(Shape):
    """A task with all its annotations, which are validated one by one later."""

    id: Id
    data: LsData
    annotations: list[Any] = []
    drafts: list[Any] = []


class LsUser(Shape):
    """An annotator, if the server sends more than a user id."""

    id: Id
    email: Word = ""


class LsAnnotation(Shape):
    """One annotation: a submission by one annotator."""

    id: Id
    completed_by: Id | LsUser
    result: Annotated[list[Any], Field(max_length=MAX_RESULTS)]
    was_cancelled: bool = False
    lead_time: float | None = None
    created_at: Word
    updated_at: Word


class LsSpanValue(Shape):
    """Offsets of a span (code points, end exclusive), its labels, and its text as Label Studio reports it."""

    start: Offset
    end: Offset
    labels: Annotated[list[Word], Field(min_length=1)]
    text: Any = None


class LsSpan(Shape):
    """A labelled region; several labels mean several spans. `asked` regions show what an adjudicator is asked about."""

    type: Literal["labels"]
    from_name: Literal["ner", "asked"]
    id: Region
    value: LsSpanValue


class LsChoiceValue(Shape):
    """The chosen options."""

    choices: list[Word]


class LsChoice(Shape):
    """The answer to one stance question, or to one question on the whole article."""

    type: Literal["choices"]
    from_name: Annotated[str, Field(pattern=r"^(stance_[0-9]{1,2}|question_[A-Za-z][A-Za-z0-9_-]{0,39})$")]
    value: LsChoiceValue


class LsRemarkValue(Shape):
    """The text that the annotator wrote."""

    text: list[Remark] | Remark


class LsRemark(Shape):
    """The remark field."""

    type: Literal["textarea"]
    from_name: Literal["remark"]
    value: LsRemarkValue


class LsRelation(Shape):
    """A relation that the annotator drew between two spans."""

    type: Literal["relation"]
    from_id: Region
    to_id: Region
    direction: Literal["right", "left", "bi"] = "right"
    labels: list[Word] | None = None


class UnreadableError(ValueError):
    """A result that this project's labeling config cannot produce. Its message quotes no content of the result."""


class UnknownTypeError(UnreadableError):
    """A result of a type that the reader does not know; `kind` says which, if it is a short plain word."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"unknown {kind}")
        self.kind = kind


def validate_result(plain: object, shapes: Mapping[str, type[Shape]]) -> Shape:
    """Validate one result as the payload model of its type.

    Raises ValidationError, or UnknownTypeError if the type is unknown; it quotes the type only if that is a short
    plain word.
    """
    kind = plain.get("type") if isinstance(plain, dict) else None
    shape = shapes.get(kind) if isinstance(kind, str) else None
    if shape is None:
        plain_word = isinstance(kind, str) and kind.isalnum() and len(kind) < 30
        raise UnknownTypeError(f"type {kind!r}" if plain_word else "type of the result")
    return shape.model_validate(plain)
