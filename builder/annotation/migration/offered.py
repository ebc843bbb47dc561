"""What pages asked: the labels and targets that each judgement's page offered, by the version that it names."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from builder.annotation.migration.rename import Rewritten, rename_answers
from builder.annotation.migration.versions import Renames
from builder.io.plain import from_plain, to_plain
from builder.records import LAYERS, Decision, Judgement, LabelVersions, Layer, PublishedAnnotation
from builder.schema.labels import Labels


@dataclass(frozen=True, slots=True)
class Offers:
    """The labels and targets that pages offered, by the version of labels.yaml that judgements name.

    A version that is not known offered everything, as in projects of earlier versions of khabar.
    """

    labels: Mapping[str, frozenset[str]] = field(default_factory=dict)
    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    every_target: frozenset[str] = frozenset()

    def lacks(self, version: str, names: Iterable[str]) -> frozenset[str]:
        """Return the labels among these that a version's pages did not offer."""
        offered = self.labels.get(version)
        return frozenset() if offered is None else frozenset(names) - offered

    def unasked(self, version: str) -> frozenset[str]:
        """Return the targets in use that a version's pages did not ask about."""
        return self.every_target - self.targets.get(version, self.every_target)

    def voters(self, voters: Sequence[Judgement], answers: Mapping[str, set[str]], least: int) -> Sequence[Judgement]:
        """Return the annotators who were asked for every label that anybody gave, or all where those are too few.

        `answers` has the labels of each annotator. Who gave a label was asked for it.
        """
        if not self.labels:
            return voters
        names = {label for given in answers.values() for label in given}
        asked = [one for one in voters if not self.lacks(one.schema, names - answers.get(one.annotator, set()))]
        return asked if len(asked) >= least else voters

    def asked(self, voters: Iterable[Judgement], target: str) -> list[Judgement]:
        """Return the annotators who were asked about a target."""
        return [one for one in voters if target not in self.unasked(one.schema)]


EVERYTHING = Offers()


def asked_of(
    judgements: Iterable[Judgement], offers: Offers, labels: Sequence[str], least: int
) -> dict[str, list[str]]:
    """Return the labels that at least so many annotators of each article were asked for, in the order of labels.yaml.

    It is empty where every article was asked for every label. Of an article with fewer annotators all must be asked.
    """
    if not offers.labels:
        return {}
    voters: dict[str, list[Judgement]] = {}
    for one in judgements:
        voters.setdefault(one.article_id, []).append(one)
    found = {}
    for article, own in voters.items():
        lacking = Counter(name for one in own for name in _lacking(one, offers, labels))
        found[article] = [name for name in labels if len(own) - lacking[name] >= min(least, len(own))]
    return found if any(len(asked) < len(labels) for asked in found.values()) else {}


def _lacking(judgement: Judgement, offers: Offers, labels: Sequence[str]) -> Collection[str]:
    """Return the labels that a judgement was not asked for. One that it has was asked for."""
    return offers.lacks(judgement.schema, labels) - {span.label for span in judgement.spans}


UNASKED = "label not asked of enough annotators"
"""Reason for leaving a span out of the votes."""


@dataclass(frozen=True, slots=True)
class AskedJudgements:
    """Judgements without spans of labels that too few annotators were asked for, and the number of distinct ones."""

    judgements: list[Judgement]
    left_out: int = 0


def without_unasked(
    judgements: Sequence[Judgement], offers: Offers, labels: Sequence[str], least: int
) -> AskedJudgements:
    """Leave out the spans of labels that fewer than `least` annotators of their article were asked for."""
    asked = {article: frozenset(names) for article, names in asked_of(judgements, offers, labels, least).items()}
    if not asked:
        return AskedJudgements([*judgements])
    kept = [
        replace(one, spans=tuple(span for span in one.spans if span.label in asked[one.article_id]))
        for one in judgements
    ]
    gone = {
        (one.article_id, span.start, span.end, span.label)
        for one in judgements
        for span in one.spans
        if span.label not in asked[one.article_id]
    }
    return AskedJudgements(kept, len(gone))


def offers_of(versions: LabelVersions, labels: Labels) -> Offers:
    """Return what the versions offered of the labels in use; versions that offered all of them are left out."""
    names, targets = frozenset(labels.entity_names), frozenset(labels.target_ids)
    offered = {key: version.now("entities") & names for key, version in versions.items()}
    asked = {key: version.now("targets") & targets for key, version in versions.items()}
    return Offers(
        {key: found for key, found in offered.items() if found != names},
        {key: found for key, found in asked.items() if found != targets},
        targets,
    )


Answers = Judgement | Decision | PublishedAnnotation


@dataclass(frozen=True, slots=True)
class NamesUsed:
    """How many spans or answers have each name, and the names that no page of their judgements' versions showed."""

    counts: Mapping[Layer, Counter[str]]
    foreign: Mapping[Layer, Collection[str]]


def names_used(records: Iterable[Answers], versions: LabelVersions) -> NamesUsed:
    """Count the names that annotations have. A name that only annotations of versions without it have is foreign.

    A decision names no version: any may have shown its names.
    """
    by_version: dict[str, list[Answers]] = {}
    for one in records:
        by_version.setdefault(one.schema if isinstance(one, Judgement) else ANY, []).append(one)
    counts = {layer: Counter[str]() for layer in LAYERS}
    own, foreign = ({layer: set[str]() for layer in LAYERS} for _ in range(2))
    for key, found in by_version.items():
        for layer, count in count_names(found).items():
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


def count_names(records: Iterable[Answers]) -> dict[Layer, Counter[str]]:
    """Count the spans and answers of annotations by their labels, targets and values."""
    counts: dict[Layer, Counter[str]] = {"entities": Counter(), "targets": Counter(), "values": Counter()}
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
