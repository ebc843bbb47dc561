"""Votes and decisions on questions about whole articles."""

import random
from dataclasses import replace

import pytest

from builder.annotation.migration.asked import unasked_questions
from builder.annotation.migration.offered import EVERYTHING, Offers, offers_of
from builder.annotation.migration.versions import version_of
from builder.io.plain import from_plain, to_plain
from builder.records import Answer, Confidence, Decision, Dispute, LabelVersion, Vote
from builder.schema.dataset import Adjudication
from builder.schema.labels import AnswerValue, Question
from tests.annotation import oddities
from tests.annotation.adjudication import reference
from tests.annotation.quality.examples import ARTICLE, ARTICLES, LABELS, judgement
from tests.tables import adjudicate, canonicalise, table_of

VALUES = tuple(AnswerValue(name=name, ar=name, en=name) for name in ("low", "middle", "high"))
ASKING = LABELS.model_copy(update={"questions": (
    Question(id="bias", ar="الانحياز", en="bias", values=VALUES),
    Question(id="topic", ar="الموضوع", en="topic", answers="several", values=VALUES),
)})  # fmt: skip


def said(who, bias, *topics):
    chosen = [*([Answer("bias", bias)] if bias else []), *(Answer("topic", topic) for topic in topics)]
    return judgement(annotator=who, answers=tuple(sorted(chosen)))


def decision(*answers, who="judge"):
    return Decision("d-0", ARTICLE.text_sha, who, answers=answers)


def settled(judgements, *decisions):
    found = adjudicate(judgements, decisions, ARTICLES, ASKING, Adjudication())
    return found.golds[0], [one for one in found.disputes if one.what.startswith("question:")], found.issues


def test_majority_settles_one_answer_and_each_of_several():
    gold, disputes, _ = settled(
        [said("x", "low", "low", "high"), said("y", "low", "low"), said("z", "high", "low", "high")]
    )

    assert gold.answers == (Answer("bias", "low"), Answer("topic", "high"), Answer("topic", "low"))
    assert disputes == []
    assert Confidence("question:topic", "high", "majority", 2 / 3) in gold.confidence
    assert [v for v in gold.votes if v.what == "question:topic"] == [
        Vote("question:topic", "high", 2), Vote("question:topic", "low", 3),
    ]  # fmt: skip
    assert gold.source == "majority"


def test_an_outvoted_value_is_no_dispute():
    gold, disputes, _ = settled([said("x", "low", "low", "high"), said("y", "low", "low"), said("z", "low", "low")])

    assert (gold.answers, disputes) == ((Answer("bias", "low"), Answer("topic", "low")), [])


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (("low", "high"), ("low",), {"x": "high+low", "y": "low"}),  # one value is tied: none of the question is gold
        (("low",), ("high",), {"x": "low", "y": "high"}),
        (("low",), (), None),  # of the one who answered, all gave it
    ],
)
def test_ties_are_disputes_of_the_whole_question(first, second, shown):
    gold, disputes, _ = settled([said("x", "low", *first), said("y", "low", *second)])

    topics = tuple(answer for answer in gold.answers if answer.question == "topic")
    if shown is None:
        assert (topics, disputes) == ((Answer("topic", "low"),), [])
    else:
        assert (topics, disputes) == ((), [Dispute("d-0", "question:topic", shown)])


def test_a_question_that_nobody_answered_is_in_dispute():
    _, disputes, _ = settled([said("x", "low"), said("y", "low")])

    assert disputes == [Dispute("d-0", "question:topic", {"x": "(none)", "y": "(none)"})]


def test_a_decision_overrides_a_question_as_a_whole():
    ruling = decision(Answer("topic", "middle"))
    gold, disputes, issues = settled([said("x", "low", "low"), said("y", "low", "high")], ruling)

    assert gold.answers == (Answer("bias", "low"), Answer("topic", "middle"))
    assert (gold.decided, gold.source, disputes, issues) == (("question:topic",), "adjudicated", [], ())


