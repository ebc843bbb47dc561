"""Flat tags of nested spans: tags and ledger together are the spans, for any spans."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from seqeval.scheme import IOB2, Entities

from builder.records import Span
from builder.release.tables.iob2 import iob2, layers

TEXTS = st.lists(st.sampled_from(["بل", "مرجانة", "و", "3.5", " ", "  ", "،", "\n", "😀"]), max_size=14).map("".join)


def words(text):
    return [match.span() for match in re.finditer(r"[^\W]+|[^\w\s]", text)]


@st.composite
def tagged(draw):
    text = draw(TEXTS)
    tokens = words(text)
    places = st.tuples(*[st.integers(0, len(text))] * 2).filter(lambda p: p[0] < p[1])
    chosen = draw(st.sets(st.tuples(places, st.sampled_from(["PERS", "ORG"])), max_size=6)) if text else set()
    return {Span(start, end, label) for (start, end), label in chosen}, tokens


def decoded(tags, tokens):
    """What a strict reader of IOB2 finds, in characters."""
    found = Entities([list(tags)], scheme=IOB2).entities[0]
    return {Span(tokens[e.start][0], tokens[e.end - 1][1], e.tag) for e in found}


@given(tagged())
def test_tags_and_ledger_together_are_the_spans(case):
    spans, tokens = case
    projection = iob2(spans, tokens)
    kept = spans - {span for span, _ in projection.lost}
    whole = kept - set(projection.cut)
    found = decoded(projection.tags, tokens)

    assert len(projection.tags) == len(tokens)
    assert len(kept) + len(projection.lost) == len(spans)
    assert whole == {span for span in found if span in kept}
    assert len(found) == len(kept)
    for span in projection.cut:
        (over,) = [f for f in found if f.start < span.end and span.start < f.end]
        assert over.label == span.label
        assert (over.start, over.end) != (span.start, span.end)


@example(
    (
        {Span(0, 2, "PERS"), Span(5, 7, "PERS"), Span(6, 7, "PERS")},
        [(0, 6), (6, 7)],
    )
)
@given(tagged())
def test_every_reason_in_the_ledger_is_true(case):
    spans, tokens = case
    projection = iob2(spans, tokens)
    kept = spans - {span for span, _ in projection.lost}

    def touched(span):
        return {i for i, (start, end) in enumerate(tokens) if start < span.end and span.start < end}

    def comes_first(one, other):
        return (one.start - one.end, one) < (other.start - other.end, other)

    for span, reason in projection.lost:
        before = [k for k in kept if comes_first(k, span)]  # what took the tags; a later one took none from it
        over = [k for k in before if k.start < span.end and span.start < k.end]
        inside = any(k.start <= span.start and span.end <= k.end for k in over)
        truth = (
            "no token" if not touched(span)
            else "nested" if inside
            else "crossing" if over
            else "same token as another"
        )  # fmt: skip

        assert reason == truth
        assert reason == "no token" or any(touched(k) & touched(span) for k in before)


def test_a_span_that_crosses_a_longer_one_is_named():
    projection = iob2([Span(0, 8, "ORG"), Span(5, 12, "GPE")], [(0, 4), (5, 8), (9, 12)])

    assert projection.tags == ("B-ORG", "I-ORG", "O")
    assert projection.lost == ((Span(5, 12, "GPE"), "crossing"),)


def test_two_spans_in_one_token_leave_the_longer_in_the_tags():
    projection = iob2([Span(0, 5, "PERS"), Span(6, 10, "PERS")], [(0, 10)])

    assert projection.tags == ("B-PERS",)
    assert projection.lost == ((Span(6, 10, "PERS"), "same token as another"),)
    assert projection.cut == (Span(0, 5, "PERS"),)


def test_a_span_without_its_clitic_tags_the_whole_token_and_is_counted():
    projection = iob2([Span(1, 7, "GPE")], [(0, 7)])

    assert projection.tags == ("B-GPE",)
    assert projection.cut == (Span(1, 7, "GPE"),)


def test_neighbours_of_one_label_stay_two():
    assert iob2([Span(0, 4, "GPE"), Span(5, 9, "GPE")], [(0, 4), (5, 9)]).tags == ("B-GPE", "B-GPE")


def test_the_inner_layer_has_the_longest_of_what_was_nested():
    spans = [Span(0, 12, "ORG"), Span(0, 8, "GPE"), Span(5, 8, "PERS"), Span(9, 12, "LOC")]
    outer, inner = layers(spans, [(0, 4), (5, 8), (9, 12)])

    assert outer.tags == ("B-ORG", "I-ORG", "I-ORG")
    assert inner.tags == ("B-GPE", "I-GPE", "B-LOC")
    assert inner.lost == ((Span(5, 8, "PERS"), "nested"),)
