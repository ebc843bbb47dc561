"""Text vectors: unit length, independent of order, and near for near copies."""

import numpy as np
import pytest

from builder.text.projection import DIMENSIONS, tfidf_vectors


def test_vectors_have_unit_length_in_any_order():
    texts = ["هطل مطر غزير على التلال", "", "فاز فريق المرجان أمس", "؟!", "هطل مطر غزير"]
    found = tfidf_vectors(texts)

    assert found.shape == (5, DIMENSIONS)
    assert np.linalg.norm(found, axis=1).tolist() == pytest.approx([1, 0, 1, 0, 1], abs=1e-6)
    assert np.allclose(tfidf_vectors(texts[::-1]), found[::-1])
    assert tfidf_vectors([]).shape == (0, DIMENSIONS)


def test_copies_are_equal_and_near_copies_near():
    words = [f"كلمة{n}" for n in range(200)]
    texts = [" ".join(words[:60]), " ".join(words[:60]), " ".join(words[5:65]), " ".join(words[100:160])]
    like = tfidf_vectors([*texts, *(f"خبر{n} نبأ{n}" for n in range(100))])

    assert like[0] @ like[1] == pytest.approx(1)
    assert like[0] @ like[2] > 0.75
    assert abs(like[0] @ like[3]) < 0.2
