"""Which Label Studio and which Hub a project talks to: the user's own, or those on this machine.

The user's own come from the environment: LABEL_STUDIO_URL with LABEL_STUDIO_API_KEY, HF_ENDPOINT with HF_TOKEN.
"""

import contextlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.project import Project, template
from builder.records import Refused, Report, refuse

if TYPE_CHECKING:
    from builder.annotation.server import Server
    from builder.annotation.studio import Connection

Progress = Callable[[str], None]


def install(*, progress: Progress) -> Report:
    """Install Label Studio into an environment of its own, once for all projects."""
    from builder.annotation import server

    where = server.install(template() / "constraints-studio.txt", progress)
    return Report("studio install", facts={"Label Studio": str(where)})


def up(project: Project, port: int | None, database: str | None = None, *, progress: Progress) -> Report:
    """Start the project's Label Studio on loopback, or find it running; with `isolated`, that of each annotator.

    `database` is the address of a Postgres database, for the first start; without it, SQLite.
    """
    from builder.annotation import postgres, server

    isolated = _isolated(project)
    if isolated and (port or database):
        raise refuse("isolated", "with assignment: isolated each annotator has a server and a SQLite of their own",
                     fix="leave --port and --database out")  # fmt: skip
    chosen = postgres.database_of(database) if database else None
    if port:
        server.refuse_busy_port(project.work / "studio", port)
    install(progress=progress)
    with project.lock():
        if isolated:
            running = {work.name: server.up(work, progress=progress) for work in _works(project)}
            return Report("studio up", facts={name: one.url for name, one in running.items()} | _INVITE)
        one = server.up(project.work / "studio", port=port, database=chosen, progress=progress)
    return Report("studio up", facts={"address": one.url} | _INVITE)


def down(project: Project) -> Report:
    """Stop every Label Studio of the project; the data stay."""
    from builder.annotation import server

    found = sorted(project.work.glob("studio-a-*"))
    stopped = [server.down(work) for work in (project.work / "studio", *found)]
    number = f"{sum(stopped)} stopped" if sum(stopped) > 1 else "stopped" if any(stopped) else "was not running"
    return Report("studio down", facts={"Label Studio": number})


def invite(project: Project, names: Sequence[str], *, progress: Progress) -> Report:
    """Make annotators' accounts, or with `isolated` servers; each password is shown once and stored nowhere."""
    from builder.annotation import server, tasks

    if not _isolated(project):
        made = server.accounts(project.work / "studio", names)
        return Report("studio invite", facts=dict(made))
    logins = server.logins(names)
    install(progress=progress)
    facts: dict[str, str] = {}
    with project.lock():
        key = project.pseudonym_key()
        for email, password in logins:
            work = project.work / f"studio-{tasks.pseudonym(key, email)}"
            one = server.up(work, accounts=[(email, password)], progress=progress)
            facts |= {email: password, f"{email} works at": one.url}
    return Report("studio invite", facts=facts)


def studio_status(project: Project) -> Report:
    """Show each Label Studio of the project: running or not, address, version, database, size, annotators."""
    from builder.annotation import data, server
    from builder.annotation.installation import VERSION

    own = os.environ.get("LABEL_STUDIO_URL")
    facts = _own(own) if own else {}
    works = _works(project)
    if not (works or own):
        facts = {"Label Studio": "no annotator was invited yet", **_INVITE}
    for work in works:
        running, kept = server.status(work), data.content(work)
        if kept is None and own:
            continue
        said = {"Label Studio": "running" if running else "starting" if server.is_running(work) else "not running"}
        said |= {"address": running.url, "version": VERSION} if running else {}
        if kept:
            unknown = "not known: Postgres does not let us in; is PGPASSWORD set?"
            said["database"] = kept.database
            said["data"] = unknown if kept.size is None else f"{kept.size / 1e6:.2f} MB"
            said["annotators"] = unknown if kept.annotators is None else str(kept.annotators)
        facts |= {f"{work.name}: {name}" if own or work.name != "studio" else name: said[name] for name in said}
    return Report("studio status", facts=facts)


def backup(project: Project, target: Path, *, progress: Progress) -> Report:
    """Copy the data of the project's Label Studios into one file, while they run."""
    from builder.annotation import backup as archive

    _refuse_own("back it up by its own means")
    works = _works(project)
    if not works:
        raise _nobody()
    size = archive.backup(works, target, progress=progress)
    facts = {"backup": f"{target} ({size / 1e6:.2f} MB)", "holds": ", ".join(work.name for work in works)}
    facts["keep it safe"] = "it holds e-mails and the secret key, and only you may read it"
    return Report("studio backup", facts=facts)


