"""Client of the readback child process: starts it, sends it revisions to compare, and raises what it finds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from builder.io.plain import from_plain, to_plain
from builder.io.scratch import scratch_folder
from builder.records import Issue, KhabarError, user_error
from builder.release.publish.client import Remote, environment, raise_hub_error, redact_token


@dataclass(frozen=True, slots=True)
class Job:
    """The release to compare: its folder, dataset on the Hub, version, and the sha256 of its files."""

    folder: str
    repo_id: str
    version: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: `where` is a file, config or config/split; `row` is the id of the row, if it has one."""

    where: str
    message: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reading a release: commit, rows of each config and split, and differences.

    `trouble` is the error message if the Hub failed, and `status` its HTTP status, or 0.
    """

    commit: str = ""
    rows: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    trouble: str = ""
    status: int = 0


MOST_FINDINGS = 20
"""Differences that are listed; the others are counted."""


@dataclass(frozen=True, slots=True)
class ReadbackClient:
    """A running readback child, which loads its libraries and the release folder as soon as it starts."""

    child: subprocess.Popen[str]
    errors: Path
    job: Job
    remote: Remote

    def compare_folder(self) -> None:
        """Raise KhabarError (exit code 1) if the folder does not load as it was built; call it first, and once."""
        outcome = self._outcome(self.job.folder)
        if outcome.findings:
            raise KhabarError(*_issues(outcome.findings, self.job.folder), exit_code=1)

    def compare_revision(self, revision: str) -> Outcome:
        """Read a revision back and return its contents; raises KhabarError: 1 with each difference, 3 an error of the Hub."""
        _send(self.child, revision)
        outcome = self._outcome(revision)
        refuse_differing(outcome, revision, self.remote)
        return outcome

    def _outcome(self, what: str) -> Outcome:
        line = self.child.stdout.readline() if self.child.stdout else ""
        if line:
            return from_plain(Outcome, json.loads(line))
        errors = self.errors.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no message"]
        message = f"the process that reads {what} back stopped: {redact_token(errors[-1], self.remote.token)}"
        raise user_error("readback", message, fix="run the same command again", exit_code=3)


@contextmanager
def start_readback(job: Job, remote: Remote) -> Iterator[ReadbackClient]:
    """Run a readback child for one release for the duration of the block, with temporary caches of its own."""
    with scratch_folder("readback") as home:
        errors = home / "stderr"
        with (
            errors.open("wb") as sink,
            subprocess.Popen(
                [sys.executable, "-m", "builder.release.publish.readback"], env=environment(remote, str(home)), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink,
            ) as child,
        ):  # fmt: skip
            try:
                reader = ReadbackClient(child, errors, job, remote)
                _send(child, to_plain(job))
                yield reader
            finally:
                child.kill()


def refuse_differing(outcome: Outcome, revision: str, remote: Remote) -> None:
    """Raise KhabarError if a revision differs from the release (1) or the Hub failed (3)."""
    if outcome.trouble:
        raise_hub_error(remote, "reading back from", outcome.status, outcome.trouble)
    if outcome.findings:
        raise KhabarError(*_issues(outcome.findings, f"{remote.repo_id}@{revision[:12]}"), exit_code=1)


def _send(child: subprocess.Popen[str], value: object) -> None:
    # Bypass Python's buffer, which would raise a second time on close; _outcome reports a dead child.
    if child.stdin is not None:
        with suppress(BrokenPipeError):
            os.write(child.stdin.fileno(), json.dumps(value).encode() + b"\n")


def _issues(findings: Sequence[Finding], location: str) -> list[Issue]:
    issues = [
        Issue("error", "differs", finding.message, where=f"{location} {finding.where}", article_id=finding.row)
        for finding in findings[:MOST_FINDINGS]
    ]
    if len(findings) > MOST_FINDINGS:
        hidden = len(findings) - MOST_FINDINGS
        issues.append(Issue("error", "differs", f"and {hidden} more differences", where=location))
    return issues
