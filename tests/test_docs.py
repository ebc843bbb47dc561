"""The documentation tells the truth: the tree, the commands, the help."""

import importlib.util
import re
import subprocess
import sys

import pytest

from builder.cli import khabar as command_line
from tests.conftest import ROOT


def commands():
    names = set(command_line.commands)
    for group in ("schema", "studio"):
        names |= {f"{group} {name}" for name in command_line.commands[group].commands}
    return sorted(names)


def load_reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_command_reference_is_what_the_command_line_says():
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert load_reference().reference() == written


@pytest.mark.parametrize("name", commands())
def test_each_command_has_help_and_a_heading(name):
    group, _, below = name.partition(" ")
    command = command_line.commands[group]
    command = command.commands[below] if below else command

    assert command.help
    assert f"\n## khabar {name}\n" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_each_verb_of_the_road_is_a_flow_function():
    from builder import annotate, flow, gathering, judging, publishing

    road = [
        "init",
        "ingest",
        "clean",
        "dedup",
        "sample",
        "send",
        "collect",
        "check",
        "agree",
        "adjudicate",
        "build",
        "push",
        "verify",
        "status",
    ]

    rooms = (flow, gathering, annotate, judging, publishing)

    assert set(road) <= set(command_line.commands)
    assert all(any(callable(getattr(room, verb, None)) for room in rooms) for verb in road)


def test_the_tree_in_the_readme_is_the_real_tree():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```tree\n(.*?)```", readme, re.DOTALL)
    assert block
    folder, told = "", set()
    for line in block[1].splitlines():
        name = line.split("  ")[0] if not line.startswith("  ") else line.strip().split("  ")[0]
        if not line.startswith("  "):
            folder = name if name.endswith("/") else ""
            told.add(name)
        else:
            told.add(folder + name)
    files = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    real = set()
    for path in files.stdout.splitlines():
        parts = path.split("/")
        if len(parts) == 1:
            real.add(path)
        else:
            real.add(parts[0] + "/")
        if parts[0] == "builder" and len(parts) >= 2:
            real.add("/".join(parts))

    hidden = {name for name in real if name.startswith(".") or name.endswith("__init__.py")}
    assert told == real - hidden


def test_help_loads_no_heavy_library():
    code = (
        "import sys; sys.argv = ['khabar', '--help']\n"
        "from builder.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('datasets', 'label_studio_sdk', 'huggingface_hub', 'pyarrow', 'numpy', 'pydantic', 'rich')\n"
        "print('LOADED', [name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "Usage: khabar" in done.stdout
    assert done.stdout.rstrip().endswith("LOADED []")


def test_no_file_names_a_package_registry():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    pattern = re.compile("pypi" + r"\.org|files\.python" + r"hosted|registry\.npm" + "js|deb\\.debian" + r"\.org")
    for name in filter(None, files):
        path = ROOT / name
        if path.is_file():
            assert not pattern.search(path.read_bytes().decode("utf-8", "replace")), name


def test_the_yaml_in_the_docs_is_what_khabar_reads():
    from builder.corpus.boilerplate import check_examples
    from builder.schema import Boilerplate, Profiles
    from builder.strict_yaml import parse_yaml

    models = {"boilerplate": Boilerplate, "profiles": Profiles}
    text = (ROOT / "docs" / "cleaning.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml (\w+)\n(.*?)```", text, re.DOTALL)
    parsed = {kind: parse_yaml(block, models[kind], kind) for kind, block in blocks}

    assert set(parsed) == set(models)
    assert check_examples(parsed["boilerplate"]) == []
