"""schema/*.yaml: what it may say, and where each fault is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.io.yaml import parse_yaml
from builder.records import KhabarError
from builder.schema import load_schema
from builder.schema.dataset import Dataset
from builder.schema.fields import LOST_IN_CSV
from builder.schema.labels import Labels
from builder.schema.profiles import OwnProfile, Profiles
from builder.text.policies import NAMES
from builder.text.profiles import profile
from tests.conftest import ROOT
from tests.text.strategies import PAGES


def faults(text, model=Labels):
    with pytest.raises(KhabarError) as caught:
        parse_yaml(text, model, "labels.yaml")
    return [(issue.where, issue.message) for issue in caught.value.issues]


def test_the_template_is_valid():
    schema = load_schema(ROOT / "schema")

    assert schema.labels.entity_names == ("PERS", "ORG", "GPE", "LOC", "FAC", "NORP", "OCC", "EVENT", "DATE")
    assert schema.labels.published_values == ("favor", "against", "neutral", "unrelated")


def test_a_duplicate_key_names_both_lines():
    assert faults("version: 1\nentities: []\nversion: 2\n") == [
        ("labels.yaml:3:1", "duplicate key 'version', first defined at line 1")
    ]


def test_an_unknown_field_is_a_fault_at_its_own_place():
    found = faults("version: 1\nentities:\n  - name: PERS\n    color: red\n")

    assert ("labels.yaml:4:5", "unknown field 'color'; known fields: name, ar, en, colour, key, definition") in found


@pytest.mark.parametrize("name", ["None", "NA", "n/a", "NULL", "nan", '""'])
def test_a_label_that_csv_would_lose_is_refused(name):
    entry = f"name: {name}, ar: شخص, en: Person, colour: '#000000', key: '1', definition: x"
    (fault,) = faults(f"version: 1\nentities:\n  - {{{entry}}}\n")

    assert fault[0] == "labels.yaml:3:12"
    assert "read as a missing value" in fault[1] or "valid string" in fault[1]


def test_all_faults_of_a_file_come_in_one_run():
    found = faults("version: 0\nentities: []\nextra: 1\n")

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
    ((_, said),) = faults(text)

    assert said.startswith(message)


def test_yaml_surprises_stay_text():
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


def test_the_names_that_csv_loses_are_those_that_csv_loses():
    import pyarrow as pa
    import pyarrow.csv as pc

    lost = {name for name in LOST_IN_CSV if name}
    options = pc.ConvertOptions(strings_can_be_null=True)
    for name in ("NA", "N/A", "null", "nan"):
        column = pc.read_csv(pa.py_buffer(f"label,n\n{name},1\n".encode()), convert_options=options)["label"]
        assert column.null_count == 1
        assert name.casefold() in lost


def own(**fields):
    return OwnProfile.model_validate({"name": "verse@1", "base": "standard@1", **fields})


def test_a_profile_of_the_projects_own_is_a_built_in_one_with_exceptions():
    verse = profile(
        "verse@1",
        own(
            keep=["ARABIC SHADDA", "U+0671"],
            delete=["EM DASH"],
            replace={"ARABIC LETTER GAF": "ARABIC LETTER KAF", "ARABIC COMMA": "U+003B"},
        ),
    )
    raw = "قطّةٌ \N{EM DASH} \N{ARABIC LETTER GAF}تاب، ٱلخبر"

    assert verse.apply(raw).text == "قطّة  كتاب; ٱلخبر"
    assert verse.name == "verse@1"
    assert verse.hash not in {profile(name).hash for name in NAMES}


def test_two_profiles_of_one_name_and_other_tables_have_other_hashes():
    assert profile("verse@1", own(keep=["ARABIC SHADDA"])).hash != profile("verse@1", own()).hash


@given(PAGES)
def test_a_profile_of_the_projects_own_changes_nothing_when_applied_twice(raw):
    kept = own(keep=["ARABIC TATWEEL", "ARABIC FATHA", "ARABIC LETTER KEHEH"], delete=["ARABIC LETTER PEH"])
    once = profile("verse@1", kept).apply(raw).text

    assert profile("verse@1", kept).apply(once).text == once


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("keep: [ARABIC SHADA]", "unknown character 'ARABIC SHADA'"),
        ("keep: [U+110000]", "unknown character 'U+110000'"),
        ("delete: [SPACE]", "'SPACE' is a line end or the space"),
        ("replace: {U+000A: ARABIC COMMA}", "'U+000A' is a line end or the space"),
        ("replace: {ARABIC COMMA: LINE SEPARATOR}", "'LINE SEPARATOR' is a line end or the space"),
        (
            "keep: [ARABIC SHADDA]\n    delete: [ARABIC SHADDA]",
            "character listed twice in keep, delete and replace: ARABIC SHADDA",
        ),
        ("replace: {ARABIC COMMA: COMMA, COMMA: ARABIC COMMA}", "replacement is itself kept, deleted or replaced"),
    ],
)
def test_a_profile_that_cannot_be_is_refused_at_its_place(fields, message):
    text = f"version: 1\nprofiles:\n  - name: verse@1\n    base: standard@1\n    {fields}\n"
    (fault,) = faults(text, Profiles)

    assert fault[0].startswith("labels.yaml:")
    assert message in fault[1]


def test_a_profile_may_not_take_a_built_in_name():
    ((_, message),) = faults("version: 1\nprofiles: [{name: light@1, base: standard@1}]", Profiles)

    assert message == "file: profile name is a duplicate or built in: light@1"
