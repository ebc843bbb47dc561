"""What the rehearsal Hub answers: one function for each endpoint of the Hub's HTTP protocol.

As much of it as huggingface_hub needs to create, commit and list a dataset, and as `datasets.load_dataset` needs
to read it. It has no models, and of pull requests only their commits. Knows nothing of sockets.
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
    Answer,
    Call,
    Failed,
    Hub,
    commit_of,
    decoded,
    path_of,
    repo_id_of,
    repo_of,
    said,
    sha_of,
    token_of,
)

LARGEST_REGULAR = 10_000_000
"""Bytes above which git keeps a pointer in place of a file."""


def whoami(call: Call) -> Answer:
    """Who the token belongs to."""
    if not token_of(call.headers):
        raise Failed(401, "Invalid username or password.")
    return said({"type": "user", "name": "rehearsal", "orgs": [], "auth": {"accessToken": {"role": "write"}}})


def create(call: Call) -> Answer:
    """Make a dataset repository; 409 with its address where it is there."""
    asked, repo_id = _named(call)
    repo = call.hub.repository(repo_id)
    made = git.create(repo)
    body = {"url": f"{call.hub.url}/datasets/{repo_id}", "name": repo_id, "id": repo_id}
    if not made:
        return said({"error": "You already created this dataset repo", **body}, 409)
    if asked.get("visibility") == "private":
        git.make_private(repo)
    return said(body)


def delete(call: Call) -> Answer:
    """Delete a dataset repository."""
    _, repo_id = _named(call)
    repo = call.hub.repository(repo_id)
    if not repo.is_dir():
        raise Failed(404, "Repository not found", "RepoNotFound")
    git.remove(repo)
    return said({})


def _named(call: Call) -> tuple[dict[str, Any], str]:
    """What is asked about a repository that the body names, and its name."""
    asked = call.json()
    if asked.get("type") != "dataset":
        raise Failed(400, "this Hub keeps datasets only")
    names = {"ns": str(asked.get("organization") or "rehearsal"), "name": str(asked.get("name"))}
    return asked, repo_id_of(Call(call.hub, names, call.query, call.headers, call.body))


def info(call: Call) -> Answer:
    """What a dataset is at a revision."""
    repo, repo_id = repo_of(call), repo_id_of(call)
    commit_id = commit_of(call, repo)
    files = [{"rfilename": path} for path, entry in git.tree(repo, commit_id).items() if entry.kind == "file"]
    history = git.log(repo, commit_id)
    return said({
        "_id": commit_id[:24], "id": repo_id, "author": call.parts["ns"], "sha": commit_id,
        "private": git.is_private(repo), "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0, "siblings": files,
        "createdAt": history[-1][1], "lastModified": history[0][1],
    })  # fmt: skip


def validate_yaml(call: Call) -> Answer:
    """Whether a card's front matter is a YAML mapping; the real Hub checks more."""
    front = re.match(r"---\r?\n(.*?)\r?\n---\s*(\n|$)", str(call.json().get("content", "")), re.DOTALL)
    problem = ""
    try:
        if front and not isinstance(yaml.safe_load(front[1]), dict):
            problem = "the front matter is not a mapping"
    except yaml.YAMLError as error:
        problem = str(error)
    found = {"errors": [{"message": problem}] if problem else [], "warnings": []}
    return said(found, 400 if problem else 200)


def preupload(call: Call) -> Answer:
    """How each file is to be sent, and what is there already under its name."""
    repo = repo_of(call)
    present = git.tree(repo, commit_of(call, repo))
    answers = []
    for asked in call.json()["files"]:
        path = path_of(asked["path"])
        binary = b"\0" in decoded(asked.get("sample", ""))
        mode = "lfs" if path.endswith(".parquet") or binary or asked["size"] > LARGEST_REGULAR else "regular"
        entry = present.get(path)
        oid = (entry.lfs or entry.oid) if entry else None
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return said({"files": answers})


def batch(call: Call) -> Answer:
    """Where to send each large file that is not there yet."""
    repo_of(call)
    answers: list[dict[str, object]] = []
    for asked in call.json()["objects"]:
        oid, size = sha_of(asked["oid"]), int(asked["size"])
        answer: dict[str, object] = {"oid": oid, "size": size}
        if not git.large(call.hub.root, oid).is_file():
            address = f"{call.hub.url}/lfs/{oid}"
            # The upload carries no token: the address itself must be unguessable.
            answer["actions"] = {"upload": {"href": f"{address}?key={call.hub.signed(oid)}"},
                                 "verify": {"href": f"{address}/verify"}}  # fmt: skip
        answers.append(answer)
    return said({"transfer": "basic", "objects": answers})


def upload(call: Call) -> Answer:
    """Take a large file."""
    oid = sha_of(call.parts["oid"])
    if not hmac.compare_digest(call.query.get("key", [""])[0].encode(), call.hub.signed(oid).encode()):
        raise Failed(403, "this address was not given out by this Hub")
    if not git.keep_large(call.hub.root, oid, call.body):
        raise Failed(400, "the bytes do not have the sha256 that the address names")
    return Answer()


