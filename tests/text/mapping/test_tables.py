"""Lookups of code units in tables."""

import numpy as np
import pytest

from builder.text.mapping.tables import SHORT, looked_up


@pytest.mark.parametrize("units", [0, 1, SHORT - 1, SHORT, 3 * SHORT])
@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, np.uint32, np.uint64])
def test_lookup_equals_take_by_numpy_and_can_be_changed(kind, units):
    values = (np.arange(0x10000) % 251).astype(kind)
    wanted = (np.arange(units) * 7919 % 0x10000).astype(np.uint16)

    found = looked_up(values, wanted)

    assert found.dtype == values.dtype
    assert found.tolist() == values.take(wanted).tolist()
    found[:1] = 0
    assert not found[:1].any()
