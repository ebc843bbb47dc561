"""The automaton names every pattern that `re` finds in a line."""

import re
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.corpus.cleaning.matching import automaton, glushkov
from builder.corpus.cleaning.matching.automaton import FEW, LONGEST, Automaton
from builder.corpus.cleaning.matching.literals import Literals, required
from builder.corpus.cleaning.matching.rules import every_rule
from builder.schema import load_schema
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.corpus.cleaning.marked import read_pages

SHIPPED = every_rule(load_schema(ROOT / "schema").boilerplate)
ALPHABET = "اب1 .\N{ARABIC-INDIC DIGIT FIVE}_«\N{NO-BREAK SPACE}\N{GRINNING FACE}"
CLASSES = [
    "ا",
    "ب",
    "1",
    r"\.",
    ".",
    r"\d",
    r"\D",
    r"\w",
    r"\W",
    r"\s",
    r"\S",
    "[اب]",
    "[^ا1]",
    r"[\W_]",
    r"[^\W\d_]",
    "[ا-ي]",
    "\N{GRINNING FACE}",
]
pieces = st.recursive(
    st.sampled_from(CLASSES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: f"(?:{'|'.join(some)})"),
        st.builds(
            "(?:{}){}".format,
            inner,
            st.sampled_from(["*", "+", "?", "{2}", "{0,3}", "{1,7}", "{5,}", "*?", "++", "?+"]),
        ),
        st.builds("(?>{})".format, inner),
        st.builds("({})".format, inner),
        st.builds("(?={}){}".format, inner, inner),
        st.builds("{}(?!{})".format, inner, inner),
        st.builds(r"{}\b{}".format, inner, inner),
        st.builds("(?:^{}|{})".format, inner, inner),
        st.builds("(?:{}$|{})".format, inner, inner),
        st.builds("(?:{}|$)".format, inner),
    ),
    max_leaves=5,
)
patterns = st.builds(
    "{}{}{}".format, st.sampled_from(["", "^", r"\A", "^^", "^(?:)"]), pieces, st.sampled_from(["", "$", r"\Z", "$$"])
)


def misses(these, lines, found):
    """The patterns that are in a line, but were not found."""
    return [
        (pattern, line)
        for line, numbers in zip(lines, found, strict=True)
        for number, pattern in enumerate(these)
        if re.search(pattern, line) and number not in numbers
    ]


@settings(max_examples=3 * settings.default.max_examples)
@given(st.lists(patterns, min_size=1, max_size=4), st.lists(st.text(ALPHABET, max_size=9), min_size=1, max_size=6))
def test_no_matching_pattern_is_missed(these, lines):
    assert misses(these, lines, Automaton(these).find(lines)) == []


exact = st.builds(
    "^ا{}{}".format,
    st.lists(
        st.builds("{}{}".format, st.sampled_from(CLASSES[:-1]), st.sampled_from(["", "*", "+", "?", "{2,4}", "{3}"])),
        min_size=1,
        max_size=4,
    ).map("".join),
    st.sampled_from(["", "$"]),
)


@settings(max_examples=3 * settings.default.max_examples)
@given(st.lists(exact, min_size=1, max_size=3), st.lists(st.text(ALPHABET[:-1], max_size=9), min_size=1, max_size=6))
def test_exact_patterns_are_found_only_where_they_match(these, lines):
    want = [tuple(n for n, one in enumerate(these) if re.search(one, line)) for line in lines]

    assert Automaton(these).find(lines) == want


