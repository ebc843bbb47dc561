"""Tables on disk for as long as a release is made, so that memory holds what is looked at only.

Arrow's own format, mapped into memory: a table is read like any other. Does not know Parquet: that is parquet.py.
"""

import mmap
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from builder.io.atomic import add_path_to_error

PREFIX = ".tables."


@dataclass(frozen=True, slots=True)
class Scratch:
    """A folder of tables, and the maps of those in it."""

    folder: Path
    maps: list[mmap.mmap] = field(default_factory=list)

    def table(self, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> pa.Table:
        """Write batches as they come, and give them back as a table that is read from the disk when it is looked at."""
        path = self.folder / f"{name}.arrow"
        try:
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch)
        except OSError as error:
            add_path_to_error(error, path)
            raise
        with path.open("rb") as file:
            self.maps.append(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        return pa.ipc.open_file(pa.py_buffer(self.maps[-1])).read_all()

    def rest(self) -> None:
        """Let go of what was looked at: it stays on the disk, and is read again when it is asked for."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for one in self.maps:
                one.madvise(mmap.MADV_DONTNEED)


@contextmanager
def scratch(parent: Path) -> Iterator[Scratch]:
    """A folder for tables, below `parent`, which is gone after the block; the tables must not be used after it.

    What one that was killed left there goes too: two must not be at work in one `parent`.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for leftover in parent.glob(f"{PREFIX}*"):
        shutil.rmtree(leftover)
    with tempfile.TemporaryDirectory(dir=parent, prefix=PREFIX) as folder:
        yield Scratch(Path(folder))
