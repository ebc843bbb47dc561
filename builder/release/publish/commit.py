"""One commit of a release: upload, read back, compare, then tag."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder.records import Issue, KhabarError, Notify, Release, user_error
from builder.release.publish.client import Remote, connect, hub_library, translate_hub_errors
from builder.release.publish.plan import Plan, ReleaseFile, commit_of, plan, stage
from builder.release.publish.readback_client import Job, ReadbackClient, start_readback

AGAIN = "run the same command again to resume; nothing is sent twice"


@dataclass(frozen=True, slots=True)
class Pushed:
    """The result of a push; `already` is true if the tag existed with exactly these bytes.

    For a pull request, `tag` is empty and `pull_request` is its ref, such as refs/pr/1. Both are empty if main held the
    files already.
    """

    commit: str
    url: str
    created: bool
    uploaded: tuple[str, ...]
    deleted: tuple[str, ...]
    tag: str
    already: bool
    pull_request: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified revision: its commit, its number of files, and the rows of each config and split."""

    revision: str
    commit: str
    files: int
    rows: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class PushContext:
    """The inputs and connections of a running push."""

    folder: Path
    release: Release
    remote: Remote
    reader: ReadbackClient
    staged: Sequence[ReleaseFile]
    progress: Notify

    @property
    def tag(self) -> str:
        """The tag of the release, such as v1.0.0."""
        return f"v{self.release.version}"


def verify(
    folder: Path, release: Release, *, endpoint: str | None, token: str | None, revision: str, progress: Notify
) -> Verified:
    """Read a revision back with load_dataset, and compare every file and every row with the folder.

    Raises KhabarError: 1 with each difference, 3 remote or authentication error.
    """
    staged = stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    progress(f"reading {revision} of {remote.url()} back with load_dataset")
    with start_readback(readback_job(folder, release, staged), remote) as reader:
        reader.compare_folder()
        outcome = reader.compare_revision(revision)
    return Verified(revision, outcome.commit, len(staged), outcome.rows)


def readback_job(folder: Path, release: Release, staged: Sequence[ReleaseFile]) -> Job:
    """Return what the read-back process compares a release with."""
    return Job(str(folder.resolve()), release.repo_id, release.version, {file.path: file.sha256 for file in staged})


def operations_of(folder: Path, todo: Plan) -> list[object]:
    """Return the operations of a commit."""
    library = hub_library()
    added = [library.CommitOperationAdd(path, folder / path) for path in todo.adds]
    return [*added, *(library.CommitOperationDelete(path) for path in todo.deletes)]


def commit_files(work: PushContext, head: str, todo: Plan) -> str:
    """Commit the files that the Hub lacks, and return the commit."""
    remote = work.remote
    try:
        with translate_hub_errors(remote, "committing to"):
            commit = remote.api.create_commit(
                remote.repo_id, operations_of(work.folder, todo), repo_type="dataset", revision="main",
                parent_commit=head, commit_message=f"Release {work.tag}", commit_description=work.release.tool,
            )  # fmt: skip
            return str(commit.oid)
    except KhabarError:
        # The Hub may have made the commit, and only its response was lost.
        with suppress(KhabarError), translate_hub_errors(remote, "reading"):
            new_head = commit_of(remote, "main")
            if new_head is not None and new_head != head and plan(remote, new_head, work.staged).empty:
                return new_head
        raise


def _tag(remote: Remote, tag: str, commit: str) -> None:
    try:
        with translate_hub_errors(remote, "tagging"):
            remote.api.create_tag(remote.repo_id, tag=tag, revision=commit, repo_type="dataset")
        # Whatever answers may be no Hub, or one that has not set the tag.
        with translate_hub_errors(remote, "reading the new tag of"):
            set_to = commit_of(remote, tag)
        if set_to == commit:
            return
        where = f"is at {set_to[:12]}" if set_to else "does not exist"
        raise user_error(
            "tag-not-set", f"the tag {tag} {where} after it was set at {commit[:12]}", where=remote.url(tag),
            fix=AGAIN, exit_code=3,
        )  # fmt: skip
    except KhabarError:
        with translate_hub_errors(remote, "reading"):
            tagged = commit_of(remote, tag)
        if tagged == commit:
            return
        if tagged is not None:
            message = f"someone else tagged commit {tagged[:12]} of {remote.repo_id} as {tag}, instead of {commit[:12]}"
            raise user_error(
                "tag-exists",
                message,
                where=remote.url(tag),
                exit_code=4,
                fix="find out who else publishes this dataset, then build and push the next version",
            ) from None
        raise


def verify_and_tag(reader: ReadbackClient, remote: Remote, tag: str, commit: str) -> None:
    """Read the commit back and tag it.

    Raises KhabarError with an added issue that the commit is on the Hub without a tag; an error of the Hub (exit code 3)
    becomes a partial push (exit code 5).
    """
    try:
        reader.compare_revision(commit)
        _tag(remote, tag, commit)
    except KhabarError as refused:
        message = f"commit {commit[:12]} is on the Hub, but is not tagged"
        state = Issue("error", "not-tagged", message, fix=AGAIN)
        if refused.exit_code == 1:
            fix = f"`khabar push {tag.removeprefix('v')} --revert` commits the files from before it"
            state = Issue("error", "not-tagged", f"{message}, and main shows it to readers", fix=fix)
        raise KhabarError(
            *refused.issues, state, exit_code=5 if refused.exit_code == 3 else refused.exit_code
        ) from None