@given(
    st.lists(patterns, min_size=1, max_size=3),
    st.lists(st.text(ALPHABET, max_size=9), min_size=FEW + 1, max_size=FEW + 9),
)
def test_batch_equals_lines_one_by_one(these, lines):
    known = Automaton(these)
    known.find(lines[: len(lines) // 2])

    alone = Automaton(these)
    assert known.find(lines) == [alone.find([line])[0] for line in lines]


@pytest.mark.slow
def test_no_shipped_rule_is_missed_on_marked_pages():
    lines = [line for page in read_pages() for line in profile("standard@1").fold(page.document.raw).split("\n")]
    these = [rule.match for rule in SHIPPED]
    found = Automaton(these).find(lines)
    right = sum(1 for line in lines for one in these if re.search(one, line))

    assert misses(these, lines, found) == []
    assert sum(map(len, found)) < 2 * right


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.id)
def test_every_shipped_rule_is_representable(rule):
    assert Automaton([rule.match]).find(["", "وصلت السفينة إلى الجزيرة."]) == [(), ()]


@pytest.mark.parametrize(
    "pattern",
    [
        r"(ا)\1",
        "(?i)a",
        "(?i:a)ب",
        "(?:" * 6 + "ا" + "){4}" * 6,
        "(?:)",
        "ا*",
        "(?:(?:ا{0,4}){4}){4}" * 40,
        "(ا)?(?(1)ب|ت)",
    ],
)
def test_unrepresentable_pattern_may_be_in_any_line(pattern):
    assert Automaton(["^ب$", pattern, "^ت$"]).find(["ت", "زز"]) == [(1, 2), (1,)]


@pytest.mark.parametrize("length", [LONGEST - 1, LONGEST, LONGEST + 1, 5 * LONGEST])
def test_long_line_keeps_patterns_not_ruled_out_by_the_limit(length):
    line = "ا" * (length - 1) + "ب"
    these = ["ب$", "^ت", "^ا+ب$", "^ا", "^ا{3}ت", "[ا-ب]$", "تتت"]
    long = (0, 2, 3, 5)

    assert Automaton(these).find([line]) == [long]
    assert Automaton(these).find([f"{line}تتت"])[0][-1] == 6
    assert Automaton(these, [LONGEST] * 7).find([line]) == [long if length <= LONGEST else ()]


def test_any_code_points_are_read():
    lines = ["\ud800", "\x00", "\U0010ffff", "\ufffe\uffff", "ا\N{GRINNING FACE}"]
    these = [r"^\W$", r"\x00", "ا.$", "\U0010ffff"]

    assert misses(these, lines, Automaton(these).find(lines)) == []


def test_forgotten_states_are_rebuilt(monkeypatch):
    monkeypatch.setattr(automaton, "STATES", 20)
    these = ["ا.{3}[ب1]", "[بت]..[اب]", "[1 ]+$"]
    one = Automaton(these)
    lines = ["".join(letters) for letters in product("اب1 ", repeat=5)]
    lines += [line * LONGEST for line in lines[:: FEW // 4]]
    one.find(lines[:FEW])

    found = [one.find([line])[0] for line in lines]
    monkeypatch.setattr(automaton, "STATES", 10**6)

    assert found == Automaton(these).find(lines)
    monkeypatch.setattr(automaton, "STATES", 20)
    assert one.find(lines) == found
    assert len(one._states) < 400


def test_more_letter_classes_than_symbols_stay_correct():
    these = [chr(0x4E00 + n) for n in range(400)]
    lines = [chr(0x4E00 + n) for n in range(0, 410, 7)]

    assert misses(these, lines, Automaton(these).find(lines)) == []


def test_letter_classes_equal_those_of_re():
    every = "".join(map(chr, range(glushkov.BMP)))
    for name, letters in (
        ("w", glushkov.op.CATEGORY_WORD),
        ("d", glushkov.op.CATEGORY_DIGIT),
        ("s", glushkov.op.CATEGORY_SPACE),
    ):
        found = {match.start() for match in re.finditer(rf"\{name}", every)}
        assert found == set(np.flatnonzero(glushkov.categories()[letters]).tolist())


def test_ten_million_code_points_are_read_only_as_needed():
    assert Automaton(["^ا+$", "^ب"]).find(["ا" * 10_000_000]) == [(0,)]


@pytest.mark.parametrize(
    ("pattern", "pieces"),
    [
        ("محرر", ["محرر"]), ("^محرره?$", ["محرر"]), ("^.{0,60}(?:محرر|كاتب)", ["كاتب", "محرر"]), ("ا?ب?", [""]),
        ("[0-9]{3}|محرر", [""]), ("صور[هة]", ["صورة", "صوره"]), ("(?:كاتب)+ ال.*صحيفه", ["صحيفه"]), ("(?=محرر)كتب", ["كتب"]),
        ("اخر.?(?P<n>نشره|خبر)", ["اخر"]), ("(?:محرر)*كتب", ["كتب"]), ("(?i:محرر)كتب", ["كتب"]), ("(?i)ad", [""]), (r"(محرر)\1", ["محرر"]),
        ("(?>محرر|كاتب)", ["كاتب", "محرر"]), ("(?:ا|اب)ت", ["ابت", "ات"]), ("[^ا]كتب", ["كتب"]), ("(?:محرر){2}", ["محرر"]),
    ],
)  # fmt: skip
def test_required_pieces_of_a_pattern(pattern, pieces):
    assert sorted(required(pattern)) == pieces


@settings(max_examples=3 * settings.default.max_examples)
@given(patterns, st.text(ALPHABET, max_size=12))
def test_matching_line_contains_a_required_piece(pattern, line):
    assert not re.search(pattern, line) or any(piece in line for piece in required(pattern))


@given(
    st.lists(st.frozensets(st.text("ابت", min_size=1, max_size=3), min_size=1, max_size=3), min_size=1, max_size=5),
    st.lists(st.text("ابت", max_size=12), min_size=1, max_size=4),
)
def test_pieces_are_found_anywhere(wanted, lines):
    def read(text):
        return bytes("ابت".index(letter) for letter in text)

    literals = Literals(dict(enumerate(wanted)), read, 3)
    for line in lines:
        found = {number for number in literals.numbers if literals.alone(read(line)) >> number & 1}
        columns = [np.array([symbol], np.uint8) for symbol in read(line)]
        assert found == {n for n, pieces in enumerate(wanted) if any(piece in line for piece in pieces)}
        assert literals.side_by_side(columns, 1).tolist() == [literals.alone(read(line))]
    text, begins = "".join(f"{line}\n" for line in lines), np.cumsum([0, *(len(line) + 1 for line in lines)])
    assert literals.in_text(text, begins, -1).tolist() == [literals.alone(read(line)) for line in lines]
    assert literals.in_text(text, begins, 1).tolist() == [literals.alone(read(line)) & 1 for line in lines]


def test_more_floating_patterns_than_bits_are_all_found():
    these = [f".*{'ا' * n}ب{n:03}" for n in range(80)]

    assert 9 in Automaton(these).find([f"ت{'ا' * 9}ب009"])[0]
    assert 79 in Automaton(these).find([f"ت{'ا' * 79}ب079"])[0]
