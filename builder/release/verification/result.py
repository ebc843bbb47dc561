"""Results of the checks of a release, and the rows in which a column contradicts the others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, TypeVar

import numpy as np
import pyarrow as pa
import yaml
from numpy.typing import NDArray

from builder.records import Issue, KhabarError

State = Literal["done", "failed", "not possible"]

Rows = NDArray[np.int64]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unverified:
    """A column, file or field of a release that nothing else in the release confirms, and the reason."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: its name, its state, a summary in one line, the issues, and what it cannot verify."""

    name: str
    state: State
    said: str
    issues: tuple[Issue, ...] = ()
    unverified: tuple[Unverified, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Mismatch:
    """The rows of a split in which a column is not what the rest of the release gives; `wanted` names that."""

    config: str
    split: str
    column: str
    wanted: str
    rows: Rows


def judge(
    name: str, issues: Iterable[Issue], done: str, unverified: Iterable[Unverified] = (), failed: str = "differences"
) -> Check:
    """Return a check that failed if there are issues; `done` is its summary otherwise."""
    found = tuple(issues)
    if found:
        return Check(name, "failed", f"{len(found)} {failed}", found, tuple(unverified))
    return Check(name, "done", done, (), tuple(unverified))


def differs(where: str, message: str) -> Issue:
    """Return the error for a file or a field that differs."""
    return Issue("error", "differs", message, where=where)


def mismatch_issues(mismatches: Iterable[Mismatch]) -> list[Issue]:
    """Return one error for each column and cause, with the number of rows and the place of the first."""
    found = [one for one in mismatches if len(one.rows)]
    issues = []
    for cause, group in groupby(sorted(found, key=_cause), key=_cause):
        of = list(group)
        count = sum(len(one.rows) for one in of)
        issues.append(
            differs(
                f"{cause.config}/{of[0].split}, row {of[0].rows[0] + 1}",
                f"`{cause.column}` is not {cause.wanted}, in {count:,} rows",
            )
        )
    return issues


@dataclass(frozen=True, slots=True, order=True)
class _Cause:
    """A column and what it is not: mismatches of one cause are one error."""

    config: str
    column: str
    wanted: str


def _cause(mismatch: Mismatch) -> _Cause:
    return _Cause(mismatch.config, mismatch.column, mismatch.wanted)


UNREADABLE = (KhabarError, pa.ArrowException, OSError, ValueError, LookupError, ArithmeticError, TypeError,
              RecursionError, yaml.YAMLError)  # fmt: skip
"""What reading and comparing raise for a file that no build has written."""


def guarded(name: str, look: Callable[[T], Check], content: T) -> Check:
    """Run a check, and return it as failed if the files cannot be read."""
    try:
        return look(content)
    except UNREADABLE as error:
        return unreadable(name, error)


def unreadable(name: str, error: Exception) -> Check:
    """Return the check that failed with an error of reading or comparing."""
    if isinstance(error, KhabarError):
        return Check(name, "failed", f"{len(error.issues)} faults", error.issues)
    return Check(name, "failed", f"{type(error).__name__}: {error}".split("\n")[0])


def unverified_lines(checks: Sequence[Check]) -> list[str]:
    """Return what no check verified, one line for each reason."""
    names: dict[str, dict[str, None]] = {}
    for check in checks:
        for one in check.unverified:
            names.setdefault(one.why, {})[one.name] = None
    return [f"{', '.join(of)} ({why})" for why, of in names.items()]
