"""The ledger of splits: an article never changes its split, and the borders of splits by time never move."""

from collections.abc import Sequence

from builder.project.annotations import read_merged
from builder.project.project import Project
from builder.records import Article, Document, Gold, SplitAssignment, SplitBorder
from builder.release.splits.strategies import Traits
from builder.release.tables.inputs import instant


def read_splits(project: Project) -> list[SplitAssignment]:
    """Read the ledger of splits."""
    return read_merged(project, project.annotations / "splits.jsonl", SplitAssignment)


def read_borders(project: Project) -> list[SplitBorder]:
    """Read the dates at which splits by time begin and end; empty with other strategies."""
    return read_merged(project, project.annotations / "borders.jsonl", SplitBorder)


def traits_of(chosen: Sequence[Article], documents: Sequence[Document], golds: Sequence[Gold]) -> dict[str, Traits]:
    """Return what strategies place articles by: the source, the date and the stances of each."""
    pages = {document.id: document for document in documents}
    stances = {gold.article_id: tuple((stance.target, stance.value) for stance in gold.stances) for gold in golds}
    traits = {}
    for article in chosen:
        page = pages[article.document_id]
        moment = instant(page.published_at)
        date = moment.isoformat() if moment else None
        traits[article.id] = Traits(page.source, date, stances.get(article.id, ()))
    return traits
