"""What cleaning keeps of a project: its counts, what the texts of batches rest on, and what a new count would change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.corpus.cleaning import counts as counting
from builder.corpus.cleaning.clean import Cleaned, clean_batch
from builder.corpus.cleaning.counts import Counts, merge, union
from builder.corpus.cleaning.stage import CleaningConfig, counts_for
from builder.executor.start import ExecutorConfig
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.annotations import read_batch
from builder.project.corpus import (
    cleaning_config,
    iter_tables,
    profile_of,
    run_stage,
    select_rows,
    stage_digest,
)
from builder.project.counts import batch_basis, read_counts, save_basis, save_counts
from builder.project.project import Project
from builder.records import Article, BatchItem, CleaningBasis, Document, EdgeCount, user_error

AT_ONCE = 500
"""Documents that are cleaned at once."""


def take_counts(project: Project, given: Path) -> Counts:
    """Keep the counts of another project, or of a file of counts, for this one.

    Raises KhabarError (exit code 2) if there are none, or if they were counted with another profile.
    """
    path = given / ".khabar" / "counts.jsonl" if given.is_dir() else given
    if not path.is_file():
        raise user_error("no-counts", f"{given} has no counts", where=str(path),
                         fix="name a project in which `khabar clean` ran, or its .khabar/counts.jsonl")  # fmt: skip
    counts = read_counts(path, profile_of(project).id)
    write_jsonl(project.work / "given-counts.jsonl", read_jsonl(path, EdgeCount))
    return counts


def count_pages(project: Project, run: ExecutorConfig) -> Counts:
    """Count what recurs in the project's sources, unless nothing changed, and add the counts that it was given."""
    table, path = profile_of(project), project.work / "given-counts.jsonl"
    given = read_counts(path, table.id)
    inputs = sha16(f"{counting.STAGE.version} {table.id} {stage_digest(project, 'documents')} {given.digest}")
    stored = project.work / "counts.jsonl"
    if project.stamped("counted") == inputs and stored.exists():
        return read_counts(stored, table.id)
    done = run_stage(project, counting.STAGE, table, run, digest=table.id.encode())
    rows = sum(shard.rows for shard in done)
    counts = union(merge(table.id, rows, lambda: iter_tables(project, counting.STAGE.target)), given)
    save_counts(project, counts)
    project.stamp("counted", inputs)
    return counts


def keep_basis(project: Project, batch: str, items: Sequence[BatchItem]) -> None:
    """Keep in git what the texts of a new batch rest on: the counts that they were cleaned with, and the account.

    Documents of earlier batches are left to those.
    """
    config = cleaning_config(project)
    earlier = {document for other in project.batches() if other != batch for document in _documents(project, other)}
    wanted = {item.article_id.rpartition("-")[0] for item in items} - earlier
    used = {key for cleaned in _cleaned(project, wanted, config).values() for key in cleaned.evidence}
    basis = CleaningBasis(config.counts.digest, tuple(sorted(wanted)), tuple(project.accounts("clean")))
    save_basis(project, batch, basis, config.counts.only(used))


def _documents(project: Project, batch: str) -> Collection[str]:
    basis = batch_basis(project, batch)
    if basis:
        return basis.documents
    return {item.article_id.rpartition("-")[0] for item in read_batch(project, batch)}


def _cleaned(project: Project, documents: Collection[str], config: CleaningConfig) -> dict[str, Cleaned]:
    """Clean some documents, and return the result of each."""
    found: dict[str, Cleaned] = {}
    wanted = sorted(documents)
    for first in range(0, len(wanted), AT_ONCE):
        pages = select_rows(project, "documents", Document, "id", wanted[first : first + AT_ONCE])
        made = clean_batch(pages, config.profile, config.rules, counts_for(config, [page.id for page in pages]))
        found |= {page.id: cleaned for page, cleaned in zip(pages, made, strict=True)}
    return found


@dataclass(frozen=True, slots=True)
class Recount:
    """What cleaning the batches again with the present counts would change."""

    articles: int
    """Articles of the batches."""
    changed: tuple[Article, ...]
    """Articles whose text would be another, as they would be."""
    lost: tuple[str, ...]
    """Ids of articles of a batch that would not be there."""


def recount(project: Project) -> Recount:
    """Return what would change if the articles of all batches were cleaned with the present counts."""
    config = cleaning_config(project)
    pinned = {document for pin in config.pinned for document in pin.documents}
    fresh = CleaningConfig(config.profile, config.rules, config.counts)
    items = {item.article_id for batch in project.batches() for item in read_batch(project, batch)}
    before, after = (_articles(_cleaned(project, pinned, one)) for one in (config, fresh))
    known = items & before.keys()
    changed = [after[name] for name in sorted(known & after.keys()) if after[name].text_sha != before[name].text_sha]
    return Recount(len(items), tuple(changed), tuple(sorted(known - after.keys())))


def _articles(cleaned: dict[str, Cleaned]) -> dict[str, Article]:
    return {article.id: article for one in cleaned.values() for article in one.articles}


def apply_recount(project: Project, found: Recount) -> None:
    """Rest the texts of all batches on the present counts; what was annotated on changed texts is stale from then on."""
    config = cleaning_config(project)
    fresh = CleaningConfig(config.profile, config.rules, config.counts)
    hashes = {article.id: article.text_sha for article in found.changed}
    for batch in project.batches():
        basis, documents = batch_basis(project, batch), _documents(project, batch)
        used = {key for cleaned in _cleaned(project, documents, fresh).values() for key in cleaned.evidence}
        made = CleaningBasis(config.counts.digest, tuple(documents), basis.accounts if basis else ())
        items = [
            replace(item, text_sha=hashes.get(item.article_id, item.text_sha)) for item in read_batch(project, batch)
        ]
        write_jsonl(project.annotations / batch / "batch.jsonl", items)
        save_basis(project, batch, made, config.counts.only(used))
