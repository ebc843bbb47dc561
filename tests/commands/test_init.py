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
    with pytest.raises(KhabarError) as open_still:
        build(project, "1.0.0")
    settings = project.root / "schema" / "dataset.yaml"
    answered = settings.read_text(encoding="utf-8").replace("TODO", "cc-by-4.0")
    settings.write_text(answered, encoding="utf-8")
    project = Project(project.root)

    assert [(issue.where, issue.message) for issue in open_still.value.issues] == [
        ("schema/dataset.yaml:4", "title is still TODO"),
        ("schema/dataset.yaml:6", "licence.text is still TODO"),
        ("schema/dataset.yaml:7", "licence.annotations is still TODO"),
    ]
    with pytest.raises(KhabarError, match="this part is not written yet: what this dataset is") as caught:
        build(project, "1.0.0")

    assert project.schema.dataset.repo_id == "me/mine"
    assert "annotations_creators" in str(caught.value)
    assert not project.release("1.0.0").exists()


def test_init_creates_a_project_and_overwrites_nothing(tmp_path, khabar):
    first = khabar("init", "mine", "--repo-id", "me/mine", cwd=tmp_path)
    checked = khabar("schema", "check", cwd=tmp_path / "mine")
    second = khabar("init", "mine", cwd=tmp_path)

    assert first.returncode == 0, first.stderr
    assert checked.returncode == 0
    assert "schema/dataset.yaml:6: warning[open] licence.text is still TODO" in checked.stderr
    assert Project(tmp_path / "mine").schema.dataset.repo_id == "me/mine"
    assert (second.returncode, second.stdout) == (2, "")
    assert "error[exists] schema already exists" in second.stderr


@pytest.mark.parametrize("name", ["me/news--2", "me/news.git", "أنا/خبر", "news", "me/a\nb: c"])
def test_name_that_the_hub_refuses_is_refused(tmp_path, name):
    with pytest.raises(KhabarError) as caught:
        init(tmp_path / "mine", repo_id=name)

    assert (caught.value.exit_code, caught.value.issues[0].where) == (2, "--repo-id")
    assert not (tmp_path / "mine").exists()


def test_project_without_a_name_is_not_the_demonstrations(tmp_path):
    init(tmp_path / "mine")

    assert Project(tmp_path / "mine").schema.dataset.repo_id == "TODO/TODO"
