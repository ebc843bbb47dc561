"""What the README tells people to type is what the command line takes, and it works."""

import re
import shlex
import subprocess
import sys

import click
import pytest

from builder.main import khabar as command_line
from tests.conftest import ROOT

pytestmark = pytest.mark.slow

README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
LINES = [part.split("#")[0].strip() for block in SHELL for line in block.splitlines() for part in line.split("&&")]
COMMANDS = [line for line in LINES if line.startswith("khabar ")]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_of_the_readme_parses(line):
    command, arguments = command_line, shlex.split(line)[1:]
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, command, arguments = command.resolve_command(context, arguments)

    assert command.make_context(name, arguments)


def test_the_two_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)

    told = [line.split()[1] for line in LINES if line.startswith("make ")]
    assert told == ["demo", "test"]
    assert set(told) <= set(targets)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_builds_and_reads_a_release_in_a_fresh_clone(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "khabar").write_text(f'#!/bin/sh\nexec {sys.executable} -m builder "$@"\n')
    (tmp_path / "bin" / "khabar").chmod(0o755)
    subprocess.run(["git", "clone", "-q", str(ROOT), str(tmp_path / "clone")], check=True)
    environment = {
        "PATH": f"{tmp_path}/bin:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HF_HUB_OFFLINE": "1",
        "LANG": "C.UTF-8",
    }
    (build,) = [block for block in SHELL if "ingest examples/articles" in block]
    read = f"{PYTHON[0]}\nprint(dataset.num_rows, dataset.features['spans'])"

    built = subprocess.run(
        ["sh", "-ec", build], cwd=tmp_path / "clone", env=environment, capture_output=True, text=True, check=False
    )
    loaded = subprocess.run(
        [sys.executable, "-c", read], cwd=tmp_path / "clone", env=environment, capture_output=True, text=True, check=False
    )  # fmt: skip

    assert built.returncode == 0, built.stderr
    assert loaded.returncode == 0, loaded.stderr
    assert "ClassLabel" in loaded.stdout


def test_the_readme_is_under_150_lines():
    assert len(README.splitlines()) < 150
