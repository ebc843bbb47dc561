"""Versions of labels.yaml: what one offers, which is the latest, and their names after a migration."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from builder.io.hashing import sha16
from builder.records import LAYERS, LabelVersion, LabelVersions, Layer, OfferedName
from builder.schema.labels import EntityType, Labels, StanceTarget, StanceValue

Named = EntityType | StanceTarget | StanceValue

Renames = Mapping[Layer, Mapping[str, str]]
"""The new name of each name of a layer that gets another one."""


@dataclass(frozen=True, slots=True)
class NamesUsed:
    """How many spans or answers have each name, and the names that no page of their judgements' versions showed."""

    counts: Mapping[Layer, Counter[str]]
    foreign: Mapping[Layer, Collection[str]]


NOTHING = NamesUsed({layer: Counter() for layer in LAYERS}, dict.fromkeys(LAYERS, ()))
"""No annotation has a name."""


def in_use(labels: Labels, layer: Layer) -> Sequence[Named]:
    """Return the labels of a layer that pages offer."""
    if layer == "entities":
        return labels.entities
    if labels.stances is None:
        return ()
    return labels.stances.targets if layer == "targets" else labels.stances.values


def retired(labels: Labels, layer: Layer) -> Sequence[Named]:
    """Return the retired labels of a layer."""
    if layer == "entities":
        return labels.retired_entities
    if labels.stances is None:
        return ()
    return labels.stances.retired_targets if layer == "targets" else labels.stances.retired_values


def every(labels: Labels, layer: Layer) -> Sequence[Named]:
    """Return all labels of a layer, those in use first."""
    return (*in_use(labels, layer), *retired(labels, layer))


def version_of(labels: Labels, label_hash: str, number: int) -> LabelVersion:
    """Return what pages offer under a labels.yaml."""
    entities, targets, values = (tuple(_offered(one) for one in in_use(labels, layer)) for layer in LAYERS)
    return LabelVersion(label_hash, number, entities, targets, values, tuple(one.id for one in labels.questions))


def _offered(one: Named) -> OfferedName:
    told = one.definition if isinstance(one, EntityType) else one.ar
    return OfferedName(one.name, one.name, sha16(told), one.formerly)


def latest(versions: LabelVersions) -> LabelVersion | None:
    """Return the version that was used last, or None if none is known."""
    return max(versions.values(), key=lambda one: (one.number, one.version), default=None)


def with_new_names(version: LabelVersion, renames: Renames) -> LabelVersion:
    """Return a version with the names that its labels have after a migration."""
    entities, targets, values = (
        tuple(replace(one, name=renames[layer].get(one.name, one.name)) for one in version.layer(layer))
        for layer in LAYERS
    )
    return replace(version, entities=entities, targets=targets, values=values)


def past_names(versions: LabelVersions, layer: Layer) -> Mapping[str, Collection[str]]:
    """Return the present names of what pages ever showed under a name."""
    found: dict[str, set[str]] = {}
    for version in versions.values():
        for one in version.layer(layer):
            found.setdefault(one.shown, set()).add(one.name)
            for old in one.formerly:
                found.setdefault(old, set()).add(one.name)
    return found
