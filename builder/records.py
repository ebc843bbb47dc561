"""Every record that passes between stages, and its Arrow schema.

Offsets are code points, end exclusive. Records are frozen; a stage makes new ones.
This module does not read files, and knows no stage.
"""

import hashlib
import types
import typing
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, is_dataclass
from functools import partial
from typing import Any, ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

from builder import __version__

if typing.TYPE_CHECKING:
    import pyarrow as pa

R = TypeVar("R")

Severity = Literal["error", "warning"]
GroupKind = Literal["exact", "near", "contained", "related", "single"]
JudgementStatus = Literal["submitted", "skipped"]
GoldSource = Literal["agreed", "majority", "model", "adjudicated"]
AssignmentKind = Literal["overlap", "shared", "calibration", "known"]
"""One of the annotators of an article; all see it; all see it first; all see it, and its answers are known."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replaced stretch: raw[raw_start:raw_end] became text[start:end]; either may be empty."""

    raw_start: int
    raw_end: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """One scraped page; `raw` is never altered and `id` is sha256(raw as UTF-8)[:16]."""

    id: str
    source: str
    url: str | None
    published_at: str | None
    title: str | None
    raw: str
    origin: str
    """Where it was read: `folder/file.txt` or `file.jsonl:3`; for messages only."""
    encoding: str = "utf-8"
    """What its bytes were read as, and how that was known: `utf-8`, `utf-16-le, mark`, `windows-1256, detected`."""
    html_sha: str | None = None
    """sha256 of the HTML file (64 hex digits) where `raw` is the text extracted from one."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A stretch of the raw document that cleaning removed, and the rule that removed it.

    An empty one (start == end) removed nothing: its rule only extracted fields there.
    """

    start: int
    end: int
    rule: str
    extracted: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Article:
    """A cleaned article; `edits` lead from `text` back to the raw text of its document.

    They are packed (AlignedText.packed), three numbers for each: code points unchanged before it,
    raw length, length. `part` 0 is the page's main article; embedded ones follow. `id` is `<document_id>-<part>`,
    `profile` is `name@version+hash`, `text_sha` is sha256(text as UTF-8)[:16].
    """

    id: str
    document_id: str
    part: int
    title: str | None
    text: str
    edits: tuple[int, ...]
    drops: tuple[Drop, ...]
    profile: str
    text_sha: str


@dataclass(frozen=True, slots=True)
class Group:
    """Membership of an article in a near-duplicate group; marked, never removed."""

    article_id: str
    group_id: str
    similarity: float
    kind: GroupKind


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


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """A link between two spans of one judgement, by their ids."""

    from_id: str
    to_id: str
    labels: tuple[str, ...] = ()
    direction: str = "right"


@dataclass(frozen=True, slots=True)
class Assigned:
    """That an annotator (a keyed pseudonym) is to judge an article, and why."""

    batch: str
    article_id: str
    annotator: str
    why: AssignmentKind


@dataclass(frozen=True, slots=True, order=True)
class Stance:
    """What an article's own voice says of a target."""

    target: str
    value: str


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


@dataclass(frozen=True, slots=True)
class Decision:
    """An adjudicator's word; `spans` None leaves the spans to the votes; stances override one by one."""

    article_id: str
    text_sha: str
    adjudicator: str
    spans: tuple[Span, ...] | None = None
    stances: tuple[Stance, ...] = ()
    note: str = ""


