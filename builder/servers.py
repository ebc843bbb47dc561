"""Which Label Studio and which Hub a project talks to: the user's own, or those on this machine.

The user's own come from the environment: LABEL_STUDIO_URL with LABEL_STUDIO_API_KEY, HF_ENDPOINT with HF_TOKEN.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from builder.project import Project, template
from builder.records import Report, refuse

if TYPE_CHECKING:
    from builder.annotation.studio import Connection

Progress = Callable[[str], None]


def install(*, progress: Progress) -> Report:
    """Install Label Studio into an environment of its own, once for all projects."""
    from builder.annotation import server

    where = server.install(template() / "constraints-studio.txt", progress)
    return Report("studio install", facts={"Label Studio": str(where)})


def up(project: Project, port: int | None, *, progress: Progress) -> Report:
    """Start the project's Label Studio on loopback, or find it running."""
    from builder.annotation import server

    if port:
        server.refuse_busy_port(project.work / "studio", port)
    install(progress=progress)
    with project.lock():
        running = server.up(project.work / "studio", port=port, progress=progress)
    return Report("studio up", facts={"address": running.url, "next": "`khabar studio invite NAME` makes accounts"})


def down(project: Project) -> Report:
    """Stop the project's Label Studio; its data stays."""
    from builder.annotation import server

    stopped = server.down(project.work / "studio")
    return Report("studio down", facts={"Label Studio": "stopped" if stopped else "was not running"})


def invite(project: Project, names: Sequence[str]) -> Report:
    """Make annotators' accounts; each password is shown once and stored nowhere."""
    from builder.annotation import server

    made = server.accounts(project.work / "studio", names)
    return Report("studio invite", facts=dict(made))


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
    return studio.connect(running.url, running.token)


@contextlib.contextmanager
def hub(project: Project, *, rehearse: bool) -> Iterator[tuple[str | None, str | None]]:
    """The Hub to talk to, as endpoint and token: a rehearsal one for as long as it is needed, or the user's."""
    if not rehearse:
        yield os.environ.get("HF_ENDPOINT"), os.environ.get("HF_TOKEN")
        return
    from builder.release.rehearsal import serve

    with serve(project.work / "hub") as rehearsal:
        yield rehearsal.url, "rehearsal"
