"""Parquet files that tasks hand to one another, in a folder or at a URI; a row group for each part of the corpus."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.io.remote import filesystem_of, is_remote


def write_parts(uri: str, table: pa.Table, part: NDArray[np.int64], parts: int) -> None:
    """One row group for each part, its rows in their order."""
    order = np.argsort(part, kind="stable")
    table, cuts = table.take(order), np.searchsorted(part[order], np.arange(parts + 1))
    with (
        target(uri) as sink,
        pq.ParquetWriter(sink, table.schema, compression="none", use_dictionary=False) as writer,
    ):
        for low, high in pairwise(cuts.tolist()):
            writer.write_table(table.slice(low, high - low), row_group_size=max(high - low, 1))


def read_part(uri: str, part: int) -> pa.Table:
    """The rows of one part."""
    with pq.ParquetFile(_source(uri)) as file:
        return file.read_row_group(part, use_threads=False)


def read_columns(uri: str, names: list[str]) -> pa.Table:
    """These columns of a file."""
    with pq.ParquetFile(_source(uri)) as file:
        return file.read(names, use_threads=False)  # tasks fill the cores already


def write_columns(uri: str, columns: Mapping[str, NDArray[np.generic]]) -> None:
    """Write these columns as a file."""
    with target(uri) as sink:
        pq.write_table(pa.table(dict(columns)), sink, compression="none", use_dictionary=False)


def _source(uri: str) -> object:
    if not is_remote(uri):
        return uri
    files, path = filesystem_of(uri)
    return files.open(path, "rb")


@contextmanager
def target(uri: str) -> Iterator[object]:
    """What pyarrow can write to; a store has the file when this is left."""
    if not is_remote(uri):
        yield uri
        return
    files, path = filesystem_of(uri)
    with files.open(path, "wb") as file:
        yield file


def make(folder: str) -> None:
    """Make a folder, if there is none."""
    store, path = filesystem_of(folder)
    store.makedirs(path, exist_ok=True)


def remove(folder: str) -> None:
    """Remove a folder and all in it; a store of objects has none where it has no files."""
    store, path = filesystem_of(folder)
    store.invalidate_cache()  # workers wrote there
    with suppress(FileNotFoundError):
        store.rm(path, recursive=True)
