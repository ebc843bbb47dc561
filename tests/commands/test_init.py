"""The command `init`: a new project, and what is left to write."""

import pytest

from builder.commands.build import build
from builder.commands.init import init
from builder.project.project import Project
from builder.records import KhabarError
from tests.builders import judge, walk
from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


def test_new_project_asks_for_card_prose(tmp_path):
    init(tmp_path / "mine", repo_id="me/mine")
    project = Project(tmp_path / "mine")
    walk(project, [ROOT / "examples" / "articles"])
    judge(project)

    with pytest.raises(KhabarError, match="this part is not written yet: what this dataset is") as caught:
        build(project, "1.0.0")

    assert project.schema.dataset.repo_id == "me/mine"
    assert "annotations_creators" in str(caught.value)
    assert not project.release("1.0.0").exists()


def test_init_creates_a_project_and_overwrites_nothing(tmp_path, khabar):
    first = khabar("init", "mine", "--repo-id", "me/mine", cwd=tmp_path)
    second = khabar("init", "mine", cwd=tmp_path)

    assert first.returncode == 0, first.stderr
    assert Project(tmp_path / "mine").schema.dataset.repo_id == "me/mine"
    assert (second.returncode, second.stdout) == (2, "")
    assert "error[exists] schema already exists" in second.stderr
