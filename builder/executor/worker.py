"""Worker of a stage: applies the stage's function to the rows of one shard, in batches.

Rows with invalid UTF-8, or with a null in a required column, are set aside before the function sees them. A row at
which the function raises is found by halving its batch, and set aside.
"""

import gc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.executor.markers import Shard, ShardResult
from builder.executor.shards import BatchResult, CountedBatch, write_pieces
from builder.io.remote import open_file, redact_credentials
from builder.records import Dropped, KhabarError, user_error

C = TypeVar("C")


Function = Callable[[pa.Table, C], BatchResult]
"""A function of a module, so that a worker can import it, whose rows are independent, so that a batch can be halved."""

ROWS = 1_000

BYTES = 8_000_000
"""Limits of a batch: rows, and approximate bytes; a larger row is a batch of its own."""

BETWEEN_COLLECTIONS = 100_000
"""New objects between two garbage collections; records hold no cycles, and Python's default looks for some at every 700."""

SAID = 200
"""Characters kept of an exception's message."""

IDS = ("id", "article_id", "document_id")
"""The columns that may identify a row; the first one present is used."""


@dataclass(frozen=True, slots=True)
class Job:
    """All that a worker needs to make one shard."""

    stage: str
    function: Function[Any]
    config: object
    shard: Shard
    folder: str
    key: str
    schema: pa.Schema
    required: tuple[str, ...]
    compression: str = "zstd"
    columns: tuple[str, ...] = ()
    """The columns that are read; all if empty."""

    def __str__(self) -> str:
        return f"{self.stage} {self.shard.name}"


def make_shard(job: Job) -> ShardResult:
    """Make one shard in a worker."""
    before = gc.get_threshold()
    gc.set_threshold(BETWEEN_COLLECTIONS, *before[1:])
    try:
        return write_pieces(job.folder, job.shard.name, job.key, job.schema, _pieces(job), job.compression)
    finally:
        gc.set_threshold(*before)


def _pieces(job: Job) -> Iterator[CountedBatch]:
    """Yield the output of each batch, and the rows that were set aside."""
    row = 0
    for batch in _read(job.shard, job.columns):
        positions = pa.array(range(row, row + batch.num_rows))
        row += batch.num_rows
        sound = _sound(job, batch, positions)
        outputs, more = _bisected(job, sound.rows, sound.positions)
        aside = [*sound.aside, *more]
        if aside:
            yield CountedBatch(BatchResult(job.schema.empty_table(), set_aside=tuple(aside)), len(aside), 0)
        for output, rows in outputs:
            yield CountedBatch(output, rows, rows)


def _read(shard: Shard, columns: Sequence[str]) -> Iterator[pa.Table]:
    """Yield some columns of a shard in batches, or all if none is named; raise KhabarError if its file is missing or damaged."""
    try:
        with open_file(shard.uri) as file, pq.ParquetFile(file) as parquet:
            names = [name for name in parquet.schema_arrow.names if name in columns or not columns]
            for number in range(parquet.num_row_groups):
                group = parquet.metadata.row_group(number)
                rows = max(1, min(ROWS, BYTES * group.num_rows // max(1, group.total_byte_size)))
                for batch in parquet.iter_batches(batch_size=rows, row_groups=[number], columns=names):
                    yield pa.Table.from_batches([batch])
    except MemoryError:
        raise
    except (OSError, pa.ArrowException) as error:
        reason = "it does not exist" if isinstance(error, FileNotFoundError) else str(error).split("\n")[0]
        raise user_error(
            "broken-shard",
            f"the shard {shard.name} cannot be read: {reason}",
            where=redact_credentials(shard.uri),
            fix="delete it, and rerun the command that made it",
        ) from None


@dataclass(frozen=True, slots=True, eq=False)
class _SoundRows:
    """The valid rows of a batch, their positions in the shard, and the invalid rows as set aside."""

    rows: pa.Table
    positions: pa.Array
    aside: list[Dropped]


def _sound(job: Job, batch: pa.Table, positions: pa.Array) -> _SoundRows:
    """Tell the valid rows of a batch from the invalid ones."""
    faults = {row: ("invalid UTF-8", f"in the column {column}") for row, column in _undecodable(batch)}
    for column in job.required:
        if batch[column].null_count:
            rows = pc.indices_nonzero(pc.is_null(batch[column])).to_pylist()
            faults = dict.fromkeys(rows, ("null", f"in the column {column}")) | faults
    if not faults:
        return _SoundRows(batch, positions, [])
    aside = [
        Dropped(job.stage, _what(job, batch, row, positions[row].as_py()), reason, detail)
        for row, (reason, detail) in sorted(faults.items())
    ]
    valid = pa.array([row for row in range(batch.num_rows) if row not in faults], pa.int64())
    return _SoundRows(batch.take(valid), positions.take(valid), aside)


def _undecodable(batch: pa.Table) -> list[tuple[int, str]]:
    """Return each row with text that is not UTF-8, and its column."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        if batch.num_rows > 1:  # copy, since Arrow validates a slice of lists with the whole table behind it
            half, rows = batch.num_rows // 2, pa.array(range(batch.num_rows))
            left, right = (_undecodable(batch.take(indices)) for indices in (rows[:half], rows[half:]))
            return left + [(row + half, column) for row, column in right]
        return [(0, next(name for name in batch.column_names if not _valid(batch.select([name]))))]
    return []


def _valid(table: pa.Table) -> bool:
    """Return whether all text of a table is UTF-8."""
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _bisected(job: Job, table: pa.Table, positions: pa.Array) -> tuple[list[tuple[BatchResult, int]], list[Dropped]]:
    """Apply the function to rows, and return its outputs, each with its number of input rows.

    If the function raises, apply it to each half, down to a single row, which is set aside.
    """
    if not table.num_rows:
        return [], []
    try:
        return [(job.function(table, job.config), table.num_rows)], []
    except (MemoryError, ImportError, KhabarError):  # not the fault of a row
        raise
    except Exception as error:  # noqa: BLE001 - any other exception costs one row
        if table.num_rows == 1:
            message = _printable(str(error))[:SAID]
            row_name = _what(job, table, 0, positions[0].as_py())
            return [], [Dropped(job.stage, row_name, f"raised {type(error).__name__}", message)]
    half = table.num_rows // 2
    left, aside = _bisected(job, table.slice(0, half), positions[:half])
    right, more = _bisected(job, table.slice(half), positions[half:])
    return left + right, aside + more


def _what(job: Job, table: pa.Table, row: int, position: int) -> str:
    """Return a row's id, or the shard and the row's position, counted from 0."""
    for name in IDS:
        if name in table.column_names:
            try:
                row_id = table[name][row].as_py()
            except UnicodeDecodeError:
                break
            if row_id:
                return str(row_id)
            break
    return f"{job.shard.name} row {position}"


def _printable(text: str) -> str:
    """Return text that can be encoded as UTF-8, with lone surrogates escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
