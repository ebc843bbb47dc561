"""Answer a label stream as an annotator would: log in, take the next task, submit, as the web page does.

Without the SDK, which the page does not use. A password never stands in a message.
"""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from builder.labelstudio.client import http_client, spoken
from builder.labelstudio.tasks import key_of, result_of
from builder.records import Span, Stance, user_error

if TYPE_CHECKING:
    import httpx


class Answer(Protocol):
    """What an annotator says of one article."""

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
    """An annotator who is logged in."""

    url: str
    client: "httpx.Client" = field(repr=False)

    def next_task(self, project_id: int) -> dict[str, Any] | None:
        """The next task of the label stream, or None at its end."""
        answer = self.client.get(f"{self.url}/api/projects/{project_id}/next/")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        task: dict[str, Any] = answer.json()
        return task

    def submit(
        self, task: Mapping[str, Any], result: Sequence[object], *, seconds: float | None, skipped: bool
    ) -> None:
        """Submit a result for a task, or skip it."""
        body = {"result": list(result), "lead_time": seconds, "was_cancelled": skipped}
        headers = {"X-CSRFToken": self.client.cookies.get("csrftoken") or "", "Referer": self.url}
        self.client.post(
            f"{self.url}/api/tasks/{task['id']}/annotations/", json=body, headers=headers
        ).raise_for_status()


@contextlib.contextmanager
def log_in(url: str, email: str, password: str) -> Iterator[Annotator]:
    """Log in with e-mail and password; raises Refused (exit code 3) where the server does not let them in."""
    base = url.rstrip("/")
    with spoken(base), http_client(url) as client:
        client.get(f"{base}/user/login/").raise_for_status()
        form = {"email": email, "password": password, "csrfmiddlewaretoken": client.cookies.get("csrftoken", "")}
        headers = {"Referer": f"{base}/user/login/"}
        if client.post(f"{base}/user/login/", data=form, headers=headers, follow_redirects=False).status_code != 302:
            raise user_error(
                "login",
                f"Label Studio at {base} did not let {email} in",
                fix="make a new password: `khabar studio invite NAME`",
                exit_code=3,
            )
        yield Annotator(base, client)


def annotate_as(url: str, email: str, password: str, project_id: int, answers: Mapping[str, Answer]) -> int:
    """Log in as an annotator and answer every task of the label stream.

    `answers` by article id. Gives back how many were submitted: none when all were answered before.
    Raises Refused: exit code 3 from the server, 2 for a task that `answers` does not know.
    """
    with log_in(url, email, password) as annotator:
        submitted = 0
        while (task := annotator.next_task(project_id)) is not None:
            article_id = (key_of(task["data"]) or ("of another origin", ""))[0]
            if article_id not in answers:
                raise user_error("no-answer", f"the annotator has no answer for article {article_id}")
            answer = answers[article_id]
            result = result_of(answer.spans, answer.stances, task["data"])
            annotator.submit(task, result, seconds=answer.seconds, skipped=answer.skipped)
            submitted += 1
        return submitted
