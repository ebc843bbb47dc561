"""What the rehearsal Hub answers: one function for each endpoint of the Hub's HTTP protocol.

As much of it as huggingface_hub needs to create, commit, tag and list a dataset, and as
`datasets.load_dataset` needs to read it. It has no Xet, models, pull requests or private
repositories, and makes no branches. Knows nothing of sockets.
"""

import base64
import binascii
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs

from builder.release import gitstore

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
LARGEST_REGULAR = 10_000_000
"""Bytes above which git keeps a pointer in place of a file."""


@dataclass(frozen=True, slots=True)
class Hub:
    """A running rehearsal Hub.

    `faults` may be changed while it runs: the name of a route to an HTTP status, to "drop"
    (hang up instead of doing it) or to "lose" (do it, then hang up).
    """

    url: str
    root: Path
    deny: frozenset[str]
    faults: dict[str, int | str]
    key: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(32))

    def repository(self, repo_id: str) -> Path:
        """Where the bare git repository of a dataset is."""
        return self.root / "datasets" / f"{repo_id}.git"


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the unquoted parts of its path, its query and its body."""

    hub: Hub
    parts: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: BinaryIO

    def json(self) -> Any:
        """The body as JSON."""
        try:
            return json.loads(self.body.read())
        except ValueError:
            raise Failed(400, "the body is not JSON") from None


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; a Path is sent as the file's bytes."""

    body: bytes | Path = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


class Failed(Exception):
    """An answer that is an error: status, message, the Hub's error code."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def _said(value: object) -> Answer:
    return Answer(json.dumps(value).encode(), {"Content-Type": "application/json"})


def _repo_id(call: Call) -> str:
    for part in (call.parts["ns"], call.parts["name"]):
        if not NAME.fullmatch(part) or ".." in part or part.endswith(".git"):
            raise Failed(400, f"{part!r} is not a name")
    return f"{call.parts['ns']}/{call.parts['name']}"


def _repo(call: Call) -> Path:
    repo = call.hub.repository(_repo_id(call))
    if not repo.is_dir():
        # The real Hub does not tell a stranger what exists.
        raise Failed(404 if token_of(call.headers) else 401, "Repository not found", "RepoNotFound")
    return repo


def _commit_of(call: Call, repo: Path) -> str:
    revision = call.parts["rev"]
    found = gitstore.resolve(repo, revision) if REF.fullmatch(revision) else None
    if found is None:
        raise Failed(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return found


def _path(value: object) -> str:
    path = str(value)
    bad = any(part in {"", ".", ".."} or part.casefold() == ".git" for part in path.split("/"))
    if bad or len(path) > 1000 or "\\" in path or any(ord(c) < 32 for c in path):
        raise Failed(400, f"{path!r} is not a path inside a repository")
    return path


def token_of(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, or nothing."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else ""


def whoami(call: Call) -> Answer:
    """Who the token belongs to."""
    if not token_of(call.headers):
        raise Failed(401, "Invalid username or password.")
    return _said({"type": "user", "name": "rehearsal", "orgs": [], "auth": {"accessToken": {"role": "write"}}})


def create(call: Call) -> Answer:
    """Make a dataset repository; 409 with its address where it is there."""
    asked = call.json()
    if asked.get("type") != "dataset":
        raise Failed(400, "this Hub keeps datasets only")
    names = {"ns": str(asked.get("organization") or "rehearsal"), "name": str(asked.get("name"))}
    repo_id = _repo_id(Call(call.hub, names, call.query, call.headers, call.body))
    made = gitstore.create(call.hub.repository(repo_id))
    body = {"url": f"{call.hub.url}/datasets/{repo_id}", "name": repo_id, "id": repo_id}
    if made:
        return _said(body)
    problem = {"error": "You already created this dataset repo", **body}
    return Answer(json.dumps(problem).encode(), {"Content-Type": "application/json"}, 409)


def info(call: Call) -> Answer:
    """What a dataset is at a revision."""
    repo, repo_id = _repo(call), _repo_id(call)
    commit_id = _commit_of(call, repo)
    files = [{"rfilename": path} for path, entry in gitstore.tree(repo, commit_id).items() if entry.kind == "file"]
    history = gitstore.log(repo, commit_id)
    return _said({
        "_id": commit_id[:24], "id": repo_id, "author": call.parts["ns"], "sha": commit_id, "private": False,
        "gated": False, "disabled": False, "tags": [], "downloads": 0, "likes": 0, "siblings": files,
        "createdAt": history[-1][1], "lastModified": history[0][1],
    })  # fmt: skip


def validate_yaml(call: Call) -> Answer:
    """Whether a card's front matter is a YAML mapping; the real Hub checks more."""
    import yaml

    front = re.match(r"---\r?\n(.*?)\r?\n---\s*(\n|$)", str(call.json().get("content", "")), re.DOTALL)
    problem = ""
    try:
        if front and not isinstance(yaml.safe_load(front[1]), dict):
            problem = "the front matter is not a mapping"
    except yaml.YAMLError as error:
        problem = str(error)
    found = {"errors": [{"message": problem}] if problem else [], "warnings": []}
    return Answer(json.dumps(found).encode(), {"Content-Type": "application/json"}, 400 if problem else 200)


