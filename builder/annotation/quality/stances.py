"""The canonical form of judgements' stances, as columns: one known answer to each question that was asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from builder.annotation.columns import Coded, Ints, items, same_as_above
from builder.records import Article, Stance
from builder.schema.labels import Labels

RETIRED_TARGET, UNKNOWN_TARGET, NOT_ASKED = "retired target", "unknown target", "target not asked"

RETIRED_VALUE, UNKNOWN_VALUE = "retired value", "unknown value"

SEVERAL, TWICE = "several answers", "same answer twice"

STANCE_REASONS = ("", RETIRED_TARGET, UNKNOWN_TARGET, NOT_ASKED, RETIRED_VALUE, UNKNOWN_VALUE, SEVERAL, TWICE)


@dataclass(frozen=True, slots=True, eq=False)
class GivenStances:
    """The stances of judgements, sorted in each judgement; `row` is the judgement of each."""

    row: Ints
    target: Coded
    value: Coded
    reason: Ints
    """The place of the reason in STANCE_REASONS that a stance does not count."""
    missing: Ints
    """The number of questions that each judgement leaves open."""

    def stance(self, number: int) -> Stance:
        """Return a stance as given."""
        return Stance(self.target.names[self.target.codes[number]], self.value.names[self.value.codes[number]])


def read_stances(
    table: pa.Table, place: Ints, articles: Sequence[Article], labels: Labels, asked: Mapping[str, Sequence[str]]
) -> GivenStances:
    """Return the stances of judgements; `place` is that of each judgement's article, `asked` has its targets."""
    given = items(table, "stances")
    target, value = given.strings("target"), given.strings("value")
    order = np.lexsort((value.codes, target.codes, given.row))
    row, target, value = (
        given.row[order],
        Coded(target.names, target.codes[order]),
        Coded(value.names, value.codes[order]),
    )
    known, values = (
        target.among([*labels.target_ids]),
        {one.name for one in labels.stances.values} if labels.stances else (),
    )
    questions = _questions(articles, np.unique(place), labels, asked)
    key = place[row] * len(labels.target_ids) + known
    fresh = ~same_as_above(row, target.codes, value.codes)
    answer = np.cumsum(~same_as_above(row, target.codes)) - 1
    several = np.bincount(answer[fresh], minlength=int(answer.max(initial=-1)) + 1) > 1
    reason = np.select(
        [target.among(sorted(labels.retired_targets)) >= 0, known < 0, ~np.isin(key, questions),
         value.among(sorted(labels.retired_values)) >= 0, value.among(sorted(values)) < 0, several[answer], ~fresh],
        [*range(1, len(STANCE_REASONS))], 0,
    )  # fmt: skip
    first = ~same_as_above(answer)
    answered = np.bincount(row[first & (known >= 0) & np.isin(key, questions)], minlength=table.num_rows)
    wanted = np.array([len(asked.get(article.id, ())) for article in articles], np.int64)
    return GivenStances(row, target, value, reason, wanted[place] - answered)


def _questions(articles: Sequence[Article], used: Ints, labels: Labels, asked: Mapping[str, Sequence[str]]) -> Ints:
    """Return a number for each question that one of the used articles asks."""
    targets = {target: column for column, target in enumerate(labels.target_ids)}
    found = [
        number * len(targets) + targets[target] for number in used.tolist() for target in asked[articles[number].id]
    ]
    return np.array(found, np.int64)
