"""One word for each command: its row in the table, its file, its test file, its heading, its example."""

import importlib
import shlex

import click
import pytest

from builder.main import COMMANDS, khabar
from tests.builders import leaves
from tests.conftest import ROOT

ENTRIES = pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)


@ENTRIES
def test_each_command_has_one_file_one_test_file_and_a_heading(entry):
    module = importlib.import_module(f"builder.commands.{entry.module}")
    reference = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")

    assert entry.module == entry.name.replace("import", "import_")
    assert module.cli.name == entry.name
    assert module.__doc__.startswith(f"The command `{entry.name}`: ")
    assert (ROOT / "tests" / "commands" / f"test_{entry.name}.py").is_file()
    assert f"\n## khabar {entry.name}\n" in reference
    for command, words in leaves(module.cli, [entry.name]):
        assert command.help
        assert f"\n## khabar {' '.join(words)}\n" in reference


def test_each_file_of_commands_is_in_the_table():
    files = {path.stem for path in (ROOT / "builder" / "commands").glob("*.py")} - {"__init__"}
    groups = {name for name in files if name.partition("_")[0] in files and "_" in name}

    assert groups == {"schema_migrate"}  # a command of the group `schema`
    assert files - groups == {entry.module for entry in COMMANDS}
    assert len({entry.name for entry in COMMANDS}) == len(COMMANDS)


@ENTRIES
def test_the_example_of_each_command_parses(entry):
    program, *arguments = shlex.split(entry.example)
    command, context = khabar, click.Context(khabar)
    while isinstance(command, click.Group):
        name, command, arguments = command.resolve_command(context, arguments)

    assert program == "khabar"
    assert command.make_context(name, list(arguments))


def test_an_unknown_command_is_a_usage_error(khabar, tmp_path):
    done = khabar("scrape", cwd=tmp_path)

    assert (done.returncode, "No such command 'scrape'" in done.stderr) == (2, True)
