"""Retired labels, targets and stances: decisions without them, and how many annotations still have each."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from builder.annotation.migration.offered import count_by_version
from builder.records import Decision, Issue, Layer
from builder.schema.labels import Labels


def without_retired(decisions: Sequence[Decision], labels: Labels) -> tuple[list[Decision], list[Issue]]:
    """Return the decisions without retired labels, targets and stances, and a warning for each that had some."""
    kept: list[Decision] = []
    issues: list[Issue] = []
    for decision in decisions:
        own = _without(decision, labels)
        left = len(decision.spans or ()) - len(own.spans or ()) + len(decision.stances) - len(own.stances)
        kept.append(own)
        if left:
            message = f"{left} of its answers {'has a label that is' if left == 1 else 'have labels that are'} retired; the rest counts"
            fix = "nothing need be done; to decide anew, rule on the article again"
            issues.append(
                Issue("warning", "retired", message, "decision", fix, decision.article_id, decision.adjudicator)
            )
    return kept, issues


def _without(decision: Decision, labels: Labels) -> Decision:
    spans, stances = decision.spans, decision.stances
    if spans is not None:
        spans = tuple(span for span in spans if span.label not in labels.retired_names)
    gone, values = labels.retired_targets, labels.retired_values
    stances = tuple(s for s in stances if s.target not in gone and s.value not in values)
    return replace(decision, spans=spans, stances=stances)


def retired_warnings(judgements: pa.Table, labels: Labels) -> list[Issue]:
    """Return one warning for each retired name that judgements have, with the number of spans or answers."""
    counts = [*count_by_version([judgements]).values()]
    gone: tuple[tuple[Layer, str, str, frozenset[str]], ...] = (
        ("entities", "label", "span", labels.retired_names),
        ("targets", "target", "answer", labels.retired_targets),
        ("values", "stance", "answer", labels.retired_values),
    )
    return [
        Issue("warning", "retired", f"{n:,} {thing}{'s' * (n != 1)} {'has' if n == 1 else 'have'} the retired {noun} {name}, and {'is' if n == 1 else 'are'} left out",
              "schema/labels.yaml", "nothing need be done; without `retired: true` they count again")
        for layer, noun, thing, names in gone for name in sorted(names) if (n := sum(count[layer][name] for count in counts))
    ]  # fmt: skip
