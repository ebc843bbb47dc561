"""Warnings about annotators, and how many judged each article."""

from dataclasses import replace

import pytest

from builder.io.hashing import sha16
from builder.records import AnnotatorAssignment, Article, BatchItem, Decision, Judgement, Span, Stance
from builder.schema.labels import EntityType, Labels
from tests.tables import coverage, known_missed, pace_warnings

TEXT = "زار الوزير «ميناء مرجانة»، يوم الثلاثاء."
LABELS = Labels(
    version=1,
    entities=(EntityType(name="FAC", ar="منشأة", en="FAC", colour="#1f7a3d", key="1", definition="تعريف"),
              EntityType(name="PERS", ar="شخص", en="PERS", colour="#1f7a3d", key="2", definition="تعريف")),
)  # fmt: skip
PORT = (TEXT.index("ميناء"), TEXT.index("»"))


def judgement(article, who, *spans, seconds=30.0, stances=()):
    return Judgement(
        article, sha16(TEXT), "b1", who, spans, stances, "submitted", seconds,
        "2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z", "g", "s", 7, 1,
    )  # fmt: skip


def three(number, seconds, spans):
    """Judgements of three annotators, of whom a-3 has other figures."""
    made = []
    for n in range(number):
        marks = [Span(i, i + 1, "FAC") for i in range(10)]
        made += [judgement(f"d{n}-0", who, *marks, seconds=60.0 + n) for who in ("a-1", "a-2")]
        made.append(judgement(f"d{n}-0", "a-3", *marks[:spans], seconds=seconds and seconds + n / 100))
    return made


def test_much_faster_annotator_is_named_with_figures():
    (issue,) = pace_warnings(three(11, 13.0, 10))

    assert (issue.severity, issue.code, issue.annotator, issue.where) == ("warning", "fast-annotator", "a-3", "pace")
    assert issue.message == (
        "median 13.1 seconds on an article, the others 65.0; median ratio 0.20 over 11 articles"
    )  # fmt: skip


def test_annotator_with_few_marks_is_named_with_figures():
    (issue,) = pace_warnings(three(10, 60.0, 4))

    assert (issue.code, issue.annotator) == ("few-spans", "a-3")
    assert issue.message == "median 4.0 spans in an article, the others 10.0; median ratio 0.40 over 10 articles"


@pytest.mark.parametrize(
    "judgements",
    [three(9, 5.0, 2), three(20, 25.0, 6), three(20, None, 10), [judgement(f"d{n}-0", "a-1") for n in range(30)], []],
    ids=["too few articles", "not so different", "no times", "nobody to compare with", "none"],
)
def test_no_warning_without_a_reason(judgements):
    assert pace_warnings(judgements) == []


def test_extreme_time_on_one_article_counts_once():
    judgements = three(11, 60.0, 10)
    judgements[2] = replace(judgements[2], seconds=0.01, spans=())

    assert pace_warnings(judgements) == []


ARTICLES = {
    f"d{n}-0": Article(f"d{n}-0", f"d{n}", 0, None, TEXT, (), (), "standard@1+0", sha16(TEXT)) for n in range(3)
}


def test_known_answers_compare_canonical_spans_and_stances():
    known = [
        Decision("d0-0", sha16(TEXT), "lead", (Span(PORT[0] - 1, PORT[1] + 1, "FAC"), Span(0, 3, "PERS"))),
        Decision("d1-0", sha16(TEXT), "lead", None, (Stance("port", "favor"),)),
        Decision("d2-0", "0" * 16, "lead", ()),
    ]
    right = [judgement("d0-0", "a-1", Span(0, 3, "PERS"), Span(*PORT, "FAC")),
             judgement("d1-0", "a-1", stances=(Stance("port", "favor"),))]  # fmt: skip
    wrong = [judgement("d0-0", "a-2", Span(4, 10, "PERS"), Span(*PORT, "FAC")),
             judgement("d1-0", "a-2", stances=()), judgement("d2-0", "a-2", Span(0, 3, "PERS"))]  # fmt: skip
    (issue,) = known_missed([*right, *wrong], known, ARTICLES, LABELS)

    assert (issue.severity, issue.code, issue.annotator) == ("warning", "known-missed", "a-2")
    assert issue.message == (
        "known answers: 1 of 2 spans missed, 1 added, 1 of 1 stances differ, in 2 of 2 articles: d0-0, d1-0"
    )


ITEMS = [BatchItem("b1", article, sha16(TEXT), article, "s") for article in ARTICLES]


def test_wrong_annotator_counts_are_reported_once_per_batch():
    done = [judgement("d0-0", who) for who in ("a-1", "a-2", "a-3")] + [judgement("d1-0", "a-1")]
    few, many = coverage("b1", done, ITEMS, [], 2)

    assert (few.code, few.where) == ("too-few-annotators", "batch b1")
    assert (
        few.message == "2 of 3 articles have fewer annotators than they should (3 judgements are missing): d1-0, d2-0"
    )
    assert many.message == "1 of 3 articles have more annotators than they should: d0-0"
    assert coverage("b1", [judgement(a, w) for a in ARTICLES for w in ("a-1", "a-2")], ITEMS, [], 2) == []


def test_assigned_articles_report_missing_and_unassigned_annotators():
    assigned = [AnnotatorAssignment("b1", article, "a-1", "overlap") for article in ARTICLES]
    done = [judgement(article, "a-1") for article in ARTICLES]
    found = coverage("b1", [*done, judgement("d0-0", "a-9")], ITEMS, assigned, 3)

    assert coverage("b1", done, ITEMS, assigned, 3) == []
    assert [(i.code, i.annotator, i.message) for i in found] == [
        ("too-many-annotators", "", "1 of 3 articles have more annotators than they should: d0-0"),
        ("not-assigned", "a-9", "judged 1 article not assigned to this annotator"),
    ]
