"""Files of ../shared/cases, which are never copied into the project."""

import pytest

from tests.conftest import ROOT


def shared_case(name):
    """The path of a file, such as `13-tsv-quotes/merge.tsv`; the test is skipped where it is absent."""
    path = ROOT.parent / "shared" / "cases" / name
    if not path.exists():
        pytest.skip("needs ../shared/cases")
    return path
