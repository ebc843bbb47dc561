"""Endpoints and response headers of the local Hub for clients that transfer large files through Xet."""

from builder.local_hub import xet_storage
from builder.local_hub.http import HttpError, HubRequest, HubResponse, json_response, repo_id_of, repo_of


def write_token(call: HubRequest) -> HubResponse:
    """Return the address and token for writing large files; raises Failed (404) if this Hub has no Xet storage."""
    return _token(call)


def read_token(call: HubRequest) -> HubResponse:
    """Return the address and token for reading large files; raises Failed (404) if this Hub has no Xet storage."""
    return _token(call)


def _token(call: HubRequest) -> HubResponse:
    repo_of(call)
    if not call.hub.xet:
        raise HttpError(404, "this Hub has no Xet storage", "EntryNotFound")
    url, expiry, token = xet_storage.address(call.hub.root), xet_storage.FOREVER, xet_storage.WORD
    answer = json_response({"casUrl": url, "accessToken": token, "exp": expiry})
    headers = {"X-Xet-Cas-Url": url, "X-Xet-Access-Token": token, "X-Xet-Token-Expiration": str(expiry)}
    return HubResponse(answer.body, {**answer.headers, **headers})


def headers(call: HubRequest, sha: str) -> dict[str, str]:
    """Return the headers that offer a large file through Xet; empty if it is not in the Xet storage."""
    name = xet_storage.xet_hashes(call.hub.root).get(sha) if call.hub.xet else None
    if name is None:
        return {}
    route = f"{call.hub.url}/api/datasets/{repo_id_of(call)}/xet-read-token/{call.parts['rev']}"
    return {"X-Xet-Hash": name, "X-Xet-Refresh-Route": route}
