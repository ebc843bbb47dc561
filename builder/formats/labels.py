"""What the map makes of published labels, and the errors for those that it does not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.formats.published import sighting
from builder.formats.tags import OUTSIDE, Tag
from builder.records import Issue
from builder.schema.importing import UNDECIDED, ImportMap

Places = Mapping[int, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Fate:
    """The label of labels.yaml that a published one becomes; None if its mentions are left out."""

    target: str | None

    @property
    def left_out(self) -> bool:
        """Return whether mentions of the label are left out."""
        return self.target is None


def fates(labels: Sequence[str], rules: ImportMap) -> list[Fate]:
    """Return what becomes of each published label."""
    return [Fate(rules.labels.get(label)) for label in labels]


def unknown_label(label: str, seen: str, where: str, rules: ImportMap, known: Sequence[str]) -> Issue | None:
    """Return an error for a published label without a label of labels.yaml, or None; `seen` is its count and places."""
    target = rules.labels.get(label, UNDECIDED)
    if target is None or target in known:
        return None
    names = ", ".join(known)
    if target == UNDECIDED:
        message = f"the label {label!r} is not mapped: {seen}"
        fix = f"write `{label}: NAME` under `labels:` in the map (one of {names}), or `{label}: null` to leave it out"
    else:
        message = f"the label {label!r} is mapped to {target!r}, which schema/labels.yaml does not have: {seen}"
        fix = f"add {target} to schema/labels.yaml, or map {label} to one of {names}"
    return Issue("error", "unmapped", message, where, fix)


def unmapped(
    tags: Sequence[Tag], counts: Sequence[int], places: Places, rules: ImportMap, known: Sequence[str]
) -> list[Issue]:  # fmt: skip
    """Return an error for each tag of no scheme, and for each label that is not mapped to a known one."""
    issues: list[Issue] = []
    of_label: dict[str, list[int]] = {}
    for code, tag in enumerate(tags):
        if not tag.edge:
            seen = sighting(places[code], int(counts[code]))
            message = (
                f"the tag {tag.written!r} is none of scheme {rules.conll.scheme}: {_said(seen.count, seen.said())}"
            )
            fix = f"say what it means under `tags:` in the map, such as `{tag.written!r}: O`, or name another scheme"
            issues.append(Issue("error", "unmapped", message, seen.places[0], fix))
        elif tag.label:
            of_label.setdefault(tag.label, []).append(code)
    for label, codes in sorted(of_label.items()):
        found = [place for code in codes for place in places.get(code, ())]
        count = int(sum(counts[code] for code in codes))
        seen = sighting(found, count)
        issue = unknown_label(label, _said(count, seen.said()), seen.places[0] if found else "", rules, known)
        issues += [issue] if issue else []
    return issues


def tag_issues(tags: Sequence[Tag], counts: Sequence[int], places: Places) -> list[Issue]:
    """Return a warning for each odd tag: its lines, its count and what became of it."""
    return [
        Issue("warning", "odd-tag", f"{tag.written!r} {_said(int(counts[code]), ', '.join(places[code]))}: {_became(tag)}",
              places[code][0])
        for code, tag in enumerate(tags) if tag.odd
    ]  # fmt: skip


def _became(tag: Tag) -> str:
    return "taken for no mention" if tag.edge == OUTSIDE else f"taken for {tag.edge}-{tag.label}"


def _said(count: int, places: str) -> str:
    return f"{count:,} time{'s' * (count != 1)} ({places})"
