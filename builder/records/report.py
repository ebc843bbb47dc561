"""Records that commands report: counts, dropped records, issues, progress, errors."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from builder import __version__

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: what, where, why (message), and what to do (fix)."""

    severity: Severity
    code: str
    message: str
    where: str = ""
    fix: str = ""
    article_id: str = ""
    annotator: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """One record that a stage did not pass on, and the reason."""

    stage: str
    what: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StageCounts:
    """Records that a stage read, kept and dropped by reason, for one unit. Read = kept + dropped."""

    stage: str
    unit: str
    taken: int
    kept: int
    set_aside: dict[str, int] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        """Return whether everything read was kept or dropped for a reason.

        >>> StageCounts("clean", "lines", 5, 3, {"share": 2}).balanced
        True
        """
        return self.taken == self.kept + sum(self.set_aside.values())


def count_by_reason(stage: str, unit: str, taken: int, kept: int, aside: Iterable[Dropped]) -> StageCounts:
    """Return the counts of a stage, with dropped records counted by reason."""
    return StageCounts(stage, unit, taken, kept, dict(sorted(Counter(dropped.reason for dropped in aside).items())))


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a bulk stage: finished shards, their rows, and seconds so far."""

    stage: str
    shards: int
    of: int
    taken: int
    kept: int
    set_aside: dict[str, int]
    seconds: float


TOOL = f"khabar {__version__}"
"""What made a release, as its manifest and its card say it."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """The command to run next, as it is typed, and why."""

    command: str
    why: str


@dataclass(frozen=True, slots=True)
class Line:
    """One label of a report's text, and its value, which may have several lines."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a command returns: counts with the dropped records, issues, an exit code, and what comes next.

    The report of each command adds fields of its own, which JSON shows as they are and `lines` puts into words.
    """

    verb: str
    accounts: tuple[StageCounts, ...] = ()
    issues: tuple[Issue, ...] = ()
    exit_code: int = 0
    set_aside: tuple[Dropped, ...] = ()
    next: NextStep | None = None

    def lines(self) -> Iterable[Line]:
        """Return the fields of its command in words, for people only: no code reads them."""
        return ()

    def all_lines(self) -> Iterable[Line]:
        """Return what -v shows in place of `lines`."""
        return self.lines()


Notify = Callable[[str], None]
"""Called with one line of progress."""


class KhabarError(Exception):
    """A user-facing error in the input, the configuration or a remote: issues to print and an exit code.

    Exit codes: 1 findings, 2 usage or configuration, 3 remote or authentication,
    4 conflict on the remote, 5 partial (run again to resume).
    """

    def __init__(self, *issues: Issue, exit_code: int = 2) -> None:
        super().__init__("; ".join(issue.message for issue in issues))
        self.issues = issues
        self.exit_code = exit_code

    def __reduce__(self) -> tuple[Any, ...]:  # else it does not come back from a worker: `args` is the message
        return partial(KhabarError, exit_code=self.exit_code), self.issues


def user_error(code: str, message: str, *, where: str = "", fix: str = "", exit_code: int = 2) -> KhabarError:
    """Return a KhabarError with one issue, to be raised."""
    return KhabarError(Issue("error", code, message, where=where, fix=fix), exit_code=exit_code)
