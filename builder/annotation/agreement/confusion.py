"""Confusion counts between pairs of annotators: entity types and stance values.

Each pair is counted from both sides, so the tables are symmetric. The input is canonical judgements, at most one
for each annotator and article. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from builder.annotation.agreement.matching import matches
from builder.records import Judgement, mark_set

OTHER_EDGES = "other edges"

NOT_MARKED = "not marked"
"""Pseudo-types of the table. They contain a space, which no entity type's name may."""

Table = dict[tuple[str, str], int]

Shared = Sequence[Sequence[Judgement]]


def entity_confusion(shared: Shared) -> Table:
    """Count the pairs of types that two annotators gave to the same span, by (type, type).

    `shared` holds the judgements of each article. Spans with the same edges are paired first, then those that
    overlap most, and no span is in two pairs. A pair with different edges counts as (type, OTHER_EDGES) for both
    types. An unpaired span counts as (type, NOT_MARKED) and (NOT_MARKED, type).
    """
    table: Counter[tuple[str, str]] = Counter()
    for judged in shared:
        marked = [mark_set(judgement.spans) for judgement in judged]
        for left, right in combinations(marked, 2):
            _, pairs, _ = matches(left, right)
            for a, b in pairs:
                same = a[:2] == b[:2]
                table[a[2], b[2] if same else OTHER_EDGES] += 1
                table[b[2], a[2] if same else OTHER_EDGES] += 1
            unpaired = [*(left - {a for a, _ in pairs}), *(right - {b for _, b in pairs})]
            for _, _, label in unpaired:
                table[label, NOT_MARKED] += 1
                table[NOT_MARKED, label] += 1
    return dict(table)


def stance_confusion(shared: Shared) -> Table:
    """Count the pairs of values that two annotators gave to the same question, by (value, value)."""
    table: Counter[tuple[str, str]] = Counter()
    for judged in shared:
        answers = [{stance.target: stance.value for stance in judgement.stances} for judgement in judged]
        for left, right in combinations(answers, 2):
            for target in left.keys() & right.keys():
                table[left[target], right[target]] += 1
                table[right[target], left[target]] += 1
    return dict(table)
