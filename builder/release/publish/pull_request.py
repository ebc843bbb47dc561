"""Publish a release as a pull request; it is read back but not tagged."""

from contextlib import suppress

from builder.records import Issue, KhabarError
from builder.release.publish.client import translate_hub_errors
from builder.release.publish.commit import AGAIN, PushContext, Pushed, operations_of
from builder.release.publish.plan import Plan, plan


def propose(work: PushContext, head: str, todo: Plan, created: bool) -> Pushed:
    """Open or update the pull request of a release, and read it back."""
    remote = work.remote
    if todo.empty:
        return Pushed(head, remote.url("main"), created, (), (), "", already=False)
    ref, commit = _proposed(work)
    if ref:
        work.progress(f"{ref} already holds exactly these files")
    else:
        work.progress(f"sending {len(todo.adds)} files, deleting {len(todo.deletes)}, as a pull request")
        ref, commit = _open(work, head, todo)
    work.progress(f"reading {ref} back with load_dataset")
    try:
        work.reader.compare_revision(ref)
    except KhabarError as refused:
        state = Issue("error", "not-read-back", f"{ref} is on the Hub, but was not read back", fix=AGAIN)
        raise KhabarError(
            *refused.issues, state, exit_code=5 if refused.exit_code == 3 else refused.exit_code
        ) from None
    number = ref.rsplit("/", 1)[1]
    page = f"{remote.url()}/discussions/{number}"
    return Pushed(commit, page, created, todo.adds, todo.deletes, "", already=False, pull_request=ref)


def _proposed(work: PushContext) -> tuple[str, str]:
    """Return the ref and commit of the newest pull request with exactly the release's files, or two empty strings."""
    with translate_hub_errors(work.remote, "reading"):
        refs = work.remote.api.list_repo_refs(work.remote.repo_id, repo_type="dataset", include_pull_requests=True)
        newest = sorted(refs.pull_requests or (), key=lambda pull: int(pull.ref.rsplit("/", 1)[1]), reverse=True)
        for pull in newest[:MOST_PULL_REQUESTS]:
            if plan(work.remote, pull.target_commit, work.staged).empty:
                return str(pull.ref), str(pull.target_commit)
    return "", ""


MOST_PULL_REQUESTS = 5
"""The number of newest pull requests among which a push looks for one that an earlier push opened."""


def _open(work: PushContext, head: str, todo: Plan) -> tuple[str, str]:
    try:
        with translate_hub_errors(work.remote, "opening a pull request at"):
            commit = work.remote.api.create_commit(
                work.remote.repo_id, operations_of(work.folder, todo), repo_type="dataset", create_pr=True,
                parent_commit=head, commit_message=f"Release {work.tag}", commit_description=work.release.tool,
            )  # fmt: skip
            return f"refs/pr/{commit.pr_num}", str(commit.oid)
    except KhabarError:
        # The Hub may have opened the pull request, and only its response was lost.
        with suppress(KhabarError):
            ref, commit_id = _proposed(work)
            if ref:
                return ref, commit_id
        raise
