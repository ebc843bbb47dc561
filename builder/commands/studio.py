"""The command `studio`: run the embedded Label Studio."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from builder.annotation.pseudonyms import pseudonym
from builder.cli.options import verb
from builder.cli.output import Console
from builder.labelstudio.client import connect, translate_errors
from builder.labelstudio.server import backup as archive
from builder.labelstudio.server import data_dir, postgres, process
from builder.labelstudio.server import install as server
from builder.labelstudio.server import restore as restores
from builder.labelstudio.server.install import VERSION
from builder.labelstudio.server.ports import refuse_busy_port
from builder.labelstudio.server.process import accounts, is_running, new_credentials
from builder.project.project import Project, find_project, template
from builder.project.services import data_dirs, is_isolated, nobody_invited, refuse_own_server
from builder.records import Notify, Report, user_error


@click.group("studio")
def cli() -> None:
    """Run the embedded Label Studio, on this machine only."""


@cli.command("install")
@verb
def install_cli(console: Console) -> Report:
    """Install Label Studio into its own environment, once for all projects."""
    return install(progress=console.progress)


database_option = click.option(
    "--database", metavar="URL", help="A Postgres database, postgresql://user@host:port/name; its password: PGPASSWORD."
)


@cli.command("up")
@click.option("--port", type=click.IntRange(1024, 65535), help="Port on 127.0.0.1 (default: a free one).")
@database_option
@verb
def up_cli(console: Console, port: int | None, database: str | None) -> Report:
    """Start Label Studio for this project on 127.0.0.1 and print its address.

    The first start chooses the database for good: SQLite, or an empty Postgres database with --database, whose
    password is not stored. With `assignment: isolated`, the server of each invited annotator is started.
    """
    return up(find_project(console.folder), port, database, progress=console.progress)


@cli.command("status")
@verb
def status_cli(console: Console) -> Report:
    """Show whether Label Studio runs, its address, database, size and annotators. Changes nothing."""
    return status(find_project(console.folder))


@cli.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
@verb
def backup_cli(console: Console, file: Path) -> Report:
    """Back up Label Studio's data to FILE, a .zip that only you can read. The server may keep running.

    The backup holds the database, uploads, the secret key, the pseudonym key and annotators' e-mails.
    """
    return backup(find_project(console.folder), console.folder / file, progress=console.progress)


@cli.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
@database_option
@click.option("--yes", is_flag=True, help="Replace the data that are there.")
@verb
def restore_cli(console: Console, file: Path, database: str | None, yes: bool) -> Report:
    """Restore Label Studio's data from FILE, made by `studio backup`. Label Studio must be down."""
    return restore(
        find_project(console.folder), console.folder / file, database, overwrite=yes, progress=console.progress
    )


@cli.command("down")
@verb
def down_cli(console: Console) -> Report:
    """Stop this project's Label Studio. Its data stay."""
    return down(find_project(console.folder))


@cli.command("invite")
@click.argument("names", nargs=-1, required=True)
@verb
def invite_cli(console: Console, names: tuple[str, ...]) -> Report:
    """Create an account for each annotator NAME and print its password once.

    With `assignment: isolated`, create a Label Studio for each NAME and print its address too.
    """
    return invite(find_project(console.folder), names, progress=console.progress)


def install(*, progress: Notify) -> Report:
    """Install Label Studio into its own environment, once for all projects."""
    where = server.install(template() / "constraints-studio.txt", progress)
    return Report("studio install", facts={"Label Studio": str(where)})


def up(project: Project, port: int | None, database: str | None = None, *, progress: Notify) -> Report:
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
        if isolated:
            running = {work.name: process.up(work, progress=progress) for work in data_dirs(project)}
            return Report("studio up", facts={name: server.url for name, server in running.items()} | _INVITE)
        server = process.up(project.work / "studio", port=port, database=chosen, progress=progress)
    return Report("studio up", facts={"address": server.url} | _INVITE)


