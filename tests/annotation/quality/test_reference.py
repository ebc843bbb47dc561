"""The canonical form, its faults and its repeats over columns equal those of plain loops, judgement by judgement."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation import columns
from builder.annotation.quality import spans
from builder.annotation.quality.integrity import Lines, ProjectIndex, judgement_faults, judgement_table_faults
from builder.io.jsonl_table import LineTable
from tests.annotation import oddities
from tests.annotation.quality import reference
from tests.annotation.quality.examples import ARTICLES, JUDGEMENTS, LABELS, SPANS, STANCES, judgement
from tests.tables import canonicalise, check, pace_warnings, separate_repeats, table_of

STRICT = LABELS.model_copy(update={"clitics": "strict"})
RETIRED = LABELS.model_copy(update={
    "entities": LABELS.entities[1:], "retired_entities": LABELS.entities[:1],
    "stances": LABELS.stances.model_copy(update={
        "values": LABELS.stances.values[1:], "retired_values": LABELS.stances.values[:1],
        "targets": LABELS.stances.targets[1:], "retired_targets": LABELS.stances.targets[:1],
    }),
})  # fmt: skip


def link(*task):
    return f"http://127.0.0.1/{task}"


def same(judgements, articles, labels):
    """Compare everything that the columns say with the loops."""
    once, repeated = separate_repeats(judgements, articles, labels)
    assert (once, repeated) == reference.separate_repeats(judgements, articles, labels)
    for given_ones in (judgements, once):
        assert check(given_ones, articles, labels, link) == reference.check(given_ones, articles, labels, link)
        found = canonicalise(given_ones, articles, labels)
        assert found == reference.canonicalise(given_ones, articles, labels)
        assert pace_warnings(found[0]) == reference.pace_warnings(found[0])


@pytest.fixture(scope="module")
def odd():
    articles = oddities.articles(2_000)
    return articles, oddities.judgements(articles)


@pytest.mark.slow
@pytest.mark.parametrize("labels", [LABELS, STRICT], ids=["expand", "strict"])
def test_two_thousand_articles_with_every_oddity(odd, labels):
    articles, judgements = odd
    same(judgements, articles, labels)

    reasons = {one.reason for one in canonicalise(judgements, articles, labels)[2]}
    assert reasons == {
        "skipped", "unknown article", "stale text", "changed by another person", "superseded", "replaced in a later batch",
        "out of bounds", "unknown label", "nothing left", "same span twice",
        "unknown target", "target not asked", "unknown value", "several answers", "same answer twice",
    }  # fmt: skip
    codes = {issue.code for issue in check(judgements, articles, labels, link)}
    assert codes == {
        "unknown-article", "stale-text", "changed-by-another", "superseded", "span-bounds", "unknown-label", "empty-span",
        "span-twice", "crossing-spans", "two-labels", "span-edges", "unknown-target", "target-not-asked", "unknown-stance",
        "stance-twice", "stance-missing",
    }  # fmt: skip
    assert separate_repeats(judgements, articles, labels)[1]


@pytest.mark.slow
def test_what_is_retired_is_left_out_and_no_fault(odd):
    articles, judgements = odd
    same(judgements, articles, RETIRED)

    reasons = {one.reason for one in canonicalise(judgements, articles, RETIRED)[2]}
    assert reasons >= {"retired label", "retired target", "retired value", "unknown label", "unknown target"}
    unknown = {issue.message.split("'")[1] for issue in check(judgements, articles, RETIRED, link)
               if issue.code in ("unknown-label", "unknown-target", "unknown-stance")}  # fmt: skip
    assert unknown == {"", "ORG", "sea", "maybe"}


def test_texts_that_are_tokenised_a_few_at_a_time(monkeypatch):
    articles = oddities.articles(60, seed=5)
    judgements = oddities.judgements(articles, seed=6)
    monkeypatch.setattr(spans, "TOGETHER", 300)
    monkeypatch.setattr(columns, "PAIRS", 5)

    same(judgements, articles, LABELS)


def test_annotators_who_are_faster_or_mark_less():
    articles = oddities.articles(60, seed=7)
    slow = [judgement(*([spans_of(one)] * 1), article_id=one.id, text_sha=one.text_sha, annotator=who, seconds=60.0 + number)
            for number, one in enumerate(articles.values()) for who in ("a-1", "a-2", "a-4")]  # fmt: skip
    fast = [replace(one, annotator="a-3", spans=(), seconds=one.seconds / 9) for one in slow[::3]]
    found = pace_warnings([*slow, *fast])

    assert {issue.code for issue in found} == {"fast-annotator", "few-spans"}
    assert found == reference.pace_warnings([*slow, *fast])


def spans_of(article):
    return oddities.Span(0, len(article.text), "GPE")


TIMES = st.sampled_from(oddities.TIMES)
ANY = st.lists(
    st.builds(
        judgement,
        stances=st.lists(STANCES, max_size=4),
        annotation=st.integers(1, 5),
        annotator=st.sampled_from(["a-1", "a-2"]),
        updated=TIMES,
        batch=st.sampled_from(["b1", "b2"]),
        article_id=st.sampled_from(["d-0", "d-0", "x-0"]),
        text_sha=st.sampled_from([ARTICLES["d-0"].text_sha] * 3 + ["0" * 16]),
        status=st.sampled_from(["submitted", "submitted", "skipped"]),
        changed_by=st.sampled_from(["", "", "a-9"]),
        remark=st.sampled_from(["", "x"]),
        spans=st.lists(SPANS, max_size=6).map(tuple),
        seconds=st.none() | st.floats(0, 99),
    ),
    max_size=8,
)


@given(ANY, st.sampled_from([LABELS, STRICT, RETIRED, LABELS.model_copy(update={"stances": None})]))
def test_any_judgements(judgements, labels):
    same(judgements, ARTICLES, labels)


@given(JUDGEMENTS, st.sampled_from(["s", "other"]))
def test_impossible_lines_are_the_same(judgements, label_hash):
    world = ProjectIndex(ARTICLES, (), LABELS, label_hash, ())
    lines = [*enumerate(judgements, start=3)]
    numbers = columns.ints(table_of(judgements)["annotation_id"]) * 0 + 3 + range(len(lines))
    found = judgement_table_faults("j.jsonl", LineTable(table_of(judgements), numbers), world)

    assert [*found] == [*judgement_faults(Lines("j.jsonl", lines), world)]
