"""Texts joined from tokens, and the tokens found again in them."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.formats.tagged.joining import join_tokens
from builder.formats.writing.exported import tokens_as_published
from builder.schema.importing import Joining

TOKEN = st.text('ابتسم،.؛:()«»"+-0123ab\N{RIGHT-TO-LEFT MARK}\N{NO-BREAK SPACE}😀', min_size=1, max_size=4)


def joined(sentences, rules):
    tokens = [token for one in sentences for token in one]
    numbers = np.repeat(np.arange(len(sentences)), [len(one) for one in sentences])
    return tokens, join_tokens(pa.array(tokens, pa.string()), numbers, np.zeros(len(tokens), np.int64), rules)


def one_by_one(sentences, rules):
    """What `join_tokens` gives, a token at a time."""
    lines = []
    for sentence in sentences:
        text = ""
        for place, token in enumerate(sentence):
            before = all(c in rules.none_before for c in token)
            after = place and all(c in rules.none_after for c in sentence[place - 1])
            text += ("" if place == 0 or before or after else " ") + token
        lines.append(text)
    return "\n".join(lines)


@given(st.lists(st.lists(TOKEN, min_size=1, max_size=8), min_size=1, max_size=4))
def test_texts_are_those_of_one_token_at_a_time(sentences):
    tokens, made = joined(sentences, Joining())
    (text,) = made.texts.to_pylist()

    assert text == one_by_one(sentences, Joining())
    assert [text[start:end] for start, end in zip(made.starts, made.ends, strict=True)] == tokens


@given(st.lists(st.lists(TOKEN, min_size=1, max_size=8), min_size=1, max_size=4))
def test_published_tokens_are_found_again(sentences):
    tokens, made = joined(sentences, Joining())
    found, begins = tokens_as_published(made.texts[0].as_py(), made.published[0].as_py(), "")

    assert [(one.words, one.start, one.end) for one in found] == [*zip(tokens, made.starts, made.ends, strict=True)]
    assert list(begins) == np.cumsum([0, *(len(one) for one in sentences[:-1])]).tolist()


def test_marks_of_clitics_are_not_part_of_the_text():
    tokens, made = joined([["و+", "ب+", "الميناء", "عاد", "+ه", "+"]], Joining(clitic="+"))
    found, _ = tokens_as_published(made.texts[0].as_py(), made.published[0].as_py(), "+")

    assert made.texts.to_pylist() == ["وبالميناء عاده +"]
    assert [one.words for one in found] == tokens


@pytest.mark.parametrize(("published", "clitic"), [("وصل\nأمس\n", ""), ("وصلت\n", ""), ("وصل\n\n", "")])
def test_another_text_gives_no_published_tokens(published, clitic):
    assert tokens_as_published("وصل غدا", published, clitic) is None
