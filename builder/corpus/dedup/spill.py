"""Intermediate Parquet files between tasks, in a folder or at a URI, with one row group for each part of the corpus."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from builder.io.remote import filesystem_of, is_remote


def write_parts(uri: str, table: pa.Table, part: NDArray[np.int64], parts: int) -> None:
    """Write a table with one row group for each part; `part` has the part of each row, and rows keep their order."""
    order = np.argsort(part, kind="stable")
    table, cuts = table.take(order), np.searchsorted(part[order], np.arange(parts + 1))
    with (
        open_target(uri) as sink,
        pq.ParquetWriter(sink, table.schema, compression="none", use_dictionary=False) as writer,
    ):
        for low, high in pairwise(cuts.tolist()):
            writer.write_table(table.slice(low, high - low), row_group_size=max(high - low, 1))


def read_part(uri: str, part: int) -> pa.Table:
    """Read the rows of one part."""
    with pq.ParquetFile(_source(uri)) as file:
        return file.read_row_group(part, use_threads=False)


def read_columns(uri: str, names: list[str]) -> pa.Table:
    """Read the named columns of a file."""
    with pq.ParquetFile(_source(uri)) as file:
        return file.read(names, use_threads=False)  # the tasks already use all cores


def write_columns(uri: str, columns: Mapping[str, NDArray[np.generic]]) -> None:
    """Write the columns as an uncompressed file."""
    with open_target(uri) as sink:
        pq.write_table(pa.table(dict(columns)), sink, compression="none", use_dictionary=False)


def _source(uri: str) -> object:
    """Return what pyarrow can read: the path of a local file, else an open file of the store."""
    if not is_remote(uri):
        return uri
    files, path = filesystem_of(uri)
    return files.open(path, "rb")


@contextmanager
def open_target(uri: str) -> Iterator[object]:
    """Yield what pyarrow can write to; in an object store the file exists once the context exits."""
    if not is_remote(uri):
        yield uri
        return
    files, path = filesystem_of(uri)
    with files.open(path, "wb") as file:
        yield file


def make_folder(folder: str) -> None:
    """Create a folder if it does not exist."""
    if not is_remote(folder):  # loading fsspec takes longer than making many folders
        Path(folder).mkdir(parents=True, exist_ok=True)
        return
    store, path = filesystem_of(folder)
    store.makedirs(path, exist_ok=True)


def remove_folder(folder: str) -> None:
    """Remove a folder and its content; in an object store, a folder without files does not exist, which is no error."""
    if not is_remote(folder):
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
        return
    store, path = filesystem_of(folder)
    store.invalidate_cache()  # the cached listing lacks what workers wrote
    with suppress(FileNotFoundError):
        store.rm(path, recursive=True)
