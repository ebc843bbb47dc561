"""Files of annotations/ that git merged: lines of both sides are joined, contradictions between them are named.

A union merge keeps the lines of both sides. Equal lines become one, and of one annotation the latest version counts.
What two people decided differently stays, and is an error with both lines. Pure: records come with their line numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Ints, coded, ints, same_as_above
from builder.annotation.quality.times import is_exact, parse_time
from builder.io.jsonl_table import LineTable
from builder.records import (
    AnnotatorAssignment,
    AskedPage,
    BatchItem,
    Decision,
    Issue,
    Judgement,
    LedgerEntry,
    PublishedAnnotation,
    SplitAssignment,
    SplitBorder,
    Takedown,
    Withdrawal,
    mark_set,
)

R = TypeVar("R")

Numbered = tuple[int, R]
"""A record and the number of its line."""

KEYS: dict[type, tuple[str, ...]] = {
    BatchItem: ("article_id",),
    Judgement: ("batch", "article_id", "annotator", "annotation_id"),
    Decision: (),
    PublishedAnnotation: ("article_id", "who"),
}
"""Columns whose values two lines have in common if they are versions of one record, or contradict each other.

A decision can contradict itself, so each is looked at.
"""

KEEP_ONE = "keep one of the two lines, as the people who wrote them agree"

IF_RENAMED = f"if labels were renamed meanwhile, run `khabar schema migrate`; else {KEEP_ONE}"
"""What to do about two versions of a judgement that differ in names alone."""


CONTRADICTION = "contradiction"
"""Code of the error about two lines that decide one thing in two ways."""


def join(lines: Sequence[Numbered[R]]) -> list[Numbered[R]]:
    """Return the lines without repetitions, in their order; of each annotation, only its latest version.

    Origins that share an annotation are one server, and get one name.
    """
    newest, servers = _newest(lines)
    return [(number, _renamed(record, servers)) for number, record in newest]


def _newest(lines: Sequence[Numbered[R]]) -> tuple[list[Numbered[R]], dict[str, str]]:
    """Return the newest versions in the order of their lines, and the other names of origins that are one server."""
    origins = _origins(record for _, record in lines)
    newest: dict[Hashable, Numbered[R]] = {}
    servers: dict[str, str] = {}
    for line in lines:
        key = _identity(line[1], origins)
        if key in newest:
            _unite(servers, newest[key][1], line[1])
        if key not in newest or _age(newest[key][1]) < _age(line[1]):
            newest[key] = line
    return sorted(newest.values(), key=lambda line: line[0]), servers


def join_table(read: LineTable, record: type) -> pa.Table:
    """Return what `join` returns of the records of a file, as a table."""
    rows = _doubtful(read, record)
    numbered: list[Numbered[object]] = read.records(record, rows)
    newest, servers = _newest(numbered)
    kept = np.ones(len(read.numbers), bool)
    kept[rows] = False
    kept[np.searchsorted(read.numbers, [number for number, _ in newest])] = True
    table = read.table if len(newest) == len(rows) else read.table.filter(kept)
    if not servers:
        return table
    origin = coded(table["origin"])
    names = pa.array([_server(servers, name) for name in origin.names], pa.string())
    column = table.column_names.index("origin")
    return table.set_column(column, table.schema.field(column), names.take(pa.array(origin.codes)))


def table_contradictions(path: str, read: LineTable, record: type) -> list[Issue]:
    """Return what `contradictions` yields of the records of a file."""
    return [*contradictions(path, read.records(record, _doubtful(read, record)))]


def _doubtful(read: LineTable, record: type) -> Ints:
    """Return the rows whose values of KEYS another row has; only these become records."""
    if not KEYS[record]:
        return np.arange(len(read.numbers))
    columns = [read.table[name] for name in KEYS[record]]
    keys = [ints(column) if pa.types.is_integer(column.type) else coded(column).codes for column in columns]
    order = np.lexsort(keys)
    same = same_as_above(*(key[order] for key in keys))
    return np.sort(order[same | np.append(same[1:], False)[: len(same)]])


def _unite(servers: dict[str, str], *versions: object) -> None:
    """Give the origins of two versions of an annotation the name that is first in the alphabet."""
    names = {_server(servers, one.origin) for one in versions if isinstance(one, Judgement) and one.origin}
    servers.update(dict.fromkeys(names - {min(names, default="")}, min(names, default="")))


def _server(servers: dict[str, str], origin: str) -> str:
    while origin in servers:
        origin = servers[origin]
    return origin


def _renamed(record: R, servers: dict[str, str]) -> R:
    if isinstance(record, Judgement) and record.origin in servers:
        return replace(record, origin=_server(servers, record.origin))
    return record


def _origins(records: Iterable[object]) -> dict[Hashable, set[str]]:
    """Return the origins of the judgements with the same numbers."""
    origins: dict[Hashable, set[str]] = defaultdict(set)
    for record in records:
        if isinstance(record, Judgement) and record.origin:
            origins[_numbers(record)].add(record.origin)
    return origins


def _numbers(judgement: Judgement) -> Hashable:
    return judgement.batch, judgement.article_id, judgement.annotator, judgement.task_id, judgement.annotation_id


def _identity(record: object, origins: dict[Hashable, set[str]]) -> Hashable:
    """Return what makes two lines versions of one record.

    Two judgements of one time of creation are one, even if two people read them from different exports. A judgement of
    an earlier version of khabar has no origin. It gets the only one that its numbers have.
    """
    if isinstance(record, Judgement):
        if is_exact(record):
            whose = record.batch, record.article_id, record.annotator, record.annotation_id
            return *whose, parse_time(record.created_at)
        known = origins.get(_numbers(record), set())
        return _numbers(record), record.origin or (min(known) if len(known) == 1 else "")
    if isinstance(record, AnnotatorAssignment):
        return record.batch, record.article_id, record.annotator
    if isinstance(record, Takedown):
        return record.article_id
    return record.annotator if isinstance(record, Withdrawal) else repr(record)


def _age(record: object) -> tuple[object, ...]:
    """Return a sort key, newest last, that depends on the records alone and not on the order of their lines."""
    if isinstance(record, Judgement):
        return parse_time(record.updated_at), record.task_id, record.origin
    return (repr(record),)


def contradictions(path: str, lines: Sequence[Numbered[R]]) -> Iterator[Issue]:
    """Yield an error for each line that decides otherwise than an earlier one what can be decided only once."""
    decided: dict[Hashable, Numbered[_Choice]] = {}
    origins = _origins(record for _, record in lines)
    versions = Counter(_numbers(record) for _, record in lines if isinstance(record, Judgement))
    for number, record in lines:
        if isinstance(record, Judgement) and versions[_numbers(record)] == 1:
            continue  # nearly all are
        for choice in _choices(record, origins):
            first, other = decided.setdefault(choice.key, (number, choice))
            if other.answer != choice.answer:
                message = f"contradicts {path}:{first}: both lines give {choice.what}"
                fix = IF_RENAMED if choice.nameless and other.nameless == choice.nameless else KEEP_ONE
                yield Issue("error", CONTRADICTION, message, f"{path}:{number}", fix)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What a line decides, by a key and in words, and its answer."""

    key: Hashable
    what: str
    answer: Hashable
    nameless: str = ""
    """The answer of a judgement without the names of labels, targets and stances."""


