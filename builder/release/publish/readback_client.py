"""The other end of readback.py: starts that child process, asks it, and refuses what it finds."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from builder.io.plain import from_plain, to_plain
from builder.records import Issue, KhabarError, user_error
from builder.release.publish.client import Remote, environment, refuse_remote, scrubbed


@dataclass(frozen=True, slots=True)
class Job:
    """The release: its folder, its dataset on the Hub, and the sha256 of its files."""

    folder: str
    repo_id: str
    version: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: `where` is a file, a config or config/split; `row` is its id, if it has one."""

    where: str
    message: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was read: the commit, the rows of each config and split, the differences; or why it failed."""

    commit: str = ""
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    trouble: str = ""
    status: int = 0


MOST_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Reader:
    """A running child; it has been loading its libraries and the folder since it was started."""

    child: subprocess.Popen[str]
    errors: Path
    job: Job
    remote: Remote

    def compare_folder(self) -> None:
        """Raise Refused (exit code 1) where the folder itself does not load as it was built; asked first, once."""
        outcome = self._outcome(self.job.folder)
        if outcome.findings:
            raise KhabarError(*_issues(outcome.findings, self.job.folder), exit_code=1)

    def compare_revision(self, revision: str) -> Outcome:
        """What a revision holds; raises Refused: 1 with each difference, 3 for trouble with the Hub."""
        _send(self.child, revision)
        outcome = self._outcome(revision)
        refuse_differing(outcome, revision, self.remote)
        return outcome

    def _outcome(self, what: str) -> Outcome:
        line = self.child.stdout.readline() if self.child.stdout else ""
        if line:
            return from_plain(Outcome, json.loads(line))
        said = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
        message = f"the process that reads {what} ended: {scrubbed(said[-1], self.remote.token)}"
        raise user_error("readback", message, fix="run the same command again", exit_code=3)


@contextmanager
def reading(job: Job, remote: Remote) -> Iterator[Reader]:
    """A child that reads one release, ended with the block; its caches are its own, and go with it."""
    with tempfile.TemporaryDirectory(prefix="khabar-readback-", ignore_cleanup_errors=True) as home:
        errors = Path(home) / "stderr"
        with (
            errors.open("wb") as sink,
            subprocess.Popen(
                [sys.executable, "-m", "builder.release.publish.readback"], env=environment(remote, home), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink,
            ) as child,
        ):  # fmt: skip
            try:
                reader = Reader(child, errors, job, remote)
                _send(child, to_plain(job))
                yield reader
            finally:
                child.kill()


def refuse_differing(outcome: Outcome, revision: str, remote: Remote) -> None:
    """Raise Refused for what was found at a revision: 1 with each difference, 3 for trouble with the Hub."""
    if outcome.trouble:
        refuse_remote(remote, "reading back from", outcome.status, outcome.trouble)
    if outcome.findings:
        raise KhabarError(*_issues(outcome.findings, f"{remote.repo_id}@{revision[:12]}"), exit_code=1)


def _send(child: subprocess.Popen[str], value: object) -> None:
    # Past Python's buffer, which would fail a second time when it is closed; a dead child is met in _outcome.
    if child.stdin is not None:
        with suppress(BrokenPipeError):
            os.write(child.stdin.fileno(), json.dumps(value).encode() + b"\n")


def _issues(findings: Sequence[Finding], place: str) -> list[Issue]:
    issues = [
        Issue("error", "differs", finding.message, where=f"{place} {finding.where}", article_id=finding.row)
        for finding in findings[:MOST_FINDINGS]
    ]
    if len(findings) > MOST_FINDINGS:
        issues.append(Issue("error", "differs", f"and {len(findings) - MOST_FINDINGS} more differences", where=place))
    return issues
