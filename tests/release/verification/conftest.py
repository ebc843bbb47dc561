"""A release of each edition, which the tests copy before they change it."""

import pytest

from builder.commands.build import build
from tests.asking import grown
from tests.builders import fresh, kept
from tests.editions import make_project


@pytest.fixture(scope="package")
def full(tmp_path_factory):
    """The demonstration's release."""
    project = fresh(tmp_path_factory.mktemp("full") / "project")
    kept(project)
    build(project, "1.0.0")
    return project.release("1.0.0")


@pytest.fixture(scope="package")
def standoff(tmp_path_factory):
    project = make_project(tmp_path_factory.mktemp("standoff") / "project", "standoff")
    build(project, "1.0.0")
    return project.release("1.0.0")


@pytest.fixture(scope="package")
def rich(tmp_path_factory):
    """A release with questions on whole articles, whose labels, targets and questions were not all asked everywhere."""
    project = grown(fresh(tmp_path_factory.mktemp("rich") / "project"))
    build(project, "1.0.0", accept="a test")
    return project.release("1.0.0")
