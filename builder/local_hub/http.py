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
from builder.local_hub.faults import KILL, Fault, FaultPlan


def inject(fault: Fault) -> None:
    """Inject a planned fault: exit the process for KILL, raise Failed for an HTTP status, else do nothing."""
    if fault == KILL:
        os._exit(9)
    if isinstance(fault, int) and fault:
        raise HttpError(fault, "injected fault", headers={"Retry-After": "1"} if fault == 429 else {})


CONTROL = "/rehearsal/faults"

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")

REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}|refs/pr/[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class LocalHub:
    """A running local Hub.

    `faults` maps the name of a route to its fault and may be changed while the Hub runs. `planned` counts calls.
    With `xet`, the client itself writes large files to a folder in the format of Xet storage.
    """

    url: str
    root: Path
    deny: frozenset[str]
    faults: dict[str, Fault]
    xet: bool = False
    control: str = field(default="", repr=False)
    planned: FaultPlan = field(default_factory=FaultPlan)
    key: bytes = field(repr=False, default_factory=lambda: secrets.token_bytes(32))

    def repository(self, repo_id: str) -> Path:
        """Return the path of the bare git repository of a dataset."""
        return self.root / "datasets" / f"{repo_id}.git"

    def signed(self, what: str) -> str:
        """Return the hexadecimal HMAC-SHA256 of a string under this Hub's random key."""
        return hmac.new(self.key, what.encode(), "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class HubRequest:
    """One HTTP request: the unquoted parts of its path, its query, headers and body."""

    hub: LocalHub
    parts: Mapping[str, str]
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: BinaryIO

    def json(self) -> Any:
        """Parse the body as JSON; raises Failed (400) if it is not."""
        try:
            return json.loads(self.body.read())
        except ValueError:
            raise HttpError(400, "the body is not JSON") from None

    def asks(self, name: str) -> bool:
        """Return whether a boolean parameter of the query is true."""
        return self.query.get(name, [""])[0].casefold() in {"true", "1"}


@dataclass(frozen=True, slots=True)
class HubResponse:
    """One HTTP response; a Path as its body stands for the bytes of that file."""

    body: bytes | Path = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


def fault_endpoint(call: HubRequest) -> HubResponse:
    """Plan a fault and return the calls counted since the previous plan.

    Raises Failed (403) unless the X-Control header holds the key that the Hub was started with.
    """
    if not hmac.compare_digest(call.headers.get("X-Control", "").encode(), call.hub.control.encode()):
        raise HttpError(403, "wrong fault-injection key in X-Control")
    calls = list(call.hub.planned.calls)
    request = json.loads(call.body.read() or b"{}")
    call.hub.planned.plan(request.get("at", 0), request.get("kind", 0), lasting=request.get("lasting", False))
    return json_response({"calls": calls})


class HttpError(Exception):
    """An HTTP error response: status, message, error code of the Hub, extra headers."""

    def __init__(self, status: int, message: str, code: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = dict(headers or {})


def json_response(value: object, status: int = 200) -> HubResponse:
    """Return a JSON response."""
    return HubResponse(json.dumps(value).encode(), {"Content-Type": "application/json"}, status)


def repo_id_of(call: HubRequest) -> str:
    """Return the id of the dataset that a request names; raises Failed (400) for a name that is unsafe as a path."""
    for part in (call.parts["ns"], call.parts["name"]):
        if not NAME.fullmatch(part) or ".." in part or part.endswith(".git"):
            raise HttpError(400, f"{part!r} is not a name")
    return f"{call.parts['ns']}/{call.parts['name']}"


def repo_of(call: HubRequest) -> Path:
    """Return the path of the repository that a request names.

    Raises Failed (404, or 401 without a token) if it is missing, or private and the request may not see it.
    """
    repo = call.hub.repository(repo_id_of(call))
    token = token_of(call.headers)
    if not repo.is_dir() or not git.may_see(repo, token):
        # Like the real Hub, do not reveal to a client which repositories exist that it may not see.
        raise HttpError(404 if token else 401, "Repository not found", "RepoNotFound")
    return repo


def commit_of(call: HubRequest, repo: Path) -> str:
    """Return the commit of the revision that a request names; raises Failed (404) if there is none."""
    revision = call.parts["rev"]
    commit_id = git.resolve(repo, revision) if REF.fullmatch(revision) else None
    if commit_id is None:
        raise HttpError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
    return commit_id


def path_of(value: object) -> str:
    """Return a value as a path inside a repository; raises Failed (400) if it is not one."""
    path = str(value)
    bad = any(part in {"", ".", ".."} or part.casefold() == ".git" for part in path.split("/"))
    if bad or len(path) > 1000 or "\\" in path or any(ord(c) < 32 for c in path):
        raise HttpError(400, f"{path!r} is not a path inside a repository")
    return path


def sha_of(value: object) -> str:
    """Return a value as a hexadecimal sha256; raises Failed (400) if it is not one."""
    if not re.fullmatch(r"[0-9a-f]{64}", str(value)):
        raise HttpError(400, "not a sha256")
    return str(value)


def ref_name(value: object) -> str:
    """Return a value as the name of a tag or branch; raises Failed (400) if it is not one."""
    name = str(value)
    if not NAME.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise HttpError(400, f"{name!r} is not a valid name of a tag or branch")
    return name


def decoded(value: str) -> bytes:
    """Decode base64; raises Failed (400) if it is malformed."""
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error:
        raise HttpError(400, "not base64") from None


def token_of(headers: Mapping[str, str]) -> str:
    """Return the bearer token of a request, or an empty string."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme == "Bearer" else ""
