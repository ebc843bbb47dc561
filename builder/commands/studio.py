"""`khabar studio`: the embedded Label Studio."""

from pathlib import Path

import click

from builder.records import Report
from builder.shell import Shell, verb


@click.group()
def studio() -> None:
    """Run the embedded Label Studio, on this machine only."""


@studio.command("install")
@verb
def studio_install(shell: Shell) -> Report:
    """Install Label Studio into an environment of its own; done once for all projects."""
    from builder import servers

    return servers.install(progress=shell.progress)


_database = click.option(
    "--database", metavar="URL", help="A Postgres database, postgresql://user@host:port/name; its password: PGPASSWORD."
)


@studio.command("up")
@click.option("--port", type=click.IntRange(1024, 65535), help="Port on 127.0.0.1 (default: a free one).")
@_database
@verb
def studio_up(shell: Shell, port: int | None, database: str | None) -> Report:
    """Start Label Studio for this project on 127.0.0.1, and print its address.

    The first start chooses the database: SQLite, or with --database an empty one of Postgres; it is kept to,
    without its password. With assignment: isolated, the server of each annotator who was invited is started.
    """
    from builder import servers

    return servers.up(shell.project(), port, database, progress=shell.progress)


@studio.command("status")
@verb
def studio_status(shell: Shell) -> Report:
    """Show whether Label Studio runs, its address, database, data and annotators; changes nothing."""
    from builder import servers

    return servers.studio_status(shell.project())


@studio.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@verb
def studio_backup(shell: Shell, file: Path) -> Report:
    """Copy Label Studio's data into FILE (a .zip that only you can read); it may run meanwhile.

    Database, uploads, secret key and the key of the pseudonyms are in it, and annotators' e-mails.
    """
    from builder import servers

    return servers.backup(shell.project(), shell.folder / file, progress=shell.progress)


@studio.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@_database
@click.option("--yes", is_flag=True, help="Replace the data that are there.")
@verb
def studio_restore(shell: Shell, file: Path, database: str | None, yes: bool) -> Report:
    """Put the data of FILE, which `studio backup` made, in the place of this project's; Label Studio must be down."""
    from builder import servers

    return servers.restore(shell.project(), shell.folder / file, database, overwrite=yes, progress=shell.progress)


@studio.command("down")
@verb
def studio_down(shell: Shell) -> Report:
    """Stop this project's Label Studio; its data stays."""
    from builder import servers

    return servers.down(shell.project())


@studio.command("invite")
@click.argument("names", nargs=-1, required=True)
@verb
def studio_invite(shell: Shell, names: tuple[str, ...]) -> Report:
    """Make an account for each annotator NAME, and print its password once.

    With assignment: isolated, make each NAME a Label Studio of their own, and print its address too.
    """
    from builder import servers

    return servers.invite(shell.project(), names, progress=shell.progress)
