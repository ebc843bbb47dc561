"""Texts joined from tokens, and the tokens found again in them."""

from hypothesis import given
from hypothesis import strategies as st

from builder.formats.writing.exported import tokens_as_published
from builder.schema.importing import Joining
from tests.formats.joined import TOKEN, joined


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


def test_marks_of_clitics_are_not_part_of_the_text():
    tokens, made = joined([["و+", "ب+", "الميناء", "عاد", "+ه", "+"]], Joining(clitic="+"))
    found, _ = tokens_as_published(made.texts[0].as_py(), made.published[0].as_py(), "+")

    assert made.texts.to_pylist() == ["وبالميناء عاده +"]
    assert [one.words for one in found] == tokens
