"""Faults of what was downloaded, read from a batch's cache: without the parser of answers, which `check` need not load."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from builder.io.plain import from_plain
from builder.records import Issue

INCOMPLETE = "incomplete"
"""Code of the error about a server that counts other annotations than were downloaded."""

DELETED, UNKNOWN = "account-deleted", "account-unknown"
"""Codes of the warnings about annotations whose account was deleted: its pseudonym is known, or not."""


def issues(db: sqlite3.Connection) -> list[Issue]:
    """Return the issues of all tasks, in the order of sources and tasks, and an error for each source with a gap.

    Issues about deleted accounts have one cause, and become one with their number.
    """
    rows = db.execute("select line from issue order by place, task, number")
    found = [from_plain(Issue, json.loads(line)) for (line,) in rows]
    return _merged(found, (DELETED, UNKNOWN)) + [_incomplete(gap) for gap in gaps(db)]


@dataclass(frozen=True, slots=True)
class Gap:
    """A source whose server counts another number of annotations: its name, the number there and the number here."""

    source: str
    there: int
    here: int


def gaps(db: sqlite3.Connection) -> list[Gap]:
    """Return the sources whose server counts another number of annotations."""
    rows = db.execute("select place, annotations from counted where annotations is not null order by place").fetchall()
    found = (Gap(source, number, annotation_count(db, source)) for source, number in rows)
    return [gap for gap in found if gap.there != gap.here]


def _incomplete(gap: Gap) -> Issue:
    message = f"Label Studio counts {gap.there} annotations, but {gap.here} were downloaded"
    fix = "run `khabar collect --full`; if people annotate at the moment, run it when they have finished"
    return Issue("error", INCOMPLETE, message, gap.source, fix)


def _merged(found: Sequence[Issue], codes: Sequence[str]) -> list[Issue]:
    """Replace the issues of each code by the first one, with their number."""
    others = [issue for issue in found if issue.code not in codes]
    for code in codes:
        same = [issue for issue in found if issue.code == code]
        if same:
            more = f" and {len(same) - 1} more annotations" if len(same) > 1 else ""
            others.append(replace(same[0], where=same[0].where + more))
    return others


def annotation_count(db: sqlite3.Connection, source: str) -> int:
    """Return the number of annotations of one source, whether they could be parsed or not."""
    rows = db.execute("select annotations from task where place = ?", (source,))
    return sum(len(ids.split()) for (ids,) in rows)
