"""Memory-mapped tables on disk that exist while a release is built, so that only the parts in use take memory.

Tables are stored in Arrow's IPC format and read like any other table.
"""

import mmap
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import pyarrow as pa

from builder.io.atomic import add_path_to_error
from builder.release.tables.parquet import write_shards

PREFIX = ".tables."


WRITERS = 2
"""Tables that are written as Parquet at once."""


@dataclass(frozen=True, slots=True, eq=False)
class EarlyShards:
    """The Parquet files of a table, which a thread writes in the temporary folder while other tables are made."""

    table: pa.Table
    writing: Future[list[Path]]

    def move(self, folder: Path) -> None:
        """Move the files to a folder as soon as they are written; raises what writing them raised."""
        for path in self.writing.result():
            shutil.move(path, folder / path.name)


@dataclass(frozen=True, slots=True)
class TableSpill:
    """A temporary folder of tables, their memory maps, and the Parquet files that threads of `pool` write beside them."""

    folder: Path
    pool: ThreadPoolExecutor
    maps: list[mmap.mmap] = field(default_factory=list)
    early: list[EarlyShards] = field(default_factory=list)
    stop: Event = field(default_factory=Event)

    def write_early(self, splits: Mapping[str, pa.Table], config: str) -> None:
        """Begin to write the Parquet files of the tables of a config that have rows; write_release moves them."""
        folder = self.folder / config
        folder.mkdir()
        for split, table in splits.items():
            if table.num_rows:
                writing = self.pool.submit(write_shards, table, folder, split, rest=self._go_on)
                self.early.append(EarlyShards(table, writing))

    def _go_on(self) -> None:
        """Drop the tables' pages from memory. Raises CancelledError if the build ended."""
        if self.stop.is_set():
            raise CancelledError
        self.rest()

    def table(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """Write batches to disk, each in a thread beside the making of the next, and return them as a memory-mapped table."""
        path = self.folder / f"{name}.arrow"
        try:
            with (
                pa.OSFile(str(path), "wb") as sink,
                pa.ipc.new_file(sink, schema) as writer,
                ThreadPoolExecutor(1) as thread,
            ):
                written = thread.submit(int)
                for batch in batches:
                    written.result()
                    written = thread.submit(writer.write_batch, batch)
                written.result()
        except OSError as error:
            add_path_to_error(error, path)
            raise
        with path.open("rb") as file:
            self.maps.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return pa.ipc.open_file(pa.py_buffer(self.maps[-1])).read_all()

    def rest(self) -> None:
        """Drop the tables' pages from memory; they are reloaded from disk on access."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for table_map in self.maps:
                table_map.madvise(mmap.MADV_DONTNEED)


@contextmanager
def open_spill(parent: Path) -> Iterator[TableSpill]:
    """Yield a temporary folder for tables below `parent`; it is deleted after the block, and its tables become invalid.

    Leftovers of a killed process are deleted first, so two processes must not use the same `parent`.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(f"{PREFIX}*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=parent, prefix=PREFIX) as folder, ThreadPoolExecutor(WRITERS) as pool:
        spill = TableSpill(Path(folder), pool)
        try:
            yield spill
        finally:
            spill.stop.set()  # a build that failed or was interrupted does not wait for files that nobody needs
