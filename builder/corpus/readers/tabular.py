"""Readers for CSV, TSV and Parquet files; words such as None are kept, and only nulls are missing values."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from builder.corpus.readers.encodings import decode
from builder.corpus.readers.rows import MAX_BYTES, OPTIONAL, BadRecord, File, ReadItem, author_fields, row_of
from builder.corpus.readers.streams import opened
from builder.corpus.readers.text import encoding_warnings
from builder.io.remote import open_file
from builder.schema.dataset import Fields

ROWS = 256

DELIMITERS = {"csv": ",;", "tsv": "\t"}

FIX = "correct the row, or name other columns under `fields:` in schema/dataset.yaml"


def header(file: File, declared: str | None) -> list[str]:
    """Return the columns of a file."""
    if file.kind == "parquet":
        with open_file(file.uri) as raw, pq.ParquetFile(raw) as parquet:
            return list(parquet.schema_arrow.names)
    with opened(file) as stream:
        first = stream.readline(1 << 20)
    encoding = "cp1256" if declared == "windows-1256" else "utf-8-sig"
    line = first.decode("utf-16" if first[:2] in (b"\xff\xfe", b"\xfe\xff") else encoding, "replace")
    return next(csv.reader([line.rstrip("\r\n")], delimiter=_delimiter(line, file.kind)), [])


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


def missing(columns: Sequence[str], fields: Fields) -> list[str]:
    """Return the missing columns: the text, and each optional field that `fields` maps to another name."""
    wanted = [fields.text, *(name for key in (*OPTIONAL, "author") if (name := getattr(fields, key)) != key)]
    return [name for name in wanted if name not in columns and name.split(".")[0] not in columns]


def read_csv(file: File, fields: Fields, declared: str | None) -> Iterator[ReadItem]:
    """Yield the rows of a CSV or TSV file; the first line names the columns."""
    csv.field_size_limit(MAX_BYTES)
    if not file.packing and file.size <= MAX_BYTES:
        with opened(file) as stream:
            raw = stream.read()
        try:
            decoded = decode(raw, declared)
        except UnicodeDecodeError:
            pass  # decode row by row below, so that each broken row is reported
        else:
            yield from encoding_warnings(decoded, declared)
            yield from _rows(io.StringIO(decoded.text, newline=""), file.kind, fields, decoded.said)
            return
    encoding = "cp1256" if declared == "windows-1256" else "utf-8-sig"
    with opened(file) as stream:
        text = io.TextIOWrapper(stream, encoding, "surrogateescape", newline="")
        yield from _rows(text, file.kind, fields, "windows-1256, declared" if encoding == "cp1256" else "utf-8")


def _rows(text: TextIO, kind: str, fields: Fields, encoding: str) -> Iterator[ReadItem]:
    """Yield the rows of a decoded table, each placed by the line at which it begins."""
    first = text.readline(1 << 20)
    reader = csv.reader(text, delimiter=_delimiter(first, kind), strict=True)
    columns = next(csv.reader([first], delimiter=_delimiter(first, kind)), [])
    ended = 1  # the line at which the last row ended
    while True:
        begin = ended + 1
        try:
            values = next(reader, None)
        except csv.Error as error:
            ended = reader.line_num + 1
            yield BadRecord(
                f":{begin}", "broken row", f"lines {begin} to {ended} are no row: {error}", "correct its quotes"
            )
            continue
        ended = reader.line_num + 1
        if values is None:
            return
        if not values:
            continue
        if any(_escaped(value) for value in values):
            yield BadRecord(
                f":{begin}", "not UTF-8", "the row holds bytes that are not UTF-8", "save the file as UTF-8"
            )
        elif len(values) != len(columns):
            yield BadRecord(f":{begin}", "columns", f"{len(values)} columns, and the header has {len(columns)}", FIX)
        else:
            # an empty cell is missing, but an empty text is counted as empty
            named = {name: value or None for name, value in zip(columns, values, strict=True) if name != fields.text}
            cells = dict(zip(columns, values, strict=True))
            yield row_of(named | ({fields.text: cells[fields.text]} if fields.text in cells else {}), fields,
                         f":{begin}", "CSV ", encoding=encoding, fix=FIX)  # fmt: skip


def _delimiter(line: str, kind: str) -> str:
    """Return the delimiter that occurs most often in the header."""
    return max(DELIMITERS[kind], key=line.count)


def _escaped(value: str) -> bool:
    """Return whether a value holds bytes that could not be decoded."""
    return not value.isascii() and any("\udc80" <= character <= "\udcff" for character in value)


def parquet(file: File, fields: Fields) -> Iterator[ReadItem]:
    """Yield the rows of a Parquet file, counted from 1; columns may be nested."""
    wanted = {*(getattr(fields, key) for key in ("text", *OPTIONAL)), *author_fields(fields)}
    number = file.before
    with open_file(file.uri) as raw, pq.ParquetFile(raw) as table:
        columns = [
            name
            for name in table.schema_arrow.names
            if name in wanted or any(path.startswith(f"{name}.") for path in wanted)
        ]
        for group in range(file.begin, table.num_row_groups if file.end is None else file.end):
            for batch in table.iter_batches(ROWS, row_groups=[group], columns=columns):
                for row in range(batch.num_rows):
                    number += 1
                    yield _cell(batch.slice(row, 1), fields, f":{number}")


def _cell(row: pa.RecordBatch, fields: Fields, position: str) -> ReadItem:
    """Return the record of a batch of one row, or its fault."""
    try:
        (values,) = row.to_pylist()
    except UnicodeDecodeError as error:
        return BadRecord(
            position, "not UTF-8", f"not UTF-8 at byte {error.start} of a value", "write the file again from its source"
        )
    except (pa.ArrowException, ValueError, OverflowError) as error:
        return BadRecord(position, "broken row", f"a value cannot be read: {error}", FIX)
    return row_of(values, fields, position, "Parquet ", fix=FIX)
