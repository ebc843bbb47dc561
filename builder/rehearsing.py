"""The rehearsal Hub as a server of its own: started and stopped by hand, for trying things out.

It runs as a process that outlives the command, on loopback only, and keeps its data in .khabar/hub.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from builder.project import Project
from builder.records import Report, refuse

PATIENCE = 20.0
"""Seconds that a Hub has for starting, and for ending."""
NAME = "hub-server"


def up(project: Project, port: int | None, *, xet: bool) -> Report:
    """Start the project's rehearsal Hub, or find it running; raises Refused (exit code 2) where it cannot start."""
    with project.lock():
        running = _running(project)
        if running and (running["xet"] == str(xet)) and port in {None, int(running["url"].rsplit(":", 1)[1])}:
            return _told(running, "was running already")
        if running:
            raise refuse("hub-up", f"the rehearsal Hub is running already, in another way, at {running['url']}",
                         fix="run `khabar hub down` first")  # fmt: skip
        log = project.work / "hub.log"
        command = [sys.executable, "-m", "builder.release.rehearsal", str(_root(project)), "--port", str(port or 0)]
        with log.open("wb") as sink:
            child = subprocess.Popen(command + ["--xet"] * xet, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink,
                                     start_new_session=True)  # fmt: skip
        facts = {"pid": str(child.pid), "url": _address(child, log), "xet": str(xet)}
        project.note(NAME, facts)
    return _told(facts, "up")


def down(project: Project) -> Report:
    """Stop the project's rehearsal Hub; its data stay."""
    with project.lock():
        running = _running(project)
        if running:
            os.kill(int(running["pid"]), signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            while _running(project) and time.monotonic() < deadline:
                time.sleep(0.05)
        project.note(NAME, {})
    return Report("hub down", facts={"rehearsal Hub": "stopped" if running else "was not running"})


def _told(facts: dict[str, str], state: str) -> Report:
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
    """What is known of the running Hub, or nothing; a number that another program has by now is not ours."""
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
        if not ended and b"builder.release.rehearsal" in command and str(_root(project)).encode() in command
        else {}
    )


def _address(child: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and child.poll() is None:
        said = log.read_text(encoding="utf-8", errors="replace")
        if said.endswith("\n"):
            return said.splitlines()[0]
        time.sleep(0.05)
    child.kill()
    child.wait()
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["it said nothing"]
    raise refuse("hub-up", f"the rehearsal Hub did not start: {lines[-1]}", where=str(log), fix="see there")
