"""Repeated judgements from another batch change no figure and no vote."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from builder.annotation.quality.repeats import REPEAT_REASON
from builder.records import Span
from tests.annotation.quality.examples import ARTICLES, JUDGEMENTS, LABELS, PORT, judgement
from tests.tables import canonicalise, separate_repeats

LATER = "2026-05-01T00:00:00Z"


@given(JUDGEMENTS, st.randoms(use_true_random=False))
def test_confirmation_changes_no_judgements_or_counts(given_ones, random):
    counting, accounts, aside = canonicalise(given_ones, ARTICLES, LABELS)
    confirmed = [replace(one, batch="again", updated_at=LATER, annotation_id=99) for one in counting]
    every = [*given_ones, *confirmed]
    once, repeated = separate_repeats(random.sample(every, len(every)), ARTICLES, LABELS)

    assert len(repeated) == len(confirmed)
    assert {one.reason for one in repeated} <= {REPEAT_REASON}
    assert canonicalise(once, ARTICLES, LABELS) == (counting, accounts, aside)


@given(JUDGEMENTS)
def test_single_batch_has_no_repeats(given_ones):
    assert separate_repeats(given_ones, ARTICLES, LABELS) == (given_ones, [])


def test_repeat_ignores_ids_edges_and_order_but_not_labels():
    first = judgement(Span(*PORT, "FAC", "x"), Span(0, 3, "PERS"))
    ragged = replace(
        first, batch="again", updated_at=LATER, spans=(Span(0, 3, "PERS", "n"), Span(PORT[0], PORT[1] + 1, "FAC"))
    )
    other = replace(ragged, spans=(Span(*PORT, "GPE"), Span(0, 3, "PERS")))

    assert separate_repeats([first, ragged], ARTICLES, LABELS)[0] == [first]
    assert separate_repeats([first, other], ARTICLES, LABELS) == ([first, other], [])
