"""Publishing a release on a Hugging Face Hub: one commit, read back, and only then tagged.

A tag means verified. A push that was cut off anywhere is finished by running it again.
Does not write the release folder, and keeps nothing on this machine.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder.records import MANIFEST, Issue, Refused, Release, refuse
from builder.release.readback import Job, shards
from builder.release.reader import Reader, reading
from builder.release.remote import Remote, connect, explained

Progress = Callable[[str], None]
AGAIN = "run the same command again to resume; nothing is sent twice"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did; `already` where the tag was there with exactly these bytes."""

    commit: str
    url: str
    created: bool
    uploaded: tuple[str, ...]
    deleted: tuple[str, ...]
    tag: str
    already: bool


@dataclass(frozen=True, slots=True)
class Verified:
    """What was read back and found equal: the commit, its files, and the rows of each config and split."""

    revision: str
    commit: str
    files: int
    rows: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class _Staged:
    """One file of the release: its sha256, and the id that git gives its bytes."""

    path: str
    sha256: str
    blob: str


@dataclass(frozen=True, slots=True)
class _Plan:
    adds: tuple[str, ...]
    deletes: tuple[str, ...]

    @property
    def empty(self) -> bool:
        return not self.adds and not self.deletes


def push(
    folder: Path,
    release: Release,
    *,
    endpoint: str | None,
    token: str | None,
    progress: Progress,
    dry_run: bool = False,
) -> Pushed:
    """Publish a release folder as one commit, read it back, and tag the commit `v<version>`.

    Raises Refused: 1 the folder does not load, or what was read back is not what the manifest
    says, 2 a name or card that the Hub does not take, 3 remote or authentication, 4 the tag is elsewhere or the
    repository changed meanwhile, 5 committed but not yet tagged (run again).
    """
    staged = _stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    tag = f"v{release.version}"
    progress(f"looking at {remote.url()}")
    with reading(_job(folder, release, staged), remote) as reader:
        with explained(remote, "reading"):
            tagged = _commit_of(remote, tag)
            if tagged is not None:
                _refuse_other_bytes(remote, tag, tagged, staged)
                return Pushed(tagged, remote.url(tag), False, (), (), tag, already=True)
            head = _commit_of(remote, "main")
            plan = _plan(remote, head, staged)
        reader.compare_folder()
        if dry_run:
            _show(plan, remote, tag, head, progress)
            return Pushed("", remote.url(tag), head is None, plan.adds, plan.deletes, tag, already=False)
        created = head is None
        if created:
            head, plan = _create(remote, staged)
        commit = head or ""
        if not plan.empty:
            progress(f"sending {len(plan.adds)} files, deleting {len(plan.deletes)}, in one commit")
            commit = _commit(folder, release, remote, head, plan, staged)
        progress(f"reading commit {commit[:12]} back with load_dataset")
        _verify_and_tag(reader, remote, tag, commit)
    progress(f"tagged {tag} at {commit[:12]}")
    return Pushed(commit, remote.url(tag), created, plan.adds, plan.deletes, tag, already=False)


def verify(
    folder: Path, release: Release, *, endpoint: str | None, token: str | None, revision: str, progress: Progress
) -> Verified:
    """Read a revision back with load_dataset, and compare every file and every row with the folder.

    Raises Refused: 1 with each difference, 3 remote or authentication.
    """
    staged = _stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    progress(f"reading {revision} of {remote.url()} back with load_dataset")
    with reading(_job(folder, release, staged), remote) as reader:
        reader.compare_folder()
        outcome = reader.compare_revision(revision)
    return Verified(revision, outcome.commit, len(staged), outcome.rows)


def _job(folder: Path, release: Release, staged: Sequence[_Staged]) -> Job:
    return Job(str(folder.resolve()), release.repo_id, release.version, {file.path: file.sha256 for file in staged})


def _stage(folder: Path, release: Release) -> list[_Staged]:
    staged: list[_Staged] = []
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
        raise Refused(*issues, again, exit_code=1)
    return staged


def _hash(folder: Path, path: str) -> _Staged:
    size = (folder / path).stat().st_size
    sha256, blob = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with (folder / path).open("rb") as content:
        while chunk := content.read(1 << 20):
            sha256.update(chunk)
            blob.update(chunk)
    return _Staged(path, sha256.hexdigest(), blob.hexdigest())


def _commit_of(remote: Remote, revision: str) -> str | None:
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        return str(remote.api.repo_info(remote.repo_id, repo_type="dataset", revision=revision).sha)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        if error.response.status_code == 404:
            return None
        raise


