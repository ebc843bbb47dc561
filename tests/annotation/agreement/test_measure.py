"""Agreement against hand computation, krippendorff, seqeval and a published study."""

import csv
import json
from collections import Counter, defaultdict
from dataclasses import replace

import krippendorff
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.measure import headline
from builder.annotation.agreement.spans import UNITIZING, macro
from builder.annotation.agreement.stances import ALPHA, KAPPA, PERCENT, alpha
from builder.records import Agreement, Span
from builder.schema.labels import Labels
from tests.annotation.agreement.examples import LABELS, VALUES, judgement
from tests.tables import agree

LENGTHS = defaultdict(lambda: 40)


def figure(judgements, layer, label="all", batch="all", between="", period="", measure=None, **options) -> Agreement:
    wanted = (measure or {"entities": SPAN_F1, "stance": ALPHA}[layer], layer, label, batch, between, period)
    (found,) = [
        f
        for f in agree(judgements, LABELS, LENGTHS, **options)
        if (f.measure, f.layer, f.label, f.batch, f.between, f.period) == wanted
    ]
    return found


def spans_of(*places):
    return [Span(4 * start, 4 * end - 1, label) for start, end, label in places]


PLACES = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from(["PERS", "GPE", "ORG"])), max_size=6)
SETS = PLACES.map(lambda places: sorted({Span(start, start + size, label) for start, size, label in places}))
FLAT = PLACES.map(
    lambda places: [
        Span(2 * start, 2 * start + size, label)
        for start, (size, label) in sorted({start: (min(size, 2), label) for start, size, label in places}.items())
    ]
)


def test_figures_match_hand_computation():
    mine, theirs = Span(0, 4, "PERS"), Span(5, 9, "GPE")
    judgements = [
        judgement("a", "x", mine, theirs, Span(10, 14, "GPE"), port="favor", dam="favor"),
        judgement("a", "y", mine, Span(5, 9, "ORG"), port="favor", dam="against"),
        judgement("a", "z", mine, theirs, port="neutral"),
        judgement("b", "x", port="against", dam="neutral"),
        judgement("b", "y", mine, port="against"),
        judgement("c", "x", mine, port="favor"),
    ]

    # a: x-y share 1 of 3 + 2, x-z 2 of 3 + 2, y-z 1 of 2 + 2; b: none of 0 + 1; c was judged by one
    spans = figure(judgements, "entities")
    assert spans.value == pytest.approx(2 * (1 + 2 + 1) / (5 + 5 + 4 + 1), abs=1e-6)
    assert (spans.measure, spans.n, spans.unit, spans.why) == (SPAN_F1, 2, "articles", "")
    assert figure(judgements, "entities", "PERS").value == pytest.approx(6 / 7, abs=1e-6)
    assert figure(judgements, "entities", "GPE").value == pytest.approx(2 * 1 / (2 + 3 + 1), abs=1e-6)
    assert figure(judgements, "entities", "ORG").value == 0

    # dam of b was answered by one, and pairs with nothing. port of a: favor favor neutral; port of b: against against; dam of a: favor against.
    # favor 3, against 3, neutral 1 of 7; agreement 2/2 + 2 + 0 = 3; expected disagreement (49 - 19) / 6 = 5
    stance = figure(judgements, "stance")
    assert stance.value == pytest.approx(1 - (7 - 3) / 5, abs=1e-6)
    assert (stance.measure, stance.n, stance.unit) == (ALPHA, 3, "pairs of article and target")
    assert figure(judgements, "stance", "port").n == 2
    assert figure(judgements, "stance", "dam").value == pytest.approx(1 - 2 / ((4 - 2) / 1), abs=1e-6)


def test_unclear_is_a_value():
    judgements = [
        judgement(article, who, port=value)
        for article, who, value in (
            ("a", "x", "unclear"),
            ("a", "y", "unclear"),
            ("b", "x", "favor"),
            ("b", "y", "favor"),
        )
    ]

    assert figure(judgements, "stance").value == 1


