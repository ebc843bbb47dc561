"""What the rehearsal Hub answers about branches, tags, history and pull requests."""

from builder.local_hub import git
from builder.local_hub.http import Answer, Call, Failed, commit_of, ref_name, repo_id_of, repo_of, said


def tag(call: Call) -> Answer:
    """Tag a commit; 409 where the tag is there, whatever it points to."""
    repo, name = repo_of(call), ref_name(call.json().get("tag"))
    if not git.point(repo, f"refs/tags/{name}", commit_of(call, repo)):
        raise Failed(409, f"Tag reference exists already: {name}")
    return said({})


def untag(call: Call) -> Answer:
    """Take a tag away."""
    return _removed(call, f"refs/tags/{ref_name(call.parts['rev'])}")


def branch(call: Call) -> Answer:
    """Make a branch at a commit, by default at the head of main; 409 where it is there."""
    repo, name = repo_of(call), ref_name(call.parts["rev"])
    start = str(call.json().get("startingPoint") or "main")
    parts = {**call.parts, "rev": start}
    commit = commit_of(Call(call.hub, parts, call.query, call.headers, call.body), repo)
    if not git.point(repo, f"refs/heads/{name}", commit):
        raise Failed(409, f"Reference already exists: {name}")
    return said({})


def unbranch(call: Call) -> Answer:
    """Take a branch away; main stays."""
    name = ref_name(call.parts["rev"])
    if name == "main":
        raise Failed(403, "Cannot delete the default branch")
    return _removed(call, f"refs/heads/{name}")


def _removed(call: Call, ref: str) -> Answer:
    repo = repo_of(call)
    before = git.refs(repo).get(ref)
    if before is None:
        raise Failed(404, f"Invalid rev id: {call.parts['rev']}", "RevisionNotFound")
    git.unpoint(repo, ref, before)
    return said({})


def refs(call: Call) -> Answer:
    """Branches and tags with their commits; pull requests where they are asked for."""
    found: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    kinds = {"heads": "branches", "tags": "tags"}
    if call.asks("include_prs"):
        kinds["pr"] = "pullRequests"
        found["pullRequests"] = []
    for ref, target in git.refs(repo_of(call)).items():
        kind, name = ref.split("/", 2)[1:]
        if kind in kinds:
            name = name if kind != "pr" else ref
            found[kinds[kind]].append({"name": name, "ref": ref, "targetCommit": target})
    return said(found)


def commits(call: Call) -> Answer:
    """The history of a revision, newest first."""
    repo = repo_of(call)
    who = [{"user": "rehearsal"}]
    return said([{"id": oid, "title": title, "message": "", "date": date, "authors": who}
                 for oid, date, title in git.log(repo, commit_of(call, repo))])  # fmt: skip


def merge(call: Call) -> Answer:
    """Merge a pull request into main, as a commit with two parents."""
    repo, number = repo_of(call), call.parts["number"]
    known = git.refs(repo)
    theirs = known.get(f"refs/pr/{number}")
    if theirs is None:
        raise Failed(404, f"there is no pull request {number}", "EntryNotFound")
    if git.merge(repo, "main", theirs, f"Merge pull request {number}") is None:
        raise Failed(409, "There are conflicts: the pull request cannot be merged")
    event = {"id": "0" * 24, "type": "status-change", "author": {"name": "rehearsal"}, "data": {"status": "merged"},
             "createdAt": "1970-01-01T00:00:00.000Z"}  # fmt: skip
    return said({"newEvent": event, "url": f"{call.hub.url}/datasets/{repo_id_of(call)}/discussions/{number}"})
