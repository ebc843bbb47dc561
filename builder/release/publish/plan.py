"""Upload plan of a push: the files to add and delete, from a comparison of a release with a commit on a Hub."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.io.scratch import scratch_folder
from builder.records import MANIFEST, Issue, KhabarError, Release
from builder.release.publish.client import Remote, hub_errors
from builder.release.tables.shards import shards


@dataclass(frozen=True, slots=True)
class ReleaseFile:
    """One file of the release: its path, size in bytes, sha256 and git blob id."""

    path: str
    size: int
    sha256: str
    blob: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The paths that one commit adds and deletes."""

    adds: tuple[str, ...]
    deletes: tuple[str, ...]
    breaking: tuple[str, ...] = ()
    """The loading script of an earlier dataset, with which load_dataset would not load the release."""

    @property
    def empty(self) -> bool:
        """Whether the commit holds the release's files already, and none of an older release."""
        return not self.adds and not self.deletes


def stage(folder: Path, release: Release) -> list[ReleaseFile]:
    """List the files of a release folder, sorted by path.

    Raises KhabarError (exit code 1) for each file that is missing or differs from the manifest.
    """
    staged: list[ReleaseFile] = []
    issues: list[Issue] = []
    for path in sorted({*release.files, MANIFEST}):
        sha256 = release.files.get(path)
        if not (folder / path).is_file():
            issues.append(Issue("error", "release", "the file is missing", where=str(folder / path)))
            continue
        file = _hash(folder, path)
        if sha256 not in {None, file.sha256}:
            message = "the file is not the one that was built: its sha256 differs from the manifest"
            issues.append(Issue("error", "release", message, where=str(folder / path)))
        staged.append(file)
    if issues:
        summary = Issue("error", "release", f"{folder} is not release {release.version} as it was built",
                        fix=f"run `khabar build {release.version}` again")  # fmt: skip
        raise KhabarError(*issues, summary, exit_code=1)
    return staged


def _hash(folder: Path, path: str) -> ReleaseFile:
    size = (folder / path).stat().st_size
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with (folder / path).open("rb") as content:
        while chunk := content.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    return ReleaseFile(path, size, sha256.hexdigest(), blob.hexdigest())


def commit_of(remote: Remote, revision: str) -> str | None:
    """Return the commit of a branch, tag or pull request, or None if it or the repository does not exist."""
    try:
        return str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)
    except (hub_errors().RepositoryNotFoundError, hub_errors().RevisionNotFoundError) as error:
        if error.response.status_code == 404:
            return None
        raise


def plan(remote: Remote, commit: str | None, staged: Sequence[ReleaseFile]) -> Plan:
    """Compare a commit with the release: files to add or replace, and files of an older release to delete.

    The commit None stands for a repository that does not exist yet.
    """
    if commit is None:
        return Plan(tuple(file.path for file in staged), ())
    listed = remote.api.list_repo_tree(remote.repo_id, repo_type="dataset", revision=commit, recursive=True)
    present = {file.path: file for file in listed if hasattr(file, "blob_id")}

    def same(file: ReleaseFile) -> bool:
        stored = present.get(file.path)
        if stored is None:
            return False
        return bool(stored.lfs.sha256 == file.sha256 if stored.lfs else stored.blob_id == file.blob)

    paths = {file.path for file in staged}
    folders = tuple(f"{config}/" for config in shards(sorted(paths)))
    # Other files, such as images that people added to the repository, are left alone.
    owned = {path for path in present if path.startswith(folders)}
    if MANIFEST in present:
        owned |= _listed_in_manifest(remote, commit) & present.keys()
    breaking = tuple(sorted({f"{remote.repo_id.split('/')[1]}.py"} & present.keys()))
    return Plan(tuple(file.path for file in staged if not same(file)), tuple(sorted(owned - paths)), breaking)


def _listed_in_manifest(remote: Remote, commit: str) -> set[str]:
    """Return the files listed in the manifest at a commit; empty if khabar did not write that manifest."""
    with scratch_folder("plan") as scratch:
        path = remote.api.hf_hub_download(
            remote.repo_id, MANIFEST, repo_type="dataset", revision=commit, cache_dir=scratch
        )
        try:
            return set(json.loads(Path(path).read_bytes())["files"])
        except (ValueError, KeyError, TypeError):
            return set()
