"""The published annotations of a release as a table of judgements, and what their pages offered."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.columns import Ints, ints, listed
from builder.annotation.migration.offered import Offers
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
            columns.append(_empty(field.type, table.num_rows))
        elif field.name in named:
            columns.append(_items(whole(table[field.name]), field.type, named[field.name]))
        else:
            column = whole(table[field.name]).cast(field.type)
            columns.append(pc.fill_null(column, "") if field.name == "remark" else column)
    return pa.Table.from_arrays(columns, schema=schema)


def _empty(of: pa.DataType, rows: int) -> pa.Array:
    """Return a column of empty strings, zeros or empty lists."""
    if pa.types.is_list(of):
        return listed(np.zeros(0, np.int64), rows, pa.array([], of.value_type))
    return pa.repeat(pa.scalar("" if pa.types.is_string(of) else 0, of), rows)


def _items(lists: pa.Array, of: pa.ListType, names: Mapping[str, tuple[str, ...]]) -> pa.Array:
    """Return a column of lists of structs as another; `names` gives those of the fields that hold numbers of names."""
    given = lists.flatten()
    parts = []
    for field in of.value_type:
        if given.type.get_field_index(field.name) < 0:
            parts.append(_empty(field.type, len(given)))
            continue
        part = pc.struct_field(given, field.name)
        parts.append(
            pa.array(names[field.name], pa.string()).take(part) if field.name in names else part.cast(field.type)
        )
    lengths: Ints = ints(pc.list_value_length(lists))
    values = pa.StructArray.from_arrays(parts, fields=list(of.value_type))
    return listed(np.repeat(np.arange(len(lists)), lengths), len(lists), values)


def offers_of_release(basis: CardInputs) -> Offers:
    """Return what the pages of the published annotations offered."""
    labels, targets, questions = (
        {version: frozenset(names) for version, names in of.items()}
        for of in (basis.asked, basis.asked_targets, basis.new_questions)
    )
    return Offers(labels, targets, frozenset(basis.labels.target_ids), questions)
