"""The template's schema/ as a whole."""

from builder.schema import load_schema
from builder.schema.dataset import Sampling
from tests.conftest import ROOT


def test_template_is_valid():
    schema = load_schema(ROOT / "schema")

    assert schema.labels.entity_names == ("PERS", "ORG", "GPE", "LOC", "FAC", "NORP", "OCC", "EVENT", "DATE")
    assert schema.labels.published_values == ("favor", "against", "neutral", "unrelated")


def test_limits_that_have_their_default_are_no_part_of_a_dump():
    assert Sampling().model_dump() == {"size": 100, "seed": 13}
    assert Sampling(min_length=20, one_of_each_group=False).model_dump() == {
        "size": 100, "seed": 13, "min_length": 20, "one_of_each_group": False,
    }  # fmt: skip
