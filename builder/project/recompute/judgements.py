"""The published annotations of a release as a table of judgements, and what their pages offered."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.migration.offered import Offers
from builder.io.lists import empty, retyped
from builder.io.parquet import whole
from builder.records import Judgement
from builder.records.arrow import arrow_schema
from builder.release.card.inputs import CardInputs
from builder.release.tables.features import all_values
from builder.schema.labels import Labels


def published_judgements(table: pa.Table, labels: Labels) -> pa.Table:
    """Return the rows of `annotations` as a judgement table, in their order and without times and ids of a server."""
    schema = arrow_schema(Judgement)
    named: dict[str, Mapping[str, tuple[str, ...]]] = {
        "spans": {"label": labels.entity_names},
        "stances": {"value": all_values(labels)},
        "answers": {},
    }
    columns = []
    for field in schema:
        if field.name not in table.column_names:
            columns.append(empty(field.type, table.num_rows))
        elif field.name in named:
            columns.append(retyped(whole(table[field.name]), field.type, named[field.name]))
        else:
            column = whole(table[field.name]).cast(field.type)
            columns.append(pc.fill_null(column, "") if field.name == "remark" else column)
    return pa.Table.from_arrays(columns, schema=schema)


def offers_of_release(basis: CardInputs) -> Offers:
    """Return what the pages of the published annotations offered."""
    labels, targets, questions = (
        {version: frozenset(names) for version, names in of.items()}
        for of in (basis.asked, basis.asked_targets, basis.new_questions)
    )
    return Offers(labels, targets, frozenset(basis.labels.target_ids), questions)
