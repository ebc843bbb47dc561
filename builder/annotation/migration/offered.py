"""What pages asked: the labels and targets that each judgement's page offered, by the version that it names."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from builder.annotation.columns import coded, items
from builder.annotation.migration.rename import Rewritten, rename_answers
from builder.annotation.migration.versions import NamesUsed, Renames
from builder.io.plain import from_plain, to_plain
from builder.records import LAYERS, Decision, Judgement, LabelVersions, Layer, PublishedAnnotation
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True)
class Offers:
    """The labels, targets and questions that pages offered, by the version of labels.yaml that judgements name.

    A version that is not known offered everything, as in projects of earlier versions of khabar.
    """

    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    every_target: frozenset[str] = frozenset()
    new_questions: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The questions on the whole article that were added after a version."""

    def lacks(self, version: str, names: Iterable[str]) -> frozenset[str]:
        """Return the labels among these that a version's pages did not offer."""
        offered = self.labels.get(version)
        return frozenset() if offered is None else frozenset(names) - offered

    def unasked(self, version: str) -> frozenset[str]:
        """Return the targets in use that a version's pages did not ask about."""
        return self.every_target - self.targets.get(version, self.every_target)

    def lacks_question(self, version: str, question: str) -> bool:
        """Return whether a version's pages did not ask a question on the whole article."""
        return question in self.new_questions.get(version, ())


EVERYTHING = Offers()


def offers_of(versions: LabelVersions, labels: Labels) -> Offers:
    """Return what the versions offered of the labels in use; versions that offered all of them are left out."""
    names, targets = frozenset(labels.entity_names), frozenset(labels.target_ids)
    offered = {key: version.now("entities") & names for key, version in versions.items()}
    asked = {key: version.now("targets") & targets for key, version in versions.items()}
    questions = frozenset(question.id for question in labels.questions)
    added = {key: questions.difference(version.questions) for key, version in versions.items()}
    return Offers(
        {key: found for key, found in offered.items() if found != names},
        {key: found for key, found in asked.items() if found != targets},
        targets,
        {key: found for key, found in added.items() if found},
    )


Answers = Decision | PublishedAnnotation
"""Annotations that name no version of labels.yaml."""

Counts = dict[Layer, Counter[str]]
"""How many spans or answers have each name, by layer."""


def names_used(judged: Mapping[str, Counts], others: Iterable[Answers], versions: LabelVersions) -> NamesUsed:
    """Return the names that annotations have; a name that only judgements of versions without it have is foreign.

    `judged` counts those of judgements by version. A decision names no version: any may have shown its names.
    """
    counts = {layer: Counter[str]() for layer in LAYERS}
    own, foreign = ({layer: set[str]() for layer in LAYERS} for _ in range(2))
    for key, found in (*judged.items(), (ANY, count_names(others))):
        for layer, count in found.items():
            shown = _shown(versions, key, layer) if versions else count.keys()
            own[layer] |= count.keys() & (shown if shown is not None else count.keys())
            foreign[layer] |= count.keys() - own[layer]
            counts[layer].update(count)
    return NamesUsed(counts, {layer: foreign[layer] - own[layer] for layer in LAYERS})


ANY = ""
"""Stands for the version of annotations that name none."""


def _shown(versions: LabelVersions, key: str, layer: Layer) -> Collection[str] | None:
    """Return the names that the pages of a version showed, and their present ones; None for an unknown version."""
    if key != ANY and key not in versions:
        return None
    chosen = versions.values() if key == ANY else (versions[key],)
    return {name for version in chosen for one in version.layer(layer) for name in (one.shown, one.name)}


FIELDS: Mapping[Layer, tuple[str, str]] = {
    "entities": ("spans", "label"),
    "targets": ("stances", "target"),
    "values": ("stances", "value"),
}
"""The column of judgements that holds each layer, and the field of its items."""


def count_by_version(tables: Iterable[pa.Table]) -> dict[str, Counts]:
    """Count the spans and answers of judgements by the version they name, and by their labels, targets and values."""
    counts: dict[str, Counts] = {}
    for table in tables:
        versions = coded(table["schema"])
        for version in versions.names:
            counts.setdefault(version, {layer: Counter() for layer in LAYERS})
        for layer, (column, name) in FIELDS.items():
            given = items(table, column)
            names = given.strings(name)
            pairs = np.stack([versions.codes[given.row], names.codes], 1)
            found, times = np.unique(pairs, axis=0, return_counts=True)
            for (version, code), number in zip(found.tolist(), times.tolist(), strict=True):
                counts[versions.names[version]][layer][names.names[code]] += number
    return counts


def count_names(records: Iterable[Answers]) -> Counts:
    """Count the spans and answers of annotations by their labels, targets and values."""
    counts: Counts = {"entities": Counter(), "targets": Counter(), "values": Counter()}
    for one in records:
        counts["entities"].update(span.label for span in one.spans or ())
        counts["targets"].update(stance.target for stance in one.stances)
        counts["values"].update(stance.value for stance in one.stances)
    return counts


def in_present_names(judgement: Judgement, versions: LabelVersions) -> Judgement:
    """Return a judgement that a page of an earlier version gave, with the names that its labels have now."""
    version = versions.get(judgement.schema)
    renames: Renames = {layer: version.renamed(layer) for layer in LAYERS} if version else {}
    if not any(renames.values()):
        return judgement
    return from_plain(Judgement, rename_answers(to_plain(judgement), renames, Rewritten()))
