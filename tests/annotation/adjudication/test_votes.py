"""Votes over columns give what `adjudicate` settles, judgement by judgement."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.adjudication.adjudicate import adjudicate
from builder.annotation.adjudication.votes import SpanColumns, vote_spans, vote_stances
from builder.io.hashing import sha16
from builder.records import Article, Judgement, Span, Stance
from builder.schema import load_schema
from builder.schema.dataset import Adjudication
from tests.conftest import ROOT
from tests.tables import table_of

LABELS = load_schema(ROOT / "schema").labels
NAMES = LABELS.entity_names[:3]
VALUES = tuple(value.name for value in LABELS.stances.values)
TEXT = " ".join(["مرجانة", *(target.keywords[0] for target in LABELS.stances.targets)])
ARTICLES = {
    name: Article(name, name, 0, None, TEXT, (), (), "standard@1", sha16(TEXT)) for name in ("a-0", "b-0", "c-0")
}
SPANS = st.builds(Span, st.integers(0, 1), st.integers(2, 3), st.sampled_from(NAMES))
ANSWERS = st.builds(Stance, st.sampled_from(LABELS.target_ids), st.sampled_from(VALUES))
JUDGEMENTS = st.dictionaries(
    st.tuples(st.sampled_from([*ARTICLES]), st.sampled_from(["a-1", "a-2", "a-3", "a-4"])),
    st.tuples(st.sets(SPANS, max_size=4), st.lists(ANSWERS, max_size=3, unique_by=lambda stance: stance.target)),
    min_size=1,
)


def judged(answers):
    return [
        Judgement(article, sha16(TEXT), "b", who, tuple(sorted(spans)), tuple(sorted(stances)), "submitted", 1.0, "", "",
                  "g", "s", 0, 0)
        for (article, who), (spans, stances) in sorted(answers.items())
    ]  # fmt: skip


def numbers(values):
    return np.array([*values], np.int64)


@given(JUDGEMENTS, st.sampled_from([None, 1, 2, 3]))
def test_spans_are_those_of_adjudicate(answers, votes):
    rules = Adjudication(min_annotators=1, votes=votes)
    judgements, ids = judged(answers), [*ARTICLES]
    found = [(number, span) for number, one in enumerate(judgements) for span in one.spans]
    columns = SpanColumns(
        numbers(number for number, _ in found), numbers(span.start for _, span in found),
        numbers(span.end for _, span in found), numbers(NAMES.index(span.label) for _, span in found),
    )  # fmt: skip
    made = vote_spans(numbers(ids.index(one.article_id) for one in judgements), columns, len(ids), rules)
    result = adjudicate(table_of(judgements), [], ARTICLES, LABELS, rules)
    gold = {
        (one.article_id, s.start, s.end, s.label): next(
            sure.value for sure in one.confidence if (sure.what, sure.answer) == (f"span:{s.start}:{s.end}", s.label)
        )
        for one in result.golds
        for s in one.spans
    }
    places = zip(made.article.tolist(), made.start.tolist(), made.end.tolist(), made.label.tolist(), strict=True)

    assert (
        dict(zip([(ids[a], start, end, NAMES[n]) for a, start, end, n in places], made.share.tolist(), strict=True))
        == gold
    )
    open_articles = {dispute.article_id for dispute in result.disputes if dispute.what.startswith("span:")}
    assert {ids[number] for number in np.flatnonzero(~made.settled)} == open_articles


@given(JUDGEMENTS)
def test_stances_are_those_of_adjudicate(answers):
    judgements, ids = judged(answers), [*ARTICLES]
    found = [(one.article_id, stance) for one in judgements for stance in one.stances]
    made = vote_stances(
        numbers(ids.index(article) for article, _ in found),
        numbers(LABELS.target_ids.index(stance.target) for _, stance in found),
        numbers(VALUES.index(stance.value) for _, stance in found), len(VALUES),
    )  # fmt: skip
    result = adjudicate(table_of(judgements), [], ARTICLES, LABELS, Adjudication(min_annotators=1))
    gold = {(one.article_id, stance.target): stance.value for one in result.golds for stance in one.stances}
    votes = {
        (one.article_id, vote.what.removeprefix("stance:"), vote.answer): vote.count
        for one in result.golds for vote in one.votes if vote.what.startswith("stance:")
    }  # fmt: skip
    pairs = [(ids[a], LABELS.target_ids[t]) for a, t in zip(made.article.tolist(), made.target.tolist(), strict=True)]
    won = {pair: VALUES[n] for pair, n in zip(pairs, made.winner.tolist(), strict=True) if n >= 0}

    assert {pair: value for pair, value in won.items() if value in LABELS.published_values} == gold
    counted = {(*pair, VALUES[n]): count for pair, row in zip(pairs, made.counts.tolist(), strict=True)
               for n, count in enumerate(row) if count}  # fmt: skip
    assert counted == votes
