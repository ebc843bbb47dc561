"""Revert of a release's commit that was not verified: main gets the files from before it, in a new commit."""

from collections.abc import Mapping

from builder.io.scratch import scratch_folder
from builder.records import KhabarError, Release, user_error
from builder.release.publish.client import Remote, connect, translate_hub_errors
from builder.release.publish.commit import operations_of
from builder.release.publish.folder import refuse_unsafe
from builder.release.publish.plan import Plan, commit_of


def revert(release: Release, *, endpoint: str | None, token: str | None) -> str:
    """Commit the files from before the release's commit on main, and return the new commit.

    Raises KhabarError: 3 an error of the Hub, 4 the version is tagged, or the newest commit of main is another one.
    """
    remote, tag = connect(endpoint, token, release.repo_id), f"v{release.version}"
    with translate_hub_errors(remote, "reverting"), scratch_folder("revert") as scratch:
        if commit_of(remote, tag) is not None:
            raise _refused(remote, f"{tag} is tagged: it was verified, and a published version never changes")
        history = remote.api.list_repo_commits(remote.repo_id, repo_type="dataset", revision="main")
        if len(history) < 2 or history[0].title != f"Release {tag}":
            raise _refused(remote, f"the newest commit of main is not that of {tag}, but «{history[0].title}»")
        head, before = history[0].commit_id, history[1].commit_id
        there, wanted = _files(remote, head), _files(remote, before)
        adds = sorted(path for path, blob in wanted.items() if there.get(path) != blob)
        refuse_unsafe(adds, remote.url(before))
        for path in adds:
            remote.api.hf_hub_download(remote.repo_id, path, repo_type="dataset", revision=before, local_dir=scratch)
        back = Plan(tuple(adds), tuple(sorted(there.keys() - wanted.keys())))
        commit = remote.api.create_commit(
            remote.repo_id, operations_of(scratch, back), repo_type="dataset", revision="main", parent_commit=head,
            commit_message=f"Revert release {tag}",
        )  # fmt: skip
    return str(commit.oid)


def _files(remote: Remote, commit: str) -> Mapping[str, str]:
    """Return the blob of each file of a commit."""
    listed = remote.api.list_repo_tree(remote.repo_id, repo_type="dataset", revision=commit, recursive=True)
    return {entry.path: entry.blob_id for entry in listed if hasattr(entry, "blob_id")}


def _refused(remote: Remote, message: str) -> KhabarError:
    fix = "look at the repository's history; revert other commits there"
    return user_error("no-revert", message, where=remote.url("main"), fix=fix, exit_code=4)
