"""Files of annotations/ that git merged: lines of both sides are joined, contradictions between them are named.

A union merge keeps the lines of both sides. Equal lines become one, and of one annotation the latest version counts.
What two people decided differently stays, and is an error with both lines. Pure: records come with their line numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Ints, coded, ints, same_as_above
from builder.annotation.quality.times import is_exact, parse_time
from builder.io.jsonl_table import LineTable
from builder.records import (
    AnnotatorAssignment,
    BatchItem,
    Decision,
    Issue,
    Judgement,
    LedgerEntry,
    SplitAssignment,
    Takedown,
    Withdrawal,
    mark_set,
)
from builder.records.arrow import records_of

R = TypeVar("R")

Numbered = tuple[int, R]
"""A record and the number of its line."""

KEEP_ONE = "keep one of the two lines, as the people who wrote them agree"


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


def join_judgements(read: LineTable) -> pa.Table:
    """Return what `join` returns of the judgements of a file, as a table."""
    rows, numbered = _doubtful(read)
    newest, servers = _newest(numbered)
    kept = np.ones(len(read.numbers), bool)
    kept[rows] = False
    kept[np.searchsorted(read.numbers, [number for number, _ in newest])] = True
    table = read.table if len(newest) == len(rows) else read.table.filter(kept)
    origin = coded(table["origin"])
    if not servers.keys() & {*origin.names}:
        return table
    names = pa.array([_server(servers, name) for name in origin.names], pa.string())
    column = table.column_names.index("origin")
    return table.set_column(column, table.schema.field(column), names.take(pa.array(origin.codes)))


def judgement_contradictions(path: str, read: LineTable) -> list[Issue]:
    """Return what `contradictions` yields of the judgements of a file."""
    return [*contradictions(path, _doubtful(read)[1])]


def _doubtful(read: LineTable) -> tuple[Ints, list[Numbered[Judgement]]]:
    """Return the rows whose batch, article, annotator and number another row has, and the judgements there.

    Only these can be versions of one annotation.
    """
    keys = [coded(read.table[name]).codes for name in ("batch", "article_id", "annotator")]
    keys.append(ints(read.table["annotation_id"]))
    order = np.lexsort(keys)
    same = same_as_above(*(key[order] for key in keys))
    rows = np.sort(order[same | np.append(same[1:], False)[: len(same)]])
    return rows, [*zip(read.numbers[rows].tolist(), records_of(read.table.take(rows), Judgement), strict=True)]


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
    decided: dict[Hashable, tuple[int, Hashable]] = {}
    origins = _origins(record for _, record in lines)
    versions = Counter(_numbers(record) for _, record in lines if isinstance(record, Judgement))
    for number, record in lines:
        if isinstance(record, Judgement) and versions[_numbers(record)] == 1:
            continue  # nearly all are
        for key, what, answer in _decisions(record, origins):
            first, other = decided.setdefault(key, (number, answer))
            if other != answer:
                message = f"contradicts {path}:{first}: both lines give {what}"
                yield Issue("error", "contradiction", message, f"{path}:{number}", KEEP_ONE)


def _decisions(record: object, origins: dict[Hashable, set[str]]) -> Iterator[tuple[Hashable, str, Hashable]]:
    """Yield what a line decides: its key, its name, and the answer.

    Versions of one annotation differ in their time, and versions of khabar in what they note of its origin.
    """
    if isinstance(record, Judgement):
        key = _identity(record, origins), parse_time(record.updated_at)
        name = f"annotation {record.annotation_id} of article {record.article_id} by {record.annotator}"
        yield key, name, repr(replace(record, origin="", changed_by="", task_id=0, created_at="", updated_at=""))
    elif isinstance(record, SplitAssignment):
        yield record.article_id, f"the split of article {record.article_id}", record.split
    elif isinstance(record, BatchItem):
        yield record.article_id, f"the text of article {record.article_id}", record
    elif isinstance(record, LedgerEntry):
        yield record.version, f"the manifest of version {record.version}", record.manifest
    elif isinstance(record, Decision):
        whose = record.article_id, record.adjudicator, record.text_sha
        by = f"of article {record.article_id} by {record.adjudicator}"
        if record.spans is not None:
            yield whose, f"the spans {by}", mark_set(record.spans)
        for stance in record.stances:
            yield (*whose, stance.target), f"the stance on {stance.target} {by}", stance.value
