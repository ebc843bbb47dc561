"""Each policy equals its pyarabic function, except for listed deviations."""

import random
import re
import unicodedata
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarabic import araby

from builder.text.contexts import HAMZA_MARKS, MARKS
from builder.text.policies import NAMES, PRESENTATION_FORMS
from builder.text.profiles import profile
from tests.text import oracle
from tests.text.corpus import VOCALIZED, between, corpus, shared_texts, still_and_others, still_pages
from tests.text.strategies import CHARACTERS

pytestmark = pytest.mark.slow

FATHATAN, SHADDA = "\N{ARABIC FATHATAN}", "\N{ARABIC SHADDA}"
SMALL_ALEF, SMALL_WAW, SMALL_YEH = "\N{ARABIC LETTER SUPERSCRIPT ALEF}", "\N{ARABIC SMALL WAW}", "\N{ARABIC SMALL YEH}"
MADDA, HAMZA_ABOVE, HAMZA_BELOW = HAMZA_MARKS
EXTENDED = {*map(chr, range(0x0898, 0x08A0)), *map(chr, range(0x08CA, 0x08E2)), *map(chr, range(0x08E3, 0x0900))}
"""Marks of the block Arabic Extended, of which pyarabic has none."""
LAM_ALEF = {"\ufef5": "لآ", "\ufef7": "لأ", "\ufef9": "لإ", "\ufefb": "لا"}
"""Isolated lam-alef forms; the hamza is a letter's part, and pyarabic drops it."""

# Policy, profile and pyarabic's function; then where the two differ: what ours makes of a character that theirs
# changes, and which characters ours changes and theirs does not.
DEVIATIONS = [
    ("tatweel", "light@1", araby.strip_tatweel, {}, set()),
    ("marks", "standard@1", araby.strip_tashkeel, {}, {*MARKS} - {*araby.TASHKEEL}),
    ("marks", "standard@1", araby.strip_small, {}, {*MARKS} - {SMALL_ALEF, SMALL_WAW, SMALL_YEH}),
    ("marks", "standard@1", araby.strip_diacritics, {c: c for c in HAMZA_MARKS}, {SMALL_WAW, SMALL_YEH, *EXTENDED}),
    ("presentation forms", "light@1", araby.normalize_ligature,
     {form: letters for form, letters in LAM_ALEF.items() if letters != "لا"}, {*PRESENTATION_FORMS} - {*LAM_ALEF}),
]  # fmt: skip

# The same for one character in a key, which several of pyarabic's functions have a hand in.
FOLDED = [
    (araby.normalize_teh, {}),
    (araby.normalize_alef, {"ى": "ي", SMALL_ALEF: ""}),
    (lambda text: araby.normalize_hamza(text, "tasheel"), {HAMZA_ABOVE: "", HAMZA_BELOW: ""}),
]


@cache
def effects(name):
    """What a profile makes of every code point that is not still, between two letters and alone."""
    others = still_and_others()[1]
    if name == "search@1":
        made = profile(name).fold_batch([*map(between, others), *others])
    else:
        made = [aligned.text for aligned in profile(name).apply_batch([*map(between, others), *others])]
    pairs = zip(made[: len(others)], made[len(others) :], strict=True)
    return dict(zip(others, pairs, strict=True))


def differences(name, function):
    """Code points that a pyarabic function changes, and ours to something else; and all that it changes."""
    changed, unlike = set(), {}
    for character, (inside, alone) in effects(name).items():
        theirs = function(between(character)), function(character)
        if theirs != (between(character), character):
            changed.add(character)
            if theirs != (inside, alone):
                unlike[character] = alone
                assert inside == between(alone)
    return changed, unlike


@pytest.mark.parametrize(("policy", "name", "function", "otherwise", "besides"), DEVIATIONS)
def test_policy_equals_pyarabic_except_listed_code_points(policy, name, function, otherwise, besides):
    own = next(one.changes for one in profile(name).policies if one.name == policy)
    changed, unlike = differences(name, function)

    assert unlike == otherwise
    assert set(own) - changed == besides
    assert changed - set(own) == {c for c, put in otherwise.items() if put == c}


