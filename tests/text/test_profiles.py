"""What each profile changes, equal to pyarabic where pyarabic is right."""

import pickle
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarabic import araby

from builder.records import Edit
from builder.text.contexts import MARKS
from builder.text.edits import Edits
from builder.text.policies import NAMES, PRESENTATION_FORMS
from builder.text.profiles import profile
from tests.text.strategies import PAGES

LETTERS = "".join(c for c in araby.LETTERS if c != "\N{ARABIC LETTER ALEF WASLA}")
PLAIN = st.text(st.sampled_from([*LETTERS, " ", ".", "،", "1"]), max_size=40)
VOCALIZED = st.text(st.sampled_from([*"ابتهويىةأإآؤئءملن ", *araby.TASHKEEL]), max_size=40)
DECOMPOSED = [
    *unicodedata.normalize("NFD", "أآئۀéİǰậ각क़"),
    "\N{COMBINING CARON}",
    "\N{DEVANAGARI LETTER QA}",
    "\N{ANGSTROM SIGN}",
    "\N{HANGUL SYLLABLE GA}",
    "\N{ARABIC SHADDA}",
    "\N{ARABIC FATHA}",
    "JA",
    "\N{ARABIC TATWEEL}",
    "\N{RIGHT-TO-LEFT MARK}",
    " ",
]


