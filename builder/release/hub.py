"""Publishing a release on a Hugging Face Hub: one commit, read back, and only then tagged.

A tag means verified. A push that was cut off anywhere is finished by running it again. A pull request
is read back too, and tagged by a push after it was merged. Does not write the release folder, and keeps
nothing on this machine.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from builder.records import Issue, Refused, Release, refuse
from builder.release.planning import Plan, Staged, commit_of, plan, stage
from builder.release.readback import Job
from builder.release.reader import Reader, reading
from builder.release.remote import Remote, connect, explained

Progress = Callable[[str], None]
AGAIN = "run the same command again to resume; nothing is sent twice"


@dataclass(frozen=True, slots=True)
class Way:
    """How to publish: say only what would be done, as a pull request, as a private dataset if it is new."""

    dry_run: bool = False
    pull_request: bool = False
    private: bool = False


PLAIN = Way()


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a push did; `already` where the tag was there with exactly these bytes.

    Of a pull request `tag` is empty, and `pull_request` is its ref, such as refs/pr/1; both are empty where main
    held the files already.
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
    """What was read back and found equal: the commit, its files, and the rows of each config and split."""

    revision: str
    commit: str
    files: int
    rows: dict[str, dict[str, int]]


def push(
    folder: Path,
    release: Release,
    *,
    endpoint: str | None,
    token: str | None,
    progress: Progress,
    way: Way = PLAIN,
) -> Pushed:
    """Publish a release folder as one commit, read it back, and tag the commit `v<version>`.

    Raises Refused: 1 the folder does not load, or what was read back is not what the manifest
    says, 2 a name or card that the Hub does not take, or `private` of a public dataset, 3 remote or authentication,
    4 the tag is elsewhere or the repository changed meanwhile, 5 committed but not yet tagged (run again).
    """
    staged = stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    tag = f"v{release.version}"
    progress(f"looking at {remote.url()}")
    with reading(_job(folder, release, staged), remote) as reader:
        with explained(remote, "reading"):
            tagged = commit_of(remote, tag)
            if tagged is not None:
                _refuse_other_bytes(remote, tag, tagged, staged)
                return Pushed(tagged, remote.url(tag), False, (), (), tag, already=True)
            head = commit_of(remote, "main")
            if way.private and head is not None:
                _refuse_public(remote)
            todo = plan(remote, head, staged)
        reader.compare_folder()
        if way.dry_run:
            _show(folder, todo, staged, remote, head, progress)
            progress("would open a pull request, and read it back" if way.pull_request else
                     f"would read the commit back, and tag it {tag}")  # fmt: skip
            return Pushed("", remote.url(tag), head is None, todo.adds, todo.deletes, tag, already=False)
        created = head is None
        if created:
            head, todo = _create(remote, staged, private=way.private)
        act = _propose if way.pull_request else _publish
        return act(_Work(folder, release, remote, reader, staged, progress), head or "", todo, created)


@dataclass(frozen=True, slots=True)
class _Work:
    """A push under way."""

    folder: Path
    release: Release
    remote: Remote
    reader: Reader
    staged: Sequence[Staged]
    progress: Progress

    @property
    def tag(self) -> str:
        return f"v{self.release.version}"


def _publish(work: _Work, head: str, todo: Plan, created: bool) -> Pushed:
    commit = head
    if not todo.empty:
        work.progress(f"sending {len(todo.adds)} files, deleting {len(todo.deletes)}, in one commit")
        commit = _commit(work, head, todo)
    work.progress(f"reading commit {commit[:12]} back with load_dataset")
    _verify_and_tag(work.reader, work.remote, work.tag, commit)
    work.progress(f"tagged {work.tag} at {commit[:12]}")
    return Pushed(commit, work.remote.url(work.tag), created, todo.adds, todo.deletes, work.tag, already=False)


def _propose(work: _Work, head: str, todo: Plan, created: bool) -> Pushed:
    remote = work.remote
    if todo.empty:
        return Pushed(head, remote.url("main"), created, (), (), "", already=False)
    ref, commit = _proposed(work)
    if ref:
        work.progress(f"{ref} holds exactly these files already")
    else:
        work.progress(f"sending {len(todo.adds)} files, deleting {len(todo.deletes)}, as a pull request")
        ref, commit = _open(work, head, todo)
    work.progress(f"reading {ref} back with load_dataset")
    try:
        work.reader.compare_revision(ref)
    except Refused as refused:
        state = Issue("error", "not-read-back", f"{ref} is on the Hub, but was not read back", fix=AGAIN)
        raise Refused(*refused.issues, state, exit_code=5 if refused.exit_code == 3 else refused.exit_code) from None
    number = ref.rsplit("/", 1)[1]
    page = f"{remote.url()}/discussions/{number}"
    return Pushed(commit, page, created, todo.adds, todo.deletes, "", already=False, pull_request=ref)


def _proposed(work: _Work) -> tuple[str, str]:
    """The newest pull request that holds exactly the release, and its commit; or nothing."""
    with explained(work.remote, "reading"):
        refs = work.remote.api.list_repo_refs(work.remote.repo_id, repo_type="dataset", include_pull_requests=True)
        found = sorted(refs.pull_requests or (), key=lambda one: int(one.ref.rsplit("/", 1)[1]), reverse=True)
        for one in found[:MOST_PULL_REQUESTS]:
            if plan(work.remote, one.target_commit, work.staged).empty:
                return str(one.ref), str(one.target_commit)
    return "", ""


MOST_PULL_REQUESTS = 5
"""The newest pull requests that are looked at for one that an earlier push opened."""


def _open(work: _Work, head: str, todo: Plan) -> tuple[str, str]:
    try:
        with explained(work.remote, "opening a pull request at"):
            made = work.remote.api.create_commit(
                work.remote.repo_id, _operations(work.folder, todo), repo_type="dataset", create_pr=True,
                parent_commit=head, commit_message=f"Release {work.tag}", commit_description=work.release.tool,
            )  # fmt: skip
            return f"refs/pr/{made.pr_num}", str(made.oid)
    except Refused:
        # It may have been opened, and only the answer lost.
        with suppress(Refused):
            ref, commit = _proposed(work)
            if ref:
                return ref, commit
        raise


def verify(
    folder: Path, release: Release, *, endpoint: str | None, token: str | None, revision: str, progress: Progress
) -> Verified:
    """Read a revision back with load_dataset, and compare every file and every row with the folder.

    Raises Refused: 1 with each difference, 3 remote or authentication.
    """
    staged = stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    progress(f"reading {revision} of {remote.url()} back with load_dataset")
    with reading(_job(folder, release, staged), remote) as reader:
        reader.compare_folder()
        outcome = reader.compare_revision(revision)
    return Verified(revision, outcome.commit, len(staged), outcome.rows)


def _job(folder: Path, release: Release, staged: Sequence[Staged]) -> Job:
    return Job(str(folder.resolve()), release.repo_id, release.version, {file.path: file.sha256 for file in staged})


def _refuse_public(remote: Remote) -> None:
    if not remote.api.repo_info(remote.repo_id, repo_type="dataset").private:
        raise refuse("public", f"{remote.repo_id} is there already, and public: --private makes a new dataset private",
                     where=remote.url(), fix=f"leave --private out, or change it at {remote.url()}/settings")  # fmt: skip


def _refuse_other_bytes(remote: Remote, tag: str, commit: str, staged: Sequence[Staged]) -> None:
    found = plan(remote, commit, staged)
    if not found.empty:
        raise refuse(
            "tag-exists",
            f"{tag} of {remote.repo_id} is published already, at commit {commit[:12]} with other bytes "
            f"({len(found.adds) + len(found.deletes)} files differ, such as {(*found.adds, *found.deletes)[0]})",
            where=remote.url(tag),
            fix="a published version never changes: build and push the next version",
            exit_code=4,
        )


def _show(
    folder: Path, todo: Plan, staged: Sequence[Staged], remote: Remote, head: str | None, progress: Progress
) -> None:
    if head is None:
        progress(f"would create the dataset {remote.url()}")
    sizes = {file.path: file.size for file in staged}
    for path in todo.adds:
        progress(f"would add {path} ({sizes[path]:,} bytes)")
    for path in todo.deletes:
        progress(f"would delete {path}")
    progress(f"{sum(sizes[path] for path in todo.adds):,} bytes in {len(todo.adds)} files")
    progress(f"the metadata of the card:\n{_metadata(folder)}")


def _metadata(folder: Path) -> str:
    """The YAML at the head of the card."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("\n")
    end = lines.index("---", 1) if lines[0] == "---" and "---" in lines[1:] else 0
    return "\n".join(lines[1:end])


