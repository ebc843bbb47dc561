"""Faults in judgements, and the judgements that count."""

from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.records import Dropped, Span, StageCounts, Stance
from tests.annotation.quality.examples import ARTICLE, ARTICLES, BOTH, JUDGEMENTS, LABELS, PORT, TEXT, TOWN, judgement
from tests.tables import canonicalise, check


def link(_batch, _annotator, task):
    return f"http://127.0.0.1/task={task}"


def faults(*judgements):
    return check(judgements, ARTICLES, LABELS, link)


def test_sound_judgement_has_no_faults():
    assert faults(judgement(Span(*PORT, "FAC"), Span(*TOWN, "GPE"))) == []


@pytest.mark.parametrize(
    ("span", "code", "where", "message"),
    [
        (Span(5, 5, "GPE"), "span-bounds", "span 5:5", "ends at or before its start (5 >= 5)"),
        (Span(9, 5, "GPE"), "span-bounds", "span 9:5", "ends at or before its start (9 >= 5)"),
        (Span(-1, 5, "GPE"), "span-bounds", "span -1:5", f"outside the text, which has {len(TEXT)} code points"),
        (
            Span(3, len(TEXT) + 1, "GPE"),
            "span-bounds",
            f"span 3:{len(TEXT) + 1}",
            f"outside the text, which has {len(TEXT)} code points",
        ),
        (Span(4, 10, "ORG"), "unknown-label", "span 4:10", "unknown label 'ORG'; known: PERS, FAC, GPE"),
        (Span(10, 12, "GPE"), "empty-span", "span 10:12", "' «' is only spaces or punctuation"),
    ],
)
def test_faulty_span_is_named_with_place_and_task(span, code, where, message):
    (issue,) = faults(judgement(span))

    assert (issue.severity, issue.code, issue.where, issue.message) == ("error", code, where, message)
    assert (issue.article_id, issue.annotator, issue.link) == ("d-0", "a-1", "http://127.0.0.1/task=7")
    assert issue.fix


@pytest.mark.parametrize(
    ("stances", "code", "where", "message"),
    [
        ((*BOTH, Stance("sea", "favor")), "unknown-target", "stance sea", "unknown target 'sea'; known: port, metro, dam"),
        (
            (*BOTH, Stance("dam", "favor")),
            "target-not-asked",
            "stance dam",
            "the article is not asked about this target: none of its keywords stands there",
        ),
        (BOTH[:1], "stance-missing", "stance port", "the target was asked and not answered"),
        (
            (BOTH[0], Stance("port", "maybe")),
            "unknown-stance",
            "stance port",
            "unknown stance 'maybe'; known: favor, against, unclear",
        ),
        (
            (*BOTH, Stance("port", "against")),
            "stance-twice",
            "stance port",
            "answered more than once: against, favor",
        ),
        ((*BOTH, BOTH[1]), "stance-twice", "stance port", "answered more than once: favor, favor"),
    ],
)  # fmt: skip
def test_faulty_stance_is_named(stances, code, where, message):
    (issue,) = faults(judgement(stances=stances))

    assert (issue.severity, issue.code, issue.where, issue.message) == ("error", code, where, message)


def test_unknown_article_and_stale_text_are_the_only_issue():
    nonsense = Span(900, 1, "ORG")

    unknown = faults(judgement(nonsense, article_id="x-0"))
    stale = faults(judgement(nonsense, text_sha="0" * 16))

    assert [(i.code, i.message) for i in unknown] == [("unknown-article", "article x-0 is not in this project")]
    message = f"the text {'0' * 16} was judged, and the article's text is now {ARTICLE.text_sha}"
    assert [(i.code, i.message) for i in stale] == [("stale-text", message)]


def test_same_words_and_label_twice_is_a_fault():
    (issue, moved) = faults(judgement(Span(*TOWN, "GPE"), Span(TOWN[0], TOWN[1] + 2, "GPE")))

    assert (issue.code, issue.where) == ("span-twice", f"span {TOWN[0]}:{TOWN[1] + 2}")
    assert issue.message == "the same words are marked GPE twice"
    assert moved.code == "span-edges"


