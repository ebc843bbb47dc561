"""The shapes of Label Studio's JSON that khabar reads; what is in them is judged elsewhere."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_RESULTS = 20_000
"""Results in one annotation; more is hostile or broken."""


class Shape(BaseModel):
    """What a server sends: fields that we do not use are let pass, types are not bent."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Offset = Annotated[int, Field(ge=-(2**31), lt=2**31)]

Id = Annotated[int, Field(ge=0, lt=2**63)]

Word = Annotated[str, Field(max_length=200)]

Region = Annotated[str, Field(pattern=r"^[\w.:#~ -]{0,200}$")]
"""The name of a result, which leads nowhere: an e-mail is none."""

Remark = Annotated[str, Field(max_length=10_000)]


class LsTarget(Shape):
    """One stance question of a task."""

    id: Word


class LsData(Shape):
    """The part of a task's data that leads back to our article."""

    article_id: Word
    text_sha: Word
    batch: Word
    guideline: Word
    schema_version: Annotated[Word, Field(alias="schema")]
    targets: list[LsTarget]
    text: str | None = None


class LsTask(Shape):
    """A task with every annotation on it; each annotation is read by itself later."""

    id: Id
    data: LsData
    annotations: list[Any] = []
    drafts: list[Any] = []


class LsUser(Shape):
    """An annotator, where the server gives more than a number."""

    id: Id
    email: Word = ""


class LsAnnotation(Shape):
    """One submission by one annotator."""

    id: Id
    completed_by: Id | LsUser
    result: Annotated[list[Any], Field(max_length=MAX_RESULTS)]
    was_cancelled: bool = False
    lead_time: float | None = None
    created_at: Word
    updated_at: Word


class LsSpanValue(Shape):
    """Where a mention stands, and the words that the page took for it."""

    start: Offset
    end: Offset
    labels: Annotated[list[Word], Field(min_length=1)]
    text: Any = None


class LsSpan(Shape):
    """A mention as drawn; several labels mean several spans."""

    type: Literal["labels"]
    from_name: Literal["ner"]
    id: Region
    value: LsSpanValue


class LsChoiceValue(Shape):
    """The answers that were picked."""

    choices: list[Word]


class LsChoice(Shape):
    """The answer to one stance question."""

    type: Literal["choices"]
    from_name: Annotated[str, Field(pattern=r"^stance_[0-9]$")]
    value: LsChoiceValue


class LsRemarkValue(Shape):
    """What the annotator wrote."""

    text: list[Remark] | Remark


class LsRemark(Shape):
    """The remark field."""

    type: Literal["textarea"]
    from_name: Literal["remark"]
    value: LsRemarkValue


class LsRelation(Shape):
    """A link that was drawn between two spans."""

    type: Literal["relation"]
    from_id: Region
    to_id: Region
    direction: Literal["right", "left", "bi"] = "right"
    labels: list[Word] | None = None
