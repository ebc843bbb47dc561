"""Readers for CSV, TSV and Parquet files; words such as None are kept, and only nulls are missing values."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus.readers.encodings import LOST, MARKS, MOST_LOST, Decoded, Encoding, decode
from builder.corpus.readers.rows import MAX_BYTES, BadRecord, File, ReadItem, row_of
from builder.corpus.readers.streams import opened
from builder.corpus.readers.tables.columns import column_fault, field_names, used_names
from builder.corpus.readers.tables.layout import opened_table
from builder.corpus.readers.text import encoding_warnings, file_encoding
from builder.io.remote import open_file
from builder.schema.dataset import Fields

ROWS = 256

ESCAPE = "khabar.escape"
"""Error handler that replaces invalid bytes by a surrogate; Python's own does so for single bytes above 7F only."""

codecs.register_error(ESCAPE, lambda error: ("\udc80", error.end))  # type: ignore[attr-defined]

PEEKED = 1 << 20
"""Most bytes of the beginning of a table from which its encoding is determined."""

FIX = "correct the row, or name other columns under `fields:` in schema/dataset.yaml"

QUOTES_FIX = "correct the row; if its cells are quoted, write `quoted_tsv: true` under `fields:` in schema/dataset.yaml"


def refusal(file: File, fields: Fields, declared: str | None) -> tuple[str, str] | None:
    """Return why a file has not the columns that it needs, and what to do; None if it has them."""
    columns = _header(file, fields, declared)
    if any(map(_escaped, columns)):
        fault = file_encoding(file, declared)
        return (fault.message, fault.fix) if isinstance(fault, BadRecord) else (
            "the names of its columns hold bytes that are not UTF-8", "save the file as UTF-8")  # fmt: skip
    return column_fault(columns, fields)


def _header(file: File, fields: Fields, declared: str | None) -> Sequence[str]:
    """Return the columns of a file, as they are written."""
    if file.kind == "parquet":
        with open_file(file.uri) as raw, pq.ParquetFile(raw) as parquet:
            return list(parquet.schema_arrow.names)
    with _stream(file, declared) as (text, _):
        return opened_table(text, file.kind, fields.quoted_tsv).columns


def row_groups(file: File, size: int) -> Iterator[tuple[int, int]]:
    """Yield the numbers of row groups about `size` bytes apart, each with the number of rows before."""
    with open_file(file.uri) as raw, pq.ParquetFile(raw) as parquet:
        rows = weight = 0
        for number in range(parquet.num_row_groups):
            if weight >= size:
                yield number, rows
                weight = 0
            group = parquet.metadata.row_group(number)
            rows, weight = rows + group.num_rows, weight + group.total_byte_size


