"""Ports and processes of the embedded server: which is ours, which is free."""

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from builder.labelstudio.server.install import LAUNCHER
from builder.records import KhabarError, Notify, user_error

EXEC_TIMEOUT = 1.0
"""Seconds to wait for the arguments of a process that was just started: until its program is loaded it has none."""


def choose_port(work: Path, port: int | None, progress: Notify) -> int:
    """Return the port asked for, else the last one, so that links stay valid, else a free one.

    Raises KhabarError (exit code 2) if the port asked for is in use.
    """
    last = last_state(work)
    wanted = port or (last[1] if last else None)
    if wanted:
        # The kernel needs a moment to close the port of a server that was just killed.
        deadline = time.monotonic() + (2 if last and last[1] == wanted else 0)
        while not (free := is_free(wanted)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if free:
            return wanted
        if port:
            raise _busy(port)
        progress(f"port {wanted}, which this project used before, is in use; choosing another")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
        return chosen


def refuse_busy_port(work: Path, port: int) -> None:
    """Raise KhabarError (exit code 2) if another program uses the port. Call it before a long installation."""
    if running_state(work) is None and last_state(work) is None and not is_free(port):
        raise _busy(port)


def _busy(port: int) -> KhabarError:
    message = f"port {port} on 127.0.0.1 is in use by another program"
    return user_error("busy-port", message, fix="choose another port with --port, or omit --port")


def is_free(port: int) -> bool:
    """Return whether nothing listens on a port of this machine."""
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as the server does, so that a port in TIME_WAIT counts as free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def last_state(work: Path) -> tuple[int, int] | None:
    """Return the process id and port of the last server, running or not; None if there is no readable state file."""
    try:
        state = json.loads((work / "state.json").read_text())
        return int(state["pid"]), int(state["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running_state(work: Path) -> tuple[int, int] | None:
    """Return the process id and port of the running server, or None."""
    last = last_state(work)
    return last if last and is_ours(last[0], work) else None


def is_ours(pid: int, work: Path) -> bool:
    """Return whether a process is this project's server, and not another one that reused its id after a crash."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    arguments = command_line(pid)
    return str(LAUNCHER).encode() in arguments and str((work / "data").resolve()).encode() in arguments


def command_line(pid: int) -> list[bytes]:
    """Return the arguments of a process; none if it has ended, or belongs to the kernel."""
    deadline = time.monotonic() + EXEC_TIMEOUT
    with contextlib.suppress(OSError):
        while (
            not (found := Path(f"/proc/{pid}/cmdline").read_bytes()) and not _ended(pid) and time.monotonic() < deadline
        ):
            time.sleep(0.001)
        return found.split(b"\0")
    return []


def _ended(pid: int) -> bool:
    """Return whether a process has ended and waits for its parent."""
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b") ")[2][:1] in b"ZX"
