"""The quality gate of cleaning: floors on a marked set of pages, named by its hash.

tests/gate.json holds every state of the gate, the newest last. When the marked pages change, measure
again and add an entry; its floors may be higher than the last ones, never lower.
"""

import json
from collections import Counter
from itertools import pairwise

import pytest

from tests.conftest import ROOT
from tests.corpus.cleaning.marked import digest, measure, precision, read_pages, recall

GATE = json.loads((ROOT / "tests" / "gate.json").read_text(encoding="utf-8"))["entries"]
FLOORS = ("body_recall", "line_precision")


@pytest.fixture(scope="module")
def pages():
    return read_pages()


@pytest.fixture(scope="module")
def measured(pages):
    return measure(pages)


def test_gate_was_measured_on_these_pages(pages):
    newest = GATE[-1]

    assert digest() == newest["corpus"], "the marked pages changed: measure again and add an entry to tests/gate.json"
    assert Counter(page.style for page in pages) == newest["pages"]
    assert len(pages) >= 60
    assert len(newest["pages"]) >= 6


def test_floors_never_fall():
    assert all(after[floor] >= before[floor] for before, after in pairwise(GATE) for floor in FLOORS)
    assert (GATE[0]["body_recall"], GATE[0]["line_precision"]) >= (0.99, 0.95)


def test_cleaning_stays_above_its_floors(measured):
    counts, wrong = measured
    whole = sum(counts.values(), Counter())

    assert recall(whole) >= GATE[-1]["body_recall"], wrong
    assert precision(whole) >= GATE[-1]["line_precision"], wrong


def test_each_style_stays_above_its_floor(measured):
    """A tenth of a style's body lines lost would be a rule made for other sites."""
    counts, wrong = measured

    assert {style for style, count in counts.items() if recall(count) < 0.95} == set(), wrong