@pytest.mark.parametrize(
    ("judgements", "layer", "why", "n"),
    [
        ([], "entities", "no article was judged by two annotators", 0),
        ([], "stance", "no question was answered by two annotators", 0),
        (
            [judgement("a", "x", Span(0, 1, "PERS"), port="favor")],
            "entities",
            "no article was judged by two annotators",
            0,
        ),
        (
            [judgement("a", "x", port="favor"), judgement("b", "y", port="favor")],
            "stance",
            "no question was answered by two annotators",
            0,
        ),
        ([judgement("a", "x"), judgement("a", "y")], "entities", "nobody marked a span", 1),
        (
            [judgement("a", "x", port="favor"), judgement("a", "y", port="favor")],
            "stance",
            "only one value was given",
            1,
        ),
    ],
)
def test_undefined_figure_has_a_reason_and_no_number(judgements, layer, why, n):
    found = figure(judgements, layer)

    assert (found.value, found.low, found.high, found.why, found.n) == (None, None, None, why, n)


def test_unmarked_type_is_undefined_while_others_are_defined():
    judgements = [judgement("a", who, Span(0, 1, "PERS")) for who in "xy"]

    assert figure(judgements, "entities", "PERS").value == 1
    assert figure(judgements, "entities", "GPE").why == "nobody marked a span"


def test_unpaired_value_does_not_define_alpha():
    assert alpha(np.array([[2.0, 0.0], [0.0, 1.0]])) is None


def test_undefined_resamples_do_not_count_as_zero():
    judgements = [judgement(f"a{n}", who, *[Span(0, 1, "GPE")] * (n < 2)) for n in range(12) for who in "xy"]
    found = figure(judgements, "entities", "GPE")

    assert (found.value, found.low, found.high) == (1, 1, 1)


def test_figure_of_one_article_has_no_interval():
    judgements = [
        judgement("a", "x", Span(0, 1, "PERS"), port="favor"),
        judgement("a", "y", Span(0, 1, "PERS"), port="against"),
        judgement("b", "x"),
        judgement("b", "y"),
    ]

    for layer, value in (("entities", 1), ("stance", 0)):
        found = figure(judgements, layer)
        assert (found.value, found.low, found.high) == (value, None, None)


@given(st.lists(SETS, min_size=1, max_size=4))
def test_annotator_agrees_with_themselves(texts):
    assume(any(texts))
    judgements = [judgement(f"a{n}", who, *spans) for n, spans in enumerate(texts) for who in "xy"]

    assert figure(judgements, "entities", resamples=10).value == 1


@given(SETS, SETS)
def test_span_f1_is_symmetric(one, other):
    forth = figure([judgement("a", "x", *one), judgement("a", "y", *other)], "entities", resamples=10)
    back = figure([judgement("a", "x", *other), judgement("a", "y", *one)], "entities", resamples=10)

    assert forth == back


def iob2(spans, length=20):
    tags = ["O"] * length
    for span in spans:
        tags[span.start : span.end] = [f"B-{span.label}"] + [f"I-{span.label}"] * (span.end - span.start - 1)
    return tags


@given(st.lists(st.tuples(FLAT, FLAT), min_size=1, max_size=5))
def test_flat_span_f1_equals_strict_seqeval(pairs):
    assume(any(one or other for one, other in pairs))
    judgements = [
        judgement(f"a{n}", who, *spans) for n, pair in enumerate(pairs) for who, spans in zip("xy", pair, strict=True)
    ]
    expected = f1_score(
        [iob2(one) for one, _ in pairs],
        [iob2(other) for _, other in pairs],
        mode="strict",
        scheme=IOB2,
        zero_division=0,
    )

    assert figure(judgements, "entities", resamples=10).value == pytest.approx(expected, abs=1e-6)


ANSWERS = st.lists(st.lists(st.sampled_from([None, *VALUES]), min_size=3, max_size=3), min_size=1, max_size=12)


@given(ANSWERS)
def test_alpha_with_missing_answers_equals_krippendorff(answers):
    """The package gets the reliability matrix, a road of its own that we do not take."""
    judgements = [
        judgement(f"a{unit}", who, **({"port": value} if value else {}))
        for unit, values in enumerate(answers)
        for who, value in zip("xyz", values, strict=True)
    ]
    matrix = [[VALUES.index(v) if v else np.nan for v in column] for column in zip(*answers, strict=True)]
    paired = [v for values in answers for v in values if v and sum(map(bool, values)) > 1]
    found = figure(judgements, "stance", resamples=10)

    if len(set(paired)) < 2:
        assert found.value is None
    else:
        pure = [
            [
                x if np.count_nonzero(~np.isnan(u)) > 1 else np.nan
                for x, u in zip(row, np.transpose(matrix), strict=True)
            ]
            for row in matrix
        ]
        expected = krippendorff.alpha(pure, level_of_measurement="nominal", value_domain=range(len(VALUES)))
        assert found.value == pytest.approx(expected, abs=1e-6)