def _create(remote: Remote, staged: Sequence[Staged], *, private: bool) -> tuple[str, Plan]:
    from huggingface_hub.errors import HfHubHTTPError

    with explained(remote, "creating"):
        try:
            remote.api.create_repo(remote.repo_id, repo_type="dataset", private=private or None)
        except HfHubHTTPError as error:
            # It may be there by now, made by a push whose answer was lost.
            if error.response.status_code != 409:
                raise
        head = commit_of(remote, "main")
        if head is None:
            raise refuse("hub-absent", f"{remote.repo_id} could not be made on {remote.endpoint}: it has no branch main",
                         where=remote.url(), fix=AGAIN, exit_code=3)  # fmt: skip
        return head, plan(remote, head, staged)


def _operations(folder: Path, todo: Plan) -> list[object]:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    added = [CommitOperationAdd(path, folder / path) for path in todo.adds]
    return [*added, *(CommitOperationDelete(path) for path in todo.deletes)]


def _commit(work: _Work, head: str, todo: Plan) -> str:
    remote = work.remote
    try:
        with explained(remote, "committing to"):
            made = remote.api.create_commit(
                remote.repo_id, _operations(work.folder, todo), repo_type="dataset", revision="main",
                parent_commit=head, commit_message=f"Release {work.tag}", commit_description=work.release.tool,
            )  # fmt: skip
            return str(made.oid)
    except Refused:
        # The commit may have been made, and only the answer lost.
        with suppress(Refused), explained(remote, "reading"):
            now = commit_of(remote, "main")
            if now is not None and now != head and plan(remote, now, work.staged).empty:
                return now
        raise


def _tag(remote: Remote, tag: str, commit: str) -> None:
    try:
        with explained(remote, "tagging"):
            remote.api.create_tag(remote.repo_id, tag=tag, revision=commit, repo_type="dataset")
    except Refused:
        with explained(remote, "reading"):
            now = commit_of(remote, tag)
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
