"""Tokens of a batch equal those of each text."""

import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.text.token_batch import canonical_edges, tokenize_batch
from builder.text.tokens import canonical_span, tokenize
from tests.text.token_cases import cases

PIECES = [
    "مرجانة", "و", "قـال", "ق.م", "د.", "شبابيك", "\N{ARABIC FATHA}", "\N{ZERO WIDTH JOINER}", "\N{ZERO WIDTH NON-JOINER}", "\N{ARABIC TATWEEL}",
    "3", "٣", "٣٫٥", "٪", "%", "2026-03-04", "18:40", "،", ".", ":", "/", ",", "-", "–", "…", "“", "”", "’", "'", "«", "[", "_", "(", "؟",
    "Ab", "A", "é", "www.", "https://a.example/x", "a@b.example", "#", "@", "😀", "\N{VARIATION SELECTOR-16}", "\U0001f1e6", "\U0001f468",
    " ", "  ", "\n", "\t", "\N{NO-BREAK SPACE}", "\N{LINE SEPARATOR}", "\x1c", "\N{ARABIC LIGATURE LAM WITH ALEF ISOLATED FORM}", "²", "\N{RIGHT-TO-LEFT MARK}",
    "\N{COMBINING GRAPHEME JOINER}", "\N{HANGUL FILLER}", "\N{TAG SPACE}", "\N{SOFT HYPHEN}",
]  # fmt: skip
NOISY = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)


def by_text(texts):
    """What the batch says of each text, in its own code points; the bytes of the tokens too."""
    found = tokenize_batch(texts)
    cuts = found.cuts.tolist()
    data, at, spans, words = found.data, 0, [], []
    for number, begin in enumerate(found.begins.tolist()[:-1]):
        chosen = slice(cuts[number], cuts[number + 1])
        spans.append(
            [
                (s - begin, e - begin)
                for s, e in zip(found.starts[chosen].tolist(), found.ends[chosen].tolist(), strict=True)
            ]
        )
        own = []
        for size in found.sizes[chosen].tolist():
            own.append(data[at : at + size].decode("utf-8", "surrogatepass"))
            at += size
        words.append(own)
    assert at == len(data)
    return spans, words


def same(texts):
    spans, words = by_text(texts)

    assert spans == [tokenize(text) for text in texts]
    assert words == [[text[start:end] for start, end in tokenize(text)] for text in texts]


@example(["“\N{ZERO WIDTH JOINER}😀", "", ". ق.م", "3.5", "a:3"])
@example(["\ud800 و", "و"])
@settings(max_examples=5 * settings.default.max_examples)
@given(st.lists(NOISY, max_size=4))
def test_batch_has_the_tokens_of_each_text(texts):
    same(texts)


@given(st.lists(st.text(max_size=20), max_size=3))
def test_batch_of_any_characters_has_the_tokens_of_each_text(texts):
    same(texts)


@pytest.mark.slow
def test_every_pair_of_character_kinds_is_the_same_in_a_batch():
    beside = ["", "م", "3", ".", "“", "\N{ARABIC FATHA}", "\N{ZERO WIDTH JOINER}", "A", " "]
    every = [chr(code) for code in range(0x20, 0x3000)] + [chr(code) for code in range(0xFB00, sys.maxunicode, 97)]
    for other in beside:
        same([f"{other}{character}{other}" for character in every])


def test_written_cases_are_the_same_in_a_batch():
    texts = [line.replace("|", "") for line in cases("tokens.txt")]

    assert len(texts) > 50
    same(texts)


def test_empty_texts_have_no_tokens():
    assert by_text([]) == ([], [])
    assert by_text(["", " "]) == ([[], []], [[], []])


def edges_alike(texts, spans, whole_words):
    """Compare the edges of spans (text, start, end) with those of canonical_span."""
    text, start, end = np.array(spans, np.int64).reshape(-1, 3).T
    found = canonical_edges(texts, text, start, end, whole_words=whole_words)
    one_by_one = [canonical_span(texts[of], low, high, whole_words=whole_words) or (-1, -1) for of, low, high in spans]

    assert [*zip(found.starts.tolist(), found.ends.tolist(), strict=True)] == one_by_one


@given(st.lists(NOISY, min_size=1, max_size=4), st.data(), st.booleans())
def test_canonical_edges_equal_those_of_each_span(texts, data, whole_words):
    spans = []
    for _ in range(data.draw(st.integers(0, 8))):
        text = data.draw(st.integers(0, len(texts) - 1))
        ends = st.integers(0, len(texts[text]))
        spans.append((text, *sorted((data.draw(ends), data.draw(ends)))))

    edges_alike(texts, spans, whole_words)


@pytest.mark.parametrize("whole_words", [True, False])
def test_canonical_edges_of_every_span_of_each_case(whole_words):
    texts = [line.replace("|", "") for line in cases("tokens.txt")]
    for text in texts:
        edges_alike([text], [(0, start, end) for start in range(len(text)) for end in range(start, min(start + 9, len(text)) + 1)],
                    whole_words)  # fmt: skip
