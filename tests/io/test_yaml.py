"""YAML files: each fault with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.yaml import parse_yaml
from builder.records import KhabarError
from builder.schema.dataset import Dataset
from builder.schema.labels import Labels
from tests.builders import yaml_faults
from tests.conftest import ROOT


def test_duplicate_key_names_both_lines():
    assert yaml_faults("version: 1\nentities: []\nversion: 2\n") == [
        ("labels.yaml:3:1", "duplicate key 'version', first defined at line 1")
    ]


def test_unknown_field_is_named_at_its_place():
    found = yaml_faults("version: 1\nentities:\n  - name: PERS\n    color: red\n")

    assert (
        "labels.yaml:4:5",
        "unknown field 'color'; known fields: name, ar, en, colour, key, definition, formerly, retired",
    ) in found


def test_all_faults_are_reported_at_once():
    found = yaml_faults("version: 0\nentities: []\nextra: 1\n")

    assert [where for where, _ in found] == ["labels.yaml:1:10", "labels.yaml:2:1", "labels.yaml:3:1"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x 1\nb: 2\n", "anchors and aliases are not allowed here; write the value out"),
        ("version: [1, 2\n", "not YAML: while parsing a flow sequence expected ',' or ']', but got '<stream end>'"),
        ("- 1\n", "the file must hold a mapping of fields"),
        ("a: " + "[" * 3000 + "]" * 3000, "nested deeper than 20 levels"),
        ("", "the file must hold a mapping of fields"),
    ],
)
def test_hostile_or_broken_yaml_is_one_message(text, message):
    ((_, found),) = yaml_faults(text)

    assert found.startswith(message)


def test_no_stays_text():
    text = (ROOT / "schema" / "dataset.yaml").read_text().replace("أخبار مرجانة - ", "no ")

    assert parse_yaml(text, Dataset, "dataset.yaml").title.startswith("no ")


def places(text):
    try:
        parse_yaml(text, Labels, "labels.yaml")
    except KhabarError as refused:
        return [issue.where for issue in refused.issues]
    return []


@given(st.text(max_size=300))
def test_any_text_is_refused_at_a_place(text):
    assert places(text)
    assert all(place.startswith("labels.yaml") for place in places(text))
