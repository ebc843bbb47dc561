"""Records of annotation: batch items, spans, stances, judgements, gold, agreement."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

OMIT_EMPTY = {"omit_empty": True}
"""Metadata of a field that JSON leaves out when it is empty, so that files of earlier versions keep their bytes."""

JudgementStatus = Literal["submitted", "skipped"]

GoldSource = Literal["agreed", "majority", "model", "adjudicated"]

AssignmentKind = Literal["overlap", "shared", "calibration", "known"]
"""One of the annotators of an article; all see it; all see it first; all see it, and its answers are known."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """An article chosen for annotation, tied to the text that annotators will see."""

    batch: str
    article_id: str
    text_sha: str
    group_id: str
    source: str


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A labelled mention: code points of the article's text, end exclusive."""

    start: int
    end: int
    label: str
    id: str = ""


Mark = tuple[int, int, str]
"""A span without its id: start and end in code points, end exclusive, and label."""


def mark_set(spans: Iterable[Span]) -> frozenset[Mark]:
    """Return the (start, end, label) of each span, without ids and order.

    >>> mark_set([Span(0, 3, "PERS", "a"), Span(0, 3, "PERS", "b")])
    frozenset({(0, 3, 'PERS')})
    """
    return frozenset((span.start, span.end, span.label) for span in spans)


def outermost(spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the spans that begin inside no span yielded before, in order, the longest of those that begin together.

    >>> [*outermost([Span(0, 3, "ORG"), Span(1, 2, "GPE"), Span(0, 5, "OCC")])]
    [Span(start=0, end=5, label='OCC', id='')]
    """
    end = -1
    for span in sorted(spans, key=lambda span: (span.start, -span.end, span.label)):
        if span.start >= end:
            yield span
            end = span.end


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """A link between two spans of one judgement, by their ids."""

    from_id: str
    to_id: str
    labels: tuple[str, ...] = ()
    direction: str = "right"


@dataclass(frozen=True, slots=True)
class AnnotatorAssignment:
    """The assignment of an article to an annotator (a keyed pseudonym), with its kind."""

    batch: str
    article_id: str
    annotator: str
    why: AssignmentKind


@dataclass(frozen=True, slots=True, order=True)
class Stance:
    """The stance of an article's own voice towards a target."""

    target: str
    value: str


@dataclass(frozen=True, slots=True, order=True)
class Answer:
    """A value chosen for a question on the whole article; several values of one question are several answers."""

    question: str
    value: str

    @property
    def what(self) -> str:
        """Return the question as the subject of a vote."""
        return f"question:{self.question}"


@dataclass(frozen=True, slots=True)
class Prediction:
    """Answers shown on the page before annotation; `origin` names the model or person that they come from."""

    origin: str
    spans: tuple[Span, ...]
    stances: tuple[Stance, ...] = ()
    judged: bool = False
    """Whether a person gave this answer, so that it is shown even if it is empty."""
    answers: tuple[Answer, ...] = ()


@dataclass(frozen=True, slots=True)
class Judgement:
    """One annotation by one annotator, as collected; `annotator` is a keyed pseudonym."""

    article_id: str
    text_sha: str
    batch: str
    annotator: str
    spans: tuple[Span, ...]
    stances: tuple[Stance, ...]
    status: JudgementStatus
    seconds: float | None
    created_at: str
    updated_at: str
    guideline: str
    schema: str
    task_id: int
    annotation_id: int
    remark: str = ""
    relations: tuple[Relation, ...] = ()
    origin: str = field(default="", metadata=OMIT_EMPTY)
    """Keyed name of the server or export that it came from: `o-` and 10 hex digits; empty in batches of earlier versions."""
    changed_by: str = field(default="", metadata=OMIT_EMPTY)
    """Pseudonym of the person who changed it last, if that is not its annotator."""
    answers: tuple[Answer, ...] = field(default=(), metadata=OMIT_EMPTY)
    page: int = field(default=0, metadata=OMIT_EMPTY)
    """Number of the adjudication page that it answers; 0 for an annotation."""


@dataclass(frozen=True, slots=True, order=True)
class AcceptedChange:
    """An answer that another person changed, and that counts as its annotator's: one line of annotations/accepted.jsonl.

    A later change of the same answer has another `updated_at`, and is not accepted.
    """

    article_id: str
    annotator: str
    changed_by: str
    updated_at: str


@dataclass(frozen=True, slots=True)
class PersonAlias:
    """Two pseudonyms of one person: one line of annotations/persons.jsonl. `annotator` is the one in use."""

    alias: str
    annotator: str


GOLD = "gold"
"""Who says what a release has as settled."""


@dataclass(frozen=True, slots=True)
class PublishedAnnotation:
    """The published annotation of one article: one line of annotations/<batch>/predictions.jsonl.

    `who` is an annotator's pseudonym, or GOLD; offsets are those of the text that `text_sha` names.
    """

    article_id: str
    text_sha: str
    version: str
    who: str
    spans: tuple[Span, ...] = ()
    stances: tuple[Stance, ...] = ()
    answers: tuple[Answer, ...] = field(default=(), metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True, order=True)
class Vote:
    """The number of annotators who gave an answer; `what` is `span:<start>:<end>`, `stance:<target>` or `question:<id>`."""

    what: str
    answer: str
    count: int


@dataclass(frozen=True, slots=True, order=True)
class Confidence:
    """The confidence of a gold answer, from 0 to 1, and its method; `what` is that of Vote."""

    what: str
    answer: str
    method: str
    value: float


@dataclass(frozen=True, slots=True)
class Gold:
    """The settled answers for one article, with their votes.

    `decided` names what adjudicators decided of it: `spans` (all of them), `span:<start>:<end>`, `stance:<target>`,
    `question:<id>`.
    """

    article_id: str
    text_sha: str
    spans: tuple[Span, ...]
    stances: tuple[Stance, ...]
    source: GoldSource
    votes: tuple[Vote, ...]
    annotators: int
    confidence: tuple[Confidence, ...] = ()
    decided: tuple[str, ...] = ()
    answers: tuple[Answer, ...] = field(default=(), metadata=OMIT_EMPTY)


@dataclass(frozen=True, slots=True)
class Agreement:
    """One figure of agreement; `value` None means undefined and `why` says so.

    `between` is empty for a figure over all annotators, else `a-1 a-2` for a pair, `a-1` for one against the others;
    `period` is the ISO week (`2026-W47`) in which the articles of a figure got their last judgement, or empty.
    """

    measure: str
    layer: str
    label: str
    batch: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unit: str
    why: str = ""
    between: str = ""
    period: str = ""
