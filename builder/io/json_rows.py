"""Rows of tables as JSON: the text that `json` writes of each record, made of columns."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from builder.io.atomic import atomic_write
from builder.io.lists import counts, cuts
from builder.io.plain import omitted_fields

ROWS = 5000
"""Rows whose text is made at once."""


@dataclass(frozen=True, slots=True)
class JsonForm:
    """How JSON is written: names in their order or sorted, characters beyond ASCII as they are or as escapes."""

    sort_keys: bool = False
    ensure_ascii: bool = False


LINES = JsonForm()
"""The form of the lines of a JSON Lines file."""


def json_rows(table: pa.Table, record: type, form: JsonForm = LINES) -> Iterator[pa.Array]:
    """Yield the JSON of each row of a table with a record type's schema, ROWS at a time.

    The text is that of json.dumps of what `to_plain` returns of the record.

    >>> from builder.records import Stance
    >>> table = pa.table({"target": ["dam"], "value": ["favor"]})
    >>> print(*[text for texts in json_rows(table, Stance) for text in texts])
    {"target": "dam", "value": "favor"}
    """
    for batch in table.to_batches(max_chunksize=ROWS):
        yield _objects(batch.schema.names, batch.columns, form, omitted_fields(record))


def write_table_lines(path: Path, table: pa.Table, record: type) -> None:
    """Write the rows of a table with a record type's schema as write_jsonl writes the records."""
    with atomic_write(path) as out:
        for texts in json_rows(table, record):
            out.write(joined(texts, "\n") + b"\n")


def digest_of_sorted(table: pa.Table, record: type) -> str:
    """Return the sha256 of the JSON of a list of these records, in the order of the JSON of each.

    Names are sorted; characters beyond ASCII are ordered by their escapes.
    """
    keys = pa.chunked_array(json_rows(table, record, JsonForm(sort_keys=True, ensure_ascii=True)), pa.string())
    rows = pa.chunked_array(json_rows(table, record, JsonForm(sort_keys=True)), pa.string()).cast(pa.large_string())
    order, digest = pc.sort_indices(keys), hashlib.sha256(b"[")
    for begin in range(0, len(order), ROWS):
        digest.update(b", " if begin else b"")
        digest.update(joined(rows.take(order[begin : begin + ROWS]).combine_chunks().cast(pa.string()), ", "))
    digest.update(b"]")
    return digest.hexdigest()


def joined(texts: pa.Array, separator: str) -> bytes:
    """Return texts joined by a separator, in UTF-8."""
    text: bytes = (
        pc.binary_join(pa.ListArray.from_arrays([0, len(texts)], texts), separator)[0].as_buffer().to_pybytes()
    )
    return text


def _objects(
    names: Sequence[str], columns: Sequence[pa.Array], form: JsonForm, omit_empty: Collection[str] = ()
) -> pa.Array:
    """Return objects with these fields; those of `omit_empty` are left out where they are empty."""
    fields = (
        sorted(zip(names, columns, strict=True), key=itemgetter(0))
        if form.sort_keys
        else [*zip(names, columns, strict=True)]
    )
    pieces = []
    for name, column in fields:
        piece = pc.binary_join_element_wise(f"{json.dumps(name)}: ", _values(column, form), "")
        pieces.append(pc.if_else(_filled(column), piece, None) if name in omit_empty else piece)
    inside = pc.binary_join_element_wise(*pieces, ", ", null_handling="skip")
    return pc.binary_join_element_wise("{", inside, "}", "")


def _filled(column: pa.Array) -> pa.Array:
    """Return which values are neither empty nor zero."""
    kind = column.type
    if pa.types.is_list(kind):
        return pc.greater(pc.list_value_length(column), 0)
    return pc.not_equal(column, pa.scalar("" if pa.types.is_string(kind) else 0, kind))


def _values(column: pa.Array, form: JsonForm) -> pa.Array:
    """Return the JSON of each value of a column."""
    kind = column.type
    if pa.types.is_list(kind):
        texts = _lists(column, form)
    elif pa.types.is_map(kind):
        texts = _maps(column, form)
    elif pa.types.is_struct(kind):
        texts = _objects([field.name for field in kind], column.flatten(), form)
    elif pa.types.is_integer(kind):
        texts = column.cast(pa.string())
    else:  # what json writes of each different value
        coded = column.dictionary_encode()
        made = [json.dumps(value, ensure_ascii=form.ensure_ascii) for value in coded.dictionary.to_pylist()]
        texts = pa.array(made, pa.string()).take(coded.indices)
    return pc.fill_null(texts, "null") if column.null_count else texts


def _lists(column: pa.ListArray, form: JsonForm) -> pa.Array:
    return pc.if_else(column.is_valid(), _joined_items(column, _values(column.flatten(), form), "[", "]"), None)


def _maps(column: pa.MapArray, form: JsonForm) -> pa.Array:
    pairs = column.cast(pa.list_(pa.struct([("key", pa.string()), ("value", column.type.item_type)])))
    items = pairs.flatten()
    if form.sort_keys:  # Arrow compares UTF-8, which has the order of code points
        owners = pc.list_parent_indices(pairs)
        rows = pa.table({"owner": owners, "key": items.field("key")})
        items = items.take(pc.sort_indices(rows, sort_keys=[("owner", "ascending"), ("key", "ascending")]))
    key, value = (_values(items.field(place), form) for place in range(2))
    return _joined_items(pairs, pc.binary_join_element_wise(key, value, ": "), "{", "}")


def _joined_items(column: pa.ListArray, texts: pa.Array, begin: str, end: str) -> pa.Array:
    """Return the texts of the items of each list, between two brackets."""
    items = pa.ListArray.from_arrays(pa.array(cuts(counts(column)), pa.int32()), texts)
    return pc.binary_join_element_wise(begin, pc.binary_join(items, ", "), end, "")
