"""The encoded rows of `articles`, from which the other configs copy texts and origins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.io.lists import Ints
from builder.release.tables.batches import Batches

ORIGIN = ("title", "source", "url", "published_at", "published_zone", "split_group")
"""The columns of `articles` for the origin of an article."""


@dataclass(frozen=True, slots=True, eq=False)
class EncodedArticles:
    """The rows of `articles` in all splits; `places` holds the place among them of each article by its number."""

    rows: Batches
    places: Ints

    @staticmethod
    def of(splits: Mapping[str, pa.Table], numbers: Mapping[str, Ints], articles: int) -> "EncodedArticles":
        """Return the rows of the tables of `articles`; `numbers` are the numbers of the articles of each."""
        places = np.full(articles, -1)
        order = np.concatenate([numbers[split] for split in splits])
        places[order] = np.arange(len(order))
        (schema, *_) = (table.schema for table in splits.values())
        return EncodedArticles(Batches.of(schema, *splits.values()), places)

    def take(self, numbers: Ints, names: Sequence[str] = ("text", *ORIGIN)) -> dict[str, pa.Array]:
        """Copy columns of the rows of articles by their numbers."""
        found = self.rows.take(self.places[numbers], names)
        return dict(zip(found.schema.names, found.columns, strict=True))
