"""Labels that got another name from one release to the next, as their spans show."""

from collections import Counter
from dataclasses import dataclass

from builder.release.diff.records import Diff, SpanChange


@dataclass(frozen=True, slots=True)
class LabelRename:
    """A label under its earlier and its later name, and the number of spans that changed nothing else."""

    old: str
    new: str
    spans: int


def label_renames(diff: Diff) -> list[LabelRename]:
    """Return the labels that only the earlier release has, and whose relabelled spans are those of one new label.

    Labels that were merged or split are not renamed.
    """
    pairs = Counter((one.old.label, one.new.label) for one in diff.spans if one.old and one.new and _relabelled(one))
    tallies = {tally.label: tally for tally in diff.labels if tally.layer == "spans"}
    return [
        LabelRename(old, new, spans)
        for (old, new), spans in sorted(pairs.items())
        if (tallies[old].after, tallies[new].before) == (0, 0)
        and tallies[old].relabelled_from == tallies[new].relabelled_to == spans
    ]


def without_renames(diff: Diff) -> list[SpanChange]:
    """Return the changed spans without those that only have the new name of their label."""
    renamed = {one.old for one in label_renames(diff)}
    return [one for one in diff.spans if not (_relabelled(one) and one.old and one.old.label in renamed)]


def _relabelled(change: SpanChange) -> bool:
    return change.kind == "relabelled"
