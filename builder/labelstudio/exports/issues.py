"""Issues about many tasks or results of an export at once: one for each cause, with its number. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from builder.records import Issue, Judgement
from builder.schema.labels import Labels

SHOWN = 5
"""Maximum number of places that an issue names."""

_MESSAGES = {
    "not-a-task": (
        "is not a task with `data`", "are not tasks with `data`",
        "in Label Studio choose Export, then JSON",
    ),
    "no-annotations": (
        "has no list of annotations", "have no list of annotations",
        "export again with annotations, or remove the task from the export",
    ),
    "unmatched-task": (
        "no article of the batch has this task's article_id, or its text as raw or cleaned text",
        "match no article of the batch by article_id, raw text or cleaned text",
        "ingest, clean and sample the texts that were annotated, or remove the task from the export",
    ),
}  # fmt: skip
"""For each reason to pass over a task: the message for one, the message for several, and what to do."""


@dataclass(slots=True)
class PassedTasks:
    """The tasks of an export that were passed over, by reason, and the number of their annotations."""

    numbers: Counter[str] = field(default_factory=Counter)
    places: dict[str, list[str]] = field(default_factory=dict)
    annotations: int = 0

    def add(self, reason: str, where: str, annotations: int = 0) -> None:
        """Count a task."""
        self.numbers[reason] += 1
        self.annotations += annotations
        places = self.places.setdefault(reason, [])
        if len(places) < SHOWN:
            places.append(where)

    def issues(self) -> list[Issue]:
        """Return a warning for each reason."""
        return [_warning(reason, self.numbers[reason], self.places[reason]) for reason in sorted(self.places)]


def _warning(reason: str, number: int, places: list[str]) -> Issue:
    one, several, fix = _MESSAGES[reason]
    more = f" and {number - len(places):,} more" if number > len(places) else ""
    message = one if number == 1 else f"{number:,} tasks {several}"
    return Issue("warning", reason, message, ", ".join(places) + more, fix)


def unused_results(numbers: Mapping[str, int]) -> list[Issue]:
    """Return a warning for each type of result that the project does not use, with the number of results."""
    fix = "if the project should have them, ask for them in schema/labels.yaml; khabar reads spans, choices, remarks and relations"
    return [
        Issue(
            "warning",
            "unused-result",
            f"the {kind} is not used by this project; results left out: {number:,}",
            fix=fix,
        )
        for kind, number in sorted(numbers.items())
    ]


def unknown_labels(judgements: Iterable[Judgement], labels: Labels) -> list[Issue]:
    """Return a warning for each label that labels.yaml lacks, with the number of its spans."""
    counts = Counter(span.label for judgement in judgements for span in judgement.spans)
    fix = f"rename it in the export, or add it to schema/labels.yaml, which has {', '.join(labels.entity_names)}"
    return [
        Issue("warning", "unknown-label", f"{label!r} is not a label of this project; spans that have it: {number:,}", fix=fix)
        for label, number in sorted(counts.items())
        if label not in labels.entity_names
    ]  # fmt: skip
