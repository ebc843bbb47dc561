"""Repository and file endpoints of the local Hub, one function for each endpoint of the Hub's HTTP protocol.

They cover what huggingface_hub needs to create, commit to and list a dataset, and what `datasets.load_dataset` needs
to read one. There are no models, and a pull request has commits but no discussion.
"""

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import yaml

from builder.local_hub import git, xet, xet_storage
from builder.local_hub.http import (
    HttpError,
    HubRequest,
    HubResponse,
    LocalHub,
    commit_of,
    decoded,
    json_response,
    path_of,
    repo_id_of,
    repo_of,
    sha_of,
    token_of,
)

LARGEST_REGULAR = 10_000_000
"""The largest file in bytes that git stores itself; it stores an LFS pointer for anything larger."""


def whoami(call: HubRequest) -> HubResponse:
    """Return the user whom the token belongs to; raises Failed (401) without a token."""
    if not token_of(call.headers):
        raise HttpError(401, "Invalid username or password.")
    return json_response({"type": "user", "name": "rehearsal", "orgs": [], "auth": {"accessToken": {"role": "write"}}})


def create(call: HubRequest) -> HubResponse:
    """Create a dataset repository, or answer 409 with its URL if it exists."""
    request, repo_id = _named(call)
    repo = call.hub.repository(repo_id)
    created = git.create(repo)
    body = {"url": f"{call.hub.url}/datasets/{repo_id}", "name": repo_id, "id": repo_id}
    if not created:
        return json_response({"error": "You already created this dataset repo", **body}, 409)
    if request.get("visibility") == "private":
        git.make_private(repo)
    return json_response(body)


def delete(call: HubRequest) -> HubResponse:
    """Delete a dataset repository; raises Failed (404) if it does not exist."""
    _, repo_id = _named(call)
    repo = call.hub.repository(repo_id)
    if not repo.is_dir():
        raise HttpError(404, "Repository not found", "RepoNotFound")
    git.remove(repo)
    return json_response({})


def _named(call: HubRequest) -> tuple[dict[str, Any], str]:
    """Return the JSON body of a request and the id of the repository that it names; raises Failed (400) for a model."""
    request = call.json()
    if request.get("type") != "dataset":
        raise HttpError(400, "this Hub supports datasets only")
    names = {"ns": str(request.get("organization") or "rehearsal"), "name": str(request.get("name"))}
    return request, repo_id_of(HubRequest(call.hub, names, call.query, call.headers, call.body))


def info(call: HubRequest) -> HubResponse:
    """Return the metadata and the file list of a dataset at a revision."""
    repo, repo_id = repo_of(call), repo_id_of(call)
    commit_id = commit_of(call, repo)
    files = [{"rfilename": path} for path, entry in git.tree(repo, commit_id).items() if entry.kind == "file"]
    history = git.log(repo, commit_id)
    return json_response({
        "_id": commit_id[:24], "id": repo_id, "author": call.parts["ns"], "sha": commit_id,
        "private": git.is_private(repo), "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0, "siblings": files,
        "createdAt": history[-1].date, "lastModified": history[0].date,
    })  # fmt: skip


def validate_yaml(call: HubRequest) -> HubResponse:
    """Check that a card's front matter is a YAML mapping, and answer 400 if it is not; the real Hub checks more."""
    front = re.match(r"---\r?\n(.*?)\r?\n---\s*(\n|$)", str(call.json().get("content", "")), re.DOTALL)
    problem = ""
    try:
        if front and not isinstance(yaml.safe_load(front[1]), dict):
            problem = "the front matter is not a mapping"
    except yaml.YAMLError as error:
        problem = str(error)
    outcome = {"errors": [{"message": problem}] if problem else [], "warnings": []}
    return json_response(outcome, 400 if problem else 200)


def preupload(call: HubRequest) -> HubResponse:
    """Return for each file the upload mode, regular or LFS, and the id of the file now stored under its path."""
    repo = repo_of(call)
    present = git.tree(repo, commit_of(call, repo))
    answers = []
    for item in call.json()["files"]:
        path = path_of(item["path"])
        binary = b"\0" in decoded(item.get("sample", ""))
        mode = "lfs" if path.endswith(".parquet") or binary or item["size"] > LARGEST_REGULAR else "regular"
        entry = present.get(path)
        oid = (entry.lfs or entry.oid) if entry else None
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return json_response({"files": answers})


def batch(call: HubRequest) -> HubResponse:
    """Return an upload URL for each large file that is not stored yet (the LFS batch API)."""
    repo_of(call)
    answers: list[dict[str, object]] = []
    for item in call.json()["objects"]:
        oid, size = sha_of(item["oid"]), int(item["size"])
        answer: dict[str, object] = {"oid": oid, "size": size}
        if not git.large_file_path(call.hub.root, oid).is_file():
            address = f"{call.hub.url}/lfs/{oid}"
            # An LFS upload carries no token, so the URL itself must be unguessable.
            answer["actions"] = {"upload": {"href": f"{address}?key={call.hub.signed(oid)}"},
                                 "verify": {"href": f"{address}/verify"}}  # fmt: skip
        answers.append(answer)
    return json_response({"transfer": "basic", "objects": answers})


def upload(call: HubRequest) -> HubResponse:
    """Store a large file; raises Failed for a URL that this Hub did not sign (403) or for wrong bytes (400)."""
    oid = sha_of(call.parts["oid"])
    if not hmac.compare_digest(call.query.get("key", [""])[0].encode(), call.hub.signed(oid).encode()):
        raise HttpError(403, "this Hub did not sign this upload URL")
    if not git.store_large_file(call.hub.root, oid, call.body):
        raise HttpError(400, "the sha256 of the uploaded bytes differs from the one in the URL")
    return HubResponse()


