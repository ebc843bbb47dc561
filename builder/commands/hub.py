"""Commands of the rehearsal Hub."""

import click

from builder.records import Report
from builder.shell import Shell, verb


@click.group()
def hub() -> None:
    """A Hub on this machine, for rehearsing: real git, the Hub's own protocol, loopback only."""


@hub.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The port on 127.0.0.1 (default: a free one).")
@click.option("--xet", is_flag=True, help="Store large files through Xet, as huggingface.co does; default: LFS.")
@verb
def up(shell: Shell, port: int | None, xet: bool) -> Report:
    """Start the rehearsal Hub of this project; say its address, and how to point HF_ENDPOINT at it."""
    from builder import rehearsing

    return rehearsing.up(shell.project(), port, xet=xet)


@hub.command()
@verb
def down(shell: Shell) -> Report:
    """Stop the rehearsal Hub; what was pushed stays in .khabar/hub."""
    from builder import rehearsing

    return rehearsing.down(shell.project())
