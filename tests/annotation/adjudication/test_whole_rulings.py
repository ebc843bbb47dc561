"""Rulings of earlier versions, on whole articles, become decisions that mean what they meant."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.merging import merge_whole
from builder.annotation.adjudication.whole_rulings import read_whole_rulings
from builder.io.hashing import sha16
from builder.records import Decision, Dispute, Dropped, Span, Stance
from tests.annotation.adjudication.examples import BOSS, PORT, TEXT, judgement

OVER_PORT = Dispute("d-0", f"span:{PORT[0]}:{PORT[1]}", {"a-1": "FAC", "a-2": "(none)"})
OVER_STANCE = Dispute("d-0", "stance:port", {"a-1": "favor", "a-2": "against"})


@pytest.mark.parametrize(
    ("asked", "spans", "stances"),
    [
        ([OVER_PORT], (Span(*BOSS, "OCC"),), ()),
        ([OVER_STANCE], None, (Stance("port", "neutral"),)),
        ([OVER_PORT, OVER_STANCE], (Span(*BOSS, "OCC"),), (Stance("port", "neutral"),)),
    ],
)
def test_ruling_counts_only_for_disputed_items(asked, spans, stances):
    ruling = replace(judgement("a-9", Span(*BOSS, "OCC", "r1"), port="neutral", metro="favor"), remark="واضح")

    done = read_whole_rulings([ruling], asked)

    assert done.decisions == (Decision("d-0", sha16(TEXT), "a-9", spans, stances, "واضح"),)
    assert (done.set_aside, done.issues) == ((), ())


def test_empty_ruling_counts_where_spans_are_disputed():
    (decision,) = read_whole_rulings([judgement("a-9", port="favor")], [OVER_PORT]).decisions

    assert decision.spans == ()


def test_latest_ruling_counts_and_skipped_is_none():
    rulings = [
        judgement("a-9", at="2026-01-01T10:00:00Z", number=1, port="favor"),
        judgement("a-9", at="2026-01-02T10:00:00Z", number=2, port="against"),
        judgement("a-9", at="2026-01-03T10:00:00Z", number=3, status="skipped"),
        judgement("a-8", at="2026-01-01T10:00:00Z", number=4, port="neutral"),
    ]

    done = read_whole_rulings(rulings, [OVER_STANCE])

    assert [(d.adjudicator, d.stances) for d in done.decisions] == [
        ("a-8", (Stance("port", "neutral"),)), ("a-9", (Stance("port", "against"),)),
    ]  # fmt: skip
    assert done.set_aside == (
        Dropped("rulings", "ruling of a-9 on article d-0", "superseded"),
        Dropped("rulings", "ruling of a-9 on article d-0", "skipped"),
    )


@pytest.mark.parametrize(
    ("ruling", "why"),
    [
        (judgement("a-9", metro="favor"), "it answers nothing that was asked"),
        (judgement("a-9", port="favor", article="d-7"), "nothing was asked about its article"),
    ],
)
def test_ruling_without_answers_is_reported(ruling, why):
    done = read_whole_rulings([ruling], [OVER_STANCE])

    assert done.decisions == ()
    assert [one.reason for one in done.set_aside] == [why]
    assert [(i.severity, i.message, i.annotator) for i in done.issues] == [
        ("warning", f"the ruling is ignored: {why}", "a-9")
    ]


def test_newer_ruling_replaces_own_and_keeps_handwritten():
    by_hand = Decision("d-0", sha16(TEXT), "lead", None, (Stance("port", "favor"),), "by hand")
    older = Decision("d-0", sha16(TEXT), "a-9", (), ())
    elsewhere = replace(older, article_id="d-1")
    newer = replace(older, spans=(Span(*PORT, "FAC"),))

    assert merge_whole([elsewhere, by_hand, older], [newer]) == [newer, by_hand, elsewhere]


DECISIONS = st.builds(
    lambda article, who, spans, value, note: Decision(
        article, sha16(TEXT), who, spans, (Stance("port", value),) if value else (), note
    ),
    st.sampled_from(["d-0", "d-1"]),
    st.sampled_from(["lead", "a-8", "a-9"]),
    st.none() | st.just(()) | st.just((Span(*PORT, "FAC"),)),
    st.sampled_from(["", "favor", "against"]),
    st.sampled_from(["", "x"]),
)
BY_KEY = st.lists(DECISIONS, max_size=5, unique_by=lambda d: (d.article_id, d.adjudicator))


@given(st.lists(DECISIONS, max_size=6), BY_KEY, st.randoms(use_true_random=False))
def test_collecting_again_changes_nothing_in_any_order(before, fresh, random):
    once = merge_whole(before, fresh)

    assert merge_whole(once, fresh) == once
    assert {id(d) for d in fresh} <= {id(d) for d in once}
    kept = [d for d in before if (d.adjudicator, d.article_id) not in {(f.adjudicator, f.article_id) for f in fresh}]
    assert len(once) == len(kept) + len(fresh)
    assert merge_whole(random.sample(before, len(before)), fresh[::-1]) == once