def _plan(remote: Remote, commit: str | None, staged: Sequence[_Staged]) -> _Plan:
    """What a commit lacks of the release, and what it has of an older one."""
    if commit is None:
        return _Plan(tuple(file.path for file in staged), ())
    from huggingface_hub.hf_api import RepoFile

    listed = remote.api.list_repo_tree(remote.repo_id, repo_type="dataset", revision=commit, recursive=True)
    present = {file.path: file for file in listed if isinstance(file, RepoFile)}

    def same(file: _Staged) -> bool:
        there = present.get(file.path)
        if there is None:
            return False
        return bool(there.lfs.sha256 == file.sha256 if there.lfs else there.blob_id == file.blob)

    ours = {file.path for file in staged}
    folders = tuple(f"{config}/" for config in shards(sorted(ours)))
    owned = {path for path in present if path.startswith(folders)}
    if MANIFEST in present:
        owned |= _listed_in_manifest(remote, commit) & present.keys()
    return _Plan(tuple(file.path for file in staged if not same(file)), tuple(sorted(owned - ours)))


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


def _refuse_other_bytes(remote: Remote, tag: str, commit: str, staged: Sequence[_Staged]) -> None:
    plan = _plan(remote, commit, staged)
    if not plan.empty:
        raise refuse(
            "tag-exists",
            f"{tag} of {remote.repo_id} is published already, at commit {commit[:12]} with other bytes "
            f"({len(plan.adds) + len(plan.deletes)} files differ, such as {(*plan.adds, *plan.deletes)[0]})",
            where=remote.url(tag),
            fix="a published version never changes: build and push the next version",
            exit_code=4,
        )


def _show(plan: _Plan, remote: Remote, tag: str, head: str | None, progress: Progress) -> None:
    if head is None:
        progress(f"would create the dataset {remote.url()}")
    for path in plan.adds:
        progress(f"would add {path}")
    for path in plan.deletes:
        progress(f"would delete {path}")
    progress(f"would read the commit back, and tag it {tag}")


def _create(remote: Remote, staged: Sequence[_Staged]) -> tuple[str | None, _Plan]:
    with explained(remote, "creating"):
        remote.api.create_repo(remote.repo_id, repo_type="dataset", exist_ok=True)
        head = _commit_of(remote, "main")
        return head, _plan(remote, head, staged)


def _commit(
    folder: Path, release: Release, remote: Remote, head: str | None, plan: _Plan, staged: Sequence[_Staged]
) -> str:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    operations = [CommitOperationAdd(path, folder / path) for path in plan.adds]
    operations += [CommitOperationDelete(path) for path in plan.deletes]
    try:
        with explained(remote, "committing to"):
            made = remote.api.create_commit(
                remote.repo_id, operations, repo_type="dataset", revision="main", parent_commit=head,
                commit_message=f"Release v{release.version}", commit_description=release.tool,
            )  # fmt: skip
            return str(made.oid)
    except Refused:
        # The commit may have been made, and only the answer lost.
        with suppress(Refused), explained(remote, "reading"):
            now = _commit_of(remote, "main")
            if now is not None and now != head and _plan(remote, now, staged).empty:
                return now
        raise


def _tag(remote: Remote, tag: str, commit: str) -> None:
    try:
        with explained(remote, "tagging"):
            remote.api.create_tag(remote.repo_id, tag=tag, revision=commit, repo_type="dataset")
    except Refused:
        with explained(remote, "reading"):
            now = _commit_of(remote, tag)
        if now == commit:
            return
        if now is not None:
            message = f"{tag} of {remote.repo_id} was set at commit {now[:12]} meanwhile, not at {commit[:12]}"
            raise refuse(
                "tag-exists", message, where=remote.url(tag), fix="look who else publishes", exit_code=4
            ) from None
        raise


def _verify_and_tag(reader: Reader, remote: Remote, tag: str, commit: str) -> None:
    """Once the commit is in, every refusal says so; trouble with the Hub is then a push half done."""
    try:
        reader.compare_revision(commit)
        _tag(remote, tag, commit)
    except Refused as refused:
        state = Issue("error", "not-tagged", f"commit {commit[:12]} is on the Hub, but is not tagged",
                      fix=AGAIN if refused.exit_code == 3 else "")  # fmt: skip
        raise Refused(*refused.issues, state, exit_code=5 if refused.exit_code == 3 else refused.exit_code) from None
