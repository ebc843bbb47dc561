"""Client of a dataset repository on a Hub, and the translation of its errors into messages for the user.

The token goes to the client and to the child process that reads a release back; no message contains it.
"""

import importlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlsplit

from builder.records import MANIFEST, KhabarError, user_error

if TYPE_CHECKING:
    from huggingface_hub import HfApi

PUBLIC = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Remote:
    """A dataset repository on a Hub, and its client."""

    api: "HfApi"
    endpoint: str
    repo_id: str
    token: str | None = field(repr=False)

    def url(self, commit: str = "") -> str:
        """Return the web address of the dataset, or of one of its commits, tags or branches."""
        return f"{self.endpoint}/datasets/{self.repo_id}" + (f"/tree/{commit}" if commit else "")


def connect(endpoint: str | None, token: str | None, repo_id: str) -> Remote:
    """Create a client for a dataset on `endpoint`, else on HF_ENDPOINT, else on the public Hub; sends no request."""
    library, address = hub_library(), (endpoint or os.environ.get("HF_ENDPOINT") or PUBLIC).rstrip("/")
    if _is_loopback(address):
        # huggingface_hub reads the variable only at import, and most self-hosted Hubs have no Xet.
        library.constants.HF_HUB_DISABLE_XET = not _has_xet()
    library.utils.disable_progress_bars()
    return Remote(library.HfApi(endpoint=address, token=token or False), address, repo_id, token)


def _has_xet() -> bool:
    """Return whether the Hub on this machine has Xet storage, which HF_HUB_DISABLE_XET=0 declares."""
    return os.environ.get("HF_HUB_DISABLE_XET", "1").strip().casefold() in {"0", "false", "no", "off"}


def _is_loopback(endpoint: str) -> bool:
    return urlsplit(endpoint).hostname in {"127.0.0.1", "localhost", "::1"}


def environment(remote: Remote, home: str) -> dict[str, str]:
    """Return the environment of a child process that reads from the Hub only, with `home` as its cache."""
    # With the user's caches or offline mode, the child would compare something other than the Hub.
    user_settings = re.compile("HF_|HUGGING|TRANSFORMERS_|XDG_CACHE_HOME")
    clean = {name: value for name, value in os.environ.items() if not user_settings.match(name)}
    clean |= {
        "HF_HOME": home, "HF_ENDPOINT": remote.endpoint, "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_UPDATE_DOWNLOAD_COUNTS": "0", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    }  # fmt: skip
    if _is_loopback(remote.endpoint):
        clean["HF_HUB_DISABLE_XET"] = "0" if _has_xet() else "1"
    if remote.token:
        clean["HF_TOKEN"] = remote.token
    return clean


def hub_library() -> Any:
    """Return the client library of the Hub."""
    import huggingface_hub  # noqa: PLC0415 - takes .2 s, and most commands ask no Hub

    for name in ("constants", "errors", "utils"):
        # A module of the library is an attribute of it only once something has imported the module.
        importlib.import_module(f"huggingface_hub.{name}")
    return huggingface_hub


def hub_errors() -> Any:
    """Return the module of the client library's exceptions."""
    return hub_library().errors


@contextmanager
def translate_hub_errors(remote: Remote, doing: str) -> Iterator[None]:
    """Turn exceptions of the client libraries into KhabarError, with the server's message but without the token.

    `doing` names the action in the message, such as "reading" or "committing to".
    """
    errors = hub_errors()
    try:
        yield
    except errors.HfHubHTTPError as error:
        raise_hub_error(remote, doing, error.response.status_code, error.server_message or "")
    except (errors.HTTPError, OSError, RuntimeError) as error:
        cause = error.__cause__ or error
        status = cause.response.status_code if isinstance(cause, errors.HfHubHTTPError) else 0
        raise_hub_error(remote, doing, status, f"{type(cause).__name__}: {cause}".split("\n")[0])
    except json.JSONDecodeError as error:
        raise_hub_error(remote, doing, 0, NOT_JSON if is_web_page(error) else f"the answer is not JSON: {error}")
    except ValueError as error:
        message = redact_token(str(error).strip(), remote.token)
        fix = "correct the repository or the revision"
        raise user_error(
            "hub-input", f"huggingface_hub rejected the request: {message}", where=remote.url(), fix=fix
        ) from None


NOT_JSON = "a web page answered instead of the Hub, as the login page of a network does"


def is_web_page(error: BaseException) -> bool:
    """Return whether an answer that should have been JSON was a web page."""
    return isinstance(error, json.JSONDecodeError) and error.doc.lstrip().startswith("<")


def no_release(remote: Remote, revision: str) -> KhabarError:
    """Return the error for a revision of a repository that khabar did not publish."""
    message = f"{remote.repo_id}@{revision} has no {MANIFEST}: khabar did not make it"
    return user_error(
        "no-release", message, where=remote.url(revision), fix="give a version that `khabar push` published"
    )


def raise_hub_error(remote: Remote, doing: str, status: int, detail: str) -> NoReturn:
    """Raise KhabarError for an HTTP status, 0 if there was no response: exit code 3, or 4 for 409 and 412.

    `detail` is the message of the server or of the client library.
    """
    detail = redact_token(detail, remote.token)
    what = f"{doing} {remote.repo_id} on {remote.endpoint}"
    if status in {401, 403}:
        why = "the token in HF_TOKEN was not accepted" if remote.token else "no token was given"
        raise user_error(
            "hub-auth",
            f"{what} was refused ({status}): {why}" + (f"; the Hub says: {detail}" if detail else ""),
            fix=f"set HF_TOKEN to a token that may write to {remote.repo_id.split('/')[0]} "
            f"({remote.endpoint}/settings/tokens)",
            exit_code=3,
        )
    if status in {409, 412}:
        raise user_error(
            "hub-changed",
            f"{what} conflicts with a change that someone else made meanwhile ({status}): {detail}",
            fix="check the repository's history, then retry",
            exit_code=4,
        )
    if status == 404:
        raise user_error(
            "hub-absent",
            f"{what} failed: not found (404): {detail}",
            exit_code=3,
            fix="check the name, and that the version was pushed; a private dataset needs an HF_TOKEN that may read it",
        )
    if status:
        why, fix = _advice(remote, status)
        raise user_error("hub", f"{what} failed ({status}{why}): {detail}", fix=fix, exit_code=3)
    raise user_error("hub-unreachable", f"{what} failed: {detail}", exit_code=3,
                 fix="check the network, the address and that the Hub is running, then retry")  # fmt: skip


FINAL = "the same call cannot succeed"


def _advice(remote: Remote, status: int) -> tuple[str, str]:
    """Return what an HTTP status means, if that is not in its message, and whether the same call can succeed."""
    if status == 400:
        return ", bad request", f"{FINAL}: correct what the Hub names, build again, then push"
    if status == 402:
        plan = f"{remote.endpoint}/settings/billing"
        return (
            ", payment required",
            f"{FINAL}: free storage of {remote.repo_id.split('/')[0]}, or change its plan ({plan})",
        )
    if status == 413:
        return ", too large", f"{FINAL}: publish fewer or smaller files, or ask the Hub for a higher limit"
    if status in {408, 425, 429} or status >= 500:
        return "", "the same call can succeed: try again later"
    return "", f"{FINAL}: change what the Hub names first"


def redact_token(text: str, token: str | None) -> str:
    """Return a message with the token replaced by asterisks.

    >>> redact_token("no such user: hf_abc", "hf_abc")
    'no such user: ***'
    """
    return text.replace(token, "***") if token else text
