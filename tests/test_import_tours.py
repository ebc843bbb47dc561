"""The tours of docs/import.md, run as they are written."""

import os
import re
import subprocess
import sys

import pytest

from builder.records import MANIFEST
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "import.md").read_text(encoding="utf-8")

TOURS = [part for part in re.split(r"(?m)^## ", PAGE) if part.startswith("From ")]


@pytest.mark.slow
@pytest.mark.parametrize("tour", TOURS, ids=lambda tour: tour.splitlines()[0])
def test_a_tour_ends_in_a_release(tour, tmp_path):
    for name, content in re.findall(r"```text (\S+)\n(.*?)```", tour, re.DOTALL):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (script,) = re.findall(r"```sh\n(.*?)```", tour, re.DOTALL)
    init, enter, *rest = script.splitlines()
    run(init, tmp_path)
    project = tmp_path / enter.removeprefix("cd ")
    (project / "dataset_card.md").write_bytes((ROOT / "dataset_card.md").read_bytes())
    for line in rest:
        run(line, project)

    assert len(script.splitlines()) <= 10
    assert (project / "dist" / "v1.0.0" / MANIFEST).is_file()


def run(line, folder):
    command = line.replace("khabar ", f"{sys.executable} -m builder ", 1) if line.startswith("khabar ") else line
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "HOME": str(folder)}
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"


def test_there_are_four_tours():
    assert len(TOURS) == 4
