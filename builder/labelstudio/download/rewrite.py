"""Changes of judgements that stand in the local cache: other names of people and origins, later versions."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import replace

from builder.io.plain import from_plain
from builder.labelstudio.download.cache import key_of, line_of
from builder.records import Judgement


def rename_annotators(db: sqlite3.Connection, names: Mapping[str, str]) -> None:
    """Give the judgements of some annotators to the pseudonym that stands for each."""
    with db:
        for old, new in names.items():
            rows = db.execute("select rowid, line from judgement where annotator = ?", (old,)).fetchall()
            for row, line in rows:
                renamed = replace(from_plain(Judgement, json.loads(line)), annotator=new)
                db.execute("update judgement set annotator = ?, line = ? where rowid = ?", (new, line_of(renamed), row))


def rename_origins(db: sqlite3.Connection, source: str, names: Mapping[str, str]) -> None:
    """Give the judgements of a source another origin where `names` has one for theirs."""
    query = "update judgement set line = json_set(line, '$.origin', ?) where place = ? and json_extract(line, '$.origin') = ?"
    with db:
        db.executemany(query, [(new, source, old) for old, new in names.items() if new != old])


def replace_lines(db: sqlite3.Connection, source: str, judgements: Iterable[Judgement]) -> None:
    """Replace judgements of a source by other versions of them."""
    query = (
        "update judgement set line = ? where place = ? and article_id = ? and annotator = ? and annotation_id = ?"
        " and coalesce(json_extract(line, '$.origin'), '') = ?"
    )
    with db:
        db.executemany(query, [(line_of(one), source, *key_of(one)) for one in judgements])
