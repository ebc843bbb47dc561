"""Endpoints of the local Hub for branches, tags, history and pull requests."""

from builder.local_hub import git
from builder.local_hub.http import (
    HttpError,
    HubRequest,
    HubResponse,
    commit_of,
    json_response,
    ref_name,
    repo_id_of,
    repo_of,
)


def tag(call: HubRequest) -> HubResponse:
    """Tag a commit; raises Failed (409) if the tag exists, even at the same commit."""
    repo, name = repo_of(call), ref_name(call.json().get("tag"))
    if not git.set_ref(repo, f"refs/tags/{name}", commit_of(call, repo)):
        raise HttpError(409, f"Tag reference exists already: {name}")
    return json_response({})


def untag(call: HubRequest) -> HubResponse:
    """Delete a tag; raises Failed (404) if it does not exist."""
    return _removed(call, f"refs/tags/{ref_name(call.parts['rev'])}")


def branch(call: HubRequest) -> HubResponse:
    """Create a branch at a commit, by default at the head of main; raises Failed (409) if it exists."""
    repo, name = repo_of(call), ref_name(call.parts["rev"])
    start = str(call.json().get("startingPoint") or "main")
    parts = {**call.parts, "rev": start}
    commit = commit_of(HubRequest(call.hub, parts, call.query, call.headers, call.body), repo)
    if not git.set_ref(repo, f"refs/heads/{name}", commit):
        raise HttpError(409, f"Reference already exists: {name}")
    return json_response({})


def unbranch(call: HubRequest) -> HubResponse:
    """Delete a branch; raises Failed for main (403) and for a missing branch (404)."""
    name = ref_name(call.parts["rev"])
    if name == "main":
        raise HttpError(403, "Cannot delete the default branch")
    return _removed(call, f"refs/heads/{name}")


def _removed(call: HubRequest, ref: str) -> HubResponse:
    repo = repo_of(call)
    commit_id = git.refs(repo).get(ref)
    if commit_id is None:
        raise HttpError(404, f"Invalid rev id: {call.parts['rev']}", "RevisionNotFound")
    git.delete_ref(repo, ref, commit_id)
    return json_response({})


def refs(call: HubRequest) -> HubResponse:
    """List branches and tags with their commits, and pull requests if the query asks for them."""
    listed: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    kinds = {"heads": "branches", "tags": "tags"}
    if call.asks("include_prs"):
        kinds["pr"] = "pullRequests"
        listed["pullRequests"] = []
    for ref, commit_id in git.refs(repo_of(call)).items():
        kind, name = ref.split("/", 2)[1:]
        if kind in kinds:
            name = name if kind != "pr" else ref
            listed[kinds[kind]].append({"name": name, "ref": ref, "targetCommit": commit_id})
    return json_response(listed)


def commits(call: HubRequest) -> HubResponse:
    """List the commits of a revision, newest first."""
    repo = repo_of(call)
    authors = [{"user": "rehearsal"}]
    return json_response([{"id": one.oid, "title": one.title, "message": "", "date": one.date, "authors": authors}
                 for one in git.log(repo, commit_of(call, repo))])  # fmt: skip


def merge(call: HubRequest) -> HubResponse:
    """Merge a pull request into main with a merge commit; raises Failed if it is missing (404) or conflicts (409)."""
    repo, number = repo_of(call), call.parts["number"]
    proposed = git.refs(repo).get(f"refs/pr/{number}")
    if proposed is None:
        raise HttpError(404, f"pull request {number} does not exist", "EntryNotFound")
    if git.merge(repo, "main", proposed, f"Merge pull request {number}") is None:
        raise HttpError(409, "There are conflicts: the pull request cannot be merged")
    event = {"id": "0" * 24, "type": "status-change", "author": {"name": "rehearsal"}, "data": {"status": "merged"},
             "createdAt": "1970-01-01T00:00:00.000Z"}  # fmt: skip
    return json_response({"newEvent": event, "url": f"{call.hub.url}/datasets/{repo_id_of(call)}/discussions/{number}"})
