"""Memory-mapped tables on disk that exist while a release is built, so that only the parts in use take memory.

Tables are stored in Arrow's IPC format and read like any other table.
"""

import mmap
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from builder.io.atomic import add_path_to_error

PREFIX = ".tables."


@dataclass(frozen=True, slots=True)
class TableSpill:
    """A temporary folder of tables, and their memory maps."""

    folder: Path
    maps: list[mmap.mmap] = field(default_factory=list)

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
    with tempfile.TemporaryDirectory(dir=parent, prefix=PREFIX) as folder:
        yield TableSpill(Path(folder))
