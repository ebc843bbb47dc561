"""The command `hub`: start and stop a local Hub server that outlives the command."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click

from builder.cli.options import verb
from builder.cli.output import Console
from builder.project.project import Project, find_project
from builder.records import Report, user_error


@click.group("hub")
def cli() -> None:
    """Run a local Hub server for rehearsals: real git, the Hub's own protocol, loopback only."""


@cli.command("up")
@click.option("--port", type=click.IntRange(1, 65535), help="The port on 127.0.0.1 (default: a free one).")
@click.option("--xet", is_flag=True, help="Store large files through Xet, as huggingface.co does; default: LFS.")
@verb
def up_cli(console: Console, port: int | None, xet: bool) -> Report:
    """Start the local Hub of this project and print its address and how to point HF_ENDPOINT at it."""
    return up(find_project(console.folder), port, xet=xet)


@cli.command("down")
@verb
def down_cli(console: Console) -> Report:
    """Stop the local Hub; pushed data stays in .khabar/hub."""
    return down(find_project(console.folder))


PATIENCE = 20.0
"""Seconds to wait for the Hub to start, and to stop."""

NAME = "hub-server"


def up(project: Project, port: int | None, *, xet: bool) -> Report:
    """Start the project's local Hub, or find it running. Raises KhabarError (exit code 2) if it cannot start."""
    with project.lock():
        running = _running(project)
        if running and (running["xet"] == str(xet)) and port in {None, int(running["url"].rsplit(":", 1)[1])}:
            return _up_report(running, "was running already")
        if running:
            raise user_error(
                "hub-up",
                f"the rehearsal Hub is running already, in another way, at {running['url']}",
                fix="run `khabar hub down` first",
            )
        log = project.work / "hub.log"
        command = [sys.executable, "-m", "builder.local_hub.server", str(_root(project)), "--port", str(port or 0)]
        with log.open("wb") as sink:
            child = subprocess.Popen(command + ["--xet"] * xet, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                                     start_new_session=True)  # fmt: skip
        facts = {"pid": str(child.pid), "url": _address(child, log), "xet": str(xet)}
        project.note(NAME, facts)
    return _up_report(facts, "up")


def down(project: Project) -> Report:
    """Stop the project's local Hub. Its data stay."""
    with project.lock():
        running = _running(project)
        if running:
            os.kill(int(running["pid"]), signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while _running(project) and time.monotonic() < deadline:
                time.sleep(0.05)
        project.note(NAME, {})
    return Report("hub down", facts={"rehearsal Hub": "stopped" if running else "was not running"})


def _up_report(facts: dict[str, str], state: str) -> Report:
    off = "0" if facts["xet"] == "True" else "1"
    own = f"export HF_ENDPOINT={facts['url']} HF_TOKEN=rehearsal HF_HUB_DISABLE_XET={off}"
    return Report("hub up", facts={
        "rehearsal Hub": state, "address": facts["url"],
        "large files": "through Xet" if facts["xet"] == "True" else "through LFS",
        "to use it": f"{own}\n    then `khabar push VERSION`, and load_dataset in any Python started after it",
        "to stop it": "khabar hub down",
    })  # fmt: skip


def _root(project: Project) -> Path:
    return (project.work / "hub").resolve()


def _running(project: Project) -> dict[str, str]:
    """Return what is known of the running Hub, or nothing. A process id that another program has by now does not count."""
    facts = project.noted(NAME)
    if not facts:
        return {}
    status = Path(f"/proc/{facts['pid']}/stat")
    try:
        command = Path(f"/proc/{facts['pid']}/cmdline").read_bytes().split(b"\0")
        ended = status.read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return {}
    return (
        facts
        if not ended and b"builder.local_hub.server" in command and str(_root(project)).encode() in command
        else {}
    )


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
