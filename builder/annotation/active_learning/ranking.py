"""Ranking for active learning: annotator disagreement, ranks of criteria, and selection of diverse candidates.

Pure. The criteria come from next_up.py.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from builder.records import Judgement, mark_set
from builder.text.projection import Vectors

Numbers = NDArray[np.float64]

NEIGHBOURS = 10
"""Number of nearest annotated articles from which a candidate's disagreement is estimated."""

SIMILARITY_PENALTY = 0.2
"""Penalty on the mean rank (0 to 1) for a similarity of 1 to an annotated or chosen article."""

REPEATED = 0.5
"""Similarity from which an article is too repetitive and is chosen after all others."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Disagreement from 0 to 1 on each article that two annotators judged, and on each label or target (`names`)."""

    articles: Mapping[str, float]
    names: Mapping[str, float]


def disagreement(judgements: Sequence[Judgement]) -> Disagreement:
    """Compute the disagreement over all pairs of annotators.

    For a label it is 1 - strict span F1. For a target it is the share of pairs with different answers. For an
    article it is the mean, over its pairs, of 1 - strict span F1 over all labels and the share of its targets
    answered differently. Two annotators who marked nothing agree.
    """
    judged: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        if judgement.status == "submitted":
            judged[judgement.article_id].append(judgement)
    articles: dict[str, float] = {}
    differing, total = Counter[str](), Counter[str]()
    for article, of_article in judged.items():
        shares: list[float] = []
        for left, right in combinations(of_article, 2):
            shares += _parted(left, right, differing, total)
        if shares:
            articles[article] = float(np.mean(shares))
    return Disagreement(articles, {name: differing[name] / count for name, count in sorted(total.items())})


def _parted(left: Judgement, right: Judgement, differing: Counter[str], total: Counter[str]) -> list[float]:
    """Return two annotators' disagreement on an article's spans, and on its stances if both answered any.

    Differences and totals are added to the counters by label and target.
    """
    left_marks, right_marks = (mark_set(judgement.spans) for judgement in (left, right))
    unmatched, number = left_marks ^ right_marks, len(left_marks) + len(right_marks)
    differing.update(label for _, _, label in unmatched)
    total.update(label for _, _, label in [*left_marks, *right_marks])
    shares = [len(unmatched) / number if number else 0.0]
    left_values, right_values = ({s.target: s.value for s in judgement.stances} for judgement in (left, right))
    both = sorted(left_values.keys() & right_values.keys())
    differing.update(target for target in both if left_values[target] != right_values[target])
    total.update(both)
    if both:
        shares.append(float(np.mean([left_values[target] != right_values[target] for target in both])))
    return shares


def nearby_disagreement(candidates: Vectors, annotated: Vectors, disputed: Numbers) -> Numbers:
    """Estimate each candidate's disagreement as the mean over its NEIGHBOURS nearest annotated articles.

    The mean is weighted by similarity. The mean over all annotated articles is added with a weight of 1, so a
    candidate similar to none of them gets the average.
    """
    if not len(disputed):
        return np.zeros(len(candidates))
    like = np.maximum(candidates @ annotated.T, 0).astype(np.float64).round(5)
    few = min(NEIGHBOURS, len(disputed))
    near = np.argsort(-like, axis=1, kind="stable")[:, :few]
    weights = np.take_along_axis(like, near, axis=1)
    return np.asarray(((weights * disputed[near]).sum(axis=1) + disputed.mean()) / (weights.sum(axis=1) + 1))


def ranks(values: Numbers) -> Numbers:
    """Return the rank of each value, from 0 for the smallest to 1 for the largest. Equal values share their mean rank.

    >>> ranks(np.array([3.0, 9.0, 3.0, 1.0])).tolist()
    [0.5, 1.0, 0.5, 0.0]
    """
    if len(values) < 2:
        return np.full(len(values), 0.5)
    _, inverse, counts = np.unique(values.round(9), return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts + 1) / 2
    return np.asarray(middles[inverse] / (len(values) - 1))


def pick_diverse(scores: Numbers, candidates: Vectors, annotated: Vectors, size: int) -> list[tuple[int, float]]:
    """Choose at most `size` candidates greedily; return their indexes in order, each with its highest similarity.

    Each step chooses the candidate with the highest score after subtracting LIKENESS times its similarity to the
    closest annotated or already chosen article. Of equals the earlier is chosen. Candidates with a similarity of
    REPEATED or more are chosen after all others. Similarity is the dot product of vectors, clipped to 0 to 1.
    """
    like = (candidates @ annotated.T).max(axis=1) if len(annotated) else np.zeros(len(candidates), np.float32)
    left = np.ones(len(scores), bool)
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(size, len(scores)):
        worth = scores - SIMILARITY_PENALTY * np.clip(like, 0, 1).astype(np.float64) - 2 * (like.round(5) >= REPEATED)
        best = int(np.where(left, worth.round(5), -np.inf).argmax())
        chosen.append((best, float(np.clip(like[best], 0, 1))))
        left[best] = False
        like = np.maximum(like, candidates @ candidates[best])
    return chosen
