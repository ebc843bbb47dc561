"""Raw spans of many texts at once equal those of each text."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.text.aligned import unpack_edits
from builder.text.profiles import profile
from builder.text.raw_spans import raw_spans
from tests.text.strategies import PAGES


def places(aligned, spans):
    counts = np.array([len(own) for own in spans], np.int64)
    flat = np.array([place for own in spans for place in own], np.int64).reshape(-1, 2)
    texts, raws, packed = [a.text for a in aligned], [a.raw for a in aligned], [a.packed() for a in aligned]
    columns = pa.array(texts, pa.string()), pa.array(raws, pa.string()), pa.array(packed, pa.list_(pa.int64()))
    starts, ends = raw_spans(*columns, counts, flat[:, 0], flat[:, 1])
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


@given(st.lists(PAGES, max_size=4))
def test_raw_spans_equal_those_of_each_text(raws):
    aligned = [profile("standard@1").apply(raw) for raw in raws]
    spans = [[(s, e) for e in range(1, len(a.text) + 1) for s in range(e)] for a in aligned]

    assert places(aligned, spans) == [a.raw_span(*span) for a, own in zip(aligned, spans, strict=True) for span in own]


@pytest.mark.parametrize("span", [(0, 0), (-1, 2), (2, 5), (3, 2)])
def test_span_outside_its_text_is_refused(span):
    with pytest.raises(ValueError, match="a span is empty or outside its text"):
        places([profile("standard@1").apply("قدما")], [[span]])


@pytest.mark.parametrize("packed", [(1, 1, 0), (9, 1, 0), (1, -1, 0), (1, 1), (4, 0, 1)])
def test_invalid_edits_raise_the_same_error_as_one_text(packed):
    with pytest.raises(ValueError, match=r".") as alone:
        unpack_edits("قدما", "قدما", packed)
    texts, edits = pa.array(["قدم", "قدما"]), pa.array([(), packed], pa.list_(pa.int64()))
    with pytest.raises(ValueError, match=r".") as together:
        raw_spans(texts, texts, edits, np.array([0, 1]), np.array([0]), np.array([1]))

    assert str(together.value) == str(alone.value)
