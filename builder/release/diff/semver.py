"""The number that a release must have, by what changed since the one before it.

As semantic versions and TFDS have it: whoever pins `1.*` never meets another label, text or split for a row that
was there. Pure; opening the earlier release is opening.py's affair.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from builder.records import KhabarError, Takedown, user_error
from builder.release.diff.changelog import changelog, section
from builder.release.diff.compare import Side, compare, side_of
from builder.release.diff.records import About, ColumnCount, Diff
from builder.release.tables.build import Tables, non_empty
from builder.schema.dataset import Dataset


def check_version(version: str) -> None:
    """Raise Refused (exit code 2) for what is not three numbers with points."""
    if numbers(version) is None:
        raise user_error("version", f"{version!r} is not a version: three numbers with points", fix="such as 1.0.0")


Level = Literal["major", "minor", "patch"]

LEVELS: tuple[Level, ...] = ("patch", "minor", "major")

VERSION = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")

METADATA = frozenset({
    "title", "source", "source_name", "author", "url", "published_at", "published_zone", "document_id", "part", "profile", "split_group",
    "target_name", "n_annotators", "adjudicated", "confidence", "seconds", "guideline", "schema", "remark",
})  # fmt: skip
"""Columns, and fields of spans, that say where a row is from or what it rests on; every other one is data."""

FOLLOWING = frozenset({
    "text", "text_sha", "spans.start", "spans.end", "spans.label", "spans.text", "spans.raw_start", "spans.raw_end",
    "tokens", "token_spans.start", "token_spans.end", "ner_tags", "ner_tags_inner", "stance",
})  # fmt: skip
"""Columns that change with a text, a span or a stance, which are told of themselves."""


def numbers(version: str) -> tuple[int, int, int] | None:
    """The three numbers of a version, or None.

    >>> numbers("1.20.3"), numbers("1.2")
    ((1, 20, 3), None)
    """
    found = VERSION.fullmatch(version)
    return (int(found[1]), int(found[2]), int(found[3])) if found else None


def order(version: str) -> tuple[int, int, int]:
    """What versions are sorted by; what is none comes first."""
    return numbers(version) or (-1, -1, -1)


def _others(diff: Diff) -> list[ColumnCount]:
    """Columns of data whose change nothing else tells of."""
    told = diff.texts or diff.spans or any(one.kind == "changed" for one in diff.stances)
    return [
        column
        for column in diff.columns
        if column.column.rsplit(".", 1)[-1] not in METADATA
        and column.config != "annotations"
        and not (told and column.column in FOLLOWING)
    ]


def smallest(earlier: str, step: Level) -> str:
    """The smallest number that is a large enough step; below 1.0.0 each step is one place lower.

    Raises ValueError for what is not a version.

    >>> smallest("1.2.3", "major"), smallest("1.2.3", "minor"), smallest("0.2.3", "major"), smallest("0.2.3", "minor")
    ('2.0.0', '1.3.0', '0.3.0', '0.2.4')
    """
    found = numbers(earlier)
    if found is None:
        raise ValueError(earlier)
    major, minor, patch = found
    if step == "patch" or (step == "minor" and not major):
        return f"{major}.{minor}.{patch + 1}"
    return f"{major}.{minor + 1}.0" if step == "minor" or not major else f"{major + 1}.0.0"


def refuse_too_small(diff: Diff) -> None:
    """Raise Refused (exit code 2) where the new version's number hides what changed."""
    found = reasons(diff)
    step = level(found)
    least = smallest(diff.old.version, step)
    if order(diff.new.version) >= order(least):
        return
    asked = [reason for reason in found if reason.level == step]
    what = ", ".join(f"{reason.count:,} {reason.what}" for reason in asked) or "nothing but the card or metadata"
    raise user_error(
        "version",
        f"{diff.new.version} is too small a step from {diff.old.version}: {what}; that is a {step} change",
        fix=f"build {least}, or any higher number; `khabar diff` shows each change",
    )


def refuse_backwards(version: str, known: Sequence[str]) -> None:
    """Raise Refused (exit code 2) where a later version of these is there already."""
    highest = max(known, key=order, default=version)
    if order(version) < order(highest):
        raise _backwards(version, highest)


def _backwards(version: str, highest: str) -> KhabarError:
    return user_error("version", f"{version} goes backwards: {highest} was built already",
                  fix=f"build a number above {highest}; if that was never published, delete its folder in dist/ "
                  "and its line in annotations/releases.jsonl")  # fmt: skip


def step(
    earlier: tuple[Side, str] | None,
    version: str,
    dataset: Dataset,
    tables: Tables,
    card: str,
    takedowns: Sequence[Takedown],
) -> tuple[str, dict[str, str]]:
    """The changelog of a version, and the input that the earlier release is: its manifest's sha256, as `since`.

    `earlier` is the release before it with its changelog, or None for the first. Raises Refused (exit code 2)
    where the number is too small a step for what changed.
    """
    if earlier is None:
        return changelog(section(version, tables)), {}
    before, said = earlier
    now = side_of(About(version, dataset.repo_id, "", dataset.text), non_empty(tables), card)
    diff = compare(before, now)
    refuse_too_small(diff)
    return changelog(section(version, tables, diff, takedowns), said), {"since": before.about.manifest}


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that changed, how often, and the least step that it asks for."""

    level: Level
    what: str
    count: int


def reasons(diff: Diff) -> list[Reason]:
    """All that asks for a major or a minor step, with its counts; nothing of it: a patch is enough."""
    judged = [one for one in diff.judgements if one.kind == "changed" and not METADATA.issuperset(one.columns)]
    # A new field of a list changes the column that holds it.
    fresh = [one for one in diff.features if not one.old and "." not in one.column]
    major = [
        (len(diff.features) - len(fresh), "columns changed"),
        (sum(tally.removed for tally in diff.rows), "rows removed"),
        (sum(tally.moved_in for tally in diff.rows), "rows in another split"),
        (len(diff.texts), "texts changed"),
        (len(diff.spans), "spans changed"),
        (sum(one.kind == "changed" for one in diff.stances), "stances changed"),
        (len(judged), "judgements changed"),
        *((column.rows, f"rows of {column.config} with another {column.column}") for column in _others(diff)),
    ]
    minor = [(len(fresh), "columns added"), (sum(tally.added for tally in diff.rows), "rows added")]
    found = [Reason("major", what, count) for count, what in major if count]
    return found + [Reason("minor", what, count) for count, what in minor if count]


def level(found: Sequence[Reason]) -> Level:
    """The least step that all of these allow."""
    return max((reason.level for reason in found), key=LEVELS.index, default="patch")
