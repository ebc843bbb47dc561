"""Words of many texts at once are those of each text by itself: masked lines, and fields between separators."""

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from builder.corpus.cleaning.columns.words import fields_of, gathered, words_of
from builder.corpus.cleaning.edges import LONG, fields, mask
from builder.text.joined import joined

PIECES = (
    " ", " ", " ", " – ", " - ", "-", "–", "—", "|", "/", "\\", "_", "«", "* * *", "…", "نسيم", "مرفا السدر", "12", "٣", "۴a",
    "²", "Ⅷ", "\N{GRINNING FACE}", "\N{MATHEMATICAL BOLD CAPITAL A}", "\N{MATHEMATICAL BOLD DIGIT ONE}", "\ud83d", "\udc00",
    "\N{ARABIC FATHA}", "\N{COMBINING ACUTE ACCENT}", "\N{ARABIC TATWEEL}", "a@b.c", "https:", "www.nasim", "nasim.com", ".co",
    "http:", "p:", ".x", "address",
)  # fmt: skip

LINE = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=14).map("".join),
    st.text(st.sampled_from("ab1 –-|«"), max_size=14),
    st.text(st.characters(exclude_categories=("Zs", "Zl", "Zp", "Cc")), max_size=8),
)
TEXTS = st.lists(LINE, max_size=9)


def texts_of(words, first, last):
    ranges = zip((words.spaces[first] + 1).tolist(), words.spaces[last].tolist(), strict=True)
    return [words.data[begin:end].decode("utf-8", "surrogatepass") for begin, end in ranges]


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_words_are_those_of_the_mask(lines):
    words = words_of(joined(lines))
    made = texts_of(words, words.cuts[:-1], words.cuts[1:])

    for line, odd, text in zip(lines, words.is_odd.tolist(), made, strict=True):
        assert odd or text == mask(line)


def test_few_texts_are_odd():
    lines = [
        "نسيم – مرفا السدر 12-30",
        "قال: لا.",
        "a.b",
        "12:30",
        "\N{GRINNING FACE} نسيم",
        "* * *",
        "بحر@نسيم",
        "nasim.com",
    ]

    assert words_of(joined(lines)).is_odd.tolist() == [False] * 5 + [True] * 3


@given(TEXTS)
@settings(max_examples=800, deadline=None)
@example(
    ["نسيم – -a – b", "a – - – b", "a – -– b", "– a | b", "a | b –", "« – a", "a | « | b", "a -–b", "a | - b", "a – -"]
)
def test_fields_are_those_of_each_text(lines):
    lines = [line[:LONG] for line in lines]
    words = words_of(joined(lines))
    found = fields_of(words, np.ones(len(lines), bool))
    texts = texts_of(words, found.first, found.last)

    for number, line in enumerate(lines):
        by_itself = number in found.odd
        mine = [text for text, owner in zip(texts, found.texts.tolist(), strict=True) if owner == number]
        assert mine == ([] if by_itself else fields(line))
        assert by_itself or not words.is_odd[number]


def test_fields_of_signs_alone_are_found_one_by_one():
    lines = ["نسيم – مرفا السدر", "– نسيم – مرفا", "نسيم – مرفا –", "نسيم – – مرفا", "« – نسيم", "نسيم – « – مرفا"]
    found = fields_of(words_of(joined(lines)), np.ones(len(lines), bool))

    assert found.texts.tolist() == [0, 0]
    assert found.odd.tolist() == [4, 5]


@given(TEXTS, st.data())
@settings(deadline=None)
def test_gathered_ranges_are_texts(lines, data):
    texts = joined(lines)
    ends = [data.draw(st.integers(0, len(line))) for line in lines]
    begins = [data.draw(st.integers(0, end)) for end in ends]
    some = gathered(texts, texts.begins[:-1] + np.array(begins, int), texts.begins[:-1] + np.array(ends, int))

    assert [some.text(n) for n in range(len(some))] == [
        line[b:e] for line, b, e in zip(lines, begins, ends, strict=True)
    ]
    assert len(some.units) == some.begins[-1]