def test_same_words_with_two_labels_is_a_warning():
    (issue,) = faults(judgement(Span(*TOWN, "GPE"), Span(*TOWN, "FAC"), Span(*PORT, "FAC")))

    assert (issue.severity, issue.code, issue.where) == ("warning", "two-labels", f"span {TOWN[0]}:{TOWN[1]}")
    assert issue.message == "'مرجانة' is marked FAC and GPE"


def test_strict_clitics_keep_edges_inside_words():
    strict = LABELS.model_copy(update={"clitics": "strict"})
    inside, loose = Span(TOWN[0] + 2, TOWN[1], "GPE"), Span(PORT[0] - 1, PORT[1] + 1, "FAC")

    assert check([judgement(inside)], ARTICLES, strict, link) == []
    (issue,) = check([judgement(inside, loose)], ARTICLES, strict, link)
    assert (issue.code, issue.where) == ("span-edges", f"spans {loose.start}:{loose.end}")
    assert issue.message == "1 of 2 spans had spaces or punctuation at their edges"
    (kept,), _, _ = canonicalise([judgement(inside, loose)], ARTICLES, strict)
    assert [(s.start, s.end) for s in kept.spans] == [PORT, (inside.start, inside.end)]


def test_latest_judgement_is_found_by_time():
    older = judgement(annotation=9, updated="2026-03-01T10:00:00Z")
    newer = judgement(annotation=1, updated="2026-03-01T10:00:00.500000Z")
    newest = judgement(annotation=2, updated="2026-03-01T09:00:01-01:00")
    kept, _, _ = canonicalise([older, newer, newest], ARTICLES, LABELS)

    assert [one.annotation_id for one in kept] == [2]
    assert [one.annotation_id for one in canonicalise([newer, older], ARTICLES, LABELS)[0]] == [1]


def test_crossing_spans_are_a_warning():
    outer, inner = Span(4, PORT[1], "FAC"), Span(*PORT, "FAC")
    crossing = Span(PORT[0], TEXT.index("يوم") + 3, "GPE")

    assert faults(judgement(outer, inner, Span(*TOWN, "GPE"), Span(0, 3, "PERS"))) == []
    (issue,) = faults(judgement(outer, crossing))
    assert (issue.severity, issue.code) == ("warning", "crossing-spans")
    assert issue.message == f"crosses span 4:{PORT[1]}; spans may nest, not cross"
    assert issue.where == f"span {crossing.start}:{crossing.end}"


def test_touching_spans_do_not_cross():
    text = "المعادلة س+ص"
    article = replace(ARTICLE, text=text, text_sha=sha16(text))
    touching = judgement(Span(9, 10, "GPE"), Span(10, 12, "GPE"), stances=(), text_sha=article.text_sha)

    assert check([touching], {"d-0": article}, LABELS, link) == []


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5)), max_size=8))
def test_crossing_warning_names_each_crossing_span(places):
    text = " ".join("كلمة" for _ in range(15))
    article = replace(ARTICLE, text=text, text_sha=sha16(text))
    spans = sorted({Span(5 * s, 5 * (s + n) - 1, "GPE") for s, n in places})

    issues = check([judgement(*spans, stances=(), text_sha=article.text_sha)], {"d-0": article}, LABELS, link)

    expected = {f"span {s.start}:{s.end}" for s in spans for o in spans if o.start < s.start < o.end < s.end}
    assert {i.where for i in issues if i.code == "crossing-spans"} == expected
    assert len(issues) == len(expected)


def test_moved_edges_are_one_warning_per_judgement():
    spans = (Span(PORT[0] - 1, PORT[1] + 1, "FAC"), Span(TOWN[0] + 2, TOWN[1], "GPE"), Span(4, 10, "PERS"))

    (issue,) = faults(judgement(*spans))

    assert (issue.severity, issue.code, issue.where) == (
        "warning", "span-edges", f"spans {PORT[0] - 1}:{PORT[1] + 1}, {TOWN[0] + 2}:{TOWN[1]}",
    )  # fmt: skip
    assert issue.message == "2 of 3 spans had edges inside words, or spaces or punctuation at their edges"


def test_only_latest_submission_is_checked():
    old = judgement(Span(900, 1, "ORG"), annotation=3, updated="2026-03-01T10:00:00Z")
    new = judgement(annotation=2, updated="2026-03-01T11:00:00Z")

    (issue,) = faults(new, old)

    assert (issue.severity, issue.code) == ("warning", "superseded")
    assert issue.message == "submitted 2 times: annotation 2 counts, not 3"