@pytest.mark.parametrize(("function", "otherwise"), FOLDED)
def test_key_equals_pyarabic_except_listed_code_points(function, otherwise):
    changed, unlike = differences("search@1", function)

    assert unlike == otherwise
    assert changed <= {*profile("search@1").policies[-1].changes, SMALL_ALEF}


def test_key_folds_more_letters_than_pyarabic():
    changed = set().union(*(differences("search@1", function)[0] for function, _ in FOLDED))
    besides = {*profile("search@1").policies[-1].changes} - changed
    left = {c for c in besides if not c.isascii() and not unicodedata.name(c).startswith("LATIN")}

    assert left == {MADDA, *"ۀۂۓ", *map(chr, range(0x0660, 0x066A)), *map(chr, range(0x06F0, 0x06FA))}
    assert {c for c in besides if c.isascii()} == {*"ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


@pytest.mark.parametrize("name", NAMES)
def test_non_arabic_code_points_are_unchanged(name):
    pages = still_pages()

    assert [aligned.text for aligned in profile(name).apply_batch(pages)] == pages
    assert [araby.strip_diacritics(page) for page in pages] == pages


@pytest.mark.parametrize("name", NAMES)
def test_every_other_code_point_equals_the_oracle(name):
    others = still_and_others()[1]
    lines = [f"{between(c)} {c}ا\n{c}" for c in others]
    raws = ["\n".join(lines[first : first + 20]) for first in range(0, len(lines), 20)]

    texts = [aligned.text for aligned in profile(name).apply_batch(raws)]

    assert [pair for pair in zip(raws, texts, strict=True) if pair[1] != oracle.text_of(pair[0], name)] == []


@pytest.mark.parametrize("name", NAMES)
def test_corpus_equals_the_oracle(name):
    texts = [aligned.text for aligned in profile(name).apply_batch(corpus())]

    assert texts == [oracle.text_of(raw, name) for raw in corpus()]


FURTHER = [
    *("ه", "هـ", "هـ ", "1", "_", "½", "-", "پ", "ی", "ک", "ۀ", "\ufffe", "\uffff", "\ud800", "\udc00"),
    *(MADDA, HAMZA_BELOW, SMALL_YEH, "\N{ARABIC SIGN SALLALLAHOU ALAYHE WASSALLAM}", "\N{COMBINING ACUTE ACCENT}"),
    *("\u08ca", "\ufeeb", "\ufe76", "\ufbfc", "\ufb56", "\ufeee", "\ufe8e", "\N{ZERO WIDTH NO-BREAK SPACE}"),
]
"""What presentation forms, marks and controls can hide from a look at one character."""


@given(st.lists(st.sampled_from([*CHARACTERS, *FURTHER]), max_size=12).map("".join), st.sampled_from(NAMES))
def test_any_text_equals_the_oracle(raw, name):
    assert profile(name).apply(raw).text == oracle.text_of(raw, name)


@pytest.mark.parametrize("name", NAMES)
def test_batch_of_three_thousand_texts_equals_the_oracle(name):
    draw = random.Random(name)  # noqa: S311 - the same texts each time
    raws = ["".join(draw.choices([*CHARACTERS, *FURTHER], k=draw.randrange(9))) for _ in range(3000)]

    texts = [aligned.text for aligned in profile(name).apply_batch(raws)]

    assert [pair for pair in zip(raws, texts, strict=True) if pair[1] != oracle.text_of(pair[0], name)] == []


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("ﭘﺎﺭﯾﺲ", "پار\N{ARABIC LETTER FARSI YEH}س"),
        ("ﻭﺯﯾﺮ", "وزير"),
        ("پ\N{RIGHT-TO-LEFT MARK}\N{ARABIC LETTER FARSI YEH}ا", "پ\N{ARABIC LETTER FARSI YEH}ا"),
        ("عام 1447 \ufeebـ.", "عام 1447 هـ."),
        ("1447 ه\N{RIGHT-TO-LEFT MARK}ـ", "1447 هـ"),
    ],
)
def test_context_rules_see_composed_letters_without_controls(raw, wanted):
    assert profile("standard@1").apply(raw).text == wanted


