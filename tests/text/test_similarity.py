"""One definition of similarity for the corpus, a release and its card."""

import random

import pytest

from builder.corpus.dedup.pipeline import group
from builder.records import Article
from builder.release.splits.leakage import pairs
from builder.text.profiles import profile
from builder.text.similarity import FEW_WORDS, LEAST_CONTAINED, card_sentence, search_method


def test_card_uses_the_wording_of_the_first_releases():
    assert card_sentence() == (
        "Alike are equal texts after folding, near copies (Jaccard similarity of their runs of five words at least .8), "
        "texts of which .8 is in another, and equal titles of four words or more."
    )
    assert search_method() == "MinHash (14 bands of 8 rows) and exact comparison"


def varied(seed):
    """A text around the numbers that decide, and another made of it: words changed, cut or added."""
    draw = random.Random(seed)  # noqa: S311 - the same texts each time
    length = draw.choice([LEAST_CONTAINED, FEW_WORDS, 90]) + draw.randint(-2, 2)
    text = [f"كلمة{seed}س{draw.randrange(5000)}" for _ in range(length)]
    other = [word if draw.random() > draw.choice([0, 0.01, 0.03]) else f"غير{seed}" for word in text]
    more = [f"زيادة{seed}س{number}" for number in range(draw.choice([0, 2, 40]))]
    return " ".join(text), " ".join(other[draw.choice([0, 0, 3, 9]) :] + more)


@pytest.mark.slow
def test_corpus_and_release_judge_a_pair_alike():
    texts = [text for seed in range(400) for text in varied(seed)]  # a word is in the texts of one pair only
    ids = [f"{number:03}" for number in range(len(texts))]
    found = {pair.left: pair for pair in pairs(profile("search@1").fold_batch(texts))}
    rows = group([Article(name, name, 0, None, text, (), (), "", "") for name, text in zip(ids, texts, strict=True)])

    for left, row in zip(range(0, len(texts), 2), rows[1::2], strict=True):
        if left in found and row.kind != "related":  # a release has no related texts, but calls some contained
            assert (row.kind, row.similarity) == (found[left].kind, pytest.approx(found[left].similarity))
        else:
            assert row.kind in (("related",) if left in found else ("single", "related"))
    assert {pair.kind for pair in found.values()} == {"exact", "near", "contained"}
    assert {row.kind for row in rows} == {"exact", "near", "contained", "related", "single"}
