"""Disagreement scores, ranks and diverse choices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.active_learning.ranking import (
    SIMILARITY_PENALTY,
    disagreement,
    nearby_disagreement,
    pick_diverse,
    ranks,
)
from builder.records import Judgement, Span, Stance


def judgement(article, annotator, spans=(), stances=(), status="submitted"):
    return Judgement(article, "sha", "b1", annotator, tuple(Span(*span) for span in spans),
                     tuple(Stance(*stance) for stance in stances), status, None, "", "", "g", "s", 0, 0)  # fmt: skip


def test_disagreement_counts_pairs_of_annotators():
    said = [
        judgement("a", "one", [(0, 4, "PERS"), (5, 9, "GPE")], [("metro", "favor")]),
        judgement("a", "two", [(0, 4, "PERS"), (5, 9, "ORG")], [("metro", "against")]),
        judgement("b", "one", [], [("metro", "favor"), ("dam", "favor")]),
        judgement("b", "two", [], [("metro", "favor"), ("dam", "favor")]),
        judgement("c", "one", [(0, 4, "PERS")]),
        judgement("d", "one", [(0, 4, "PERS")]),
        judgement("d", "two", [], status="skipped"),
    ]
    found = disagreement(said)

    assert found == disagreement(said[::-1])
    assert found.articles == {"a": pytest.approx((0.5 + 1) / 2), "b": 0}
    assert found.names == {"GPE": 1, "ORG": 1, "PERS": 0, "metro": 0.5, "dam": 0}


def test_articles_like_disputed_ones_score_as_disputed():
    annotated = np.eye(4, dtype=np.float32)[:3]
    candidates = np.eye(4, dtype=np.float32)
    found = nearby_disagreement(candidates, annotated, np.array([1.0, 0.0, 0.5]))

    assert found.tolist() == pytest.approx([0.75, 0.25, 0.5, 0.5])
    assert nearby_disagreement(candidates, annotated[:0], np.zeros(0)).tolist() == [0, 0, 0, 0]


@given(st.lists(st.integers(-5, 5), max_size=30))
def test_ranks_keep_order_and_average_one_half(values):
    found = ranks(np.array(values, np.float64))
    assert len(found) == len(values)
    if values:
        assert found.mean() == pytest.approx(0.5)
        assert found.min() >= 0
        assert found.max() <= 1
    for one, a in zip(values, found, strict=True):
        for other, b in zip(values, found, strict=True):
            assert (one < other) == (a < b)


def test_similar_articles_are_picked_later():
    same = np.array([1, 0], np.float32)
    part = np.array([0.4, 0.84**0.5], np.float32)
    scores = np.array([0.9, 0.85, 0.85 - SIMILARITY_PENALTY * 0.3])

    none = np.zeros((0, 2), np.float32)
    assert [at for at, _ in pick_diverse(scores, np.stack([same, part, np.zeros_like(same)]), none, 3)] == [0, 2, 1]
    assert pick_diverse(scores, np.stack([same, part, same]), none, 0) == []


def test_near_copies_are_picked_last():
    same, other = np.array([1, 0], np.float32), np.array([0, 1], np.float32)
    candidates, none = np.stack([same, same, other]), np.zeros((0, 2), np.float32)

    assert pick_diverse(np.array([0.9, 0.8, 0.1]), candidates, none, 9) == [(0, 0.0), (2, 0.0), (1, 1.0)]
    assert pick_diverse(np.array([0.9, 0.8, 0.1]), candidates, same[None], 2) == [(2, 0.0), (0, 1.0)]


def test_ties_go_to_the_earlier_article():
    assert [
        at for at, _ in pick_diverse(np.zeros(3), np.zeros((3, 2), np.float32), np.zeros((0, 2), np.float32), 2)
    ] == [0, 1]
