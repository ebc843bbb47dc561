"""Offsets in code points, UTF-16 units and bytes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from builder.formats.offsets import UNITS, Quote, agrees, places_of, unit_of

CODECS = {"code points": ("utf-32-le", 4), "utf-16": ("utf-16-le", 2), "bytes": ("utf-8", 1)}


def count(text, unit):
    codec, width = CODECS[unit]
    return len(text.encode(codec)) // width


@pytest.mark.parametrize("unit", UNITS)
@given(text=st.text("اب😀a،\N{ARABIC FATHA}", max_size=12), data=st.data())
def test_offsets_of_each_unit_become_code_points(unit, text, data):
    place = data.draw(st.integers(0, len(text)))

    assert places_of(text, unit)(count(text[:place], unit)) == place


@pytest.mark.parametrize("unit", UNITS)
@given(texts=st.lists(st.text("ابتسم 😀", min_size=4, max_size=12), min_size=1, max_size=4))
def test_the_unit_is_the_one_that_agrees_with_the_words(unit, texts):
    quotes = [
        Quote(text, count(text[:2], unit), count(text[:4], unit), text[2:4]) for text in texts if text[2:4].strip()
    ]
    assume(quotes)
    found = unit_of(quotes, "auto")

    assert all(agrees(one, found) for one in quotes)


def test_a_named_unit_is_taken():
    assert unit_of([Quote("مرجانة", 0, 6, "مرجانة")], "bytes") == "bytes"
