"""The command `hub`: start and stop a local Hub server that outlives the command."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.labelstudio.server.ports import command_line
from builder.project.project import Project, find_project
from builder.records import Line, Report, user_error


@dataclass(frozen=True, slots=True, kw_only=True)
class HubUpReport(Report):
    """The report of `hub up`: the address, how large files are stored, and whether it was running already."""

    url: str
    xet: bool
    was_running: bool

    def lines(self) -> Iterator[Line]:
        """Return the address, and how to use it."""
        own = f"export HF_ENDPOINT={self.url} HF_TOKEN=rehearsal HF_HUB_DISABLE_XET={0 if self.xet else 1}"
        yield Line("rehearsal Hub", "was running already" if self.was_running else "up")
        yield Line("address", self.url)
        yield Line("large files", "through Xet" if self.xet else "through LFS")
        yield Line(
            "to use it", f"{own}\n    then `khabar push VERSION`, and load_dataset in any Python started after it"
        )
        yield Line("to stop it", "khabar hub down")


@dataclass(frozen=True, slots=True, kw_only=True)
class HubDownReport(Report):
    """The report of `hub down`."""

    was_running: bool

    def lines(self) -> Iterator[Line]:
        """Return whether it was running."""
        yield Line("rehearsal Hub", "stopped" if self.was_running else "was not running")


@click.group("hub")
def cli() -> None:
    """Run a local Hub server for rehearsals: real git, the Hub's own protocol, loopback only."""


@cli.command("up")
@click.option("--port", type=click.IntRange(1, 65535), help="The port on 127.0.0.1 (default: a free one).")
@click.option("--xet", is_flag=True, help="Store large files through Xet, as huggingface.co does; default: LFS.")
@verb
def up_cli(console: Console, port: int | None, xet: bool) -> HubUpReport:
    """Start the local Hub of this project and print its address and how to point HF_ENDPOINT at it."""
    return up(find_project(console.folder), port, xet=xet)


@cli.command("down")
@verb
def down_cli(console: Console) -> HubDownReport:
    """Stop the local Hub; pushed data stays in .khabar/hub."""
    return down(find_project(console.folder))


PATIENCE = 20.0
"""Seconds to wait for the Hub to start, and to stop."""

NAME = "hub-server"


@dataclass(frozen=True, slots=True)
class _Running:
    """The process of a running Hub, its address, and whether it stores large files through Xet."""

    pid: int
    url: str
    xet: bool

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])


def up(project: Project, port: int | None, *, xet: bool) -> HubUpReport:
    """Start the project's local Hub, or find it running. Raises KhabarError (exit code 2) if it cannot start."""
    with project.lock():
        running = _running(project)
        if running and running.xet == xet and port in {None, running.port}:
            return HubUpReport("hub up", url=running.url, xet=xet, was_running=True)
        if running:
            raise user_error(
                "hub-up",
                f"the rehearsal Hub is running already, in another way, at {running.url}",
                fix="run `khabar hub down` first",
            )
        log = project.work / "hub.log"
        command = [sys.executable, "-m", "builder.local_hub.server", str(_root(project)), "--port", str(port or 0)]
        with log.open("wb") as sink:
            child = subprocess.Popen(command + ["--xet"] * xet, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                                     start_new_session=True)  # fmt: skip
        url = _address(child, log)
        project.note(NAME, {"pid": str(child.pid), "url": url, "xet": str(xet)})
    return HubUpReport("hub up", url=url, xet=xet, was_running=False)


def down(project: Project) -> HubDownReport:
    """Stop the project's local Hub. Its data stay."""
    with project.lock():
        running = _running(project)
        if running:
            os.kill(running.pid, signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while _running(project) and time.monotonic() < deadline:
                time.sleep(0.05)
        project.note(NAME, {})
    return HubDownReport("hub down", was_running=running is not None)


def _root(project: Project) -> Path:
    return (project.work / "hub").resolve()


def _running(project: Project) -> _Running | None:
    """Return the running Hub, or None. A process id that another program has by now does not count."""
    noted = project.noted(NAME)
    if not noted:
        return None
    found = _Running(int(noted["pid"]), noted["url"], noted["xet"] == "True")
    command = command_line(found.pid)
    is_ours = b"builder.local_hub.server" in command and str(_root(project)).encode() in command
    return found if is_ours else None


def _address(child: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and child.poll() is None:
        said = log.read_text(encoding="utf-8", errors="replace")
        if said.endswith("\n"):
            return said.splitlines()[0]
        time.sleep(0.05)
    child.kill()
    child.wait()
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
    raise user_error("hub-up", f"the rehearsal Hub did not start: {lines[-1]}", where=str(log), fix="see there")