def test_resampled_statistic_is_alpha():
    """With articles all alike, every resample is the sample: the interval is the value."""
    answers = [("x", "favor", "favor"), ("y", "favor", "against"), ("z", "neutral", "against")]
    judgements = [judgement(f"a{n}", who, port=one, dam=two) for n in range(200) for who, one, two in answers]
    found = figure(judgements, "stance")
    table = np.array([[2, 0, 1, 0], [1, 2, 0, 0]] * 200, dtype=float)

    assert found.value == pytest.approx(alpha(table), abs=1e-6)
    assert (found.low, found.high) == (found.value, found.value)


def noisy(articles, seed=1):
    numbers = np.random.default_rng(seed)
    made = []
    for article in range(articles):
        for who in "xyz":
            spans = spans_of(*((n, n + 1, ("PERS", "GPE")[n % 2]) for n in range(6) if numbers.random() > 0.2))
            value = VALUES[article % 3 if numbers.random() > 0.25 else numbers.integers(4)]
            made.append(judgement(f"a{article:03}", who, *spans, port=value))
    return made


@pytest.mark.parametrize("layer", ["entities", "stance"])
def test_intervals_hold_the_value_and_narrow_with_articles(layer):
    few, many = figure(noisy(20), layer), figure(noisy(320), layer)

    for found in (few, many):
        assert found.low < found.value < found.high
    assert 0 < many.high - many.low < (few.high - few.low) / 2


def test_interval_covers_middle_of_bootstrap():
    """Oracle: a plain loop that resamples whole articles and asks the krippendorff package each time."""
    judgements = noisy(40)
    tables = defaultdict(Counter)
    for one in judgements:
        tables[one.article_id][one.stances[0].value] += 1
    counts = np.array([[tables[article][value] for value in VALUES] for article in sorted(tables)], dtype=float)
    numbers = np.random.default_rng(99)
    values = [alpha(counts[numbers.integers(40, size=40)]) for _ in range(1500)]
    found = figure(judgements, "stance", resamples=3000)

    assert np.percentile(values, (2.5, 97.5)) == pytest.approx([found.low, found.high], abs=0.02)


def test_figures_are_deterministic_and_follow_the_seed():
    judgements = noisy(20)

    assert agree(judgements, LABELS, LENGTHS) == agree(judgements[::-1], LABELS, LENGTHS)
    assert figure(judgements, "stance", seed=1).low != figure(judgements, "stance", seed=2).low


def test_several_batches_have_their_own_figures():
    first = [judgement("a", who, Span(0, 1, "PERS")) for who in "xy"]
    second = [judgement("b", "x", Span(0, 1, "PERS"), batch="b2"), judgement("b", "y", batch="b2")]

    assert {f.batch for f in agree(first, LABELS, LENGTHS)} == {"all"}
    assert [figure(first + second, "entities", batch=b).value for b in ("all", "b1", "b2")] == [
        pytest.approx(2 / 3, abs=1e-6), 1, 0,
    ]  # fmt: skip


def test_no_stance_figures_without_stances():
    labels = Labels(version=1, entities=LABELS.entities)

    assert {f.layer for f in agree([judgement("a", who) for who in "xyz"], labels, LENGTHS)} == {"entities"}


