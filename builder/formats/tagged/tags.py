"""What tags mean: the edge and the label of each distinct tag, and the tags that the map does not know."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from builder.schema.importing import UNDECIDED, ImportMap, RepairKind

EDGES = {"iob1": "BI", "iob2": "BI", "bioes": "BIES", "bilou": "BILU", "bare": ""}
"""The letters before the label in each scheme."""

ALIKE = {"U": "S", "L": "E"}
"""Letters of BILOU that mean the same as one of BIOES."""

OUTSIDE, NOT_ANNOTATED = "outside", "not annotated"

SEPARATOR = re.compile(r"[-_\N{NON-BREAKING HYPHEN}\N{HYPHEN}\N{EN DASH}\N{MINUS SIGN}]+")


@dataclass(frozen=True, slots=True)
class Tag:
    """One distinct tag. `edge` is B, I, E, S, OUTSIDE, NOT_ANNOTATED, or empty for a tag of no scheme.

    `label` is the published label, and `repair` what had to be repaired to read it.
    """

    written: str
    edge: str
    label: str = ""
    repair: RepairKind | None = None
    odd: bool = False
    """Whether the map's `tags` says what it means."""


def parse_tags(written: Sequence[str], rules: ImportMap) -> list[Tag]:
    """Return the meaning of each tag.

    >>> from builder.schema.dataset import Licence
    >>> rules = ImportMap(format=1, name="x", source="x", licence=Licence(text="cc0-1.0", annotations="cc0-1.0"), citation="x")
    >>> [(tag.edge, tag.label) for tag in parse_tags(["B-PER", "O", "OO"], rules)]
    [('B', 'PER'), ('outside', ''), ('', '')]
    """
    return [_meant(tag, rules) for tag in written]


def _meant(written: str, rules: ImportMap) -> Tag:
    """Return the meaning of a tag, after the map's `tags`."""
    if written not in rules.tags:
        return parse_tag(written, rules)
    meant = rules.tags[written]
    if meant is None:
        return Tag(written, OUTSIDE, odd=True)
    if meant == UNDECIDED:
        return Tag(written, "", odd=True)
    found = parse_tag(meant, rules)
    return Tag(written, found.edge, found.label, found.repair, odd=True)


def parse_tag(written: str, rules: ImportMap) -> Tag:
    """Return the meaning of a tag in the map's scheme."""
    form = rules.conll
    if written == form.outside:
        return Tag(written, OUTSIDE)
    if written in form.not_annotated:
        return Tag(written, NOT_ANNOTATED)
    letters = EDGES[form.scheme]
    if not letters:
        return Tag(written, "I" if written in rules.labels else "", written)
    head, mark, label = written[:1], written[1:2], written[2:]
    if head in letters and mark == "-" and label and not SEPARATOR.match(label):
        return Tag(written, ALIKE.get(head, head), label)
    return _repaired(written, letters)


def _repaired(written: str, letters: str) -> Tag:
    """Return what a tag with another separator or a small letter means, with the kind of the repair."""
    head, rest = written[:1], written[1:]
    mark = SEPARATOR.match(rest)
    label = rest[mark.end() :] if mark else ""
    if not label or head.upper() not in letters:
        return Tag(written, "")
    kind: RepairKind = "case" if head.islower() else "separator"
    return Tag(written, ALIKE.get(head.upper(), head.upper()), label, kind)


def suggest(written: str, known: Mapping[str, int]) -> str:
    """Return the known tag that an odd one most likely means, or UNDECIDED.

    >>> suggest("I--ORG", {"I-ORG": 9}), suggest("OO", {"O": 99}), suggest("B-ENGLISH", {"B-PER": 9})
    ('I-ORG', 'O', '?')
    """
    plain = re.sub(r"(.)\1+", r"\1", written.strip("`'\". "))
    found = [tag for tag in known if re.sub(r"(.)\1+", r"\1", tag) == plain and tag != written]
    return max(found, key=lambda tag: known[tag]) if found else UNDECIDED
