"""The masking of lines is fast, and gives what its definition gives."""

import re

from hypothesis import given
from hypothesis import strategies as st

from builder.corpus.cleaning.edges import GRAM, fields, mask, suffix, suffixes
from builder.text.profiles import profile
from tests.corpus.cleaning.rows import folded_lines

ADDRESS = re.compile(
    r"\S*@\S+|https?:\S*|\bwww\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|net|org|info|tv|co|me)\b\S*", re.ASCII
)
SEPARATOR = re.compile(r"\s*[–—|/\\]+\s*|\s+-\s*|-\s+")
PIECES = ["مرفا", "السدر", "address", "12", "٣", "a1", ".", "،", "_", "-", "–", "* *", ":", "@", "x@y.com", "www.a.b",
          "http://n.org/1", "nasim.net", ".me", "«نسيم»", "\u0301", "²", "\ud800", "a.b.tv،", "كتب:x"]  # fmt: skip
words = st.one_of(
    st.sampled_from(PIECES), st.text(max_size=4), st.lists(st.sampled_from(PIECES), max_size=3).map("".join)
)
lines = st.lists(words, max_size=40).map(" ".join)


def plainly_masked(folded):
    words = ADDRESS.sub(" address ", folded)
    if re.sub(r"[\W_]+", " ", words).strip() == "address":
        words = folded
    return re.sub(r"[\W_]+", " ", re.sub(r"\d+", "0", words)).strip() or folded


@given(lines)
def test_mask_is_its_definition(line):
    assert mask(line) == plainly_masked(line)


@given(st.one_of(lines, st.lists(words, min_size=28, max_size=40).map(" ".join)))
def test_suffixes_are_masked_tails(line):
    split = line.split(" ")
    sizes = range(GRAM[0], GRAM[1] + 1) if len(split) >= 2 * GRAM[1] else ()
    tails = [plainly_masked(" ".join(split[-size:])) for size in sizes]

    assert suffixes(line) == tails
    assert [suffix(line, size) for size in sizes] == tails


@given(lines)
def test_fields_are_between_separators(line):
    parts = [plainly_masked(part) for part in SEPARATOR.split(line)]
    expected = parts if len(parts) > 1 and all(part and part.count(" ") < 6 for part in parts) else []

    assert fields(line) == (expected if len(line) <= 100 else [])


@given(st.text(st.sampled_from("اب 1.\t\n\r\x0b\x1c\x85\xa0\u2003\u2028\u3000")))
def test_lines_have_single_spaces(raw):
    folded = profile("standard@1").fold(raw)

    assert folded_lines(folded) == [" ".join(line.split()) for line in folded.split("\n") if line.strip()]
