"""Files of a release: their hashes, their number of rows, and that a build writes each of them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc

from builder.io.hashing import file_sha256
from builder.records import MANIFEST, Issue, Release
from builder.release.card.check import CARD
from builder.release.card.citation import PATH as CITATION
from builder.release.card.inputs import FILE
from builder.release.exports.croissant import PATH as CROISSANT
from builder.release.exports.lines import FOLDER
from builder.release.exports.masader import PATH as MASADER
from builder.release.splits.strategies import SPLIT_NAMES
from builder.release.tables.shards import SHARD, shards
from builder.release.verification.content import HYDRATED, Content
from builder.release.verification.result import Check, Unverified, differs, judge

CHANGELOG = "CHANGELOG.md"

KNOWN = frozenset({CARD, CHANGELOG, CITATION, CROISSANT, FILE, MASADER})
"""The files of every release, beside its rows, its plots and its CoNLL files."""

GUIDELINES = re.compile(r"guidelines/([0-9a-f]{8})\.md", re.ASCII)
"""A version of the guidelines, named after the sha256 of its text."""

BESIDE = re.compile(rf"{GUIDELINES.pattern}|assets/[a-z_-]+\.svg|{FOLDER}/(?:{'|'.join(SPLIT_NAMES)})\.txt")

NOT_LISTED = "it is not in the manifest, and no reader loads it"


def manifest(folder: Path, release: Release) -> Check:
    """Check that every file has the sha256 of the manifest, and that load_dataset would load no other file."""
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    folders = tuple(f"{config}/" for config in shards(list(release.files)))
    issues = [differs(path, "the file is missing") for path in sorted(release.files.keys() - there)]
    issues += [
        differs(path, "the bytes are not those of the manifest: the sha256 differs")
        for path in sorted(release.files.keys() & there)
        if file_sha256(folder / path) != release.files[path]
    ]
    issues += [
        differs(path, "the file is not part of the release, but readers would load it")
        for path in sorted(there - release.files.keys())
        if folders and path.startswith(folders)
    ]
    beside = [Unverified(path, NOT_LISTED) for path in sorted(there - release.files.keys() - {MANIFEST})]
    return judge("manifest", issues, f"{len(release.files)} files have the sha256 of the manifest", beside)


def strange_files(release: Release) -> list[Issue]:
    """Return an error for each file of the manifest that no build writes, and for each that every build writes."""
    hydrated = HYDRATED in release.inputs
    needed = KNOWN - {FILE, CROISSANT} - ({CHANGELOG, CITATION, MASADER} if hydrated else set())
    needed |= set() if hydrated else {FILE, CROISSANT}
    issues = [
        differs(path, "no build writes this file")
        for path in sorted(release.files)
        if path not in KNOWN and not BESIDE.fullmatch(path) and not SHARD.fullmatch(path)
    ]
    return issues + [differs(MANIFEST, f"the release has no {path}") for path in sorted(needed - release.files.keys())]


def guidelines(content: Content) -> Iterator[Issue]:
    """Yield an error for each version of the guidelines whose text is not that of its name."""
    for path in _guideline_files(content.release):
        if Path(path).stem != file_sha256(content.folder / path)[:8]:
            yield differs(path, "its text is not the version of the guidelines that its name says")


def unnamed_guidelines(content: Content) -> Iterator[Unverified]:
    """Yield the versions of the guidelines that no published annotation names."""
    named = {
        name for table in content.tables["annotations"].values() for name in pc.unique(table["guideline"]).to_pylist()
    }
    for path in _guideline_files(content.release):
        if Path(path).stem not in named:
            yield Unverified(path, "no published annotation was made under it")


def _guideline_files(release: Release) -> list[str]:
    return sorted(filter(GUIDELINES.fullmatch, release.files))


def rows(content: Content) -> Check:
    """Check that the manifest's row counts are those of the Parquet files; load_dataset checks those of the card."""
    release = content.release
    counted = {
        config: {split: table.num_rows for split, table in of.items() if table.num_rows}
        for config, of in content.tables.items()
    }
    wanted = {config: {split: n for split, n in of.items() if n} for config, of in release.splits.items()}
    found = shards(list(release.files))
    issues = [
        differs(MANIFEST, f"{config}/{split} has rows, but no file")
        for config, of in release.splits.items()
        for split, n in of.items()
        if n and split not in found.get(config, {})
    ]
    issues += [
        differs(
            MANIFEST,
            f"{config}: the files have {counted.get(config, {})}, the manifest says {wanted.get(config, {})}",
        )
        for config in sorted({*counted, *wanted})
        if counted.get(config, {}) != wanted.get(config, {})
    ]
    total = sum(sum(of.values()) for of in counted.values())
    return judge("rows", issues, f"{total} rows, as the manifest and the card count them")
