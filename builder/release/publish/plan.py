"""What a push has to send and to delete: the files of a release beside those of a commit on a Hub."""

import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.records import MANIFEST, Issue, KhabarError, Release
from builder.release.publish.client import Remote, hub_errors
from builder.release.tables.shards import shards


@dataclass(frozen=True, slots=True)
class Staged:
    """One file of the release: its size in bytes, its sha256, and the id that git gives its bytes."""

    path: str
    size: int
    sha256: str
    blob: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The paths that one commit is to add and to delete."""

    adds: tuple[str, ...]
    deletes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the files are there already, and no older ones of ours."""
        return not self.adds and not self.deletes


def stage(folder: Path, release: Release) -> list[Staged]:
    """The files of a release folder, sorted; raises Refused (exit code 1) where one is not as it was built."""
    staged: list[Staged] = []
    issues: list[Issue] = []
    for path in sorted({*release.files, MANIFEST}):
        wanted = release.files.get(path)
        if not (folder / path).is_file():
            issues.append(Issue("error", "release", "the file is missing", where=str(folder / path)))
            continue
        file = _hash(folder, path)
        if wanted not in {None, file.sha256}:
            message = "the file is not the one that was built: its sha256 is not the manifest's"
            issues.append(Issue("error", "release", message, where=str(folder / path)))
        staged.append(file)
    if issues:
        again = Issue("error", "release", f"{folder} is not release {release.version} as it was built",
                      fix=f"run `khabar build {release.version}` again")  # fmt: skip
        raise KhabarError(*issues, again, exit_code=1)
    return staged


def _hash(folder: Path, path: str) -> Staged:
    size = (folder / path).stat().st_size
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with (folder / path).open("rb") as content:
        while chunk := content.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    return Staged(path, size, sha256.hexdigest(), blob.hexdigest())


def commit_of(remote: Remote, revision: str) -> str | None:
    """The commit of a branch, tag or pull request; None where it or the repository is not there."""
    try:
        return str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)
    except (hub_errors().RepositoryNotFoundError, hub_errors().RevisionNotFoundError) as error:
        if error.response.status_code == 404:
            return None
        raise


def plan(remote: Remote, commit: str | None, staged: Sequence[Staged]) -> Plan:
    """What a commit lacks of the release, and what it has of an older one."""
    if commit is None:
        return Plan(tuple(file.path for file in staged), ())
    listed = remote.api.list_repo_tree(remote.repo_id, repo_type="dataset", revision=commit, recursive=True)
    present = {file.path: file for file in listed if hasattr(file, "blob_id")}

    def same(file: Staged) -> bool:
        there = present.get(file.path)
        if there is None:
            return False
        return bool(there.lfs.sha256 == file.sha256 if there.lfs else there.blob_id == file.blob)

    ours = {file.path for file in staged}
    folders = tuple(f"{config}/" for config in shards(sorted(ours)))
    owned = {path for path in present if path.startswith(folders)}
    if MANIFEST in present:
        owned |= _listed_in_manifest(remote, commit) & present.keys()
    return Plan(tuple(file.path for file in staged if not same(file)), tuple(sorted(owned - ours)))


def _listed_in_manifest(remote: Remote, commit: str) -> set[str]:
    """The files that the release at a commit says it has; a manifest of someone else's making has none."""
    with tempfile.TemporaryDirectory() as scratch:
        path = remote.api.hf_hub_download(
            remote.repo_id, MANIFEST, repo_type="dataset", revision=commit, cache_dir=scratch
        )
        try:
            return set(json.loads(Path(path).read_bytes())["files"])
        except (ValueError, KeyError, TypeError):
            return set()
