"""Open a release: a folder, or a revision of a dataset on a Hub."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from builder.io.hashing import file_sha256
from builder.io.scratch import scratch_folder
from builder.records import MANIFEST, Release, user_error
from builder.release.diff.compare import ReleaseView
from builder.release.diff.records import ReleaseId
from builder.release.diff.rows import BATCH
from builder.release.publish.client import Remote, connect, no_release, translate_hub_errors
from builder.release.publish.folder import read_manifest
from builder.release.tables.shards import shards

CARD, CHANGES = "README.md", "CHANGELOG.md"

REPOSITORY = re.compile(r"(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})(?:@(?P<revision>[\w][\w./-]{0,120}))?", re.ASCII)

REMOTE = re.compile(r"(?:(?P<repo>[\w.-]{1,96}/[\w.-]{1,96})@|@?)(?P<revision>[\w][\w./-]{0,120})", re.ASCII)

SAFE = re.compile(r"\w[\w.-]*/\w[\w.-]*\.parquet", re.ASCII)

LARGEST_MANIFEST = 50_000_000


@dataclass(frozen=True, slots=True)
class ReleaseRef:
    """The location of a release: a folder on this machine, or else a revision of a dataset on the Hub."""

    folder: Path | None = None
    repo_id: str = ""
    revision: str = ""


@dataclass(frozen=True, slots=True)
class OpenRelease:
    """An open release and the text of its changelog."""

    side: ReleaseView
    changelog: str


@contextmanager
def open_release(location: ReleaseRef, endpoint: str | None, token: str | None) -> Iterator[OpenRelease]:
    """Open a release for the duration of the block.

    Raises KhabarError: 1 a file is not the one that was built, 2 no release is there, 3 an error of the Hub.
    """
    if location.folder:
        yield open_folder(location.folder)
        return
    with scratch_folder("release") as scratch:
        yield open_folder(_fetch(connect(endpoint, token, location.repo_id), location.revision, Path(scratch)))


def _fetch(remote: Remote, revision: str, scratch: Path) -> Path:
    with translate_hub_errors(remote, f"reading {revision} of"):
        commit = str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)

        def get(path: str) -> Path:
            return Path(remote.api.hf_hub_download(
                remote.repo_id, path, repo_type="dataset", revision=commit, local_dir=scratch
            ))  # fmt: skip

        present = set(remote.api.list_repo_files(remote.repo_id, repo_type="dataset", revision=commit))
        if MANIFEST in present and get(MANIFEST).stat().st_size <= LARGEST_MANIFEST:
            for path in _files(read_manifest(scratch, remote.url(commit))):
                if path in present:
                    get(path)
            return scratch
    raise no_release(remote, revision)


def _files(release: Release) -> list[str]:
    """List the files of a release that are read: card, changelog and Parquet, with no path outside its folder."""
    return [path for path in sorted(release.files) if path in (CARD, CHANGES) or SAFE.fullmatch(path)]


def open_folder(folder: Path) -> OpenRelease:
    """Open a release folder. Raises KhabarError (exit code 1) if a file differs from its manifest."""
    release = read_manifest(folder)
    for path in _files(release):
        if not (folder / path).is_file() or file_sha256(folder / path) != release.files[path]:
            raise user_error(
                "release",
                f"{path} is not the file that was built: it is missing, or its sha256 differs from the manifest",
                where=str(folder),
                fix="restore the folder, or build it again",
                exit_code=1,
            )
    files = shards(_files(release))
    rows = {config: release.splits[config] for config in release.splits if config in files}
    try:
        schemas = {config: pq.read_schema(folder / next(iter(splits.values()))[0]) for config, splits in files.items()}
        counted = {
            config: {split: _rows(folder, files[config].get(split, [])) for split in rows[config]} for config in rows
        }
    except pa.ArrowException:
        raise user_error(
            "release",
            "a data file is not valid Parquet",
            where=str(folder),
            fix="restore the folder, or build it again",
            exit_code=1,
        ) from None
    if counted != rows or rows.keys() != files.keys():
        raise user_error(
            "manifest",
            "the row counts in the manifest are not those of the Parquet files",
            where=str(folder / MANIFEST),
            fix="restore the folder, or build it again",
            exit_code=1,
        )
    about = ReleaseId(release.version, release.repo_id, file_sha256(folder / MANIFEST), release.edition)

    def read(config: str, column: str) -> pa.ChunkedArray:
        paths = [folder / path for split in rows[config] for path in files[config].get(split, [])]
        chunks = [chunk for path in paths for chunk in _chunks(path, column)]
        return pa.chunked_array(chunks, schemas[config].field(column).type)

    return OpenRelease(ReleaseView(about, rows, schemas, read, _text(folder / CARD)), _text(folder / CHANGES))


def _chunks(path: Path, column: str) -> Iterator[pa.Array]:
    """Yield one column of a file in batches; reading it whole would take twice its size in memory."""
    with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as file:
        for batch in file.iter_batches(BATCH, columns=[column]):
            yield batch[column]


def _rows(folder: Path, paths: Sequence[str]) -> int:
    return sum(int(pq.read_metadata(folder / path).num_rows) for path in paths)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
