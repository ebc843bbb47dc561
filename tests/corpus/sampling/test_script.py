"""Words and Arabic letters counted in bytes, against plain Python."""

import sys
import unicodedata

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from builder.corpus.sampling.script import measure

SPACES = [chr(code) for code in range(sys.maxunicode + 1) if chr(code).isspace()]
TEXTS = st.lists(st.text(max_size=20) | st.text([*SPACES, *"خبرa1\N{GRINNING FACE}"], max_size=20), max_size=5)


def share(text):
    letters = [unicodedata.name(c, "").startswith("ARABIC") for c in text if c.isalpha()]
    return sum(letters) / len(letters) if letters else None


def check(column, texts):
    found = measure(column)

    assert found.words.tolist() == [len(text.split()) for text in texts]
    assert [None if np.isnan(one) else one for one in found.arabic.tolist()] == [share(text) for text in texts]


@given(TEXTS)
@example(["", "", "\N{NO-BREAK SPACE}", "\N{IDEOGRAPHIC SPACE}خ", "خ\N{LINE SEPARATOR}", ""])
def test_measures_are_those_of_plain_python(texts):
    check(pa.array(texts, pa.string()), texts)


@given(TEXTS, st.integers(0, 5), st.integers(0, 5))
def test_a_slice_of_a_column_is_measured_alone(texts, begin, length):
    check(pa.array(texts, pa.string()).slice(begin, length), texts[begin : begin + length])


def test_every_code_point_has_its_kind():
    characters = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]

    for texts in (characters, [f"{character}a" for character in characters]):
        check(pa.array(texts), texts)
