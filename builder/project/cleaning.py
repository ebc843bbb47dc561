"""What cleaning keeps of a project: its counts, what the texts of batches rest on, and what a new count would change."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from builder.corpus.cleaning import counts as counting
from builder.corpus.cleaning.clean import Cleaned, clean_batch, dropped
from builder.corpus.cleaning.columns.keys import key
from builder.corpus.cleaning.counts import Counts, merge, union
from builder.corpus.cleaning.evidence import FEW
from builder.corpus.cleaning.stage import CleaningConfig, counts_for
from builder.executor.markers import ShardResult
from builder.executor.start import ExecutorConfig
from builder.io.hashing import sha16
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.annotations import read_batch, read_batch_ids, read_batch_table, read_judgements
from builder.project.corpus import (
    all_dropped,
    cleaning_config,
    iter_selected,
    iter_tables,
    profile_of,
    read_columns,
    run_stage,
    sum_counts,
)
from builder.project.counts import batches_without_counts, pinned_counts, read_counts, save_basis, save_counts
from builder.project.project import Project
from builder.project.stages.corpus import batch_basis
from builder.project.stages.shards import done_shards, stage_digest
from builder.project.stages.states import was_sent
from builder.records import (
    BatchItem,
    CleaningBasis,
    Document,
    EdgeCount,
    Issue,
    KhabarError,
    StageCounts,
    count_by_reason,
    document_of,
    user_error,
)


def _given_counts(project: Project, profile: str, given: Path | None) -> tuple[Counts, list[EdgeCount]]:
    """Return the counts of another project, or of a file of counts; without one, those that the project was given before.

    Raises KhabarError (exit code 2) if there are none, or if they were counted with another profile.
    """
    kept = project.work / "given-counts.jsonl"
    if given is None:
        try:
            return read_counts(kept, profile), []
        except KhabarError as refused:
            fix = f"name others with `khabar clean --counts FROM`, or delete {kept}"
            raise KhabarError(*(replace(issue, fix=fix) for issue in refused.issues)) from None
    path = given / ".khabar" / "counts.jsonl" if given.is_dir() else given
    fix = "name another project in which `khabar clean` ran, or its .khabar/counts.jsonl"
    if path.resolve() == (project.work / "counts.jsonl").resolve():
        raise user_error("no-counts", "these are the project's own counts", where=str(path), fix=fix)
    if not path.is_file():
        raise user_error("no-counts", f"{given} has no counts", where=str(path), fix=fix)
    try:
        return read_counts(path, profile), read_jsonl(path, EdgeCount)
    except KhabarError as refused:
        broken = [issue for issue in refused.issues if issue.code == "record"]
        if not broken:
            raise
        message = f"{len(broken)} lines of this file are no counts"
        raise user_error("broken-counts", message, where=broken[0].where, fix=fix) from None


def count_pages(project: Project, run: ExecutorConfig, given: Path | None = None, *, is_kept: bool = True) -> Counts:
    """Count what recurs in the project's sources, unless nothing changed, and add the counts that it was given.

    `given` is another project, or a file of its counts, which are used from now on. Unless `is_kept`, nothing of it is
    stored. Raises KhabarError (exit code 2) if there are no such counts, or if they were counted with another profile.
    """
    table = profile_of(project)
    offered, records = _given_counts(project, table.id, given)
    inputs = sha16(f"{counting.STAGE.version} {table.id} {stage_digest(project, 'documents')} {offered.digest}")
    stored = project.work / "counts.jsonl"
    if is_kept and given:
        write_jsonl(project.work / "given-counts.jsonl", records)
    if project.stamped("counted") == inputs and stored.exists():
        return read_counts(stored, table.id)
    done = run_stage(project, counting.STAGE, table, run, digest=table.id.encode())
    rows = sum(shard.rows for shard in done)
    counts = union(merge(table.id, rows, lambda: iter_tables(project, counting.STAGE.target)), offered)
    if is_kept:
        save_counts(project, counts)
        project.stamp("counted", inputs)
    return counts


def accounts_of(done: Sequence[ShardResult]) -> list[StageCounts]:
    """Return the accounts of cleaning, of documents and of lines, from the markers of its shards."""
    counted = sum_counts(done)
    taken = sum(shard.taken for shard in done)
    return [
        count_by_reason("clean", "documents", taken, counted["documents"], all_dropped(done)),
        StageCounts("clean", "lines", counted["lines"], counted["kept"], dropped(counted)),
    ]


def clean_accounts(project: Project) -> list[StageCounts]:
    """Return the account of cleaning of the documents that the batches were sampled from, for the card.

    Of several batches, that of the one that was sampled from the most documents. Batches of khabar 0.1 keep none: then
    it is that of all documents.
    """
    bases = [batch_basis(project, batch) for batch in project.batches()]
    kept = max((basis.accounts for basis in bases if basis), key=lambda made: made[0].taken if made else 0, default=())
    return [*kept] or accounts_of(done_shards(project, "articles"))


def few_pages(project: Project, counts: Counts) -> tuple[int, int]:
    """Return the number of sources that have too few pages to tell what recurs, and of all sources."""
    sources = pc.unique(read_columns(project, "documents", ["source"])["source"]).to_pylist()
    return sum(counts.of(key(source, "page", "")) < FEW for source in sources), len(sources)


def keep_basis(project: Project, batch: str, items: Sequence[BatchItem]) -> None:
    """Keep in git what the texts of a new batch rest on: the counts that they were cleaned with, and the account.

    Documents of earlier batches are left to those.
    """
    config = cleaning_config(project)
    earlier = {document for other in project.batches() if other != batch for document in _documents(project, other)}
    wanted = {document_of(item.article_id) for item in items} - earlier
    save_basis(project, batch, *_rest_on(project, wanted, config, accounts_of(done_shards(project, "articles"))))


def _rest_on(
    project: Project, documents: Collection[str], config: CleaningConfig, accounts: Sequence[StageCounts]
) -> tuple[CleaningBasis, Counts]:
    """Return what the texts of a batch's documents rest on, and those of the configuration's counts."""
    used = {key for cleaned in _cleaned(project, documents, config) for key in cleaned.evidence}
    kept = config.counts.only(used)
    return CleaningBasis(config.counts.digest, kept.digest, tuple(sorted(documents)), tuple(accounts)), kept


def _basis(project: Project, batch: str) -> CleaningBasis | None:
    """Return what the texts of a batch rest on, or None where that is missing or broken."""
    try:
        return batch_basis(project, batch)
    except KhabarError:
        return None


def _documents(project: Project, batch: str) -> Collection[str]:
    basis = _basis(project, batch)
    if basis:
        return basis.documents
    return {*map(document_of, read_batch_ids(project, batch))}


def _cleaned(project: Project, documents: Collection[str], config: CleaningConfig) -> Iterator[Cleaned]:
    """Clean some documents, those of one row group after the other, and yield the result of each."""
    for pages in iter_selected(project, "documents", Document, "id", documents):
        yield from clean_batch(pages, config.profile, config.rules, counts_for(config, [page.id for page in pages]))


def moved_texts(project: Project) -> list[str]:
    """Return the articles of batches whose text is another than the batch names, or which are not there any more."""
    table = read_columns(project, "articles", ["id", "text_sha"])
    now = dict(zip(table["id"].to_pylist(), table["text_sha"].to_pylist(), strict=True))
    here = set(read_columns(project, "documents", ["id"])["id"].to_pylist())
    texts: dict[str, str] = {}
    for batch in project.batches():
        texts |= _texts(read_batch_table(project, batch))
    return sorted(name for name, text in texts.items() if document_of(name) in here and now.get(name) != text)


def _texts(items: pa.Table) -> dict[str, str]:
    """Return the hash of the text that a batch names for each of its articles."""
    return dict(zip(items["article_id"].to_pylist(), items["text_sha"].to_pylist(), strict=True))


@dataclass(frozen=True, slots=True)
class Recount:
    """What cleaning the batches again with the present counts would change."""

    articles: int
    """Articles of the batches."""
    changed: Mapping[str, str]
    """Ids of articles whose text would be another, and the hash of that."""
    lost: tuple[str, ...]
    """Ids of articles of a batch that would not be there."""


def recount(project: Project, counts: Counts) -> Recount:
    """Return what would change if the articles of all batches were cleaned with these counts.

    Texts of a batch without counts of this profile are compared with those that the batch names.
    """
    _refuse_missing(project)
    fresh = _with_counts(project, counts)
    others = batches_without_counts(project, fresh.profile.id)
    pinned = pinned_counts(project, fresh.profile.id, now=counts.digest, without=others)
    texts = {batch: _texts(read_batch_table(project, batch)) for batch in project.batches()}
    documents = {document for pin in pinned for document in pin.documents}
    before = _text_hashes(_cleaned(project, documents, replace(fresh, pinned=pinned)))
    for batch in others:
        before |= texts[batch]
    documents |= {document for batch in others for document in _documents(project, batch)}
    after = _text_hashes(_cleaned(project, documents, fresh))
    wanted = {name for named in texts.values() for name in named}
    known = wanted & {name for name in before if document_of(name) in documents}
    changed = {name: after[name] for name in sorted(known & after.keys()) if after[name] != before[name]}
    return Recount(len(wanted), changed, tuple(sorted(known - after.keys())))


def _refuse_missing(project: Project) -> None:
    """Raise KhabarError (exit code 2) if documents of a batch are not here, so that nothing can be counted on them."""
    here = set(read_columns(project, "documents", ["id"])["id"].to_pylist())
    missing = {batch: len({*_documents(project, batch)} - here) for batch in project.batches()}
    issues = [
        Issue("error", "no-documents", f"{number} documents of batch {batch} are not in this project",
              where=str(project.annotations / batch), fix="ingest the files that the batch came from first")
        for batch, number in missing.items() if number
    ]  # fmt: skip
    if issues:
        raise KhabarError(*issues)


def _with_counts(project: Project, counts: Counts) -> CleaningConfig:
    return CleaningConfig(profile_of(project), project.schema.boilerplate, counts)


def _text_hashes(cleaned: Iterable[Cleaned]) -> dict[str, str]:
    return {article.id: article.text_sha for one in cleaned for article in one.articles}


def apply_recount(project: Project, found: Recount, counts: Counts) -> None:
    """Rest the texts of all batches on these counts.

    batch.jsonl names the new text of an article that nobody saw. Of one that was sent or judged it names the old text
    until `khabar send --changed` makes the new one a task, and carries what was annotated on the old.
    """
    fresh = _with_counts(project, counts)
    judged = {judgement.article_id for judgement in read_judgements(project)}
    for batch in project.batches():
        before, documents = _basis(project, batch), _documents(project, batch)
        made, kept = _rest_on(project, documents, fresh, before.accounts if before else ())
        if not was_sent(project, batch):
            items = [
                item if item.article_id in judged
                else replace(item, text_sha=found.changed.get(item.article_id, item.text_sha))
                for item in read_batch(project, batch)
            ]  # fmt: skip
            write_jsonl(project.annotations / batch / "batch.jsonl", items)
        save_basis(project, batch, made, kept)