def test_skipped_judgements_are_not_checked():
    assert faults(judgement(Span(900, 1, "ORG"), stances=(), status="skipped")) == []


def test_issue_order_ignores_judgement_order():
    given_ones = [
        judgement(Span(9, 5, "GPE"), Span(2, 1, "ORG"), annotator="a-2"),
        judgement(Span(5, 5, "GPE"), stances=()),
        judgement(article_id="c-0"),
    ]
    first = faults(*given_ones)

    assert [(i.article_id, i.annotator) for i in first] == [
        ("c-0", "a-1"), *[("d-0", "a-1")] * 3, *[("d-0", "a-2")] * 3,
    ]  # fmt: skip
    assert all(faults(*order) == first for order in permutations(given_ones))


def test_canonical_judgements_are_latest_and_counts_balance():
    latest = judgement(
        Span(PORT[0] - 1, PORT[1] + 1, "FAC", "x"), Span(*PORT, "FAC", "y"), Span(10, 12, "GPE"), Span(4, 10, "ORG"),
        Span(9, 5, "GPE"), Span(*TOWN, "GPE"),
        stances=(Stance("port", "favor"), Stance("port", "against"), Stance("dam", "favor"), Stance("sea", "favor"),
                 Stance("metro", "against"), Stance("metro", "against"), Stance("metro", "maybe")),
        annotation=4,
    )  # fmt: skip
    others = [
        judgement(annotation=3),
        judgement(annotation=9, status="skipped"),
        judgement(annotation=8, annotator="a-2", text_sha="0" * 16),
        judgement(annotation=7, annotator="a-2", article_id="x-0"),
    ]

    kept, accounts, aside = canonicalise([*others, latest], ARTICLES, LABELS)

    (one,) = kept
    assert [(s.start, s.end, s.label) for s in one.spans] == [(*PORT, "FAC"), (*TOWN, "GPE")]
    assert one.annotation_id == 4
    reasons = {"skipped": 1, "stale text": 1, "superseded": 1, "unknown article": 1}
    lost_spans = {"nothing left": 1, "out of bounds": 1, "same span twice": 1, "unknown label": 1}
    assert accounts[:2] == [
        StageCounts("check", "judgements", 5, 1, reasons),
        StageCounts("check", "spans", 6, 2, lost_spans),
    ]
    assert all(account.balanced for account in accounts)
    assert len(aside) == sum(account.taken - account.kept for account in accounts)
    assert Dropped("check", "judgement 3 of a-1 on article d-0", "superseded") in aside
    assert Dropped("check", "span 4:10 ORG in judgement 4 of a-1 on article d-0", "unknown label") in aside


def test_contradicting_stances_are_dropped_and_equal_ones_merged():
    stances = (
        Stance("port", "favor"),
        Stance("port", "against"),
        Stance("metro", "against"),
        Stance("metro", "against"),
    )

    kept, accounts, _ = canonicalise([judgement(stances=stances)], ARTICLES, LABELS)

    assert kept[0].stances == (Stance("metro", "against"),)
    assert accounts[2] == StageCounts("check", "stances", 4, 1, {"same answer twice": 1, "several answers": 2})


@given(JUDGEMENTS)
def test_canonicalising_balances_and_is_idempotent(given_ones):
    kept, accounts, aside = canonicalise(given_ones, ARTICLES, LABELS)
    again, same, none = canonicalise(kept, ARTICLES, LABELS)

    assert all(account.balanced for account in accounts)
    assert len(aside) == sum(account.taken - account.kept for account in accounts)
    assert (again, none) == (kept, [])
    assert [a.taken for a in same] == [a.kept for a in accounts]
    wrong = {i.code for i in check(kept, ARTICLES, LABELS, link)} - {"stance-missing", "crossing-spans", "two-labels"}
    assert not wrong


@given(JUDGEMENTS, st.randoms(use_true_random=False))
def test_order_of_judgements_does_not_matter(given_ones, random):
    shuffled = random.sample(given_ones, len(given_ones))

    assert canonicalise(shuffled, ARTICLES, LABELS) == canonicalise(given_ones, ARTICLES, LABELS)
    assert check(shuffled, ARTICLES, LABELS, link) == check(given_ones, ARTICLES, LABELS, link)
