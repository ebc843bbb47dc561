"""Records of adjudication: what was asked of adjudicators, and what they decided."""

from dataclasses import dataclass, field

from builder.records.annotation import OMIT_EMPTY, Answer, Span, Stance


@dataclass(frozen=True, slots=True, order=True)
class Passage:
    """A place in an article's text: code points, end exclusive."""

    start: int
    end: int

    @property
    def what(self) -> str:
        """Return the passage as the subject of a vote."""
        return f"span:{self.start}:{self.end}"


def passage_of(what: str) -> Passage | None:
    """Return the passage that a vote is about, or None if it is about something else.

    >>> passage_of("span:3:9"), passage_of("stance:port")
    (Passage(start=3, end=9), None)
    """
    kind, *places = what.split(":")
    return Passage(int(places[0]), int(places[1])) if kind == "span" else None


def question_of(what: str) -> str | None:
    """Return the question on the whole article that a vote is about, or None if it is about something else.

    >>> question_of("question:tone"), question_of("span:3:9")
    ('tone', None)
    """
    kind, _, name = what.partition(":")
    return name if kind == "question" else None


@dataclass(frozen=True, slots=True)
class Decision:
    """An adjudicator's word; `spans` None leaves the spans to the votes; stances override one by one.

    The answers to a question override it as a whole.
    """

    article_id: str
    text_sha: str
    adjudicator: str
    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    note: str = ""
    scope: tuple[Passage, ...] = field(default=(), metadata=OMIT_EMPTY)
    """The passages that `spans` decides; a passage without a span is no mention. Empty: all spans of the article."""
    answers: tuple[Answer, ...] = field(default=(), metadata=OMIT_EMPTY)

    @property
    def is_empty(self) -> bool:
        """Whether it decides nothing."""
        return self.spans is None and not self.stances and not self.answers


@dataclass(frozen=True, slots=True)
class Dispute:
    """A question that votes could not settle; `what` as in Vote, `answers` by annotator."""

    article_id: str
    what: str
    answers: dict[str, str]


@dataclass(frozen=True, slots=True)
class AskedPage:
    """What one page asked of adjudicators: one line of annotations/<batch>/asked.jsonl.

    `settled` are the mentions that the page showed as settled. The pages of a text are numbered from 1.
    """

    article_id: str
    text_sha: str
    page: int
    settled: tuple[Span, ...]
    questions: tuple[Dispute, ...]
