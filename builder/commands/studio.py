"""The command `studio`: run the embedded Label Studio."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from builder.annotation.pseudonyms import pseudonym
from builder.cli.options import verb
from builder.cli.output import Console
from builder.labelstudio.server import backup as archive
from builder.labelstudio.server import install as server
from builder.labelstudio.server import postgres, process
from builder.labelstudio.server import restore as restores
from builder.labelstudio.server.ports import refuse_busy_port
from builder.labelstudio.server.process import accounts, new_credentials
from builder.labelstudio.server.state import Login, OwnServer, ServerAddress, ServerState, own_server, server_state
from builder.project.project import Project, find_project, template
from builder.project.services import data_dirs, is_isolated, nobody_invited, refuse_own_server
from builder.records import Line, Notify, Report, user_error

SHARED = "studio"
"""Name of the data directory of the one server that all annotators share."""

_INVITE = Line("more accounts", "`khabar studio invite NAME` makes accounts")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallReport(Report):
    """The report of `studio install`: where Label Studio is."""

    folder: Path

    def lines(self) -> Iterator[Line]:
        """Return the folder."""
        yield Line("Label Studio", str(self.folder))


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioUpReport(Report):
    """The report of `studio up`: each server."""

    servers: tuple[ServerAddress, ...]

    def lines(self) -> Iterator[Line]:
        """Return each address."""
        for one in self.servers:
            yield Line("address" if one.name == SHARED else one.name, one.url)
        yield _INVITE


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioDownReport(Report):
    """The report of `studio down`: how many servers were stopped."""

    stopped: int

    def lines(self) -> Iterator[Line]:
        """Return how many."""
        number = f"{self.stopped} stopped" if self.stopped > 1 else "stopped"
        yield Line("Label Studio", number if self.stopped else "was not running")


@dataclass(frozen=True, slots=True, kw_only=True)
class InviteReport(Report):
    """The report of `studio invite`: the accounts, with passwords that are shown once."""

    logins: tuple[Login, ...]

    def lines(self) -> Iterator[Line]:
        """Return each account."""
        for login in self.logins:
            yield Line(login.email, login.password)
            if login.url:
                yield Line(f"{login.email} works at", login.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioStatusReport(Report):
    """The report of `studio status`: the user's own server if there is one, and each embedded one."""

    own: OwnServer | None
    servers: tuple[ServerState, ...]

    def lines(self) -> Iterator[Line]:
        """Return what is known of each server. Its name is given unless it is the only one."""
        if self.own:
            yield from self.own.lines()
        elif not self.servers:
            yield Line("Label Studio", "no annotator was invited yet")
            yield _INVITE
        for one in self.servers:
            head = f"{one.name}: " if self.own or one.name != SHARED else ""
            yield from (Line(f"{head}{line.label}", line.value) for line in one.lines())


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport(Report):
    """The report of `studio backup`: the file, its size in bytes, and the servers it holds."""

    path: Path
    size: int
    servers: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Return the file, and a warning."""
        yield Line("backup", f"{self.path} ({self.size / 1e6:.2f} MB)")
        yield Line("holds", ", ".join(self.servers))
        yield Line("keep it safe", "it holds e-mails and the secret key, and only you may read it")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport(Report):
    """The report of `studio restore`: the servers that were restored."""

    servers: tuple[str, ...]

    def lines(self) -> Iterator[Line]:
        """Return the servers, and how to start them."""
        yield Line("restored", ", ".join(self.servers))
        yield Line("to start it", "`khabar studio up`")


@click.group("studio")
def cli() -> None:
    """Run the embedded Label Studio, on this machine only."""


@cli.command("install")
@verb
def install_cli(console: Console) -> InstallReport:
    """Install Label Studio into its own environment, once for all projects."""
    return install(progress=console.progress)


database_option = click.option(
    "--database", metavar="URL", help="A Postgres database, postgresql://user@host:port/name; its password: PGPASSWORD."
)


@cli.command("up")
@click.option("--port", type=click.IntRange(1024, 65535), help="Port on 127.0.0.1 (default: a free one).")
@database_option
@verb
def up_cli(console: Console, port: int | None, database: str | None) -> StudioUpReport:
    """Start Label Studio for this project on 127.0.0.1 and print its address.

    The first start chooses the database for good: SQLite, or an empty Postgres database with --database, whose
    password is not stored. With `assignment: isolated`, the server of each invited annotator is started.
    """
    return up(find_project(console.folder), port, database, progress=console.progress)


@cli.command("status")
@verb
def status_cli(console: Console) -> StudioStatusReport:
    """Show whether Label Studio runs, its address, database, size and annotators. Changes nothing."""
    return status(find_project(console.folder))


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@verb
def backup_cli(console: Console, file: Path) -> BackupReport:
    """Back up Label Studio's data to FILE, a .zip that only you can read. The server may keep running.

    The backup holds the database, uploads, the secret key, the pseudonym key and annotators' e-mails.
    """
    return backup(find_project(console.folder), console.folder / file, progress=console.progress)


@cli.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@click.option("--yes", is_flag=True, help="Replace the data that are there.")
@verb
def restore_cli(console: Console, file: Path, database: str | None, yes: bool) -> RestoreReport:
    """Restore Label Studio's data from FILE, made by `studio backup`. Label Studio must be down."""
    return restore(
        find_project(console.folder), console.folder / file, database, overwrite=yes, progress=console.progress
    )


