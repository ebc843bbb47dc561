"""Bad input gets its message and exit code, and leaves nothing half written.

Each folder of tests/cases/bad holds `files/` (laid over a fresh project), `command`
(what the user types) and `expected` (exit code, then stderr to the letter).
"""

import shutil

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.slow  # each test runs several commands on a project


CASES = sorted((ROOT / "tests" / "cases" / "bad").iterdir())


def snapshot(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != "lock"}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_message_of_bad_input(case, project, khabar):
    shutil.copytree(case / "files", project.root, dirs_exist_ok=True)
    before = snapshot(project.root)

    done = khabar(*(case / "command").read_text().split(), cwd=project.root)

    output = f"exit {done.returncode}\n{done.stderr}".replace(str(project.root), "PROJECT")
    assert output == (case / "expected").read_text()
    assert snapshot(project.root) == before
    assert "Traceback" not in done.stdout + done.stderr


def test_second_khabar_in_a_project_is_refused(project, khabar):
    with project.lock():
        done = khabar("clean", cwd=project.root)

    assert done.returncode == 2
    assert "another khabar (process " in done.stderr
    assert "wait until it ends" in done.stderr


def test_folder_without_a_project_is_refused(tmp_path, khabar):
    done = khabar("status", cwd=tmp_path)

    assert done.returncode == 2
    assert "no khabar project here" in done.stderr
    assert "khabar init" in done.stderr
