"""What pairs of annotators answered to the same question, counted: entity types and stance values.

Each pair is counted from both sides, so that the tables are symmetric. Expects canonical judgements, one
for each annotator and article. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from builder.annotation.agreement.spans import matches
from builder.records import Judgement

OTHER_EDGES = "other edges"

NOT_MARKED = "not marked"
"""No entity type has such a name: names hold no spaces."""

Table = dict[tuple[str, str], int]

Shared = Sequence[Sequence[Judgement]]


def entity_confusion(shared: Shared) -> Table:
    """How often a span of one type met which type of another annotator, by (type, type).

    `shared` are the judgements of each article. Spans of the same edges pair first, then those that overlap
    most, none in two pairs; a pair of other edges counts under (type, OTHER_EDGES) for both, a span in no
    pair under (type, NOT_MARKED) and (NOT_MARKED, type).
    """
    table: Counter[tuple[str, str]] = Counter()
    for judged in shared:
        marked = [{(span.start, span.end, span.label) for span in judgement.spans} for judgement in judged]
        for one, other in combinations(marked, 2):
            _, pairs, _ = matches(one, other)
            for mine, theirs in pairs:
                same = mine[:2] == theirs[:2]
                table[mine[2], theirs[2] if same else OTHER_EDGES] += 1
                table[theirs[2], mine[2] if same else OTHER_EDGES] += 1
            alone = [*(one - {mine for mine, _ in pairs}), *(other - {theirs for _, theirs in pairs})]
            for _, _, label in alone:
                table[label, NOT_MARKED] += 1
                table[NOT_MARKED, label] += 1
    return dict(table)


def stance_confusion(shared: Shared) -> Table:
    """How often an answer met which answer of another annotator to the same question, by (value, value)."""
    table: Counter[tuple[str, str]] = Counter()
    for judged in shared:
        answers = [{stance.target: stance.value for stance in judgement.stances} for judgement in judged]
        for one, other in combinations(answers, 2):
            for target in one.keys() & other.keys():
                table[one[target], other[target]] += 1
                table[other[target], one[target]] += 1
    return dict(table)
