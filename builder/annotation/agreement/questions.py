"""Agreement on questions about whole articles: Krippendorff's alpha, with a distance between sets of answers.

A question with one answer has nominal distance. One with several has MASI, the measuring agreement on set-valued items
of Passonneau 2006, "Measuring Agreement on Set-valued Items (MASI) for Semantic and Pragmatic Annotation" (LREC): one
minus the Jaccard coefficient times the monotonicity, which is 1 for equal sets, 2/3 where one set holds the other, 1/3
where they share a value, and 0 where they share none. (NLTK rounds these shares to 0.67 and 0.33.)
"""

from collections.abc import Callable

import numpy as np

from builder.annotation.agreement.bootstrap import Floats, Statistic
from builder.annotation.agreement.columns import Shared
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.columns import Ints, items
from builder.schema.labels import Labels, Question

ALPHA_MASI = "Krippendorff's alpha, MASI"

UNIT = "articles answered by two"


def measure_of(question: Question) -> str:
    """Return the name of the measure of agreement on a question."""
    return ALPHA_MASI if question.answers == "several" else ALPHA


def overall_statistics(shared: Shared, labels: Labels) -> list[Statistic]:
    """Return alpha over each question.

    A row holds the number of pairable answers of each set of values, then the disagreement of the article: the sum of
    the distances between all ordered pairs of its answers, over the number of its answers less one.
    """
    return [_statistic(shared, question) for question in labels.questions]


def masi(sets: Ints) -> Floats:
    """Return the MASI distances between sets of values, each a number with one bit for each value.

    >>> masi(np.array([0b01, 0b11])).round(3).tolist()
    [[0.0, 0.667], [0.667, 0.0]]
    """
    both, either = sets[:, None] & sets, sets[:, None] | sets
    shared, whole = np.bitwise_count(both), np.bitwise_count(either)
    inside = (both == sets[:, None]) | (both == sets)
    monotone = np.select([both == either, inside, shared > 0], [1.0, 2 / 3, 1 / 3], 0.0)
    return np.asarray(1 - shared / np.maximum(whole, 1) * monotone)


def _statistic(shared: Shared, question: Question) -> Statistic:
    judge, answer = _sets(shared, question)
    sets, code = np.unique(answer, return_inverse=True)
    distance = masi(sets) if question.answers == "several" else (sets[:, None] != sets).astype(float)
    counts = np.zeros((len(shared.sizes), len(sets)))
    np.add.at(counts, (shared.article[judge], code), 1)
    answers = counts.sum(axis=1, keepdims=True)
    paired = np.where(answers >= 2, counts, 0.0)
    apart = ((paired @ distance) * paired).sum(axis=1, keepdims=True) / np.maximum(answers - 1, 1)
    rows = np.concatenate([paired, apart], axis=1)
    units = int(np.count_nonzero(paired.any(axis=1)))
    why = "only one answer was given" if units else "no article was answered by two annotators"
    return Statistic(measure_of(question), question.id, rows, _alpha(distance), units, units, UNIT, why)


def _sets(shared: Shared, question: Question) -> tuple[Ints, Ints]:
    """Return the judges that answered a question, and the set of values that each gave, one bit for each value."""
    given = items(shared.table, "answers")
    value = given.strings("value").among([*question.value_names])
    own = (given.strings("question").among([question.id]) == 0) & (value >= 0)
    sets = np.zeros(shared.table.num_rows, np.int64)
    np.bitwise_or.at(sets, given.row[own], 1 << value[own])
    judge = np.flatnonzero(sets)
    return judge, sets[judge]


def _alpha(distance: Floats) -> Callable[[Floats], Floats]:
    """Return the function that computes alpha from sums of pairable answers and disagreement, NaN if it is undefined."""

    def alpha(sums: Floats) -> Floats:
        counts, observed = sums[..., :-1], sums[..., -1]
        expected = ((counts @ distance) * counts).sum(axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(expected > 0, 1 - observed * (counts.sum(axis=-1) - 1) / expected, np.nan))

    return alpha
