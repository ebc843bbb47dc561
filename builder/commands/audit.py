"""The command `audit`: find texts that occur in several splits of any dataset."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.io.plain import from_plain, to_plain
from builder.io.scratch import scratch_folder
from builder.records import Line, Report, user_error
from builder.release.publish.client import connect, environment, redact_token
from builder.release.publish.open import REPOSITORY
from builder.release.splits.audit import Audit, AuditRequest, Column


@dataclass(frozen=True, slots=True)
class Skipped:
    """The columns that were not compared for one reason."""

    why: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport(Report):
    """The report of `audit`: the leaks of each column of texts, and the columns that were not compared."""

    columns: tuple[Column, ...]
    skipped: tuple[Skipped, ...]

    def lines(self) -> Iterator[Line]:
        """Return one line for each column, and one for each reason."""
        for column in self.columns:
            yield Line(column.name, _said(column))
        for group in self.skipped:
            yield Line(f"not compared, as {group.why}", ", ".join(group.columns))


def _said(column: Column) -> str:
    said = [f"{column.repeated} of {column.texts} texts occur in more than one split"]
    said += [f"{n} of {rows} rows of {split} share one with {column.of}" for split, (n, rows) in column.shared.items()]
    said += [f"{number} {kind} pairs" for kind, number in sorted(column.alike.items())]
    return "; ".join(said)


@click.command("audit")
@click.argument("dataset", metavar="DIR_OR_REPO")
@verb
def cli(console: Console, dataset: str) -> AuditReport:
    """Find texts that occur in several splits of any dataset; exit 1 if there are any, or a text was not compared.

    DIR_OR_REPO is a folder, or NAME/DATASET[@REVISION] on a Hub. Every column of text is compared for texts that are
    equal, nearly equal, or contained in one another, without addresses, mentions and marks. CoNLL files of a folder are
    compared by sentences.
    """
    return audit(dataset, base=console.folder)


def audit(name: str, *, base: Path) -> AuditReport:
    """Report the texts that occur in several splits of a dataset: a folder below `base`, or a dataset on a Hub.

    The report's exit code is 1 if there are any, or if a column of texts was not compared. Raises KhabarError with exit code 2 if `name` is neither, 3 if the
    dataset cannot be loaded.
    """
    folder, found = base / name, REPOSITORY.fullmatch(name)
    if folder.is_dir():
        asked = AuditRequest(str(folder.resolve()))
    elif found:
        asked = AuditRequest(found["repo"], found["revision"])
    else:
        raise user_error(
            "no-dataset",
            f"{name!r} is not a local folder or a Hub dataset (NAME/DATASET[@REVISION])",
            fix="pass one of the two",
        )
    remote = connect(os.environ.get("HF_ENDPOINT"), os.environ.get("HF_TOKEN"), asked.path)
    with scratch_folder("audit") as home:
        done = subprocess.run(
            [sys.executable, "-m", "builder.release.splits.audit_child"], env=environment(remote, str(home)), capture_output=True,
            input=json.dumps(to_plain(asked)), text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        raise user_error(
            "audit", redact_token(f"the audit ended: {done.stderr.strip()[-300:]}", remote.token), exit_code=3
        )
    result = from_plain(Audit, json.loads(done.stdout))
    if result.trouble:
        raise user_error("no-dataset", f"load_dataset cannot read {name}: {redact_token(result.trouble, remote.token)}",
                     exit_code=2 if folder.is_dir() else 3, fix="check that it exists and is a dataset")  # fmt: skip
    return report_of(result)


def report_of(result: Audit) -> AuditReport:
    """Return the report of an audit that was not stopped."""
    skipped = tuple(
        Skipped(why, tuple(name for name, own in result.skipped.items() if own == why))
        for why in dict.fromkeys(result.skipped.values())
    )
    code = 1 if result.issues else 0
    return AuditReport("audit", issues=result.issues, exit_code=code, columns=tuple(result.columns), skipped=skipped)
