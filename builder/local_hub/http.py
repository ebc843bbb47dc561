"""Requests, responses and names that all endpoints of the local Hub share; fault injection over HTTP."""

import base64
import binascii
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from builder.local_hub import git
from builder.local_hub.faults import KILL, Fault, Planned


def suffer(fault: Fault) -> None:
    """Fail, or die, as a test planned."""
    if fault == KILL:
        os._exit(9)
    if isinstance(fault, int) and fault:
        raise Failed(fault, "a rehearsed fault", headers={"Retry-After": "1"} if fault == 429 else {})


CONTROL = "/rehearsal/faults"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}|refs/pr/[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Hub:
    """A running rehearsal Hub.

    `faults` may be changed while it runs: the name of a route to what goes wrong there. `planned` counts calls.
    With `xet`, large files are stored as Xet storage has them, in a folder that the client writes to itself.
    """

    url: str
    root: Path
    deny: frozenset[str]
    faults: dict[str, Fault]
    xet: bool = False
    control: str = field(default="", repr=False)
    planned: Planned = field(default_factory=Planned)
    key: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(32))

    def repository(self, repo_id: str) -> Path:
        """Where the bare git repository of a dataset is."""
        return self.root / "datasets" / f"{repo_id}.git"

    def signed(self, what: str) -> str:
        """A word that only this Hub can say of something."""
        return hmac.new(self.key, what.encode(), "sha256").hexdigest()


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

    def asks(self, name: str) -> bool:
        """Whether a switch of the query is on."""
        return self.query.get(name, [""])[0].casefold() in {"true", "1"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; a Path is sent as the file's bytes."""

    body: bytes | Path = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def control(call: Call) -> Answer:
    """Plan a fault, for those who started the Hub with a key; the calls since the last plan are answered."""
    if not hmac.compare_digest(call.headers.get("X-Control", "").encode(), call.hub.control.encode()):
        raise Failed(403, "this Hub is not yours to break")
    calls = list(call.hub.planned.calls)
    asked = json.loads(call.body.read() or b"{}")
    call.hub.planned.plan(asked.get("at", 0), asked.get("kind", 0), lasting=asked.get("lasting", False))
    return said({"calls": calls})


class Failed(Exception):
    """An answer that is an error: status, message, the Hub's error code."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def said(value: object, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(json.dumps(value).encode(), {"Content-Type": "application/json"}, status)


def repo_id_of(call: Call) -> str:
    """The dataset that a request names; raises Failed for a name that could leave the Hub's folder."""
    for part in (call.parts["ns"], call.parts["name"]):
        if not NAME.fullmatch(part) or ".." in part or part.endswith(".git"):
            raise Failed(400, f"{part!r} is not a name")
    return f"{call.parts['ns']}/{call.parts['name']}"


def repo_of(call: Call) -> Path:
    """The repository that a request names; of a private one a stranger is not told."""
    repo = call.hub.repository(repo_id_of(call))
    known = bool(token_of(call.headers))
    if not repo.is_dir() or (not known and git.is_private(repo)):
        # The real Hub does not tell a stranger what exists.
        raise Failed(404 if known else 401, "Repository not found", "RepoNotFound")
    return repo


def commit_of(call: Call, repo: Path) -> str:
    """The commit of the revision that a request names."""
    revision = call.parts["rev"]
    found = git.resolve(repo, revision) if REF.fullmatch(revision) else None
    if found is None:
        raise Failed(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return found


def path_of(value: object) -> str:
    """A path inside a repository, or Failed."""
    path = str(value)
    bad = any(part in {"", ".", ".."} or part.casefold() == ".git" for part in path.split("/"))
    if bad or len(path) > 1000 or "\\" in path or any(ord(c) < 32 for c in path):
        raise Failed(400, f"{path!r} is not a path inside a repository")
    return path


def sha_of(value: object) -> str:
    """A sha256, or Failed."""
    if not re.fullmatch(r"[0-9a-f]{64}", str(value)):
        raise Failed(400, "not a sha256")
    return str(value)


def ref_name(value: object) -> str:
    """The name of a tag or a branch, or Failed."""
    name = str(value)
    if not NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise Failed(400, f"{name!r} is not a tag")
    return name


def decoded(value: str) -> bytes:
    """Bytes that came as base64."""
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise Failed(400, "not base64") from None


def token_of(headers: Mapping[str, str]) -> str:
    """The bearer token of a request, or nothing."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else ""
