"""Semantic versioning of releases: the version step that the changes since the earlier release require.

The rules follow semantic versioning and TensorFlow Datasets. For a reader who pins `1.*`, no label, text or split of an
existing row ever changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from builder.records import KhabarError, user_error
from builder.release.diff.changelog import Removals, changelog, section
from builder.release.diff.compare import ReleaseView, compare, side_of
from builder.release.diff.records import ColumnCount, Diff, ReleaseId
from builder.release.diff.version import parse_version, version_key
from builder.release.tables.build import Tables, non_empty
from builder.schema.dataset import Dataset

Level = Literal["major", "minor", "patch"]

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")

METADATA = frozenset({
    "title", "source", "source_name", "author", "url", "published_at", "published_zone", "document_id", "part", "profile", "split_group",
    "target_name", "question_name", "n_annotators", "adjudicated", "confidence", "seconds", "guideline", "schema", "remark",
    "labels_asked",
})  # fmt: skip
"""Columns, and fields of spans, with the origin or basis of a row, whose change is a patch; all others are data."""

FOLLOWING = frozenset({
    "text", "text_sha", "spans.start", "spans.end", "spans.label", "spans.text", "spans.raw_start", "spans.raw_end",
    "tokens", "token_spans.start", "token_spans.end", "ner_tags", "ner_tags_inner", "stance",
})  # fmt: skip
"""Columns that change together with a text, span or stance, whose change is counted already."""


def _others(diff: Diff) -> list[ColumnCount]:
    """List the changed data columns that no other kind of change counts."""
    counted = diff.texts or diff.spans or any(stance.kind == "changed" for stance in diff.stances)
    return [
        column
        for column in diff.columns
        if column.column.rsplit(".", 1)[-1] not in METADATA
        and column.config != "annotations"
        and not (counted and column.column in FOLLOWING)
    ]


def next_version(earlier: str, bump: Level) -> str:
    """Return the smallest version that is this bump above an earlier one; below 1.0.0 each bump is one place lower.

    Raises ValueError if `earlier` is not a version.

    >>> next_version("1.2.3", "major"), next_version("1.2.3", "minor"), next_version("0.2.3", "major"), next_version("0.2.3", "minor")
    ('2.0.0', '1.3.0', '0.3.0', '0.2.4')
    """
    parsed = parse_version(earlier)
    if parsed is None:
        raise ValueError(earlier)
    major, minor, patch = parsed.major, parsed.minor, parsed.patch
    if bump == "patch" or (bump == "minor" and not major):
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0" if bump == "minor" or not major else f"{major + 1}.0.0"


def check_version_step(diff: Diff) -> None:
    """Raise KhabarError (exit code 2) if the step to the new version is smaller than the changes require."""
    changes = reasons(diff)
    bump = level(changes)
    least = next_version(diff.old.version, bump)
    if version_key(diff.new.version) >= version_key(least):
        return
    decisive = [reason for reason in changes if reason.level == bump]
    what = ", ".join(f"{reason.count:,} {reason.what}" for reason in decisive) or "at most the card or metadata changed"
    raise user_error(
        "version",
        f"{diff.new.version} requires a {bump} version bump from {diff.old.version}: {what}",
        fix=f"build {least}, or any higher version; `khabar diff` shows each change",
    )


def refuse_backwards(version: str, known: Sequence[str]) -> None:
    """Raise KhabarError (exit code 2) if one of the known versions is higher."""
    highest = max(known, key=version_key, default=version)
    if version_key(version) < version_key(highest):
        raise _backwards(version, highest)


def _backwards(version: str, highest: str) -> KhabarError:
    return user_error("version", f"{version} goes backwards: {highest} was built already",
                  fix=f"build a version above {highest}; if that was never published, delete its folder in dist/ "
                  "and its line in annotations/releases.jsonl")  # fmt: skip


def make_changelog(
    earlier: tuple[ReleaseView, str] | None,
    version: str,
    dataset: Dataset,
    tables: Tables,
    card: str,
    removed: Removals,
) -> tuple[str, dict[str, str]]:
    """Return the changelog of a version, and its additional build inputs.

    `earlier` is the earlier release with its changelog, or None for the first version. The inputs are the sha256 of the
    earlier release's manifest under `since`, or empty. Raises KhabarError (exit code 2) if the version step is smaller than
    the changes require.
    """
    if earlier is None:
        return changelog(section(version, tables)), {}
    before, history = earlier
    now = side_of(ReleaseId(version, dataset.repo_id, "", dataset.text), non_empty(tables), card)
    diff = compare(before, now)
    check_version_step(diff)
    return changelog(section(version, tables, diff, removed), history), {"since": before.about.manifest}


@dataclass(frozen=True, slots=True)
class Reason:
    """A kind of change, its count, and the smallest version step that it requires."""

    level: Level
    what: str
    count: int


def reasons(diff: Diff) -> list[Reason]:
    """List the changes that require a major or minor step, with their counts; an empty list allows a patch."""
    judged = [
        change for change in diff.judgements if change.kind == "changed" and not METADATA.issuperset(change.columns)
    ]
    # A new field of a list changes the column that holds it.
    fresh = [change for change in diff.features if not change.old and "." not in change.column]
    major = [
        (len(diff.features) - len(fresh), "columns changed"),
        (sum(tally.removed for tally in diff.rows), "rows removed"),
        (sum(tally.moved_in for tally in diff.rows), "rows in another split"),
        (len(diff.texts), "texts changed"),
        (len(diff.spans), "spans changed"),
        (sum(stance.kind == "changed" for stance in diff.stances), "stances changed"),
        (len(judged), "judgements changed"),
        *((column.rows, f"rows of {column.config} with another {column.column}") for column in _others(diff)),
    ]
    minor = [(len(fresh), "columns added"), (sum(tally.added for tally in diff.rows), "rows added")]
    required = [Reason("major", what, count) for count, what in major if count]
    return required + [Reason("minor", what, count) for count, what in minor if count]


def level(required: Sequence[Reason]) -> Level:
    """Return the largest step that any of these reasons requires."""
    return max((reason.level for reason in required), key=LEVELS.index, default="patch")
