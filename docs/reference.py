"""Print docs/commands.md: each command's help, taken from the command line itself."""

import click

from builder.main import khabar


def sections(command: click.Command, name: str, parent: click.Context | None = None) -> list[str]:
    """One heading and help text for a command and for each command under it."""
    context = click.Context(command, info_name=name.rsplit(" ", 1)[-1], parent=parent, terminal_width=100)
    found = [f"## {name}\n\n```text\n{command.get_help(context)}\n```\n"]
    if isinstance(command, click.Group):
        for below in command.list_commands(context):
            child = command.get_command(context, below)
            if child is not None:
                found += sections(child, f"{name} {below}", context)
    return found


def reference() -> str:
    """The whole page."""
    intro = "# Commands\n\nMade by `make docs` from the command line itself; a test holds it equal.\n"
    codes = (
        "Exit codes: 0 done; 1 findings, or a check failed; 2 usage or configuration; 3 remote or\n"
        "authentication; 4 conflict on the remote; 5 partial, run again to resume; 130 interrupted.\n"
    )
    return "\n".join([intro, codes, *sections(khabar, "khabar")])


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201 - the page goes to stdout
