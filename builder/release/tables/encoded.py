"""The encoded rows of `articles`, from which the other configs copy texts and origins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

ORIGIN = ("title", "source", "url", "published_at", "published_zone", "split_group")
"""The columns of `articles` for the origin of an article."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedArticles:
    """The rows of `articles` in all splits, numbered from 0 across its batches.

    `begins` holds the number of the first row of each batch, `numbers` that of each article's row.
    """

    batches: Sequence[pa.RecordBatch]
    begins: NDArray[np.int64]
    numbers: Mapping[str, int]

    @staticmethod
    def of(splits: Mapping[str, pa.Table]) -> "EncodedArticles":
        """Return the rows of the tables of `articles`."""
        batches = [batch for table in splits.values() for batch in table.to_batches() if batch.num_rows]
        ids = chain.from_iterable(batch["id"].to_pylist() for batch in batches)
        sizes = np.fromiter((batch.num_rows for batch in batches), np.int64, len(batches))
        return EncodedArticles(batches, np.cumsum(sizes) - sizes, dict(zip(ids, count())))

    def take(self, article_ids: Sequence[str], names: Sequence[str] = ("text", *ORIGIN)) -> dict[str, pa.Array]:
        """Copy columns of the rows of at least one article; neighbours in one batch are copied together."""
        rows = np.fromiter(map(self.numbers.__getitem__, article_ids), np.int64, len(article_ids))
        homes = np.searchsorted(self.begins, rows, "right") - 1
        cuts = [*np.flatnonzero(np.diff(homes, prepend=-1)).tolist(), len(rows)]
        parts = [
            self.batches[homes[low]].select(names).take(pa.array(rows[low:high] - self.begins[homes[low]]))
            for low, high in pairwise(cuts)
        ]
        return {name: pa.concat_arrays([part[name] for part in parts]) for name in names}