@pytest.mark.shared
def test_alpha_equals_published_study_per_batch(shared):
    """ConConCor: 59 of 60 batches to the third decimal; the one with a single annotator is undefined."""
    folder = shared / "agreement" / "conconcor"
    first: dict[tuple[str, str], str] = {}
    with (folder / "Annotations.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            first.setdefault((row["anonymised_participant_id"], row["extract_id"]), row["response"])
    options = sorted(set(first.values()))
    batches = json.loads((folder / "batches_annotators.json").read_text(encoding="utf-8"))
    found: dict[str, float | None] = {}
    for batch, annotators in batches.items():
        units = defaultdict(Counter)
        for (who, item), response in first.items():
            if who in annotators:
                units[item][response] += 1
        found[batch] = alpha(np.array([[given[option] for option in options] for given in units.values()], dtype=float))
    with (folder / "k_alpha_per_batch_4_options.csv").open(encoding="utf-8") as lines:
        published = {row["batch"]: row["k_alpha_4"] for row in csv.DictReader(lines)}

    assert published.pop("batch_50") == "zero division"
    assert found.pop("batch_50") is None
    assert len(found) == len(published) == 59
    assert {b: round(v, 3) for b, v in found.items()} == pytest.approx(
        {b: float(v) for b, v in published.items()}, abs=1e-3
    )


def week(judgement, day):
    return replace(judgement, created_at=f"2026-{day}T10:00:00.000000Z")


def test_several_weeks_have_their_own_figures():
    """An article belongs to the week of its last judgement: a to W46, b and c to W47."""
    judgements = [
        week(judgement("a", "x", Span(0, 1, "PERS"), port="favor"), "11-09"),
        week(judgement("a", "y", Span(0, 1, "PERS"), port="favor"), "11-15"),
        week(judgement("b", "x", Span(0, 1, "PERS"), port="against"), "11-14"),
        week(judgement("b", "y", port="favor"), "11-16"),
        week(judgement("c", "x"), "11-17"),
        week(judgement("c", "y", Span(0, 1, "PERS"), Span(2, 3, "PERS")), "11-17"),
    ]
    found = [f for f in agree(judgements, LABELS, LENGTHS) if f.period]

    assert {(f.measure, f.period, f.value, f.n) for f in found if f.measure in (SPAN_F1, ALPHA)} == {
        (SPAN_F1, "2026-W46", 1, 1), (SPAN_F1, "2026-W47", 0, 2), (ALPHA, "2026-W46", None, 1), (ALPHA, "2026-W47", 0, 1),
    }  # fmt: skip
    assert not any(headline(f) for f in found)
    assert not [f for f in agree(judgements[:2], LABELS, LENGTHS) if f.period]


def test_judgements_without_time_have_no_week():
    judgements = [week(judgement("a", "x"), "11-09"), judgement("a", "y"), week(judgement("b", "x"), "11-20")]
    judgements += [replace(judgement("b", "y"), created_at="2026-11-20")]

    assert not [f for f in agree(judgements, LABELS, LENGTHS) if f.period]


def test_headline_covers_all_annotators():
    shown = [f for f in agree(noisy(6), LABELS, LENGTHS, resamples=10) if headline(f)]

    assert {f.measure for f in shown} == {SPAN_F1, macro(SPAN_F1), UNITIZING, macro(UNITIZING), ALPHA}
    assert len(shown) == 2 * (2 + 3) + 1 + 2
    assert not any(f.between for f in shown)


def test_figures_without_pairs_are_the_others_of_all():
    figures = agree(noisy(6), LABELS, LENGTHS, resamples=10)

    assert agree(noisy(6), LABELS, LENGTHS, resamples=10, pairs=False) == [f for f in figures if not f.between]
    assert any(f.between for f in figures)


def test_disagreeing_annotator_stands_out():
    """z answers by lot; x and y alike."""
    judgements = [j for j in noisy(60) if j.annotator == "z"]
    for n in range(60):
        places = spans_of(*((k, k + 1, ("PERS", "GPE")[k % 2]) for k in range(6)))
        judgements += [judgement(f"a{n:03}", who, *places, port=VALUES[n % 3]) for who in "xy"]
    found = {(f.measure, f.between): f.value for f in agree(judgements, LABELS, LENGTHS, resamples=10) if f.between}

    assert sorted({between for _, between in found}) == ["x", "x y", "x z", "y", "y z", "z"]
    for measure in (SPAN_F1, KAPPA, PERCENT):
        assert found[measure, "x y"] == 1
        assert found[measure, "z"] < found[measure, "x"] == found[measure, "y"] < 1
        assert found[measure, "z"] == pytest.approx(found[measure, "x z"])


def test_figures_of_many_judgements_are_finite():
    found = agree(noisy(300), LABELS, LENGTHS, resamples=50)

    assert all(f.value is None or -1 <= f.low <= f.value <= f.high <= 1 for f in found if f.value is not None)
    assert all((f.value is None) == bool(f.why) for f in found)
