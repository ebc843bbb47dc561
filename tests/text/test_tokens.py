"""Tokens, sentences and canonical spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.text.tokens import canonical, sentences, tokenize

NOISE = st.text(st.sampled_from([*"ابو.،:؟!«»()3٣٫٪ \nـ_@#a-'/", "\N{ARABIC FATHATAN}", "\N{ZERO WIDTH NON-JOINER}",
                                 "\N{GRINNING FACE}", "\N{NO-BREAK SPACE}"]), max_size=30)  # fmt: skip


def words(text):
    return [text[start:end] for start, end in tokenize(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("زار https://a.example/x?y=1، أمس", ["زار", "https://a.example/x?y=1", "،", "أمس"]),
        ("إلى a.b@c.example.", ["إلى", "a.b@c.example", "."]),
        ("#خبر_عاجل @user", ["#خبر_عاجل", "@user"]),
        ("3.5% و10,000 ١٢٫٥٪ 10:30", ["3.5%", "و10,000", "١٢٫٥٪", "10:30"]),
        ("وكالة أ.ف.ب قالت", ["وكالة", "أ.ف.ب", "قالت"]),
        ("قدم\N{ARABIC FATHATAN}ا «نعم.»", ["قدم\N{ARABIC FATHATAN}ا", "«", "نعم", ".", "»"]),
        ("وغزّة\N{ZERO WIDTH NON-JOINER}الكبرى", ["وغزّة\N{ZERO WIDTH NON-JOINER}الكبرى"]),
        ("أكتوبر/تشرين", ["أكتوبر", "/", "تشرين"]),
        ("7/10/2023م، 1447هـ", ["7/10/2023م", "،", "1447هـ"]),
        ("قالت أ.ف.ب.", ["قالت", "أ.ف.ب", "."]),
        ("..a@b.example", [".", ".", "a@b.example"]),
        ("قال'Yes' it's", ["قال", "'", "Yes", "'", "it's"]),
        ("\N{GRINNING FACE}سالم", ["\N{GRINNING FACE}", "سالم"]),
        ("", []),
    ],
)
def test_tokens(text, tokens):
    assert words(text) == tokens


@given(NOISE)
def test_every_character_but_space_is_in_exactly_one_token(text):
    places = [place for start, end in tokenize(text) for place in range(start, end)]

    assert places == [place for place, character in enumerate(text) if not character.isspace()]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("قال: «نعم.» ثم مضى.", ["قال: «نعم.»", "ثم مضى."]),
        ("بلغ 3.5 نقطة! حقا؟! نعم…", ["بلغ 3.5 نقطة!", "حقا؟!", "نعم…"]),
        ("وصل د. سالم، وغادر أ. علي؛ هكذا.", ["وصل د. سالم، وغادر أ. علي؛ هكذا."]),
        ("عنوان\n\nنص أول\nنص ثان", ["عنوان", "نص أول", "نص ثان"]),
        ("وصل سالم ود. علي. عادا.", ["وصل سالم ود. علي.", "عادا."]),
        ("قالت أ.ف.ب. إنه عاد.", ["قالت أ.ف.ب. إنه عاد."]),
        ("هل عاد؟نعم.", ["هل عاد؟", "نعم."]),
        ("قال «هل عاد؟»، ثم مضى.", ["قال «هل عاد؟»، ثم مضى."]),
        ("1. البند الأول\n2. البند الثاني", ["1. البند الأول", "2. البند الثاني"]),
        ("كان ذلك عام 12. ثم مضى.", ["كان ذلك عام 12.", "ثم مضى."]),
        ("بلغ 1,5 مليون في 7 أكتوبر/تشرين الأول. زر https://a.example/x.", [
            "بلغ 1,5 مليون في 7 أكتوبر/تشرين الأول.", "زر https://a.example/x."]),
        ("  ", []),
    ],
)  # fmt: skip
def test_sentences(text, pieces):
    assert [text[start:end] for start, end in sentences(text)] == pieces


@given(NOISE)
def test_sentences_cover_every_character_but_space(text):
    covered = {place for start, end in sentences(text) for place in range(start, end)}

    assert {place for place, character in enumerate(text) if not character.isspace()} <= covered


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [(4, 15, "وبمرجانة"), (8, 11, "وبمرجانة"), (0, 4, "قال"), (0, 8, "قال «وبمرجانة"), (13, 15, None)],
)
def test_a_drawn_span_gets_canonical_edges(start, end, wanted):
    text = "قال «وبمرجانة»، ثم"

    found = canonical(text, start, end)

    assert (text[slice(*found)] if found else None) == wanted


@given(NOISE, st.data())
def test_canonical_edges_are_stable_and_on_token_edges(text, data):
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    found = canonical(text, start, end)

    if found is None:
        assert not any(character.isalnum() for character in text[start:end])
    else:
        assert canonical(text, *found) == found
        assert found[0] in {s for s, _ in tokenize(text)}
        assert found[1] in {e for _, e in tokenize(text)}


def test_an_abbreviation_has_the_same_edges_inside_and_at_the_end_of_a_sentence():
    inside, at_end = "قالت أ.ف.ب إنه", "قالت أ.ف.ب."

    assert canonical(inside, 5, 10) == canonical(at_end, 5, 11) == (5, 10)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 5), (3, 2)])
def test_a_span_outside_the_text_is_an_error(start, end):
    with pytest.raises(ValueError, match=f"^span {start}:{end} is outside a text of 4 code points$"):
        canonical("خبر.", start, end)


def test_long_runs_are_cut_in_linear_time():
    run = 100_000

    assert len(tokenize("-" * run)) == run
    assert len(tokenize("a.-" * run)) == 3 * run
    assert len(sentences("نص. " * run)) == run
    assert sentences("." * run + "س") == [(0, run + 1)]
