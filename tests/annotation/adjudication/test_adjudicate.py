"""Votes and decisions become gold or disputes."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.dawid_skene import estimate
from builder.annotation.adjudication.votes.outcomes import SURE
from builder.io.hashing import sha16
from builder.records import Article, Confidence, Decision, Dispute, Judgement, Span, StageCounts, Stance, Vote
from builder.schema.dataset import Adjudication
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue
from tests.tables import adjudicate

TEXT = "زار الوزير «ميناء مرجانة»، يوم الثلاثاء.\nوقال إن مترو العاصمة تأخر."
LABELS = Labels(
    version=1,
    entities=tuple(
        EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=key, definition="تعريف")
        for name, key in (("PERS", "1"), ("FAC", "2"), ("GPE", "3"), ("LOC", "4"))
    ),
    stances=Stances(
        values=tuple(
            StanceValue(name=n, ar="قيمة", en=n, published=n != "unclear")
            for n in ("favor", "against", "neutral", "unclear")
        ),
        targets=tuple(
            StanceTarget(id=name, ar=words, en=name, keywords=(words,))
            for name, words in (("port", "ميناء مرجانة"), ("metro", "مترو العاصمة"), ("dam", "سد السنديان"))
        ),
    ),
)
ARTICLES = {f"d-{n}": Article(f"d-{n}", "d", n, None, TEXT, (), (), "standard@1+0", sha16(TEXT)) for n in range(3)}
PORT, TOWN, DAY = ((TEXT.index(w), TEXT.index(w) + len(w)) for w in ("ميناء مرجانة", "مرجانة", "الثلاثاء"))
AGREED = {"port": "favor", "metro": "against"}


def judgement(annotator, *spans, article="d-0", **stances):
    return Judgement(
        article, sha16(TEXT), "b1", annotator, tuple(sorted(spans)),
        tuple(Stance(t, v) for t, v in sorted((AGREED | stances).items())), "submitted", 30.0, "t", "t", "g", "s", 1, 1,
    )  # fmt: skip


def decision(*spans, stances=(), article="d-0", sha=None, who="judge", marked=True):
    return Decision(article, sha or sha16(TEXT), who, tuple(spans) if marked else None, tuple(stances))


def settled(judgements, *decisions, least=2, votes=None, stance="majority", articles=ARTICLES):
    rules = Adjudication(min_annotators=least, votes=votes, stance=stance)
    return adjudicate(judgements, decisions, articles, LABELS, rules)


def marks(gold):
    return [(span.start, span.end, span.label) for span in gold.spans]


def test_unanimous_answers_are_gold():
    first = (PORT[0], TOWN[0] - 1)
    done = settled([judgement(who, Span(*PORT, "FAC", who), Span(*TOWN, "GPE"), Span(*first, "LOC")) for who in "xyz"])

    (gold,) = done.golds
    assert gold.spans == (Span(*PORT, "FAC", "s0"), Span(*first, "LOC", "s1"), Span(*TOWN, "GPE", "s2"))
    assert gold.stances == (Stance("metro", "against"), Stance("port", "favor"))
    assert (gold.source, gold.annotators, gold.text_sha) == ("agreed", 3, sha16(TEXT))
    assert gold.votes == (
        Vote(f"span:{first[0]}:{first[1]}", "LOC", 3), Vote(f"span:{PORT[0]}:{PORT[1]}", "FAC", 3), Vote(f"span:{TOWN[0]}:{TOWN[1]}", "GPE", 3),
        Vote("stance:metro", "against", 3), Vote("stance:port", "favor", 3),
    )  # fmt: skip
    assert gold.confidence == tuple(Confidence(v.what, v.answer, "majority", 1.0) for v in gold.votes)
    assert (done.disputes, done.issues, done.applied, done.model) == ((), (), 0, None)
    assert done.account == StageCounts("adjudicate", "articles", 1, 1, {})


def test_majority_wins_and_minority_is_counted():
    done = settled(
        [judgement("x", Span(*PORT, "FAC"), Span(*DAY, "PERS")), judgement("y", Span(*PORT, "FAC")), judgement("z")]
    )

    assert marks(done.golds[0]) == [(*PORT, "FAC")]
    assert done.golds[0].source == "majority"
    assert Vote(f"span:{DAY[0]}:{DAY[1]}", "PERS", 1) in done.golds[0].votes
    assert done.disputes == ()
    assert done.spans == StageCounts("adjudicate", "spans", 2, 1, {"outvoted": 1})


def test_exact_half_of_votes_is_a_dispute():
    done = settled([judgement("x", Span(*PORT, "FAC")), judgement("y")])

    what = f"span:{PORT[0]}:{PORT[1]}"
    assert done.disputes == (Dispute("d-0", what, {"x": "FAC", "y": "(none)"}),)
    assert (marks(done.golds[0]), done.golds[0].source) == ([], "majority")
    assert done.spans == StageCounts("adjudicate", "spans", 1, 0, {"in dispute": 1})


@pytest.mark.parametrize(
    ("answers", "gold", "shown"),
    [
        (("GPE", "GPE", "LOC"), ["GPE"], None),
        (("GPE", "LOC", ""), [], {"a": "GPE", "b": "LOC", "c": "(none)"}),
        (("GPE", "LOC", "FAC"), [], {"a": "GPE", "b": "LOC", "c": "FAC"}),
        (("GPE", "", ""), [], None),
        (("GPE", "GPE", "LOC", ""), [], {"a": "GPE", "b": "GPE", "c": "LOC", "d": "(none)"}),
        (("GPE", "LOC", "", ""), [], {"a": "GPE", "b": "LOC", "c": "(none)", "d": "(none)"}),
        (("GPE", "LOC", "", "", ""), [], None),
        (("GPE+LOC", "GPE+LOC", "GPE"), ["GPE", "LOC"], None),
        (("GPE+LOC", "GPE"), ["GPE"], {"a": "GPE+LOC", "b": "GPE"}),
    ],
)
def test_two_labels_on_same_words_win_tie_or_lose(answers, gold, shown):
    judgements = [
        judgement(who, *(Span(*TOWN, label) for label in answer.split("+") if label))
        for who, answer in zip("abcde", answers, strict=False)
    ]
    done = settled(judgements)

    assert [span.label for span in done.golds[0].spans] == gold
    assert [dispute.answers for dispute in done.disputes] == ([shown] if shown else [])


@pytest.mark.parametrize(
    ("answers", "gold", "open_ones"),
    [
        (("favor", "favor", "against"), "favor", 0),
        (("favor", "against"), None, 1),
        (("favor", "against", "neutral"), None, 1),
        (("favor", "favor", "against", "neutral"), None, 1),
        (("unclear", "unclear", "favor"), None, 1),
        (("unclear", "favor", "favor"), "favor", 0),
    ],
)
def test_stance_needs_a_majority_and_unclear_never_wins(answers, gold, open_ones):
    done = settled([judgement(who, port=value) for who, value in zip("abcd", answers, strict=False)])

    assert {s.target: s.value for s in done.golds[0].stances}.get("port") == gold
    assert [d.what for d in done.disputes] == ["stance:port"] * open_ones
    counted = {(v.answer, v.count) for v in done.golds[0].votes if v.what == "stance:port"}
    assert counted == set(Counter(answers).items())


def test_only_answers_count_towards_a_stance():
    silent = replace(judgement("z"), stances=())

    done = settled([judgement("x"), judgement("y"), silent])
    nobody = settled([replace(silent, annotator=who) for who in "xy"])

    assert done.golds[0].stances == (Stance("metro", "against"), Stance("port", "favor"))
    assert nobody.disputes[0] == Dispute("d-0", "stance:port", {"x": "(none)", "y": "(none)"})


def test_too_few_annotators_make_no_gold():
    done = settled([judgement("x"), judgement("x", article="d-1"), judgement("y", article="d-1")])

    assert [gold.article_id for gold in done.golds] == ["d-1"]
    assert done.account == StageCounts("adjudicate", "articles", 2, 1, {"fewer than 2 annotators": 1})
    assert [gold.source for gold in settled([judgement("x")], least=1).golds] == ["agreed"]


def test_decision_overrides_votes_and_closes_disputes():
    tied = [judgement("x", Span(*PORT, "FAC"), port="against"), judgement("y", Span(*DAY, "PERS"), metro="favor")]

    spans = settled(tied, decision(Span(TOWN[0], TOWN[1] + 2, "GPE")))
    stance = settled(tied, decision(stances=[Stance("port", "neutral")], marked=False))

    assert marks(spans.golds[0]) == [(*TOWN, "GPE")]
    assert {d.what for d in spans.disputes} == {"stance:metro", "stance:port"}
    assert spans.spans == StageCounts("adjudicate", "spans", 3, 1, {"overruled by a decision": 2})
    assert stance.golds[0].stances == (Stance("port", "neutral"),)
    assert {d.what.split(":")[0] for d in stance.disputes} == {"span", "stance"}
    assert "stance:port" not in {d.what for d in stance.disputes}
    assert [done.golds[0].source for done in (spans, stance)] == ["adjudicated"] * 2
    assert (spans.applied, stance.applied) == (1, 1)


def test_empty_span_list_is_a_decision_and_null_is_none():
    one = [judgement(who, Span(*PORT, "FAC")) for who in "xy"]

    assert marks(settled(one, decision()).golds[0]) == []
    untouched = settled(one, decision(marked=False))
    assert (marks(untouched.golds[0]), untouched.golds[0].source) == ([(*PORT, "FAC")], "agreed")
    assert untouched.applied == 0


def test_adjudicator_may_mark_article_with_too_few_judgements():
    alone = settled([judgement("x")], decision(Span(*PORT, "FAC"), stances=[Stance("port", "favor")]))

    assert marks(alone.golds[0]) == [(*PORT, "FAC")]
    assert alone.golds[0].stances == (Stance("port", "favor"),)
    assert alone.disputes == (Dispute("d-0", "stance:metro", {"x": "against"}),)
    assert (alone.account.kept, alone.applied) == (1, 1)

    waiting = settled([judgement("x")], decision(stances=[Stance("port", "favor")], marked=False))
    assert (waiting.golds, waiting.applied) == ((), 0)
    assert [(i.severity, i.message) for i in waiting.issues] == [
        ("warning", "not applied: fewer than 2 annotators"),
    ]


@pytest.mark.parametrize(
    ("made", "where", "message"),
    [
        (decision(article="x-0"), "article", "article x-0 is not in this project"),
        (decision(sha="0" * 16), "text", f"stale: it was made on the text {'0' * 16}, which is now {sha16(TEXT)}"),
        (decision(Span(4, 10, "ORG")), "span 4:10", "unknown label 'ORG'"),
        (decision(Span(4, 999, "GPE")), "span 4:999", f"outside the text, which has {len(TEXT)} code points"),
        (decision(Span(9, 4, "GPE")), "span 9:4", f"outside the text, which has {len(TEXT)} code points"),
        (decision(Span(10, 12, "GPE")), "span 10:12", "only spaces or punctuation"),
        (decision(stances=[Stance("sea", "favor")]), "stance sea", "the article is not asked about 'sea'"),
        (decision(stances=[Stance("dam", "favor")]), "stance dam", "the article is not asked about 'dam'"),
        (decision(stances=[Stance("port", "maybe")]), "stance port", "unknown stance 'maybe'"),
    ],
)
def test_inapplicable_decision_is_an_issue(made, where, message):
    judgements = [judgement(who, Span(*PORT, "FAC")) for who in "xy"]
    done = settled(judgements, made)

    (issue,) = done.issues
    assert (issue.severity, issue.where, issue.message) == ("error", where, message)
    assert (issue.article_id, issue.annotator) == (made.article_id, "judge")
    assert replace(done, issues=()) == settled(judgements)


def test_contradicting_decisions_leave_the_dispute():
    tied = [judgement("x", port="against"), judgement("y")]
    one = decision(Span(*PORT, "FAC"), stances=[Stance("port", "favor"), Stance("metro", "neutral")], who="j1")
    other = decision(stances=[Stance("port", "against")], who="j2", marked=False)

    done = settled(tied, one, other)

    assert marks(done.golds[0]) == [(*PORT, "FAC")]
    assert done.golds[0].stances == (Stance("metro", "neutral"),)
    assert done.golds[0].decided == ("spans", "stance:metro")
    assert [d.what for d in done.disputes] == ["stance:port"]
    assert [(i.where, i.message) for i in done.issues] == [("stance:port", "decisions contradict each other")]
    assert done.applied == 1
    assert settled(tied, other, one) == done
    assert settled(tied, one, replace(one, adjudicator="j3")).applied == 2


def test_contradicting_span_lists_are_ignored_but_edges_may_differ():
    one, same = decision(Span(*TOWN, "GPE")), decision(Span(TOWN[0], TOWN[1] + 1, "GPE"), who="j2")
    tied = [judgement("x", Span(*PORT, "FAC")), judgement("y")]

    done = settled(tied, one, decision(Span(*DAY, "PERS"), who="j2"))
    assert ([i.where for i in done.issues], done.applied, len(done.disputes)) == (["spans"], 0, 1)
    assert marks(done.golds[0]) == []
    assert (done.golds[0].source, done.golds[0].decided) == ("majority", ())
    assert marks(settled(tied, one, same).golds[0]) == [(*TOWN, "GPE")]


@pytest.mark.parametrize(
    ("votes", "answers", "gold", "disputed"),
    [
        (1, ("GPE", "", ""), ["GPE"], False),
        (1, ("GPE", "LOC", ""), [], True),
        (1, ("GPE+LOC", "", ""), ["GPE", "LOC"], False),
        (2, ("GPE", "", ""), [], False),
        (2, ("GPE", "GPE", "", "", ""), ["GPE"], False),
        (2, ("GPE", "GPE", "LOC", "LOC", ""), [], True),
        (2, ("GPE", "", "", "", ""), [], False),
        (2, ("GPE", ""), [], True),
        (3, ("GPE", "GPE", "GPE"), ["GPE"], False),
        (3, ("GPE", "GPE", ""), [], True),
        (3, ("GPE", "", ""), [], True),
        (3, ("GPE", "LOC", "", "", ""), [], False),
        (3, ("GPE", "LOC", "FAC", "", ""), [], True),
        (3, ("GPE", "GPE"), [], True),
    ],
)
def test_span_votes_follow_the_dataset_setting(votes, answers, gold, disputed):
    judgements = [
        judgement(who, *(Span(*TOWN, label) for label in answer.split("+") if label))
        for who, answer in zip("abcde", answers, strict=False)
    ]
    done = settled(judgements, votes=votes)

    assert [span.label for span in done.golds[0].spans] == gold
    assert [d.what.split(":")[0] for d in done.disputes] == ["span"] * disputed
    sure = [c for c in done.golds[0].confidence if c.what.startswith("span:")]
    given = Counter(label for answer in answers for label in answer.split("+"))
    assert [(c.answer, c.method, c.value) for c in sure] == [
        (label, f"{votes} votes", given[label] / len(answers)) for label in gold
    ]


def test_span_votes_do_not_affect_stances():
    judgements = [judgement("x"), judgement("y", port="against"), judgement("z")]

    assert settled(judgements, votes=3).golds[0].stances == settled(judgements).golds[0].stances


def test_confidence_keeps_vote_share_and_adjudicator():
    three = [judgement("x", Span(*PORT, "FAC")), judgement("y", Span(*PORT, "FAC")), judgement("z", port="neutral")]
    by_two = [decision(stances=[Stance("port", "against")], who=who, marked=False) for who in ("j2", "j1")]

    (voted,), (ruled,) = settled(three).golds, settled(three, *by_two, decision(Span(*DAY, "PERS"))).golds

    span = f"span:{PORT[0]}:{PORT[1]}"
    assert voted.confidence == (
        Confidence(span, "FAC", "majority", 2 / 3), Confidence("stance:metro", "against", "majority", 1.0),
        Confidence("stance:port", "favor", "majority", 2 / 3),
    )  # fmt: skip
    assert ruled.confidence == (
        Confidence(f"span:{DAY[0]}:{DAY[1]}", "PERS", "decision of judge", 1.0),
        Confidence("stance:metro", "against", "majority", 1.0),
        Confidence("stance:port", "against", "decision of j1, j2", 1.0),
    )


MANY = {f"d-{n}": Article(f"d-{n}", "d", n, None, TEXT, (), (), "standard@1+0", sha16(TEXT)) for n in range(40)}
TRUTH = {f"d-{n}": ("favor", "against", "neutral")[n % 3] for n in range(40)}


def crowd(last=()):
    """Three who are nearly always right and one who says favor to all; the first article is answered by `last`."""
    wrong = {("x", "d-5"): "favor", ("y", "d-10"): "neutral", ("z", "d-17"): "favor"}
    for article_id, value in TRUTH.items():
        answers = {who: wrong.get((who, article_id), value) for who in "xyz"} | {"idle": "favor"}
        if article_id == "d-1":
            answers = dict(last) or answers
        for who, answer in answers.items():
            yield judgement(who, article=article_id, port=answer)


def test_dawid_skene_settles_a_tie_with_its_probability():
    tie = {"idle": "favor", "x": "against"}

    voted, modelled = (settled(list(crowd(tie)), stance=how, articles=MANY) for how in ("majority", "dawid-skene"))

    tied = ["d-1", "d-10", "d-17", "d-5"]
    assert [(d.article_id, d.what) for d in voted.disputes] == [(name, "stance:port") for name in tied]
    assert modelled.disputes == ()
    gold = next(gold for gold in modelled.golds if gold.article_id == "d-1")
    sure = next(c for c in gold.confidence if c.what == "stance:port")
    assert (gold.source, sure.answer, sure.method) == ("model", "against", "dawid-skene")
    assert SURE <= sure.value <= 1
    assert [gold.article_id for gold in modelled.golds if gold.source == "model"] == tied
    assert {gold.source for gold in modelled.golds} == {"agreed", "majority", "model"}
    assert modelled.model.accuracy("idle") < 0.7
    assert modelled.model.accuracy("x") > 0.9


def test_dawid_skene_sees_every_answer():
    done = settled(list(crowd()), stance="dawid-skene", articles=MANY)

    answers = {(j.article_id, s.target): {} for j in crowd() for s in j.stances}
    for one in crowd():
        for stance in one.stances:
            answers[one.article_id, stance.target][one.annotator] = stance.value
    assert done.model == estimate(answers)
    assert {g.article_id: s.value for g in done.golds for s in g.stances if s.target == "port"} == TRUTH


def test_dawid_skene_tie_is_a_dispute():
    one = [judgement("x", port="favor", metro="favor"), judgement("y", port="against", metro="against")]

    done = settled(one, stance="dawid-skene")

    assert (done.golds[0].stances, done.golds[0].confidence) == ((), ())
    assert [d.what for d in done.disputes] == ["stance:port", "stance:metro"]
    assert done.disputes[0].answers == {"x": "favor", "y": "against"}


def test_dawid_skene_below_threshold_is_a_dispute():
    done = settled(list(crowd({"x": "against", "z": "favor"})), stance="dawid-skene", articles=MANY)

    assert 0.8 < done.model.posterior["d-1", "port"]["favor"] < SURE
    assert [(d.article_id, d.what) for d in done.disputes] == [("d-1", "stance:port")]
    assert [s.target for g in done.golds if g.article_id == "d-1" for s in g.stances] == ["metro"]


def test_dawid_skene_unpublished_value_is_a_dispute():
    done = settled([judgement(who, port="unclear") for who in "xyz"], stance="dawid-skene")

    assert done.model.posterior["d-0", "port"]["unclear"] > SURE
    assert [d.what for d in done.disputes] == ["stance:port"]


def test_decision_overrides_dawid_skene():
    done = settled(list(crowd()), decision(stances=[Stance("port", "neutral")], marked=False), stance="dawid-skene", articles=MANY)  # fmt: skip

    assert done.golds[0].stances == (Stance("metro", "against"), Stance("port", "neutral"))
    assert Confidence("stance:port", "neutral", "decision of judge", 1.0) in done.golds[0].confidence


def test_decided_spans_expand_only_where_labels_say_so():
    drawn = decision(Span(TOWN[0] + 1, TOWN[1], "GPE"))
    strict = LABELS.model_copy(update={"clitics": "strict"})

    grown, kept = (adjudicate([], [drawn], ARTICLES, labels, Adjudication()) for labels in (LABELS, strict))

    assert marks(grown.golds[0]) == [(*TOWN, "GPE")]
    assert marks(kept.golds[0]) == [(TOWN[0] + 1, TOWN[1], "GPE")]


PLACES = st.sampled_from([PORT, TOWN, DAY])
SPANS = st.builds(lambda place, label: Span(*place, label), PLACES, st.sampled_from(["PERS", "FAC", "GPE"]))
VALUES = st.sampled_from(["favor", "against", "neutral", "unclear"])
JUDGEMENTS = st.lists(
    st.builds(
        lambda who, article, spans, port, metro: judgement(who, *spans, article=article, port=port, metro=metro),
        st.sampled_from("uvwxyz"),
        st.sampled_from(sorted(ARTICLES)),
        st.frozensets(SPANS, max_size=4),
        VALUES,
        VALUES,
    ),
    max_size=12,
    unique_by=lambda j: (j.annotator, j.article_id),
)
DECISIONS = st.lists(
    st.builds(
        lambda spans, value, article, marked: decision(
            *spans, stances=[Stance("port", value)] if value else [], article=article, marked=marked
        ),
        st.frozensets(SPANS, max_size=3),
        st.none() | VALUES,
        st.sampled_from(sorted(ARTICLES)),
        st.booleans(),
    ),
    max_size=3,
)


RULES = st.fixed_dictionaries({"votes": st.none() | st.integers(1, 4), "stance": st.sampled_from(["majority", "dawid-skene"])})  # fmt: skip


@given(JUDGEMENTS, DECISIONS, RULES, st.randoms(use_true_random=False))
def test_order_does_not_matter(judgements, decisions, rules, random):
    shuffled = settled(random.sample(judgements, len(judgements)), *random.sample(decisions, len(decisions)), **rules)

    assert shuffled == settled(judgements, *decisions, **rules)


@given(JUDGEMENTS, DECISIONS, RULES)
def test_each_gold_answer_has_one_confidence(judgements, decisions, rules):
    for gold in settled(judgements, *decisions, **rules).golds:
        answers = [(f"span:{s.start}:{s.end}", s.label) for s in gold.spans]
        answers += [(f"stance:{s.target}", s.value) for s in gold.stances]

        assert [(c.what, c.answer) for c in gold.confidence] == sorted(answers)
        assert all(0 < c.value <= 1 for c in gold.confidence)
        voted = {(v.what, v.answer): v.count / gold.annotators for v in gold.votes}
        assert all(
            c.value == voted[c.what, c.answer] for c in gold.confidence if c.method.endswith(("majority", "votes"))
        )


@given(JUDGEMENTS, st.integers(1, 4))
def test_each_candidate_span_has_one_outcome(judgements, least):
    done = settled(judgements, least=least)
    disputed = {(d.article_id, d.what) for d in done.disputes}
    ends = Counter()
    for gold in done.golds:
        voters = [j for j in judgements if j.article_id == gold.article_id]
        candidates = Counter((s.start, s.end, s.label) for j in voters for s in j.spans)
        assert set(marks(gold)) <= set(candidates)
        for (start, end, label), count in candidates.items():
            assert Vote(f"span:{start}:{end}", label, count) in gold.votes
            assert ((start, end, label) in marks(gold)) == (2 * count > len(voters))
            open_one = (gold.article_id, f"span:{start}:{end}") in disputed
            assert open_one or 2 * count != len(voters)
            ends["gold" if 2 * count > len(voters) else "in dispute" if open_one else "outvoted"] += 1

    kept = ends.pop("gold", 0)
    assert done.spans == StageCounts("adjudicate", "spans", kept + ends.total(), kept, dict(ends))
    assert done.account.balanced
    assert done.account.taken == len({j.article_id for j in judgements})


@given(JUDGEMENTS, DECISIONS, RULES)
def test_each_asked_stance_is_gold_or_disputed(judgements, decisions, rules):
    done = settled(judgements, *decisions, **rules)

    for gold in done.golds:
        said = {stance.target for stance in gold.stances}
        disputed = {d.what[7:] for d in done.disputes if d.article_id == gold.article_id and d.what[:7] == "stance:"}
        assert said | disputed == {"port", "metro"}
        assert not said & disputed


@given(JUDGEMENTS)
def test_agreeing_judgement_changes_no_answer(judgements):
    before = settled(judgements)
    echoes = [
        replace(judgement("new", *gold.spans, article=gold.article_id), stances=gold.stances) for gold in before.golds
    ]
    after = settled([*judgements, *echoes])

    assert [marks(gold) for gold in after.golds] == [marks(gold) for gold in before.golds]
    assert [gold.stances for gold in after.golds] == [gold.stances for gold in before.golds]
    assert len(after.disputes) <= len(before.disputes)


@given(JUDGEMENTS)
def test_confirming_decision_changes_only_the_source(judgements):
    first = settled(judgements)
    decisions = [decision(*gold.spans, stances=gold.stances, article=gold.article_id) for gold in first.golds]
    again = settled(judgements, *decisions)

    assert again.golds == tuple(
        replace(gold, source="adjudicated", confidence=tuple(replace(c, method="decision of judge", value=1.0) for c in gold.confidence),
                decided=("spans", *(f"stance:{stance.target}" for stance in gold.stances)))
        for gold in first.golds
    )  # fmt: skip
    assert again.applied == len(decisions)
    assert {d.what.split(":")[0] for d in again.disputes} <= {"stance"}