def test_noncharacter_is_deleted_without_shifting_its_batch():
    raws = ["خبر", "\uffff", "\ufffe", "ب\uffffب", "خبر", "\N{GRINNING FACE}\uffff"]

    for name in NAMES:
        texts = [aligned.text for aligned in profile(name).apply_batch(raws)]
        assert texts == ["خبر", "", "", "بب", "خبر", "\N{GRINNING FACE}"]


# --- the corpus: each policy alone, on texts where it has work to do -----------------------------------------


def light(texts):
    return [aligned.text for aligned in profile("light@1").apply_batch(texts)]


def standard(texts):
    return [aligned.text for aligned in profile("standard@1").apply_batch(texts)]


def without_farsi(text):
    return not re.search(f"[{oracle.FARSI_YEH}{oracle.KEHEH}]", text)


def assert_marks_go_as_pyarabics_do(raws):
    texts = [text for text in light(raws) if without_farsi(text) and not set(text) & {*HAMZA_MARKS, *EXTENDED}]

    assert len(texts) > len(raws) // 2
    assert standard(texts) == [araby.strip_small(araby.strip_diacritics(text)) for text in texts]


def test_standard_strips_light_of_diacritics_on_the_corpus():
    assert_marks_go_as_pyarabics_do(corpus())


@pytest.mark.shared
def test_standard_strips_light_of_diacritics_on_shared_texts(shared):
    assert_marks_go_as_pyarabics_do(shared_texts(shared)[::4])


@pytest.mark.shared
@pytest.mark.parametrize("name", NAMES)
def test_shared_texts_equal_the_oracle(shared, name):
    raws = shared_texts(shared)[:: 60 if name == "search@1" else 15]

    texts = [aligned.text for aligned in profile(name).apply_batch(raws)]

    assert texts == [oracle.text_of(raw, name) for raw in raws]


def test_standard_equals_strip_tashkeel_on_vocalized_sentences():
    texts = [text for text in VOCALIZED if SMALL_ALEF not in text]

    assert len(texts) == len(VOCALIZED) - 1
    assert standard(texts) == [araby.strip_tashkeel(text) for text in texts]


def test_standard_equals_strip_tatweel_on_stretched_corpus():
    draw = random.Random(7)  # noqa: S311 - the same texts each time
    plain = [text for text in standard(corpus()) if araby.TATWEEL not in text]
    stretched = [
        re.sub(r"(?<=[^\W\d])(?=[^\W\d])", lambda _: araby.TATWEEL * draw.randrange(3), text) for text in plain
    ]

    assert len(plain) > 10
    assert standard(stretched) == [araby.strip_tatweel(text) for text in stretched] == plain


def test_standard_equals_normalize_ligature_on_the_corpus():
    plain = standard(corpus())
    ligated = [text.replace("لا", "\ufefb") for text in plain]

    assert ligated != plain
    assert standard(ligated) == [araby.normalize_ligature(text) for text in ligated] == plain


def test_search_equals_pyarabic_folding_on_the_corpus():
    digits = {ord("٠") + digit: str(digit) for digit in range(10)}
    texts = standard(corpus())
    theirs = [araby.normalize_hamza(araby.normalize_teh(text), "tasheel") for text in texts]

    keys = profile("standard@1").fold_batch(corpus())

    assert keys == [text.replace("ى", "ي").translate(digits).lower() for text in theirs]


@pytest.mark.filterwarnings("ignore:.*'count':DeprecationWarning")
def test_light_equals_autocorrect_with_few_fathatans():
    raw = "قدما\N{ARABIC FATHATAN} وسابقا\N{ARABIC FATHATAN} وأيض\N{ARABIC FATHATAN}ا"

    assert light([raw]) == [araby.autocorrect(raw)]
