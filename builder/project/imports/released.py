"""What a release takes from imported sets: splits as published, articles without marks, and the hashes of their files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from builder.annotation.columns import items
from builder.project.annotations import read_imports, read_merged
from builder.project.project import Project
from builder.records import ImportedSet, PublishedText


@dataclass(frozen=True, slots=True, eq=False)
class Imports:
    """The published sets that were imported, and where their articles stand in them."""

    sets: tuple[ImportedSet, ...]
    texts: Sequence[PublishedText]


def load_imports(project: Project) -> Imports:
    """Load the imported sets of a project."""
    sets = tuple(read_imports(project))
    return Imports(sets, [text for one in sets for text in _texts(project, one.name)])


def unmarked(imports: Imports, judgements: pa.Table, golds: pa.Table) -> set[str]:
    """Return the imported articles in which nobody looked for mentions: neither their authors, nor anybody here.

    Judgements that were imported have no time.
    """
    own = judgements.filter(pc.not_equal(judgements["created_at"], ""))
    decided = items(golds, "decided")
    whole = golds["article_id"].take(decided.row[pc.equal(decided.values, "spans").to_numpy(zero_copy_only=False)])
    looked = {*own["article_id"].to_pylist(), *whole.to_pylist()}
    return {text.article_id for text in imports.texts if not text.annotated} - looked


def as_published(imports: Imports, batches: Mapping[str, pa.Table]) -> set[str]:
    """Return the articles of imported sets that keep the splits in which they were published."""
    kept = [one.name for one in imports.sets if one.splits == "as-published"]
    return {article for name in kept if name in batches for article in batches[name]["article_id"].to_pylist()}


def _texts(project: Project, name: str) -> list[PublishedText]:
    """Read where the articles of an imported set stand in it."""
    return read_merged(project, project.annotations / name / "published.jsonl", PublishedText)
