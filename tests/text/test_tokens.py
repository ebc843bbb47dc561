"""Tokens, sentences and canonical spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.text.tokens import canonical_span, sentences, tokenize
from tests.text.token_cases import cases

NOISE = st.text(st.sampled_from([*"ابو.،:؟!«»()3٣٫٪ \nـ_@#a-'/", "\N{ARABIC FATHATAN}", "\N{ZERO WIDTH NON-JOINER}", "\N{VARIATION SELECTOR-16}",
                                 "\N{GRINNING FACE}", "\N{NO-BREAK SPACE}"]), max_size=30)  # fmt: skip

IGNORED = [
    "\N{ZERO WIDTH NON-JOINER}", "\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}", "\N{COMBINING GRAPHEME JOINER}",
    "\N{RIGHT-TO-LEFT MARK}", "\N{ARABIC LETTER MARK}", "\N{SOFT HYPHEN}", "\N{ZERO WIDTH SPACE}", "\N{WORD JOINER}",
    "\N{ZERO WIDTH NO-BREAK SPACE}", "\N{HANGUL FILLER}", "\N{MONGOLIAN VOWEL SEPARATOR}", "\N{TAG SPACE}", "\N{VARIATION SELECTOR-17}",
    "\N{FUNCTION APPLICATION}", "\N{RIGHT-TO-LEFT ISOLATE}",
]  # fmt: skip


def seen(text):
    """Positions of the visible characters."""
    return [place for place, character in enumerate(text) if not character.isspace() and character not in IGNORED]


def words(text):
    return [text[start:end] for start, end in tokenize(text)]


@pytest.mark.parametrize("line", cases("tokens.txt"))
def test_tokens_of_the_hard_cases(line):
    assert words(line.replace("|", "")) == line.replace("|", " ").split()


def test_empty_text_has_no_tokens():
    assert tokenize("") == tokenize(" \n\N{NO-BREAK SPACE}") == []


@given(NOISE)
def test_every_visible_character_is_in_one_token(text):
    places = [place for start, end in tokenize(text) for place in range(start, end)]

    assert [place for place in places if text[place] not in IGNORED] == seen(text)
    assert len(places) == len(set(places))
    assert all(text[start] not in IGNORED for start, _ in tokenize(text))


@pytest.mark.parametrize("line", cases("sentences.txt"))
def test_sentences_of_the_hard_cases(line):
    text = line.replace("⏎", "\n")
    pieces = [piece.strip() for piece in text.split("‖")]

    found = [text.replace("‖", "")[start:end] for start, end in sentences(text.replace("‖", ""))]

    assert found == [piece for piece in pieces if piece]


@given(NOISE)
def test_sentences_cover_every_visible_character(text):
    covered = {place for start, end in sentences(text) for place in range(start, end)}

    assert set(seen(text)) <= covered


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [(4, 15, "وبمرجانة"), (8, 11, "وبمرجانة"), (0, 4, "قال"), (0, 8, "قال «وبمرجانة"), (13, 15, None)],
)
def test_drawn_span_gets_canonical_edges(start, end, wanted):
    text = "قال «وبمرجانة»، ثم"

    found = canonical_span(text, start, end)

    assert (text[slice(*found)] if found else None) == wanted


@given(NOISE, st.data())
def test_canonical_edges_are_stable_and_on_token_edges(text, data):
    if not text:
        return
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))

    found = canonical_span(text, start, end)

    if found is None:
        assert not any(character.isalnum() for character in text[start:end])
    else:
        assert canonical_span(text, *found) == found
        assert found[0] in {s for s, _ in tokenize(text)}
        assert found[1] in {e for _, e in tokenize(text)}


def test_abbreviation_keeps_its_edges_at_sentence_end():
    inside, at_end = "قالت أ.ف.ب إنه", "قالت أ.ف.ب."

    assert canonical_span(inside, 5, 10) == canonical_span(at_end, 5, 11) == (5, 10)


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (0, 5), (3, 2)])
def test_span_outside_the_text_is_an_error(start, end):
    with pytest.raises(ValueError, match=f"^span {start}:{end} is outside a text of 4 code points$"):
        canonical_span("خبر.", start, end)


def test_long_runs_are_tokenized_in_linear_time():
    run = 100_000

    assert len(tokenize("-" * run)) == run
    assert len(tokenize("a.-" * run)) == 3 * run
    assert len(sentences("نص. " * run)) == run
    assert sentences("." * run + "س") == [(0, run + 1)]


@pytest.mark.parametrize("ignored", IGNORED)
def test_invisible_character_is_part_of_a_word_or_nothing(ignored):
    assert words(f"قال:{ignored} «وكالة نسيم»{ignored} {ignored} ثم") == ["قال", ":", "«", "وكالة", "نسيم", "»", "ثم"]
    assert words(f"غز{ignored}ة {ignored}الكبرى{ignored}") == [f"غز{ignored}ة", f"الكبرى{ignored}"]
    assert words(f"{ignored} \n{ignored}") == sentences(f"{ignored} \n{ignored}") == []
    assert len(sentences(f"وصل الوفد.{ignored} ثم عاد.")) == 2


@pytest.mark.parametrize("ignored", IGNORED)
@pytest.mark.parametrize("whole_words", [True, False])
def test_invisible_characters_move_no_canonical_edge(ignored, whole_words):
    text = f"قالت {ignored} {ignored}وكالة نسيم{ignored} {ignored} أمس"
    start, end = text.index("وكالة"), text.index("نسيم") + 5

    drawn = [(left, right) for left in range(4, start + 1) for right in range(end - 1, text.index("أمس"))]
    assert {canonical_span(text, *edges, whole_words=whole_words) for edges in drawn} == {(start, end)}
    assert canonical_span(text, 5, 7, whole_words=whole_words) is None


def test_emoji_keeps_its_tags_and_presentation():
    flag = "\N{WAVING BLACK FLAG}\N{TAG LATIN SMALL LETTER G}\N{CANCEL TAG}"
    heart = "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"

    assert words(f"فاز {flag}{heart}!") == ["فاز", flag, heart, "!"]