def test_decisions_that_contradict_each_other_or_labels_do_not_count():
    judgements = [said("x", "low", "low"), said("y", "low", "low")]
    one, other = (decision(Answer("bias", value), who=who) for who, value in (("j1", "low"), ("j2", "high")))
    odd = decision(Answer("bias", "high"), Answer("bias", "low"), Answer("tone", "x"), Answer("topic", "odd"), who="j3")
    gold, _, issues = settled(judgements, one, other, odd)

    assert gold.answers == (Answer("bias", "low"), Answer("topic", "low"))
    assert [(i.where, i.message) for i in issues] == [
        ("question:bias", "decisions contradict each other"),
        ("question bias", "several answers where one was asked for"),
        ("question tone", "unknown question 'tone'"),
        ("question topic", "unknown answer 'odd'"),
    ]


def test_a_question_that_was_added_later_is_not_asked_of_earlier_pages():
    before = version_of(ASKING.model_copy(update={"questions": ASKING.questions[:1]}), "old", 1)
    versions = {"old": before, "new": version_of(ASKING, "new", 2)}
    offers = offers_of(versions, ASKING)
    old, new = (replace(said(who, "low"), schema=key) for who, key in (("x", "old"), ("y", "new")))
    late = replace(said("x", "low", "high"), schema="old")

    def open_questions(*judgements):
        found = adjudicate(judgements, [], ARTICLES, ASKING, Adjudication(min_annotators=1), offers)
        return [dispute for dispute in found.disputes if dispute.what.startswith("question:")], found.golds[0].answers

    assert open_questions(old, replace(old, annotator="z")) == ([], (Answer("bias", "low"),))
    assert open_questions(old, new) == (
        [Dispute("d-0", "question:topic", {"y": "(none)"})], (Answer("bias", "low"),),
    )  # fmt: skip
    assert open_questions(late)[1] == (Answer("bias", "low"), Answer("topic", "high"))
    assert {one.where for one in unasked_questions(table_of([old, new]), offers)} == {"question topic"}


def test_versions_of_labels_without_questions_keep_their_bytes():
    assert "questions" not in to_plain(version_of(LABELS, "old", 1))
    assert from_plain(LabelVersion, to_plain(version_of(ASKING, "new", 2))).questions == ("bias", "topic")


LATE = Offers(oddities.OFFERS.labels, oddities.OFFERS.targets, oddities.OFFERS.every_target,
              {"older": frozenset({"topic"}), "oldest": frozenset({"topic", "bias"})})  # fmt: skip
"""Questions that pages of earlier versions did not ask."""


def answered(articles, dice):
    """Judgements with every oddity and with answers, of which some contradict each other."""
    for one in oddities.judgements(articles, dice.randrange(1000)):
        chosen = {Answer("topic", dice.choice(VALUES).name) for _ in range(dice.randint(0, 3))}
        chosen |= {Answer("bias", dice.choice(VALUES).name)} if dice.random() < 0.8 else set()
        yield replace(one, answers=tuple(sorted(chosen)))


def ruled(articles, dice):
    """Decisions on spans and stances, and on questions by people and by an import."""
    for article in articles.values():
        topic, bias = (Answer(question, dice.choice(VALUES).name) for question in ("topic", "bias"))
        if dice.random() < 0.4:
            yield Decision(
                article.id, article.text_sha, dice.choice(("a-5", "a-4")), answers=tuple(sorted({topic, bias}))
            )
        if dice.random() < 0.2:
            yield Decision(article.id, article.text_sha, "import:x", (), answers=(bias,))


@pytest.mark.parametrize("rules", [
    Adjudication(), Adjudication(min_annotators=1, votes=2), Adjudication(min_annotators=3, stance="dawid-skene"),
], ids=["usual", "one", "model"])  # fmt: skip
@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 60))])
def test_answers_of_odd_judgements_equal_the_reference(seed, rules):
    dice = random.Random(seed)  # noqa: S311 - the same judgements in each run
    articles = oddities.articles(dice.randint(1, 8), seed)
    judgements = canonicalise([*answered(articles, dice)], articles, ASKING)[0]
    decisions = [*oddities.decisions_on(articles), *ruled(articles, dice)]
    for offers in (EVERYTHING, LATE):
        for given in (decisions, []):
            found = adjudicate(judgements, given, articles, ASKING, rules, offers)
            assert found == reference.adjudicate(judgements, given, articles, ASKING, rules, offers)
