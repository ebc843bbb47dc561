"""Published labels: their lines in the draft of a map, and the errors for those that a map does not know."""

import json
from collections.abc import Iterable, Sequence

from builder.records import Issue
from builder.schema.importing import UNDECIDED, ImportMap


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


def listed_labels(title: str, labels: Iterable[str], known: Sequence[str]) -> list[str]:
    """Return a mapping of labels; one that labels.yaml has under the same name is decided."""
    exact = {name.casefold(): name for name in known}
    lines = [
        f"  {json.dumps(one, ensure_ascii=False)}: {exact.get(one.casefold(), json.dumps(UNDECIDED))}" for one in labels
    ]
    return [f"{title}:                    # null leaves a label out", *lines] if lines else []
