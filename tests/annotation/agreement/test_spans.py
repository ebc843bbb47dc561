"""Span agreement against nervaluate, Krippendorff's example and plain loops."""

import json
import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from nervaluate import Evaluator

from builder.annotation.agreement.matching import SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE, matches
from builder.annotation.agreement.spans import UNITIZING, macro
from builder.records import Judgement, Span
from builder.schema.labels import EntityType, Labels
from tests.tables import overall_statistics, pairwise_statistics

NAMES = ("PERS", "GPE", "ORG")


def labels_of(*names):
    entities = (
        EntityType(name=name, ar=f"نوع {name}", en=name, colour="#1f7a3d", key=str(place), definition="تعريف")
        for place, name in enumerate(names, start=1)
    )
    return Labels(version=1, entities=tuple(entities))


LABELS = labels_of(*NAMES)


def judged(*marked, article="a"):
    """One article's judgements: a set of marks for each annotator."""
    return [
        Judgement(article, "0" * 16, "b1", f"a-{place}", tuple(Span(*mark) for mark in sorted(marks)), (),
                  "submitted", None, "", "", "g", "s", 1, 1)
        for place, marks in enumerate(marked)
    ]  # fmt: skip


def values(shared, labels=LABELS, length=300):
    sizes = {one[0].article_id: length for one in shared}
    return {(part.measure, part.label): part.value for part in overall_statistics(shared, labels, sizes)}


MARKS = st.sets(
    st.tuples(st.integers(0, 14), st.integers(1, 6), st.sampled_from(NAMES)).map(lambda m: (m[0], m[0] + m[1], m[2])),
    max_size=6,
)


@given(MARKS, MARKS)
def test_matching_is_one_to_one_and_symmetric(one, other):
    for forth, back in zip(matches(one, other), matches(other, one), strict=True):
        for side, marks in ((0, one), (1, other)):
            chosen = [pair[side] for pair in forth]

            assert len(chosen) == len(set(chosen))
            assert set(chosen) <= marks
        assert all(min(a[1], b[1]) > max(a[0], b[0]) for a, b in forth)
        assert sorted((b, a) for a, b in back) == sorted(forth)


@given(MARKS, MARKS)
def test_match_modes_differ_in_strictness(one, other):
    assume(one | other)
    found = values([judged(one, other)])
    strict, exact, half, kind = (found[m, "all"] for m in (SPAN_F1, SPAN_F1_EXACT, SPAN_F1_PARTIAL, SPAN_F1_TYPE))

    assert 0 <= strict <= exact <= half <= 1
    assert strict <= kind <= 1
    assert (strict == 1) == (one == other)
    assert all(pair[0][:2] == pair[1][:2] for pair in matches(one, other)[0])
    assert all(pair[0][2] == pair[1][2] for pair in matches(one, other)[2])


def test_nested_spans_pair_with_their_equals():
    """A party inside its bloc, twice the same label; the other annotator has the outer one, and a wider inner one."""
    mine = {(0, 20, "ORG"), (6, 14, "ORG"), (6, 10, "GPE")}
    theirs = {(0, 20, "ORG"), (6, 15, "ORG"), (6, 10, "NORP")}
    found = values([judged(mine, theirs)], labels_of("ORG", "GPE", "NORP"))

    assert found[SPAN_F1, "all"] == pytest.approx(1 / 3)
    assert found[SPAN_F1_EXACT, "all"] == pytest.approx(2 / 3)
    assert found[SPAN_F1_PARTIAL, "all"] == pytest.approx(2.5 / 3)
    assert found[SPAN_F1_TYPE, "all"] == pytest.approx(2 / 3)
    assert found[SPAN_F1_PARTIAL, "ORG"] == pytest.approx(1.5 / 2)
    assert found[SPAN_F1_TYPE, "GPE"] == 0
    assert found[macro(SPAN_F1), "all"] == pytest.approx((1 / 2 + 0 + 0) / 3)


# Slots of ten code points, one span in each at most, so that no span of one side overlaps two of the other.
SLOT = st.none() | st.tuples(st.integers(0, 3), st.integers(4, 9), st.sampled_from(NAMES))
SLOTS = st.lists(st.tuples(SLOT, SLOT), min_size=1, max_size=8)


@given(SLOTS)
def test_four_modes_equal_nervaluate(slots):
    sides = [
        [(10 * n + pair[k][0], 10 * n + pair[k][1], pair[k][2]) for n, pair in enumerate(slots) if pair[k]]
        for k in (0, 1)
    ]
    assume(all(sides))
    spans = [[[{"label": label, "start": start, "end": end} for start, end, label in side]] for side in sides]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        overall = Evaluator(*spans, tags=list(NAMES), loader="dict").evaluate()["overall"]
    found = values([judged(*map(set, sides))])

    for mode, theirs in ((SPAN_F1, "strict"), (SPAN_F1_EXACT, "exact"), (SPAN_F1_PARTIAL, "partial"), (SPAN_F1_TYPE, "ent_type")):  # fmt: skip
        assert found[mode, "all"] == pytest.approx(overall[theirs].f1), theirs