def verify(call: HubRequest) -> HubResponse:
    """Confirm that a large file is stored with its full size; raises Failed (404) otherwise."""
    path = git.large_file_path(call.hub.root, sha_of(call.parts["oid"]))
    if not path.is_file() or path.stat().st_size != call.json().get("size"):
        raise HttpError(404, "the file is missing or has a different size")
    return json_response({"message": "ok"})


@dataclass(frozen=True, slots=True)
class _Wish:
    """The message, parent and file operations of a requested commit."""

    message: str
    parent: str
    puts: dict[str, bytes]
    deletes: list[str]


def commit(call: HubRequest) -> HubResponse:
    """Commit to a branch, or open a pull request if the query asks for one.

    Raises Failed: 404 for a missing branch or a deleted file that is not there, 412 if the head of the branch is not
    the parent that the client named.
    """
    repo, branch = repo_of(call), call.parts["rev"]
    head = git.refs(repo).get(f"refs/heads/{branch}")
    if head is None:
        raise HttpError(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    wish = _wish(call, head)
    missing = [path for path in wish.deletes if path not in git.tree(repo, head)]
    if missing:
        raise HttpError(404, f"A file with this name doesn't exist: {missing[0]}", "EntryNotFound")
    page = f"{call.hub.url}/datasets/{repo_id_of(call)}"
    if call.asks("create_pr"):
        number, commit_id = git.propose(repo, wish.parent, wish.puts, wish.deletes, wish.message)
        return json_response({"success": True, "commitUrl": f"{page}/commit/{commit_id}", "commitOid": commit_id,
                     "pullRequestUrl": f"{page}/discussions/{number}"})  # fmt: skip
    current = wish.parent == head
    new_head = git.commit(repo, branch, head, wish.puts, wish.deletes, wish.message) if current else None
    if new_head is None:
        raise HttpError(412, "A commit has happened since. Please refresh and try again.")
    return json_response({"success": True, "commitUrl": f"{page}/commit/{new_head}", "commitOid": new_head})


def _wish(call: HubRequest, head: str) -> _Wish:
    header: dict[str, Any] = {}
    puts: dict[str, bytes] = {}
    deletes: list[str] = []
    for line in call.body.read().splitlines():
        item = json.loads(line)
        value = item["value"]
        match item["key"]:
            case "header":
                header = value
            case "file":
                puts[path_of(value["path"])] = decoded(value["content"])
            case "lfsFile":
                puts[path_of(value["path"])] = _pointer(call.hub, value)
            case "deletedFile":
                deletes.append(path_of(value["path"]))
            case "deletedFolder":
                prefix = f"{path_of(str(value['path']).rstrip('/'))}/"
                present = git.tree(repo_of(call), head).items()
                deletes += [path for path, entry in present if path.startswith(prefix) and entry.kind == "file"]
            case other:
                raise HttpError(400, f"this Hub does not support the commit operation {other!r}")
    message = f"{header.get('summary', '')}\n\n{header.get('description', '')}".strip() + "\n"
    return _Wish(message, header.get("parentCommit", head), puts, deletes)


def _pointer(hub: LocalHub, value: Mapping[str, Any]) -> bytes:
    oid = sha_of(value["oid"])
    path = git.large_file_path(hub.root, oid)
    if not path.is_file() and not (hub.xet and xet_storage.copy_to_large_files(hub.root, oid, int(value["size"]))):
        raise HttpError(400, f"the large file {oid} was never sent")
    return git.pointer(oid, path.stat().st_size)


def _listed(path: str, entry: git.Entry) -> dict[str, object]:
    row: dict[str, object] = {"type": entry.kind, "oid": entry.oid, "size": entry.size, "path": path}
    if entry.lfs:
        row["lfs"] = {"oid": entry.lfs, "size": entry.size, "pointerSize": entry.pointer_size}
    return row


def tree(call: HubRequest) -> HubResponse:
    """List a folder, with its subfolders if the query asks for `recursive`; raises Failed (404) for a missing folder."""
    repo = repo_of(call)
    entries = git.tree(repo, commit_of(call, repo))
    folder = call.parts.get("path") or ""
    if folder and (folder not in entries or entries[folder].kind != "directory"):
        raise HttpError(404, f"{folder} does not exist", "EntryNotFound")
    prefix = f"{folder}/" if folder else ""
    recursive = call.asks("recursive")
    return json_response(
        [
            _listed(path, entry)
            for path, entry in entries.items()
            if path.startswith(prefix) and (recursive or "/" not in path[len(prefix) :])
        ]
    )


def paths_info(call: HubRequest) -> HubResponse:
    """Return the entry at each of the requested paths, leaving out paths that do not exist."""
    repo = repo_of(call)
    entries = git.tree(repo, commit_of(call, repo))
    paths = parse_qs(call.body.read().decode()).get("paths", [])
    return json_response([_listed(path, entries[path]) for path in paths if path in entries])


def file(call: HubRequest) -> HubResponse:
    """Return the bytes of one file at a revision, also of a large file, without a redirect; raises Failed (404)."""
    repo, path = repo_of(call), path_of(call.parts["path"])
    commit_id = commit_of(call, repo)
    entry = git.tree(repo, commit_id).get(path)
    headers = {"X-Repo-Commit": commit_id}
    if entry is None or entry.kind != "file":
        raise HttpError(404, f"{path} does not exist at {commit_id}", "EntryNotFound", headers)
    if not entry.lfs:
        return HubResponse(git.read(repo, entry.oid), headers | {"ETag": f'"{entry.oid}"'})
    linked = {"ETag": f'"{entry.lfs}"', "X-Linked-Etag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
    return HubResponse(git.large_file_path(call.hub.root, entry.lfs), headers | linked | xet.headers(call, entry.lfs))
