"""Agreement over columns equals agreement judgement by judgement, figure by figure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.annotation import columns
from builder.annotation.agreement import pairs
from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.measure import pairs_account
from builder.annotation.migration.offered import EVERYTHING, Offers
from builder.records import Judgement, Span, Stance
from builder.schema.labels import EntityType, Labels, Stances, StanceTarget, StanceValue
from tests.annotation.agreement import reference
from tests.tables import agree, table_of

pytestmark = pytest.mark.slow  # each test compares with plain loops

LENGTH = 40


def labels_of(names, values, targets):
    entities = tuple(
        EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=str(place), definition="تعريف")
        for place, name in enumerate(names, start=1)
    )
    asked = Stances(
        values=tuple(StanceValue(name=name, ar=f"قيمة {name}", en=name) for name in values),
        targets=tuple(StanceTarget(id=name, ar=f"هدف {name}", en=name, keywords=("كلمة",)) for name in targets),
    )
    return Labels(version=1, entities=entities, stances=asked)


LABELS = labels_of(("PERS", "GPE", "ORG"), ("for", "against"), ("port", "dam"))  # not in the order of the alphabet

SPANS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from(("PERS", "GPE", "ORG"))).map(
        lambda mark: Span(mark[0], mark[0] + mark[1], mark[2])
    ),
    max_size=6,
).map(tuple)

STANCES = st.dictionaries(st.sampled_from(("port", "dam")), st.sampled_from(("for", "against"))).map(
    lambda answers: tuple(Stance(*answer) for answer in sorted(answers.items()))
)


@st.composite
def judgement_lists(draw):
    found = []
    for article in range(draw(st.integers(0, 5))):
        for annotator in draw(st.sets(st.integers(0, 4), max_size=4)):
            week = draw(st.sampled_from(("2026-03-02T08:00:00Z", "2026-03-11T08:00:00Z", "")))
            batch = draw(st.sampled_from(("b1", "b2")))
            found.append(
                Judgement(f"{article:02}-0", "0" * 16, batch, f"a-{annotator}", draw(SPANS), draw(STANCES), "submitted",
                          None, week, week, "g", draw(st.sampled_from(("s", "s", "old"))), 1, 1)
            )  # fmt: skip
    return found


OLDER = st.sampled_from([EVERYTHING, Offers({"old": frozenset(["GPE"])}), Offers({"old": frozenset()})])
"""What the pages of the labels before offered."""


@given(judgement_lists(), OLDER)
def test_figures_equal_those_of_plain_loops(judgements, offers):
    lengths = {judgement.article_id: LENGTH for judgement in judgements}

    found = agree(judgements, LABELS, lengths, resamples=20, offers=offers)

    assert found == reference.agree(judgements, LABELS, lengths, resamples=20, offers=offers)


@pytest.mark.parametrize("held", [1, 7, 40])
@given(judgements=judgement_lists())
def test_figures_do_not_depend_on_how_many_pairs_are_held_at_once(held, judgements):
    lengths = {judgement.article_id: LENGTH for judgement in judgements}
    whole = agree(judgements, LABELS, lengths, resamples=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "PAIRS", held)
        patch.setattr(pairs, "_EXACT", held)

        assert agree(judgements, LABELS, lengths, resamples=5) == whole


@given(judgement_lists())
def test_pairs_who_never_met_are_left_out_of_a_crowd(judgements):
    lengths = {judgement.article_id: LENGTH for judgement in judgements}
    every = agree(judgements, LABELS, lengths, resamples=5)
    unmet = {"no article in common", "no question was answered by both"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairs, "MOST", 0)
        some = agree(judgements, LABELS, lengths, resamples=5)
        account = pairs_account(table_of(judgements))

    left_out = {figure.between for figure in every if figure not in some and figure.measure == SPAN_F1}
    measured = {figure.between for figure in some if " " in figure.between and figure.measure == SPAN_F1}
    assert (account.taken, account.kept) == (len(left_out) + len(measured), len(measured))
    assert account.set_aside == ({"no article in common": len(left_out)} if left_out else {})
    assert pairs_account(table_of(judgements)).set_aside == {}
    assert [figure for figure in every if figure in some] == some
    assert all(figure.why in unmet for figure in every if figure not in some)
