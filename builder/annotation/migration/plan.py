"""The steps of a migration: what renames, merges, retires and adds a label, worked out from two label sets.

The old set is what annotations use and what pages offered; the new one is labels.yaml with its `formerly` and
`retired`.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from builder.annotation.migration.versions import NamesUsed, every, latest, past_names, retired, version_of
from builder.records import LAYERS, Answer, Issue, LabelVersions, Layer, OfferedName
from builder.schema.labels import Labels

Kind = Literal["rename", "merge", "retire", "add", "split", "change"]

NOUNS: Mapping[Layer, str] = {"entities": "label", "targets": "target", "values": "stance"}

LABELS = "schema/labels.yaml"

MIGRATE = "run `khabar schema migrate`"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: the old and the new name, of which one may be empty, and how many annotations have the old one."""

    kind: Kind
    layer: Layer
    old: str
    new: str
    used: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps from the names of the annotations to those of labels.yaml, and what keeps them from being taken."""

    steps: tuple[Step, ...] = ()
    faults: tuple[Issue, ...] = ()
    gone: tuple[tuple[Layer, str], ...] = ()
    """The names that annotations have, that pages showed, and that labels.yaml no longer has."""
    lost: tuple[Answer, ...] = ()
    """The answers to questions on the whole article that annotations have and labels.yaml no longer has."""

    @property
    def pending(self) -> bool:
        """Return whether annotations and labels.yaml do not fit each other. A changed definition alone fits."""
        return bool(self.faults) or any(step.kind != "change" for step in self.steps)

    def renames(self) -> dict[Layer, dict[str, str]]:
        """Return the new name of each old one, by layer."""
        moved = [step for step in self.steps if step.kind in ("rename", "merge")]
        return {layer: {step.old: step.new for step in moved if step.layer == layer} for layer in LAYERS}


def plan(labels: Labels, versions: LabelVersions, used: NamesUsed) -> Plan:
    """Work out the steps. Nothing is pending where no version is known and no annotation uses a name."""
    parts = [_plan_layer(_names(layer, labels, versions, used)) for layer in LAYERS]
    return Plan(
        tuple(step for part in parts for step in part.steps),
        tuple(fault for part in parts for fault in part.faults),
        tuple(name for part in parts for name in part.gone),
    )


@dataclass(frozen=True, slots=True)
class Rename:
    """An earlier name, and the label whose `formerly` has it."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of one layer: of labels.yaml, of the annotations, and what pages ever showed."""

    layer: Layer
    live: Mapping[str, OfferedName]
    gone: Collection[str]
    """The retired names."""
    used: Counter[str]
    foreign: Collection[str]
    offered: Mapping[str, OfferedName] | None
    """What pages offered last, by its present name; None if no version is known."""
    known: Collection[str]
    past: Mapping[str, Collection[str]]
    fresh: Sequence[Rename]
    """What `formerly` says that no earlier migration did."""
    owners: Mapping[str, Sequence[str]]
    """Who is formerly each name: of a retired one all, as it is split, else those that no earlier migration made."""


def _names(layer: Layer, labels: Labels, versions: LabelVersions, used: NamesUsed) -> _Names:
    last, now = latest(versions), version_of(labels, "", 0)
    offered = {one.name: one for one in last.layer(layer)} if last else None
    said = [*dict.fromkeys(Rename(old, one.name) for one in every(labels, layer) for old in one.formerly)]
    owners, here = _owners(said), {one.name for one in every(labels, layer)}
    applied = {
        Rename(old, name)
        for one in (offered or {}).values()
        for old in one.formerly
        for name in (one.name, *(owners.get(one.name, ()) if one.name not in here else ()))  # its name now, too
    }
    fresh, gone = [one for one in said if one not in applied], frozenset(one.name for one in retired(labels, layer))
    return _Names(
        layer=layer,
        live={one.name: one for one in now.layer(layer)},
        gone=gone,
        used=used.counts[layer],
        foreign=used.foreign[layer],
        offered=offered,
        known=frozenset({*used.counts[layer], *(name for version in versions.values() for name in version.now(layer))}),
        past=past_names(versions, layer),
        fresh=tuple(fresh),
        owners=_owners(fresh) | {old: names for old, names in owners.items() if old in gone},
    )


def _owners(renames: Iterable[Rename]) -> dict[str, list[str]]:
    """Return who is formerly each name."""
    owners: dict[str, list[str]] = {}
    for one in renames:
        owners.setdefault(one.old, []).append(one.new)
    return owners


def _plan_layer(names: _Names) -> Plan:
    """Return the steps and faults of a layer."""
    if not names.known:
        return Plan()
    faults = [fault for one in names.fresh if (fault := _fault(names, one))]
    sound = [one for one in names.fresh if one.old in names.known and not _fault(names, one)]
    split = sorted({one.old for one in sound if len(names.owners[one.old]) > 1})
    moved = {one.old: one.new for one in sound if one.old not in split}
    steps = [_step(names, "merge" if _merges(names, moved, old) else "rename", old, new) for old, new in moved.items()]
    steps += [_step(names, "split", old, "") for old in split]
    late = _late(names, moved)
    moved |= late
    steps += [_step(names, "rename", old, new) for old, new in late.items()]
    settled = {moved.get(name, name) for name in names.known}
    unknown = sorted(name for name in settled - {*names.live, *names.gone, *names.foreign} if names.used[name])
    faults += [_unknown(names, name) for name in unknown]
    steps += _retired(names, moved, settled) + _offered_anew(names, moved)
    return Plan(tuple(steps), tuple(dict.fromkeys(faults)), tuple((names.layer, name) for name in unknown))