@pytest.mark.parametrize(
    ("raw", "light", "standard"),
    [
        ("قدما\N{ARABIC FATHATAN} وقدم\N{ARABIC FATHATAN}ا", "قدم\N{ARABIC FATHATAN}ا وقدم\N{ARABIC FATHATAN}ا", "قدما وقدما"),
        ("مـــرجانة", "مرجانة", "مرجانة"),
        ("عام 1447 هـ.", "عام 1447 هـ.", "عام 1447 هـ."),
        ("عام 1447هــ)", "عام 1447هـ)", "عام 1447هـ)"),
        ("وجهـ", "وجه", "وجه"),
        ("\N{ARABIC LETTER GAF}هـ", "\N{ARABIC LETTER GAF}ه", "\N{ARABIC LETTER GAF}ه"),
        ("هـ\N{ARABIC FATHA}ذا", "ه\N{ARABIC FATHA}ذا", "هذا"),
        ("هـ\N{RIGHT-TO-LEFT MARK}ذا", "هذا", "هذا"),
        ("قدم\N{ARABIC FATHATAN ISOLATED FORM}", "قدم\N{ARABIC FATHATAN}", "قدم"),
        ("قدم\N{ARABIC FATHA MEDIAL FORM}", "قدم\N{ARABIC FATHA}", "قدم"),
        (
            "قط\N{ARABIC SHADDA}ا\N{ARABIC FATHATAN} قط\N{ARABIC SHADDA}\N{ARABIC FATHATAN}ا",
            "قط\N{ARABIC FATHATAN}\N{ARABIC SHADDA}ا قط\N{ARABIC FATHATAN}\N{ARABIC SHADDA}ا",
            "قطا قطا",
        ),
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
def test_each_profile_makes_its_stated_changes(raw, light, standard):
    assert profile("light@1").apply(raw).text == light
    assert profile("standard@1").apply(raw).text == standard


@given(PAGES, st.sampled_from(NAMES))
def test_profiles_are_idempotent(raw, name):
    once = profile(name).apply(raw).text

    assert profile(name).apply(once).text == once
    assert unicodedata.is_normalized("NFC", once)


@given(VOCALIZED)
def test_standard_equals_strip_tashkeel_on_vocalized_text(raw):
    composed = unicodedata.normalize("NFC", raw)

    assert profile("standard@1").apply(raw).text == unicodedata.normalize("NFC", araby.strip_tashkeel(composed))


@given(st.text(st.sampled_from([*LETTERS, " ", araby.TATWEEL]), max_size=40))
def test_standard_equals_strip_tatweel_except_hijri_abbreviation(raw):
    if re.search(rf"(?<!\w)ه{araby.TATWEEL}+(?!\w)", raw):
        return

    assert profile("standard@1").apply(raw).text == araby.strip_tatweel(raw)


@given(PLAIN)
def test_plain_text_is_unchanged(raw):
    aligned = profile("standard@1").apply(raw)

    assert aligned.text == raw
    assert len(aligned.edits) == 0


SENTENCES = [
    "أَعْلَنَتْ وِزَارَةُ النَّقْلِ فِي مَرْجَانَةَ أَمْسِ.",
    "قَالَ سَالِمٌ: «لَنْ نَتَأَخَّرَ»، وَأَضَافَ أَنَّ الكُلْفَةَ 3.5 مِلْيُون.",
    "شُؤُونُ البِيئَةِ وَآثَارُ السَّيْلِ عَلَى القُرَى",
]


@pytest.mark.parametrize("raw", SENTENCES)
def test_standard_equals_strip_tashkeel_on_vocalized_sentences(raw):
    assert profile("standard@1").apply(raw).text == araby.strip_tashkeel(raw)


@pytest.mark.parametrize("raw", ["الــخبر الأول", "مـــرجانة ـ أمس", "عـاجـل: ســالم"])
def test_standard_equals_strip_tatweel_on_stretched_sentences(raw):
    assert profile("standard@1").apply(raw).text == araby.strip_tatweel(raw)


@given(st.lists(st.sampled_from(DECOMPOSED), max_size=12).map("".join))
def test_any_text_is_composed_as_in_unicode(raw):
    composed = unicodedata.normalize("NFC", raw)

    assert profile("light@1").apply(raw).text == profile("light@1").apply(composed).text


def test_nfc_changes_only_composed_characters():
    raw = "مح" + "\N{ARABIC SHADDA}\N{ARABIC FATHA}" + "د e\N{COMBINING ACUTE ACCENT} أ"

    assert profile("light@1").apply(raw).edits == Edits.of([Edit(2, 4, 2, 4), Edit(6, 8, 6, 7)])
    assert profile("standard@1").apply(raw).edits == Edits.of([Edit(2, 4, 2, 2), Edit(6, 8, 4, 5)])


def test_hundred_thousand_marks_on_one_letter_are_normalized():
    pair = "\N{ARABIC SHADDA}\N{ARABIC FATHA}"

    assert profile("standard@1").apply("ا" + pair * 50_000).text == "ا"
    assert profile("light@1").apply("ا" + pair * 50_000).text == "ا" + pair[1] * 50_000 + pair[0] * 50_000


@given(st.one_of(PAGES, st.text(), st.lists(st.sampled_from(DECOMPOSED), max_size=12).map("".join)))
def test_search_text_is_a_key_and_folding_is_idempotent(raw):
    key = profile("standard@1").fold(raw)

    assert key == profile("search@1").apply(raw).text
    assert key == profile("light@1").fold(key)


def test_keys_are_lower_case_with_western_digits():
    assert profile("standard@1").fold("ABC Élan ١٢۳ مؤمن بئر") == "abc élan 123 مومن بير"


@given(PLAIN)
def test_folding_is_one_to_one_on_normalized_text(text):
    assert len(profile("standard@1").fold(text)) == len(text)


@pytest.mark.parametrize(
    "spelling", ["اقرأ أيضاً", "إقرأ أيضًا", "أقرأ ايضا", "اقـرأ أيضا", "إقرأ\N{NO-BREAK SPACE}أيضاً", "ﺍقرأ أيضا"]
)
def test_spellings_of_one_phrase_fold_to_one_key(spelling):
    assert profile("standard@1").fold(spelling) == "اقرا ايضا"


def test_marks_include_those_that_pyarabic_misses():
    assert set(araby.TASHKEEL) <= set(MARKS)
    hamza = {"\N{ARABIC MADDAH ABOVE}", "\N{ARABIC HAMZA ABOVE}", "\N{ARABIC HAMZA BELOW}"}
    assert set(araby.DIACRITICS) - set(MARKS) <= hamza
    assert all(unicodedata.category(mark) in ("Mn", "Lm") for mark in MARKS)


def test_lam_alef_keeps_its_hamza_unlike_pyarabic():
    ligature = "\N{ARABIC LIGATURE LAM WITH ALEF WITH HAMZA ABOVE ISOLATED FORM}"

    assert araby.normalize_ligature(ligature) == "لا"
    assert profile("standard@1").apply(ligature).text == "لأ"
    assert PRESENTATION_FORMS[ligature] == "لأ"


def test_known_pyarabic_deviations_remain():
    decomposed = unicodedata.normalize("NFD", "أحمد")

    assert araby.normalize_alef("على") == "علا"
    assert araby.normalize_alef("ه\N{ARABIC LETTER SUPERSCRIPT ALEF}ذا") == "هاذا"
    assert profile("search@1").apply("على هذا").text == "علي هذا"
    assert araby.strip_diacritics(decomposed) == "احمد"
    assert profile("standard@1").apply(decomposed).text == "أحمد"


def test_profile_names_its_tables():
    ids = {profile(name).id for name in NAMES}

    assert len(ids) == len(NAMES)
    assert all(re.fullmatch(r"(light|standard|search)@1\+[0-9a-f]{8}", one) for one in ids)


def test_unknown_profile_error_lists_known_ones():
    with pytest.raises(ValueError, match="the profiles are light@1, standard@1, search@1"):
        profile("heavy@1")


def test_batch_equals_texts_one_by_one():
    raws = ["قدما\N{ARABIC FATHATAN}", "", "مـرجانة"]
    standard = profile("standard@1")

    assert standard.apply_batch(raws) == [standard.apply(raw) for raw in raws]


@pytest.mark.parametrize("name", NAMES)
def test_a_pickled_profile_is_small_and_does_the_same(name):
    sent = pickle.dumps(profile(name))
    received = pickle.loads(sent)  # noqa: S301 - its own

    assert len(sent) < 100_000
    assert pickle.loads(sent) is received  # noqa: S301 - its own
    assert received.id == profile(name).id
    assert received.apply("أهـلاً بالمـدى").text == profile(name).apply("أهـلاً بالمـدى").text
