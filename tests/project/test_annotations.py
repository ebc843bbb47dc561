"""Batches of a project by name."""

import pytest

from builder.commands.sample import sample
from builder.project.annotations import batch_name
from builder.records import KhabarError
from tests.builders import walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_one_of_several_batches_must_be_named(project):
    walk(project, [ROOT / "examples" / "articles"], size=2)
    sample(project, "second", 2)

    assert batch_name(project, "pilot") == "pilot"
    with pytest.raises(KhabarError, match="there are 2 batches: pilot, second"):
        batch_name(project, None)