def read_csv(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the rows of a CSV or TSV file; the first line that is not blank names the columns."""
    csv.field_size_limit(MAX_BYTES)
    if not file.packing and file.size <= MAX_BYTES:
        with opened(file) as stream:
            raw = stream.read()
        try:
            decoded = decode(raw, declared)
        except UnicodeDecodeError:
            pass  # read as a stream below, so that each broken row is reported
        else:
            yield from encoding_warnings(decoded, declared)
            yield from _rows(io.StringIO(decoded.text, newline=""), file.kind, fields, decoded.said)
            return
    fault = file_encoding(file, declared)
    if isinstance(fault, BadRecord):
        yield fault
        return
    with _stream(file, declared) as (text, decoded):
        yield from encoding_warnings(decoded, declared)
        yield from _rows(text, file.kind, fields, decoded.said)


@contextmanager
def _stream(file: File, declared: str | None) -> Iterator[tuple[TextIO, Decoded]]:
    """Open a table as text; the encoding is determined from its beginning, whose text the second value holds.

    Bytes that are not valid in it become surrogates.
    """
    with opened(file) as stream:
        decoded = _beginning(stream.peek(PEEKED)[:PEEKED], declared)
        codec = Encoding(decoded.encoding, decoded.known).codec
        yield io.TextIOWrapper(stream, codec, ESCAPE, newline=""), decoded


def _beginning(head: bytes, declared: str | None) -> Decoded:
    """Decode the whole lines of a file's beginning; what fits no encoding is taken for UTF-8.

    The text is empty where a mark or the declaration says UTF-16.
    """
    mark = next((encoding for sign, encoding in MARKS.items() if head.startswith(sign)), None)
    if (known := mark or declared) and known.startswith("utf-16"):
        return Decoded("", known, "mark" if mark else "declared")
    end = head.rfind(b"\n") + 1 or len(head)
    end += head[end : end + 1] == b"\0"  # the second byte of a newline in UTF-16
    try:
        return decode(head[:end], declared)
    except UnicodeDecodeError:
        return Decoded("", "utf-8", "default")


def _rows(text: TextIO, kind: str, fields: Fields, encoding: str) -> Iterator[ReadItem]:
    """Yield the rows of a decoded table, each placed by the line at which it begins."""
    table = opened_table(text, kind, fields.quoted_tsv)
    columns = field_names(table.columns, used_names(fields))
    above = table.line - 1
    ended = above + table.rows.line_num  # the line at which the last row ended
    while True:
        begin = ended + 1
        try:
            values = next(table.rows, None)
        except csv.Error as error:
            ended = above + table.rows.line_num
            yield BadRecord(
                f":{begin}", "broken row", f"lines {begin} to {ended} are no row: {error}", "correct its quotes"
            )
            continue
        ended = above + table.rows.line_num
        if values is None:
            return
        if values:
            yield _row(values, columns, fields, f":{begin}", encoding, FIX if table.is_quoted else QUOTES_FIX)


def _row(
    values: Sequence[str], columns: Sequence[str], fields: Fields, position: str, encoding: str, fix: str
) -> ReadItem:
    """Return the record of the cells of a row, or its fault."""
    if any(_escaped(value) for value in values) or (encoding.endswith("damaged") and _mostly_lost("".join(values))):
        name = encoding.partition(",")[0].upper()
        return BadRecord(position, f"not {name}", f"the row holds bytes that are not {name}", "save the file as UTF-8")
    if len(values) != len(columns):
        return BadRecord(position, "columns", f"{len(values)} columns, and the header has {len(columns)}", fix)
    # an empty cell is missing, but an empty text is counted as empty
    cells = {name: value if name == fields.text else value or None for name, value in zip(columns, values, strict=True)}
    return row_of(cells, fields, position, "CSV ", encoding=encoding, fix=FIX, extra=True)


def _escaped(value: str) -> bool:
    """Return whether a value holds bytes that could not be decoded."""
    return not value.isascii() and any("\udc80" <= character <= "\udcff" for character in value)


def _mostly_lost(text: str) -> bool:
    """Return whether more than MOST_LOST of the non-ASCII characters of a text were lost in decoding."""
    return text.count(LOST) > (len(text) - len(text.encode("ascii", "ignore"))) * MOST_LOST


def parquet(file: File, fields: Fields) -> Iterator[ReadItem]:
    """Yield the rows of a Parquet file, counted from 1; columns may be nested."""
    used = used_names(fields)
    number = file.before
    with open_file(file.uri) as raw, pq.ParquetFile(raw) as table:
        written = table.schema_arrow.names
        names = {
            column: name
            for column, name in zip(written, field_names(written, used), strict=True)
            if name in used or any(path.startswith(f"{name}.") for path in used) or _is_plain(table, column)
        }
        for group in range(file.begin, table.num_row_groups if file.end is None else file.end):
            for batch in table.iter_batches(ROWS, row_groups=[group], columns=[*names]):
                for row in range(batch.num_rows):
                    number += 1
                    yield _cell(batch.slice(row, 1), names, fields, f":{number}")


def _is_plain(table: pq.ParquetFile, column: str) -> bool:
    """Return whether a column that is read as no field is kept: texts, numbers, dates and lists of texts, no vectors."""
    kind = table.schema_arrow.field(column).type
    within = kind.value_type if pa.types.is_list(kind) else kind
    return bool(pa.types.is_string(within) or pa.types.is_large_string(within)) or (
        pa.types.is_primitive(kind) and not pa.types.is_null(kind)
    )


def _cell(row: pa.RecordBatch, names: Mapping[str, str], fields: Fields, position: str) -> ReadItem:
    """Return the record of a batch of one row, or its fault; `names` has the name of each column."""
    try:
        (values,) = row.to_pylist()
    except UnicodeDecodeError as error:
        return BadRecord(
            position, "not UTF-8", f"not UTF-8 at byte {error.start} of a value", "write the file again from its source"
        )
    except (pa.ArrowException, ValueError, OverflowError) as error:
        return BadRecord(position, "broken row", f"a value cannot be read: {error}", FIX)
    named = {names[column]: value for column, value in values.items()}
    return row_of(named, fields, position, "Parquet ", fix=FIX, extra=True)
