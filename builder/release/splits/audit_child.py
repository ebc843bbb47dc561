"""A child process that loads a dataset with `datasets` and audits its splits; one JSON document in, one out."""

import contextlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import datasets

from builder.io.plain import from_plain, to_plain
from builder.records import Issue
from builder.release.splits.audit import Audit, AuditRequest, Column, audit, skip_reason, uncompared
from builder.release.splits.text_sets import TextSet, has_configs, load_config, read_folder

FILLED = 0.5
"""Share of rows with a value from which a column is expected in every split; others are optional, as remarks are."""


def audit_dataset(asked: AuditRequest) -> Audit:
    """Load every config of a dataset and audit each of its text columns.

    A folder without configs is read file by file if it has CoNLL files, files with different columns, or splits that
    `datasets` does not see. An error of `datasets` is returned in `trouble`, not raised.
    """
    folder = Path(asked.path) if Path(asked.path).is_dir() else None
    try:
        found = read_folder(folder, needed=False) if folder and not has_configs(folder) else []
        configs = [] if found else datasets.get_dataset_config_names(asked.path, revision=asked.revision)
        return _audit(found or [load_config(asked.path, config, asked.revision) for config in configs])
    except Exception as error:  # noqa: BLE001 - whatever datasets raises is for the user to read
        if folder and isinstance(error, datasets.exceptions.DatasetGenerationError):
            with contextlib.suppress(Exception):
                return _audit(read_folder(folder, needed=True))
        return Audit(trouble=_said(error))


def _said(error: BaseException) -> str:
    """Return the first line of an error; `datasets` hides that of a file behind one of its own."""
    cause = error.__cause__ if isinstance(error, datasets.exceptions.DatasetGenerationError) else None
    return f"{type(cause or error).__name__}: {cause or error}".split("\n")[0]


def _audit(sets: Iterable[TextSet]) -> Audit:
    """Audit every text column of these sets."""
    columns: list[Column] = []
    issues: list[Issue] = []
    skipped: dict[str, str] = {}
    for text_set in sets:
        texts = {name: values for name, values in text_set.columns.items() if skip_reason(values) is None}
        skipped |= {
            f"{text_set.title}{name}": reason
            for name, values in text_set.columns.items()
            if (reason := skip_reason(values))
        }
        issues += _uncompared(text_set, texts)
        for name, values in texts.items():
            there = {split: rows for split, rows in values.items() if any(rows)}
            if len(there) > 1:
                column, leaks = audit(f"{text_set.title}{name}", there)
                columns.append(column)
                issues += leaks
    return Audit(tuple(columns), skipped, tuple(issues))


def _uncompared(text_set: TextSet, texts: Mapping[str, Mapping[str, Sequence[str]]]) -> list[Issue]:
    """Return an error for each column of texts that is not in every split, or for all if there is one split."""
    if texts and len(text_set.files) < 2:
        split, names = next(iter(text_set.files.items()), ("no split", ()))
        shown = ", ".join(f"{text_set.title}{name}" for name in texts)
        beside = names[0] if names else split
        fix = f"add the file of another split beside {beside}, such as test{Path(beside).suffix}"
        return [
            uncompared(shown, f"only the split {split} is here ({_files(names)}), so that nothing was compared", fix)
        ]
    issues: list[Issue] = []
    for name, values in texts.items():
        for split, names in text_set.files.items():
            if not any(values.get(split, ())) and _is_expected(values):
                fix = f"give {_files(names)} a column {name!r}, or the name that it has in the other splits"
                message = f"not compared with {split}: {_files(names)} holds no value of this column"
                issues.append(uncompared(f"{text_set.title}{name}", message, fix))
    return issues


def _is_expected(values: Mapping[str, Sequence[str]]) -> bool:
    rows = [value for own in values.values() if any(own) for value in own]
    return sum(map(bool, rows)) >= FILLED * len(rows)


def _files(names: Sequence[str]) -> str:
    """Return the names of files as words; at most three are shown."""
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if names[3:] else "") if names else "its table"


def main() -> None:
    """Audit the dataset named on stdin and write the result to stdout."""
    asked = from_plain(AuditRequest, json.loads(sys.stdin.read()))
    with contextlib.redirect_stdout(sys.stderr):
        result = audit_dataset(asked)
    json.dump(to_plain(result), sys.stdout)


if __name__ == "__main__":
    main()
