"""Push of a release to a Hugging Face Hub: one commit, read back with `load_dataset`, then tagged.

A tag means that the commit was verified. Running an interrupted push again completes it. A pull request is read back
too; a push after the merge tags it. A push changes nothing in the release folder and keeps no state on this machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builder.records import Notify, Release, user_error
from builder.release.publish.client import FINAL, Remote, connect, hub_errors, translate_hub_errors
from builder.release.publish.commit import AGAIN, PushContext, Pushed, commit_files, readback_job, verify_and_tag
from builder.release.publish.plan import Plan, ReleaseFile, commit_of, plan, stage
from builder.release.publish.pull_request import propose
from builder.release.publish.readback_client import start_readback


@dataclass(frozen=True, slots=True)
class PushOptions:
    """Options of a push: dry run, pull request, private repository (if the push creates it)."""

    dry_run: bool = False
    pull_request: bool = False
    private: bool = False


DEFAULT = PushOptions()


def push(
    folder: Path,
    release: Release,
    *,
    endpoint: str | None,
    token: str | None,
    progress: Notify,
    way: PushOptions = DEFAULT,
) -> Pushed:
    """Push a release folder as one commit, read it back, and tag the commit `v<version>`.

    Raises KhabarError: 1 the folder does not load, or the Hub returns something other than the manifest lists, 2 the Hub
    rejects the name or the card, or `private` is given for a public dataset, 3 remote or authentication error,
    4 the tag exists with other files, or the repository changed meanwhile, 5 committed but not yet tagged (run again).
    """
    staged = stage(folder, release)
    remote = connect(endpoint, token, release.repo_id)
    tag = f"v{release.version}"
    progress(f"checking {remote.url()}")
    with start_readback(readback_job(folder, release, staged), remote) as reader:
        with translate_hub_errors(remote, "reading"):
            tagged = commit_of(remote, tag)
            if tagged is not None:
                _refuse_other_bytes(remote, tag, tagged, staged)
                return Pushed(tagged, remote.url(tag), False, (), (), tag, already=True)
            head = commit_of(remote, "main")
            if way.private and head is not None:
                _refuse_public(remote)
            todo = plan(remote, head, staged)
        _refuse_breaking(remote, todo)
        reader.compare_folder()
        if way.dry_run:
            _show(folder, todo, staged, remote, head, progress)
            progress("would open a pull request and read it back" if way.pull_request else
                     f"would read the commit back and tag it {tag}")  # fmt: skip
            return Pushed("", remote.url(tag), head is None, todo.adds, todo.deletes, tag, already=False)
        created = head is None
        if created:
            head, todo = _create(remote, staged, private=way.private)
        submit = propose if way.pull_request else _publish
        return submit(PushContext(folder, release, remote, reader, staged, progress), head or "", todo, created)


def _publish(work: PushContext, head: str, todo: Plan, created: bool) -> Pushed:
    commit = head
    if not todo.empty:
        work.progress(f"sending {len(todo.adds)} files, deleting {len(todo.deletes)}, in one commit")
        commit = commit_files(work, head, todo)
    work.progress(f"reading commit {commit[:12]} back with load_dataset")
    verify_and_tag(work.reader, work.remote, work.tag, commit)
    work.progress(f"tagged {work.tag} at {commit[:12]}")
    return Pushed(commit, work.remote.url(work.tag), created, todo.adds, todo.deletes, work.tag, already=False)


def _refuse_public(remote: Remote) -> None:
    if not remote.api.repo_info(remote.repo_id, repo_type="dataset").private:
        raise user_error(
            "public",
            f"{remote.repo_id} exists and is public: --private only applies to a new dataset",
            where=remote.url(),
            fix=f"leave --private out, or make the dataset private at {remote.url()}/settings",
        )


def _refuse_other_bytes(remote: Remote, tag: str, commit: str, staged: Sequence[ReleaseFile]) -> None:
    todo = plan(remote, commit, staged)
    if not todo.empty:
        raise user_error(
            "tag-exists",
            f"{tag} of {remote.repo_id} is published already, at commit {commit[:12]}, with different content "
            f"({len(todo.adds) + len(todo.deletes)} files differ, such as {(*todo.adds, *todo.deletes)[0]})",
            where=remote.url(tag),
            fix="a published version never changes: build and push the next version",
            exit_code=4,
        )


def _refuse_breaking(remote: Remote, todo: Plan) -> None:
    """Raise KhabarError (exit code 4) for files in the repository that would break the release, before anything is sent."""
    if todo.breaking:
        raise user_error(
            "foreign-file",
            f"{remote.repo_id} holds {' and '.join(todo.breaking)}, with which load_dataset does not load the release",
            where=remote.url("main"),
            fix="delete it there, which keeps it in the history, then push again; nothing was sent",
            exit_code=4,
        )


def _show(
    folder: Path, todo: Plan, staged: Sequence[ReleaseFile], remote: Remote, head: str | None, progress: Notify
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
    """Return the YAML front matter of the card."""
    lines = (folder / "README.md").read_text(encoding="utf-8").split("\n")
    end = lines.index("---", 1) if lines[0] == "---" and "---" in lines[1:] else 0
    return "\n".join(lines[1:end])


def _create(remote: Remote, staged: Sequence[ReleaseFile], *, private: bool) -> tuple[str, Plan]:
    with translate_hub_errors(remote, "creating"):
        exists = False
        try:
            remote.api.create_repo(remote.repo_id, repo_type="dataset", private=private or None)
        except hub_errors().HfHubHTTPError as error:
            # The repository may exist by now, created by a request whose response was lost.
            if error.response.status_code != 409:
                raise
            exists = True
        head = commit_of(remote, "main")
        if head is None and exists:
            raise user_error(
                "hub-auth",
                f"{remote.repo_id} exists on {remote.endpoint}, but this token may not see it: it is private",
                where=remote.url(),
                fix=f"set HF_TOKEN to a token with access to it, or choose another repo_id; {FINAL}",
                exit_code=3,
            )
        if head is None:
            raise user_error(
                "hub-absent",
                f"{remote.repo_id} on {remote.endpoint} has no branch main after its creation",
                where=remote.url(),
                fix=AGAIN,
                exit_code=3,
            )
        return head, plan(remote, head, staged)
