"""Tables of many batches, whose rows are copied by number without joining the batches."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa

from builder.io.lists import Ints


@dataclass(frozen=True, slots=True, eq=False)
class Batches:
    """The batches of a table in order; `begins` holds the number of the first row of each."""

    schema: pa.Schema
    batches: Sequence[pa.RecordBatch]
    begins: Ints

    @staticmethod
    def of(schema: pa.Schema, *tables: pa.Table) -> "Batches":
        """Return the rows of tables with one schema, numbered from 0 across all of them."""
        batches = [batch for table in tables for batch in table.to_batches() if batch.num_rows]
        sizes = np.fromiter((batch.num_rows for batch in batches), np.int64, len(batches))
        return Batches(schema, batches, np.cumsum(sizes) - sizes)

    def take(self, rows: Ints, names: Sequence[str]) -> pa.RecordBatch:
        """Copy columns of some rows; neighbours in one batch are copied together."""
        homes = np.searchsorted(self.begins, rows, "right") - 1
        cuts = [*np.flatnonzero(np.diff(homes, prepend=-1)).tolist(), len(rows)] if len(rows) else []
        parts = [
            self.batches[homes[low]].select(names).take(pa.array(rows[low:high] - self.begins[homes[low]]))
            for low, high in pairwise(cuts)
        ]
        schema = pa.schema([self.schema.field(name) for name in names])
        if len(parts) == 1:
            return parts[0]
        columns = [pa.concat_arrays([part[name] for part in parts]) if parts else pa.array([], schema.field(name).type)
                   for name in names]  # fmt: skip
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def numbered(self) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Yield each batch with the number of its first row."""
        yield from zip(self.begins.tolist(), self.batches, strict=True)
