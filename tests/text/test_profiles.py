"""Profiles: what each changes, equal to pyarabic where pyarabic is right."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarabic import araby

from builder.text.profiles import FORMS, MARKS, NAMES, profile
from tests.text.strategies import PAGES

LETTERS = "".join(c for c in araby.LETTERS if c != "\N{ARABIC LETTER ALEF WASLA}")
PLAIN = st.text(st.sampled_from([*LETTERS, " ", ".", "،", "1"]), max_size=40)
VOCALIZED = st.text(st.sampled_from([*"ابتهويىةأإآؤئءملن ", *araby.TASHKEEL]), max_size=40)


@pytest.mark.parametrize(
    ("raw", "light", "standard"),
    [
        ("قدما\N{ARABIC FATHATAN} وقدم\N{ARABIC FATHATAN}ا", "قدم\N{ARABIC FATHATAN}ا وقدم\N{ARABIC FATHATAN}ا", "قدما وقدما"),
        ("مـــرجانة", "مرجانة", "مرجانة"),
        ("عام 1447 هـ.", "عام 1447 هـ.", "عام 1447 هـ."),
        ("وجهـ", "وجه", "وجه"),
        ("\N{ARABIC LIGATURE LAM WITH ALEF WITH HAMZA ABOVE ISOLATED FORM}مر", "لأمر", "لأمر"),
        ("ﻣﺮﺟﺎﻧﺔ", "مرجانة", "مرجانة"),
        ("مر\N{RIGHT-TO-LEFT MARK}جانة\N{NO-BREAK SPACE}أمس", "مرجانة أمس", "مرجانة أمس"),
        ("ه\N{ARABIC LETTER SUPERSCRIPT ALEF}ذا", "ه\N{ARABIC LETTER SUPERSCRIPT ALEF}ذا", "هذا"),
        (*["وز\N{ARABIC LETTER FARSI YEH}ر شب\N{ARABIC LETTER KEHEH}ة"] * 2, "وزير شبكة"),
        ("\N{ARABIC LETTER PEH}ار\N{ARABIC LETTER FARSI YEH}س",) * 3,
        ("سطر\r\nسطر\rسطر", "سطر\nسطر\nسطر", "سطر\nسطر\nسطر"),
        (unicodedata.normalize("NFD", "أحمد مؤمن آدم"), "أحمد مؤمن آدم", "أحمد مؤمن آدم"),
        ('أ إ آ ى ة ؤ ئ ٣ 3 «» " ABC \N{GRINNING FACE} ½ ﷺ',) * 3,
        ("الكبرى\N{ZERO WIDTH NON-JOINER}أمس",) * 3,
    ],
)  # fmt: skip
def test_each_profile_changes_what_it_says(raw, light, standard):
    assert profile("light@1").apply(raw).text == light
    assert profile("standard@1").apply(raw).text == standard


@given(PAGES, st.sampled_from(NAMES))
def test_applying_twice_changes_nothing_more(raw, name):
    once = profile(name).apply(raw).text

    assert profile(name).apply(once).text == once
    assert unicodedata.is_normalized("NFC", once)


@given(VOCALIZED)
def test_standard_equals_strip_tashkeel_on_vocalized_text(raw):
    composed = unicodedata.normalize("NFC", raw)

    assert profile("standard@1").apply(raw).text == unicodedata.normalize("NFC", araby.strip_tashkeel(composed))


@given(st.text(st.sampled_from([*LETTERS, " ", araby.TATWEEL]), max_size=40))
def test_standard_equals_strip_tatweel_but_for_the_hijri_abbreviation(raw):
    if re.search(rf"(?<!\w)ه{araby.TATWEEL}(?!\w)", raw):
        return

    assert profile("standard@1").apply(raw).text == araby.strip_tatweel(raw)


@given(PLAIN)
def test_plain_text_is_left_alone(raw):
    aligned = profile("standard@1").apply(raw)

    assert aligned.text == raw
    assert aligned.edits == ()


@given(PLAIN)
def test_folding_is_one_to_one_on_normalized_text(text):
    assert len(profile("standard@1").fold(text)) == len(text)


@pytest.mark.parametrize(
    "spelling", ["اقرأ أيضاً", "إقرأ أيضًا", "أقرأ ايضا", "اقـرأ أيضا", "إقرأ\N{NO-BREAK SPACE}أيضاً", "ﺍقرأ أيضا"]
)
def test_spellings_of_one_phrase_fold_to_one_key(spelling):
    assert profile("standard@1").fold(spelling) == "اقرا ايضا"


def test_the_marks_are_pyarabics_and_those_that_it_misses():
    assert set(araby.TASHKEEL) <= set(MARKS)
    hamza = {"\N{ARABIC MADDAH ABOVE}", "\N{ARABIC HAMZA ABOVE}", "\N{ARABIC HAMZA BELOW}"}
    assert set(araby.DIACRITICS) - set(MARKS) <= hamza
    assert all(unicodedata.category(mark) in ("Mn", "Lm") for mark in MARKS)


def test_a_lam_alef_keeps_its_hamza_where_pyarabic_loses_it():
    ligature = "\N{ARABIC LIGATURE LAM WITH ALEF WITH HAMZA ABOVE ISOLATED FORM}"

    assert araby.normalize_ligature(ligature) == "لا"
    assert FORMS[ligature] == "لأ"


def test_known_deviations_of_pyarabic_are_still_there():
    decomposed = unicodedata.normalize("NFD", "أحمد")

    assert araby.normalize_alef("على") == "علا"
    assert araby.strip_diacritics(decomposed) == "احمد"
    assert profile("standard@1").apply(decomposed).text == "أحمد"


def test_a_profile_names_its_tables():
    ids = {profile(name).id for name in NAMES}

    assert len(ids) == len(NAMES)
    assert all(re.fullmatch(r"(light|standard|search)@1\+[0-9a-f]{8}", one) for one in ids)


def test_an_unknown_profile_names_the_known_ones():
    with pytest.raises(ValueError, match="the profiles are light@1, standard@1, search@1"):
        profile("heavy@1")


def test_a_batch_equals_its_texts_one_by_one():
    raws = ["قدما\N{ARABIC FATHATAN}", "", "مـرجانة"]
    standard = profile("standard@1")

    assert standard.apply_batch(raws) == [standard.apply(raw) for raw in raws]
