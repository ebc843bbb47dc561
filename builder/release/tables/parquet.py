"""Parquet shards that the Hub's viewer and every version of `datasets` can read.

Row groups and shards are cut by the uncompressed size of their rows, which depends only on the rows, so the same rows
give the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

GROUP_ROWS = 1000

GROUP_BYTES = 32_000_000
"""Maximum size of a row group, unless one row is larger; the viewer refuses to scan 300 MB."""

SHARD_BYTES = 300_000_000
"""Maximum uncompressed size of a shard, unless one row is larger."""

CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
"""Content-defined chunking, so that a changed row changes few pages of the next version (the values of `datasets`)."""

UNLIKE = frozenset({"id", "text", "url"})
"""Columns whose values rarely repeat; their dictionary would be dropped once full."""

PLACES = frozenset({"start", "end", "raw_start", "raw_end"})

LOOKED_AT = 1024
"""Rows whose size is computed at once."""


def write_shards(
    table: pa.Table, folder: Path, split: str, *, rest: Callable[[], None], group: int = GROUP_BYTES,
    shard: int = SHARD_BYTES,
) -> list[Path]:  # fmt: skip
    """Write a table as `<split>-00000-of-00001.parquet` and so on; `rest` is called after each row group."""
    shards = _shards(table, group, shard, rest)
    paths = [folder / f"{split}-{number:05}-of-{len(shards):05}.parquet" for number in range(len(shards))]
    for path, groups in zip(paths, shards, strict=True):
        with _writer(path, table.schema) as writer:
            for start, end in groups:
                writer.write_table(table.slice(start, end - start), row_group_size=GROUP_ROWS)
                rest()
    return paths


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_content_defined_chunking=CHUNKING,
        write_page_index=True,
        use_dictionary=dictionary_paths(schema),
        column_encoding=dict.fromkeys(offset_paths(schema), "DELTA_BINARY_PACKED"),
    )


def dictionary_paths(schema: pa.Schema) -> list[str]:
    """Return the Parquet paths of the columns that benefit from a dictionary."""
    offsets = {*offset_paths(schema)}
    paths = [path for field in schema if field.name not in UNLIKE for path in _leaves(field.name, field.type)]
    return [path for path in paths if path not in offsets]


def offset_paths(schema: pa.Schema) -> list[str]:
    """Return the Parquet paths of the offset columns, whose values grow slowly and suit delta encoding."""
    paths = [path for field in schema for path in _leaves(field.name, field.type)]
    return [path for path in paths if path.rpartition(".")[2] in PLACES]


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    """Yield the Parquet path of each leaf of a column."""
    if pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}", field.type)
    else:
        yield name


def _shards(table: pa.Table, group: int, shard: int, rest: Callable[[], None]) -> list[list[tuple[int, int]]]:
    """Return the row groups of each shard, as first row and end row (exclusive)."""
    shards: list[list[tuple[int, int]]] = [[]]
    full = 0
    for rows in _groups(table, group, rest):
        if shards[-1] and full + rows.size > shard:
            shards.append([])
            full = 0
        shards[-1].append((rows.start, rows.end))
        full += rows.size
    return shards


@dataclass(frozen=True, slots=True)
class _RowGroup:
    """The first row, end row (exclusive) and size in bytes of a row group."""

    start: int
    end: int
    size: int


def _groups(table: pa.Table, most: int, rest: Callable[[], None]) -> Iterator[_RowGroup]:
    """Yield the row groups of a table."""
    start = size = 0
    for low in range(0, table.num_rows, LOOKED_AT):
        for row, row_bytes in enumerate(row_sizes(table.slice(low, LOOKED_AT)).tolist(), low):
            if row > start and (row - start == GROUP_ROWS or size + row_bytes > most):
                yield _RowGroup(start, row, size)
                start, size = row, 0
            size += row_bytes
        rest()
    if start < table.num_rows:
        yield _RowGroup(start, table.num_rows, size)


def table_size(table: pa.Table) -> int:
    """Return the uncompressed size of all rows in bytes, independent of how the table is chunked."""
    return sum(int(row_sizes(table.slice(low, LOOKED_AT)).sum()) for low in range(0, table.num_rows, LOOKED_AT))


def row_sizes(table: pa.Table) -> NDArray[np.int64]:
    """Return the uncompressed size of each row in bytes.

    >>> row_sizes(pa.table({"text": ["خبر", None], "n": pa.array([[1, 2], []], pa.list_(pa.int32()))})).tolist()
    [22, 8]
    """
    none = np.zeros(0, np.int64)
    columns = [np.concatenate([none, *map(_weights, column.chunks)]) for column in table.columns]
    return np.sum(columns, axis=0, dtype=np.int64) if columns else np.zeros(table.num_rows, np.int64)


def _weights(array: pa.Array) -> NDArray[np.int64]:
    """Return the size of each value in bytes."""
    if pa.types.is_string(array.type):
        return 4 + _numbers(pc.binary_length(array))
    if pa.types.is_struct(array.type):
        fields: NDArray[np.int64] = np.sum([_weights(field) for field in array.flatten()], axis=0, dtype=np.int64)
        return fields
    if pa.types.is_list(array.type):
        sizes = _numbers(pc.list_value_length(array))
        inside = np.append(0, np.cumsum(_weights(array.flatten())))
        ends = np.cumsum(sizes)
        held: NDArray[np.int64] = 4 + inside[ends] - inside[ends - sizes]
        return held
    return np.full(len(array), max(1, array.type.bit_width // 8), np.int64)


def _numbers(lengths: pa.Array) -> NDArray[np.int64]:
    """Return lengths as integers, with 0 for null."""
    numbers: NDArray[np.int64] = np.asarray(pc.fill_null(lengths, 0)).astype(np.int64)
    return numbers
