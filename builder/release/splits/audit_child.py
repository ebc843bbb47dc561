"""A child process that loads a dataset with `datasets` and audits its splits; one JSON document in, one out."""

import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import datasets

from builder.io.plain import from_plain, to_plain
from builder.records import Issue
from builder.release.splits.audit import Audit, AuditRequest, Column, audit, skip_reason


def audit_dataset(asked: AuditRequest) -> Audit:
    """Load every config of a dataset and audit each of its text columns.

    An error of `datasets` is returned in `trouble`, not raised.
    """
    columns: list[Column] = []
    issues: list[Issue] = []
    skipped: dict[str, str] = {}
    try:
        for config in datasets.get_dataset_config_names(asked.path, revision=asked.revision):
            loaded = datasets.load_dataset(asked.path, config, revision=asked.revision)
            title = "" if config == "default" else f"{config}."
            if len(loaded) < 2:
                skipped[config] = "it has one split"
                continue
            for name, values in _columns(loaded):
                reason = skip_reason(values)
                if reason:
                    skipped[f"{title}{name}"] = reason
                    continue
                column, leak_issues = audit(f"{title}{name}", values)
                columns.append(column)
                issues += leak_issues
    except Exception as error:  # noqa: BLE001 - whatever datasets raises is for the user to read
        return Audit(trouble=f"{type(error).__name__}: {error}".split("\n")[0])
    return Audit(tuple(columns), skipped, tuple(issues))


def _columns(loaded: datasets.DatasetDict) -> Iterator[tuple[str, dict[str, list[str]]]]:
    """Yield each string column with its values by split; token columns only if no string column holds texts."""
    features: Mapping[str, Any] = next(iter(loaded.values())).features
    plain = [name for name, kind in features.items() if getattr(kind, "dtype", "") in {"string", "large_string"}]
    tokens = [name for name, kind in features.items() if isinstance(kind, datasets.List) and
              getattr(kind.feature, "dtype", "") in {"string", "large_string"}]  # fmt: skip
    for name in plain:
        yield name, {split: [value or "" for value in rows[name]] for split, rows in loaded.items()}
    for name in () if any(skip_reason({"": list(next(iter(loaded.values()))[n])}) is None for n in plain) else tokens:
        yield (
            name,
            {split: [" ".join(filter(None, value or ())) for value in rows[name]] for split, rows in loaded.items()},
        )


def main() -> None:
    """Audit the dataset named on stdin and write the result to stdout."""
    asked = from_plain(AuditRequest, json.loads(sys.stdin.read()))
    with contextlib.redirect_stdout(sys.stderr):
        result = audit_dataset(asked)
    json.dump(to_plain(result), sys.stdout)


if __name__ == "__main__":
    main()