def _choices(record: object, origins: dict[Hashable, set[str]]) -> Iterator[_Choice]:
    """Yield what a line decides.

    Versions of one annotation differ in their time, and versions of khabar in what they note of its origin.
    """
    if isinstance(record, Judgement):
        key = _identity(record, origins), parse_time(record.updated_at)
        name = f"annotation {record.annotation_id} of article {record.article_id} by {record.annotator}"
        said = replace(record, origin="", changed_by="", task_id=0, created_at="", updated_at="")
        places = tuple(sorted(replace(span, label="") for span in said.spans))
        yield _Choice(key, name, repr(said), repr(replace(said, spans=places, stances=())))
    elif isinstance(record, SplitAssignment):
        yield _Choice(record.article_id, f"the split of article {record.article_id}", record.split)
    elif isinstance(record, SplitBorder):
        yield _Choice(record.split, f"the border of {record.split}", record.newest)
    elif isinstance(record, BatchItem):
        yield _Choice(record.article_id, f"the text of article {record.article_id}", record)
    elif isinstance(record, AskedPage):
        subject = record.article_id, record.text_sha, record.page
        yield _Choice(subject, f"page {record.page} of article {record.article_id}", repr(record))
    elif isinstance(record, LedgerEntry):
        yield _Choice(record.version, f"the manifest of version {record.version}", record.manifest)
    elif isinstance(record, Decision):
        yield from _decided(record)


def _decided(record: Decision) -> Iterator[_Choice]:
    """Yield what a decision says of the spans, or of each passage; of each stance; of each question."""
    whose = record.article_id, record.adjudicator, record.text_sha
    by = f"of article {record.article_id} by {record.adjudicator}"
    if record.spans is not None and not record.scope:
        yield _Choice(whose, f"the spans {by}", mark_set(record.spans))
    for place in record.scope:
        labels = frozenset(s.label for s in record.spans or () if (s.start, s.end) == (place.start, place.end))
        yield _Choice((*whose, place.what), f"the span {place.start}:{place.end} {by}", labels)
    for stance in record.stances:
        yield _Choice((*whose, stance.target), f"the stance on {stance.target} {by}", stance.value)
    for question in sorted({answer.question for answer in record.answers}):
        said = frozenset(answer.value for answer in record.answers if answer.question == question)
        yield _Choice((*whose, "question", question), f"the answer to {question} {by}", said)