def down(project: Project) -> Report:
    """Stop every Label Studio of the project. The data stay."""
    found = sorted(project.work.glob("studio-a-*"))
    stopped = [process.down(work) for work in (project.work / "studio", *found)]
    number = f"{sum(stopped)} stopped" if sum(stopped) > 1 else "stopped" if any(stopped) else "was not running"
    return Report("studio down", facts={"Label Studio": number})


def invite(project: Project, names: Sequence[str], *, progress: Notify) -> Report:
    """Create annotators' accounts, or with `isolated` their servers. Passwords are shown once and not stored."""
    if not is_isolated(project):
        made = accounts(project.work / "studio", names)
        return Report("studio invite", facts=dict(made))
    logins = new_credentials(names)
    install(progress=progress)
    facts: dict[str, str] = {}
    with project.lock():
        key = project.pseudonym_key()
        for email, password in logins:
            work = project.work / f"studio-{pseudonym(key, email)}"
            running = process.up(work, accounts=[(email, password)], progress=progress)
            facts |= {email: password, f"{email} works at": running.url}
    return Report("studio invite", facts=facts)


def status(project: Project) -> Report:
    """Return the state of each Label Studio of the project: address, version, database, size, annotators."""
    own = os.environ.get("LABEL_STUDIO_URL")
    facts = _own(own) if own else {}
    works = data_dirs(project)
    if not (works or own):
        facts = {"Label Studio": "no annotator was invited yet", **_INVITE}
    for work in works:
        running, kept = process.status(work), data_dir.data_stats(work)
        if kept is None and own:
            continue
        said = {"Label Studio": "running" if running else "starting" if is_running(work) else "not running"}
        said |= {"address": running.url, "version": VERSION} if running else {}
        if kept:
            unknown = "unknown: Postgres refused the connection; check PGPASSWORD"
            said["database"] = kept.database
            said["data"] = unknown if kept.size is None else f"{kept.size / 1e6:.2f} MB"
            said["annotators"] = unknown if kept.annotators is None else str(kept.annotators)
        facts |= {f"{work.name}: {name}" if own or work.name != "studio" else name: said[name] for name in said}
    return Report("studio status", facts=facts)


def backup(project: Project, target: Path, *, progress: Notify) -> Report:
    """Back up the data of the project's Label Studios into one file, while they run."""
    refuse_own_server("back it up by its own means")
    works = data_dirs(project)
    if not works:
        raise nobody_invited()
    size = archive.backup(works, target, progress=progress)
    facts = {"backup": f"{target} ({size / 1e6:.2f} MB)", "holds": ", ".join(work.name for work in works)}
    facts["keep it safe"] = "it holds e-mails and the secret key, and only you may read it"
    return Report("studio backup", facts=facts)


def restore(project: Project, source: Path, database: str | None, *, overwrite: bool, progress: Notify) -> Report:
    """Restore the project's Label Studios from a backup. They must be down."""
    refuse_own_server("restore it by its own means")
    chosen = postgres.database_of(database) if database else None
    with project.lock():
        names, issues = restores.restore(
            source, project.work, isolated=is_isolated(project), database=chosen, overwrite=overwrite, progress=progress
        )
    return Report(
        "studio restore", issues=issues, facts={"restored": ", ".join(names), "to start it": "`khabar studio up`"}
    )


_INVITE = {"more accounts": "`khabar studio invite NAME` makes accounts"}


def _own(url: str) -> dict[str, str]:
    """Return the version and accounts of a Label Studio that the user runs."""
    facts = {"Label Studio": "your own server (LABEL_STUDIO_URL)", "address": url.rstrip("/")}
    key = os.environ.get("LABEL_STUDIO_API_KEY")
    if not key:
        return facts | {"version": "unknown: LABEL_STUDIO_API_KEY is not set"}
    client = connect(url, key).client
    with translate_errors(url):
        return facts | {"version": client.versions.get().release, "accounts": str(len(client.users.list()))}
