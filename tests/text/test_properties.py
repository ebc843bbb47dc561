"""Properties of any text: exact raw offsets, idempotence, and equal batches."""

import random
import unicodedata
from functools import cache
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.text.aligned import pack_batch, unpack_edits
from builder.text.mapping import characters
from builder.text.policies import NAMES
from builder.text.profiles import profile
from tests.text.strategies import CHARACTERS

pytestmark = pytest.mark.slow

SURROGATES = ["\ud800", "\udfff", "\ud83d\ude00"]
NONCHARACTERS = ["\ufffe", "\uffff", "\ufdd0", "\U0010ffff"]
DECOMPOSED = [
    *unicodedata.normalize("NFD", "أإآؤئ"),
    unicodedata.normalize("NFD", "أمّة"),
    "هـ",
    "1447 هـ",
    "شبکة",
    "پار\u06ccس",
]
LETTERS = [*CHARACTERS, *SURROGATES, *NONCHARACTERS, *DECOMPOSED, "\0", "\N{ZERO WIDTH JOINER}", "\N{SOFT HYPHEN}"]
ENCODABLE = [letter for letter in LETTERS if letter not in SURROGATES]
TEXTS = st.lists(st.sampled_from(LETTERS), max_size=25).map("".join)


def random_texts(seed, size, letters=LETTERS):
    chance = random.Random(seed)  # noqa: S311 - seeded test data
    return ["".join(chance.choices(letters, k=chance.randrange(25))) for _ in range(size)]


TEN_THOUSAND = random_texts(1, 10_000)


@cache
def normalized(name):
    """Ten thousand texts in a profile; two thousand in that of keys, which is slower with edits."""
    return profile(name).apply_batch(TEN_THOUSAND[: 2000 if name == "search@1" else None])


def assert_edits_are_in_order_and_make_the_text(aligned):
    pieces, raw, text = [], 0, 0
    for edit in aligned.edits:
        assert raw <= edit.raw_start < edit.raw_end <= len(aligned.raw)
        assert edit.start == text + edit.raw_start - raw
        assert edit.start <= edit.end
        pieces += (aligned.raw[raw : edit.raw_start], aligned.text[edit.start : edit.end])
        raw, text = edit.raw_end, edit.end
    for one, following in pairwise(aligned.edits):  # deletions that touch are one edit
        assert one.raw_end < following.raw_start or one.start < one.end or following.start < following.end

    assert "".join([*pieces, aligned.raw[raw:]]) == aligned.text


def words_of(text):
    """What stands between white space: no rule looks past it, so a word alone becomes what it became."""
    start = 0
    for piece in text.split(" "):
        for line in piece.split("\n"):
            if line:
                yield start, start + len(line)
            start += len(line) + 1


@pytest.mark.parametrize("name", NAMES)
def test_raw_offsets_of_words_normalize_to_the_words(name):
    """But of half an edit, and of a word after deleted characters, which are not in its place though it was judged by them."""
    words, raws = [], []
    for aligned in normalized(name)[::3]:
        cut = {place for edit in aligned.edits for place in range(edit.start + 1, edit.end)}
        spans = [span for span in words_of(aligned.text) if cut.isdisjoint(span)]
        for start, end in spans[len(aligned.text) % 3 :][:1]:
            raw_start, raw_end = aligned.raw_span(start, end)
            if not raw_start or aligned.raw[raw_start - 1].isspace():
                words.append(aligned.text[start:end])
                raws.append(aligned.raw[raw_start:raw_end])

    again = [aligned.text for aligned in profile(name).apply_batch(raws)]

    assert len(words) > len(normalized(name)) // 9
    assert [pair for pair in zip(raws, words, again, strict=True) if pair[1] != pair[2]] == []


@pytest.mark.parametrize("name", NAMES)
def test_edits_of_ten_thousand_texts_make_the_text(name):
    for aligned in normalized(name):
        assert_edits_are_in_order_and_make_the_text(aligned)


@pytest.mark.parametrize("name", NAMES)
def test_normalizing_ten_thousand_texts_is_idempotent(name):
    once = [aligned.text for aligned in normalized(name)]

    twice = profile(name).apply_batch(once)

    assert [aligned.text for aligned in twice] == once
    assert sum(len(aligned.edits) for aligned in twice) == 0


@pytest.mark.parametrize("name", NAMES)
def test_packed_edits_round_trip(name):
    packed = [one.packed() for one in normalized(name)]

    assert packed == pack_batch(normalized(name))
    assert [unpack_edits(one.text, one.raw, own) for one, own in zip(normalized(name), packed, strict=True)] == [
        *normalized(name)
    ]


