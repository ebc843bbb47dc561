"""The counts that cleaning rests on: the project's own, and those of each batch, whose texts stay what they were.

The counts of a batch stand in git beside it, so that a clone that ingests the same pages gets the same texts, whatever
else it crawls.
"""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from builder.corpus.cleaning.counts import Counts, as_records, from_records, no_counts
from builder.corpus.cleaning.stage import PinnedCounts
from builder.io.jsonl import read_jsonl, write_jsonl
from builder.project.annotations import read_batch_ids
from builder.project.project import Project
from builder.project.stages.corpus import RESTORE, batch_basis, is_of_the_first_version
from builder.records import CleaningBasis, EdgeCount, KhabarError, document_of, user_error


def read_counts(path: Path, profile: str) -> Counts:
    """Read a file of counts; a missing one has none. Raises KhabarError (exit code 2) for those of another profile."""
    records = read_jsonl(path, EdgeCount)
    return from_records(records, profile, str(path)) if records else no_counts(profile)


def project_counts(project: Project, profile: str) -> Counts:
    """Return the counts of the project's own pages, together with those that it was given."""
    return read_counts(project.work / "counts.jsonl", profile)


def save_counts(project: Project, counts: Counts) -> None:
    """Store the project's counts."""
    write_jsonl(project.work / "counts.jsonl", as_records(counts))
    project.stamp("counts", counts.digest)


def batch_counts(project: Project, batch: str, basis: CleaningBasis, profile: str) -> Counts:
    """Return the counts that the texts of a batch rest on. Raises KhabarError (exit code 2) if they are others by now."""
    path = project.annotations / batch / "counts.jsonl"
    counts = read_counts(path, profile)
    if counts.digest != basis.kept:
        missing = "are missing" if not path.exists() else "are not those that it was sampled with"
        message = f"the counts that the texts of batch {batch} rest on {missing}"
        raise user_error("broken-counts", message, where=str(path), fix=RESTORE)
    return counts


def save_basis(project: Project, batch: str, basis: CleaningBasis, counts: Counts) -> None:
    """Store what the texts of a batch rest on, in git beside it."""
    write_jsonl(project.annotations / batch / "counts.jsonl", as_records(counts))
    write_jsonl(project.annotations / batch / "basis.jsonl", [basis])


def pinned_counts(
    project: Project, profile: str, *, now: str | None = None, without: Collection[str] = ()
) -> tuple[PinnedCounts, ...]:  # fmt: skip
    """Return the documents of batches that were cleaned with other counts than the project's, and those counts.

    `now` is the hash of the project's counts where they are not stored yet; batches `without` counts are left out.
    """
    now = (project.stamped("counts") or "") if now is None else now
    pinned: list[PinnedCounts] = []
    for batch in project.batches():
        if batch in without:
            continue
        basis = batch_basis(project, batch)
        if basis is None and not is_of_the_first_version(project):
            continue
        if basis is None:
            documents = frozenset(map(document_of, read_batch_ids(project, batch)))
            pinned.append(PinnedCounts(documents, replace(no_counts(profile), is_asked=False)))
        elif basis.counts != now:
            pinned.append(PinnedCounts(frozenset(basis.documents), batch_counts(project, batch, basis, profile)))
    return tuple(pinned)


def batches_without_counts(project: Project, profile: str) -> list[str]:
    """Return the batches whose counts are missing, broken, or of another profile: only a recount gives them others."""
    found = []
    for batch in project.batches():
        try:
            if basis := batch_basis(project, batch):
                batch_counts(project, batch, basis, profile)
        except KhabarError:
            found.append(batch)
    return found
