"""Targets and stance values that got another name from one release to the next, as their answers show."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter

from builder.release.diff.records import Diff, LabelTally, StanceChange


@dataclass(frozen=True, slots=True)
class AnswerRename:
    """A target or a stance value under its earlier and its later name, and the number of answers on it or with it."""

    old: str
    new: str
    answers: int


@dataclass(frozen=True, slots=True)
class StanceRenames:
    """The renamed targets and stance values, and the changed answers without those that only have a new name."""

    targets: tuple[AnswerRename, ...]
    values: tuple[AnswerRename, ...]
    others: tuple[StanceChange, ...]


Answers = Mapping[str, Mapping[str, str]]
"""The stance of each article, by target."""


def stance_renames(diff: Diff) -> StanceRenames:
    """Return which targets and stance values have another name, and which answers changed beside.

    A target is renamed if only the earlier release has it, and most of its answers are those on one target that only
    the later release has. A value is renamed if only the earlier release has it, and all answers that had it have one
    value that only the later release has. Merged, split and swapped ones are not renamed.
    """
    tallies = [tally for tally in diff.labels if tally.layer == "stance"]
    changed = [one for one in diff.stances if one.kind == "changed"]
    targets = _targets(diff.stances, tallies, _values(changed, tallies))
    moved = _moved(diff.stances, targets)
    values = _values([*changed, *moved], tallies)
    pairs = {(one.old, one.new) for one in values}
    lone = [one for one in _lone(diff.stances, targets) if (one.old, one.new) not in pairs]
    others = [*lone, *(one for one in moved if one.old != one.new and (one.old, one.new) not in pairs)]
    others.sort(key=attrgetter("article_id", "target", "kind", "old", "new"))
    return StanceRenames(targets, values, tuple(others))


def _targets(
    changes: Iterable[StanceChange], tallies: Iterable[LabelTally], values: Iterable[AnswerRename]
) -> tuple[AnswerRename, ...]:
    """Return the targets that have another name, given the values that have one."""
    kept = [tally.label for tally in tallies if tally.after]
    known = [tally.label for tally in tallies if tally.before]
    named = {one.old: one.new for one in values}
    gone, came = (
        {target: answers for target, answers in _answers(changes, kind).items() if not _holds(labels, f"{target} ")}
        for kind, labels in (("removed", kept), ("added", known))
    )
    alike = {(old, new): _alike(gone[old], came[new], named) for old in gone for new in came}
    return tuple(
        AnswerRename(old, new, len(gone[old].keys() & came[new].keys()))
        for (old, new), number in sorted(alike.items())
        if 2 * number > max(len(gone[old]), len(came[new]))
        and all(other < number for pair, other in alike.items() if (pair[0] == old) != (pair[1] == new))
    )


def _holds(labels: Iterable[str], beginning: str) -> bool:
    return any(label.startswith(beginning) for label in labels)


def _answers(changes: Iterable[StanceChange], kind: str) -> Answers:
    """Return the answers of one kind of change."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for one in changes:
        if one.kind == kind:
            found[one.target][one.article_id] = one.old or one.new
    return found


def _alike(old: Mapping[str, str], new: Mapping[str, str], named: Mapping[str, str]) -> int:
    """Return the number of articles that answer two targets alike."""
    return sum(named.get(old[article], old[article]) == new[article] for article in old.keys() & new.keys())


def _moved(changes: Iterable[StanceChange], targets: Iterable[AnswerRename]) -> list[StanceChange]:
    """Return the answers on renamed targets that both releases have, under the new name, whether they changed or not."""
    gone, came = _answers(changes, "removed"), _answers(changes, "added")
    return [
        StanceChange(article, one.new, "changed", value, came[one.new][article])
        for one in targets
        for article, value in gone[one.old].items()
        if article in came[one.new]
    ]


def _lone(changes: Iterable[StanceChange], targets: Iterable[AnswerRename]) -> list[StanceChange]:
    """Return the changes without those on renamed targets that both releases have; the others have the new name."""
    names = {one.old: one.new for one in targets}
    gone, came = ({(one.article_id, names.get(one.target, one.target)) for one in changes if one.kind == kind}
                  for kind in ("removed", "added"))  # fmt: skip
    both = {(article, target) for article, target in gone & came if target in names.values()}
    named = [replace(one, target=names.get(one.target, one.target)) for one in changes]
    return [one for one in named if one.kind == "changed" or (one.article_id, one.target) not in both]


def _values(changed: Iterable[StanceChange], tallies: Iterable[LabelTally]) -> tuple[AnswerRename, ...]:
    """Return the values that have another name, by the answers that changed."""
    pairs = Counter((one.old, one.new) for one in changed)
    kept = [tally.label for tally in tallies if tally.after]
    known = [tally.label for tally in tallies if tally.before]
    return tuple(
        AnswerRename(old, new, number)
        for (old, new), number in sorted(pairs.items())
        if all(number == other for pair, other in pairs.items() if old == pair[0] or new == pair[1])
        and not any(label.endswith(f" {old}") for label in kept)
        and not any(label.endswith(f" {new}") for label in known)
    )