def verify(call: Call) -> Answer:
    """Whether a large file arrived whole."""
    path = git.large(call.hub.root, sha_of(call.parts["oid"]))
    if not path.is_file() or path.stat().st_size != call.json().get("size"):
        raise Failed(404, "the file is not there, or of another size")
    return said({"message": "ok"})


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a commit is to be."""

    message: str
    parent: str
    puts: dict[str, bytes]
    deletes: list[str]


def commit(call: Call) -> Answer:
    """Commit onto a branch, 412 where its head is not the parent that the client saw; or open a pull request."""
    repo, branch = repo_of(call), call.parts["rev"]
    head = git.refs(repo).get(f"refs/heads/{branch}")
    if head is None:
        raise Failed(404, f"Invalid rev id: {branch}", "RevisionNotFound")
    wish = _wish(call, head)
    missing = [path for path in wish.deletes if path not in git.tree(repo, head)]
    if missing:
        raise Failed(404, f"A file with this name doesn't exist: {missing[0]}", "EntryNotFound")
    page = f"{call.hub.url}/datasets/{repo_id_of(call)}"
    if call.asks("create_pr"):
        number, made = git.propose(repo, wish.parent, wish.puts, wish.deletes, wish.message)
        return said({"success": True, "commitUrl": f"{page}/commit/{made}", "commitOid": made,
                     "pullRequestUrl": f"{page}/discussions/{number}"})  # fmt: skip
    fits = wish.parent == head
    done = git.commit(repo, branch, head, wish.puts, wish.deletes, wish.message) if fits else None
    if done is None:
        raise Failed(412, "A commit has happened since. Please refresh and try again.")
    return said({"success": True, "commitUrl": f"{page}/commit/{done}", "commitOid": done})


def _wish(call: Call, head: str) -> _Wish:
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
                start = f"{path_of(str(value['path']).rstrip('/'))}/"
                present = git.tree(repo_of(call), head).items()
                deletes += [path for path, entry in present if path.startswith(start) and entry.kind == "file"]
            case other:
                raise Failed(400, f"this Hub does not know {other!r} in a commit")
    message = f"{header.get('summary', '')}\n\n{header.get('description', '')}".strip() + "\n"
    return _Wish(message, header.get("parentCommit", head), puts, deletes)


def _pointer(hub: Hub, value: Mapping[str, Any]) -> bytes:
    oid = sha_of(value["oid"])
    path = git.large(hub.root, oid)
    if not path.is_file() and not (hub.xet and xet_storage.keep(hub.root, oid, int(value["size"]))):
        raise Failed(400, f"the large file {oid} was never sent")
    return git.pointer(oid, path.stat().st_size)


def _listed(path: str, entry: git.Entry) -> dict[str, object]:
    row: dict[str, object] = {"type": entry.kind, "oid": entry.oid, "size": entry.size, "path": path}
    if entry.lfs:
        row["lfs"] = {"oid": entry.lfs, "size": entry.size, "pointerSize": entry.pointer_size}
    return row


def tree(call: Call) -> Answer:
    """What is in a folder, or below it."""
    repo = repo_of(call)
    entries = git.tree(repo, commit_of(call, repo))
    folder = call.parts.get("path") or ""
    if folder and (folder not in entries or entries[folder].kind != "directory"):
        raise Failed(404, f"{folder} does not exist", "EntryNotFound")
    start = f"{folder}/" if folder else ""
    deep = call.asks("recursive")
    return said(
        [
            _listed(path, entry)
            for path, entry in entries.items()
            if path.startswith(start) and (deep or "/" not in path[len(start) :])
        ]
    )


def paths_info(call: Call) -> Answer:
    """What is at each of the paths; an absent one is left out."""
    repo = repo_of(call)
    entries = git.tree(repo, commit_of(call, repo))
    asked = parse_qs(call.body.read().decode()).get("paths", [])
    return said([_listed(path, entries[path]) for path in asked if path in entries])


def file(call: Call) -> Answer:
    """The bytes of one file at a revision; large ones are sent in place, without a redirect."""
    repo, path = repo_of(call), path_of(call.parts["path"])
    commit_id = commit_of(call, repo)
    entry = git.tree(repo, commit_id).get(path)
    found = {"X-Repo-Commit": commit_id}
    if entry is None or entry.kind != "file":
        raise Failed(404, f"{path} does not exist at {commit_id}", "EntryNotFound", found)
    if not entry.lfs:
        return Answer(git.read(repo, entry.oid), found | {"ETag": f'"{entry.oid}"'})
    linked = {"ETag": f'"{entry.lfs}"', "X-Linked-Etag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
    return Answer(git.large(call.hub.root, entry.lfs), found | linked | xet.headers(call, entry.lfs))
