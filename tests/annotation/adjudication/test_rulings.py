"""Rulings become decisions: only what was asked is read, and every change of a settled mention is reported."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.asked import OTHER, new_pages
from builder.annotation.adjudication.decisions import NONE
from builder.annotation.adjudication.merging import closed_meanwhile, merge_decisions
from builder.annotation.adjudication.rulings import Rulebook, read_rulings
from builder.io.hashing import sha16
from builder.io.plain import from_plain, to_plain
from builder.records import (
    Answer,
    Article,
    AskedPage,
    Decision,
    Dispute,
    Dropped,
    Gold,
    Passage,
    Span,
    Stance,
    mark_set,
)
from builder.schema.dataset import Adjudication
from tests.annotation.adjudication.examples import ARTICLE, BOSS, LABELS, PORT, TEXT, TOWN, judgement
from tests.tables import adjudicate

OVER_PORT = Dispute("d-0", f"span:{PORT[0]}:{PORT[1]}", {"a-1": "FAC", "a-2": NONE})
OVER_STANCE = Dispute("d-0", "stance:port", {"a-1": "favor", "a-2": "against"})
SETTLED = Span(*BOSS, "OCC")
PAGE = AskedPage("d-0", sha16(TEXT), 1, (SETTLED,), (OVER_PORT, OVER_STANCE))
RULES = Adjudication(min_annotators=2)


def book(*pages, before=(), accepts=False, article=ARTICLE):
    by_key = {(page.article_id, page.text_sha, page.page): page for page in pages or (PAGE,)}
    return Rulebook(by_key, {"d-0": article}, LABELS, before, accepts)


def ruling(*spans, who="a-9", port=None, stance="favor", page=1, **more):
    """A ruling as `collect` reads it: `port` answers the passage, `stance` the target."""
    given = [Stance(OVER_PORT.what, value) for value in (port or "").split() if value]
    given += [Stance("stance:port", stance)] if stance else []
    return replace(judgement(who, *spans, **more), stances=tuple(sorted(given)), page=page)


def messages(done):
    return [(issue.severity, issue.message) for issue in done.issues]


def test_only_what_was_asked_is_read():
    said = replace(ruling(SETTLED, port="FAC"), remark="واضح")

    done = read_rulings([said], book())

    assert done.decisions == (
        Decision("d-0", sha16(TEXT), "a-9", (Span(*PORT, "FAC"),), (Stance("port", "favor"),), "واضح", (Passage(*PORT),)),
    )  # fmt: skip
    assert (done.set_aside, done.issues, done.overrules) == ((), (), 0)


@pytest.mark.parametrize(
    ("port", "marks", "spans", "scope"),
    [
        (NONE, (), (), (PORT,)),
        ("FAC+LOC", (), ((*PORT, "FAC"), (*PORT, "LOC")), (PORT,)),
        ("", ((*PORT, "GPE"),), ((*PORT, "GPE"),), (PORT,)),
        ("GPE", ((*PORT, "GPE"),), ((*PORT, "GPE"),), (PORT,)),
        (OTHER, ((*PORT, "LOC"),), ((*PORT, "LOC"),), (PORT,)),
        (OTHER, ((*TOWN, "GPE"),), ((*TOWN, "GPE"),), (PORT, TOWN)),
        (OTHER, ((TOWN[0] - 1, TOWN[1], "GPE"),), ((*TOWN, "GPE"),), (PORT, TOWN)),
    ],
)
def test_passage_is_answered_by_a_choice_or_a_mark(port, marks, spans, scope):
    done = read_rulings([ruling(SETTLED, *(Span(*mark) for mark in marks), port=port)], book())

    (decision,) = done.decisions
    assert mark_set(decision.spans) == {*spans}
    assert decision.scope == tuple(Passage(*place) for place in scope)
    assert done.issues == ()


def test_overrules_are_listed_one_by_one_and_do_not_count():
    added, moved = Span(*TOWN, "GPE"), Span(*BOSS, "LOC")
    removed = read_rulings([ruling(port="FAC")], book())
    changed = read_rulings([ruling(moved, added, port="FAC")], book())

    assert messages(removed) == [
        ("warning", f"the ruling changes what was settled: «المدير» {BOSS[0]}:{BOSS[1]} becomes no mention, and was OCC; it does not count"),
    ]  # fmt: skip
    assert messages(changed) == [
        ("warning", f"the ruling changes what was settled: «المدير» {BOSS[0]}:{BOSS[1]} becomes LOC, and was OCC; it does not count"),
        ("warning", f"the ruling changes what was settled: «مرجانة» {TOWN[0]}:{TOWN[1]} becomes GPE, and was no mention; it does not count"),
    ]  # fmt: skip
    assert {issue.fix for issue in changed.issues} == {
        "restore the mention in Label Studio, or run `khabar adjudicate --collect --accept-overrules`"
    }
    assert [d.scope for done in (removed, changed) for d in done.decisions] == [(Passage(*PORT),)] * 2
    assert (changed.overrules, changed.accepted) == (2, 0)


def test_accepted_overrule_counts_under_its_adjudicator_and_stays_accepted():
    said = ruling(Span(*BOSS, "LOC"), port=NONE)
    first = read_rulings([said], book(accepts=True))
    again = read_rulings([said], book(before=first.decisions))
    restored = read_rulings([ruling(SETTLED, port=NONE)], book(before=first.decisions))

    assert first.decisions == again.decisions
    assert (first.overrules, first.accepted, again.accepted) == (1, 1, 1)
    assert first.decisions[0].scope == (Passage(*BOSS), Passage(*PORT))
    assert merge_decisions(first.decisions, restored.decisions, [PAGE]) == [*restored.decisions]
    assert restored.decisions[0].scope == (Passage(*PORT),)
    voters = [
        judgement(who, SETTLED, *spans, port="favor") for who, spans in (("a-1", (Span(*PORT, "FAC"),)), ("a-2", ()))
    ]
    (gold,) = adjudicate(voters, first.decisions, {"d-0": ARTICLE}, LABELS, RULES).golds
    assert mark_set(gold.spans) == {(*BOSS, "LOC")}
    assert gold.decided == (f"span:{BOSS[0]}:{BOSS[1]}", f"span:{PORT[0]}:{PORT[1]}", "stance:port")
    assert {(one.what, one.answer, one.method) for one in gold.confidence} == {
        (f"span:{BOSS[0]}:{BOSS[1]}", "LOC", "decision of a-9"),
        (OVER_PORT.what, NONE, "decision of a-9"),
        ("stance:port", "favor", "decision of a-9"),
    }


@pytest.mark.parametrize(
    ("said", "severity", "message"),
    [
        (
            ruling(SETTLED, port="FAC LOC"), "error",
            "it answers «ميناء مرجانة» twice: FAC and LOC; the dispute stays open",
        ),
        (
            ruling(SETTLED, Span(*PORT, "GPE"), port="FAC"), "error",
            "it answers «ميناء مرجانة» twice: FAC and a mark in the text as GPE; the dispute stays open",
        ),
        (
            ruling(SETTLED, port=OTHER), "error",
            "it says that another mark is right than those given for «ميناء مرجانة», and marks none; the dispute stays open",
        ),
        (ruling(SETTLED), "warning", "1 of 2 disputes were not answered and stay open: «ميناء مرجانة»"),
        (ruling(SETTLED, Span(0, 3, "FAC"), port="FAC", stance=""), "warning", "1 of 2 disputes were not answered and stay open: port"),
        (
            ruling(SETTLED, Span(len(TEXT) - 1, len(TEXT), "FAC"), port="FAC"), "warning",
            "1 of its marks hold no word of the text, and do not count",
        ),
    ],
)  # fmt: skip
def test_bad_answers_are_reported(said, severity, message):
    done = read_rulings([said], book())

    assert (severity, message) in messages(done)
    if severity == "error":
        assert [(d.spans, d.scope, d.stances) for d in done.decisions] == [(None, (), (Stance("port", "favor"),))]


@pytest.mark.parametrize(
    ("said", "article", "reason", "severity", "fix"),
    [
        (
            ruling(port="FAC"), replace(ARTICLE, text=TEXT + "!", text_sha=sha16(TEXT + "!")),
            "the text of its article changed since it was sent", "error",
            "run `khabar adjudicate --send`, and rule on the present text",
        ),
        (
            ruling(port="FAC", page=2), ARTICLE, "nothing was asked about its article", "warning",
            "restore annotations/<batch>/asked.jsonl",
        ),
    ],
)  # fmt: skip
def test_ruling_that_cannot_count_is_set_aside(said, article, reason, severity, fix):
    done = read_rulings([said], book(article=article))

    assert done.decisions == ()
    assert done.set_aside == (Dropped("rulings", "ruling of a-9 on article d-0", reason),)
    assert [(i.severity, i.message, i.fix) for i in done.issues] == [
        (severity, f"the ruling is ignored: {reason}", fix)
    ]


def test_latest_ruling_on_each_page_counts_and_skipped_is_none():
    other = replace(PAGE, page=2, questions=(replace(OVER_PORT, what=f"span:{TOWN[0]}:{TOWN[1]}"),))
    on_town = replace(ruling(SETTLED, page=2), stances=(Stance(other.questions[0].what, "GPE"),))
    rulings = [
        ruling(SETTLED, port="FAC", at="2026-01-01T10:00:00Z", number=1),
        ruling(SETTLED, port="LOC", at="2026-01-02T10:00:00Z", number=2),
        ruling(SETTLED, port="GPE", at="2026-01-03T10:00:00Z", number=3, status="skipped"),
        on_town,
    ]

    done = read_rulings(rulings, book(PAGE, other))

    assert [mark_set(d.spans) for d in done.decisions] == [{(*PORT, "LOC"), (*TOWN, "GPE")}]
    assert Counter(one.reason for one in done.set_aside) == {"superseded": 1, "skipped": 1}


def test_two_adjudicators_who_contradict_each_other_settle_nothing():
    voters = [judgement("a-1", SETTLED, Span(*PORT, "FAC"), port="favor"), judgement("a-2", SETTLED, port="favor")]
    rulings = [ruling(SETTLED, port="FAC", who="a-8"), ruling(SETTLED, port=NONE, who="a-9")]

    result = adjudicate(voters, read_rulings(rulings, book()).decisions, {"d-0": ARTICLE}, LABELS, RULES)

    assert [(i.where, i.message) for i in result.issues] == [
        (f"span {PORT[0]}:{PORT[1]}", "decisions contradict each other")
    ]
    assert [dispute.what for dispute in result.disputes] == [OVER_PORT.what]
    assert mark_set(result.golds[0].spans) == {(*BOSS, "OCC")}


def test_dispute_that_a_new_judgement_closed_is_reported():
    port = Span(*PORT, "FAC")
    voters = [judgement(who, SETTLED, port, port="favor") for who in ("a-1", "a-3")] + [
        judgement("a-2", SETTLED, port="favor")
    ]
    votes = adjudicate(voters, (), {"d-0": ARTICLE}, LABELS, RULES)
    against, agreeing = (read_rulings([ruling(SETTLED, port=word)], book()).decisions for word in (NONE, "FAC"))

    issues = closed_meanwhile(against, [PAGE], votes.golds, votes.disputes)

    assert [(i.severity, i.where, i.message) for i in issues] == [
        ("warning", OVER_PORT.what, "the dispute was closed meanwhile: votes now say FAC; the ruling counts, which says no mention")
    ]  # fmt: skip
    assert closed_meanwhile(agreeing, [PAGE], votes.golds, votes.disputes) == []
    assert closed_meanwhile(against, [PAGE], votes.golds, [OVER_PORT]) == []


def test_answers_to_questions_are_replaced_where_they_were_asked_and_compared_with_later_votes():
    page = AskedPage("d-0", sha16(TEXT), 1, (), (Dispute("d-0", "question:topic", {}),))
    old = Decision("d-0", sha16(TEXT), "a-9", answers=(Answer("tone", "even"), Answer("topic", "culture")))
    new = Decision("d-0", sha16(TEXT), "a-9", answers=(Answer("topic", "culture"), Answer("topic", "sport")))
    gold = Gold("d-0", sha16(TEXT), (), (), "majority", (), 2, answers=(Answer("topic", "sport"),))

    assert merge_decisions([old], [new], [page]) == [replace(old, answers=(Answer("tone", "even"),)), new]
    assert merge_decisions([replace(old, answers=old.answers[1:])], [new], [page]) == [new]
    assert [(issue.where, issue.message) for issue in closed_meanwhile([new], [page], [gold], [])] == [
        ("question:topic", "the dispute was closed meanwhile: votes now say sport; the ruling counts, which says culture+sport")
    ]  # fmt: skip


def test_new_decisions_leave_those_of_others_and_on_all_spans():
    fresh = read_rulings([ruling(SETTLED, port="FAC")], book()).decisions
    whole = Decision("d-0", sha16(TEXT), "a-9", (SETTLED,), (Stance("port", "against"), Stance("metro", "favor")))
    lead = Decision("d-0", sha16(TEXT), "lead", (SETTLED,), (), "by hand", (Passage(*BOSS),))
    older = replace(fresh[0], spans=(Span(*PORT, "LOC"),))

    merged = merge_decisions([older, whole, lead], fresh, [PAGE])

    assert {*map(repr, merged)} == {
        repr(fresh[0]), repr(lead), repr(replace(whole, stances=(Stance("metro", "favor"),))),
    }  # fmt: skip
    assert merge_decisions(merged, fresh, [PAGE]) == merged


def test_old_lines_keep_their_bytes_and_new_ones_say_their_scope():
    line = {"article_id": "d-0", "text_sha": "t", "adjudicator": "lead", "spans": [], "stances": [], "note": ""}
    passage = from_plain(Decision, line | {"scope": [{"start": 3, "end": 9}]})

    assert to_plain(from_plain(Decision, line)) == line
    assert passage.scope == (Passage(3, 9),)
    assert to_plain(passage)["scope"] == [{"start": 3, "end": 9}]


WORDS = [f"كلمة{number}" for number in range(1050)]
LONG = " ".join(WORDS)
PLACES = [
    (LONG.index(word + " ") if number < 1049 else LONG.rindex(word), len(word)) for number, word in enumerate(WORDS)
]
LONG_ARTICLE = Article("d-0", "d", 0, None, LONG, (), (), "standard@1+0", sha16(LONG))
MENTIONS = [Span(at, at + size, "LOC") for at, size in PLACES]
DISPUTED = MENTIONS[::21]
VOTERS = [
    replace(judgement("a-1", *MENTIONS), text_sha=sha16(LONG)),
    replace(judgement("a-2", *(span for span in MENTIONS if span not in DISPUTED)), text_sha=sha16(LONG)),
]


@pytest.mark.slow
@given(
    st.dictionaries(st.integers(0, 1049), st.sampled_from(["", "GPE", "FAC"]), max_size=40),
    st.dictionaries(st.integers(0, 49), st.sampled_from(["LOC", NONE, "GPE"])),
    st.booleans(),
)
def test_no_settled_mention_changes_without_a_report(edits, answers, accepts):
    articles = {"d-0": LONG_ARTICLE}
    votes = adjudicate(VOTERS, (), articles, LABELS, RULES)
    pages = new_pages(votes.golds, votes.disputes, (), LABELS)
    assert (len(votes.disputes), len(pages[0].settled)) == (50, 1000)
    asked = {question.what for question in pages[0].questions}
    edited = {MENTIONS[n]: label for n, label in edits.items() if MENTIONS[n] not in DISPUTED}
    spans = tuple(replace(span, label=edited.get(span, "LOC")) for span in pages[0].settled if edited.get(span, "LOC"))
    stances = tuple(
        Stance(what, answer) for n, answer in answers.items()
        if (what := f"span:{DISPUTED[n].start}:{DISPUTED[n].end}") in asked
    )  # fmt: skip
    said = replace(judgement("a-9", *spans), text_sha=sha16(LONG), stances=stances, page=1)

    done = read_rulings(
        [said], Rulebook({("d-0", sha16(LONG), p.page): p for p in pages}, articles, LABELS, (), accepts)
    )
    (gold,) = adjudicate(VOTERS, done.decisions, articles, LABELS, RULES).golds

    reported = [issue for issue in done.issues if issue.code == "overrule"]
    assert len({issue.message for issue in reported}) == len(reported) == len(edited) == done.overrules
    settled = {
        (s.start, s.end, s.label) for s in gold.spans if all((s.start, s.end) != (d.start, d.end) for d in DISPUTED)
    }
    assert settled == (mark_set(spans) if accepts else mark_set(pages[0].settled))
    ruled = {(*map(int, s.target.split(":")[1:]), s.value) for s in stances if s.value != NONE}
    assert {mark for mark in mark_set(gold.spans) if mark not in settled} == ruled
