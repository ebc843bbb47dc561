"""Disputes become tasks with every version, and rulings become decisions."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.hashing import sha16
from builder.labelstudio.adjudication import decisions_from_rulings, merge_decisions, merge_disputes, with_versions
from builder.labelstudio.parse import parse_tasks
from builder.records import Decision, Dispute, Dropped, Judgement, Span, Stance

TEXT = "قال المدير \N{GRINNING FACE} إن ميناء مرجانة يعمل."
PORT, BOSS = ((TEXT.index(w), TEXT.index(w) + len(w)) for w in ("ميناء مرجانة", "المدير"))
OVER_PORT = Dispute("d-0", f"span:{PORT[0]}:{PORT[1]}", {"a-1": "FAC", "a-2": "(none)"})
OVER_STANCE = Dispute("d-0", "stance:port", {"a-1": "favor", "a-2": "against"})


def judgement(who, *spans, article="d-0", at="2026-01-01T10:00:00Z", number=1, status="submitted", **stances):
    given = tuple(Stance(target, value) for target, value in sorted(stances.items()))
    return Judgement(
        article, sha16(TEXT), "b1", who, spans, given, status, 9.0, at, at, "g", "s", 4, number, "", ()
    )  # fmt: skip


def task(*targets):
    return {
        "data": {
            "article_id": "d-0", "text_sha": sha16(TEXT), "batch": "b1", "text": TEXT, "guideline": "g", "schema": "s",
            "targets": [{"id": target} for target in (*targets, "-")],
        }
    }  # fmt: skip


def test_each_version_is_listed_under_its_annotator():
    plain = task("port", "metro")
    versions = [judgement("a-2", port="against"), judgement("a-1", Span(*PORT, "FAC", "x"), Span(*BOSS, "OCC"), port="favor", metro="neutral")]  # fmt: skip

    made = with_versions(plain, versions)

    assert made["data"] == plain["data"]
    assert sorted(one["model_version"] for one in made["predictions"]) == ["a-1", "a-2"]
    for said in versions:
        (one,) = (one for one in made["predictions"] if one["model_version"] == said.annotator)
        submitted = {
            "id": 1, "completed_by": 7, "result": one["result"], "created_at": "t", "updated_at": "t",
        }  # fmt: skip
        (back,) = parse_tasks([{"id": 3, **plain, "annotations": [submitted]}], lambda _: "me").judgements
        assert {(s.start, s.end, s.label) for s in back.spans} == {(s.start, s.end, s.label) for s in said.spans}
        assert back.stances == said.stances


def test_opening_version_varies_between_annotators():
    last = Counter()
    for number in range(60):
        article = f"d-{number}"
        plain = task()
        plain["data"]["article_id"] = article
        made = with_versions(plain, [judgement(who, article=article) for who in ("a-1", "a-2", "a-3")])
        last[made["predictions"][-1]["model_version"]] += 1

    assert min(last[who] for who in ("a-1", "a-2", "a-3")) >= 10


def test_two_labels_on_one_region_are_two_regions():
    twice = judgement("a-1", Span(*PORT, "FAC", "same"), Span(*PORT, "LOC", "same"))

    (one,) = with_versions(task(), [twice])["predictions"]

    ids = [result["id"] for result in one["result"] if result["type"] == "labels"]
    assert len(set(ids)) == 2


def test_versions_of_other_texts_and_unasked_stances_are_hidden():
    other = judgement("a-1", Span(*PORT, "FAC"), article="d-1")
    older = replace(judgement("a-2", Span(*PORT, "FAC")), text_sha="0" * 16)
    more = judgement("a-3", port="favor", dam="against")

    (one,) = with_versions(task("port"), [other, older, more])["predictions"]

    assert one["model_version"] == "a-3"
    assert [result["value"] for result in one["result"]] == [{"choices": ["favor"]}, {"choices": ["_unused"]}]


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

    done = decisions_from_rulings([ruling], asked)

    assert done.decisions == (Decision("d-0", sha16(TEXT), "a-9", spans, stances, "واضح"),)
    assert (done.set_aside, done.issues) == ((), ())


def test_empty_ruling_counts_where_spans_are_disputed():
    (decision,) = decisions_from_rulings([judgement("a-9", port="favor")], [OVER_PORT]).decisions

    assert decision.spans == ()


def test_latest_ruling_counts_and_skipped_is_none():
    rulings = [
        judgement("a-9", at="2026-01-01T10:00:00Z", number=1, port="favor"),
        judgement("a-9", at="2026-01-02T10:00:00Z", number=2, port="against"),
        judgement("a-9", at="2026-01-03T10:00:00Z", number=3, status="skipped"),
        judgement("a-8", at="2026-01-01T10:00:00Z", number=4, port="neutral"),
    ]

    done = decisions_from_rulings(rulings, [OVER_STANCE])

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
    done = decisions_from_rulings([ruling], [OVER_STANCE])

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

    assert merge_decisions([elsewhere, by_hand, older], [newer]) == [newer, by_hand, elsewhere]


def test_merging_keeps_earlier_disputes():
    now = replace(OVER_PORT, answers={"a-1": "FAC", "a-2": "(none)", "a-3": "LOC"})

    assert merge_disputes([OVER_STANCE, OVER_PORT], [now]) == [now, OVER_STANCE]


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
    once = merge_decisions(before, fresh)

    assert merge_decisions(once, fresh) == once
    assert {id(d) for d in fresh} <= {id(d) for d in once}
    kept = [d for d in before if (d.adjudicator, d.article_id) not in {(f.adjudicator, f.article_id) for f in fresh}]
    assert len(once) == len(kept) + len(fresh)
    assert merge_decisions(random.sample(before, len(before)), fresh[::-1]) == once
