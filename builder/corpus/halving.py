"""One shard of a stage, made by a worker: its rows in batches through a function, and those aside that it cannot take.

A row that raises is found by halving its batch. Text that is not UTF-8, and nulls where none may be, never reach it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from builder.corpus import store
from builder.corpus.shards import Done, Made, Piece, Shard, write_pieces
from builder.records import Refused, SetAside, refuse

C = TypeVar("C")
Function = Callable[[pa.Table, C], Made]
"""Of a module, so that a worker can import it; row by row independent, so that a batch may be halved."""
ROWS = 1_000
BYTES = 8_000_000
"""A batch is read until it has so many rows, or about so many bytes; a heavier row is a batch of its own."""
SAID = 200
"""Characters of an exception's message that are kept."""
IDS = ("id", "article_id", "document_id")
"""The columns that name a row, the first that is there."""


@dataclass(frozen=True, slots=True)
class Job:
    """One shard to be made: all that a worker needs."""

    stage: str
    function: Function[Any]
    config: object
    shard: Shard
    folder: str
    key: str
    schema: pa.Schema
    required: tuple[str, ...]
    compression: str = "zstd"

    def __str__(self) -> str:
        return f"{self.stage} {self.shard.name}"


def made(job: Job) -> Done:
    """Make one shard: this is what a worker does."""
    return write_pieces(job.folder, job.shard.name, job.key, job.schema, _pieces(job), job.compression)


def _pieces(job: Job) -> Iterator[Piece]:
    row = 0
    for batch in _read(job.shard):
        places = pa.array(range(row, row + batch.num_rows))
        row += batch.num_rows
        sound, places, aside = _sound(job, batch, places)
        made, more = _bisected(job, sound, places)
        aside += more
        if aside:
            yield Piece(Made(job.schema.empty_table(), set_aside=tuple(aside)), len(aside), 0)
        for one, rows in made:
            yield Piece(one, rows, rows)


def _read(shard: Shard) -> Iterator[pa.Table]:
    """The rows of a shard, a batch at a time; raises Refused for a file that is not there, or broken."""
    try:
        with store.opened(shard.uri) as file, pq.ParquetFile(file) as parquet:
            for number in range(parquet.num_row_groups):
                group = parquet.metadata.row_group(number)
                rows = max(1, min(ROWS, BYTES * group.num_rows // max(1, group.total_byte_size)))
                for batch in parquet.iter_batches(batch_size=rows, row_groups=[number]):
                    yield pa.Table.from_batches([batch])
    except MemoryError:
        raise
    except (OSError, pa.ArrowException) as error:
        said = "it is not there" if isinstance(error, FileNotFoundError) else str(error).split("\n")[0]
        raise refuse("broken-shard", f"the shard {shard.name} cannot be read: {said}", where=store.shown(shard.uri),
                     fix="remove it, and run the stage that made it again") from None  # fmt: skip


def _sound(job: Job, batch: pa.Table, places: pa.Array) -> tuple[pa.Table, pa.Array, list[SetAside]]:
    """The rows that a function may be given, where they stand in the shard, and the others set aside."""
    faults = {row: ("invalid UTF-8", f"in the column {column}") for row, column in _undecodable(batch)}
    for column in job.required:
        if batch[column].null_count:
            rows = pc.indices_nonzero(pc.is_null(batch[column])).to_pylist()
            faults = dict.fromkeys(rows, ("null", f"in the column {column}")) | faults
    if not faults:
        return batch, places, []
    aside = [
        SetAside(job.stage, _what(job, batch, row, places[row].as_py()), reason, detail)
        for row, (reason, detail) in sorted(faults.items())
    ]
    rest = pa.array([row for row in range(batch.num_rows) if row not in faults], pa.int64())
    return batch.take(rest), places.take(rest), aside


def _undecodable(batch: pa.Table) -> list[tuple[int, str]]:
    """Each row with text that is not UTF-8, and the column."""
    try:
        batch.validate(full=True)
    except pa.ArrowInvalid:
        if batch.num_rows > 1:  # copies, not slices: of lists a slice is validated with all that it was cut from
            half, rows = batch.num_rows // 2, pa.array(range(batch.num_rows))
            left, right = (_undecodable(batch.take(part)) for part in (rows[:half], rows[half:]))
            return left + [(row + half, column) for row, column in right]
        return [(0, next(name for name in batch.column_names if not _valid(batch.select([name]))))]
    return []


def _valid(table: pa.Table) -> bool:
    try:
        table.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _bisected(job: Job, table: pa.Table, places: pa.Array) -> tuple[list[tuple[Made, int]], list[SetAside]]:
    """What the function makes of rows, with how many they were; where it raises, of both halves, down to single rows."""
    if not table.num_rows:
        return [], []
    try:
        return [(job.function(table, job.config), table.num_rows)], []
    except (MemoryError, ImportError, Refused):  # no row's fault
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it costs one row only
        if table.num_rows == 1:
            said = _printable(str(error))[:SAID]
            what = _what(job, table, 0, places[0].as_py())
            return [], [SetAside(job.stage, what, f"raised {type(error).__name__}", said)]
    half = table.num_rows // 2
    left, aside = _bisected(job, table.slice(0, half), places[:half])
    right, more = _bisected(job, table.slice(half), places[half:])
    return left + right, aside + more


def _what(job: Job, table: pa.Table, row: int, place: int) -> str:
    """A row's id, or where it stands, counted from 0."""
    for name in IDS:
        if name in table.column_names:
            try:
                given = table[name][row].as_py()
            except UnicodeDecodeError:
                break
            if given:
                return str(given)
            break
    return f"{job.shard.name} row {place}"


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
