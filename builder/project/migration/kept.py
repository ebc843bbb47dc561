"""The kept versions of labels.yaml, and whether it changed since the last of them. Reads no annotation."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from builder.annotation.migration.plan import plan
from builder.annotation.migration.versions import NOTHING
from builder.io.plain import from_plain
from builder.project.project import Project
from builder.records import LabelVersion, user_error


def schemas_folder(project: Project) -> Path:
    """Return the folder of what pages offered under each version of labels.yaml."""
    return project.annotations / "schemas"


def read_versions(project: Project) -> dict[str, LabelVersion]:
    """Read what pages offered under each version of labels.yaml; raises KhabarError for a malformed file."""
    return project.once("label versions", lambda: {one.version: one for one in _read_versions(project)})


def _read_versions(project: Project) -> Iterator[LabelVersion]:
    for path in sorted(schemas_folder(project).glob("*.json")):
        try:
            yield from_plain(LabelVersion, json.loads(path.read_bytes()))
        except (ValueError, ValidationError):
            fix = "restore the file from git"
            raise user_error("record", "not a version of labels.yaml", where=str(path), fix=fix) from None


def is_pending(project: Project) -> bool:
    """Return whether labels.yaml has a step that was not taken, as far as the kept versions tell."""
    versions, schema = read_versions(project), project.schema
    return bool(versions) and schema.label_hash not in versions and plan(schema.labels, versions, NOTHING).pending
