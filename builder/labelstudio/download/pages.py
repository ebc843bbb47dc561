"""The versions of the labels and guidelines that the pages of downloaded judgements had."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PageVersions:
    """The versions of the labels and of the guidelines that judgements were made under."""

    labels: str
    guidelines: str


def pages(db: sqlite3.Connection) -> set[PageVersions]:
    """Return the versions of the pages that judgements were made on."""
    query = "select distinct json_extract(line, '$.schema'), json_extract(line, '$.guideline') from judgement"
    return {PageVersions(*row) for row in db.execute(query)}