@pytest.mark.shared
def test_unitizing_alpha_of_krippendorff_example(shared):
    """Krippendorff 2004, figure 2: k 1.0, c .7286; text-alpha's micro .8587 and macro .8643."""
    sides = []
    for who in "ij":
        made = json.loads((shared / "agreement" / "text-alpha" / who / "test.adm.json").read_text(encoding="utf-8"))
        items = made["attributes"]["entities"]["items"]
        sides.append({(m["startOffset"], m["endOffset"], i["type"].upper()) for i in items for m in i["mentions"]})
        assert len(made["data"]) == 300
    found = values([judged(*sides)], labels_of("K", "C"))

    assert found[UNITIZING, "K"] == 1
    assert found[UNITIZING, "C"] == pytest.approx(0.7286, abs=5e-5)
    assert found[UNITIZING, "all"] == pytest.approx(0.8587, abs=5e-5)
    assert found[macro(UNITIZING), "all"] == pytest.approx(0.8643, abs=5e-5)


def units_of(judgement, label):
    kept = []
    for unit in sorted({(s.start, s.end) for s in judgement.spans if s.label == label}, key=lambda s: (s[0], -s[1])):
        if not kept or unit[0] >= kept[-1][1]:
            kept.append(unit)
    return kept


def gaps_of(units, length):
    edges = [0, *(edge for unit in units for edge in unit), length]
    return [b - a for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]


def apart(one, other):
    meets = [(a, b) for a in one for b in other if min(a[1], b[1]) > max(a[0], b[0])]
    alone = [a for a in one if a not in dict(meets)] + [b for b in other if b not in {b for _, b in meets}]
    edges = sum((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 for a, b in meets)
    return edges + sum((end - start) ** 2 for start, end in alone)


def alpha_by_loops(shared, label, length):
    """The formula as it is written, unit by unit and gap by gap, one continuum of all articles."""
    judged_length, observed, every, free = 0, 0.0, [], []
    for judgements in shared:
        marked = [units_of(judgement, label) for judgement in judgements]
        judged_length += length * len(marked)
        every += [end - start for found in marked for start, end in found]
        free += [gap for found in marked for gap in gaps_of(found, length)]
        pairs = list(combinations(marked, 2))
        observed += sum(apart(one, other) for one, other in pairs) / len(pairs)
    met = sum((len(every) - 1) / 3 * (2 * b**3 - 3 * b**2 + b) for b in every)
    alone = sum(b**2 * (gap - b + 1) for b in every for gap in free if gap >= b)
    if met + alone == 0:
        return None
    whole = length * len(shared)
    expected = 2 / whole * (met + alone) / (judged_length * (judged_length - 1) - sum(b * (b - 1) for b in every))
    return 1 - observed / whole**2 / expected


@given(st.lists(st.lists(MARKS, min_size=2, max_size=4), min_size=1, max_size=4))
def test_unitizing_alpha_equals_plain_loops(texts):
    """Several articles, each judged by other numbers of annotators, with nested and crossing marks."""
    shared = [judged(*marked, article=f"a{n}") for n, marked in enumerate(texts)]
    found = values(shared, length=25)
    each = {name: alpha_by_loops(shared, name, 25) for name in NAMES}

    assert {name: found[UNITIZING, name] for name in NAMES} == pytest.approx(each, nan_ok=False)
    defined = [value for value in each.values() if value is not None]
    mean = sum(defined) / len(defined) if defined else None
    assert found[macro(UNITIZING), "all"] == (None if mean is None else pytest.approx(mean))


@pytest.mark.parametrize("people", [2, 4])
def test_unitizing_alpha_of_random_marks_is_near_zero(people):
    numbers = np.random.default_rng(7)

    def lot():
        starts = [20 * slot + int(numbers.integers(0, 12)) for slot in numbers.permutation(50)[:12].tolist()]
        return {(start, start + int(numbers.integers(3, 8)), "PERS") for start in starts}

    shared = [judged(*(lot() for _ in range(people)), article=f"a{n}") for n in range(40)]

    assert values(shared, length=1000)[UNITIZING, "PERS"] == pytest.approx(0, abs=0.05)


def test_unitizing_alpha_falls_with_edge_distance():
    exact = {(10, 20, "PERS"), (50, 70, "PERS")}
    found = [
        values([judged(exact, {(10 + by, 20 + by, "PERS"), (50 + by, 70 + by, "PERS")})])[UNITIZING, "PERS"]
        for by in (0, 1, 3, 6, 200)
    ]

    assert found[0] == 1
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == 5


def test_no_marks_leave_every_figure_undefined():
    assert set(values([judged(set(), set())]).values()) == {None}


def test_two_annotators_have_a_pair_and_three_also_a_rest():
    mine, theirs = {(0, 4, "PERS")}, {(0, 4, "PERS"), (5, 9, "GPE")}
    two = pairwise_statistics([judged(mine, theirs)], LABELS)
    three = pairwise_statistics([judged(mine, theirs, set()), judged(mine, mine, article="b")], LABELS)

    assert [(part.between, part.value, part.n) for part in two] == [("a-0 a-1", pytest.approx(2 / 3), 1)]
    assert {part.between: (part.value, part.n) for part in three} == {
        "a-0 a-1": (pytest.approx(4 / 5), 2),
        "a-0 a-2": (0, 1),
        "a-1 a-2": (0, 1),
        "a-0": (pytest.approx(4 / 6), 2),
        "a-1": (pytest.approx(4 / 7), 2),
        "a-2": (0, 1),
    }


def test_pair_without_common_article_has_a_reason():
    x, y = judged({(0, 4, "PERS")}, {(0, 4, "PERS")})
    z, w = judged(set(), set(), set(), set(), article="b")[2:]
    found = {part.between: (part.value, part.why) for part in pairwise_statistics([[x, y], [z, w]], LABELS)}

    assert found["a-0 a-2"] == (None, "no article in common")
    assert found["a-2 a-3"] == (None, "neither marked a span")
    assert found["a-2"] == (None, "neither marked a span")
