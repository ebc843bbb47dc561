"""Records as Parquet files, written and read in batches."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

from builder.io.atomic import atomic_write
from builder.io.plain import _adapter
from builder.records.arrow import arrow_schema

R = TypeVar("R")


ROWS = 4_096
"""Records of a row group."""

PART = 512
"""Records that are read at once."""


def write_table(path: Path, records: Sequence[object], record: type[Any]) -> None:
    """Write records as one Parquet file with the record type's Arrow schema."""
    write_batches(path, [records], record)


def write_batches(path: Path, batches: Iterable[Sequence[object]], record: type[Any]) -> None:
    """Write records as write_table does, a row group of ROWS at a time, so that memory does not grow with them."""
    with atomic_write(path) as out, pq.ParquetWriter(out, arrow_schema(record), compression="zstd") as writer:
        waiting: list[object] = []
        for batch in batches:
            waiting += batch
            while len(waiting) >= ROWS:
                writer.write_table(to_table(waiting[:ROWS], record))
                del waiting[:ROWS]
        if waiting:
            writer.write_table(to_table(waiting, record))


def to_table(records: Iterable[object], record: type[Any]) -> pa.Table:
    """Return records as an Arrow table."""
    dump = _adapter(record).dump_python
    return pa.Table.from_pylist([dump(row) for row in records], schema=arrow_schema(record))


def from_table(table: pa.Table | pa.RecordBatch, record: type[R]) -> list[R]:
    """Return the rows of a table as records; columns that the record does not have are left out."""
    validate, known = _adapter(record).validate_python, {*get_type_hints(record)}
    own = table.select([name for name in table.column_names if name in known])
    return [validate(row) for row in own.to_pylist(maps_as_pydicts="strict")]


def read_batches(path: Path, record: type[R]) -> Iterator[list[R]]:
    """Read what write_table wrote, a part at a time; an absent file has no records."""
    if not path.exists():
        return
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=PART):
            yield from_table(batch, record)


def read_table(path: Path, record: type[R]) -> list[R]:
    """Read all that write_table wrote; an absent file has no records."""
    return [row for batch in read_batches(path, record) for row in batch]


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