@cli.command("down")
@verb
def down_cli(console: Console) -> StudioDownReport:
    """Stop this project's Label Studio. Its data stay."""
    return down(find_project(console.folder))


@cli.command("invite")
@click.argument("names", nargs=-1, required=True)
@verb
def invite_cli(console: Console, names: tuple[str, ...]) -> InviteReport:
    """Create an account for each annotator NAME and print its password once.

    With `assignment: isolated`, create a Label Studio for each NAME and print its address too.
    """
    return invite(find_project(console.folder), names, progress=console.progress)


def install(*, progress: Notify) -> InstallReport:
    """Install Label Studio into its own environment, once for all projects."""
    where = server.install(template() / "constraints-studio.txt", progress)
    return InstallReport("studio install", folder=where)


def up(project: Project, port: int | None, database: str | None = None, *, progress: Notify) -> StudioUpReport:
    """Start the project's Label Studio on loopback, or find it running. With `isolated`, start each annotator's.

    `database` is the address of a Postgres database for the first start. The default is SQLite.
    """
    isolated = is_isolated(project)
    if isolated and (port or database):
        raise user_error(
            "isolated",
            "with assignment: isolated each annotator has a server and a SQLite of their own",
            fix="leave --port and --database out",
        )
    chosen = postgres.database_of(database) if database else None
    if port:
        refuse_busy_port(project.work / "studio", port)
    install(progress=progress)
    with project.lock():
        works = data_dirs(project) if isolated else [project.work / SHARED]
        started = [process.up(work, port=port, database=chosen, progress=progress).url for work in works]
    servers = tuple(ServerAddress(work.name, url) for work, url in zip(works, started, strict=True))
    return StudioUpReport("studio up", servers=servers)


def down(project: Project) -> StudioDownReport:
    """Stop every Label Studio of the project. The data stay."""
    found = sorted(project.work.glob("studio-a-*"))
    stopped = [process.down(work) for work in (project.work / "studio", *found)]
    return StudioDownReport("studio down", stopped=sum(stopped))


def invite(project: Project, names: Sequence[str], *, progress: Notify) -> InviteReport:
    """Create annotators' accounts, or with `isolated` their servers. Passwords are shown once and not stored."""
    if not is_isolated(project):
        made = accounts(project.work / SHARED, names)
        return InviteReport("studio invite", logins=tuple(Login(email, password) for email, password in made))
    credentials = new_credentials(names)
    install(progress=progress)
    logins: list[Login] = []
    with project.lock():
        key = project.pseudonym_key()
        for email, password in credentials:
            work = project.work / f"studio-{pseudonym(key, email)}"
            running = process.up(work, accounts=[(email, password)], progress=progress)
            logins.append(Login(email, password, running.url))
    return InviteReport("studio invite", logins=tuple(logins))


def status(project: Project) -> StudioStatusReport:
    """Return the state of each Label Studio of the project: address, version, database, size, annotators."""
    url, key = os.environ.get("LABEL_STUDIO_URL"), os.environ.get("LABEL_STUDIO_API_KEY")
    found = map(server_state, data_dirs(project))
    servers = tuple(server for server in found if server.data or not url)
    return StudioStatusReport("studio status", own=own_server(url, key) if url else None, servers=servers)


def backup(project: Project, target: Path, *, progress: Notify) -> BackupReport:
    """Back up the data of the project's Label Studios into one file, while they run."""
    refuse_own_server("back it up by its own means")
    works = data_dirs(project)
    if not works:
        raise nobody_invited()
    size = archive.backup(works, target, progress=progress)
    return BackupReport("studio backup", path=target, size=size, servers=tuple(work.name for work in works))


def restore(
    project: Project, source: Path, database: str | None, *, overwrite: bool, progress: Notify
) -> RestoreReport:
    """Restore the project's Label Studios from a backup. They must be down."""
    refuse_own_server("restore it by its own means")
    chosen = postgres.database_of(database) if database else None
    with project.lock():
        names, issues = restores.restore(
            source, project.work, isolated=is_isolated(project), database=chosen, overwrite=overwrite, progress=progress
        )
    return RestoreReport("studio restore", issues=issues, servers=tuple(names))
