"""The table of routes: which endpoint answers which method and path."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from builder.local_hub import refs, repos, xet
from builder.local_hub.http import HttpError, HubRequest, HubResponse

LARGEST_BODY = 256_000_000
"""The largest request body in bytes, other than the upload of a large file."""

LARGEST_FILE = 8_000_000_000
"""The largest upload of a large file in bytes."""


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: its name (for faults), method, path, handler, largest body, and whether it needs a token."""

    name: str
    method: str
    path: re.Pattern[str]
    answer: Callable[[HubRequest], HubResponse]
    largest: int = LARGEST_BODY
    writes: bool = False


def _routes() -> tuple[Route, ...]:
    api, repo = "/api/datasets/{ns}/{name}", "/datasets/{ns}/{name}"

    def route(
        name: str, method: str, path: str, answer: Callable[[HubRequest], HubResponse], *, writes: bool = False
    ) -> Route:
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path).replace("(?P<path>[^/]+)", "(?P<path>.+)")
        largest = LARGEST_FILE if name == "upload" else LARGEST_BODY
        return Route(name, method, re.compile(pattern), answer, largest, writes)

    return (
        route("whoami", "GET", "/api/whoami-v2", repos.whoami),
        route("create", "POST", "/api/repos/create", repos.create, writes=True),
        route("validate", "POST", "/api/validate-yaml", repos.validate_yaml),
        route("delete", "DELETE", "/api/repos/delete", repos.delete, writes=True),
        route("info", "GET", f"{api}/revision/{{rev}}", repos.info),
        route("info", "GET", api, repos.info),
        route("preupload", "POST", f"{api}/preupload/{{rev}}", repos.preupload, writes=True),
        route("batch", "POST", f"{repo}.git/info/lfs/objects/batch", repos.batch, writes=True),
        route("upload", "PUT", "/lfs/{oid}", repos.upload),
        route("verify", "POST", "/lfs/{oid}/verify", repos.verify, writes=True),
        route("commit", "POST", f"{api}/commit/{{rev}}", repos.commit, writes=True),
        route("tag", "POST", f"{api}/tag/{{rev}}", refs.tag, writes=True),
        route("untag", "DELETE", f"{api}/tag/{{rev}}", refs.untag, writes=True),
        route("branch", "POST", f"{api}/branch/{{rev}}", refs.branch, writes=True),
        route("unbranch", "DELETE", f"{api}/branch/{{rev}}", refs.unbranch, writes=True),
        route("refs", "GET", f"{api}/refs", refs.refs),
        route("merge", "POST", f"{api}/discussions/{{number}}/merge", refs.merge, writes=True),
        route("xet-write", "GET", f"{api}/xet-write-token/{{rev}}", xet.write_token, writes=True),
        route("xet-read", "GET", f"{api}/xet-read-token/{{rev}}", xet.read_token),
        route("tree", "GET", f"{api}/tree/{{rev}}", repos.tree),
        route("tree", "GET", f"{api}/tree/{{rev}}/{{path}}", repos.tree),
        route("paths", "POST", f"{api}/paths-info/{{rev}}", repos.paths_info),
        route("commits", "GET", f"{api}/commits/{{rev}}", refs.commits),
        route("file", "GET", f"{repo}/resolve/{{rev}}/{{path}}", repos.file),
    )


ROUTES = _routes()


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """Return the route of a request and the parts of its path; raise Failed if there is none."""
    for route in ROUTES:
        match = route.path.fullmatch(path) if route.method == ("GET" if method == "HEAD" else method) else None
        if match:
            return route, match.groupdict()
    raise HttpError(404, f"this Hub has no endpoint {method} {path}", "EntryNotFound")
