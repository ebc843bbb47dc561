"""Votes over columns give what `adjudicate` settles, judgement by judgement."""

import numpy as np
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.votes.answers import given_answers, people_asked, vote_answers
from builder.annotation.adjudication.votes.spans import vote_spans
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.io.hashing import sha16
from builder.records import Answer, Article, Judgement, Span, Stance
from builder.schema import load_schema
from builder.schema.dataset import Adjudication
from builder.schema.labels import Labels
from tests.asking import QUESTIONS
from tests.conftest import ROOT
from tests.tables import adjudicate, table_of

LABELS = load_schema(ROOT / "schema").labels
ASKING = Labels.model_validate({**LABELS.model_dump(), **yaml.safe_load(QUESTIONS)})
NAMES = LABELS.entity_names[:3]
VALUES = tuple(value.name for value in LABELS.stances.values)
TEXT = " ".join(["مرجانة", *(target.keywords[0] for target in LABELS.stances.targets)])
ARTICLES = {
    name: Article(name, name, 0, None, TEXT, (), (), "standard@1", sha16(TEXT)) for name in ("a-0", "b-0", "c-0")
}
SPANS = st.builds(Span, st.integers(0, 1), st.integers(2, 3), st.sampled_from(NAMES))
ANSWERS = st.builds(Stance, st.sampled_from(LABELS.target_ids), st.sampled_from(VALUES))
TOPICS, TONES = (
    st.builds(Answer, st.just(one.id), st.sampled_from(one.value_names)) for one in reversed(ASKING.questions)
)
JUDGEMENTS = st.dictionaries(
    st.tuples(st.sampled_from([*ARTICLES]), st.sampled_from(["a-1", "a-2", "a-3", "a-4"])),
    st.tuples(
        st.sets(SPANS, max_size=4),
        st.lists(ANSWERS, max_size=3, unique_by=lambda stance: stance.target),
        st.sets(TOPICS, max_size=3),
        st.lists(TONES, max_size=1),
        st.sampled_from(["s", "early"]),
    ),
    min_size=1,
)


def judged(answers):
    return [
        Judgement(article, sha16(TEXT), "b", who, tuple(sorted(spans)), tuple(sorted(stances)), "submitted", 1.0, "", "",
                  "g", version, 0, 0, answers=tuple(sorted([*topics, *tones])))
        for (article, who), (spans, stances, topics, tones, version) in sorted(answers.items())
    ]  # fmt: skip


def numbers(values):
    return np.array([*values], np.int64)


OFFERS = Offers(
    {"early": frozenset(NAMES[:2])}, {"early": frozenset(LABELS.target_ids[:1])}, frozenset(LABELS.target_ids)
)
RULES = st.builds(Adjudication, min_annotators=st.integers(1, 2), votes=st.sampled_from([None, 1, 2, 3]))


@given(JUDGEMENTS, RULES, st.sampled_from([EVERYTHING, OFFERS]))
def test_spans_are_those_of_adjudicate(answers, rules, offers):
    judgements, ids = judged(answers), [*ARTICLES]
    article = numbers(ids.index(one.article_id) for one in judgements)
    voted = vote_spans(table_of(judgements), article, len(ids), rules, offers)
    made = voted.winners(NAMES)
    result = adjudicate(judgements, [], ARTICLES, LABELS, rules, offers)
    gold = {
        (one.article_id, s.start, s.end, s.label): next(
            sure.value for sure in one.confidence if (sure.what, sure.answer) == (f"span:{s.start}:{s.end}", s.label)
        )
        for one in result.golds
        for s in one.spans
    }
    enough = {ids[n] for n, count in enumerate(np.bincount(article, minlength=3)) if count >= rules.min_annotators}
    places = zip(made.article.tolist(), made.start.tolist(), made.end.tolist(), made.label.tolist(), strict=True)
    shares = dict(
        zip([(ids[a], start, end, NAMES[n]) for a, start, end, n in places], made.share.tolist(), strict=True)
    )

    assert {span: share for span, share in shares.items() if span[0] in enough} == gold
    open_articles = {dispute.article_id for dispute in result.disputes if dispute.what.startswith("span:")}
    assert {ids[number] for number in np.flatnonzero(~voted.settled)} & enough == open_articles


def voted(judgements, ids, column, asked, values, asks, rules):
    """The votes that reached what the rules ask for, by article and question: the values that won, and all votes."""
    table, article = table_of(judgements), numbers(ids.index(one.article_id) for one in judgements)
    given = given_answers(table, column, asked, values)
    made = vote_answers(article[given.row], given.row, given.asked, given.value, max(map(len, values)))
    enough = (
        people_asked(table, article, len(ids), asks, given, asked)[made.article, made.asked] >= rules.min_annotators
    )
    pairs = [(ids[a], q) for a, q in zip(made.article.tolist(), made.asked.tolist(), strict=True)]
    won = {(article, asked[q], values[q][n]) for (article, q), row, is_enough in zip(pairs, made.won, enough, strict=True)
           for n in np.flatnonzero(row) if is_enough}  # fmt: skip
    counted = {(article, asked[q], values[q][n]): count for (article, q), row in zip(pairs, made.counts.tolist(), strict=True)
               for n, count in enumerate(row) if count}  # fmt: skip
    return won, counted


def votes_of(result, kind):
    return {
        (one.article_id, vote.what.removeprefix(kind), vote.answer): vote.count
        for one in result.golds for vote in one.votes if vote.what.startswith(kind)
    }  # fmt: skip


@given(JUDGEMENTS, RULES, st.sampled_from([EVERYTHING, OFFERS]))
def test_stances_are_those_of_adjudicate(answers, rules, offers):
    judgements, ids = judged(answers), [*ARTICLES]
    won, counted = voted(judgements, ids, "stances", LABELS.target_ids, [VALUES] * len(LABELS.target_ids),
                         lambda version, target: target not in offers.unasked(version), rules)  # fmt: skip
    result = adjudicate(judgements, [], ARTICLES, LABELS, rules, offers)
    known = {one.article_id for one in result.golds}

    assert {one for one in won if one[2] in LABELS.published_values} == {
        (one.article_id, stance.target, stance.value) for one in result.golds for stance in one.stances
    }
    assert {one: count for one, count in counted.items() if one[0] in known} == votes_of(result, "stance:")


@given(JUDGEMENTS, RULES, st.sampled_from([EVERYTHING, Offers(new_questions={"early": frozenset({"topic"})})]))
def test_answers_are_those_of_adjudicate(answers, rules, offers):
    judgements, ids = judged(answers), [*ARTICLES]
    asked, values = [one.id for one in ASKING.questions], [one.value_names for one in ASKING.questions]
    won, counted = voted(judgements, ids, "answers", asked, values,
                         lambda version, question: not offers.lacks_question(version, question), rules)  # fmt: skip
    result = adjudicate(judgements, [], ARTICLES, ASKING, rules, offers)
    known = {one.article_id for one in result.golds}

    assert won == {(one.article_id, answer.question, answer.value) for one in result.golds for answer in one.answers}
    assert {one: count for one, count in counted.items() if one[0] in known} == votes_of(result, "question:")
