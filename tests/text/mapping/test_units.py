"""Joined code units are mapped as each text is by itself, whatever stands before and behind it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.schema.profiles import OwnProfile
from builder.text.contexts import CONTROLS, HEH, is_abbreviation
from builder.text.mapping.units import map_units, substitute_units
from builder.text.profiles import fold_table, profile

TATWEEL = "\N{ARABIC TATWEEL}"
TEXTS = st.lists(
    st.text(st.sampled_from(f"ابه{TATWEEL}{HEH}{CONTROLS[0]} 1\r\N{ARABIC FATHA}"), max_size=9), max_size=6
)


def joined(texts):
    units = np.frombuffer("".join(f"{text}\n" for text in texts).encode("utf-16-le"), np.uint16)
    return units, np.cumsum([0, *(len(text) + 1 for text in texts)]).astype(np.int32)


@given(TEXTS)
def test_joined_texts_are_mapped_as_each_is_alone(texts):
    for table in (profile("standard@1").table, profile("light@1").table, fold_table()):
        whole = map_units(table, *joined(texts), texts)
        alone = [map_units(table, *joined([text]), [text]) for text in texts]

        assert whole.units.tolist() == [unit for one in alone for unit in one.units.tolist()]
        assert [*map(whole.edits.of, range(len(texts)))] == [one.edits.of(0) for one in alone]
        assert whole.asking == [number for number, one in enumerate(alone) if one.asking]
        assert substitute_units(table, *joined(texts), texts).units.tolist() == [
            unit for text in texts for unit in substitute_units(table, *joined([text]), [text]).units.tolist()
        ]


@pytest.mark.parametrize("text", ["1447 هـ", "هـذا", "ـ", "1447 ه\N{RIGHT-TO-LEFT MARK}ـ", "بـ", "هــ"])
def test_a_tatweel_that_is_looked_up_at_once_stays_only_where_its_rule_keeps_it(text):
    kept = [place for place, letter in enumerate(text) if letter == TATWEEL and is_abbreviation(text, place)]
    made = map_units(profile("standard@1").table, *joined(["ه", text]), ["ه", text])

    assert made.units.tolist().count(ord(TATWEEL)) == len(kept)


BESIDE = st.text(
    st.sampled_from(f"اه{TATWEEL}{CONTROLS[0]}\N{BULLET} 1.(\r\n\N{ARABIC FATHA}\N{ARABIC HAMZA ABOVE}"), max_size=3
)
OWN = (
    OwnProfile(name="own@1", base="standard@1", delete=("BULLET", "FULL STOP")),
    OwnProfile(
        name="own@1",
        base="light@1",
        replace={"LEFT PARENTHESIS": "ARABIC LETTER ALEF", "ARABIC LETTER HEH": "ARABIC LETTER TEH MARBUTA"},
    ),
)


@given(st.lists(st.tuples(BESIDE, BESIDE), max_size=4))
def test_no_later_step_moves_a_tatweel_that_surely_stays(parts):
    text = "".join(f"{before}ه{TATWEEL}{behind}" for before, behind in parts)
    for made in (profile("standard@1"), profile("light@1"), *(profile("own@1", own) for own in OWN)):
        mapped = map_units(made.table, *joined([text]), [text])

        if not mapped.asking:
            whole = mapped.units.astype(np.uint16).tobytes().decode("utf-16-le")
            assert whole[:-1] == made.settle(whole[:-1])


def test_the_usual_abbreviation_asks_for_no_later_step():
    for table in (profile("standard@1").table, profile("light@1").table, fold_table()):
        assert not map_units(
            table, *joined(["عام 1447 هـ", "هـ.", "1447هـ، ثم"]), ["عام 1447 هـ", "هـ.", "1447هـ، ثم"]
        ).asking