def restore(project: Project, source: Path, database: str | None, *, overwrite: bool, progress: Progress) -> Report:
    """Put a backup in the place of the project's Label Studios, which must be down."""
    from builder.annotation import backup as archive
    from builder.annotation import postgres

    _refuse_own("restore it by its own means")
    chosen = postgres.database_of(database) if database else None
    with project.lock():
        names, issues = archive.restore(
            source, project.work, isolated=_isolated(project), database=chosen, overwrite=overwrite, progress=progress
        )
    return Report("studio restore", issues=issues, facts={"restored": ", ".join(names), "next": "`khabar studio up`"})


def connect(project: Project) -> "Connection":
    """Log in to the Label Studio that the environment names, or else to the embedded one; raises Refused (3)."""
    from builder.annotation import server, studio

    url = os.environ.get("LABEL_STUDIO_URL")
    if url:
        key = os.environ.get("LABEL_STUDIO_API_KEY")
        if not key:
            raise refuse("no-token", "LABEL_STUDIO_URL is set, but LABEL_STUDIO_API_KEY is not", exit_code=3,
                         fix="set LABEL_STUDIO_API_KEY to a token of your Label Studio account")  # fmt: skip
        return studio.connect(url, key)
    running = server.status(project.work / "studio")
    if running is None:
        raise refuse("studio-down", "Label Studio is not running for this project", exit_code=3,
                     fix="run `khabar studio up`, or set LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY")  # fmt: skip
    return _embedded(project.work / "studio", running)


def _embedded(work: Path, running: "Server") -> "Connection":
    from builder.annotation import data, studio

    return replace(studio.connect(running.url, running.token), data=data.database_file(work))


def connections(project: Project) -> "list[tuple[str, Connection]]":
    """Log in to every Label Studio of the project: with `isolated`, each annotator's pseudonym and server.

    Else one, whose name is empty. Raises Refused: exit code 3 where one is not running.
    """
    from builder.annotation import server

    if not _isolated(project):
        return [("", connect(project))]
    _refuse_own("unset LABEL_STUDIO_URL, or set assignment in schema/dataset.yaml to pool or separate")
    works = _works(project)
    if not works:
        raise _nobody()
    running = {work: server.status(work) for work in works}
    absent = [work.name for work, one in running.items() if one is None]
    if absent:
        raise refuse("studio-down", f"{len(absent)} of {len(works)} annotators' servers are not running: {absent[0]}",
                     fix="run `khabar studio up`", exit_code=3)  # fmt: skip
    return [(work.name.removeprefix("studio-"), _embedded(work, one)) for work, one in running.items() if one]


_INVITE = {"next": "`khabar studio invite NAME` makes accounts"}


def _isolated(project: Project) -> bool:
    return project.schema.dataset.assignment == "isolated"


def _works(project: Project) -> list[Path]:
    """The folders of the project's Label Studios: one, or with `isolated` that of each annotator invited so far."""
    if not _isolated(project):
        return [project.work / "studio"]
    found = (work for work in project.work.glob("studio-a-*") if re.fullmatch(r"studio-a-[0-9a-f]{10}", work.name))
    return sorted(found)


def _own(url: str) -> dict[str, str]:
    """What a Label Studio says that the user runs."""
    from builder.annotation import studio

    facts = {"Label Studio": "one that you run, by LABEL_STUDIO_URL", "address": url.rstrip("/")}
    key = os.environ.get("LABEL_STUDIO_API_KEY")
    if not key:
        return facts | {"version": "not known: LABEL_STUDIO_API_KEY is not set"}
    client = studio.connect(url, key).client
    with studio.spoken(url):
        return facts | {"version": client.versions.get().release, "accounts": str(len(client.users.list()))}


def _refuse_own(fix: str) -> None:
    if os.environ.get("LABEL_STUDIO_URL"):
        raise refuse("own-studio", "LABEL_STUDIO_URL names a Label Studio that you run: khabar does not own its data",
                     fix=fix)  # fmt: skip


def _nobody() -> Refused:
    message = "no annotator has a Label Studio yet"
    return refuse("studio", message, fix="run `khabar studio invite NAME...`", exit_code=3)


@contextlib.contextmanager
def hub(project: Project, *, rehearse: bool) -> Iterator[tuple[str | None, str | None]]:
    """The Hub to talk to, as endpoint and token: a rehearsal one for as long as it is needed, or the user's."""
    if not rehearse:
        yield os.environ.get("HF_ENDPOINT"), os.environ.get("HF_TOKEN")
        return
    from builder.release.rehearsal import serve

    with serve(project.work / "hub") as rehearsal:
        yield rehearsal.url, "rehearsal"
