"""A scripted annotator: logs in to Label Studio, fetches the next task and submits, using the web UI's endpoints.

It does not use the SDK, because the web page does not. No message contains a password.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from builder.labelstudio.client import http_client, translate_errors
from builder.labelstudio.tasks import key_of, result_of
from builder.records import Span, Stance, user_error

if TYPE_CHECKING:
    import httpx


class ScriptedAnswer(Protocol):
    """An annotator's answer to one article: spans, stances, time taken, and whether it was skipped."""

    @property
    def spans(self) -> Sequence[Span]: ...  # noqa: D102
    @property
    def stances(self) -> Sequence[Stance]: ...  # noqa: D102
    @property
    def seconds(self) -> float | None: ...  # noqa: D102
    @property
    def skipped(self) -> bool: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Annotator:
    """A logged-in annotator session."""

    url: str
    client: "httpx.Client" = field(repr=False)

    def next_task(self, project_id: int) -> dict[str, Any] | None:
        """Return the next task of the label stream, or None at its end."""
        response = self.client.get(f"{self.url}/api/projects/{project_id}/next/")
        if response.status_code == 404:
            return None
        response.raise_for_status()
        task: dict[str, Any] = response.json()
        return task

    def submit(
        self, task: Mapping[str, Any], result: Sequence[object], *, seconds: float | None, skipped: bool
    ) -> None:
        """Submit a result for a task, or skip the task. `seconds` is the time the annotator took."""
        body = {"result": list(result), "lead_time": seconds, "was_cancelled": skipped}
        headers = {"X-CSRFToken": self.client.cookies.get("csrftoken") or "", "Referer": self.url}
        self.client.post(
            f"{self.url}/api/tasks/{task['id']}/annotations/", json=body, headers=headers
        ).raise_for_status()


@contextlib.contextmanager
def log_in(url: str, email: str, password: str) -> Iterator[Annotator]:
    """Log in with e-mail and password; raises KhabarError (exit code 3) if the server rejects them."""
    base = url.rstrip("/")
    with translate_errors(base), http_client(url) as client:
        client.get(f"{base}/user/login/").raise_for_status()
        form = {"email": email, "password": password, "csrfmiddlewaretoken": client.cookies.get("csrftoken", "")}
        headers = {"Referer": f"{base}/user/login/"}
        if client.post(f"{base}/user/login/", data=form, headers=headers, follow_redirects=False).status_code != 302:
            raise user_error(
                "login",
                f"Label Studio at {base} rejected the login of {email}",
                fix="run `khabar studio invite NAME` to set a new password",
                exit_code=3,
            )
        yield Annotator(base, client)


def annotate_as(url: str, email: str, password: str, project_id: int, answers: Mapping[str, ScriptedAnswer]) -> int:
    """Log in as an annotator, answer every task of the label stream, and return the number of submissions.

    `answers` is keyed by article id. The result is 0 if every task was answered before.
    Raises KhabarError with exit code 3 if the server fails, and 2 for a task whose article has no entry in `answers`.
    """
    with log_in(url, email, password) as annotator:
        submitted = 0
        while (task := annotator.next_task(project_id)) is not None:
            article_id = (key_of(task["data"]) or ("of another origin", ""))[0]
            if article_id not in answers:
                message = f"the annotator has no answer for article {article_id}"
                raise user_error("no-answer", message, fix="give an answer for every article of the project")
            answer = answers[article_id]
            result = result_of(answer.spans, answer.stances, task["data"])
            annotator.submit(task, result, seconds=answer.seconds, skipped=answer.skipped)
            submitted += 1
        return submitted
