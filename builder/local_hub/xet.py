"""What the rehearsal Hub answers to clients that store large files through Xet."""

from builder.local_hub import xet_storage
from builder.local_hub.http import Answer, Call, Failed, repo_id_of, repo_of, said


def write_token(call: Call) -> Answer:
    """Where to write large files, and a token for it."""
    return _token(call)


def read_token(call: Call) -> Answer:
    """Where to read large files, and a token for it."""
    return _token(call)


def _token(call: Call) -> Answer:
    repo_of(call)
    if not call.hub.xet:
        raise Failed(404, "this Hub has no Xet storage", "EntryNotFound")
    where, until, word = xet_storage.address(call.hub.root), xet_storage.FOREVER, xet_storage.WORD
    answer = said({"casUrl": where, "accessToken": word, "exp": until})
    headers = {"X-Xet-Cas-Url": where, "X-Xet-Access-Token": word, "X-Xet-Token-Expiration": str(until)}
    return Answer(answer.body, {**answer.headers, **headers})


def headers(call: Call, sha: str) -> dict[str, str]:
    """What tells a client that a large file can be had through Xet."""
    name = xet_storage.names(call.hub.root).get(sha) if call.hub.xet else None
    if name is None:
        return {}
    route = f"{call.hub.url}/api/datasets/{repo_id_of(call)}/xet-read-token/{call.parts['rev']}"
    return {"X-Xet-Hash": name, "X-Xet-Refresh-Route": route}
