"""Spans that a gazetteer finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.gazetteer import find_mentions, parse_terms
from builder.preannotation.sources import predict
from tests.preannotation.examples import LABELS, TEXT, article_of, refusal


def found_in(text, *terms, expand=True):
    lines = "".join(f"{term}\t{label}\n" for term, label in terms)
    spans = find_mentions(text, parse_terms(lines.encode(), "terms.tsv", LABELS.entity_names), expand=expand)
    return [(text[span.start : span.end], span.label) for span in spans]


def test_gazetteer_finds_mentions_behind_an_emoji(tmp_path):
    (tmp_path / "terms.tsv").write_text("سالم\tPERS\n\nميناء مرجانة\tORG\r\nمرجانة\tGPE\n", encoding="utf-8-sig")
    found = predict("gazetteer:terms.tsv", [article_of()], LABELS, tmp_path)
    spans = found.spans[article_of().id]

    assert [(TEXT[s.start : s.end], s.label) for s in spans] == [
        ("سالم", "PERS"), ("ميناء مرجانة", "ORG"), ("مرجانة", "GPE"),
    ]  # fmt: skip
    assert found.origin.startswith("gazetteer terms.tsv ")
    assert len(found.origin.split()[-1]) == 8


@pytest.mark.parametrize(
    ("text", "term", "marked"),
    [
        ("زار مَرْجَانَة", "مرجانة", ["مَرْجَانَة"]),
        ("زار مرجـــانه", "مرجانة", ["مرجـــانه"]),
        ("قال احمد", "أحمد", ["احمد"]),
        ("زار مرجانتي", "مرجانة", []),
        ("مجلس\nالأمن", "مجلس الأمن", []),
        ("مجلس  الأمن", "مجلس الأمن", ["مجلس  الأمن"]),
        ("في وبمرجانة", "مرجانة", ["وبمرجانة"]),
        ("قال للوزير", "الوزير", ["للوزير"]),
        ("قال وللوزير", "الوزير", ["وللوزير"]),
        ("وليد هنا", "ليد", ["وليد"]),
        ("بعد", "عد", []),  # two letters after a clitic are mostly another word
    ],
)
def test_words_are_folded_and_may_carry_clitics(text, term, marked):
    assert found_in(text, (term, "GPE")) == [(one, "GPE") for one in marked]


@pytest.mark.parametrize(
    ("text", "marked"),
    [("زار وبمرجانة", "مرجانة"), ("زار وَبِمرجانة", "مرجانة"), ("زار مرجانة", "مرجانة"), ("لمرجانة", "مرجانة")],
)
def test_strict_clitics_are_left_out_of_the_mention(text, marked):
    assert found_in(text, ("مرجانة", "GPE"), expand=False) == [(marked, "GPE")]


def test_longest_term_wins_and_whole_word_beats_clitic():
    terms = (("بيروت", "GPE"), ("يروت", "PERS"), ("جريدة بيروت", "ORG"), ("جريدة", "PERS"))

    assert found_in("جريدة بيروت في بيروت", *terms) == [("جريدة بيروت", "ORG"), ("بيروت", "GPE")]


@given(
    st.lists(st.sampled_from(["سالم", "وسالم", "مَرجانة", "ميناء", "،", "\N{GRINNING FACE}", "\n", "«"]), max_size=12)
)
def test_every_span_folds_to_its_term(words):
    text = " ".join(words)
    found = found_in(text, ("سالم", "PERS"), ("مرجانة", "GPE"), ("ميناء مرجانة", "ORG"), expand=False)
    plain = {"سالم": "PERS", "مَرجانة": "GPE", "ميناء مَرجانة": "ORG"}

    assert all(plain.get(marked) == label for marked, label in found)
    assert sum(label == "PERS" for _, label in found) == sum("سالم" in word for word in words)


def test_every_bad_line_is_named_by_number(tmp_path):
    lines = [b"\xd8\xb3\xd8\xa7\tPERS", b"one field", b"a\tb\tc", b"x\tCITY", b"\xff\tPERS", b"...\tPERS",
             "سا\tORG".encode()]  # fmt: skip
    (tmp_path / "bad.tsv").write_bytes(b"\n".join(lines))
    found = refusal(predict, "gazetteer:bad.tsv", [article_of()], LABELS, tmp_path)
    where = str(tmp_path / "bad.tsv")

    assert found == [
        (f"{where}:2", "1 field, not 2"),
        (f"{where}:3", "3 fields, not 2"),
        (f"{where}:4", "unknown label 'CITY'; known: GPE, ORG, PERS"),
        (f"{where}:5", "not UTF-8 at byte 0"),
        (f"{where}:6", "the term has no word"),
        (f"{where}:7", "the same term has the label PERS in line 1"),
    ]


def test_missing_or_empty_gazetteer_is_refused(tmp_path):
    (tmp_path / "empty.tsv").write_text("\n")

    assert refusal(predict, "gazetteer:empty.tsv", [], LABELS, tmp_path)[0][1] == "the file has no terms"
    assert refusal(predict, "gazetteer:none.tsv", [], LABELS, tmp_path)[0][1] == (
        "cannot be read: No such file or directory"
    )


def test_at_most_twenty_bad_lines_are_listed():
    found = refusal(parse_terms, b"x\n" * 1000, "t.tsv", {"PERS"})

    assert len(found) == 21
    assert found[-1] == ("t.tsv", "and 980 more bad lines")
