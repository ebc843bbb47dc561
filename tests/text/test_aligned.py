"""AlignedText maps every span back to the raw text, through later edits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.records import Edit
from builder.text.aligned import AlignedText, identity
from builder.text.edits import Edits
from builder.text.policies import NAMES
from builder.text.profiles import profile
from tests.text.strategies import CHARACTERS, PAGES

PUT = ["", "س", "شص", " "]
CONTEXTUAL = {"\r", "\r\n", *"ها", "\N{ARABIC TATWEEL}", "\N{ARABIC LETTER FARSI YEH}", "\N{ARABIC LETTER KEHEH}"}
"""What becomes of these depends on their neighbours, which a cut can take away."""
UNCONTEXTUAL = sorted(set(CHARACTERS) - CONTEXTUAL)


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
def test_every_span_has_exact_raw_offsets(raw, data):
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


@given(st.lists(st.sampled_from(UNCONTEXTUAL), max_size=25).map("".join), st.sampled_from(NAMES[:2]), st.data())
def test_raw_span_normalizes_to_the_span(raw, name, data):
    aligned = profile(name).apply(raw)
    if not aligned.text:
        return
    start = data.draw(st.integers(0, len(aligned.text) - 1))
    end = data.draw(st.integers(start + 1, len(aligned.text)))
    if any(e.start < start < e.end or e.start < end < e.end for e in aligned.edits):
        return

    raw_start, raw_end = aligned.raw_span(start, end)

    assert profile(name).apply(raw[raw_start:raw_end]).text == aligned.text[start:end]


@given(PAGES, st.data())
def test_later_edits_keep_the_mapping(raw, data):
    aligned = profile("standard@1").apply(raw)
    for _ in range(3):
        before = aligned.text
        changes = [(start, end, data.draw(st.sampled_from(PUT))) for start, end in ranges_of(data.draw, len(before))]
        aligned = aligned.replace(changes)
        expected = list(before)
        for start, end, put in reversed(changes):
            expected[start:end] = put

        assert aligned.text == "".join(expected)
        assert rebuilt(aligned) == aligned.text


@given(st.text(st.sampled_from("ابتج "), min_size=1, max_size=20), st.data())
def test_successive_edits_equal_one_edit(raw, data):
    changes = [(start, end, data.draw(st.sampled_from(PUT))) for start, end in ranges_of(data.draw, len(raw))]

    at_once = identity(raw).replace(changes)
    last_first = identity(raw)
    for change in reversed(changes):
        last_first = last_first.replace([change])

    assert last_first == at_once


def test_adjacent_deletions_are_one_edit():
    once = identity("ابتثج").replace([(1, 2, ""), (2, 3, "")])

    assert list(once.edits) == [Edit(1, 3, 1, 1)]
    assert list(once.replace([(1, 2, "")]).edits) == [Edit(1, 4, 1, 1)]


@given(PAGES, st.data())
def test_keep_keeps_the_requested_ranges(raw, data):
    aligned = profile("standard@1").apply(raw)
    ranges = ranges_of(data.draw, len(aligned.text))

    kept = aligned.keep(ranges)

    assert kept.text == "".join(aligned.text[start:end] for start, end in ranges)
    assert rebuilt(kept) == kept.text


@given(PAGES, st.data())
def test_two_cuts_equal_one(raw, data):
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
def test_span_includes_marks_of_its_last_letter_only(raw, mention, found):
    aligned = profile("standard@1").apply(raw)
    start = aligned.text.index(mention)

    raw_start, raw_end = aligned.raw_span(start, start + len(mention))

    assert raw[raw_start:raw_end] == found


def test_marks_at_line_start_leave_the_line_end_alone():
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


def test_wholly_deleted_range_is_empty():
    aligned = AlignedText("اب", "ا---ب", Edits.of([Edit(1, 4, 1, 1)]))

    assert aligned.text_span(2, 3) == (1, 1)
    assert aligned.text_span(0, 3) == (0, 1)


@pytest.mark.parametrize("span", [(0, 0), (-1, 1), (0, 9), (2, 1)])
def test_invalid_span_is_an_error(span):
    with pytest.raises(ValueError, match="empty or outside a text of 4 code points"):
        identity("خبر.").raw_span(*span)


def test_invalid_raw_span_is_an_error():
    with pytest.raises(ValueError, match="outside a raw text of 4 code points"):
        identity("خبر.").text_span(0, 5)


@pytest.mark.parametrize("ranges", [[(3, 4), (0, 2)], [(0, 3), (2, 4)], [(2, 1)], [(0, 5)], [(-1, 2)]])
def test_unordered_or_out_of_bounds_ranges_are_an_error(ranges):
    with pytest.raises(ValueError, match=r"^ranges \[.*\] are not sorted and disjoint in 4 code points$"):
        identity("خبر.").keep(ranges)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ([(1, 1, "س")], "change 1:1 is empty, before 0 or outside 4 code points"),
        ([(2, 3, ""), (0, 1, "")], "change 0:1 is empty, before 3 or outside 4 code points"),
        ([(3, 5, "")], "change 3:5 is empty, before 0 or outside 4 code points"),
    ],
)
def test_invalid_edits_are_an_error(changes, why):
    with pytest.raises(ValueError, match=f"^{why}$"):
        identity("خبر.").replace(changes)
