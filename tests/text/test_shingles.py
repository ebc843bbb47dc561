"""Runs of words as numbers, equal exactly where the words are."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.text import shingles as module
from builder.text.joined import joined
from builder.text.shingles import HashedWords, first_words, hash_texts, hash_words, sequence_hashes, shingles, winnow

TEXTS = st.lists(st.text(alphabet="ابت ث_9٣\n.،-é\N{ARABIC FATHA}\U0001f600", max_size=40), max_size=12)


def runs(text, size):
    found = re.findall(r"\w+", text)
    size = min(size, len(found))
    return [tuple(found[i : i + size]) for i in range(len(found) - size + 1)] if found else []


@given(TEXTS)
def test_words_equal_the_pattern_matches(texts):
    found = hash_words(texts)
    expected = [re.findall(r"\w+", text) for text in texts]

    assert found.counts.tolist() == [len(one) for one in expected]
    assert_same_where_equal(found.hashes.tolist(), [word for one in expected for word in one])


@given(TEXTS, st.integers(1, 6))
def test_each_run_of_words_has_its_own_number(texts, size):
    found = shingles(hash_words(texts), size)
    expected = [runs(text, size) for text in texts]

    assert found.counts.tolist() == [len(one) for one in expected]
    assert_same_where_equal(found.hashes.tolist(), [run for one in expected for run in one])


def test_batch_boundaries_change_nothing(monkeypatch):
    texts = [f"خبر {n} عن ميناء مرجانة" * (n % 7) for n in range(50)]
    whole = hash_words(texts)
    monkeypatch.setattr(module, "BATCH", 90)
    monkeypatch.setattr(module, "WINDOW", 7)
    parts = hash_words(texts)

    assert parts.hashes.tolist() == whole.hashes.tolist()
    assert shingles(parts, 3).hashes.tolist() == shingles(whole, 3).hashes.tolist()


@given(TEXTS)
def test_text_and_its_ordered_words_have_numbers(texts):
    found, numbers = hash_texts(joined(texts))

    assert_same_where_equal(numbers.tolist(), texts)
    assert_same_where_equal(sequence_hashes(found).tolist(), [tuple(re.findall(r"\w+", text)) for text in texts])
    assert_same_where_equal(
        sequence_hashes(first_words(found, 2)).tolist(), [tuple(re.findall(r"\w+", text)[:2]) for text in texts]
    )


@given(st.lists(st.lists(st.integers(0, 30), max_size=20), max_size=6), st.integers(1, 7))
def test_winnowed_runs_are_minima_of_each_window(texts, window):
    runs = HashedWords(
        np.array([n for text in texts for n in text], np.uint64), np.array([len(t) for t in texts], np.int64)
    )
    found = winnow(runs, window)
    expected = [[min(text[i : i + window]) for i in range(len(text) - window + 1)] for text in texts]
    expected = [[n for i, n in enumerate(one) if not i or n != one[i - 1]] for one in expected]

    assert found.counts.tolist() == [len(one) for one in expected]
    assert_same_where_equal(found.hashes.tolist(), [n for one in expected for n in one])


def test_winnowing_does_not_depend_on_the_size_of_a_block(monkeypatch):
    hashes = np.random.default_rng(1).integers(0, 1 << 63, 300, np.uint64)
    runs = HashedWords(hashes, np.array([130, 5, 0, 165]))
    whole = winnow(runs, 12)
    for block in (1, 7, 12, 64, 288, 289, 299):
        monkeypatch.setattr(module, "WINDOW", block)
        found = winnow(runs, 12)
        assert found.hashes.tolist() == whole.hashes.tolist()
        assert found.counts.tolist() == whole.counts.tolist()


def test_numbers_are_the_same_on_every_machine():
    assert hash_words(["خبر عاجل"]).hashes.tolist() == [13146136319279547658, 17949296089533461714]


def assert_same_where_equal(numbers, things):
    assert len(set(zip(numbers, things, strict=True))) == len(set(numbers)) == len(set(things))