def _late(names: _Names, moved: Mapping[str, str]) -> dict[str, str]:
    """Return the present name of each name that an earlier migration took away, and that annotations have all the same.

    They come from a copy of the project where people went on without the migration.
    """
    here = {*names.live, *names.gone}
    unknown = sorted(name for name in names.used if name not in {*here, *moved, *names.foreign})
    became = {name: {moved.get(new, new) for new in names.past.get(name, ())} & here for name in unknown}
    return {name: new for name, found in became.items() if len(found) == 1 for new in found}


def _merges(names: _Names, moved: Mapping[str, str], old: str) -> bool:
    """Return whether annotations of several labels get one name."""
    new = moved[old]
    return (new in names.known and new not in moved) or list(moved.values()).count(new) > 1


def _retired(names: _Names, moved: Mapping[str, str], settled: Collection[str]) -> list[Step]:
    """Return a step for each label that is no longer offered: retired, or never used and not in labels.yaml any more."""
    offered = names.offered
    out = [name for name in sorted(names.gone) if name in settled and (offered is None or name in offered)]
    lost = [name for name in offered or () if name not in {*moved, *names.live, *names.gone} and not names.used[name]]
    return [_step(names, "retire", name, "") for name in (*out, *lost)]


def _offered_anew(names: _Names, moved: Mapping[str, str]) -> list[Step]:
    """Return a step for each label that pages did not offer before, or under another meaning."""
    if names.offered is None:
        return []
    asked = {moved.get(name, name) for name in names.offered}
    # A merge says itself what a label means: only the label that keeps its name may mean something else.
    before = {
        moved.get(name, name): one
        for name, one in names.offered.items()
        if name not in moved or not _merges(names, moved, name)
    }
    steps = [_step(names, "add", "", name) for name in names.live if name not in asked]
    differs = [name for name, one in names.live.items() if name in before and before[name].meaning != one.meaning]
    return steps + [_step(names, "change", before[name].name, name) for name in differs]


def _fault(names: _Names, one: Rename) -> Issue | None:
    """Return what is wrong with one name of `formerly`, or None."""
    owners, noun, old, new = names.owners[one.old], NOUNS[names.layer], one.old, one.new
    if old == new:
        return _issue(f"{noun} {new} is formerly {old}, which is its own name", "take it out of `formerly`", new)
    if len(owners) > 1 and old not in names.gone:
        fix = f"name it under one; to split it, keep {old} with `retired: true`, and its articles are queued again"
        return _issue(f"{' and '.join(owners)} are both formerly {old}", fix, owners[0])
    reused = any(other.new == old for other in names.fresh)
    if len(owners) == 1 and old in {*names.live, *names.gone} and not reused:
        fix = f"take {old} out of the list, or out of `formerly`"
        return _issue(f"{noun} {new} is formerly {old}, and {old} is still in the list", fix, new)
    was_taken = old in names.past and old not in names.past[old]
    return None if old in names.known and not was_taken else _past_fault(names, one)


def _past_fault(names: _Names, one: Rename) -> Issue | None:
    """Return what is wrong with a name that no annotation has now, or None for an earlier link of a chain of renames."""
    moved, noun = {other.old: other.new for other in names.fresh}, NOUNS[names.layer]
    became = sorted(names.past.get(one.old, ()))
    if any(moved.get(name, name) == one.new for name in became):
        return None
    if became:
        message = (
            f"{noun} {one.new} is formerly {one.old}, but an earlier migration made {one.old} {' and '.join(became)}"
        )
        return _issue(message, f"restore `formerly` as it was, or write `formerly: [{became[0]}]`", one.new)
    known = ", ".join(sorted(names.known))
    return _issue(
        f"{noun} {one.new} is formerly {one.old}, which never existed",
        f"correct it, or take it out; known: {known}",
        one.new,
    )


def _unknown(names: _Names, name: str) -> Issue:
    used, noun = names.used[name], NOUNS[names.layer]
    thing = ("span has", "spans have") if names.layer == "entities" else ("answer has", "answers have")
    message = f"{used:,} {thing[used != 1]} the {noun} {name}, which labels.yaml no longer has"
    fix = f"write `formerly: [{name}]` at its new name, or keep it with `retired: true`; then {MIGRATE}"
    return _issue(message, fix)


def _step(names: _Names, kind: Kind, old: str, new: str) -> Step:
    return Step(kind, names.layer, old, new, names.used[old])


def _issue(message: str, fix: str, name: str = "") -> Issue:
    """Return an error of labels.yaml about the entry of this name, whose line the caller fills in."""
    return Issue("error", "labels", message, f"{LABELS}#{name}", fix)
