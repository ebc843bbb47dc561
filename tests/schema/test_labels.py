"""schema/labels.yaml: names that can be labels."""

import pytest

from builder.schema.fields import LOST_IN_CSV
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
