"""What to annotate next, out of the evidence for it: parts as ranks, their mean, and what is unlike the rest first.

Also what annotators' disagreement says of texts and labels. Pure: it learns nothing and reads nothing; the evidence
comes from next_up.py.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from builder.records import Judgement
from builder.text.projection import Vectors

Numbers = NDArray[np.float64]

NEIGHBOURS = 10
"""Annotated articles that say how disputed an article like them may be."""

LIKENESS = 0.2
"""What being the same as an annotated or a chosen article costs, in the mean of ranks from 0 to 1."""

REPEATED = 0.5
"""Likeness from which an article tells too little that is new: it stands behind all others."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """How far annotators parted, from 0 to 1: on each article that two judged, and on each label or target."""

    articles: Mapping[str, float]
    names: Mapping[str, float]


def disagreement(judgements: Sequence[Judgement]) -> Disagreement:
    """How far annotators parted, over all pairs of them.

    Of a label, 1 - strict span F1; of a target, the share of pairs that gave other answers; of an article, the mean of
    1 - strict span F1 of all labels together and of such a share. Two annotators who marked nothing agree.
    """
    judged: dict[str, list[Judgement]] = defaultdict(list)
    for judgement in sorted(judgements, key=lambda j: (j.article_id, j.annotator)):
        if judgement.status == "submitted":
            judged[judgement.article_id].append(judgement)
    articles: dict[str, float] = {}
    apart, every = Counter[str](), Counter[str]()
    for article, own in judged.items():
        parted: list[float] = []
        for one, other in combinations(own, 2):
            parted += _parted(one, other, apart, every)
        if parted:
            articles[article] = float(np.mean(parted))
    return Disagreement(articles, {name: apart[name] / count for name, count in sorted(every.items())})


def _parted(one: Judgement, other: Judgement, apart: Counter[str], every: Counter[str]) -> list[float]:
    """How far two annotators parted on an article, in spans and in stances; both are counted by label and target."""
    mine, theirs = ({(s.start, s.end, s.label) for s in judgement.spans} for judgement in (one, other))
    odd, total = mine ^ theirs, len(mine) + len(theirs)
    apart.update(label for _, _, label in odd)
    every.update(label for _, _, label in [*mine, *theirs])
    found = [len(odd) / total if total else 0.0]
    said, heard = ({stance.target: stance.value for stance in judgement.stances} for judgement in (one, other))
    both = sorted(said.keys() & heard.keys())
    apart.update(target for target in both if said[target] != heard[target])
    every.update(both)
    if both:
        found.append(float(np.mean([said[target] != heard[target] for target in both])))
    return found


def nearby(candidates: Vectors, annotated: Vectors, disputed: Numbers) -> Numbers:
    """How disputed each candidate may be: the mean over its NEIGHBOURS among the annotated, by how like they are.

    One mean of all stands beside them with the weight of a copy, so that an article like none is as disputed as most.
    """
    if not len(disputed):
        return np.zeros(len(candidates))
    like = np.maximum(candidates @ annotated.T, 0).astype(np.float64).round(5)
    few = min(NEIGHBOURS, len(disputed))
    near = np.argsort(-like, axis=1, kind="stable")[:, :few]
    weights = np.take_along_axis(like, near, axis=1)
    return np.asarray(((weights * disputed[near]).sum(axis=1) + disputed.mean()) / (weights.sum(axis=1) + 1))


def ranks(values: Numbers) -> Numbers:
    """From 0 for the least to 1 for the most; equal values share the middle of their ranks.

    >>> ranks(np.array([3.0, 9.0, 3.0, 1.0])).tolist()
    [0.5, 1.0, 0.5, 0.0]
    """
    if len(values) < 2:
        return np.full(len(values), 0.5)
    _, places, counts = np.unique(values.round(9), return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts + 1) / 2
    return np.asarray(middles[places] / (len(values) - 1))


def pick(scores: Numbers, candidates: Vectors, annotated: Vectors, size: int) -> list[tuple[int, float]]:
    """At most `size` candidates in the order of choosing, each with how like it was to what was there before it.

    Each time the one whose score, less LIKENESS times its likeness to the annotated or chosen article that it is most
    like, is the highest; of equals the earlier. From a likeness of REPEATED on, it is chosen after all others.
    Likeness is the product of vectors, from 0 to 1.
    """
    like = (candidates @ annotated.T).max(axis=1) if len(annotated) else np.zeros(len(candidates), np.float32)
    left = np.ones(len(scores), bool)
    chosen: list[tuple[int, float]] = []
    while len(chosen) < min(size, len(scores)):
        worth = scores - LIKENESS * np.clip(like, 0, 1).astype(np.float64) - 2 * (like.round(5) >= REPEATED)
        best = int(np.where(left, worth.round(5), -np.inf).argmax())
        chosen.append((best, float(np.clip(like[best], 0, 1))))
        left[best] = False
        like = np.maximum(like, candidates @ candidates[best])
    return chosen
