"""The template's schema/ as a whole."""

from builder.schema import load_schema
from tests.conftest import ROOT


def test_template_is_valid():
    schema = load_schema(ROOT / "schema")

    assert schema.labels.entity_names == ("PERS", "ORG", "GPE", "LOC", "FAC", "NORP", "OCC", "EVENT", "DATE")
    assert schema.labels.published_values == ("favor", "against", "neutral", "unrelated")
