"""The documentation is true: the reference, the help, the folders, the YAML examples."""

import importlib.util
import re
import subprocess
import sys

import click
import pytest

from builder.corpus.cleaning.matching.examples import check_examples
from builder.io.yaml import parse_yaml
from builder.main import COMMANDS
from builder.main import khabar as command_line
from builder.project.stages.table import ROAD as TABLE
from builder.schema import Boilerplate, Profiles
from builder.schema.sources import Sources
from tests.conftest import ROOT


def commands():
    """Every command and subcommand, by the words that a user types."""
    names = []
    for entry in COMMANDS:
        command = command_line.get_command(None, entry.name)
        names += [entry.name]
        names += [f"{entry.name} {name}" for name in command.commands] if isinstance(command, click.Group) else []
    return names


def load_reference():
    spec = importlib.util.spec_from_file_location("reference", ROOT / "docs" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_command_reference_is_up_to_date():
    written = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert load_reference().reference() == written


@pytest.mark.parametrize("name", commands())
def test_each_command_has_help_and_a_heading(name):
    group, _, below = name.partition(" ")
    command = command_line.get_command(None, group)
    command = command.commands[below] if below else command

    assert command.help
    assert f"\n## khabar {name}\n" in (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")


def test_help_loads_no_heavy_library():
    code = (
        "import sys; sys.argv = ['khabar', '--help']\n"
        "from builder.main import main\n"
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


def test_links_between_pages_lead_somewhere():
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_yaml_examples_are_valid():
    models = {"boilerplate": Boilerplate, "profiles": Profiles}
    text = (ROOT / "docs" / "cleaning.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```yaml (\w+)\n(.*?)```", text, re.DOTALL)
    parsed = {kind: parse_yaml(block, models[kind], kind) for kind, block in blocks}

    assert set(parsed) == set(models)
    (block,) = re.findall(r"```yaml sources\n(.*?)```", (ROOT / "docs" / "reading.md").read_text("utf-8"), re.DOTALL)
    assert parse_yaml(block, Sources, "sources.yaml").rules_of("nasim.example").zone == "Asia/Riyadh"
    assert check_examples(parsed["boilerplate"]) == []


RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")


def test_the_page_about_running_names_what_each_command_reads():
    told = dict(re.findall(r"^\| `(\w+)` \| ([^`]+) \|$", RUNNING, re.MULTILINE))

    assert told == {step.command: ", ".join(step.reads) for step in TABLE if step.reads}
    assert re.findall(r"`ingest`, `sample` and `collect` read", RUNNING)
    assert [step.command for step in TABLE if not step.reads] == ["ingest", "sample", "collect"]


def test_the_commands_of_the_page_about_running_parse():
    (block,) = re.findall(r"```sh\n(.*?)```", RUNNING, re.DOTALL)
    for line in block.splitlines():
        name, *arguments = line.split("#")[0].split()[1:]
        command = command_line.get_command(None, name)

        assert command.make_context(name, arguments), line