@given(TEXTS, st.sampled_from(NAMES), st.data())
def test_span_and_raw_span_round_trip(raw, name, data):
    aligned = profile(name).apply(raw)
    if not aligned.text:
        return
    start = data.draw(st.integers(0, len(aligned.text) - 1))
    end = data.draw(st.integers(start + 1, len(aligned.text)))

    raw_start, raw_end = aligned.raw_span(start, end)
    found = aligned.text_span(raw_start, raw_end)

    assert aligned.raw_span(*found) == (raw_start, raw_end)
    if not any(edit.start < place < edit.end for edit in aligned.edits for place in (start, end)):
        assert found == (start, end)


@given(TEXTS, st.sampled_from(NAMES))
def test_adjacent_spans_have_ordered_raw_spans(raw, name):
    aligned = profile(name).apply(raw)
    places = [aligned.raw_span(place, place + 1) for place in range(len(aligned.text))]

    for one, following in pairwise(places):
        assert one == following or one[1] <= following[0]


@given(TEXTS, st.sampled_from(NAMES))
def test_any_text_is_normalized_idempotently(raw, name):
    once = profile(name).apply(raw)

    assert_edits_are_in_order_and_make_the_text(once)
    assert profile(name).apply(once.text).text == once.text
    assert unpack_edits(once.text, raw, once.packed()) == once


@given(st.lists(TEXTS, max_size=8), st.sampled_from(NAMES), st.sampled_from([1, 7, 40, 128_000]))
def test_batch_equals_texts_one_by_one_at_any_cut(raws, name, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(characters, "CHUNK", chunk)
        batch = profile(name).apply_batch(raws)

    assert batch == [profile(name).apply(raw) for raw in raws]


@pytest.mark.parametrize("name", NAMES)
def test_thousands_of_texts_are_the_same_in_any_batch(name, monkeypatch):
    raws = TEN_THOUSAND[:600]

    assert profile(name).apply_batch(raws[::-7]) == normalized(name)[:600][::-7]
    assert [profile(name).apply(raw) for raw in raws[:150]] == normalized(name)[:150]
    for chunk in (100, 3000):
        monkeypatch.setattr(characters, "CHUNK", chunk)
        assert profile(name).apply_batch(raws) == normalized(name)[:600]


def test_keys_of_thousands_of_texts_equal_search(monkeypatch):
    standard, texts = profile("standard@1"), [aligned.text for aligned in normalized("search@1")]
    raws = TEN_THOUSAND[: len(texts)]

    assert standard.fold_batch(raws) == texts
    assert [standard.fold(raw) for raw in raws[:150]] == texts[:150]
    monkeypatch.setattr(characters, "CHUNK", 100)
    assert profile("light@1").fold_batch(raws[:600]) == texts[:600]


def arrow_rows(name, array):
    batch = profile(name).apply_arrow(array)

    assert batch.schema.names == ["text", "edits"]
    assert batch.num_rows == len(array)
    batch.validate(full=True)
    return list(zip(*(batch.column(index).to_pylist() for index in range(2)), strict=True))


def expected_rows(name, raws):
    aligned = iter(profile(name).apply_batch([raw for raw in raws if raw is not None]))
    rows = [next(aligned) if raw is not None else None for raw in raws]
    return [(row.text, list(row.packed())) if row else (None, None) for row in rows]


ROWS = st.lists(st.none() | st.lists(st.sampled_from(ENCODABLE), max_size=12).map("".join), max_size=10)


@given(ROWS, st.sampled_from(NAMES), st.data())
def test_arrow_columns_equal_the_batch_with_nulls(raws, name, data):
    low = data.draw(st.integers(0, len(raws)))
    high = data.draw(st.integers(low, len(raws)))
    array = pa.array(raws, pa.string())

    assert arrow_rows(name, array) == expected_rows(name, raws)
    assert arrow_rows(name, array.slice(low, high - low)) == expected_rows(name, raws[low:high])


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
@pytest.mark.parametrize("raws", [[], [None], [None, None], [""], ["", None, "قدمًا"]])
def test_arrow_columns_may_be_empty_or_null(kind, raws):
    assert arrow_rows("standard@1", pa.array(raws, kind)) == expected_rows("standard@1", raws)


def test_arrow_columns_of_thousands_equal_the_batch():
    raws = random_texts(2, 2000, ENCODABLE)
    raws[::11] = [None] * len(raws[::11])

    assert arrow_rows("standard@1", pa.array(raws)) == expected_rows("standard@1", raws)
    assert arrow_rows("light@1", pa.array(raws).slice(5, 77)) == expected_rows("light@1", raws[5:82])
    assert arrow_rows("light@1", pa.chunked_array([raws[:5], [], raws[5:9]])) == expected_rows("light@1", raws[:9])
