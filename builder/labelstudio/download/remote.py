"""A Label Studio project as a download sees it: requests that are retried, tokens that are renewed, a project that is deleted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from builder.io.retry import retry
from builder.labelstudio.api.connection import Connection
from builder.labelstudio.api.projects import ProjectMark, find_project, is_there, mark_of
from builder.labelstudio.client import is_away, translate_errors
from builder.records import KhabarError, Notify, user_error

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProjectRef:
    """One project on one server, given by its mark or title; `again` logs in anew when the token has expired."""

    connection: Connection
    wanted: ProjectMark | str
    again: Callable[[], Connection] | None = None

    @property
    def mark(self) -> ProjectMark:
        """Return the properties that identify the project."""
        return mark_of(self.wanted)


@dataclass(slots=True)
class RetryingClient:
    """A client that retries through a server restart and renews an expired token. `kept` counts the stored tasks."""

    connection: Connection
    site: ProjectRef
    progress: Notify
    patience: float
    project: int = 0
    kept: int = 0

    def find(self) -> int:
        """Find the project and return its number. Raises KhabarError (exit code 3) if the server has none."""
        mark = self.site.mark
        number = self.ask(lambda connection: find_project(connection, mark))
        if number is None and mark.project_id:
            raise self._deleted()
        if number is None:
            raise user_error(
                "no-project",
                f"Label Studio at {self.connection.url} has no project called {mark.title!r}",
                fix="run `khabar send` first, or check LABEL_STUDIO_URL",
                exit_code=3,
            )
        self.project = number
        return number

    def ask(self, call: Callable[[Connection], T]) -> T:
        """Return the result of a call, retrying it for `patience` seconds. Raises KhabarError (exit code 3)."""
        renewed = False

        def attempt() -> T:
            nonlocal renewed
            try:
                with translate_errors(self.connection.url):
                    return call(self.connection)
            except KhabarError as error:
                code = error.issues[0].code
                if code == "token" and self.site.again and not renewed:
                    self.connection, renewed = self.site.again(), True
                    return attempt()
                if code == "studio" and self._is_deleted():
                    raise self._deleted() from None
                raise

        def waiting() -> None:
            self.progress(f"Label Studio at {self.connection.url} does not answer: waiting")

        return retry(attempt, temporary=is_away, patience=self.patience, waiting=waiting)

    def _is_deleted(self) -> bool:
        try:
            with translate_errors(self.connection.url):
                return self.project > 0 and not is_there(self.connection, self.project)
        except KhabarError:
            return False

    def _deleted(self) -> KhabarError:
        message = f"the project {self.site.mark.title!r} was deleted in Label Studio at {self.connection.url}"
        fix = "annotations collected so far are kept; to create the project again, run `khabar send`, then `khabar collect --keep`"
        return user_error("no-project", message, fix=fix, exit_code=3)

    def tell(self, total: int) -> None:
        """Report the progress of a download."""
        if self.kept:
            self.progress(f"collected {self.kept} of {total} tasks")

    def lost(self, refused: KhabarError) -> KhabarError:
        """Return a KhabarError with exit code 5 if the server became unavailable after a part was stored, else the same one."""
        if refused.issues[0].code != "no-studio" or not self.kept:
            return refused
        message = f"Label Studio at {self.connection.url} became unavailable after {self.kept} tasks were collected"
        return user_error("partial", message, fix="run `khabar collect` again to resume", exit_code=5)
