"""Copy a release from the Hub, and check that load_dataset reads it as it was built."""

from contextlib import AbstractContextManager
from pathlib import Path

from builder.io.hashing import file_sha256
from builder.records import MANIFEST, KhabarError, Release
from builder.release.publish.client import Remote, no_release, translate_hub_errors
from builder.release.publish.folder import read_manifest, refuse_unsafe
from builder.release.publish.readback_client import Job, ReadbackClient, start_readback
from builder.release.tables.shards import shards
from builder.release.verification.result import Check, judge


def fetch(remote: Remote, revision: str, scratch: Path) -> tuple[Path, str]:
    """Download a revision of a dataset to the folder `scratch`, and return the folder and the commit.

    These are the files that its manifest lists, and any other file that load_dataset would load. Raises KhabarError: 1 a
    path leaves the folder, 2 it is not a release of khabar, 3 an error of the Hub.
    """
    with translate_hub_errors(remote, f"reading {revision} of"):
        commit = str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)

        def get(path: str) -> None:
            remote.api.hf_hub_download(remote.repo_id, path, repo_type="dataset", revision=commit, local_dir=scratch)

        present = set(remote.api.list_repo_files(remote.repo_id, repo_type="dataset", revision=commit))
        if MANIFEST in present:
            get(MANIFEST)
            release = read_manifest(scratch, remote.url(commit))
            folders = tuple(f"{config}/" for config in shards(list(release.files)))
            wanted = sorted(path for path in present if path in release.files or path.startswith(folders))
            refuse_unsafe(wanted, remote.url(commit))
            for path in wanted:
                get(path)
            return scratch, commit
    raise no_release(remote, revision)


def start_loading(folder: Path, release: Release, remote: Remote) -> AbstractContextManager[ReadbackClient]:
    """Start a process that reads the folder with load_dataset, for the duration of the block."""
    hashes = release.files | {MANIFEST: file_sha256(folder / MANIFEST)}
    return start_readback(Job(str(folder.resolve()), remote.repo_id, release.version, hashes), remote)


def loads(reader: ReadbackClient, release: Release, revision: str = "") -> list[Check]:
    """Check that load_dataset reads the folder with the version, features and rows of its Parquet files.

    With `revision`, also check that the Hub has the same files and that load_dataset reads the same from there.
    """
    found: list[Check] = []
    try:
        reader.compare_folder()
        found.append(Check("loads", "done", f"load_dataset reads {len(release.splits)} configs with their features"))
        if revision:
            outcome = reader.compare_revision(revision)
            said = f"{len(reader.job.files)} files at {revision}, commit {outcome.commit}"
            found.append(Check("read back", "done", said))
    except KhabarError as refused:
        if refused.exit_code != 1:
            raise
        found.append(judge("read back" if found else "loads", refused.issues, ""))
    if revision and len(found) == 1:
        found.append(Check("read back", "not possible", "the files themselves do not load"))
    return found
