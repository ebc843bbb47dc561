"""Agreement figures as lines of a table."""

import pytest

from builder.annotation.agreement.matching import SPAN_F1
from builder.annotation.agreement.stances import ALPHA
from builder.annotation.report.text import lines
from builder.records import Agreement

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def figure(measure=SPAN_F1, value=0.75, **place):
    given = {"layer": "entities", "label": "all", "batch": "all", "low": 0.5, "high": 0.875, "n": 8, "unit": "articles"}
    return Agreement(measure=measure, value=value, **given | place)


def test_each_figure_is_a_line_of_a_table():
    figures = [
        figure(),
        figure(label="PERS", value=None, low=None, high=None, n=0, why="nobody marked a span"),
        figure(ALPHA, layer="stance", batch="two", low=None, high=None),
    ]

    assert lines(figures) == [
        "layer     label  batch  measure                        value      95 % interval   n",
        "entities  all           span F1, strict, pairwise      0.750      0.500 to 0.875  8 articles",
        "entities  PERS          span F1, strict, pairwise      undefined                  0 articles  nobody marked a span",
        "stance    all    two    Krippendorff's alpha, nominal  0.750                      8 articles",
    ]


def test_headlines_are_shown_and_the_rest_counted():
    figures = [figure(), figure(between="a-1 a-2"), figure(period="2026-W47"), figure(label="PERS", batch="two")]

    assert [line.split()[:2] for line in lines(figures)] == [["layer", "label"], ["entities", "all"], ["3", "more"]]
    assert lines(figures)[-1] == "3 more figures: -v shows all, --html FILE draws them"
    assert [line.split()[0] for line in lines(figures, every=True)] == ["layer", *["entities"] * 4]
    assert "a-1 a-2" in lines(figures, every=True)[2]
    assert "2026-W47" in lines(figures, every=True)[3]


def test_no_figures():
    assert lines([]) == ["nothing was measured"]


def test_batch_names_show_bidi_controls():
    assert "⟨RLO⟩b" in lines([figure(batch="\N{RIGHT-TO-LEFT OVERRIDE}b")])[1]
