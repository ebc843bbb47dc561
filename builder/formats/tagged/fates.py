"""What the map makes of published tags and labels, and the errors for those that it does not know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.formats.labels import unknown_label
from builder.formats.published import sighting
from builder.formats.tagged.tags import OUTSIDE, Tag
from builder.records import Issue
from builder.schema.importing import ImportMap

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


def unmapped(
    tags: Sequence[Tag], counts: Sequence[int], places: Places, rules: ImportMap, known: Sequence[str]
) -> list[Issue]:  # fmt: skip
    """Return an error for each tag of no scheme, and for each label that is not mapped to a known one."""
    issues: list[Issue] = []
    of_label: dict[str, list[int]] = {}
    for code, tag in enumerate(tags):
        if not tag.edge:
            seen = sighting(places[code], int(counts[code]))
            message = f"the tag {tag.written!r} is none of scheme {rules.conll.scheme}: {seen.said()}"
            fix = f"say what it means under `tags:` in the map, such as `{tag.written!r}: O`, or name another scheme"
            issues.append(Issue("error", "unmapped", message, seen.places[0], fix))
        elif tag.label:
            of_label.setdefault(tag.label, []).append(code)
    for label, codes in sorted(of_label.items()):
        found = [place for code in codes for place in places.get(code, ())]
        count = int(sum(counts[code] for code in codes))
        seen = sighting(found, count)
        issue = unknown_label(label, seen.said(), seen.places[0] if found else "", rules, known)
        issues += [issue] if issue else []
    return issues


def tag_issues(tags: Sequence[Tag], counts: Sequence[int], places: Places) -> list[Issue]:
    """Return a warning for each odd tag: its lines, its count and what became of it."""
    return [
        Issue("warning", "odd-tag", f"{tag.written!r}: {sighting(places[code], int(counts[code])).said()}, {_became(tag)}",
              places[code][0])
        for code, tag in enumerate(tags) if tag.odd
    ]  # fmt: skip


def _became(tag: Tag) -> str:
    return "taken for no mention" if tag.edge == OUTSIDE else f"taken for {tag.edge}-{tag.label}"
