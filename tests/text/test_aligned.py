"""AlignedText: the way back is exact, through every later edit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.records import Edit
from builder.text.aligned import AlignedText, identity
from builder.text.profiles import profile
from tests.text.strategies import PAGES


def rebuilt(aligned):
    """The text made again from raw and edits alone; every stretch between edits must be equal."""
    pieces, raw, text = [], 0, 0
    for edit in aligned.edits:
        assert raw <= edit.raw_start < edit.raw_end
        assert text <= edit.start <= edit.end
        pieces += (aligned.raw[raw : edit.raw_start], aligned.text[edit.start : edit.end])
        raw, text = edit.raw_end, edit.end
    return "".join([*pieces, aligned.raw[raw:]])


def ranges_of(draw, size):
    cuts = sorted(draw(st.sets(st.integers(0, size), max_size=6)))
    return list(zip(cuts[::2], cuts[1::2], strict=False))


@given(PAGES, st.sampled_from(["light@1", "standard@1", "search@1"]))
def test_raw_and_edits_make_the_text(raw, name):
    aligned = profile(name).apply(raw)

    assert rebuilt(aligned) == aligned.text
    assert aligned.raw == raw


@given(PAGES, st.data())
def test_every_span_has_an_exact_place_in_the_raw_text(raw, data):
    standard = profile("standard@1")
    aligned = standard.apply(raw)
    if not aligned.text:
        return
    start = data.draw(st.integers(0, len(aligned.text) - 1))
    end = data.draw(st.integers(start + 1, len(aligned.text)))

    raw_start, raw_end = aligned.raw_span(start, end)
    low, high = aligned.text_span(raw_start, raw_end)

    assert low <= start
    assert end <= high
    whole = (low, high) == (start, end)
    cut = any(e.start < start < e.end or e.start < end < e.end for e in aligned.edits)
    assert whole or cut


@given(PAGES, st.data())
def test_what_is_kept_is_what_was_asked_for(raw, data):
    aligned = profile("standard@1").apply(raw)
    ranges = ranges_of(data.draw, len(aligned.text))

    kept = aligned.keep(ranges)

    assert kept.text == "".join(aligned.text[start:end] for start, end in ranges)
    assert rebuilt(kept) == kept.text


@given(PAGES, st.data())
def test_two_cuts_are_the_same_as_one(raw, data):
    aligned = identity(raw)
    first = ranges_of(data.draw, len(raw))
    once = aligned.keep(first)
    second = ranges_of(data.draw, len(once.text))
    kept_positions = [place for start, end in first for place in range(start, end)]
    wanted = [kept_positions[place] for start, end in second for place in range(start, end)]

    twice = once.keep(second)

    assert twice == aligned.keep([(place, place + 1) for place in wanted])


@pytest.mark.parametrize(
    ("raw", "mention", "found"),
    [
        ("قال قدما\N{ARABIC FATHATAN} إن", "قدما", "قدما\N{ARABIC FATHATAN}"),
        ("في مـــرجانة\N{RIGHT-TO-LEFT MARK} أمس", "مرجانة", "مـــرجانة"),
        ("\N{GRINNING FACE} م\N{ARABIC FATHA}رجانة", "مرجانة", "م\N{ARABIC FATHA}رجانة"),
        ("غادر مرجـ\N{ARABIC FATHA}\N{RIGHT-TO-LEFT MARK} الآن", "مرج", "مرجـ\N{ARABIC FATHA}"),
        ("من\N{NO-BREAK SPACE}مرجانة\N{NO-BREAK SPACE}", "مرجانة", "مرجانة"),
    ],
)
def test_a_span_takes_the_marks_of_its_last_letter_and_nothing_else(raw, mention, found):
    aligned = profile("standard@1").apply(raw)
    start = aligned.text.index(mention)

    raw_start, raw_end = aligned.raw_span(start, start + len(mention))

    assert raw[raw_start:raw_end] == found


def test_marks_that_begin_a_line_leave_the_line_end_alone():
    raw = "سطر\n\N{ARABIC HAMZA ABOVE}\N{ARABIC FATHATAN}سطر"
    aligned = profile("light@1").apply(raw)
    start = aligned.text.index("\n") + 1

    assert aligned.raw_span(start, len(aligned.text)) == (4, len(raw))


def test_half_a_ligature_grows_to_all_of_it():
    raw = "\N{ARABIC LIGATURE LAM WITH ALEF WITH HAMZA ABOVE ISOLATED FORM}مر"
    aligned = profile("standard@1").apply(raw)

    assert aligned.text == "لأمر"
    assert aligned.raw_span(1, 2) == (0, 1)
    assert aligned.keep([(1, 4)]).raw_span(0, 3) == (0, 3)


def test_a_wholly_deleted_range_is_empty():
    aligned = AlignedText("اب", "ا---ب", (Edit(1, 4, 1, 1),))

    assert aligned.text_span(2, 3) == (1, 1)
    assert aligned.text_span(0, 3) == (0, 1)


@pytest.mark.parametrize("span", [(0, 0), (-1, 1), (0, 9), (2, 1)])
def test_an_impossible_span_is_an_error(span):
    with pytest.raises(ValueError, match="empty or outside a text of 4 code points"):
        identity("خبر.").raw_span(*span)


def test_an_impossible_raw_span_is_an_error():
    with pytest.raises(ValueError, match="outside a raw text of 4 code points"):
        identity("خبر.").text_span(0, 5)
