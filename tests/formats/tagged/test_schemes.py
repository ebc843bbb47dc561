"""Mentions from tags: each scheme against an oracle that reads one sentence at a time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.formats.tagged.schemes import EDGE, TagColumns, decode
from builder.release.exports.conll import Mention, Sentence, read_wojood, write_wojood


def columns(sentences):
    """Tags of each token of each sentence, as `decode` takes them."""
    labels = sorted({tag[2:] for one in sentences for tags in one for tag in tags})
    found, row, numbers = [], 0, []
    for number, one in enumerate(sentences):
        for tags in one:
            found += [(row, 0, EDGE[tag[0]], labels.index(tag[2:])) for tag in tags]
            numbers.append(number)
            row += 1
    parts = np.array(found, np.int64).reshape(-1, 4).T
    return TagColumns(*parts), np.array(numbers, np.int64), labels


def mentions(sentences, scheme="iob2"):
    tags, numbers, labels = columns(sentences)
    made = decode(tags, numbers, scheme)
    return [
        (int(first), int(last) + 1, labels[label])
        for first, last, label in zip(made.first, made.last, made.labels, strict=True)
    ], made


def flat(*tags):
    return [[[tag] if tag != "O" else [] for tag in tags]]


@pytest.mark.parametrize(
    ("scheme", "tags", "expected"),
    [
        ("iob2", "B-P I-P O B-L", [(0, 2, "P"), (3, 4, "L")]),
        ("iob2", "B-P B-P I-P", [(0, 1, "P"), (1, 3, "P")]),
        ("iob2", "B-P I-L", [(0, 1, "P"), (1, 2, "L")]),
        ("iob1", "I-P I-P B-P O I-L", [(0, 2, "P"), (2, 3, "P"), (4, 5, "L")]),
        ("bioes", "S-P B-L I-L E-L S-L", [(0, 1, "P"), (1, 4, "L"), (4, 5, "L")]),
        ("bioes", "S-P S-P B-P E-P E-P", [(0, 1, "P"), (1, 2, "P"), (2, 4, "P"), (4, 5, "P")]),
        ("bare", "I-P I-P I-L O I-P", [(0, 2, "P"), (2, 3, "L"), (4, 5, "P")]),
    ],
)
def test_each_scheme(scheme, tags, expected):
    assert mentions(flat(*tags.split()), scheme)[0] == expected


@pytest.mark.parametrize(
    ("scheme", "tags", "begins", "unclosed"),
    [
        ("iob2", "I-P O B-P I-L", [0, 3], []),
        ("iob1", "I-P O I-P", [], []),
        ("bioes", "B-P I-P O I-P E-P S-P", [3], [1]),
        ("bioes", "B-P B-P E-P", [], [0]),
        ("bare", "I-P", [], []),
    ],
)
def test_faults_of_a_scheme_are_rows(scheme, tags, begins, unclosed):
    _, made = mentions(flat(*tags.split()), scheme)

    assert (made.inside_begins.tolist(), made.unclosed.tolist()) == (begins, unclosed)


def test_no_mention_crosses_the_end_of_a_sentence():
    assert mentions([[["B-P"], ["I-P"]], [["I-P"]]])[0] == [(0, 2, "P"), (2, 3, "P")]


def continued_first(tags):
    return sorted(tags, key=lambda tag: tag[0] == "B")


tags = st.lists(st.sampled_from(["B-P", "I-P", "B-L", "I-L"]), max_size=3).map(continued_first)


@given(st.lists(st.lists(tags, min_size=1, max_size=6), min_size=1, max_size=4))
def test_nested_columns_equal_the_reader_of_one_sentence(sentences):
    text = "\n".join("".join(f"و {' '.join(one or ['O'])}\n" for one in rows) for rows in sentences)
    begins = np.cumsum([0, *(len(rows) for rows in sentences)]).tolist()
    expected = sorted(
        (begin + one.first, begin + one.after, one.label)
        for begin, sentence in zip(begins, read_wojood(text), strict=False)
        for one in sentence.mentions
    )
    orphans = [one for sentence in read_wojood(text) for one in sentence.mentions if not one.begun]
    found, made = mentions(sentences)

    assert sorted(found) == expected
    assert len(made.inside_begins) == len(orphans)


def test_a_label_inside_itself_keeps_both_mentions():
    outer = [Mention(0, 4, "ORG"), Mention(1, 3, "ORG")]
    rows = [line.split(" ")[1:] for line in write_wojood([Sentence(("و",) * 4, (*outer,))]).splitlines()]

    assert mentions([rows])[0] == [(0, 4, "ORG"), (1, 3, "ORG")]
