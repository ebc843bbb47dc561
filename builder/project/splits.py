"""The ledger of splits: an article never changes its split, and the borders of splits by time never move."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa

from builder.annotation.columns import items
from builder.project.annotations import read_merged
from builder.project.project import Project
from builder.records import Article, Document, SplitAssignment, SplitBorder
from builder.release.splits.strategies import Traits
from builder.release.tables.inputs import instant


def read_splits(project: Project) -> list[SplitAssignment]:
    """Read the ledger of splits."""
    return read_merged(project, project.annotations / "splits.jsonl", SplitAssignment)


def read_borders(project: Project) -> list[SplitBorder]:
    """Read the dates at which splits by time begin and end; empty with other strategies."""
    return read_merged(project, project.annotations / "borders.jsonl", SplitBorder)


def traits_of(chosen: Sequence[Article], documents: Sequence[Document], golds: pa.Table) -> dict[str, Traits]:
    """Return what strategies place articles by: the source, the date and the stances of each; `golds` has their gold."""
    pages = {document.id: document for document in documents}
    stances = _stances(golds)
    traits = {}
    for article in chosen:
        page = pages[article.document_id]
        moment = instant(page.published_at)
        date = moment.isoformat() if moment else None
        traits[article.id] = Traits(page.source, date, stances.get(article.id, ()))
    return traits


def _stances(golds: pa.Table) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return the stances of each article with gold: targets and values."""
    given, rows = items(golds, "stances"), golds.num_rows
    pairs = [*zip(*(given.values.field(name).to_pylist() for name in ("target", "value")), strict=True)]
    cuts = np.searchsorted(given.row, np.arange(rows + 1)).tolist()
    return {
        name: tuple(pairs[begin:end])
        for name, (begin, end) in zip(golds["article_id"].to_pylist(), pairwise(cuts), strict=True)
    }
