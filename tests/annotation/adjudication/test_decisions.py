"""Decisions on passages beside decisions on all spans."""

from builder.annotation.quality.repeats import merge_decisions
from builder.io.hashing import sha16
from builder.records import Answer, Decision, Passage, Span, StageCounts, Stance, mark_set
from builder.schema.dataset import Adjudication
from tests.annotation.adjudication.examples import ARTICLE, BOSS, LABELS, PORT, TEXT, TOWN, judgement
from tests.tables import adjudicate

VOTERS = [
    judgement("a-1", Span(*BOSS, "OCC"), Span(*PORT, "FAC"), port="favor"),
    judgement("a-2", Span(*BOSS, "OCC"), Span(*TOWN, "GPE"), port="favor"),
]


def whole(*spans, who="a-8", sha=TEXT):
    return Decision("d-0", sha16(sha), who, tuple(Span(*span) for span in spans))


def on(place, *labels, who="a-9"):
    spans = tuple(Span(*place, label) for label in labels)
    return Decision("d-0", sha16(TEXT), who, spans, scope=(Passage(*place),))


def settled(*decisions, voters=VOTERS):
    return adjudicate(voters, decisions, {"d-0": ARTICLE}, LABELS, Adjudication(min_annotators=2))


def marks(result):
    return mark_set(result.golds[0].spans)


def test_decision_on_a_passage_leaves_other_mentions_and_disputes():
    result = settled(on(PORT, "LOC"))

    assert marks(result) == {(*BOSS, "OCC"), (*PORT, "LOC")}
    assert [dispute.what for dispute in result.disputes] == [f"span:{TOWN[0]}:{TOWN[1]}"]
    assert result.golds[0].decided == (f"span:{PORT[0]}:{PORT[1]}",)
    assert result.spans == StageCounts("adjudicate", "spans", 4, 2, {"in dispute": 1, "overruled by a decision": 1})
    assert (result.applied, result.issues) == (1, ())


def test_decision_on_all_spans_means_what_it_meant():
    result = settled(whole((*PORT, "LOC")))

    assert (marks(result), result.disputes, result.golds[0].decided) == ({(*PORT, "LOC")}, (), ("spans",))


def test_passage_goes_before_the_same_adjudicators_decision_on_all_spans():
    result = settled(whole((*BOSS, "OCC"), (*PORT, "FAC"), who="a-9"), on(PORT, "LOC"))

    assert marks(result) == {(*BOSS, "OCC"), (*PORT, "LOC")}
    assert result.golds[0].decided == ("spans", f"span:{PORT[0]}:{PORT[1]}")
    assert result.issues == ()


def test_another_adjudicators_passage_contests_only_that_passage():
    result = settled(whole((*BOSS, "GPE"), (*PORT, "FAC")), on(PORT, "LOC"))

    assert marks(result) == {(*BOSS, "GPE")}
    assert [dispute.what for dispute in result.disputes] == [f"span:{PORT[0]}:{PORT[1]}"]
    assert [issue.where for issue in result.issues] == [f"span {PORT[0]}:{PORT[1]}"]


def test_equal_rulings_name_both_adjudicators():
    result = settled(on(PORT, who="a-8"), on(PORT))

    assert [c.method for c in result.golds[0].confidence if c.what == f"span:{PORT[0]}:{PORT[1]}"] == [
        "decision of a-8, a-9"
    ]


def test_passages_alone_make_no_gold_of_an_article_that_too_few_annotated():
    result = settled(on(PORT, "LOC"), voters=VOTERS[:1])

    assert result.golds == ()
    assert [issue.message for issue in result.issues] == ["not applied: fewer than 2 annotators"]


def test_scope_that_cannot_be_is_refused():
    beyond = Decision("d-0", sha16(TEXT), "lead", (Span(*BOSS, "OCC"),), scope=(Passage(*PORT),))
    outside = Decision("d-0", sha16(TEXT), "lead", (), scope=(Passage(3, 900),))

    messages = [(issue.where, issue.message) for issue in settled(beyond, outside).issues]

    assert messages == [
        ("scope 3:900", f"outside the text, which has {len(TEXT)} code points"),
        (f"span {BOSS[0]}:{BOSS[1]}", "not one of the passages in its scope"),
    ]


def test_newer_batch_replaces_passages_one_by_one():
    both = Decision(
        "d-0",
        sha16(TEXT),
        "a-9",
        (Span(*PORT, "FAC"),),
        (Stance("port", "favor"),),
        "",
        (Passage(*PORT), Passage(*TOWN)),
    )
    town = Decision("d-0", sha16(TEXT), "a-9", (), (Stance("port", "favor"),), "", (Passage(*TOWN),))

    assert merge_decisions([[both], [on(PORT, "LOC")]]) == [town, on(PORT, "LOC")]
    assert merge_decisions([[both], [on(PORT, "FAC")]]) == [both]
    assert merge_decisions([[on(PORT, "LOC")], [whole(who="a-9")]]) == [whole(who="a-9")]
    assert merge_decisions([[whole(who="a-9")], [on(PORT, "LOC")]]) == [whole(who="a-9"), on(PORT, "LOC")]


def test_newer_batch_replaces_questions_one_by_one_with_all_their_answers():
    def says(*answers):
        given = tuple(Answer(*one.split()) for one in answers)
        return Decision("d-0", sha16(TEXT), "a-9", None, answers=given)

    both = says("tone even", "topic culture", "topic sport")

    assert merge_decisions([[both], [says("topic sport")]]) == [says("tone even"), says("topic sport")]
    assert merge_decisions([[both], [says("topic sport", "topic culture", "tone good")]]) == [
        says("topic culture", "topic sport"), says("tone good"),
    ]  # fmt: skip
    assert merge_decisions([[both], [says("topic sport", "topic culture")]]) == [both]
