"""The edges of a page: what of a line is counted, and which lines recurrence may judge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.edges import (
    GRAM,
    HEAD,
    LONG,
    PART,
    TAIL,
    edges,
    ends,
    fields,
    is_lone,
    label,
    mask,
    suffix,
)
from tests.corpus.cleaning.sources import STANDARD, body

PROSE = ["وصلت السفينه عند الفجر واستقبلها اهل الجزيره كلهم علي رصيف المرفا القديم.", *STANDARD.fold_batch(body(1, 5))]


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("الساعه 12:30 مساء", "الساعه 0 0 مساء"),
        ("شارك: الخبر!", "شارك الخبر"),
        ("راسلوا bahr@nasim.example.com او زوروا www.nasim.example", "راسلوا address او زوروا address"),
        ("https://nasim.example.com/a/1 المزيد", "address المزيد"),
        ("bahr@nasim.example.com", "bahr nasim example com"),
        ("sahel@nasim.example.com", "sahel nasim example com"),
        ("***", "***"),
        ("1447", "0"),
        ("", ""),
    ],
)
def test_masked_words_keep_neither_numbers_nor_addresses(line, masked):
    assert mask(line) == masked


@given(st.text(st.sampled_from("ابة 0123.:@-–|/*_؟«»\u200fwx"), max_size=40))
def test_masking_twice_changes_nothing_but_addresses(text):
    line = " ".join(text.split())
    once = mask(line)

    assert mask(once) == once or "@" in line or "." in line or ":" in line
    assert bool(once) == bool(line)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("نسيم – مرفا السدر", ["نسيم", "مرفا السدر"]),
        ("نسيم | 12 رجب | محليات", ["نسيم", "0 رجب", "محليات"]),
        ("طلال/السدر", ["طلال", "السدر"]),
        ("نسيم-السدر", []),  # a hyphen inside a word is no separator
        ("نسيم", []),
        ("– نسيم", []),
        ("ابحر الربان من المرفا القديم الي الجزيره – نسيم", []),  # one of the parts is a sentence
        ("نسيم – " + "ا" * LONG, []),
    ],
)
def test_fields_are_short_parts_between_dashes_and_bars(line, parts):
    assert fields(line) == parts


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("رابط الخبر: عوده السفينه", "رابط الخبر"),
        ("رابط الخبر 12: عوده السفينه", "رابط الخبر 0"),
        ("قال: لن نعود", ""),  # one word
        ("رابط الخبر:", ""),  # nothing behind it
        ("رابط الخبر:عوده", ""),
        ("في الساعه 12:30", ""),
        ("ابحر الربان من المرفا القديم الي الجزيره: هذا ما رواه", ""),
        ("لا شيء هنا", ""),
    ],
)
def test_label_is_two_to_six_words_before_a_colon(line, words):
    assert label(line) == words


@given(st.lists(st.sampled_from(["نسيم", "مرفا", "السدر", "عوده", "0"]), min_size=1, max_size=14))
def test_ends_are_most_of_a_line_and_never_all(words):
    for part in ends(" ".join(words)):
        kept = part.replace("…", "").split()

        assert max(PART, 0.6 * len(words)) <= len(kept) < len(words)
        assert kept in (words[: len(kept)], words[-len(kept) :])
    assert len(words) > PART or not ends(" ".join(words))


def test_suffix_is_of_a_long_paragraph_only():
    words = [*("كلمه" for _ in range(2 * GRAM[1] - 5)), "شارك", "الخبر", "مع", "12", "صديقا"]

    assert suffix(" ".join(words), GRAM[0]) == "شارك الخبر مع 0 صديقا"
    assert suffix(" ".join(words[1:]), GRAM[0]) == ""


@given(st.lists(st.sampled_from(["شارك", "نسيم – السدر", "• رابط", *PROSE]), max_size=30))
def test_edges_are_outside_the_first_and_the_last_paragraph(lines):
    found = edges(lines)
    outer = [n for n in range(len(lines)) if lines[n] in PROSE]

    assert (found.first, found.last) == ((outer[0], outer[-1]) if outer else (len(lines), -1))
    assert all(lines[n] not in PROSE for n in (*found.head, *found.tail))
    assert len(found.head) <= HEAD
    assert len(found.tail) <= TAIL
    assert [*found.head] == [*range(len(found.head))]
    assert not found.tail or found.tail[-1] == len(lines) - 1


def lone(lines, number):
    return is_lone(lines, edges(lines), number % len(lines))


@pytest.mark.parametrize("line", ["مرفا السدر", "طلال الكتاني", "شارك"])
def test_a_short_line_beside_paragraphs_is_alone(line):
    assert lone([line, *PROSE], 0)
    assert lone([*PROSE, line], -1)


@pytest.mark.parametrize(
    "line",
    [
        "ودمتم سالمين.",
        "هل يعود؟",
        "الاسعار:",
        "وغدا…",
        "• رابط",
        "- رابط",
        "تابعوا كل ما يجري في مرفا السدر والجزر المجاوره علي قناه نسيم",
    ],
)
def test_a_sentence_an_item_and_a_long_line_are_not_alone(line):
    assert not lone([line, *PROSE], 0)
    assert not lone([*PROSE, line], -1)


def test_two_lines_and_verses_and_broken_text_are_not_alone():
    verses = ["يا بحر هل من عوده", "لمن مضي وراء الافق", "والموج يعرف الطريق", "ولا يقول ما سبق"]

    assert not lone([*PROSE, "مرفا السدر", "نسيم"], -1)
    assert not lone([*PROSE[:2], *verses], -1)
    assert not lone([*verses, PROSE[0]], 0)
    assert not lone([PROSE[0], "ابحرت السفينه من المرفا القديم " * 4 + "ولم يكن", "علي الرصيف احد"], -1)
    assert not lone(["مرفا السدر"], 0)
    assert not lone(["مرفا السدر", "نسيم"], -1)
