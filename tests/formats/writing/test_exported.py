"""The published tokens, found again in the text of a release."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.formats.writing.exported import tokens_as_published
from builder.schema.importing import Joining
from tests.formats.joined import TOKEN, joined


@given(st.lists(st.lists(TOKEN, min_size=1, max_size=8), min_size=1, max_size=4))
def test_published_tokens_are_found_again(sentences):
    tokens, made = joined(sentences, Joining())
    found, begins = tokens_as_published(made.texts[0].as_py(), made.published[0].as_py(), "")

    assert [(one.words, one.start, one.end) for one in found] == [*zip(tokens, made.starts, made.ends, strict=True)]
    assert list(begins) == np.cumsum([0, *(len(one) for one in sentences[:-1])]).tolist()


@pytest.mark.parametrize(("published", "clitic"), [("وصل\nأمس\n", ""), ("وصلت\n", ""), ("وصل\n\n", "")])
def test_another_text_gives_no_published_tokens(published, clitic):
    assert tokens_as_published("وصل غدا", published, clitic) is None
