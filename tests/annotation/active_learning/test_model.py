"""The small model of spans and stances."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.active_learning.model import (
    check_installed,
    entropy,
    hashed,
    learn,
    mentions,
    pair_features,
    spans_of,
    tags_of,
    tokenize_texts,
    uncertainties,
)
from builder.records import KhabarError, Span, outermost
from builder.text.tokens import tokenize

TAUGHT = [
    ("زار رامز الصفصافي مدينة مرجانة.", [Span(4, 17, "PERS"), Span(18, 30, "GPE")]),
    ("وصلت هالة المرجوني إلى مدينة زيتونة.", [Span(5, 18, "PERS"), Span(23, 35, "GPE")]),
    ("هطل المطر صباح اليوم. ثم توقف.", []),
] * 4  # fmt: skip


def taught():
    words = tokenize_texts([text for text, _ in TAUGHT])
    every = np.arange(len(TAUGHT))
    tags = tags_of(words, every, [spans for _, spans in TAUGHT])
    return words, every, tags, learn(words.features[words.rows(every)], tags, 13)


@st.composite
def texts_with_spans(draw):
    text = draw(st.text("ابت .\n", max_size=40))
    tokens = tokenize(text)
    cuts = sorted(draw(st.sets(st.integers(0, len(tokens)), max_size=8)))
    pairs = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False)]
    return text, [Span(tokens[a][0], tokens[b - 1][1], draw(st.sampled_from("XY"))) for a, b in pairs]


@given(st.lists(texts_with_spans(), max_size=4))
def test_spans_and_tags_convert_both_ways(every):
    words = tokenize_texts([text for text, _ in every])
    tags = tags_of(words, np.arange(len(every)), [spans for _, spans in every])
    assert words.features.shape[0] == len(tags) == words.cuts[-1]
    for place, (_, spans) in enumerate(every):
        assert spans_of(words, place, tags[words.cuts[place] : words.cuts[place + 1]]) == spans


def test_outermost_of_nested_spans_is_learnt():
    nested = [Span(4, 8, "PERS"), Span(0, 12, "OCC"), Span(0, 3, "ORG"), Span(13, 15, "GPE")]
    assert list(outermost(nested)) == [Span(0, 12, "OCC"), Span(13, 15, "GPE")]


def test_orphan_inner_tag_begins_a_span():
    words = tokenize_texts(["زار رامز مدينة مرجانة"])
    assert spans_of(words, 0, ["I-PERS", "I-PERS", "I-GPE", "O"]) == [Span(0, 8, "PERS"), Span(9, 14, "GPE")]


def test_learnt_mentions_are_found_and_unknown_text_is_uncertain():
    words, every, tags, model = taught()
    chances = model.expects(words.features[words.rows(every)])
    assert [model.answers[best] for best in chances.argmax(axis=1)] == tags

    new = tokenize_texts(["هطل المطر صباح اليوم.", "زار طارق زيتونة فريق مدينة", ""])
    here = np.arange(3)
    expected = model.expects(new.features[new.rows(here)])
    doubt = uncertainties(new, here, expected)
    assert doubt[1] > doubt[0] > doubt[2] == 0
    counts, names = mentions(new, here, expected, model.answers)
    assert names == ("GPE", "PERS")
    assert counts.shape == (3, 2)
    assert (counts[1] > counts[0]).all()
    assert counts[2].tolist() == [0, 0]


def test_uncertainty_is_mean_of_least_certain_tokens():
    words = tokenize_texts(["وصل سالم. عاد عمر.", "", "نعم"])
    assert len(words.features.indptr) - 1 == 7
    best = np.array([0.9, 0.6, 1, 0.8, 0.9, 1, 0.5])
    chances = np.stack([best, 1 - best], axis=1)
    assert uncertainties(words, np.arange(3), chances).tolist() == pytest.approx([(0.4 + 0.2) / 2, 0, 0.5])
    assert uncertainties(words, np.array([2]), chances[6:]).tolist() == pytest.approx([0.5])


def test_same_seed_gives_same_numbers():
    words, every, _, model = taught()
    rows = words.features[words.rows(every)]
    again = taught()[3]
    assert (model.expects(rows) == again.expects(rows)).all()


def test_single_class_needs_no_model():
    rows = hashed(pair_features([("يؤيد المقال المترو", "metro"), ("نص", "metro")]))
    model = learn(rows, ["favor", "favor"], 1)
    assert model.answers == ("favor",)
    assert model.expects(rows).tolist() == [[1], [1]]
    assert entropy(model.expects(rows)).tolist() == [0, 0]
    nothing = learn(hashed(iter([])), [], 1)
    assert nothing.answers == ()
    assert nothing.expects(rows).shape == (2, 0)


def test_missing_scikit_learn_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(KhabarError) as refused:
        check_installed()
    assert refused.value.exit_code == 2
    assert [(i.code, i.message, i.fix) for i in refused.value.issues] == [(
        "no-learner", "active learning needs scikit-learn, which is not installed",
        "pip install 'khabar[select]'",
    )]  # fmt: skip
