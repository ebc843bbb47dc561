"""schema/labels.yaml: names that can be labels."""

import pytest

from builder.io.yaml import parse_yaml
from builder.schema.fields import LOST_IN_CSV
from builder.schema.labels import Labels
from tests.builders import yaml_faults


@pytest.mark.parametrize("name", ["None", "NA", "n/a", "NULL", "nan", '""'])
def test_label_that_csv_would_lose_is_refused(name):
    entry = f"name: {name}, ar: شخص, en: Person, colour: '#000000', key: '1', definition: x"
    (fault,) = yaml_faults(f"version: 1\nentities:\n  - {{{entry}}}\n")

    assert fault[0] == "labels.yaml:3:12"
    assert "read as a missing value" in fault[1] or "valid string" in fault[1]


def test_csv_loses_exactly_the_refused_names():
    import pyarrow as pa
    import pyarrow.csv as pc

    lost = {name for name in LOST_IN_CSV if name}
    options = pc.ConvertOptions(strings_can_be_null=True)
    for name in ("NA", "N/A", "null", "nan"):
        column = pc.read_csv(pa.py_buffer(f"label,n\n{name},1\n".encode()), convert_options=options)["label"]
        assert column.null_count == 1
        assert name.casefold() in lost


ENTITY = "entities:\n  - {name: PERS, ar: شخص, en: Person, colour: '#000000', key: '1', definition: x}\n"


def asking(values, more=""):
    listed = ", ".join(f"{{name: {name}, ar: {name}, en: x}}" for name in values)
    return f"version: 1\n{ENTITY}questions:\n  - {{id: tone, ar: نبرة, en: tone, values: [{listed}]}}\n{more}"


def test_a_question_has_two_to_twenty_different_values():
    many = [f"v{number}" for number in range(21)]

    assert [one.id for one in parse_yaml(asking(many[:20]), Labels, "labels.yaml").questions] == ["tone"]
    assert "at most 20" in yaml_faults(asking(many))[0][1]
    assert "at least 2" in yaml_faults(asking(many[:1]))[0][1]
    assert "duplicate value of tone: v1" in yaml_faults(asking(["v1", "v1"]))[0][1]


def test_a_question_is_asked_once():
    more = "  - {id: tone, ar: نبرة, en: tone, values: [{name: a, ar: أ, en: a}, {name: b, ar: ب, en: b}]}\n"

    assert "duplicate question: tone" in yaml_faults(asking(["v1", "v2"], more))[0][1]


def test_a_dump_without_questions_is_that_of_earlier_versions():
    plain = parse_yaml(f"version: 1\n{ENTITY}", Labels, "labels.yaml").model_dump(mode="json")

    assert [*plain] == ["version", "entities", "clitics", "stances"]


STANCES = """stances:
  values: [{VALUES}]
  targets:
"""


def with_stances(values, targets):
    listed = ", ".join(f"{{name: v{number}, ar: قيمة, en: x}}" for number in range(values))
    return f"version: 1\n{ENTITY}" + STANCES.replace("{VALUES}", listed) + "".join(f"    - {one}\n" for one in targets)


def test_a_stance_has_up_to_twenty_values():
    target = "{id: dam, ar: السد, en: dam, keywords: [السد]}"

    assert len(parse_yaml(with_stances(20, [target]), Labels, "labels.yaml").stances.values) == 20
    assert "2 to 20 are needed" in yaml_faults(with_stances(21, [target]))[0][1]


def test_targets_without_keywords_must_fit_on_the_page():
    targets = [f"{{id: t{number}, ar: هدف, en: x}}" for number in range(6)]
    (fault,) = yaml_faults(with_stances(3, targets))

    assert fault[1] == "stances: 6 targets have no keywords, and the page asks about 5 targets at most"
    assert len(parse_yaml(with_stances(3, targets[:5]), Labels, "labels.yaml").stances.targets) == 5