def preupload(call: Call) -> Answer:
    """How each file is to be sent, and what is there already under its name."""
    repo = _repo(call)
    present = gitstore.tree(repo, _commit_of(call, repo))
    answers = []
    for asked in call.json()["files"]:
        path = _path(asked["path"])
        binary = b"\0" in _decoded(asked.get("sample", ""))
        mode = "lfs" if path.endswith(".parquet") or binary or asked["size"] > LARGEST_REGULAR else "regular"
        entry = present.get(path)
        oid = (entry.lfs or entry.oid) if entry else None
        answers.append({"path": path, "uploadMode": mode, "shouldIgnore": False, "oid": oid})
    return _said({"files": answers})


def _decoded(value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise Failed(400, "not base64") from None


def batch(call: Call) -> Answer:
    """Where to send each large file that is not there yet."""
    _repo(call)
    answers: list[dict[str, object]] = []
    for asked in call.json()["objects"]:
        oid, size = _sha(asked["oid"]), int(asked["size"])
        answer: dict[str, object] = {"oid": oid, "size": size}
        if not gitstore.large(call.hub.root, oid).is_file():
            address = f"{call.hub.url}/lfs/{oid}"
            # The upload carries no token: the address itself must be unguessable.
            answer["actions"] = {"upload": {"href": f"{address}?key={_signed(call.hub, oid)}"},
                                 "verify": {"href": f"{address}/verify"}}  # fmt: skip
        answers.append(answer)
    return _said({"transfer": "basic", "objects": answers})


def _sha(value: object) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", str(value)):
        raise Failed(400, "not a sha256")
    return str(value)


def _signed(hub: Hub, oid: str) -> str:
    return hmac.new(hub.key, oid.encode(), "sha256").hexdigest()


def upload(call: Call) -> Answer:
    """Take a large file."""
    oid = _sha(call.parts["oid"])
    if not hmac.compare_digest(call.query.get("key", [""])[0].encode(), _signed(call.hub, oid).encode()):
        raise Failed(403, "this address was not given out by this Hub")
    if not gitstore.keep_large(call.hub.root, oid, call.body):
        raise Failed(400, "the bytes do not have the sha256 that the address names")
    return Answer()


def verify(call: Call) -> Answer:
    """Whether a large file arrived whole."""
    path = gitstore.large(call.hub.root, _sha(call.parts["oid"]))
    if not path.is_file() or path.stat().st_size != call.json().get("size"):
        raise Failed(404, "the file is not there, or of another size")
    return _said({"message": "ok"})


def commit(call: Call) -> Answer:
    """Commit onto a branch; 412 where its head is not the parent that the client saw."""
    repo, branch = _repo(call), call.parts["rev"]
    head = gitstore.refs(repo).get(f"refs/heads/{branch}")
    if head is None:
        raise Failed(404, f"Invalid rev id: {branch}", "RevisionNotFound")
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
                puts[_path(value["path"])] = _decoded(value["content"])
            case "lfsFile":
                puts[_path(value["path"])] = _pointer(call.hub, value)
            case "deletedFile":
                deletes.append(_path(value["path"]))
            case other:
                raise Failed(400, f"this Hub does not know {other!r} in a commit")
    missing = [path for path in deletes if path not in gitstore.tree(repo, head)]
    if missing:
        raise Failed(404, f"A file with this name doesn't exist: {missing[0]}", "EntryNotFound")
    message = f"{header.get('summary', '')}\n\n{header.get('description', '')}".strip() + "\n"
    seen = header.get("parentCommit", head)
    made = gitstore.commit(repo, branch, head, puts, deletes, message) if seen == head else None
    if made is None:
        raise Failed(412, "A commit has happened since. Please refresh and try again.")
    url = f"{call.hub.url}/datasets/{_repo_id(call)}/commit/{made}"
    return _said({"success": True, "commitUrl": url, "commitOid": made})


def _pointer(hub: Hub, value: Mapping[str, Any]) -> bytes:
    oid = _sha(value["oid"])
    path = gitstore.large(hub.root, oid)
    if not path.is_file():
        raise Failed(400, f"the large file {oid} was never sent")
    return gitstore.pointer(oid, path.stat().st_size)


def tag(call: Call) -> Answer:
    """Tag a commit; 409 where the tag is there, whatever it points to."""
    repo, name = _repo(call), str(call.json().get("tag"))
    if not REF.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise Failed(400, f"{name!r} is not a tag")
    if not gitstore.point(repo, f"refs/tags/{name}", _commit_of(call, repo)):
        raise Failed(409, f"Tag reference exists already: {name}")
    return _said({})


def refs(call: Call) -> Answer:
    """Branches and tags with their commits."""
    found: dict[str, list[dict[str, str]]] = {"branches": [], "converts": [], "tags": []}
    for ref, target in gitstore.refs(_repo(call)).items():
        kind, name = ("tags" if ref.startswith("refs/tags/") else "branches"), ref.split("/", 2)[2]
        found[kind].append({"name": name, "ref": ref, "targetCommit": target})
    return _said(found)


def _listed(path: str, entry: gitstore.Entry) -> dict[str, object]:
    row: dict[str, object] = {"type": entry.kind, "oid": entry.oid, "size": entry.size, "path": path}
    if entry.lfs:
        row["lfs"] = {"oid": entry.lfs, "size": entry.size, "pointerSize": entry.pointer_size}
    return row


def tree(call: Call) -> Answer:
    """What is in a folder, or below it."""
    repo = _repo(call)
    entries = gitstore.tree(repo, _commit_of(call, repo))
    folder = call.parts.get("path") or ""
    if folder and (folder not in entries or entries[folder].kind != "directory"):
        raise Failed(404, f"{folder} does not exist", "EntryNotFound")
    start = f"{folder}/" if folder else ""
    deep = call.query.get("recursive", [""])[0].casefold() in {"true", "1"}
    return _said(
        [
            _listed(path, entry)
            for path, entry in entries.items()
            if path.startswith(start) and (deep or "/" not in path[len(start) :])
        ]
    )


def paths_info(call: Call) -> Answer:
    """What is at each of the paths; an absent one is left out."""
    repo = _repo(call)
    entries = gitstore.tree(repo, _commit_of(call, repo))
    asked = parse_qs(call.body.read().decode()).get("paths", [])
    return _said([_listed(path, entries[path]) for path in asked if path in entries])


def commits(call: Call) -> Answer:
    """The history of a revision, newest first."""
    repo = _repo(call)
    who = [{"user": "rehearsal"}]
    return _said([{"id": oid, "title": title, "message": "", "date": date, "authors": who}
                  for oid, date, title in gitstore.log(repo, _commit_of(call, repo))])  # fmt: skip


def file(call: Call) -> Answer:
    """The bytes of one file at a revision; large ones are sent in place, without a redirect."""
    repo, path = _repo(call), _path(call.parts["path"])
    commit_id = _commit_of(call, repo)
    entry = gitstore.tree(repo, commit_id).get(path)
    found = {"X-Repo-Commit": commit_id}
    if entry is None or entry.kind != "file":
        raise Failed(404, f"{path} does not exist at {commit_id}", "EntryNotFound", found)
    if not entry.lfs:
        return Answer(gitstore.read(repo, entry.oid), found | {"ETag": f'"{entry.oid}"'})
    linked = {"ETag": f'"{entry.lfs}"', "X-Linked-Etag": f'"{entry.lfs}"', "X-Linked-Size": str(entry.size)}
    return Answer(gitstore.large(call.hub.root, entry.lfs), found | linked)