GOLD = "gold"
"""Who says what a release has as settled."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a release says of one article: one line of annotations/<batch>/predictions.jsonl.

    `who` is an annotator's pseudonym, or GOLD; offsets are those of the text that `text_sha` names.
    """

    article_id: str
    text_sha: str
    version: str
    who: str
    spans: tuple[Span, ...] = ()
    stances: tuple[Stance, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Vote:
    """How many annotators gave an answer; `what` is `span:<start>:<end>` or `stance:<target>`."""

    what: str
    answer: str
    count: int


@dataclass(frozen=True, slots=True, order=True)
class Confidence:
    """How sure an answer of the gold is, from 0 to 1, and by which method; `what` as in Vote."""

    what: str
    answer: str
    method: str
    value: float


@dataclass(frozen=True, slots=True)
class Gold:
    """What the dataset says of one article, with the votes that it rests on.

    `decided` names what adjudicators decided of it: `spans`, `stance:<target>`.
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


@dataclass(frozen=True, slots=True)
class Dispute:
    """A question that votes could not settle; `what` as in Vote, `answers` by annotator."""

    article_id: str
    what: str
    answers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: what, where, why (message) and what to do (fix)."""

    severity: Severity
    code: str
    message: str
    where: str = ""
    fix: str = ""
    article_id: str = ""
    annotator: str = ""
    link: str = ""


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


@dataclass(frozen=True, slots=True)
class SetAside:
    """One thing that a stage did not pass on, and why."""

    stage: str
    what: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """In = out + ledger, for one stage and one unit."""

    stage: str
    unit: str
    taken: int
    kept: int
    set_aside: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Whether everything taken was kept or set aside under a reason.

        >>> Account("clean", "lines", 5, 3, {"share": 2}).balanced
        True
        """
        return self.taken == self.kept + sum(self.set_aside.values())


def tally(stage: str, unit: str, taken: int, kept: int, aside: Iterable[SetAside]) -> Account:
    """The account of a stage, with what it set aside counted by reason."""
    return Account(stage, unit, taken, kept, dict(sorted(Counter(one.reason for one in aside).items())))


@dataclass(frozen=True, slots=True)
class Assignment:
    """The split that an article has, for ever: one line of annotations/splits.jsonl."""

    article_id: str
    split: str


@dataclass(frozen=True, slots=True)
class Takedown:
    """An article that no release may hold any more: one line of annotations/takedowns.jsonl."""

    article_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Step:
    """How far a bulk stage is: shards that are done, of so many, and the rows of these."""

    stage: str
    shards: int
    of: int
    taken: int
    kept: int
    set_aside: dict[str, int]
    seconds: float


TOOL = f"khabar {__version__}"
"""What made a release, as its manifest and its card say it."""
MANIFEST = "MANIFEST.json"
"""The file of a release folder that holds its Release."""


@dataclass(frozen=True, slots=True)
class Release:
    """What a published version is made of; `commit` is empty until it was pushed."""

    version: str
    repo_id: str
    commit: str
    tool: str
    schema_hash: str
    profile: str
    inputs: dict[str, str]
    splits: dict[str, dict[str, int]]
    files: dict[str, str]
    edition: Literal["full", "standoff"] = "full"


@dataclass(frozen=True, slots=True)
class Report:
    """What a verb tells its caller: accounts with what they set aside, issues, and facts to show."""

    verb: str
    accounts: tuple[Account, ...] = ()
    issues: tuple[Issue, ...] = ()
    facts: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    set_aside: tuple[SetAside, ...] = ()


class Refused(Exception):
    """A fault of the input, the configuration or a remote: issues to print and an exit code.

    Exit codes: 1 findings, 2 usage or configuration, 3 remote or authentication,
    4 conflict on the remote, 5 partial (run again to resume).
    """

    def __init__(self, *issues: Issue, exit_code: int = 2) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:  # else it does not come back from a worker: `args` is the message
        return partial(Refused, exit_code=self.exit_code), self.issues


def refuse(code: str, message: str, *, where: str = "", fix: str = "", exit_code: int = 2) -> Refused:
    """Make a Refused of one error, to be raised."""
    return Refused(Issue("error", code, message, where=where, fix=fix), exit_code=exit_code)


def sha16(text: str) -> str:
    """The first 16 hex digits of sha256 over UTF-8.

    >>> sha16("")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _arrow_type(hint: Any) -> "pa.DataType":
    import pyarrow as pa

    plain: dict[Any, pa.DataType] = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        bool: pa.bool_(),
    }
    if hint in plain:
        return plain[hint]
    if is_dataclass(hint):
        return pa.struct(arrow_schema(typing.cast("type[Any]", hint)))
    origin, args = get_origin(hint), get_args(hint)
    if origin is Literal:
        return pa.string()
    if origin is tuple:
        return pa.list_(_arrow_type(args[0]))
    if origin is dict:
        return pa.map_(_arrow_type(args[0]), _arrow_type(args[1]))
    if origin in (types.UnionType, typing.Union):
        return _arrow_type(next(a for a in args if a is not type(None)))
    raise TypeError(f"no Arrow type for {hint!r}")


def arrow_schema(record: type[Any]) -> "pa.Schema":
    """The Arrow schema of a record type, one field for each of its own, in order.

    >>> arrow_schema(Stance).names
    ['target', 'value']
    """
    import pyarrow as pa

    hints = get_type_hints(record)
    return pa.schema(
        [
            pa.field(f.name, _arrow_type(hints[f.name]))
            for f in fields(record)
            if get_origin(hints[f.name]) is not ClassVar
        ]
    )
