"""Batches, decisions and published annotations as tables say what a row-by-row reference says."""

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.quality.merged import contradictions, join, join_table, table_contradictions
from builder.annotation.reopen import restore_batches
from builder.io.jsonl_table import LineTable
from builder.io.parquet import to_table
from builder.records import AnnotatorAssignment, BatchItem, Decision, Judgement, PublishedAnnotation, Span, Stance
from builder.records.arrow import records_of
from tests.tables import coverage, table_of

ARTICLES = st.sampled_from([f"d{number}-0" for number in range(5)])
PEOPLE = st.sampled_from(["a-1", "a-2", "a-3", "ب-1"])
BATCHES = st.sampled_from(["a", "b", "c"])
SPANS = st.lists(st.builds(Span, st.integers(0, 3), st.integers(4, 6), st.sampled_from(["PERS", "GPE"])), max_size=2)
STANCES = st.lists(
    st.builds(Stance, st.sampled_from(["dam", "port"]), st.sampled_from(["favor", "against"])), max_size=2
)
DECISIONS = st.builds(
    Decision, ARTICLES, st.sampled_from(["s", "t"]), PEOPLE, st.none() | SPANS.map(tuple), STANCES.map(tuple)
)
PUBLISHED = st.builds(PublishedAnnotation, ARTICLES, st.just("s"), st.just("1.0.0"), PEOPLE, SPANS.map(tuple))
ITEMS = st.builds(BatchItem, st.just("a"), ARTICLES, st.sampled_from(["s", "t"]), st.just("g"), st.sampled_from("xy"))
DUTIES = st.builds(AnnotatorAssignment, st.just("b"), ARTICLES, PEOPLE, st.just("overlap"))


def judgement(article, who, batch="b"):
    return Judgement(article, "s", batch, who, (), (), "submitted", None, "", "", "g", "s", 1, 1)


def counted(done, articles, assigned, overlap):
    """Articles with too few and with too many annotators, the number of missing judgements, and strays by annotator."""
    judged, asked = defaultdict(set), defaultdict(set)
    for article, who in done:
        judged[article].add(who)
    for duty in assigned:
        asked[duty.article_id].add(duty.annotator)
    least = {article: len(asked[article]) if assigned else overlap for article in articles}
    few = sorted(article for article in articles if len(judged[article]) < least[article])
    many = sorted(article for article in articles if len(judged[article]) > least[article])
    missing = sum(least[article] - len(judged[article]) for article in few)
    strays = Counter(who for article in articles for who in judged[article] - asked[article]) if assigned else Counter()
    return few, many, missing, strays


@given(
    st.lists(st.tuples(ARTICLES, PEOPLE), max_size=15), st.sets(ARTICLES, max_size=4), st.lists(DUTIES, max_size=12),
    st.integers(1, 3),
)  # fmt: skip
def test_coverage_counts_as_the_reference(done, articles, assigned, overlap):
    items = [BatchItem("b", article, "s", "g", "x") for article in sorted(articles)]
    few, many, missing, strays = counted(done, sorted(articles), assigned, overlap)
    said = []
    for names, what in (
        (few, f"fewer annotators than they should ({missing} judgements are missing)"),
        (many, "more annotators than they should"),
    ):
        shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        said += [("", f"{len(names)} of {len(items)} articles have {what}: {shown}")] if names else []
    said += [
        (who, f"judged {number} article{'s' * (number != 1)} not assigned to this annotator")
        for who, number in sorted(strays.items())
    ]

    found = coverage("b", [judgement(*one) for one in done], items, assigned, overlap)

    assert [(issue.annotator, issue.message) for issue in found] == said


@given(
    st.lists(st.tuples(ARTICLES, BATCHES), max_size=10), st.dictionaries(BATCHES, st.sets(ARTICLES), min_size=3),
    st.sets(BATCHES),
)  # fmt: skip
def test_judgements_return_to_the_first_batch_of_their_article(done, batches, reopened):
    home = {
        article: batch for batch in sorted({*batches} - reopened, reverse=True) for article in sorted(batches[batch])
    }
    tables = {
        name: to_table([BatchItem(name, one, "s", "g", "x") for one in sorted(own)], BatchItem)
        for name, own in batches.items()
    }

    table = restore_batches(table_of(judgement(article, "a-1", batch) for article, batch in done), tables, reopened)

    assert table["batch"].to_pylist() == [
        home.get(article, batch) if batch in reopened else batch for article, batch in done
    ]


@given(st.one_of(*(st.tuples(st.just(record), st.lists(lines, max_size=8)) for record, lines in (
    (Decision, DECISIONS), (PublishedAnnotation, PUBLISHED), (BatchItem, ITEMS),
))))  # fmt: skip
def test_lines_as_columns_are_joined_and_refused_like_records(found):
    record, records = found
    numbers = np.arange(len(records)) * 2 + 1
    lines = [*zip(numbers.tolist(), records, strict=True)]
    read = LineTable(to_table(records, record), numbers)

    assert records_of(join_table(read, record), record) == [one for _, one in join(lines)]
    assert table_contradictions("x.jsonl", read, record) == [*contradictions("x.jsonl", lines)]
