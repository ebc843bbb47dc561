"""Tables as Parquet shards that the Hub's viewer and every version of `datasets` read.

Row groups and shards end by the weight of their rows, which depends on nothing but the rows: the same
rows give the same bytes. Does not know what a release folder holds beside them: that is folder.py.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

GROUP_ROWS = 1000

GROUP_BYTES = 32_000_000
"""The most that a row group may weigh, unless one row is heavier: the viewer refuses to scan 300 MB."""

SHARD_BYTES = 300_000_000
"""The most that a shard may weigh before compression, unless one row is heavier."""

CHUNKING = {"min_chunk_size": 256 * 1024, "max_chunk_size": 1024 * 1024, "norm_level": 0}
"""Pages end where the content says so: a changed row changes few pages of the next version (datasets' own values)."""

UNLIKE = frozenset({"id", "text", "url"})
"""Columns whose values hardly repeat: a dictionary of them would be thrown away when it is full."""

PLACES = frozenset({"start", "end", "raw_start", "raw_end"})

LOOKED_AT = 1024
"""Rows that are weighed at a time."""


def write_shards(
    table: pa.Table, folder: Path, split: str, *, rest: Callable[[], None], group: int = GROUP_BYTES,
    shard: int = SHARD_BYTES,
) -> None:  # fmt: skip
    """Write a table as `<split>-00000-of-00001.parquet` and so on; `rest` is called after each row group."""
    shards = _shards(table, group, shard, rest)
    for number, groups in enumerate(shards):
        path = folder / f"{split}-{number:05}-of-{len(shards):05}.parquet"
        with _writer(path, table.schema) as writer:
            for start, end in groups:
                writer.write_table(table.slice(start, end - start), row_group_size=GROUP_ROWS)
                rest()


def _writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_content_defined_chunking=CHUNKING,
        write_page_index=True,
        use_dictionary=repeating(schema),
        column_encoding=dict.fromkeys(places(schema), "DELTA_BINARY_PACKED"),
    )


def repeating(schema: pa.Schema) -> list[str]:
    """The columns, by their paths in Parquet, that are worth a dictionary."""
    offsets = {*places(schema)}
    paths = [path for field in schema if field.name not in UNLIKE for path in _leaves(field.name, field.type)]
    return [path for path in paths if path not in offsets]


def places(schema: pa.Schema) -> list[str]:
    """The columns of offsets, by their paths in Parquet: each is a little more than the one before."""
    paths = [path for field in schema for path in _leaves(field.name, field.type)]
    return [path for path in paths if path.rpartition(".")[2] in PLACES]


def _leaves(name: str, kind: pa.DataType) -> Iterator[str]:
    if pa.types.is_list(kind):
        yield from _leaves(f"{name}.list.element", kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from _leaves(f"{name}.{field.name}", field.type)
    else:
        yield name


def _shards(table: pa.Table, group: int, shard: int, rest: Callable[[], None]) -> list[list[tuple[int, int]]]:
    """The row groups of each shard, as rows from and to."""
    shards: list[list[tuple[int, int]]] = [[]]
    full = 0
    for start, end, weight in _groups(table, group, rest):
        if shards[-1] and full + weight > shard:
            shards.append([])
            full = 0
        shards[-1].append((start, end))
        full += weight
    return shards


def _groups(table: pa.Table, most: int, rest: Callable[[], None]) -> Iterator[tuple[int, int, int]]:
    """Rows from and to of each row group, and its weight."""
    start = weight = 0
    for low in range(0, table.num_rows, LOOKED_AT):
        for row, own in enumerate(weights(table.slice(low, LOOKED_AT)).tolist(), low):
            if row > start and (row - start == GROUP_ROWS or weight + own > most):
                yield start, row, weight
                start, weight = row, 0
            weight += own
        rest()
    if start < table.num_rows:
        yield start, table.num_rows, weight


def weight(table: pa.Table) -> int:
    """The bytes that all rows take before compression, however the table is cut into chunks."""
    return sum(int(weights(table.slice(low, LOOKED_AT)).sum()) for low in range(0, table.num_rows, LOOKED_AT))


def weights(table: pa.Table) -> NDArray[np.int64]:
    """The bytes that each row takes before compression.

    >>> weights(pa.table({"text": ["خبر", None], "n": pa.array([[1, 2], []], pa.list_(pa.int32()))})).tolist()
    [22, 8]
    """
    columns = [_weights(chunk) for name in table.column_names for chunk in [_whole(table[name])]]
    return np.sum(columns, axis=0, dtype=np.int64) if columns else np.zeros(table.num_rows, np.int64)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _weights(array: pa.Array) -> NDArray[np.int64]:
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
    numbers: NDArray[np.int64] = np.asarray(pc.fill_null(lengths, 0)).astype(np.int64)
    return numbers
